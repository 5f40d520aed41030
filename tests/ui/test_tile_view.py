"""A tile is painted when its figure changes, beside it at a pace, and not for what nobody sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.tokens import LIGHT
from explorer.ui import theme
from explorer.ui.verdict import Tile
from explorer.ui.verdict_strip import TileView

FIRST = Tile("ttft", "P99 first token", "0.31 s", band="0.2–0.9", note="▲ 4 %", why="evidence: measured")


class Paints(QObject):
    """How often a widget was painted."""

    count = 0

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


@pytest.fixture
def view(qtbot: QtBot, qapp: QApplication) -> TileView:
    theme.apply(qapp, LIGHT)
    made = TileView("ttft")
    qtbot.addWidget(made)
    made.resize(140, 80)
    made.show_tile(FIRST)
    made.show()
    qtbot.waitExposed(made)
    QApplication.processEvents()
    return made


def test_that_a_figure_is_painted_at_once_and_its_band_at_a_pace(view: TileView, qtbot: QtBot) -> None:
    paints = Paints()
    view.installEventFilter(paints)

    def painted(tile: Tile, *, dragging: bool) -> int:
        before = paints.count
        view.show_tile(tile, dragging=dragging)
        QApplication.processEvents()
        return paints.count - before

    assert painted(replace(FIRST, figure="0.32 s"), dragging=True) == 1
    assert painted(replace(FIRST, figure="0.32 s", band="0.2–1.0"), dragging=True) == 1
    assert painted(replace(FIRST, figure="0.32 s", band="0.2–1.1"), dragging=True) == 0
    before = paints.count
    qtbot.waitUntil(lambda: paints.count > before)
    # the hand rests while something waits, and what comes then differs in nothing that is seen
    assert painted(replace(FIRST, figure="0.32 s", band="0.2–1.2"), dragging=True) == 0
    assert painted(replace(FIRST, figure="0.32 s", band="0.2–1.2", why="simulated"), dragging=False) == 1
    assert painted(replace(FIRST, figure="0.32 s", band="0.2–1.3", why="simulated"), dragging=False) == 1


def test_that_what_is_not_seen_paints_nothing_and_is_told_all_the_same(view: TileView, qtbot: QtBot) -> None:
    paints = Paints()
    view.installEventFilter(paints)
    view.show_tile(replace(FIRST, why="evidence: assumed"), dragging=True)
    QApplication.processEvents()
    assert paints.count == 0 and "evidence: assumed" in view.tip()
    qtbot.waitUntil(lambda: "evidence: assumed" in view.accessibleDescription())
