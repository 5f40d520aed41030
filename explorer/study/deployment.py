"""Deployments of a workload: the candidate layouts of each, and what its memory holds in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Chip
from explorer.engine.memory import largest_batch
from explorer.engine.records import StepConstants
from explorer.errors import LayoutError
from explorer.scenario.workload import Alternative, LayoutChoice
from explorer.study.figures import FigureSet
from explorer.study.kept import Kept, Same
from explorer.study.layouts import impossible_because, layouts_by_degree, split_of
from explorer.study.outcome import Layout
from explorer.study.resolve import KV_BYTES, ServedModel, compute_format

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Deployment:
    """One chip with its settings for one workload: an alternative, or a fleet member's own."""

    name: str
    chip: Chip
    cloud: str
    offer: str | None
    settings: Alternative
    weight_precision: str
    kv_precision: str
    figures: FigureSet

    @property
    def values(self) -> Mapping[str, float]:
        """Central figure values, SI."""
        return self.figures.values

    @property
    def capacity(self) -> float:
        """Memory of one chip, bytes."""
        return self.values["memory_capacity"]


def candidate_layouts(deployment: Deployment, served: ServedModel) -> tuple[Layout, ...]:
    """Layouts to try: the one set by hand, those of the degree set, or those of every legal degree.

    A layout set by hand may split heads and experts unevenly, as deployments with padded heads or redundant experts do;
    none is chosen so. Raises LayoutError with the reason when what was set is impossible.
    """
    settings, shape = deployment.settings, served.shape
    if isinstance(settings.layout, LayoutChoice):
        layout = Layout(settings.layout.tp, settings.layout.pp, settings.layout.dp, settings.layout.ep)
        reason = impossible_because(layout, shape)
        if reason:
            raise LayoutError(f"{deployment.name}: {reason}")
        return (layout,)
    degrees: Sequence[int] = deployment.chip.degrees
    if settings.parallelism_degree != "auto":
        degrees = (settings.parallelism_degree,)
    found = tuple(layout for _, some in layouts_by_degree(tuple(degrees), served, deployment.chip) for layout in some)
    if not found:
        experts = f", {shape.experts:.0f} experts" if shape.is_moe else ""
        raise LayoutError(
            f"{deployment.name}: no layout of {settings.parallelism_degree} chips splits this model evenly "
            f"({shape.heads:.0f} heads, {shape.layer_count:.0f} layers{experts}); an uneven one can be set by hand"
        )
    return found


class Candidate(NamedTuple):
    """One deployment in one layout, with the cap its memory leaves; see `candidate`."""

    deployment: Deployment
    layout: Layout
    held: float
    """Sequences of the P99 length that the memory of all its attention-data ranks holds together, not rounded."""
    held_by_rank: float
    """Those that one attention-data rank holds: it has whole sequences to itself (SEMANTICS: Serving)."""
    fits: bool
    """At least one whole sequence fits beside the weights."""
    sequences: int
    """Whole sequences of the P99 length that a replica holds: none is split over attention-data ranks."""
    cap: int
    """Effective batch cap of a replica."""
    chips: int
    """Chips in one replica."""


def candidate(deployment: Deployment, layout: Layout, held: float) -> Candidate:
    """A deployment in a layout of which memory holds so many sequences, as `Candidate.held`."""
    ranks, most = layout.dp, deployment.settings.max_batch
    by_rank = held / ranks
    sequences = ranks * int(by_rank) if by_rank >= 1.0 else 0
    cap = most if most < sequences else sequences
    return Candidate(deployment, layout, held, by_rank, by_rank >= 1.0, sequences, cap if cap > 1 else 1, layout.chips)


def candidates_of(
    deployment: Deployment,
    served: ServedModel,
    p99_tokens: float,
    constants: StepConstants,
    sequence_sharding: bool,
) -> tuple[Candidate, ...]:
    """All layouts of a deployment with what their memory holds of sequences of `p99_tokens` tokens."""
    (found,) = candidates_of_all([deployment], served, p99_tokens, constants, sequence_sharding)
    return found


def candidates_of_all(
    deployments: Sequence[Deployment],
    served: ServedModel,
    p99_tokens: float,
    constants: StepConstants,
    sequence_sharding: bool,
) -> list[tuple[Candidate, ...]]:
    """`candidates_of` each deployment, their memory looked at together."""
    question = (
        served.shape, served.preset_heads, p99_tokens, Same(constants), sequence_sharding,
        tuple(
            (
                Same(one.figures), one.weight_precision, one.kv_precision, one.settings.token_budget,
                one.settings.parallelism_degree, one.settings.layout, one.settings.instances,
            )
            for one in deployments
        ),
    )  # fmt: skip
    found = _HELD.of(question, lambda: _layouts_held(deployments, served, p99_tokens, constants, sequence_sharding))
    return [
        tuple([candidate(deployment, layout, held) for layout, held in some])
        for deployment, some in zip(deployments, found, strict=True)
    ]


_HELD: Kept[list[list[tuple[Layout, float]]]] = Kept(16)


def _layouts_held(
    deployments: Sequence[Deployment],
    served: ServedModel,
    p99_tokens: float,
    constants: StepConstants,
    sequence_sharding: bool,
) -> list[list[tuple[Layout, float]]]:
    """The layouts of each deployment with the sequences of `p99_tokens` tokens that its memory holds in them."""
    layouts = [_with_instances(candidate_layouts(one, served), one.settings) for one in deployments]
    counts = [len(some) for some in layouts]
    terms = np.asarray(
        [
            (
                compute_format(one.chip, one.weight_precision).weight_bytes,
                KV_BYTES[one.kv_precision],
                one.capacity,
                one.settings.token_budget,
            )
            for one in deployments
        ]
    )
    width, kv_width, capacity, budget = np.repeat(terms, counts, axis=0).T[:, :, None]
    held = largest_batch(
        served.shape,
        width,
        kv_width,
        p99_tokens,
        capacity,
        budget,
        split_of(tuple(layout for some in layouts for layout in some)),
        constants,
        sequence_sharding=sequence_sharding,
    )
    values = iter(held.ravel().tolist())
    return [[(layout, next(values)) for layout in some] for some in layouts]


def _with_instances(layouts: tuple[Layout, ...], settings: Alternative) -> tuple[Layout, ...]:
    """The layouts of a model in every instance of a replica."""
    if settings.instances == 1:
        return layouts
    return tuple(layout._replace(instances=settings.instances) for layout in layouts)
