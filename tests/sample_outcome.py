"""A made-up Outcome for tests of plots and window: plausible in shape, every number invented and movable."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from explorer.study.outcome import (
    METRICS,
    AlternativeOutcome,
    Array,
    Banded,
    BatchReport,
    Cost,
    FleetOutcome,
    LatencyCurve,
    Layout,
    MemoryFit,
    Metric,
    OpenFigure,
    Outcome,
    Percentiles,
    PoolOutcome,
    ReadTime,
    SupplierShare,
    TierOutcome,
    WorkloadOutcome,
)

GB = 1e9
OBJECTIVES = {"ttft": 2.0, "tpot": 0.05}
STACKS = ("CUDA", "Neuron", "QAIC")


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a made-up alternative is drawn from; seconds, bytes, requests/s, USD."""

    chip: str
    name: str
    short: str
    degree: int
    tpot_idle: float
    saturation: float
    spread: float
    """Relative half width of the band."""
    capacity: float
    bandwidths: tuple[tuple[str, float], ...]
    usd_per_month: float
    grade: str
    unit_noun: str = "cards"


SKETCHES = (
    Sketch("qcom-ai200", "Qualcomm AI200", "AI200", 2, 0.019, 27.0, 0.75, 768 * GB,
           (("vendor", 7.39e12), ("sceptic", 1.7e12)), 12_800.0, "datasheet"),
    Sketch("nv-h200", "Nvidia H200", "H200", 2, 0.013, 36.5, 0.12, 141 * GB, (("", 4.8e12),), 19_300.0,
           "measured", "GPUs"),
    Sketch("aws-trn2", "AWS Trainium2", "Trainium2", 4, 0.015, 31.0, 0.30, 96 * GB, (("", 2.9e12),), 15_400.0,
           "datasheet", "chips"),
    Sketch("nv-gb200-nvl72", "Nvidia GB200 NVL72", "GB200", 1, 0.009, 48.0, 0.20, 186 * GB, (("", 8.0e12),),
           31_000.0, "transferred", "GPUs"),
)  # fmt: skip


def sample_outcome(
    *,
    alternatives: int = 4,
    selected: int = 0,
    request_rate: float = 12.0,
    parameters: float = 70.6e9,
    max_batch: int = 256,
    latency_factor: float = 1.0,
    infeasible: tuple[int, ...] = (),
    without_cost: tuple[int, ...] = (),
    designer_shares: tuple[float, ...] = (0.66, 0.19, 0.15),
    objectives: dict[str, float] | None = None,
    tightest_metric: Metric = "tpot",
    workloads: int = 1,
    points: int = 150,
    final: bool = False,
) -> Outcome:
    """An Outcome with up to four alternatives in each workload and a fleet.

    `infeasible` are places of alternatives whose weights do not fit: curves all inf, no percentiles, no cost.
    `designer_shares` are Nvidia, AWS and Qualcomm by spend and move the chip-designer tier.
    """
    promises = dict(OBJECTIVES if objectives is None else objectives)
    made = tuple(
        _alternative(
            SKETCHES[place],
            request_rate=request_rate,
            parameters=parameters,
            max_batch=max_batch,
            latency_factor=latency_factor,
            feasible=place not in infeasible,
            priced=place not in without_cost,
            objectives=promises,
            points=points,
        )
        for place in range(alternatives)
    )
    names = ("70B chat", "1T MoE", "8B extraction")
    return Outcome(
        title="Is AI200 on AWS an alternative for a 70B chat model?",
        workloads=tuple(
            WorkloadOutcome(
                name=names[number % len(names)],
                model_name="Llama 3.1 70B",
                parameters=parameters,
                active_parameters=parameters,
                alternatives=made,
                selected=min(selected, alternatives - 1),
                objectives=promises,
                tightest_metric=tightest_metric,
                prompt_tokens=1155.0,
                output_tokens=211.0,
            )
            for number in range(workloads)
        ),
        fleet=sample_fleet(designer_shares),
        price_basis="cost_plus",
        comparison_basis="sized_to_promise",
        catalog_edition="2026-01",
        engine_version="0.1.0",
        samples=1024 if final else 128,
        final=final,
    )


