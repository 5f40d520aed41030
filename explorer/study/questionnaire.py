"""The audit questionnaire: what a vendor is asked, how it must be measured, and the number its answer must beat."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.scenario.quantity import NOTHING, QUANTITIES, number_text
from explorer.study.ask_first import Demand
from explorer.study.audit_tests import AuditTest
from explorer.study.describe import METRIC_NAMES
from explorer.study.what_matters import WhatMatters
from explorer.study.what_matters_words import believed_text, mid_sentence, odds_text, threshold_text, worth_text

SECONDS, RATE, HOUR, USD, SHARE = (
    QUANTITIES[key] for key in ("seconds", "request_rate", "usd_per_hour", "usd", "share")
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question: what is asked, how it must be measured, what is believed, and what the answer must beat."""

    ask: str
    how: str
    believed: str
    beat: str
    why: str


@dataclass(frozen=True, slots=True)
class Section:
    """Questions of one subject."""

    title: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """Everything to ask about one chip for one workload."""

    title: str
    workload: str
    introduction: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]


HOW = {
    "memory_capacity": "Usable after error correction and firmware, on one card, as the driver reports it.",
    "memory_bandwidth": (
        "Sustained read of at least 80 % of the memory for ten minutes, all memory domains of one card at once, at the "
        "clock and power of the product; bytes read over seconds, not the peak of the interface."
    ),
    "memory_domains": "Number of separately addressed memories on a card, and which share of it each processor sees.",
    "on_card_link": "Sustained copy between two memory domains of one card, one way, all pairs at once.",
    "link_bandwidth": (
        "Sustained one-way copy between two cards over the scale-up link, 64 MB and more, all pairs at once."
    ),
    "scaleout_bandwidth": "Sustained one-way copy between cards of two hosts, all cards sending at once.",
    "hop_latency": "Half the round trip of an 8-byte message between two neighbouring cards; median and P99.",
    "collective_base_latency": (
        "All-reduce of 16 KB over 8 cards: P50 and P99 of 100,000 repetitions, links otherwise idle."
    ),
    "collective_efficiency": (
        "All-reduce of 2 MB over 8 cards: bytes on the busiest link over its bandwidth and the time."
    ),
    "scaleup_domain": "Cards that reach each other without leaving the scale-up link; a drawing with hops and widths.",
    "peak_16bit": "Dense matrix multiplication 8192 x 8192 x 8192, sustained for a minute at the product's power.",
    "peak_fp8": "Dense FP8 matrix multiplication 8192 x 8192 x 8192, sustained for a minute at the product's power.",
    "peak_int8": "Dense INT8 matrix multiplication 8192 x 8192 x 8192, sustained for a minute at the product's power.",
    "peak_fp4": "Dense FP4 matrix multiplication 8192 x 8192 x 8192, sustained for a minute at the product's power.",
    "board_power": "Mean over an hour of the workload below, at the card; and the limit set in firmware.",
    "capex": "Firm price of a card at the number bought, with its share of host, network and rack stated apart.",
}
"""How each figure must be measured for its number to count."""

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Memory", ("memory_capacity", "memory_bandwidth", "memory_domains", "on_card_link")),
    (
        "Links between chips",
        (
            "link_bandwidth", "hop_latency", "collective_base_latency", "collective_efficiency", "scaleout_bandwidth",
        ),
    ),
    ("Topology", ("scaleup_domain",)),
    ("Compute", ("peak_16bit", "peak_fp8", "peak_int8", "peak_fp4")),
)  # fmt: skip
PRICED = ("capex", "board_power")


def questionnaires(found: WhatMatters) -> tuple[Questionnaire, ...]:
    """One for each compared alternative on a chip with open figures."""
    return tuple(_questionnaire(found, test) for test in found.tests)


def _questionnaire(found: WhatMatters, test: AuditTest) -> Questionnaire:
    own = {demand.figure: demand for demand in found.demands if demand.chip == test.chip}
    sections = [Section(title, tuple(_asked(own[name]) for name in names if name in own)) for title, names in SECTIONS]
    sections += [
        Section("Scaling over several chips", (_scaling(test),)),
        Section("Latency under a stated load", _latency(test)),
        Section("Price", (*_price(test), *(_asked(own[name]) for name in PRICED if name in own))),
        Section("Software stack and portability", _stack(test)),
    ]
    first = next((demand for demand in found.demands if demand.chip == test.chip), None)
    most = "" if first is None else f" Ask first: {mid_sentence(first.title)}."
    against = f", against {test.reference}" if test.reference else ""
    return Questionnaire(
        title=f"Audit questionnaire: {test.chip_name}",
        workload=found.workload,
        introduction=(
            f"For {found.workload} at {RATE.format(test.rate_per_replica * test.replicas)}{against}. Every number to "
            f"beat is computed from the scenario: {_kept_words(test)}.{most}"
        ),
        sections=tuple(section for section in sections if section.questions),
        notes=(
            "An answer counts with the date, the part and firmware it was measured on, and who measured it.",
            "Promises: the value from which on the chips of now keep every promise.",
            "Money: the value from which on keeping the promises costs no more than the reference.",
            "Surely: both, with 90 % probability, all other figures being as uncertain as they are.",
            "* beyond the range the figure is believed to have.",
            "Latencies are drawn from the closed form; the simulation may differ from it by some per cent.",
        ),
    )


def _kept_words(test: AuditTest) -> str:
    """How the promises are kept, or that they are not: no number of the sheet may say otherwise."""
    replicas = f"{test.replicas} replica{'s' if test.replicas != 1 else ''}"
    built = f"{replicas} of {test.degree} {test.unit_noun}{'s' if test.degree != 1 else ''}"
    supposed = f"{built}, all other figures as believed"
    if test.keeps_promises:
        return f"it keeps the promises ({promises_text(test)}) with {supposed}"
    why = f": {test.reason}" if test.reason else ""
    return f"it does not keep the promises ({promises_text(test)}), looked at with {supposed}{why}"


