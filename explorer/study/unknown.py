"""What a break-even may be asked of: any figure of a chip, any numeric setting, the price of a chip-hour."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from explorer.catalog import Catalog, Chip
from explorer.catalog.figure import FIGURE_KINDS
from explorer.errors import ExplorerError
from explorer.scenario.inputs import INPUTS, input_at
from explorer.scenario.path import ScenarioValueError, get, several, split
from explorer.scenario.places import Place
from explorer.scenario.quantities import QUANTITIES, quantity_for_unit
from explorer.scenario.quantity import Quantity
from explorer.scenario.schema import FleetMember, Override, Scenario
from explorer.scenario.wording import NumberRange, fields_of, number_range_at, record_at, written
from explorer.scenario.workload import Alternative, Workload
from explorer.study.figures import central_values
from explorer.study.resolve import served_model
from explorer.study.solving import Reach

SPAN = 1e3
"""A scan looks this many times below and above the present value."""
ENDLESS = 1e6
"""This many times the present value stands for as much as one likes; its inverse for none."""
LESS_IS_BETTER = ("hop_latency", "collective_base_latency", "board_power", "capex", "memory_domains")
"""Figures that can only help by being small; all others help by being large."""
WHOLE_UNITS = ("chips", "count")

_OF = re.compile(r"\s+of\s+", re.IGNORECASE)
_ON = re.compile(r"\s+on\s+", re.IGNORECASE)
_LOOKED_AT: dict[str, float] = {"max_batch": 4096.0, "token_budget": 131_072.0, "replicas": 10_000.0}
"""The most of a setting that is looked at, where its bound is far beyond what anybody sets."""
_QUOTED = re.compile(r'"([^"]*)"(?:\s+on\s+"?([^"]*)"?)?')
_FIRST_GUESS: dict[str, float] = {"replicas": 1.0, "parallelism_degree": 1.0}


class UnknownInputError(ExplorerError):
    """An unknown that a scenario does not have: what was asked for, why not, and what is allowed."""

    def __init__(self, text: str, reason: str, allowed: str) -> None:
        self.text, self.reason, self.allowed = text, reason, allowed
        super().__init__(f"unknown '{text}': {reason} (allowed: {allowed})")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A number that may be solved for. `path` is where a scenario holds it, None for a price by the hour.

    Values are SI; `scale` is the SI value of one as the scenario writes it.
    """

    title: str
    of: str
    path: str | None
    quantity: Quantity
    scale: float
    reach: Reach
    unit: str = ""
    """The catalogue's unit, for a figure."""
    chip: str = ""
    figure: str = ""
    place: Place | None = None
    """The alternative whose chip-hour is priced."""
    is_open: bool = False
    """A disputed or undisclosed figure."""
    readings: int = 0
    """How many readings are disputed of a figure; none where it has a range."""
    believed: tuple[float, float] | None = None
    """Ends of what is believed of an open figure, SI."""

    @property
    def name(self) -> str:
        """As a heading names it: "Scale-up link bandwidth, one way (AI200)"."""
        return f"{self.title} ({self.of})" if self.of else self.title

    @property
    def within(self) -> str:
        """As the middle of a sentence names it: "scale-up link bandwidth, one way (AI200)"."""
        name = self.name
        return name if name[1:2].isupper() else name[:1].lower() + name[1:]

    def put(self, scenario: Scenario, value: float) -> Scenario:
        """The scenario with this number at `value` (SI); the same one for a price, which no scenario holds."""
        if self.path is None:
            return scenario
        if self.figure:
            return _with_figure(scenario, self.chip, self.figure, value / self.scale, self.unit)
        return several(scenario, self.setting(value, scenario))

    def setting(self, value: float, scenario: Scenario) -> dict[str, Any]:
        """What to change in the scenario so that this number is `value` (SI), by path; empty for a price by the hour.

        The other shares of a fleet make room for one that is set, in proportion.
        """
        if self.path is None:
            return {}
        stated = value / self.scale
        if self.figure:
            return {self.path: {"value": stated, "unit": self.unit, "reason": "break-even"}}
        if self.path.endswith(".traffic_share"):
            return _shares_around(scenario, self.path, stated)
        return {self.path: round(stated) if self.reach.whole or self.reach.stops else stated}

    def written(self, value: float) -> str:
        """A value as people read it."""
        return self.quantity.format(value)


