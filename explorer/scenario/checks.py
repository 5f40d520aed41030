"""What can be wrong with a scenario that is well formed: names nobody knows, and choices that cannot be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from explorer.catalog.catalog import Catalog
from explorer.catalog.chip import Chip
from explorer.catalog.figure import Figure
from explorer.catalog.portability import portability_matrix
from explorer.catalog.supplier import NO_DEPENDENCE
from explorer.errors import UnknownRecordError
from explorer.scenario.locks import unknown_locks
from explorer.scenario.quantity import number_text, quantity_for_unit, restated, same_dimension
from explorer.scenario.schema import LayoutChoice, Override, Record, Scenario
from explorer.scenario.wording import Fault, Step, fields_of

Path = tuple[Step, ...]

FARTHEST = 1e6
"""How many times the catalogue's value, or which part of it, an override may be."""


def unknown_keys(scenario: Scenario) -> tuple[Fault, ...]:
    """Keys that no record knows, with the nearest that are; tables named "x-..." are the user's own."""
    found = list(_unknown_in(scenario, ()))
    if scenario.baseline is not None:
        baseline = Scenario.model_validate(scenario.baseline)
        found.extend(_unknown_in(baseline, ("baseline",)))
    return tuple(found)


def unknown_records(document: Mapping[str, Any], catalog: Catalog) -> tuple[Fault, ...]:
    """Chips, models, offers and figures that the catalogue does not hold.

    Works on the plain tables of a file, so that these are named together with whatever else is wrong in it.
    """
    found = list(_unknown_records_in(document, catalog, ()))
    baseline = document.get("baseline")
    if isinstance(baseline, Mapping):
        found.extend(_unknown_records_in(baseline, catalog, ("baseline",)))
    return tuple(found)


