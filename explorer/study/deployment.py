"""Deployments of a workload: candidate layouts of each, what fits, and the engine rows they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Chip
from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.memory import largest_batch
from explorer.engine.records import AllReduce, ChipSpec, ModelShape, Split, StepConstants, stack_allreduce
from explorer.engine.speculation import tokens_per_step
from explorer.engine.stragglers import mean_of_max_lognormal
from explorer.errors import LayoutError
from explorer.scenario.schema import Alternative, LayoutChoice
from explorer.study.figures import FigureSet
from explorer.study.kept import Kept, Same
from explorer.study.outcome import Layout
from explorer.study.replica import Rows
from explorer.study.resolve import KV_BYTES, ServedModel, chip_spec, compute_format, fabric_of, require_links

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


def impossible_because(layout: Layout, shape: ModelShape) -> str:
    """Why a layout cannot be, in words; empty when it can."""
    if layout.tp * layout.dp % layout.ep:
        return f"ep {layout.ep} does not divide tp*dp = {layout.tp * layout.dp}"
    if layout.tp > shape.heads:
        return f"tp {layout.tp} is more than the {shape.heads:.0f} attention heads"
    if layout.pp > shape.layer_count:
        return f"pp {layout.pp} is more than the {shape.layer_count:.0f} layers"
    if not shape.is_moe and layout.ep > 1:
        return f"ep {layout.ep} needs experts; this model is dense"
    if layout.ep > max(shape.experts, 1):
        return f"ep {layout.ep} is more than the {shape.experts:.0f} experts"
    return ""


def uneven_because(layout: Layout, heads: int, experts: int, *, scaled: bool) -> str:
    """Why a layout leaves ranks with parts of a head or of an expert, in words; empty when it does not.

    `heads` of the preset, `experts` 0 for a dense model. A `scaled` model has no heads of its own to count: any power
    of two is taken for a degree that its makers would have provided for.
    """
    power_of_two = scaled and layout.tp & (layout.tp - 1) == 0
    if heads % layout.tp and not power_of_two:
        return f"tp {layout.tp} does not divide the {heads} attention heads"
    if layout.ep > 1 and experts % layout.ep:
        return f"ep {layout.ep} does not divide the {experts} experts"
    return ""


def layouts_of_degree(degree: int, served: ServedModel, chip: Chip) -> tuple[Layout, ...]:
    """Sensible splits of `degree` chips: tensor parallel alone, with pipeline stages, with attention data parallel."""
    ((_, found),) = layouts_by_degree((degree,), served, chip)
    return found


def layouts_by_degree(
    degrees: tuple[int, ...], served: ServedModel, chip: Chip
) -> tuple[tuple[int, tuple[Layout, ...]], ...]:
    """Each degree with its sensible splits, none where there is none; heads and experts are split evenly."""
    shape = served.shape
    domain = max(int(chip.figures["scaleup_domain"].value), 1) if "scaleup_domain" in chip.figures else 1
    experts = int(shape.experts) if shape.is_moe else 0
    heads, layers = int(shape.heads), int(shape.layer_count)
    return _layouts_by_degree(
        degrees, domain, heads, layers, experts, _has_slow_links(chip), int(served.preset_heads), served.is_scaled
    )


SLOW_LINKS = 0.06
"""Share of the memory's bandwidth below which a chip's links are slow: of cards on PCIe it is 0.03 to 0.06, of chips
with links of their own 0.07 to 0.33 (the catalogue's own figures; where the line lies is a judgement). There pipeline
stages, which hand over little, may do better than tensor ranks."""


def _has_slow_links(chip: Chip) -> bool:
    figures = chip.figures
    if "link_bandwidth" not in figures or "memory_bandwidth" not in figures:
        return False
    return figures["link_bandwidth"].value < SLOW_LINKS * figures["memory_bandwidth"].value


@lru_cache(maxsize=1024)
def _layouts_by_degree(
    degrees: tuple[int, ...],
    domain: int,
    heads: int,
    layers: int,
    experts: int,
    slow_links: bool,
    preset_heads: int,
    scaled: bool,
) -> tuple[tuple[int, tuple[Layout, ...]], ...]:
    def even(layouts: tuple[Layout, ...]) -> tuple[Layout, ...]:
        return tuple(one for one in layouts if not uneven_because(one, preset_heads, experts, scaled=scaled))

    return tuple((degree, even(_layouts(degree, domain, heads, layers, experts, slow_links))) for degree in degrees)


@lru_cache(maxsize=4096)
def _layouts(degree: int, domain: int, heads: int, layers: int, experts: int, slow_links: bool) -> tuple[Layout, ...]:
    options: list[Layout] = []
    for tp in sorted({degree, min(degree, domain), 8, 4, 2, 1}, reverse=True):
        if tp > degree or degree % tp:
            continue
        rest = degree // tp
        if rest == 1:
            options.append(Layout(tp, 1, 1, tp if experts else 1))
            continue
        if (slow_links or tp in (min(degree, domain), 8)) and rest <= 8:
            options.append(Layout(tp, rest, 1, tp if experts else 1))
        if experts and tp in (1, min(degree, domain, 8)):
            options.append(Layout(tp, 1, rest, degree))
    possible = [one for one in options if one.tp <= heads and one.pp <= layers and one.ep <= max(experts, 1)]
    return tuple(dict.fromkeys(possible))


@dataclass(frozen=True)
class Candidate:
    """One deployment in one layout, with the cap its memory leaves."""

    deployment: Deployment
    layout: Layout
    held: float
    """Sequences of the P99 length that the memory of all its attention-data ranks holds together, not rounded."""

    @property
    def held_by_rank(self) -> float:
        """Those that one attention-data rank holds: it has whole sequences to itself (SEMANTICS: Serving)."""
        return self.held / self.layout.dp

    @property
    def fits(self) -> bool:
        """At least one whole sequence fits beside the weights."""
        return self.held_by_rank >= 1.0

    @property
    def sequences(self) -> int:
        """Whole sequences of the P99 length that a replica holds: none is split over attention-data ranks."""
        return self.layout.dp * max(int(self.held_by_rank), 0)

    @property
    def cap(self) -> int:
        """Effective batch cap of a replica."""
        return max(1, min(self.deployment.settings.max_batch, self.sequences))


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
        tuple(Candidate(deployment, layout, held) for layout, held in some)
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


def split_of(layouts: Sequence[Layout]) -> Split:
    """Layouts stacked as (rows, 1)."""
    return _split_of(tuple(layouts))


@lru_cache(maxsize=256)
def _split_of(layouts: tuple[Layout, ...]) -> Split:
    table = np.asarray([(layout.tp, layout.pp, layout.dp, layout.ep) for layout in layouts], dtype=np.float64)
    return Split(table[:, 0:1], table[:, 1:2], table[:, 2:3], table[:, 3:4])


def rows_of(
    candidates: Sequence[Candidate],
    constants: StepConstants,
    jitter: float,
    *,
    samples: int = 0,
    seed: int = 0,
    residual: Sequence[Array] = (),
) -> Rows:
    """Engine rows of candidates: one each, or `samples` each of their figures' draws with step residuals (samples,)."""
    drawn = [Same(one) for one in residual] if samples else [None] * len(candidates)
    parts = tuple(
        (one.deployment.figures, one.deployment.weight_precision, one.deployment.kv_precision, one.layout, own)
        for one, own in zip(candidates, drawn, strict=True)
    )
    spec, allreduce, split = _stacked(parts, constants, jitter, samples, seed)
    caps = np.asarray([one.cap for one in candidates], dtype=np.float64)
    budgets = np.asarray([one.deployment.settings.token_budget for one in candidates], dtype=np.float64)
    whole = [one.deployment.settings.scheduler == "prefill_first" for one in candidates]
    count = max(samples, 1)
    return Rows(
        spec=spec,
        allreduce=allreduce,
        split=split,
        caps=np.repeat(caps, count),
        token_budget=np.repeat(budgets, count)[:, None],
        whole_prompts=np.repeat(whole, count)[:, None] if any(whole) else None,
        speculation=_speculation([one.deployment.settings for one in candidates], count),
    )


def _speculation(settings: Sequence[Alternative], count: int) -> Array | None:
    """Tokens a step and extra time of it, `count` rows for each deployment; None where none speculates."""
    if all(one.speculation is None for one in settings):
        return None
    each = [
        (1.0, 0.0)
        if one.speculation is None
        else (tokens_per_step(one.speculation.acceptance, one.speculation.draft_tokens), one.speculation.step_cost)
        for one in settings
    ]
    return np.repeat(np.asarray(each, dtype=np.float64), count, axis=0)


_Part = tuple[FigureSet, str, str, Layout, Same | None]
"""Figures, weight and KV precision, layout, and the draws of the model's own error."""


@lru_cache(maxsize=12)
def _stacked(
    parts: tuple[_Part, ...], constants: StepConstants, jitter: float, samples: int, seed: int
) -> tuple[ChipSpec, AllReduce, Split]:
    """Chips, all-reduces and splits of deployments side by side: what no slider of traffic or model touches."""
    columns: list[Array] = []
    reduces: list[AllReduce] = []
    count = max(samples, 1)
    for figures, weights, cache, layout, residual in parts:
        own = None if residual is None else np.asarray(residual.one)
        columns.append(_spec_matrix(figures, weights, cache, samples, seed, layout.tp, jitter, own))
        key = ("allreduce", layout.tp, samples, seed)
        if key not in figures.memo:
            values = _values(figures, samples, seed)
            if layout.degree > 1:
                require_links(figures.chip, values)
            figures.memo[key] = _reduce_rows(
                allreduce_coefficients(layout.tp, fabric_of(figures.chip, values), constants), count
            )
        reduces.append(figures.memo[key])
    table = np.concatenate(columns, axis=1)
    split = split_of([layout for _, _, _, layout, _ in parts])
    return (
        ChipSpec(**{name: table[at][:, None] for at, name in enumerate(ChipSpec.__slots__)}),
        stack_allreduce(tuple(reduces)),
        Split(*(np.repeat(np.asarray(part), count, axis=0) for part in (split.tp, split.pp, split.dp, split.ep))),
    )


def _values(figures: FigureSet, samples: int, seed: int) -> Mapping[str, float | Array]:
    return {**figures.values, **figures.draws(samples, seed)} if samples else figures.values


_STEP_FACTOR = ChipSpec.__slots__.index("step_factor")


def _spec_matrix(
    figures: FigureSet,
    weight_precision: str,
    kv_precision: str,
    samples: int,
    seed: int,
    ranks: int,
    jitter: float,
    residual: Array | None,
) -> Array:
    """Fields of the chip spec as rows, draws as columns, jitter and residual in the step factor."""
    key = ("spec", weight_precision, kv_precision, samples, seed, ranks, jitter, id(residual))
    kept: tuple[Array, Array | None] | None = figures.memo.get(key)
    if kept is not None:
        return kept[0]
    spec = chip_spec(figures.chip, _values(figures, samples, seed), weight_precision, kv_precision)
    matrix = np.empty((len(ChipSpec.__slots__), max(samples, 1)))
    for at, name in enumerate(ChipSpec.__slots__):
        matrix[at] = getattr(spec, name)
    if ranks > 1:
        matrix[_STEP_FACTOR] *= _mean_jitter(ranks, jitter)
    if figures.update is not None:
        matrix[_STEP_FACTOR] *= np.exp(figures.update.shifts(figures.draws(samples, seed) if samples else {}))
    if residual is not None:
        matrix[_STEP_FACTOR] *= residual
    # the residual is kept too, so that its identity stays its own
    figures.memo[key] = (matrix, residual)
    return matrix


@lru_cache(maxsize=256)
def _mean_jitter(ranks: int, sigma: float) -> float:
    return float(mean_of_max_lognormal(ranks, sigma))


def _reduce_rows(item: AllReduce, count: int) -> AllReduce:
    if item.alpha.shape[1] == count:
        return item
    return AllReduce(
        alpha=np.repeat(item.alpha, count, axis=1),
        slope=np.repeat(item.slope, count, axis=1),
        root=np.repeat(item.root, count, axis=0),
    )
