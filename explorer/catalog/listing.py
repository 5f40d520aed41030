"""What is known and how well, as plain rows: the content of the `chips` and `models` commands."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.catalog.catalog import Catalog
from explorer.catalog.chip import Chip
from explorer.catalog.model import active_parameters, parameter_count


@dataclass(frozen=True, slots=True)
class ChipRow:
    """One chip: bandwidth in bytes/s with its status, the unsettled figures, the number of offers."""

    id: str
    name: str
    evidence_grade: str
    memory_capacity: float
    memory_bandwidth: float
    memory_bandwidth_low: float
    memory_bandwidth_high: float
    bandwidth_status: str
    open_figures: tuple[str, ...]
    offers: int
    hypothetical_offers: int
    origin: str


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model: parameters counted from its shape, the published number, and how far the two differ."""

    id: str
    name: str
    family: str
    parameters: float
    active_parameters: float
    published_parameters: float | None
    difference: float | None
    known_from: str
    origin: str


def chip_rows(catalog: Catalog) -> list[ChipRow]:
    """One row a chip, in the order of the catalogue."""
    return [_chip_row(catalog, chip) for chip in catalog.chips.values()]


def model_rows(catalog: Catalog) -> list[ModelRow]:
    """One row a model, by number of parameters; `difference` is counted over published, less one."""
    rows = []
    for model in catalog.models.values():
        counted, published = parameter_count(model), model.published_parameters
        rows.append(
            ModelRow(
                id=model.id,
                name=model.name,
                family=model.family,
                parameters=counted,
                active_parameters=active_parameters(model),
                published_parameters=published,
                difference=None if published is None else counted / published - 1.0,
                known_from=model.published_source if published is not None else "no published count; shape only",
                origin=model.origin,
            )
        )
    return sorted(rows, key=lambda row: row.parameters)


def _chip_row(catalog: Catalog, chip: Chip) -> ChipRow:
    bandwidth = chip.figure("memory_bandwidth", "the list of chips")
    offers = catalog.offers_for(chip.id)
    return ChipRow(
        id=chip.id,
        name=chip.name,
        evidence_grade=chip.evidence_grade,
        memory_capacity=chip.figure("memory_capacity", "the list of chips").value,
        memory_bandwidth=bandwidth.value,
        memory_bandwidth_low=bandwidth.low,
        memory_bandwidth_high=bandwidth.high,
        bandwidth_status=bandwidth.status,
        open_figures=tuple(figure.name for figure in chip.open_figures),
        offers=sum(not offer.hypothetical for offer in offers),
        hypothetical_offers=sum(offer.hypothetical for offer in offers),
        origin=chip.origin,
    )
