"""Hands in the plots: traffic and promises dragged there, tiers ticked there, and what a lock holds."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from explorer.scenario.path import get
from explorer.ui.main_window import MainWindow
from tests.ui.hands import slider

RATE = "workloads.0.traffic.request_rate_per_s"


def pull(widget: QWidget, start: QPoint, to: QPoint, moves: int = 5) -> None:
    """Take hold at a point and pull in a few moves, then let go."""
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, moves + 1):
        QTest.mouseMove(widget, start + (to - start) * step / moves)
        QApplication.processEvents()
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=to)
    QApplication.processEvents()


def at(window: MainWindow, rate: float, seconds: float) -> QPoint:
    """Where a rate and a latency lie in the plot."""
    axes, area = window.tail.values().axes, window.tail.area
    x = area.left() + (rate - axes.rate.low) / (axes.rate.high - axes.rate.low) * area.width()
    low, high = math.log10(axes.latency.low), math.log10(axes.latency.high)
    y = area.bottom() - (math.log10(seconds) - low) / (high - low) * area.height()
    return QPointF(x, y).toPoint()


def test_that_traffic_dragged_in_the_plot_is_one_undoable_step_and_the_slider_follows(window: MainWindow) -> None:
    foot = window.tail.values().axes.latency.low * 1.3
    pull(window.tail, at(window, 12.0, foot), at(window, 16.0, foot))
    assert get(window.document.scenario, RATE) == pytest.approx(16.0, rel=0.03)
    assert slider(window, "request_rate_per_s").value == get(window.document.scenario, RATE)
    assert window.document.undo_stack.count() == 1 and not window.document.is_dragging
    window.document.undo_stack.undo()
    assert get(window.document.scenario, RATE) == 12


def test_that_a_promise_is_dragged_to_another_latency(window: MainWindow) -> None:
    metric = window.tail.shown_metric
    path = f"workloads.0.objectives.{metric}_p99_s"
    before = get(window.document.scenario, path)
    rates = window.tail.values().axes.rate
    right = rates.low + 0.9 * (rates.high - rates.low)
    pull(window.tail, at(window, right, before), at(window, right, before * 1.5))
    assert get(window.document.scenario, path) == pytest.approx(before * 1.5, rel=0.05)
    assert window.document.undo_stack.count() == 1


def test_that_a_promise_dragged_far_stays_in_the_hand_and_leaves_the_other_one_alone(window: MainWindow) -> None:
    metric = window.tail.shown_metric
    promises = window.document.workload.objectives
    before = getattr(promises, f"{metric}_p99_s")
    axes = window.tail.values().axes
    right = axes.rate.low + 0.9 * (axes.rate.high - axes.rate.low)
    far = max(before / 10, axes.latency.low) if before * 10 > axes.latency.high else before * 10
    pull(window.tail, at(window, right, before), at(window, right, far), moves=12)
    after = window.document.workload.objectives
    assert getattr(after, f"{metric}_p99_s") == pytest.approx(far, rel=0.05)
    assert after == promises.model_copy(update={f"{metric}_p99_s": getattr(after, f"{metric}_p99_s")})
    assert window.tail.shown_metric == metric


def test_that_a_locked_slider_holds_its_line_too_and_says_so(window: MainWindow) -> None:
    slider(window, "request_rate_per_s").set_locked(True)
    foot = window.tail.values().axes.latency.low * 1.3
    pull(window.tail, at(window, 12.0, foot), at(window, 16.0, foot))
    assert get(window.document.scenario, RATE) == 12 and "locked" in window.messages.text


def test_that_a_tier_ticked_in_the_plot_counts_in_the_scenario(window: MainWindow) -> None:
    before = window.document.scenario.fleet.tiers
    window.concentration.toggle_tier(before[0])
    QApplication.processEvents()
    assert before[0] not in window.document.scenario.fleet.tiers
    assert not window.panel.fleet.tiers[before[0]].isChecked()
    window.concentration.toggle_tier(before[0])
    assert set(window.document.scenario.fleet.tiers) == set(before)


@pytest.mark.parametrize("name", ["tail", "memory", "concentration"])
def test_that_each_plot_of_the_window_offers_its_picture_and_values(window: MainWindow, name: str) -> None:
    plot = getattr(window, name)
    spot = QPoint(60, 60)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, spot, plot.mapToGlobal(spot))
    QApplication.sendEvent(plot, event)
    (menu,) = [one for one in plot.findChildren(QMenu) if one.isVisible()]
    offered = [one.text() for one in menu.actions() if one.isEnabled()]
    assert offered == ["Copy picture", "Save picture…", "Save values…"]
    menu.close()


def take(widget: QWidget, start: QPoint, to: QPoint) -> None:
    """Take hold at a point and pull, without letting go."""
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(widget, to)
    QApplication.processEvents()


def pull_on(widget: QWidget, to: QPoint) -> None:
    """Pull what is held, or was, to another point and let go."""
    QTest.mouseMove(widget, to)
    QApplication.processEvents()
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=to)
    QApplication.processEvents()


@pytest.mark.parametrize("change", ["another file", "an alternative fewer", "another workload", "another selected"])
@pytest.mark.parametrize("held", ["slider", "plot"])
def test_that_a_drag_ends_with_what_it_held(window: MainWindow, held: str, change: str, scenarios_folder: Path) -> None:
    document = window.document
    if held == "slider":
        track = slider(window, "request_rate_per_s").track
        widget: QWidget = track
        start = QPoint(round(track.handle_x()), track.height() // 2)
        take(widget, start, start + QPoint(12, 0))
    else:
        foot = window.tail.values().axes.latency.low * 1.3
        widget, start = window.tail, at(window, 12.0, foot)
        take(widget, start, at(window, 16.0, foot))
    assert document.is_dragging and get(document.scenario, RATE) != 12
    if change == "another file":
        assert window.open_file(scenarios_folder / "llama-70b-chat.toml")
    elif change == "another workload":
        document.select_workload(1)
    else:
        workload = document.workload
        other = next(one for one in workload.alternatives if one.name != workload.selected)
        if change == "another selected":
            document.change(document.workload_path("selected"), other.name)
        else:
            rest = tuple(one for one in workload.alternatives if one is not other)
            document.change(document.workload_path("alternatives"), rest)
    assert not document.is_dragging
    before = document.scenario
    pull_on(widget, start + QPoint(40, 0))
    assert document.scenario is before and not document.is_dragging
    track = slider(window, "request_rate_per_s").track
    assert not track.isSliderDown() and not window.tail._grips.held
