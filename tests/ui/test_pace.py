"""What only follows a hand is shown when it begins, at a pace, and never misses the end."""

from __future__ import annotations

from types import SimpleNamespace

from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from explorer.ui.pace import NextTurn, Pace


class Hand(QObject):
    """As much of a document as a pace knows."""

    dragging_changed = Signal(bool)
    is_dragging = False

    def __init__(self) -> None:
        super().__init__()
        self.answers = SimpleNamespace(is_arriving=False)

    def drag(self, dragging: bool) -> None:
        self.is_dragging = dragging
        self.dragging_changed.emit(dragging)


def test_that_everything_is_shown_at_once_while_no_hand_moves() -> None:
    hand, shown = Hand(), []
    pace = Pace(hand, lambda: shown.append(1), 50, hand)  # type: ignore[arg-type]
    for _ in range(3):
        pace.ask()
    assert len(shown) == 3


def test_that_a_moving_hand_is_followed_at_the_pace_and_to_the_end(qtbot: QtBot) -> None:
    hand, shown = Hand(), []
    pace = Pace(hand, lambda: shown.append(1), 30, hand)  # type: ignore[arg-type]
    hand.drag(True)
    for _ in range(20):
        pace.ask()
    assert len(shown) == 1
    qtbot.waitUntil(lambda: len(shown) == 2, timeout=20_000)
    pace.ask()
    hand.drag(False)
    assert len(shown) == 3
    # Nothing new since: the end of another drag shows nothing.
    hand.drag(True)
    hand.drag(False)
    assert len(shown) == 3


def test_that_what_the_worker_answers_follows_one_turn_later_and_what_the_hand_does_at_once(qtbot: QtBot) -> None:
    hand, shown = Hand(), []
    turn = NextTurn(hand, lambda: shown.append(1), hand)  # type: ignore[arg-type]
    hand.answers.is_arriving = True
    turn.ask()
    turn.ask()
    assert shown == []
    qtbot.waitUntil(lambda: bool(shown), timeout=20_000)
    assert len(shown) == 1, "two answers in one turn are shown once"
    turn.ask()
    hand.answers.is_arriving = False
    turn.ask()
    assert len(shown) == 2
    qtbot.wait(20)
    assert len(shown) == 2, "what the hand did shows the answer as well"


def test_that_a_pace_also_waits_a_turn_for_an_answer_of_the_worker(qtbot: QtBot) -> None:
    hand, shown = Hand(), []
    pace = Pace(hand, lambda: shown.append(1), 50, hand)  # type: ignore[arg-type]
    hand.answers.is_arriving = True
    pace.ask()
    assert shown == []
    qtbot.waitUntil(lambda: len(shown) == 1, timeout=20_000)
