"""Measured systems as the engine's rows: chip specs, splits and all-reduces stacked for all rows of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from explorer.catalog import Chip, Model
from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.memory import kv_bytes_per_sequence, weight_bytes_per_chip
from explorer.engine.records import AllReduce, Array, ChipSpec, ModelShape, Split, StepConstants, stack_allreduce
from explorer.engine.steptime import StepWork, step_time
from explorer.study.evidence.constants import ServingConstants
from explorer.study.figures import central_values
from explorer.study.resolve import chip_spec, fabric_of, require_links, shape_of, step_constants

_OF_A_PART = ("memory_bandwidth", "memory_capacity", "link_bandwidth", "scaleout_bandwidth")


@dataclass(frozen=True, slots=True)
class System:
    """One replica of a measured system: chip (or `ranks_per_chip` parts of one), formats and split."""

    chip: Chip
    weight_precision: str
    kv_precision: str
    tp: int
    pp: int = 1
    dp: int = 1
    ep: int = 1
    ranks_per_chip: int = 1


@dataclass(frozen=True, eq=False)
class Systems:
    """Systems that serve one model, stacked along rows; every array is (rows, 1)."""

    shape: ModelShape
    spec: ChipSpec
    split: Split
    allreduce: AllReduce
    capacity: Array
    constants: StepConstants

    def step(self, decode: ArrayLike, context: ArrayLike, prefill: ArrayLike = 0.0, prompt: ArrayLike = 0.0) -> Array:
        """Seconds of a step without host time: decoding sequences at a mean context, prompt tokens of whole prompts."""
        tokens, length = np.asarray(prefill, dtype=np.float64), np.asarray(prompt, dtype=np.float64)
        finished = np.where(tokens > 0, np.maximum(tokens / np.maximum(length, 1.0), 1.0), 0.0)
        work = StepWork(
            decode=np.asarray(decode, dtype=np.float64),
            context=np.asarray(context, dtype=np.float64),
            prefill=tokens,
            prefill_context=length / 2.0,
            prompts=finished,
        )
        return step_time(self.shape, self.spec, self.split, self.allreduce, work, self.constants)

    def sequences_held(self, context: ArrayLike, serving: ServingConstants) -> Array:
        """Sequences of a mean context that fit beside the weights, (rows, 1); 0 or less where the weights do not."""
        weights = weight_bytes_per_chip(self.shape, self.spec.weight_bytes, self.split)
        reserve = np.where(self.capacity > 4e10, serving.reserve_bytes, 0.0)
        free = self.capacity * serving.gib_per_gb * serving.usable_share - weights - reserve
        one = kv_bytes_per_sequence(self.shape, self.spec.kv_bytes, context, self.split.tp, pp=self.split.pp)
        return np.asarray(free / np.maximum(one, 1.0) * np.asarray(self.split.dp))


@lru_cache(maxsize=512)
def _one(system: System) -> tuple[ChipSpec, AllReduce, float]:
    chip = system.chip
    share = 1.0 / system.ranks_per_chip
    values = dict(central_values(chip, {}))
    for name in values:
        if name in _OF_A_PART or name.startswith("peak_"):
            values[name] *= share
    if "scaleup_domain" in values:
        values["scaleup_domain"] = max(values["scaleup_domain"], 1.0) * system.ranks_per_chip
    if system.ranks_per_chip > 1:
        # each rank has a memory of its own: what joins them on the card is in their all-reduce
        values["memory_domains"] = 1.0
    if system.tp * system.pp * system.dp > 1 and system.ranks_per_chip == 1:
        require_links(chip, values)
    spec = chip_spec(chip, values, system.weight_precision, system.kv_precision)
    reduce = allreduce_coefficients(system.tp, fabric_of(chip, values), step_constants())
    return spec, reduce, values["memory_capacity"]


def systems_of(model: Model, systems: Sequence[System]) -> Systems:
    """Stack systems that serve `model`; MissingFigureError names a chip that lacks a figure a step needs."""
    parts = [_one(system) for system in systems]
    table = np.asarray([[float(getattr(spec, name)) for name in ChipSpec.__slots__] for spec, _, _ in parts])
    spec = ChipSpec(**{name: table[:, at : at + 1] for at, name in enumerate(ChipSpec.__slots__)})
    splits = np.asarray([(each.tp, each.pp, each.dp, each.ep) for each in systems], dtype=np.float64)
    return Systems(
        shape=shape_of(model),
        spec=spec,
        split=Split(splits[:, 0:1], splits[:, 1:2], splits[:, 2:3], splits[:, 3:4]),
        allreduce=stack_allreduce(tuple(reduce for _, reduce, _ in parts)),
        capacity=np.asarray([[capacity] for _, _, capacity in parts]),
        constants=replace(step_constants(), host_step_s=0.0),
    )
