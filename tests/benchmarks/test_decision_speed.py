"""How fast the worth of eight figures is found from 4,096 draws: at most 20 ms, printed and never asserted on.

Run: pytest tests/benchmarks/test_decision_speed.py -m benchmark -s.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.engine.decision import evppi

pytestmark = pytest.mark.benchmark


def test_how_long_the_worth_of_eight_figures_takes() -> None:
    rng = np.random.default_rng(1)
    figures = rng.random((4096, 8))
    benefit = rng.normal(size=(4096, 4)) + figures[:, :4]
    taken = []
    for _ in range(30):
        start = time.process_time()
        evppi(benefit, figures)
        taken.append(1e3 * (time.process_time() - start))
    print(f"EVPPI of 8 figures at 4,096 samples, 4 decisions: {np.median(taken):.2f} ms, worst {max(taken):.2f}")
