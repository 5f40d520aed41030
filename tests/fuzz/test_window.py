"""A hand that does anything to the window: nothing is raised, all can be undone, nothing is left behind."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from explorer.scenario.schema import Scenario
from explorer.scenario.tables import plain, same
from explorer.ui.main_window import MainWindow
from tests.fuzz.mutations import broken_bytes
from tests.fuzz.random_walk import Hand

STEPS = 60


def told(hand: Hand, seed: int) -> str:
    """What the hand did last, for whoever reads a failure."""
    return f"seed {seed}: " + "; ".join(hand.did[-12:])


@pytest.mark.parametrize("seed", [1, 2])
def test_that_a_random_walk_raises_nothing_and_can_be_undone_to_the_start(
    window: MainWindow, scenarios_folder: Path, tmp_path: Path, seed: int
) -> None:
    """What is raised in a slot fails the test by itself: pytest-qt listens to the interpreter's hook."""
    random = Random(seed)
    hand = Hand(window, random, ("cost", "evidence"))
    before, threads = window.document.scenario, set(threading.enumerate())
    for step in range(STEPS):
        hand.step()
        document = window.document
        # what is on the screen is a scenario that a file can hold
        assert Scenario.model_validate(plain(document.scenario)) == document.scenario, told(hand, seed)
        if step % 20 == 19:
            kept = document.scenario
            broken = tmp_path / f"broken-{step}.toml"
            sources = sorted(scenarios_folder.glob("*.toml"))
            broken.write_bytes(broken_bytes(random, random.choice(sources).read_bytes())[:-40])
            if hand.open(broken):
                before = document.scenario
            else:
                assert document.scenario is kept, told(hand, seed)
    hand.back_to_the_start()
    assert same(plain(window.document.scenario), plain(before)), told(hand, seed)
    window.document.undo_stack.setClean()
    window.close()
    QApplication.processEvents()
    assert set(threading.enumerate()) <= threads
    assert not [one for one in window.document.findChildren(QTimer) if one.isActive() and not one.isSingleShot()]
