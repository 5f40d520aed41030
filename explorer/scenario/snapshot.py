"""The catalogue figures a scenario was saved with, so that a later catalogue's changes can be told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from explorer.catalog.catalog import Catalog
from explorer.catalog.chip import Chip
from explorer.catalog.figure import Figure
from explorer.catalog.model import Model, parameter_count
from explorer.catalog.offer import Offer
from explorer.catalog.supplier import SupplyChain
from explorer.errors import UnknownRecordError
from explorer.scenario.quantity import number_text, quantity_for_unit
from explorer.scenario.schema import Alternative, FleetMember, Scenario

Table = dict[str, Any]

# Descriptions of a record; no result depends on them.
_WORDS = frozenset(
    {"id", "name", "family", "published_source", "source", "licence", "notes", "aliases", "origin", "layers"}
)


def with_snapshot(scenario: Scenario, catalog: Catalog, app_version: str, engine_version: str) -> Scenario:
    """`scenario` with the versions it was computed by and every catalogue figure it rests on.

    The figures of every chip, model, offer and supply chain used go under `[catalog.used]`.
    UnknownRecordError when the catalogue lacks one of them.
    """
    chips = _chips_of(scenario)
    used: Table = {
        "chips": {chip_id: _chip_table(catalog.chip(chip_id)) for chip_id in chips},
        "models": {preset: _model_table(catalog.model(preset)) for preset in _presets_of(scenario)},
        "offers": {offer_id: _offer_table(catalog.offer(offer_id)) for offer_id in _offers_of(scenario, catalog)},
        "suppliers": {
            chip_id: _chain_table(catalog.supply_chain(chip_id))
            for chip_id in chips
            if chip_id in catalog.supply_chains
        },
    }
    kept = {key: value for key, value in (scenario.catalog or {}).items() if key != "used"}
    return scenario.model_copy(
        update={
            "app_version": app_version,
            "engine_version": engine_version,
            "catalog_edition": catalog.edition,
            "catalog": {**kept, "used": {key: table for key, table in used.items() if table}},
        }
    )


def changed_since_saved(scenario: Scenario, catalog: Catalog) -> tuple[str, ...]:
    """The figures that differ between the scenario's snapshot and the catalogue of today, in words.

    Empty when none differs or nothing was saved.
    """
    used = (scenario.catalog or {}).get("used")
    if not isinstance(used, Mapping):
        return ()
    found: list[str] = []
    for chip_id, saved in _entries(used, "chips"):
        if chip_id not in catalog.chips:
            found.append(f"chip {chip_id}: no longer in the catalogue")
        else:
            chip = catalog.chip(chip_id)
            found.extend(_changed_figures(chip.name, saved, _chip_table(chip)))
    for preset, saved in _entries(used, "models"):
        try:
            # By alias as well, which the mapping of models does not know.
            model = catalog.model(preset)
        except UnknownRecordError:
            found.append(f"model {preset}: no longer in the catalogue")
        else:
            found.extend(_changed_values(preset, saved, _model_table(model)))
    for offer_id, saved in _entries(used, "offers"):
        if offer_id not in catalog.offers:
            found.append(f"offer {offer_id}: no longer in the catalogue")
        else:
            now = _offer_table(catalog.offer(offer_id))
            found.extend(_changed_figures(offer_id, {"price": saved}, {"price": now}))
    for chip_id, saved in _entries(used, "suppliers"):
        if chip_id in catalog.supply_chains:
            now = _chain_table(catalog.supply_chain(chip_id))
            found.extend(_changed_values(f"suppliers of {chip_id}", saved, now))
    return tuple(found)


def _deployments(scenario: Scenario) -> list[Alternative | FleetMember]:
    alternatives = [a for workload in scenario.workloads for a in workload.alternatives]
    return [*alternatives, *scenario.fleet.members]


def _chips_of(scenario: Scenario) -> tuple[str, ...]:
    measured = [benchmark.chip for benchmark in scenario.benchmarks]
    return tuple(dict.fromkeys([*(deployment.chip for deployment in _deployments(scenario)), *measured]))


def _presets_of(scenario: Scenario) -> tuple[str, ...]:
    """Models served, and those that benchmarks of the user's own ran."""
    served = [workload.model.preset for workload in scenario.workloads]
    return tuple(dict.fromkeys([*served, *(benchmark.model for benchmark in scenario.benchmarks)]))


