"""How fast the compiled closed form is on one core: at least 200,000 operating points/s, printed and never asserted on.

Run: pytest tests/benchmarks/test_compiled_speed.py -m benchmark -s. Bands, win maps and break-evens are worked out in
this form; `test_engine_speed.py` has the same points by arrays, as in the window. An operating point is a replica at a
rate, with all the quantiles asked for. Figures are CPU time of this process.
"""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.engine.batch_nodes import COARSE, FINE, NodeSpacing
from explorer.scenario.schema import Stragglers
from explorer.study.closed_form_code import made
from explorer.study.compiled import on_this_thread
from explorer.study.resolve import step_constants
from explorer.study.sizing import load_ladder
from explorer.study.solved import Asked
from tests.benchmarks.test_engine_speed import CHAT, ROWS, replicas_in_rows, timed

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.mark.parametrize(("nodes", "spacing"), [("fine", FINE), ("coarse", COARSE)])
def test_compiled_operating_points_a_second(nodes: str, spacing: NodeSpacing, catalog: Catalog) -> None:
    served, rows = replicas_in_rows(catalog, "llama-3.1-70b", 4)
    stall = Stragglers().stall_probability
    rates = np.ascontiguousarray(np.broadcast_to(load_ladder(20)[None, :], (ROWS, 20)))
    loops = made()
    with on_this_thread():
        grid = loops.timed(served.shape, CHAT, rows, step_constants(), stall_probability=stall, sequence_sharding=False)
        for name, metrics, quantiles in (
            ("P99 of first token and time per token", ("ttft", "tpot"), (0.99,)),
            ("P50, P95, P99 of all four", ("ttft", "tpot", "itl", "e2e"), (0.5, 0.95, 0.99)),
        ):
            best, median = timed(
                lambda metrics=metrics, quantiles=quantiles: loops.solved(  # type: ignore[misc]
                    grid,
                    CHAT,
                    step_constants(),
                    rates,
                    Asked(metrics, quantiles, spacing),
                    stall_s=0.05,
                    relative=True,
                ),
                runs=15,
            )
            print(
                f"\ncompiled operating points, {nodes} nodes, {name}: {rates.size / best / 1e3:.0f} k/s a core"
                f" (median {rates.size / median / 1e3:.0f}); wanted 200"
            )