def _shares_around(scenario: Scenario, path: str, share: float) -> dict[str, Any]:
    members = scenario.fleet.members
    at = int(path.split(".")[2])
    rest = 1.0 - members[at].traffic_share
    scale = (1.0 - share) / rest if rest > 0 else 0.0
    even = (1.0 - share) / max(len(members) - 1, 1) if rest <= 0 else 0.0
    return {
        f"fleet.members.{position}.traffic_share": share if position == at else one.traffic_share * scale + even
        for position, one in enumerate(members)
    }


def _with_figure(scenario: Scenario, chip: str, figure: str, value: float, unit: str) -> Scenario:
    table = dict(scenario.overrides.get(chip, {}))
    old = table.get(figure)
    reason = old.reason if old is not None else ""
    table[figure] = Override(value=value, unit=unit, reason=reason)
    return scenario.model_copy(update={"overrides": {**scenario.overrides, chip: table}})


def figure_unknown(catalog: Catalog, scenario: Scenario, chip_id: str, name: str) -> Unknown:
    """A chip's figure as an unknown; UnknownInputError for one it lacks or that follows from another."""
    chip = catalog.chip(chip_id)
    if name not in chip.figures:
        reason = f"{chip.name} has no figure '{name}'{_nearest(name, list(chip.figures))}"
        raise UnknownInputError(f"{chip_id}.{name}", reason, ", ".join(_asked_figures(chip)))
    figure = chip.figure(name)
    if figure.derived_from is not None:
        reason = f"it follows from {figure.derived_from}"
        raise UnknownInputError(f"{chip_id}.{name}", reason, f"{chip_id}.{figure.derived_from}")
    if FIGURE_KINDS[name].informative:
        raise UnknownInputError(f"{chip_id}.{name}", "no result hangs on it", ", ".join(_asked_figures(chip)))
    present = central_values(chip, scenario.overrides.get(chip_id, {}))[name]
    low, high, low_end, high_end = present / SPAN, present * SPAN, present / ENDLESS, present * ENDLESS
    whole = figure.unit in WHOLE_UNITS
    if whole:
        low, low_end, high, high_end = 1.0, 1.0, max(present, 1024.0), max(present, 1024.0)
    if figure.unit == "share":
        high = high_end = 1.0
    return Unknown(
        title=figure.title,
        of=chip.short_name,
        path=written(("overrides", chip_id, name)),
        quantity=quantity_for_unit(figure.unit),
        scale=figure.scale,
        reach=Reach(present, low, high, low_end, high_end, whole, better="low" if name in LESS_IS_BETTER else "high"),
        unit=figure.unit,
        chip=chip_id,
        figure=name,
        is_open=figure.is_open,
        readings=len(figure.readings),
        believed=(figure.low, figure.high) if figure.is_open else None,
    )


def price_unknown(scenario: Scenario, place: Place, present: float | None) -> Unknown:
    """The price of a chip-hour of an alternative; `present` in USD, None where none is known."""
    one = scenario.workloads[place.workload].alternatives[place.alternative]
    centre = present if present is not None and present > 0 else 1.0
    return Unknown(
        title="Price of a chip-hour",
        of=one.name,
        path=None,
        quantity=QUANTITIES["usd_per_hour"],
        scale=1.0,
        reach=Reach(present, centre / SPAN, centre * SPAN, centre / ENDLESS, centre * ENDLESS),
        place=place,
    )


def setting_unknown(catalog: Catalog, scenario: Scenario, path: str) -> Unknown:
    """A numeric setting of the scenario as an unknown; UnknownInputError for what is no number."""
    try:
        value = get(scenario, path)
    except ScenarioValueError as error:
        allowed = error.allowed or "a path of the scenario"
        raise UnknownInputError(path, f"{error.path}: {error.reason}", allowed) from None
    steps = split(path)
    bounds = number_range_at(steps)
    if bounds is None or isinstance(value, bool):
        numbers = record_at(steps[:-1])
        known = [] if numbers is None else [key for key in fields_of(numbers) if number_range_at((*steps[:-1], key))]
        raise UnknownInputError(path, "is not a number", ", ".join(known) or "a path to a number")
    setting = input_at(steps)
    quantity = QUANTITIES[setting.quantity or "plain"]
    present = float(value) * setting.scale if isinstance(value, int | float) else None
    if steps[-1] == "size_billion" and present is None:
        present = served_model(catalog, get(scenario, ".".join(map(str, steps[:-1])))).parameters
    stops: tuple[float, ...] = ()
    owner = get(scenario, written(steps[:-1])) if len(steps) > 1 else scenario
    if isinstance(owner, FleetMember) and len(scenario.fleet.members) < 2:
        raise UnknownInputError(path, "the only deployment of a fleet carries all of it", "a fleet of two or more")
    if steps[-1] == "parallelism_degree" and isinstance(owner, Alternative):
        stops = tuple(float(degree) for degree in catalog.chip(owner.chip).degrees)
    return Unknown(
        title=setting.title,
        of=_owner(scenario, steps[:-1], owner),
        path=path,
        quantity=quantity,
        scale=setting.scale,
        reach=_reach(str(steps[-1]), present, bounds, setting.scale, stops),
    )


