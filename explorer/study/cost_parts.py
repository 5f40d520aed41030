"""A month's money by part, per token and per watt; renting against owning; throughput against interactivity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog, Chip
from explorer.engine.cost import (
    HOURS_PER_MONTH,
    TOKENS_PER_MILLION,
    HourlyCost,
    Migration,
    break_even_utilisation,
    monthly_cost,
    monthly_tokens,
    net_present_value,
    payback_months,
    switching_cost,
)
from explorer.errors import MissingFigureError
from explorer.scenario.schema import Migration as MigrationTerms
from explorer.scenario.schema import Price, Scenario
from explorer.scenario.workload import Workload
from explorer.study.figures import central_values
from explorer.study.interactivity import Interactivity, interactivity
from explorer.study.money import best_offer, owned_per_hour
from explorer.study.outcome import AlternativeOutcome, Cost, Outcome, WorkloadOutcome
from explorer.study.power import facility_watts, limit_watts, within_limit
from explorer.study.price_words import price_doubts
from explorer.study.sizing import SAFE_LOAD
from explorer.study.workload import demand_of

Array = NDArray[np.float64]

PART_TITLES: dict[str, str] = {
    "capital": "Capital",
    "energy": "Energy",
    "colocation": "Colocation",
    "opex": "Operation",
    "rent": "Rent",
    "hosted": "Hosted service",
    "margin": "Margin",
    "idle": "Idle",
    "spares": "Spares",
    "whole_units": "Whole units",
}
"""Parts of a month's money in the order they are stacked: what works first, then what does not."""


@dataclass(frozen=True, slots=True)
class CostPart:
    """One part of a month's money, USD."""

    key: str
    title: str
    usd_per_month: float


@dataclass(frozen=True, slots=True)
class PerMillion:
    """USD per million input, output and all tokens."""

    input: float
    output: float
    blended: float


@dataclass(frozen=True, slots=True)
class RentOrOwn:
    """Renting a chip against owning it, USD per chip-hour; None with a reason where one side has no price."""

    rented_per_hour: float | None
    rented_source: str
    owned_per_hour: float | None
    break_even_utilisation: float | None
    """Share of hours in use above which owning is cheaper; above 1 it never pays."""
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """Leaving the selected alternative for this one: USD once and a month, months, USD today."""

    switching_usd: float
    saving_usd_per_month: float
    payback_months: float | None
    net_present_value_usd: float


@dataclass(frozen=True, slots=True)
class AlternativeMoney:
    """The money of one alternative; `parts` add up to `usd_per_month`, and are empty where it has none."""

    name: str
    label: str
    keeps_promises: bool | None
    """None where it is not known."""
    usd_per_month: float | None
    parts: tuple[CostPart, ...]
    used_share: float | None
    """Share of the serving chips' hours that the mean traffic fills at the largest rate that keeps the promises."""
    stated: PerMillion | None
    full_use: PerMillion | None
    joule_per_token: float | None
    tokens_per_s_per_watt: float | None
    tokens_per_s_per_usd_hour: float | None
    """Output tokens/s of the mean traffic per USD an hour paid."""
    facility_watts: float | None
    within_power_limit: bool | None
    """None without a limit or without a figure of the chip's power."""
    price_source: str
    """Where the price is from, with what is to be held against it."""
    rent_or_own: RentOrOwn
    interactivity: Interactivity | None
    move: Move | None
    """None for the selected alternative, and where either has no price."""
    reason: str


@dataclass(frozen=True, slots=True)
class WorkloadMoney:
    """The money of a workload's alternatives, and of a hosted service where its price is stated."""

    workload: str
    alternatives: tuple[AlternativeMoney, ...]
    hosted: AlternativeMoney | None
    """The hosted service as one more alternative; None where its price is not stated."""
    power_limit_watts: float | None
    horizon_years: float
    """Over which a move is judged."""

    @property
    def all(self) -> tuple[AlternativeMoney, ...]:
        """The alternatives, and after them the hosted service where there is one."""
        return self.alternatives if self.hosted is None else (*self.alternatives, self.hosted)


def workload_money(scenario: Scenario, catalog: Catalog, outcome: Outcome) -> tuple[WorkloadMoney, ...]:
    """The money of every workload of an outcome of this scenario."""
    return tuple(
        _workload(scenario, catalog, workload, answered)
        for workload, answered in zip(scenario.workloads, outcome.workloads, strict=True)
    )


def _workload(scenario: Scenario, catalog: Catalog, workload: Workload, outcome: WorkloadOutcome) -> WorkloadMoney:
    return WorkloadMoney(
        workload=workload.name,
        alternatives=tuple(
            _alternative(scenario, catalog, workload, one, outcome.chosen) for one in outcome.alternatives
        ),
        hosted=_hosted(scenario, workload, outcome.chosen),
        power_limit_watts=limit_watts(scenario.price),
        horizon_years=scenario.fleet.migration.horizon_years,
    )


