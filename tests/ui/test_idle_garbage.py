"""Circles of objects go when they are due, and not while a hand moves."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
import shiboken6

from explorer.ui.document import Document
from explorer.ui.idle_garbage import MOST_NEW, IdleGarbage


class Knot:
    """Refers to itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def garbage(document: Document) -> Iterator[IdleGarbage]:
    before = gc.isenabled()
    made = IdleGarbage(document)
    yield made
    shiboken6.delete(made)
    gc.unfreeze()
    if before:
        gc.enable()


def knot_among(others: int) -> tuple[weakref.ref[Knot], list[list[int]]]:
    """A circle that nobody holds, and so many objects that somebody does."""
    return weakref.ref(Knot()), [[number] for number in range(others)]


def test_that_the_interpreter_looks_no_more_of_its_own(garbage: IdleGarbage) -> None:
    circle, _others = knot_among(5 * gc.get_threshold()[0])
    assert not gc.isenabled() and gc.get_freeze_count() > 0
    assert circle() is not None


def test_that_a_circle_goes_when_enough_is_new(garbage: IdleGarbage) -> None:
    gc.collect()
    circle, _others = knot_among(2 * gc.get_threshold()[0])
    garbage.look()
    assert circle() is None


def test_that_little_is_not_looked_through(garbage: IdleGarbage) -> None:
    gc.collect()
    circle, _others = knot_among(0)
    garbage.look()
    assert circle() is not None


def test_that_a_moving_hand_is_not_made_to_wait(garbage: IdleGarbage, document: Document) -> None:
    gc.collect()
    document.begin_drag()
    circle, _others = knot_among(2 * gc.get_threshold()[0])
    garbage.look()
    assert circle() is not None
    document.end_drag()
    garbage.look()
    assert circle() is None


def test_that_a_hand_that_never_rests_does_not_fill_the_memory(garbage: IdleGarbage, document: Document) -> None:
    gc.collect()
    document.begin_drag()
    circle, _others = knot_among(MOST_NEW + 1)
    garbage.look()
    assert circle() is None
    document.end_drag()


def test_that_the_interpreter_takes_over_again_at_the_end(document: Document) -> None:
    made = IdleGarbage(document)
    assert not gc.isenabled()
    shiboken6.delete(made)
    assert gc.isenabled()
    gc.unfreeze()