def _banded(value: float, spread: float = 0.2) -> Banded:
    return Banded(value, value * (1 - spread), value * (1 + spread))


def _metric_scales(sketch: Sketch) -> dict[Metric, float]:
    return {"ttft": 18.0 * sketch.tpot_idle, "tpot": sketch.tpot_idle, "itl": 1.2 * sketch.tpot_idle,
            "e2e": 230.0 * sketch.tpot_idle}  # fmt: skip


def _latency(scale: float, load: Array) -> Array:
    """A curve that starts at `scale` and goes to infinity at load 1; inf beyond."""
    stable = load < 1.0
    result = np.full(load.shape, np.inf)
    result[stable] = scale * (1.0 + 1.6 * load[stable] ** 2 + 0.3 * load[stable] / (1.0 - load[stable]))
    return result


def _curve(scale: float, rates: Array, saturation: float, spread: float) -> LatencyCurve:
    load = rates / saturation
    return LatencyCurve(
        p50=0.8 * _latency(scale, 0.85 * load),
        p99=_latency(scale, load),
        p99_low=_latency(scale * (1 - 0.5 * spread), load / (1 + spread)),
        p99_high=_latency(scale * (1 + spread), load * (1 + spread)),
    )


def _alternative(
    sketch: Sketch,
    *,
    request_rate: float,
    parameters: float,
    max_batch: int,
    latency_factor: float,
    feasible: bool,
    priced: bool,
    objectives: dict[str, float],
    points: int,
) -> AlternativeOutcome:
    size = parameters / 70.6e9
    saturation = sketch.saturation / max(size, 1e-6) ** 0.5
    rates = np.linspace(0.0, 40.0, points)
    scales = {metric: latency_factor * size * scale for metric, scale in _metric_scales(sketch).items()}
    curves: dict[Metric, LatencyCurve] = {}
    latency: dict[Metric, Percentiles] = {}
    for metric in METRICS:
        if not feasible:
            empty = np.full(points, np.inf)
            curves[metric] = LatencyCurve(empty, empty, empty, empty)
            latency[metric] = Percentiles(None, None, None, "weights do not fit in memory")
            continue
        curves[metric] = _curve(scales[metric], rates, saturation, sketch.spread)
        at = _curve(scales[metric], np.array([request_rate]), saturation, sketch.spread)
        p99 = float(at.p99[0])
        if np.isfinite(p99):
            band = Banded(p99, float(at.p99_low[0]), float(min(at.p99_high[0], 20 * p99)))
            latency[metric] = Percentiles(_banded(float(at.p50[0])), _banded(0.5 * (p99 + float(at.p50[0]))), band)
        else:
            latency[metric] = Percentiles(None, None, None, f"cannot carry {request_rate:.3g} requests/s")
    carried = feasible and latency["tpot"].p99 is not None
    kept = carried and all(
        (found := latency[metric].p99) is not None and found.value <= objectives[metric]
        for metric in METRICS
        if metric in objectives
    )
    if not feasible:
        reason = "weights do not fit in memory"
    elif not carried:
        reason = f"cannot carry {request_rate:.3g} requests/s"
    else:
        reason = "" if kept else "P99 time per token is over its promise"
    utilisation = min(request_rate / saturation, 1.0)
    tokens_per_month = request_rate / 2.0 * (1155 + 211) * 730 * 3600
    usd = sketch.usd_per_month * size
    has_cost = feasible and priced
    return AlternativeOutcome(
        name=f"{sketch.short} cost-plus",
        chip=sketch.chip,
        chip_name=sketch.name,
        label=f"{sketch.short} ×{sketch.degree}",
        unit_noun=sketch.unit_noun,
        degree=sketch.degree,
        degree_is_auto=True,
        legal_degrees=(1, 2, 4, 8),
        layout=Layout(sketch.degree, 1, 1, 1),
        layout_sentence=f"tensor {sketch.degree}",
        replicas=1,
        spare_replicas=1,
        chips_total=2 * sketch.degree,
        feasible=carried,
        keeps_promises=kept,
        reason=reason,
        memory=_memory(sketch, parameters, max_batch, request_rate / saturation, feasible),
        batch=BatchReport(40 * utilisation, 71 * utilisation, max_batch, max_batch, max_batch < 71, False)
        if carried
        else None,
        latency=latency,
        curves=curves,
        rates=rates,
        request_rate=request_rate,
        utilisation=utilisation,
        max_request_rate=_cliff(curves, rates, objectives) if feasible else 0.0,
        saturation_rate=saturation if feasible else 0.0,
        next_replica_rate=0.8 * saturation if feasible else None,
        throughput_tokens_per_s=request_rate * 211 if carried else 0.0,
        probability_keeps={"ttft": 0.97, "tpot": 0.56, "all": 0.54} if carried else {"all": 0.0},
        cost=Cost(
            usd_per_month=_banded(usd, 0.3),
            usd_per_million_blended=_banded(usd / tokens_per_month * 1e6, 0.3),
            usd_per_million_input=0.05,
            usd_per_million_output=0.45,
            usd_per_million_at_full_use=0.06,
            usd_per_chip_hour=_banded(2.2, 0.4),
            price_basis="cost_plus",
            price_source="owned-cost formula",
            price_hypothetical=True,
            price_stale=False,
        )
        if has_cost
        else Cost(None, None, None, None, None, None, "cost_plus", "", True, False, "no price: does not run"),
        energy_joule_per_token=_banded(0.9, 0.3) if carried else None,
        evidence_grade=sketch.grade,
        latency_method="closed form",
        precision_note="",
        available=sketch.chip != "qcom-ai200",
        availability_note="claimed, unconfirmed" if sketch.chip == "qcom-ai200" else "",
        open_figures=_open_figures(sketch),
    )


