"""A first, tiny run of the simulation: it loads the compiled code, or compiles it where there is none yet."""

from __future__ import annotations

import numpy as np

from explorer.engine.serving import simulate
from explorer.engine.serving_records import Requests, Server, StepTable


def warm_up() -> None:
    """Serve twenty requests on a made-up server."""
    table = StepTable(
        batch=np.array([0.0, 2.0]),
        decode_seconds=np.array([0.001, 0.002]),
        context=10.0,
        per_context=np.zeros(2),
        prompt_tokens=np.array([1.0, 16.0]),
        prompt_seconds=np.full((2, 2), 0.001),
    )
    lengths = np.full(20, 4, dtype=np.int64)
    simulate(Requests(np.arange(20.0), lengths, lengths), Server(table, 2, 1000), saturation=10.0)