def unreadable_claims(document: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Claims whose statement cannot be read, each with the column of what is wrong and what is allowed there."""
    claims = [(position, claim.get("statement")) for position, claim in _tables(document.get("claims"))]
    if not claims:
        return ()
    # few scenarios make claims, and the others start without what reads them
    from explorer.scenario.claim_checks import unreadable

    return tuple(unreadable(claims))


def _misplaced_claims(scenario: Scenario, catalog: Catalog) -> Iterable[Fault]:
    if not scenario.claims:
        return ()
    from explorer.scenario.claim_checks import misplaced

    return misplaced(scenario, catalog)


def misplaced_choices(scenario: Scenario, catalog: Catalog) -> tuple[Fault, ...]:
    """Choices that exist but cannot be made here; records the catalogue lacks are passed over."""
    return (
        *_misplaced_overrides(scenario, catalog),
        *_misplaced_degrees(scenario, catalog),
        *_misplaced_precisions(scenario),
        *_misplaced_offers(scenario, catalog),
        *_unknown_clouds(scenario, catalog),
        *_misplaced_claims(scenario, catalog),
        *_misplaced_locks(scenario),
    )


def _misplaced_locks(scenario: Scenario) -> Iterator[Fault]:
    gone = unknown_locks(scenario)
    for position, path in enumerate(scenario.locks):
        if path in gone:
            reason = f"locks '{path}', which leads to no setting of this scenario"
            yield Fault(("locks", position), reason, 'paths such as "workloads.0.traffic.request_rate_per_s"')


def _unknown_in(record: Record, path: Path) -> Iterator[Fault]:
    known = fields_of(type(record))
    for key in record.model_extra or {}:
        if not key.startswith("x-"):
            yield Fault((*path, key), f"is not a known key{_nearest(key, known)}", ", ".join(known))
    for key in known:
        yield from _unknown_below(getattr(record, key), (*path, key))


def _unknown_below(value: Any, path: Path) -> Iterator[Fault]:
    if isinstance(value, Record):
        yield from _unknown_in(value, path)
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            yield from _unknown_below(item, (*path, position))
    elif path[0] == "overrides" and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unknown_below(item, (*path, key))


def _unknown_records_in(document: Mapping[str, Any], catalog: Catalog, above: Path) -> Iterator[Fault]:
    for index, workload in _tables(document.get("workloads")):
        here = (*above, "workloads", index)
        model = workload.get("model")
        if isinstance(model, Mapping):
            yield from _looked_up(catalog.model, model.get("preset"), (*here, "model", "preset"))
        for position, alternative in _tables(workload.get("alternatives")):
            yield from _unknown_deployment(alternative, catalog, (*here, "alternatives", position))
    fleet = document.get("fleet")
    if isinstance(fleet, Mapping):
        for position, member in _tables(fleet.get("members")):
            yield from _unknown_deployment(member, catalog, (*above, "fleet", "members", position))
    yield from _unknown_suppliers(document, catalog, above)
    yield from _unknown_in_benchmarks(document, catalog, above)
    overrides = document.get("overrides")
    for chip_id, entries in overrides.items() if isinstance(overrides, Mapping) else ():
        missing = list(_looked_up(catalog.chip, chip_id, (*above, "overrides", chip_id)))
        yield from missing
        if not missing and isinstance(entries, Mapping):
            chip = catalog.chip(chip_id)
            for figure in entries:
                if figure not in chip.figures:
                    reason = f"{chip.name} has no figure '{figure}'{_nearest(figure, chip.figures)}"
                    yield Fault((*above, "overrides", chip_id, figure), reason, ", ".join(chip.figures))


def _unknown_in_benchmarks(document: Mapping[str, Any], catalog: Catalog, above: Path) -> Iterator[Fault]:
    """What benchmarks of the user's own are of: a chip, a model, and a workload of this scenario."""
    names = [str(one.get("name")) for _, one in _tables(document.get("workloads"))]
    for position, benchmark in _tables(document.get("benchmarks")):
        here = (*above, "benchmarks", position)
        yield from _looked_up(catalog.chip, benchmark.get("chip"), (*here, "chip"))
        yield from _looked_up(catalog.model, benchmark.get("model"), (*here, "model"))
        workload = benchmark.get("workload")
        if isinstance(workload, str) and workload not in names:
            yield Fault((*here, "workload"), f"there is no workload '{workload}'", ", ".join(names))


def _unknown_suppliers(document: Mapping[str, Any], catalog: Catalog, above: Path) -> Iterator[Fault]:
    """Suppliers of shocks that nothing depends on, and features that no software stack is known to support."""
    fleet = document.get("fleet")
    table = fleet if isinstance(fleet, Mapping) else {}
    members = [one for _, one in _tables(table.get("members"))]
    # what is no text is reported elsewhere
    named = [(one.get("cloud"), one.get("region")) for one in members if isinstance(one.get("cloud"), str)]
    clouds = {cloud for cloud, _ in named}
    clouds |= {f"{cloud} {region}" for cloud, region in named if cloud and region}
    shocks = _tables(document.get("shocks"))
    names = supplier_names(catalog) if shocks else ()
    for position, shock in shocks:
        supplier = shock.get("supplier")
        if isinstance(supplier, str) and supplier and supplier not in names and supplier not in clouds:
            reason = f"no chip depends on a supplier '{supplier}'{_nearest(supplier, names)}"
            yield Fault((*above, "shocks", position, "supplier"), reason, ", ".join(names))
    features = table.get("features")
    for position, feature in enumerate(features if isinstance(features, list) else []):
        known = portability_matrix().features
        if isinstance(feature, str) and feature not in known:
            reason = f"no software stack is judged by a feature '{feature}'{_nearest(feature, known)}"
            yield Fault((*above, "fleet", "features", position), reason, ", ".join(known))


def supplier_names(catalog: Catalog, scenario: Scenario | None = None) -> tuple[str, ...]:
    """Everybody that a chip, or a deployment of the scenario, may depend on at any tier."""
    names = {
        candidate.supplier
        for chain in catalog.supply_chains.values()
        for link in chain.links.values()
        for candidate in link.candidates
    }
    names -= NO_DEPENDENCE
    names |= {offer.cloud for offer in catalog.offers.values()}
    if scenario is not None:
        names |= {member.cloud for member in scenario.fleet.members if member.cloud}
        names |= {f"{member.cloud} {member.region}".strip() for member in scenario.fleet.members if member.region}
    return tuple(sorted(names))


def _unknown_deployment(table: Mapping[str, Any], catalog: Catalog, here: Path) -> Iterator[Fault]:
    yield from _looked_up(catalog.chip, table.get("chip"), (*here, "chip"))
    yield from _looked_up(catalog.offer, table.get("offer"), (*here, "offer"))


def _looked_up(look_up: Callable[[str], object], name: Any, path: Path) -> Iterator[Fault]:
    """A fault when the catalogue does not hold `name`; what is no text at all is reported elsewhere."""
    if not isinstance(name, str):
        return
    try:
        look_up(name)
    except UnknownRecordError as error:
        near = difflib.get_close_matches(name, error.known, n=12, cutoff=0.3)
        shown = near if len(error.known) > 12 and near else error.known[:40]
        rest = len(error.known) - len(shown)
        allowed = ", ".join(shown) + (f" and {rest} more" if rest else "")
        yield Fault(path, str(error), allowed)


def _tables(value: Any) -> Iterable[tuple[int, Mapping[str, Any]]]:
    items = value if isinstance(value, list) else []
    return [(position, item) for position, item in enumerate(items) if isinstance(item, Mapping)]


def _misplaced_overrides(scenario: Scenario, catalog: Catalog) -> Iterator[Fault]:
    for chip_id, entries in scenario.overrides.items():
        for name, override in entries.items():
            if chip_id in catalog.chips and name in catalog.chip(chip_id).figures:
                yield from _misplaced_override(override, catalog.chip(chip_id), name)


def _misplaced_override(override: Override, chip: Chip, name: str) -> Iterator[Fault]:
    figure = chip.figure(name)
    path: Path = ("overrides", chip.id, name)
    if override.belief is not None and len(figure.readings) < 2:
        yield Fault((*path, "belief"), f"{chip.name}'s {name} is not disputed", "a value with its unit")
    if figure.derived_from is not None:
        reason = f"{chip.name}'s {name} follows from its {figure.derived_from}"
        yield Fault(path, reason, f"an override of {figure.derived_from}")
    if override.unit is not None and not _restatable(override.unit, figure.unit):
        yield Fault((*path, "unit"), f"'{override.unit}' is no unit of {name}", figure.unit)
    elif override.value is not None and override.unit is not None and figure.derived_from is None:
        yield from _beyond_belief(override.value, override.unit, figure, (*path, "value"))


def _beyond_belief(value: float, unit: str, figure: Figure, path: Path) -> Iterator[Fault]:
    """A value so far from the catalogue's that a unit or a power of ten must be wrong."""
    try:
        stated = restated(value, unit, figure.unit)
    except (UnknownRecordError, ValueError):
        stated = value
    known = figure.value / figure.scale
    if known > 0.0 and not 1.0 / FARTHEST <= stated / known <= FARTHEST:
        had = f"{number_text(known)} {figure.unit}"
        reason = f"is {value:g} {unit}, while the catalogue has {had}: look at unit and power of ten"
        yield Fault(path, reason, f"{known / FARTHEST:g} to {known * FARTHEST:g} {figure.unit}")


def _restatable(unit: str, catalogue_unit: str) -> bool:
    try:
        return same_dimension(unit, catalogue_unit)
    except UnknownRecordError:
        return quantity_for_unit(catalogue_unit).unit == unit


def _misplaced_degrees(scenario: Scenario, catalog: Catalog) -> Iterator[Fault]:
    for index, workload in enumerate(scenario.workloads):
        for position, alternative in enumerate(workload.alternatives):
            if alternative.chip not in catalog.chips:
                continue
            chip = catalog.chip(alternative.chip)
            here: Path = ("workloads", index, "alternatives", position)
            degrees = ", ".join(str(degree) for degree in chip.degrees)
            layout = alternative.layout
            if isinstance(layout, LayoutChoice):
                chips = layout.tp * layout.pp * layout.dp
                if chips not in chip.degrees:
                    reason = f"impossible layout: a replica of {chips} {chip.name} cannot be had"
                    yield Fault((*here, "layout"), reason, f"tp*pp*dp one of {degrees}")
            elif alternative.parallelism_degree not in ("auto", *chip.degrees):
                reason = f"a replica of {alternative.parallelism_degree} {chip.name} cannot be had"
                yield Fault((*here, "parallelism_degree"), reason, f'"auto", {degrees}')


def _misplaced_precisions(scenario: Scenario) -> Iterator[Fault]:
    """All alternatives serve the same formats, since quality is a promise too, unless that is given up."""
    if scenario.comparison.each_at_own_precision:
        return
    for index, workload in enumerate(scenario.workloads):
        for position, alternative in enumerate(workload.alternatives):
            for key in ("weight_precision", "kv_precision"):
                own, common = getattr(alternative, key), getattr(workload.model, key)
                if own not in (None, common):
                    reason = f'is "{own}" while the workload serves "{common}"'
                    yield Fault(
                        ("workloads", index, "alternatives", position, key),
                        reason,
                        f'"{common}", or each_at_own_precision = true under [comparison]',
                    )


def _misplaced_offers(scenario: Scenario, catalog: Catalog) -> Iterator[Fault]:
    for path, chip_id, cloud, offer_id in _deployments(scenario):
        if offer_id is None or offer_id not in catalog.offers:
            continue
        offer = catalog.offer(offer_id)
        if offer.chip != chip_id:
            fitting = ", ".join(o.id for o in catalog.offers_for(chip_id)[:8]) or "none: leave it out"
            yield Fault((*path, "offer"), f"'{offer_id}' offers {offer.chip}, not {chip_id}", fitting)
        elif cloud and offer.cloud != cloud:
            reason = f"'{offer_id}' is an offer of {offer.cloud}, not of {cloud}"
            yield Fault((*path, "offer"), reason, f'cloud = "{offer.cloud}", or an offer of {cloud}')


def _deployments(scenario: Scenario) -> Iterator[tuple[Path, str, str, str | None]]:
    for index, workload in enumerate(scenario.workloads):
        for position, alternative in enumerate(workload.alternatives):
            path: Path = ("workloads", index, "alternatives", position)
            yield path, alternative.chip, alternative.cloud, alternative.offer
    for position, member in enumerate(scenario.fleet.members):
        yield ("fleet", "members", position), member.chip, member.cloud, member.offer


def _unknown_clouds(scenario: Scenario, catalog: Catalog) -> Iterator[Fault]:
    named: list[tuple[Path, str]] = [((*path, "cloud"), cloud) for path, _, cloud, _ in _deployments(scenario) if cloud]
    named.extend((("access", "clouds", place), cloud) for place, cloud in enumerate(scenario.access.clouds))
    priced = {offer.cloud for offer in catalog.offers.values()}
    strangers = [(path, cloud) for path, cloud in named if cloud not in priced]
    if not strangers:
        return
    known = {offer.cloud for offer in catalog.offers.values()}
    # "AWS (claimed, unconfirmed)": the remark says how sure the listing is, not which cloud.
    known.update(place.partition(" (")[0] for chip in catalog.chips.values() for place in chip.offered_by)
    for path, cloud in strangers:
        if cloud not in known:
            reason = f"no chip is offered by a cloud '{cloud}'{_nearest(cloud, known)}"
            yield Fault(path, reason, ", ".join(sorted(known)))


def _nearest(name: str, known: Iterable[str]) -> str:
    folded = {one.casefold(): one for one in known}
    near = [folded[one] for one in difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)]
    return f"; nearest known: {', '.join(near)}" if near else ""
