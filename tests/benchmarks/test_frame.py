"""How long a frame takes: printed as percentiles, never asserted on. Run: pytest tests/benchmarks -m benchmark -s"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import load_catalog
from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.painted_plot import PaintedPlot
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.plots.tokens import LIGHT
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace
from explorer.study import closed_form_code, solver
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.ui import theme
from explorer.ui.document import Document
from explorer.ui.idle_garbage import IdleGarbage
from explorer.ui.main_window import MainWindow
from tests.sample_outcome import sample_outcome

MOVES = 300
WARM_UP = 20
SLIDES = (
    ("workloads.0.traffic.request_rate_per_s", 4.0, 40.0),
    ("workloads.0.model.size_billion", 30.0, 150.0),
    ("workloads.0.alternatives.0.max_batch", 4.0, 1024.0),
)


class PaintCounter(QObject):
    """Counts the paint events of the widgets it watches, from one `with` to its end."""

    def __init__(self, widgets: list[QWidget]) -> None:
        super().__init__()
        self._widgets = widgets
        self.count = 0

    def __enter__(self) -> PaintCounter:
        for widget in self._widgets:
            widget.installEventFilter(self)
        return self

    def __exit__(self, *_: object) -> None:
        for widget in self._widgets:
            widget.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def painted_parts(widgets: Iterable[QWidget]) -> list[QWidget]:
    """The widgets and what is within them: a plot of which only the curves move paints its chart alone."""
    shown = list(widgets)
    return shown + [part for widget in shown for part in widget.findChildren(QWidget)]


def measure(move: Callable[[int], None], painted: PaintCounter, *, each: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """CPU and wall milliseconds of each move, from the call until everything pending is painted.

    A move that is not painted fails, unless not `each` of them changes what is shown. All are made twice: to look
    whether they are painted takes 20 calls of the interpreter a frame, and would be measured with it.
    """
    cpu, wall = np.empty(MOVES), np.empty(MOVES)
    with painted:
        for number in range(-WARM_UP, MOVES):
            before = painted.count
            move(number)
            QApplication.processEvents()
            assert painted.count > before, "a move that is not painted is not measured"
    for number in range(-WARM_UP, MOVES):
        cpu_start, wall_start = time.process_time(), time.perf_counter()
        move(number)
        QApplication.processEvents()
        if number >= 0:
            cpu[number] = 1e3 * (time.process_time() - cpu_start)
            wall[number] = 1e3 * (time.perf_counter() - wall_start)
    return cpu, wall


def report(name: str, cpu: np.ndarray, wall: np.ndarray) -> None:
    """One line of the printed table."""
    middle, high = np.percentile(cpu, [50, 95])
    print(f"\n{name}: CPU p50 {middle:.2f} ms, p95 {high:.2f} ms; wall p99 {np.percentile(wall, 99):.2f} ms")


def moving_outcomes() -> list[Outcome]:
    """Outcomes as a dragged slider gives them: rates, latencies, memory and shares all move a little."""
    return [
        sample_outcome(
            latency_factor=1.0 + 0.002 * step,
            request_rate=8.0 + 0.05 * step,
            parameters=60e9 + 2e8 * step,
            designer_shares=(0.5 + 0.002 * step, 0.25, 0.25 - 0.002 * step),
        )
        for step in range(100)
    ]


@pytest.mark.benchmark
@pytest.mark.parametrize("name", ["tail", "memory", "concentration", "all three"])
def test_that_the_plots_print_what_a_frame_costs(qtbot: QtBot, name: str) -> None:
    plots: dict[str, TailLatencyPlot | PaintedPlot] = {
        "tail": TailLatencyPlot(),
        "memory": MemoryFitPlot(),
        "concentration": ConcentrationPlot(),
    }
    shown = list(plots.values()) if name == "all three" else [plots[name]]
    frame = QWidget()
    qtbot.addWidget(frame)
    row = QHBoxLayout(frame)
    for plot, stretch in zip(plots.values(), (54, 23, 24), strict=True):
        row.addWidget(plot, stretch)
        plot.setVisible(plot in shown)
    frame.resize(1110 if len(shown) == 3 else 560, 390)
    frame.show()
    outcomes, baseline = moving_outcomes(), sample_outcome(selected=1, latency_factor=1.5)

    def move(number: int) -> None:
        for plot in shown:
            plot.show_outcome(outcomes[number % len(outcomes)], 0, baseline)

    for plot in shown:
        plot.show_outcome(outcomes[0], 0, baseline)
        if isinstance(plot, TailLatencyPlot):
            plot.set_dragging(True)
    QApplication.processEvents()
    cpu, wall = measure(move, PaintCounter(painted_parts(shown)))
    report(f"{name}, 4 alternatives, {MOVES} moves", cpu, wall)
    before = [plot.grab().toImage() for plot in shown]
    move(50)
    assert all(old != plot.grab().toImage() for old, plot in zip(before, shown, strict=True))


def opened(qtbot: QtBot, qapp: QApplication, scenarios_folder: Path) -> tuple[MainWindow, LiveEvaluator]:
    """The window on the founding question, with no worker asked for anything but the loops it compiles once."""
    theme.apply(qapp, LIGHT)
    catalog = load_catalog()
    closed_form_code.made()
    live = LiveEvaluator(catalog)
    document = Document(catalog, live, read_scenario(scenarios_folder / "ai200-on-aws.toml", catalog).scenario)
    document.answers.refine_timer.setInterval(3_600_000)
    window = MainWindow(document)
    window.panel.unfold("traffic", "open_figures")
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    return window, live


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_that_the_window_prints_what_a_move_costs_with_each_page_open(
    qtbot: QtBot, qapp: QApplication, scenarios_folder: Path
) -> None:
    """With a baseline pinned; the three plots above the page move too."""
    window, _ = opened(qtbot, qapp, scenarios_folder)
    document = window.document
    path, low, high = SLIDES[1]
    document.change(path, high)
    document.pin_baseline()
    IdleGarbage(document)
    document.begin_drag()
    for key in window.book.keys:
        window.book.show_page(key)
        qapp.processEvents()
        live_parts = [window.tail, window.memory, window.concentration, *window.verdict.tiles.values()]
        painted = PaintCounter(painted_parts(live_parts))
        cpu, wall = measure(
            lambda number: document.change(path, low * (high / low) ** float(0.5 + 0.4 * np.sin(number / 25))),
            painted,
        )
        report(f"page {key}, {path}", cpu, wall)
    document.end_drag()


@pytest.mark.benchmark
@pytest.mark.parametrize("by", ["loops", "arrays"])
@pytest.mark.parametrize("path, low, high", SLIDES, ids=[slide[0].rpartition(".")[2] for slide in SLIDES])
def test_that_the_window_prints_what_a_slider_move_costs(
    qtbot: QtBot, qapp: QApplication, scenarios_folder: Path, path: str, low: float, high: float, by: str
) -> None:
    """By compiled loops, as ever after the first minute, and by arrays, as until then."""
    window, live = opened(qtbot, qapp, scenarios_folder)
    if by == "arrays":
        solver.use(solver.Arrays())
    document = window.document
    assert len(document.workload.alternatives) == 4
    engine = np.zeros(MOVES)

    def value(number: int) -> float | int:
        travel = 0.5 + 0.4 * np.sin(number / 25)
        there = low * (high / low) ** float(travel)
        # even and odd in turn, so that no two moves in a row are the same whole number
        return 2 * round(there / 2) + number % 2 if path.endswith("max_batch") else there

    def move(number: int) -> None:
        document.change(path, value(number))

    IdleGarbage(document)
    document.begin_drag()
    live_parts = [window.tail, window.memory, window.concentration, *window.verdict.tiles.values()]
    cpu, wall = measure(move, PaintCounter(painted_parts(live_parts)))
    document.end_drag()
    report(f"window, {path}, 4 alternatives, {MOVES} moves, by {by}", cpu, wall)
    for number in range(MOVES):
        scenario = replace(document.scenario, path, value(number))
        start = time.process_time()
        live.quick(scenario, window.tail.shown_metric)
        engine[number] = 1e3 * (time.process_time() - start)
    print(f"  of which the engine: CPU p50 {np.percentile(engine, 50):.2f} ms, p95 {np.percentile(engine, 95):.2f} ms")