def _offers_of(scenario: Scenario, catalog: Catalog) -> tuple[str, ...]:
    """Offers named in the scenario, and those it would choose from where prices are offers."""
    found: list[str] = []
    for deployment in _deployments(scenario):
        if deployment.offer is not None:
            found.append(deployment.offer)
        elif scenario.price.basis == "offer":
            offers = catalog.offers_for(deployment.chip, deployment.cloud or None, scenario.price.term)
            found.extend(offer.id for offer in offers)
    return tuple(dict.fromkeys(found))


def _chip_table(chip: Chip) -> Table:
    return {name: _figure_table(figure) for name, figure in chip.figures.items()}


def _figure_table(figure: Figure) -> Table:
    """One figure in its own display unit, rounded off what the conversion adds."""
    table: Table = {
        "value": _shown(figure.value, figure.scale),
        "low": _shown(figure.low, figure.scale),
        "high": _shown(figure.high, figure.scale),
        "unit": figure.unit,
        "status": figure.status,
    }
    if figure.readings:
        table["readings"] = {reading.name: _shown(reading.value, figure.scale) for reading in figure.readings}
        table["belief"] = figure.belief
    return table


def _offer_table(offer: Offer) -> Table:
    return {
        "value": offer.usd_per_chip_hour,
        "low": offer.low,
        "high": offer.high,
        "unit": "USD/h",
        "status": offer.status,
        "date": offer.date,
        "hypothetical": offer.hypothetical,
    }


def _model_table(model: Model) -> Table:
    table: Table = {"parameters": round(parameter_count(model))}
    for field in fields(model):
        value = getattr(model, field.name)
        if field.name not in _WORDS and value not in (None, 0):
            table[field.name] = value
    table["layers"] = [
        " ".join(
            f"{field.name}={_layer_value(getattr(group, field.name))}"
            for field in fields(group)
            if getattr(group, field.name) not in (None, False)
        )
        for group in model.layers
    ]
    return table


def _chain_table(chain: SupplyChain) -> Table:
    return {
        tier: {
            "known": link.known,
            "weights": {candidate.supplier: candidate.weight for candidate in link.candidates},
        }
        for tier, link in chain.links.items()
    }


def _layer_value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shown(value: float, scale: float) -> float:
    return float(f"{value / scale:.12g}")


def _entries(used: Mapping[str, Any], kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    tables = used.get(kind)
    if not isinstance(tables, Mapping):
        return []
    return [(name, table) for name, table in tables.items() if isinstance(table, Mapping)]


def _changed_figures(owner: str, saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*saved, *now]):
        old, new = saved.get(name), now.get(name)
        if not _alike(old, new):
            yield f"{owner}: {name.replace('_', ' ')} was {_figure_text(old)}, is {_figure_text(new)}"


def _changed_values(owner: str, saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*saved, *now]):
        old, new = saved.get(name), now.get(name)
        if not _alike(old, new):
            yield f"{owner}: {name.replace('_', ' ')} was {_value_text(old)}, is {_value_text(new)}"


def _alike(old: Any, new: Any) -> bool:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return old.keys() == new.keys() and all(_alike(old[key], new[key]) for key in old)
    if isinstance(old, int | float) and isinstance(new, int | float):
        return math.isclose(old, new, rel_tol=1e-9)
    return bool(old == new)


def _figure_text(table: Any) -> str:
    """ "7.39 TB/s (1.7–7.39, disputed)"; figures whose text is not whole are shown as they stand."""
    if table is None:
        return "not known"
    try:
        scale = quantity_for_unit(table["unit"])
        low, high = float(table["low"]), float(table["high"])
        value = float(table["value"])
        status = str(table["status"])
    except (KeyError, TypeError, ValueError):
        return _value_text(table)
    unit = "" if scale.key == "plain" else f" {table['unit']}"
    band = f"{number_text(low, 6)}–{number_text(high, 6)}, " if low != high else ""
    return f"{number_text(value, 6)}{unit} ({band}{status})"


def _value_text(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value_text(entry)}" for name, entry in value.items())
    if isinstance(value, list):
        return "; ".join(_value_text(entry) for entry in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