def _cliff(curves: dict[Metric, LatencyCurve], rates: Array, objectives: dict[str, float]) -> float:
    """Largest sampled rate at which every promise holds."""
    holds = np.ones(rates.shape, dtype=bool)
    for metric in METRICS:
        if metric in objectives:
            holds &= curves[metric].p99 <= objectives[metric]
    return float(rates[holds].max()) if holds.any() else 0.0


def _memory(sketch: Sketch, parameters: float, max_batch: int, load: float, fits: bool) -> MemoryFit:
    weights = parameters / sketch.degree
    other = 4 * GB
    kv_per_sequence = 0.16 * GB / sketch.degree
    usable = 0.92 * sketch.capacity
    if not fits:
        weights = usable + 411 * GB - other
    free = max(usable - weights - other, 0.0)
    largest = int(free / kv_per_sequence)
    return MemoryFit(
        weights=weights,
        kv=min(71 * load * kv_per_sequence, free),
        kv_at_cap=min(max_batch * kv_per_sequence, free),
        other=other,
        capacity=sketch.capacity,
        usable=usable,
        fits=fits,
        shortfall=0.0 if fits else weights + other - usable,
        max_batch=largest,
        max_context=131_072.0 if fits else 0.0,
        read_times=tuple(ReadTime(name, (weights + 2 * GB) / rate) for name, rate in sketch.bandwidths),
        sweep_s=sketch.capacity / sketch.bandwidths[0][1],
        remedy="" if fits else f"fits on {4 * sketch.degree} {sketch.unit_noun} or with 4-bit weights",
    )


def _open_figures(sketch: Sketch) -> tuple[OpenFigure, ...]:
    if sketch.chip != "qcom-ai200":
        return ()
    disputed = OpenFigure(
        sketch.chip, sketch.name, "memory_bandwidth", "Bandwidth: trust vendor", "disputed", "TB/s",
        1.7, 4.5, 7.39, (("vendor", 7.39), ("sceptic", 1.7)), 0.5, False,
        "the vendor's figure is out of line with the memory named", "made up for tests",
    )  # fmt: skip
    undisclosed = OpenFigure(
        sketch.chip, sketch.name, "link_bandwidth", "Link, one way", "undisclosed", "GB/s",
        32.0, 128.0, 256.0, (), 0.5, False, "PCIe 6; lanes and topology unknown", "made up for tests",
    )  # fmt: skip
    return (disputed, undisclosed)


