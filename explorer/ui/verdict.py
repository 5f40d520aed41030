"""The verdict as tiles: seven answers in words and figures, each with its band and its change; knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING, Quantity
from explorer.study.banded import Banded, Metric
from explorer.study.outcome import OWN_GRADE, AlternativeOutcome, Outcome, WorkloadOutcome
from explorer.study.price_words import price_doubts, price_marks
from explorer.study.probability_words import confidence_word

Tone = Literal["plain", "good", "doubt", "bad"]
SURE, UNSURE = 0.95, 0.05
SECONDS, PER_MILLION, MONTH = (QUANTITIES[key] for key in ("seconds", "usd_per_million", "usd_per_month"))
BYTES, SUPPLIERS, SHARE = (QUANTITIES[key] for key in ("bytes", "suppliers", "share"))

WAS = "was:"
"""Begins a change between answers that are words."""
PRICE_WORDS = {"cost_plus": "on cost plus", "offer": "on offers", "own": "owned"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One answer: a title, a large figure, its band, and a line below that says what changed or what it means."""

    key: str
    title: str
    figure: str
    band: str = ""
    note: str = ""
    tone: Tone = "plain"
    why: str = ""
    brief: str = ""
    """The note where there is no room for all of it; empty where it may be cut short."""
    band_alone: str = ""
    """The band with its unit, for where it does not stand beside the figure."""

    @property
    def answer(self) -> tuple[str, ...]:
        """What is read first."""
        return self.title, self.figure, self.tone

    @property
    def beside(self) -> tuple[str, ...]:
        """What else is seen."""
        return self.band, self.note, self.brief, self.band_alone

    @property
    def sentence(self) -> str:
        """As spoken by a screen reader."""
        return ", ".join(part for part in (f"{self.title}: {self.figure}", self.band, self.note, self.why) if part)


def verdict_tiles(outcome: Outcome, workload: int, baseline: Outcome | None) -> tuple[Tile, ...]:
    """The seven tiles about the selected alternative of a workload."""
    answer = outcome.workloads[workload]
    then = _workload_named(baseline, answer.name)
    was = None if then is None else then.chosen
    return (
        _fits(answer.chosen, was),
        _latency(answer, "ttft", "P99 first token", was),
        _latency(answer, "tpot", "P99 per token", was),
        _money(answer.chosen, "usd_per_million", "$/M tokens", PER_MILLION, was),
        _money(answer.chosen, "usd_per_month", "$/month", MONTH, was),
        _fleet(outcome, baseline),
        _certainty(answer, then, _least_step(outcome, baseline)),
    )


def _fits(chosen: AlternativeOutcome, was: AlternativeOutcome | None) -> Tile:
    memory, noun = chosen.memory, chosen.unit_noun
    used = BYTES.format_number(memory.weights + memory.kv + memory.other, at=memory.capacity)
    brief = f"{used} of {BYTES.format(memory.capacity)}"
    held = brief + (" each" if chosen.degree > 1 else "")
    is_other = was is not None and was.memory.fits != memory.fits
    before = f"{WAS} {'no' if memory.fits else 'yes'}" if is_other else ""
    if memory.fits:
        replica = f"{chosen.degree} {noun}" + ("s" if chosen.degree != 1 else "")
        return Tile("fits", "Fits", "✓ yes", replica, _joined(before, held), "good", memory.note, before or brief)
    brief = f"{BYTES.format(memory.shortfall)} short"
    short = brief + (" each" if chosen.degree > 1 else "")
    return Tile("fits", "Fits", "✗ no", "", _joined(before, short), "bad", memory.remedy, _joined(before, brief))


def _latency(answer: WorkloadOutcome, metric: Metric, title: str, was: AlternativeOutcome | None) -> Tile:
    chosen = answer.chosen
    answered = chosen.latency.get(metric)
    p99 = None if answered is None else answered.p99
    if p99 is None:
        reason = chosen.reason if answered is None else answered.reason or chosen.reason
        tone: Tone = "bad" if metric in answer.objectives else "plain"
        return Tile(metric, title, NOTHING, "", _briefly(chosen, reason), tone, reason)
    tone, sign, words = _promise(answer, metric)
    before = None if was is None else was.latency.get(metric)
    change = _change(SECONDS, p99.value, None if before is None else before.p99)
    limit = answer.objectives.get(metric)
    promise = "" if limit is None else f"{sign} {SECONDS.format(limit)}" if change else words
    return Tile(
        metric,
        title,
        SECONDS.format(p99.value),
        _band(SECONDS, p99),
        _joined(change, promise),
        tone,
        "" if limit is None else f"promise: {words}",
        band_alone=_band(SECONDS, p99, alone=True),
    )


def _promise(answer: WorkloadOutcome, metric: Metric) -> tuple[Tone, str, str]:
    """Tone, sign and words about a promise; nothing where none is made."""
    limit = answer.objectives.get(metric)
    if limit is None:
        return "plain", "", ""
    answered = answer.chosen.latency.get(metric)
    p99 = None if answered is None else answered.p99
    probability = answer.chosen.probability_keeps.get(metric)
    if p99 is not None and p99.value > limit:
        return "bad", "✗", f"✗ over {SECONDS.format(limit)}"
    if probability is not None and probability < SURE:
        return "doubt", "?", f"? {confidence_word(probability)}, {SHARE.format(probability)}"
    return "good", "✓", f"✓ within {SECONDS.format(limit)}"