def hosted_month(price: Price, workload: Workload) -> float | None:
    """USD a month of the workload's tokens at a hosted service's prices; None where they are not both stated."""
    if price.hosted_usd_per_million_input is None or price.hosted_usd_per_million_output is None:
        return None
    traffic, demand = workload.traffic, demand_of(workload)
    prompts = float(monthly_tokens(traffic.request_rate_per_s, traffic.peak_to_mean, demand.prompt))
    answers = float(monthly_tokens(traffic.request_rate_per_s, traffic.peak_to_mean, demand.output))
    return (
        prompts * price.hosted_usd_per_million_input + answers * price.hosted_usd_per_million_output
    ) / TOKENS_PER_MILLION


def _hosted(scenario: Scenario, workload: Workload, chosen: AlternativeOutcome) -> AlternativeMoney | None:
    price, traffic, demand = scenario.price, workload.traffic, demand_of(workload)
    month = hosted_month(price, workload)
    if month is None:
        return None
    paid_in, paid_out = price.hosted_usd_per_million_input or 0.0, price.hosted_usd_per_million_output or 0.0
    blended = (paid_in * demand.prompt + paid_out * demand.output) / (demand.prompt + demand.output)
    each = PerMillion(paid_in, paid_out, blended)
    tokens_per_s = traffic.request_rate_per_s / traffic.peak_to_mean * demand.output
    spend = None if chosen.cost.usd_per_month is None else chosen.cost.usd_per_month.value
    return AlternativeMoney(
        name="hosted",
        label=PART_TITLES["hosted"],
        keeps_promises=None,
        usd_per_month=month,
        parts=(CostPart("hosted", PART_TITLES["hosted"], month),) if month > 0 else (),
        used_share=None,
        stated=each,
        full_use=each,
        joule_per_token=None,
        tokens_per_s_per_watt=None,
        tokens_per_s_per_usd_hour=tokens_per_s / (month / HOURS_PER_MONTH) if month > 0 else None,
        facility_watts=None,
        within_power_limit=None,
        price_source=price.hosted_source or "as stated in the scenario",
        rent_or_own=RentOrOwn(None, "", None, None, ""),
        interactivity=None,
        # an interface takes the place of a stack of one's own: the whole of the engineering
        move=None if spend is None else _move(scenario.fleet.migration, price, spend, month, engineering=1.0),
        reason="pays for tokens, not for hours; whether it keeps the promises is not known",
    )


def _alternative(
    scenario: Scenario, catalog: Catalog, workload: Workload, one: AlternativeOutcome, chosen: AlternativeOutcome
) -> AlternativeMoney:
    chip, price = catalog.chip(one.chip), scenario.price
    values = central_values(chip, scenario.overrides.get(one.chip, {}))
    settings = next(setting for setting in workload.alternatives if setting.name == one.name)
    try:
        owned, missing = owned_per_hour(chip, values, price), ""
    except MissingFigureError as error:
        owned, missing = None, str(error)
    rent = _rent_or_own(catalog, chip, settings.cloud, owned, missing)
    month = None if one.cost.usd_per_month is None else one.cost.usd_per_month.value
    each = facility_watts(values, price)
    watts = None if each is None or not one.chips_total else float(each) * one.chips_total
    within = None if price.power_limit_kw is None or watts is None else bool(within_limit(watts, price))
    usd = None if one.cost.usd_per_chip_hour is None else one.cost.usd_per_chip_hour.value
    joule = None if one.energy_joule_per_token is None else one.energy_joule_per_token.value
    reason = "; ".join(dict.fromkeys(text for text in (one.cost.reason, one.reason) if text))
    used = None if month is None else used_share(one, workload.traffic.peak_to_mean)
    parts = () if month is None or usd is None or used is None else _parts(one, price, usd, used, owned)
    demand = demand_of(workload)
    tokens_per_s = one.request_rate / workload.traffic.peak_to_mean * demand.output
    stated = _stated(one)
    full = None
    if stated is not None and one.cost.usd_per_million_at_full_use is not None:
        # what stands idle is laid on input and output pro rata, so at full use both fall alike
        scale = one.cost.usd_per_million_at_full_use / stated.blended
        full = PerMillion(stated.input * scale, stated.output * scale, stated.blended * scale)
    return AlternativeMoney(
        name=one.name,
        label=one.label,
        keeps_promises=one.keeps_promises,
        usd_per_month=month,
        parts=parts,
        used_share=used,
        stated=stated,
        full_use=full,
        joule_per_token=joule,
        tokens_per_s_per_watt=None if not joule else 1.0 / joule,
        tokens_per_s_per_usd_hour=None if not month else tokens_per_s / (month / HOURS_PER_MONTH),
        facility_watts=watts,
        within_power_limit=within,
        price_source=_source_words(one.cost),
        rent_or_own=rent,
        interactivity=interactivity(one, demand.prompt, demand.output, usd),
        move=_move_to(scenario, catalog, chosen, one),
        reason=reason,
    )


def _source_words(cost: Cost) -> str:
    return "; ".join(words for words in (cost.price_source, *price_doubts(cost)) if words)


