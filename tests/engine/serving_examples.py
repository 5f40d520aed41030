"""A made-up deployment whose step times are simple sums, and traffic for it, shared by the tests of the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.engine.serving import Requests, Server, StepTable
from explorer.engine.serving_traffic import arrivals, draw, lognormal_lengths

STEP, A_SEQUENCE, A_CONTEXT_TOKEN = 0.006, 4e-5, 1e-8
A_CHUNK, A_PROMPT_TOKEN, A_PAIR = 0.0005, 3e-5, 1e-10


def chat_table(cap: int = 256, speed: float = 1.0) -> StepTable:
    """6 ms a step, 40 us a sequence, 10 ns a context token; prompts 0.5 ms a chunk, 30 us a token, 0.1 ns a pair."""
    batch = np.array([0.0, 1.0, 16.0, float(cap)])
    chunk = np.array([1.0, 256.0, 4096.0])
    return StepTable(
        batch=batch,
        decode_seconds=(STEP + (A_SEQUENCE + A_CONTEXT_TOKEN * 1200.0) * batch) / speed,
        context=1200.0,
        per_context=np.full(batch.size, A_CONTEXT_TOKEN / speed),
        prompt_tokens=chunk,
        prompt_seconds=np.tile((A_CHUNK + (A_PROMPT_TOKEN + A_PAIR * 600.0) * chunk) / speed, (batch.size, 1)),
        prompt_context=600.0,
        per_attended=A_PAIR / speed,
    )


def chat_server(**changes: Any) -> Server:
    """256 sequences, room for 400,000 tokens, a budget of 2,048."""
    settings: dict[str, Any] = {"table": chat_table(), "max_batch": 256, "kv_tokens": 400_000, "token_budget": 2048}
    return Server(**(settings | changes))


def chat(seed: int, count: int, rate: float, cv: float = 1.0) -> Requests:
    """Prompts of 1,155 tokens in the mean, outputs of 211, lognormal: the Azure conversation trace's moments."""
    luck = draw(seed, count)
    return Requests(
        arrivals(luck, rate, cv),
        lognormal_lengths(luck.prompts, 1155.0, 0.96, 14_000),
        lognormal_lengths(luck.outputs, 211.0, 0.77, 1_500),
    )