def _money(
    chosen: AlternativeOutcome, key: str, title: str, quantity: Quantity, was: AlternativeOutcome | None
) -> Tile:
    def read(one: AlternativeOutcome) -> Banded | None:
        return one.cost.usd_per_month if key == "usd_per_month" else one.cost.usd_per_million_blended

    cost = read(chosen)
    if cost is None:
        reason = chosen.cost.reason or chosen.reason
        return Tile(key, title, NOTHING, "", _briefly(chosen, reason), "plain", reason)
    change = _change(quantity, cost.value, None if was is None else read(was))
    marks = price_marks(chosen.cost)
    note = _joined(change, *marks) or PRICE_WORDS.get(chosen.cost.price_basis, chosen.cost.price_basis)
    return Tile(
        key,
        title,
        quantity.format(cost.value),
        _band(quantity, cost),
        note,
        "doubt" if marks else "plain",
        "; ".join((*price_doubts(chosen.cost), chosen.cost.price_source)),
        band_alone=_band(quantity, cost, alone=True),
    )


def _fleet(outcome: Outcome, baseline: Outcome | None) -> Tile:
    title = "Fleet: designers"
    tier = next((one for one in outcome.fleet.tiers if one.tier == "designer"), None)
    if tier is None:
        reason = outcome.fleet.reason
        unknown = next((pool.name for pool in outcome.fleet.pools if pool.reason == reason), "")
        brief = f"no answer for {unknown}" if unknown else reason.partition(":")[0]
        return Tile("fleet", title, NOTHING, "", reason, "plain", reason, brief)
    was = None if baseline is None else next((one for one in baseline.fleet.tiers if one.tier == "designer"), None)
    value = tier.effective_suppliers.value
    change = _change(SUPPLIERS, value, None if was is None else was.effective_suppliers)
    weakest = outcome.fleet.weakest
    counted, listed = f"{len(weakest)} tiers", ", ".join(one.title.lower() for one in weakest)

    def noted(names: str) -> str:
        least = f"weakest: {names} {SUPPLIERS.format(weakest[0].effective_suppliers.value)}" if weakest else ""
        return _joined(change, least)

    note, brief = noted(counted if len(weakest) > 2 else listed), noted(counted) if len(weakest) > 1 else ""
    single = [one.title.lower() for one in outcome.fleet.tiers if one.counts and one.single_point_of_failure]
    why = f"single points of failure: {', '.join(single)}" if single else ""
    return Tile("fleet", title, SUPPLIERS.format(value), "effective", note, "plain", why, brief)


def _certainty(answer: WorkloadOutcome, then: WorkloadOutcome | None, least_step: float) -> Tile:
    probability = answer.chosen.probability_keeps.get("all")
    grade = evidence_words(answer.chosen)
    own = "" if answer.chosen.own is None else OWN_GRADE
    if not answer.objectives:
        brief = f"data: {answer.chosen.evidence_grade}"
        return Tile("certainty", "How sure", "no promise", own, grade, "plain", grade, brief)
    if probability is None:
        return Tile("certainty", "How sure", NOTHING, "", answer.chosen.reason, "plain", answer.chosen.reason)
    tone: Tone = "good" if probability >= SURE else "bad" if probability <= UNSURE else "doubt"
    count = {1: "it", 2: "both"}.get(len(answer.objectives), "all")
    before = None if then is None else then.chosen.probability_keeps.get("all")
    told = before is not None and abs(probability - before) >= least_step
    change = "" if before is None or not told else _moved(SHARE, probability, before)
    share = SHARE.format(probability)
    return Tile(
        "certainty",
        "How sure",
        confidence_word(probability),
        own,
        _joined(change, f"keeps {count}: {share}"),
        tone,
        grade,
        _joined(change, share) if change else "",
    )


def _least_step(outcome: Outcome, baseline: Outcome | None) -> float:
    """The least change of a probability that is told: few draws against many would show changes nobody made."""
    if baseline is None or baseline.samples == outcome.samples:
        return 0.0
    # one standard error of a share of so many draws, at worst
    return float(0.5 / min(baseline.samples, outcome.samples) ** 0.5)


def evidence_words(one: AlternativeOutcome) -> str:
    """How well an alternative's speed is known: its evidence grade, and how far a step may be off."""
    if one.own is not None:
        return f"evidence: {one.evidence_grade}, {one.own.sentence}"
    error = "" if one.step_error is None else f", a step known to ×/÷ {one.step_error:.2f} before open figures"
    return f"evidence: {one.evidence_grade}{error}"


def _briefly(chosen: AlternativeOutcome, reason: str) -> str:
    """The reason in the few words a tile has room for; in full it is the tile's why."""
    return reason if chosen.memory.fits else "does not fit"


def _change(quantity: Quantity, now: float, was: Banded | None) -> str:
    return "" if was is None else _moved(quantity, now, was.value)


def _moved(quantity: Quantity, now: float, was: float) -> str:
    change = quantity.format_change(now, was)
    return "" if change in ("unchanged", NOTHING) else change


def _band(quantity: Quantity, banded: Banded, *, alone: bool = False) -> str:
    """The band beside its value, or `alone` with its unit; none where both of its ends are written alike."""
    beside = quantity.format_range(banded.low, banded.high, at=banded.value)
    if beside == NOTHING or not (beside.startswith("≥") or "–" in beside):
        return ""
    return quantity.format_range(banded.low, banded.high) if alone else beside


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def baseline_words(name: str, answer: WorkloadOutcome, baseline: Outcome | None) -> str:
    """How the baseline is called, with its selected alternative where that is another one."""
    then = _workload_named(baseline, answer.name)
    return name if then is None or then.chosen.name == answer.chosen.name else f"{name}: {then.chosen.name}"


def _workload_named(outcome: Outcome | None, name: str) -> WorkloadOutcome | None:
    return None if outcome is None else next((one for one in outcome.workloads if one.name == name), None)
