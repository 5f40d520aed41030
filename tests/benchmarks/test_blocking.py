"""How long the window is deaf while answers of the simulation come in: printed, never asserted on.

Run: pytest tests/benchmarks/test_blocking.py -m benchmark -s. A timer ticks every millisecond; what lies between two
ticks is time in which nothing else was heard. Wall clock (the worker has the same cores) and CPU time of the window.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import load_catalog
from explorer.plots.tokens import LIGHT
from explorer.scenario.file import read_scenario
from explorer.study.live import LiveEvaluator
from explorer.ui import theme
from explorer.ui.document import Document
from explorer.ui.idle_garbage import IdleGarbage
from explorer.ui.main_window import MainWindow

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

RESTS = 12
WANTED_MS = 16.0


class Ticks:
    """The time between ticks of a timer, milliseconds by clock and of CPU."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self._last = (time.perf_counter(), time.process_time())
        self.timer = QTimer(interval=1)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self._on_tick)

    def start(self) -> None:
        """Count from now."""
        self._last = (time.perf_counter(), time.process_time())
        self.timer.start()

    def _on_tick(self) -> None:
        now = (time.perf_counter(), time.process_time())
        self.wall.append(1e3 * (now[0] - self._last[0]))
        self.cpu.append(1e3 * (now[1] - self._last[1]))
        self._last = now


@pytest.mark.parametrize("name", ["ai200-on-aws", "llama-70b-chat", "recorded-chat-traffic"])
def test_the_longest_time_without_an_ear(name: str, scenarios_folder: Path, qapp: QApplication, qtbot: QtBot) -> None:
    """Wanted: never above 16 ms while a slider rests and answers come in."""
    theme.apply(qapp, LIGHT)
    catalog = load_catalog()
    scenario = read_scenario(scenarios_folder / f"{name}.toml", catalog).scenario
    document = Document(catalog, LiveEvaluator(catalog), scenario)
    window = MainWindow(document)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.resize(1440, 900)
    window.show()
    document.answers.refine_now()
    qtbot.waitUntil(lambda: document.outcome.final, timeout=120_000)
    IdleGarbage(document)
    longest: list[tuple[float, float]] = []
    start = document.workload.traffic.request_rate_per_s
    for rest in range(RESTS):
        document.change(document.workload_path("traffic.request_rate_per_s"), start * (1.0 + 0.01 * (rest + 1)))
        QApplication.processEvents()
        ticks = Ticks()
        ticks.start()
        document.answers.refine_now()
        qtbot.waitUntil(lambda: document.outcome.final and not document.answers.refine_timer.isActive(), timeout=60_000)
        qtbot.wait(50)
        ticks.timer.stop()
        longest.append((max(ticks.wall), max(ticks.cpu)))
    wall, cpu = np.array(longest).T
    print(
        f"\n{name}: longest gap a rest, clock median {np.median(wall):.1f}, worst {wall.max():.1f} ms; "
        f"CPU median {np.median(cpu):.1f}, worst {cpu.max():.1f} ms (wanted {WANTED_MS:.0f})"
    )
    document.close()