def _tier(
    tier: str,
    title: str,
    shares: tuple[tuple[str, float, float, float], ...],
    *,
    counts: bool = True,
    single: bool = False,
    unknown: str = "",
) -> TierOutcome:
    suppliers = tuple(SupplierShare(*entry) for entry in shares)
    squares = sum(entry.share**2 for entry in suppliers)
    top = max(suppliers, key=lambda entry: entry.share)
    hhi = Banded(1e4 * squares, 1e4 * squares * 0.95, min(1e4, 1e4 * squares * 1.05))
    return TierOutcome(
        tier=tier,
        title=title,
        hhi=hhi,
        effective_suppliers=Banded(1 / squares, 1e4 / hhi.high, 1e4 / hhi.low),
        top_share=Banded(top.share, top.low, top.high),
        top_supplier=top.supplier,
        single_point_of_failure=single,
        suppliers=suppliers,
        counts=counts,
        unknown=unknown,
    )


def sample_fleet(designer_shares: tuple[float, ...] = (0.66, 0.19, 0.15)) -> FleetOutcome:
    """A fleet of H200, Trainium2 and AI200 with the given spend shares."""
    nvidia, aws, qualcomm = designer_shares
    designers = (("Nvidia", nvidia, nvidia, nvidia), ("AWS", aws, aws, aws),
                 ("Qualcomm", qualcomm, qualcomm, qualcomm))  # fmt: skip
    sure = nvidia + aws
    stacks = tuple((name, *share) for name, (_, *share) in zip(STACKS, designers, strict=True))
    packaging = (("TSMC CoWoS", 0.745, nvidia, sure), ("other", 0.255, 0.15, 0.34))
    makers = (("SK hynix", 0.46, 0.42, 0.52), ("Samsung", 0.3, 0.25, 0.33), ("Micron", 0.24, 0.2, 0.28))
    foundries = (("TSMC", 0.97, sure, 1.0), ("Samsung", 0.03, 0.0, qualcomm))
    countries = (("Taiwan", 0.9, 0.85, 1.0), ("Korea", 0.1, 0.0, 0.15))
    kinds = (("HBM", sure, sure, sure), ("LPDDR", qualcomm, qualcomm, qualcomm))
    tiers = (
        _tier("designer", "Chip designer", designers),
        _tier("software_stack", "Software stack", stacks),
        _tier("packaging", "Packaging", packaging, unknown="Trainium2's packaging"),
        _tier("memory_maker", "Memory makers", makers, unknown="AI200's memory maker"),
        _tier("foundry", "Foundry", foundries, unknown="AI200's foundry"),
        _tier("cloud", "Cloud", (("AWS", 1.0, 1.0, 1.0),), single=True),
        _tier("country", "Country", countries, counts=False),
        _tier("memory_type", "Memory type", kinds, counts=False),
    )
    pools = tuple(
        PoolOutcome(name, chip, chip_name, "AWS", traffic, spend, spend, spend, 20_000 * spend, 8, True)
        for name, chip, chip_name, traffic, spend in (
            ("H200", "nv-h200", "Nvidia H200", 0.6, nvidia),
            ("Trainium2", "aws-trn2", "AWS Trainium2", 0.2, aws),
            ("AI200", "qcom-ai200", "Qualcomm AI200", 0.2, qualcomm),
        )
    )
    return FleetOutcome(pools, tiers, ("foundry", "cloud"), "spend", 20_000.0)


def without_fleet(outcome: Outcome, reason: str = "no pool of the fleet carries its share") -> Outcome:
    """The same outcome with a fleet that has no figures, for a reason."""
    return replace(outcome, fleet=FleetOutcome((), (), (), "spend", None, reason))
