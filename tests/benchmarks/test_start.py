"""How long a warm start takes until the window is painted and answers: printed, never asserted on.

Run: pytest tests/benchmarks/test_start.py -m benchmark -s
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

TIMES = 10

CHILD = """
import os, sys, time
import explorer.__main__ as program  # what an installed command imports
import explorer.commands.open as opening
opening.has_display = lambda: True  # offscreen, but as with a screen
import explorer.ui.application as started
from PySide6.QtCore import QEvent, QObject, QTimer

class FirstPaint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched.objectName() == "tail-latency-chart":
            started.QTimer.singleShot(0, self.tell)
            watched.window().removeEventFilter(self)
        return False

    def tell(self):
        # The first frame is painted, and the window has taken its first turn.
        print(time.time(), time.process_time(), flush=True)
        os._exit(0)

make = started.application_object
def made(scale=1.0):
    application = make(scale)
    application.first_paint = FirstPaint()
    application.installEventFilter(application.first_paint)
    return application
started.application_object = made
sys.argv = ["inference-explorer", "open", sys.argv[1]]
program.main()
"""


@pytest.mark.benchmark
def test_that_the_start_prints_its_wall_and_cpu_time(scenarios_folder: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "OPENBLAS_NUM_THREADS": "1", "HOME": str(tmp_path)}
    environment |= {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "STATE", "CACHE", "DATA")}
    # As after an installation: modules compiled once, by the first start.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path / "compiled")
    wall, cpu = np.empty(TIMES + 1), np.empty(TIMES + 1)
    for number in range(TIMES + 1):
        begun = time.time()
        done = subprocess.run(
            [sys.executable, "-c", CHILD, str(scenarios_folder / "ai200-on-aws.toml")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        painted, used = done.stdout.split()
        wall[number], cpu[number] = float(painted) - begun, float(used)
    # The first one fills the caches.
    wall, cpu = wall[1:], cpu[1:]
    print(
        f"\nstart to the first painted window, {TIMES} times: "
        f"wall median {np.median(wall):.2f} s ({wall.min():.2f}–{wall.max():.2f}), "
        f"CPU median {np.median(cpu):.2f} s ({cpu.min():.2f}–{cpu.max():.2f})"
    )
