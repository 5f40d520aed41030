"""Which chips may win a comparison: those that the scenario's access lets one have, on its one price basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Alternative, Scenario, Workload
from explorer.study.deployment import Deployment
from explorer.study.figures import FigureSets
from explorer.study.money import ChipPrice, chip_price
from explorer.study.reach import not_yet, places_within_reach, within_reach
from explorer.study.resolve import chip_spec, require_links


@dataclass(frozen=True)
class Contestant:
    """One chip at one place to have it; `alternative` is its position among the compared ones, None for others."""

    deployment: Deployment
    price: ChipPrice
    alternative: int | None
    reachable: bool
    note: str
    """Why it cannot be had; empty when it can."""
    several: bool
    """Whether its links are known well enough to split a model over several."""


@dataclass(frozen=True)
class Field:
    """Those that take part, compared alternatives first, and why the others do not, by chip name."""

    contestants: tuple[Contestant, ...]
    left_out: Mapping[str, str]


def field_of(catalog: Catalog, figures: FigureSets, scenario: Scenario, workload: Workload, samples: int) -> Field:
    """All chips that could carry a workload: its alternatives as compared, then every other chip within reach.

    Each finds its own layout and number of replicas; batch cap, token budget and spares of a chip that is no
    alternative are those of the selected one.
    """
    chosen = next(one for one in workload.alternatives if one.name == workload.selected)
    found: list[Contestant] = []
    left_out: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    for position, settings in enumerate(workload.alternatives):
        chip = catalog.chip(settings.chip)
        if (chip.id, settings.cloud) in seen:
            continue
        seen.add((chip.id, settings.cloud))
        reach = within_reach(catalog, chip, settings.cloud, scenario.access, scenario.as_of)
        note = "" if reach.available else reach.note
        _add(catalog, figures, scenario, workload, settings, samples, position, reach.available, note, found, left_out)
    compared = {chip for chip, _ in seen}
    for chip in catalog.chips.values():
        if chip.id in compared:
            continue
        wait = not_yet(chip, scenario.as_of)
        places = () if wait else places_within_reach(catalog, chip, scenario.access)
        if not places:
            left_out[chip.name] = wait or "cannot be had where you buy"
            continue
        options: list[Contestant] = []
        for place in places:
            settings = Alternative(
                name=chip.short_name, chip=chip.id, cloud=place, max_batch=chosen.max_batch,
                token_budget=chosen.token_budget, scheduler=chosen.scheduler,
                speculation=chosen.speculation, spare_replicas=chosen.spare_replicas,
            )  # fmt: skip
            _add(catalog, figures, scenario, workload, settings, samples, None, True, "", options, left_out)
        if options:
            left_out.pop(chip.name, None)
            found.append(min(options, key=lambda one: ((one.price.usd or 0.0), one.price.unit_size)))
    return Field(tuple(found), left_out)


def _add(
    catalog: Catalog,
    figures: FigureSets,
    scenario: Scenario,
    workload: Workload,
    settings: Alternative,
    samples: int,
    alternative: int | None,
    reachable: bool,
    note: str,
    found: list[Contestant],
    left_out: dict[str, str],
) -> None:
    """Put a chip among `found`, or the reason why it cannot be computed or priced in `left_out`."""
    own = scenario.comparison.each_at_own_precision
    # every chip at its best layout and number: what is set by hand is one point, not a map
    free = settings.model_copy(update={"parallelism_degree": "auto", "layout": "auto", "replicas": "auto"})
    name = catalog.chip(settings.chip).name
    try:
        chosen = figures.for_workload(scenario, workload, settings.chip)
        deployment = Deployment(
            name=settings.name,
            chip=chosen.chip,
            cloud=settings.cloud,
            offer=settings.offer,
            settings=free,
            weight_precision=(settings.weight_precision if own else None) or workload.model.weight_precision,
            kv_precision=(settings.kv_precision if own else None) or workload.model.kv_precision,
            figures=chosen,
        )
        chip_spec(chosen.chip, chosen.values, deployment.weight_precision, deployment.kv_precision)
        price = chip_price(catalog, deployment, scenario.price, scenario.as_of, samples, scenario.simulation.seed)
    except ExplorerError as error:
        left_out[name] = str(error)
        return
    if price.usd is None:
        left_out[name] = price.reason
        return
    if price.hypothetical and reachable:
        reachable, note = False, f"{name}: nobody has published this price"
    try:
        require_links(chosen.chip, chosen.values)
        several = True
    except ExplorerError:
        several = False
    found.append(Contestant(deployment, price, alternative, reachable, note, several))
