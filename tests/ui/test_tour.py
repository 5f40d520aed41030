"""The tour: four stops, each beside what it speaks of, shown once by itself, and the window in use meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.ui.first_run import SETTLE_MS, start_tour, stops, tour_on_first_sight
from explorer.ui.main_window import LEAST, MainWindow
from explorer.ui.remembered_layout import RememberedLayout
from explorer.ui.settings import Settings, read_settings
from explorer.ui.tour import Tour, beside
from tests.ui.hands import slider, type_value


@pytest.fixture
def layout(window: MainWindow, tmp_path: Path) -> RememberedLayout:
    """A first start."""
    return RememberedLayout(window, Settings(), tmp_path / "config")


def test_that_keys_lead_through_four_stops_and_out(window: MainWindow, layout: RememberedLayout) -> None:
    tour = start_tour(window, layout)
    ended: list[bool] = []
    tour.ended.connect(lambda: ended.append(True))
    headings = []
    for _ in range(4):
        headings.append(tour.stop.heading)
        assert tour.isVisible() and tour.accessibleDescription().startswith(tour.stop.heading)
        QTest.keyClick(tour, Qt.Key.Key_Right)
    assert len(set(headings)) == 4 and ended == [True] and not tour.isVisible()


def test_that_one_can_go_back_and_leave(window: MainWindow, layout: RememberedLayout) -> None:
    tour = start_tour(window, layout)
    tour.on.click()
    QTest.keyClick(tour, Qt.Key.Key_Left)
    assert tour.place == 0
    QTest.keyClick(tour, Qt.Key.Key_Escape)
    assert not tour.isVisible()


def test_that_the_window_can_be_used_during_the_tour(window: MainWindow, layout: RememberedLayout) -> None:
    tour = start_tour(window, layout)
    type_value(slider(window, "batch_size"), "64")
    assert window.document.alternative.max_batch == 64 and tour.isVisible()
    tour.end()


def test_that_the_outline_follows_what_it_surrounds(window: MainWindow, layout: RememberedLayout) -> None:
    window.messages.show_message("Recovered what was there after the last end", "remark")
    QApplication.processEvents()
    tour = start_tour(window, layout)
    target = tour.stop.targets[0]
    before = target.mapTo(window, QPoint(0, 0))
    window.messages.clear()
    QApplication.processEvents()
    assert target.mapTo(window, QPoint(0, 0)).y() < before.y()
    area = QRect()
    for one in tour.stop.targets:
        area = area.united(QRect(one.mapTo(window, QPoint(0, 0)), one.size()))
    assert tour._frame.geometry() == area.adjusted(-3, -3, 3, 3).intersected(window.rect())
    tour.end()


@pytest.mark.parametrize("size", [LEAST, (1440, 900)])
def test_that_each_card_is_whole_and_leaves_most_of_its_subject_in_view(
    window: MainWindow, layout: RememberedLayout, size: tuple[int, int]
) -> None:
    window.resize(*size)
    QApplication.processEvents()
    tour = start_tour(window, layout)
    for place, stop in enumerate(stops(window)):
        tour.go(place)
        QApplication.processEvents()
        assert window.rect().contains(tour.geometry())
        assert tour.height() >= tour.layout().heightForWidth(tour.width())
        for target in stop.targets:
            area = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
            hidden = area.intersected(tour.geometry())
            assert hidden.width() * hidden.height() < 0.35 * area.width() * area.height(), stop.heading
    tour.end()


def test_that_it_comes_by_itself_once(
    window: MainWindow, layout: RememberedLayout, qtbot: QtBot, tmp_path: Path
) -> None:
    window.show_start()
    tour_on_first_sight(window, layout)
    qtbot.wait(SETTLE_MS + 200)
    assert window.findChild(Tour) is None
    window.show_desk()
    qtbot.waitUntil(lambda: window.findChild(Tour) is not None, timeout=20_000)
    window.findChild(Tour).end()
    layout.remember()
    kept = read_settings(tmp_path / "config")
    assert kept.toured
    again = RememberedLayout(window, replace(kept), tmp_path / "config")
    tour_on_first_sight(window, again)
    qtbot.wait(SETTLE_MS + 200)
    QApplication.processEvents()
    assert not [one for one in window.findChildren(Tour) if one.isVisible()]


def test_that_a_card_with_room_nowhere_stands_within_its_subject() -> None:
    window, card = QRect(0, 0, 1280, 720), QRect(0, 0, 320, 150)
    corner = beside(QRect(10, 10, 1260, 700), card, window)
    assert window.contains(QRect(corner, card.size()))
