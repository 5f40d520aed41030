"""The schedulers a replica may have, as choices; and the settings that come and go with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.workload import Alternative

SCHEDULERS = (
    ("chunked", "chunked", "Chunked prefill: prompts are cut in chunks that share steps with the decodes"),
    ("prefill_first", "prefill first", "Whole prompts before any decode: first tokens early, gaps between tokens long"),
    ("static", "static", "Static batching: a batch is filled when the last one is done, and ends with its longest"),
    (
        "disaggregated",
        "P/D",
        "Disaggregated: prompts on instances of their own, keys and values handed over to decode instances",
    ),
)
ROUTINGS = (
    ("random", "random", "Each request goes to a replica drawn at random"),
    ("shortest_queue", "shortest queue", "Each request goes to the replica with the fewest requests"),
)
WORDS = {
    "chunked": "chunked prefill",
    "prefill_first": "prefill first",
    "static": "static batching",
    "disaggregated": "disaggregated",
}
OWN_LINK = "own link"
FOR_POOLS: Mapping[str, Any] = {"prefill_instances": 1, "decode_instances": 1, "kv_transfer_gb_per_s": None}
COPIED = ("scheduler", "prefill_instances", "decode_instances", "kv_transfer_gb_per_s", "routing", "speculation")
"""What makes up a scheduler when it is applied to all alternatives."""

_BANDWIDTH = QUANTITIES["bytes_per_s"]


def scheduler_changes(kind: str, path: Callable[[str], str]) -> Mapping[str, Any]:
    """The changes that give a deployment another scheduler: what goes with the old one only goes."""
    changes: dict[str, Any] = {path("scheduler"): kind}
    if kind == "disaggregated":
        return {**changes, path("routing"): "random"}
    return {**changes, **{path(key): value for key, value in FOR_POOLS.items()}}


def scheduler_words(chosen: Alternative) -> str:
    """A deployment's scheduler in a few words."""
    words = WORDS[chosen.scheduler] + (", speculative" if chosen.speculation is not None else "")
    if chosen.scheduler == "disaggregated":
        return f"{words}, {chosen.prefill_instances} prefill + {chosen.decode_instances} decode"
    if chosen.scheduler == "static":
        return words
    return f"{words}, {QUANTITIES['tokens'].format(chosen.token_budget)} tokens"


def written_link(value: Any) -> str:
    """The bandwidth of a chip's KV transfer as text."""
    return OWN_LINK if value is None else _BANDWIDTH.format(float(value) * 1e9)


def read_link(text: str) -> Any:
    """A bandwidth in GB/s, None for the chip's own link; ValueError for anything else."""
    if text.strip().lower() in ("", "own", OWN_LINK, "auto"):
        return None
    return _BANDWIDTH.parse(text) / 1e9