def _owner(scenario: Scenario, steps: tuple[str | int, ...], owner: object) -> str:
    if isinstance(owner, Alternative | FleetMember):
        return owner.name
    if len(steps) >= 2 and steps[0] == "workloads" and isinstance(steps[1], int):
        return scenario.workloads[steps[1]].name
    return ""


def _reach(key: str, present: float | None, bounds: NumberRange, scale: float, stops: tuple[float, ...]) -> Reach:
    if stops:
        return Reach(present, stops[0], stops[-1], stops[0], stops[-1], stops=stops)
    centre = present if present else _FIRST_GUESS.get(key, scale)
    low, high, low_end, high_end = centre / SPAN, centre * SPAN, centre / ENDLESS, centre * ENDLESS
    if bounds.low is not None:
        least = bounds.low * scale
        if bounds.open_low:
            least = max(least * (1.0 + 1e-9), low_end) if least > 0 else low_end
        low, low_end = max(low, least), max(low_end, least)
        if bounds.low == 0 and not bounds.open_low:
            low_end = 0.0
    if bounds.high is not None:
        most = bounds.high * scale * (1.0 - 1e-9 if bounds.open_high else 1.0)
        most = min(most, max(_LOOKED_AT.get(key, most), centre))
        high, high_end = min(high, most), min(high_end, most)
    if bounds.whole:
        low, low_end = max(1.0, low) if low > 0 else low, max(1.0, low_end) if low_end > 0 else low_end
        high, high_end = float(round(high)), float(round(high_end))
    if present == 0.0:
        high = min(high, high_end)
    return Reach(present, min(low, high), high, low_end, high_end, bounds.whole)


def unknown_named(
    catalog: Catalog, scenario: Scenario, text: str, near: Place, prices: dict[Place, float | None]
) -> Unknown:
    """The unknown that a text asks for, in the neighbourhood of what the goal speaks of (`near`).

    A path ("workloads.0.traffic.request_rate_per_s", "overrides.qcom-ai200.link_bandwidth"), a figure of a chip
    ("link bandwidth of AI200"), a setting by its title or key ("max_batch of AI200", "requests per second"), or
    "price of AI200". `prices` are today's, USD a chip-hour. UnknownInputError says what is allowed.
    """
    plain = " ".join(text.split())
    if re.fullmatch(r'[\w"-]+(\.[\w"-]+)+', plain):
        return _by_path(catalog, scenario, plain)
    parts = _OF.split(plain, maxsplit=1)
    workload_at = near.workload
    owner = parts[1] if len(parts) > 1 else ""
    what = parts[0]
    quoted = _QUOTED.fullmatch(owner)
    if quoted is not None:
        owner = quoted.group(1)
        tail = [owner, quoted.group(2)] if quoted.group(2) else [owner]
    else:
        tail = _ON.split(owner or what, maxsplit=1)
    if len(tail) > 1:
        names = [one.name.casefold() for one in scenario.workloads]
        if tail[1].casefold() not in names:
            known = ", ".join(one.name for one in scenario.workloads)
            raise UnknownInputError(text, f"no workload is called '{tail[1]}'", known)
        workload_at = names.index(tail[1].casefold())
        if owner:
            owner = tail[0]
        else:
            what = tail[0]
    workload = scenario.workloads[workload_at]
    place = near if not owner and workload_at == near.workload else _owner_place(workload, workload_at, owner)
    wanted = what.casefold().replace("_", " ")
    if place is not None and wanted in ("price", "price of a chip-hour", "chip-hour", "price of a chip hour"):
        return price_unknown(scenario, place, prices.get(place))
    chip = _owner_chip(catalog, workload, owner, place)
    if chip is not None:
        figure = _figure_named(chip, wanted)
        if figure is not None:
            return figure_unknown(catalog, scenario, chip.id, figure)
    if wanted == "traffic share":
        for position, member in enumerate(scenario.fleet.members):
            if member.name.casefold() == owner.casefold():
                return setting_unknown(catalog, scenario, f"fleet.members.{position}.traffic_share")
    path = _setting_named(workload, workload_at, place, wanted)
    if path is not None:
        return setting_unknown(catalog, scenario, path)
    raise _nothing_named(text, what, owner, workload, chip)