def _stated(one: AlternativeOutcome) -> PerMillion | None:
    cost = one.cost
    if cost.usd_per_million_blended is None or cost.usd_per_million_input is None:
        return None
    if cost.usd_per_million_output is None:
        return None
    return PerMillion(cost.usd_per_million_input, cost.usd_per_million_output, cost.usd_per_million_blended.value)


def used_share(one: AlternativeOutcome, peak_to_mean: float) -> float:
    """Mean traffic over the largest that keeps the promises; over a safe load where none does; at most 1."""
    most = one.max_request_rate or SAFE_LOAD * one.saturation_rate
    return min(1.0, one.request_rate / peak_to_mean / most) if most > 0 else 0.0


def _parts(
    one: AlternativeOutcome, price: Price, usd: float, used: float, owned: HourlyCost | None
) -> tuple[CostPart, ...]:
    """What works by what it pays for, then idle hours, spares and what whole units add; sums to the month."""
    serving = one.replicas * one.layout.chips
    spares = one.spare_replicas * one.layout.chips
    rest = max(one.chips_total - serving - spares, 0)
    working = float(monthly_cost(usd, serving)) * used
    amounts = dict.fromkeys(PART_TITLES, 0.0)
    if price.basis == "offer" or owned is None:
        amounts["rent"] = working
    else:
        for key, amount in (
            ("capital", owned.capital),
            ("energy", owned.energy),
            ("colocation", owned.colocation),
            ("opex", owned.opex),
        ):
            amounts[key] = working * float(amount) / usd
        amounts["margin"] = working * (usd - float(owned.total)) / usd
    amounts["idle"] = float(monthly_cost(usd, serving)) * (1.0 - used)
    amounts["spares"] = float(monthly_cost(usd, spares))
    amounts["whole_units"] = float(monthly_cost(usd, rest))
    return tuple(CostPart(key, PART_TITLES[key], amount) for key, amount in amounts.items() if amount > 1e-9 * usd)


def _rent_or_own(catalog: Catalog, chip: Chip, cloud: str, owned: HourlyCost | None, missing: str) -> RentOrOwn:
    offers = catalog.offers_for(chip.id, cloud or None, "on_demand")
    published = [offer for offer in offers if not offer.hypothetical]
    own = None if owned is None else float(owned.total)
    if not published:
        where = cloud or "any cloud"
        return RentOrOwn(None, "", own, None, f"no published on-demand offer of {chip.name} in {where}")
    offer = best_offer(published)
    source = f"{offer.cloud} {offer.instance}, {offer.region}, on-demand, {offer.date}; read from {offer.source}"
    if owned is None:
        return RentOrOwn(offer.usd_per_chip_hour, source, None, None, missing)
    fixed = float(owned.capital + owned.opex + owned.colocation)
    even = float(break_even_utilisation(fixed, offer.usd_per_chip_hour, float(owned.energy)))
    if not math.isfinite(even):
        return RentOrOwn(offer.usd_per_chip_hour, source, own, None, "an owned hour's energy costs more than the rent")
    return RentOrOwn(offer.usd_per_chip_hour, source, own, even, "owning never pays at this rent" if even > 1.0 else "")


def exit_cost(terms: MigrationTerms, monthly_spend: float, *, engineering: float, egress: bool) -> float:
    """USD to leave: the part of the engineering (0-1) that a new stack takes, egress only from a cloud."""
    return float(
        switching_cost(
            Migration(
                engineers=terms.engineers * engineering,
                months=terms.months,
                usd_per_engineer_month=terms.usd_per_engineer_month,
                dual_run_months=terms.dual_run_months,
                monthly_spend=monthly_spend,
                overlap_share=terms.overlap_share,
                egress_terabytes=terms.egress_terabytes if egress else 0.0,
                usd_per_gigabyte=terms.egress_usd_per_gb,
                requalification=terms.requalification_usd,
                penalties=terms.penalties_usd,
            )
        )
    )


def _move_to(scenario: Scenario, catalog: Catalog, chosen: AlternativeOutcome, one: AlternativeOutcome) -> Move | None:
    if one.name == chosen.name or one.cost.usd_per_month is None or chosen.cost.usd_per_month is None:
        return None
    stacks = [catalog.software_stacks(chip) for chip in (chosen.chip, one.chip)]
    months = chosen.cost.usd_per_month.value, one.cost.usd_per_month.value
    return _move(scenario.fleet.migration, scenario.price, *months, engineering=float(stacks[0] != stacks[1]))


def _move(terms: MigrationTerms, price: Price, spend: float, then: float, *, engineering: float) -> Move:
    """Leaving a spend of so many USD a month for another; the NPV at the cost of capital over the horizon."""
    saving = spend - then
    cost = exit_cost(terms, spend, engineering=engineering, egress=False)
    back = float(payback_months(cost, saving))
    months = max(1, round(terms.horizon_years * 12))
    monthly_rate = (1.0 + price.cost_of_capital) ** (1.0 / 12.0) - 1.0
    worth = float(net_present_value(cost, np.full(months, saving), np.asarray(monthly_rate)))
    return Move(cost, saving, back if math.isfinite(back) else None, worth)