def promises_text(test: AuditTest) -> str:
    """The promises made: "P99 first token ≤ 2 s"."""
    made = [f"P99 {METRIC_NAMES[metric]} ≤ {SECONDS.format(limit)}" for metric, limit in test.limits.items()]
    return ", ".join(made) or "none made"


def _asked(demand: Demand) -> Question:
    beats = [
        f"promises: {threshold_text(demand, demand.acceptance)}",
        f"money: {threshold_text(demand, demand.break_even)}"
        + (f" ({demand.break_even.note})" if demand.break_even.kind == "none" else ""),
        f"surely: {threshold_text(demand, demand.surely)}",
    ]
    odds = f"Odds of keeping the promises, worst to best answer: {odds_text(demand)}."
    return Question(
        ask=demand.title,
        how=HOW.get(demand.figure, "Measured on the product as sold, with the method stated."),
        believed=believed_text(demand),
        beat="; ".join(beats),
        why=" ".join(text for text in (odds, f"Worth knowing: {worth_text(demand)}.", demand.reason) if text),
    )


def _scaling(test: AuditTest) -> Question:
    best, target = test.best, test.rate_per_chip_to_beat
    points = [
        f"×{point.degree}: {RATE.format(point.rate_per_chip)}"
        + ("" if best is None else f" ({SHARE.format(point.rate_per_chip / best.rate_per_chip)})")
        for point in test.scaling
        if point.fits
    ]
    if best is None and points:
        points = ["none within the promises, at any size that fits"]
    beat = "any load at all within the promises" if best is None else NOTHING
    if best is not None and target is not None:
        beat = f"{RATE.format(target)} a {test.unit_noun} within the promises, to cost no more than {test.reference}"
        needed = target / best.rate_per_chip
        if needed <= 1.0:
            beat += f": {SHARE.format(needed)} of what ×{best.degree} is believed to carry"
        else:
            more = number_text(needed, 2)
            beat += f": {more} times what ×{best.degree} is believed to carry, so scaling alone will not do"
    return Question(
        ask=f"Scaling efficiency: requests a second a {test.unit_noun}, in replicas of 1, 2, 4, 8 and more",
        how=(
            "The workload below at the largest rate that keeps every promise, in one replica of each size: requests a "
            f"second over {test.unit_noun}s, as a share of the best size's."
        ),
        believed="; ".join(points) if points else "does not fit at any size",
        beat=beat,
        why="Chips that wait for each other earn nothing: two half-used ones cost as much as two full ones.",
    )


def _latency(test: AuditTest) -> tuple[Question, ...]:
    lengths = f"{test.prompt_tokens:,.0f} prompt and {test.output_tokens:,.0f} answer tokens in the mean"
    return tuple(
        Question(
            ask=f"P99 {METRIC_NAMES[metric]} at {RATE.format(test.rate_per_replica)} a replica",
            how=(
                f"One replica of {test.degree} {test.unit_noun}{'s' if test.degree != 1 else ''}, {lengths}, random "
                "arrivals, at least 20,000 requests after warming up; P50, P95 and P99 of all requests, none left out."
            ),
            believed=_p99(test, metric),
            beat=f"≤ {SECONDS.format(limit)}",
            why="The mean says nothing about the slowest request in a hundred, and that is what was promised.",
        )
        for metric, limit in test.limits.items()
    )


def _p99(test: AuditTest, metric: str) -> str:
    if metric not in test.p99:
        return "cannot be carried"
    value, low, high = test.p99[metric]
    return f"{SECONDS.format(value)} ({SECONDS.format_range(low, high)})"


def _price(test: AuditTest) -> tuple[Question, ...]:
    beat = "no price makes up for promises that are out of reach"
    if test.usd_per_chip_hour_to_beat is not None:
        against = f" to cost no more than {test.reference}" if test.reference else ""
        beat = f"≤ {HOUR.format(test.usd_per_chip_hour_to_beat)} a {test.unit_noun}{against}"
    elif not test.reference:
        beat = NOTHING
    return (
        Question(
            ask=f"Price of a {test.unit_noun}-hour, on demand and for three years",
            how="Firm, in the region and at the number bought, support and software included, taxes apart.",
            believed=NOTHING if test.usd_per_chip_hour is None else f"{HOUR.format(test.usd_per_chip_hour)} (computed)",
            beat=beat,
            why="Nobody publishes it; the scenario computes it from purchase price and power as for every other chip.",
        ),
    )


def _stack(test: AuditTest) -> tuple[Question, ...]:
    unknown = ", ".join(test.unknown_features) or "nothing"
    missing = ", ".join(test.missing_features)
    return (
        Question(
            ask=f"Which of these does {test.stack} serve in production: {unknown}",
            how="Named release, named model, a log of the run; not a roadmap.",
            believed=f"not published: {unknown}" + (f"; missing: {missing}" if missing else ""),
            beat="every feature that the workload uses",
            why="What the stack lacks has to be built by the buyer, or the model is not served.",
        ),
        Question(
            ask="What it takes to leave again: weights, kernels and tools that run elsewhere unchanged",
            how="Share of the code of a working port that names the vendor's interfaces; engineer-months of one done.",
            believed=f"{USD.format(test.exit_usd)} once, by the scenario's terms",
            beat=f"≤ {USD.format(test.exit_usd)} once",
            why="What leaving costs is what the vendor can raise its price by.",
        ),
    )