def _by_path(catalog: Catalog, scenario: Scenario, text: str) -> Unknown:
    steps = split(text)
    if steps[0] == "overrides" and len(steps) >= 3:
        if len(steps) == 4 and steps[3] == "belief":
            raise UnknownInputError(text, "a belief is a weight, not a figure", f"overrides.{steps[1]}.{steps[2]}")
        return figure_unknown(catalog, scenario, str(steps[1]), str(steps[2]))
    if len(steps) == 2 and str(steps[0]) in catalog.chips:
        return figure_unknown(catalog, scenario, str(steps[0]), str(steps[1]))
    return setting_unknown(catalog, scenario, text)


def _owner_place(workload: Workload, at: int, owner: str) -> Place | None:
    for position, one in enumerate(workload.alternatives):
        if one.name.casefold() == owner.casefold():
            return Place(at, position)
    return None


def _owner_chip(catalog: Catalog, workload: Workload, owner: str, place: Place | None) -> Chip | None:
    if place is not None:
        return catalog.chip(workload.alternatives[place.alternative].chip)
    for chip in catalog.chips.values():
        if owner.casefold() in (chip.id.casefold(), chip.short_name.casefold(), chip.name.casefold()):
            return chip
    return None


def _figure_named(chip: Chip, wanted: str) -> str | None:
    """The figure whose key or title a text is, or whose title it begins or is contained in, if only one's."""
    names = _asked_figures(chip)
    for name in names:
        if wanted in (name.replace("_", " "), chip.figure(name).title.casefold()):
            return name
    near = [name for name in names if wanted in chip.figure(name).title.casefold()]
    if not near and wanted in ("purchase price", "price"):
        return "capex" if "capex" in names else None
    return near[0] if len(near) == 1 else None


def _asked_figures(chip: Chip) -> list[str]:
    return [
        name for name, one in chip.figures.items() if one.derived_from is None and not FIGURE_KINDS[name].informative
    ]


def _setting_paths(workload: Workload, at: int, place: Place | None) -> dict[str, str]:
    """Numeric settings by key: of the alternative, the workload's traffic, model and promises, prices, stragglers."""
    roots: list[tuple[str | int, ...]] = []
    if place is not None:
        roots.append(("workloads", at, "alternatives", place.alternative))
    roots += [("workloads", at, part) for part in ("traffic", "model", "objectives")]
    roots += [("price",), ("stragglers",)]
    found: dict[str, str] = {}
    for root in roots:
        record = record_at(root)
        for key in () if record is None else fields_of(record):
            if number_range_at((*root, key)) is not None:
                found.setdefault(key, written((*root, key)))
    return found


def _setting_named(workload: Workload, at: int, place: Place | None, wanted: str) -> str | None:
    for key, path in _setting_paths(workload, at, place).items():
        title = INPUTS[key].title.casefold() if key in INPUTS else ""
        if wanted in (key.replace("_", " "), title):
            return path
    return None


def _nothing_named(text: str, what: str, owner: str, workload: Workload, chip: Chip | None) -> UnknownInputError:
    if owner and chip is None:
        known = ", ".join(one.name for one in workload.alternatives)
        return UnknownInputError(text, f"no alternative or chip is called '{owner}'", known)
    settings = list(_setting_paths(workload, 0, Place(0, 0)))
    figures = _asked_figures(chip) if chip is not None else []
    names = ["price", *figures, *settings]
    return UnknownInputError(
        text, f"there is no such number{_nearest(what.replace(' ', '_'), names)}", ", ".join(names)
    )


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; nearest known: {', '.join(near)}" if near else ""
