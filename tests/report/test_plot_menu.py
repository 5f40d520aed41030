"""The menu of a plot opens under a right click and does what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.report.export import Plot
from explorer.report.plot_menu import PlotMenu
from tests.sample_outcome import sample_outcome

MakeMenu = Callable[..., PlotMenu]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def make(qtbot: QtBot, told: list[str]) -> MakeMenu:
    def menu(kind: type[Plot] = MemoryFitPlot, answer: tuple[str, str] = ("", ""), filled: bool = True) -> PlotMenu:
        plot = kind()
        qtbot.addWidget(plot)
        plot.resize(320, 280)
        plot.show()
        if filled:
            plot.show_outcome(sample_outcome(), 0)
        return PlotMenu(plot, told.append, lambda *_: answer)

    return menu


def right_click(widget: QWidget) -> None:
    at = QPoint(60, 60)
    QApplication.sendEvent(widget, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, widget.mapToGlobal(at)))


@pytest.mark.parametrize("kind", [TailLatencyPlot, MemoryFitPlot, ConcentrationPlot])
def test_that_a_right_click_opens_the_menu(make: MakeMenu, kind: type[Plot]) -> None:
    made = make(kind)
    plot = made.parent()
    right_click(plot)
    assert made.menu.isVisible()
    assert [action.text() for action in made.menu.actions()] == ["Copy picture", "Save picture…", "Save values…"]
    made.menu.close()


def test_that_values_wait_for_the_first_outcome(make: MakeMenu) -> None:
    made = make(filled=False)
    right_click(made.parent())
    assert not made.values.isEnabled() and made.copy.isEnabled()
    made.menu.close()


def test_that_the_picture_is_copied_at_two_dots_a_pixel(make: MakeMenu) -> None:
    make().copy.trigger()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (640, 560)


@pytest.mark.parametrize(
    ("typed", "kind", "written"),
    [
        ("a.png", "PNG picture (*.png)", "a.png"),
        ("a", "PNG picture (*.png)", "a.png"),
        ("a", "SVG drawing (*.svg)", "a.svg"),
        ("a.SVG", "PNG picture (*.png)", "a.SVG"),
        ("v1.2 plot.svg", "PNG picture (*.png)", "v1.2 plot.svg"),
    ],
)
def test_that_the_ending_or_the_filter_decides_the_kind(
    make: MakeMenu, tmp_path: Path, typed: str, kind: str, written: str
) -> None:
    make(answer=(str(tmp_path / typed), kind)).picture.trigger()
    path = tmp_path / written
    assert [entry.name for entry in tmp_path.iterdir()] == [written]
    if path.suffix.lower() == ".svg":
        assert b"<svg" in path.read_bytes()
    else:
        assert QImage(str(path)).width() == 640


def test_that_values_are_saved_with_their_ending(make: MakeMenu, tmp_path: Path) -> None:
    make(answer=(str(tmp_path / "numbers"), "")).values.trigger()
    assert (tmp_path / "numbers.csv").read_text(encoding="utf-8").startswith("# Memory fit")


def test_that_a_cancelled_dialog_writes_and_says_nothing(make: MakeMenu, told: list[str]) -> None:
    made = make()
    made.picture.trigger()
    made.values.trigger()
    assert not told


def test_that_a_failure_is_told_and_raises_nothing(make: MakeMenu, told: list[str], tmp_path: Path) -> None:
    made = make(answer=(str(tmp_path / "missing" / "a.png"), ""))
    made.picture.trigger()
    made.values.trigger()
    assert len(told) == 2 and all("choose another place" in text for text in told)
