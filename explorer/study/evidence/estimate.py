"""What only serving data can tell, estimated from closed loops: host time, the first token's fixed part and burst.

The host time of a request is not among them: estimated freely it comes out at 4 to 8 ms by what is left out, and what
was left out is then predicted no better than with the 3 ms of the engine's common constants.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import Array
from explorer.study.evidence.constants import ServingConstants
from explorer.study.evidence.predict import LoopParts, Prediction

HOST_STEPS = np.linspace(0.2e-3, 1.5e-3, 27)
BURSTS = np.linspace(0.0, 0.6, 61)
FIRST_TOKENS = np.geomspace(0.01, 0.8, 90)

EXPERT_WEIGHT = 0.3
"""Weight of rows with routed experts in the host time: their device time spreads 0.17 against 0.09 (ln), squared."""

_FITTED = ("vllm", "trtllm", "sglang")


def estimate(parts: Sequence[LoopParts], start: ServingConstants) -> ServingConstants:
    """Host time of a step and the first token's constants, from closed-loop rows.

    Constants for which no row speaks keep their value in `start`.
    """
    serving = [part for part in parts if part.row.framework in _FITTED and part.row.run == "closed"]
    timed = [part for part in serving if "tpot_mean" in part.row.measured]
    found = start
    if timed:
        found = _host(timed, found)
    first = [
        part
        for part in serving
        if "ttft_mean" in part.row.measured and "ttft_mean" not in part.row.set_aside and not _spread(part)
    ]
    if first:
        found = _first_token(first, found)
    return found


def _spread(part: LoopParts) -> bool:
    return part.row.is_moe and part.row.dp > 1


def _columns(parts: Sequence[LoopParts], value: Callable[[LoopParts], float]) -> Array:
    return np.asarray([value(part) for part in parts], dtype=np.float64)


def _host(parts: Sequence[LoopParts], start: ServingConstants) -> ServingConstants:
    """The host time of a step by the least mean absolute logarithm of predicted/measured time per token."""
    measured = np.log(_columns(parts, lambda part: part.row.measured["tpot_mean"]))
    device, meetings = _columns(parts, lambda part: part.device), _columns(parts, lambda part: part.meetings)
    weights = _columns(parts, lambda part: EXPERT_WEIGHT if part.row.is_moe else 1.0)
    times = device + meetings * start.host_request + HOST_STEPS[:, None]
    errors = np.abs(np.log(times) - measured) @ weights
    return replace(start, host_step=float(HOST_STEPS[int(np.argmin(errors))]))


def _first_token(parts: Sequence[LoopParts], start: ServingConstants) -> ServingConstants:
    """Fixed parts and burst by the least mean absolute error, by which they are judged.

    The logarithm would let a few starts that were far too slow raise the constants of all the others.
    """
    measured = _columns(parts, lambda part: part.row.measured["ttft_mean"])
    base = _columns(parts, lambda part: part.alone + part.wait)
    queue = _columns(parts, lambda part: part.queue + part.ahead * start.host_request)
    frameworks = np.asarray([part.row.framework for part in parts])
    members = {name: np.flatnonzero(frameworks == name) for name in _FITTED}
    best: tuple[float, float, dict[str, float]] = (np.inf, start.burst, {})
    for burst in BURSTS:
        total, fixed = 0.0, {}
        for name, at in members.items():
            if not len(at):
                continue
            times = base[at] + burst * queue[at] + FIRST_TOKENS[:, None]
            errors = np.abs(times / measured[at] - 1.0).sum(axis=1)
            lowest = int(np.argmin(errors))
            fixed[name] = float(FIRST_TOKENS[lowest])
            total += float(errors[lowest])
        if total < best[0]:
            best = (total, float(burst), fixed)
    values = {f"first_token_{name}": value for name, value in best[2].items()}
    return replace(start, burst=best[1], **values)


def again(part: LoopParts, serving: ServingConstants) -> dict[str, float]:
    """Time per token and first token of a closed-loop row with other constants."""
    row = part.row
    tpot = part.device + serving.step_host(row) + part.meetings * serving.host_request
    found = {"tpot_mean": tpot}
    if row.run == "closed":
        spread = _spread(part)
        fixed = serving.first_token(row.framework) + (serving.first_token_attention_parallel if spread else 0.0)
        burst = serving.burst_attention_parallel if spread else serving.burst
        queue = part.queue + part.ahead * serving.host_request
        found["ttft_mean"] = part.alone + part.wait + fixed + burst * queue
    return found


def unseen(
    predictions: Sequence[Prediction],
    parts: Sequence[LoopParts],
    start: ServingConstants,
    group: Callable[[LoopParts], Hashable],
) -> list[Prediction]:
    """All predictions that are judged, closed loops by constants estimated without their own group."""
    nested = [value for value in left_out(parts, start, group) if value.metric not in value.row.set_aside]
    known = {(value.row.id, value.metric) for value in nested}
    return nested + [value for value in predictions if (value.row.id, value.metric) not in known]


def left_out(
    parts: Sequence[LoopParts], start: ServingConstants, group: Callable[[LoopParts], Hashable]
) -> Iterator[Prediction]:
    """Predictions of closed-loop rows by constants estimated without the row's own group (a chip, a model family)."""
    keys = np.asarray([str(group(part)) for part in parts])
    for key in sorted(set(keys.tolist())):
        outside: NDArray[np.intp] = np.flatnonzero(keys != key)
        constants = estimate([parts[int(at)] for at in outside], start)
        for at in np.flatnonzero(keys == key):
            part = parts[int(at)]
            for metric, value in again(part, constants).items():
                if metric in part.row.measured:
                    yield Prediction(part.row, metric, part.row.measured[metric], value)
