"""A chip: what it can do, how it is bought, and how well each of those facts is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from explorer.catalog.figure import FIGURE_KINDS, Figure
from explorer.errors import MissingFigureError

KernelClass = Literal["ampere", "hopper", "blackwell", "datasheet"]
EvidenceGrade = Literal["measured", "transferred", "datasheet", "undisclosed"]

KERNEL_CLASSES: tuple[KernelClass, ...] = ("ampere", "hopper", "blackwell", "datasheet")
EVIDENCE_GRADES: tuple[EvidenceGrade, ...] = ("measured", "transferred", "datasheet", "undisclosed")
COMPUTE_FORMATS: tuple[str, ...] = ("16bit", "fp8", "int8", "fp4")
COLLECTIVE_ALGORITHMS: tuple[str, ...] = (
    "ring",
    "tree",
    "recursive_doubling",
    "rabenseifner",
    "one_shot",
    "two_shot",
    "in_network",
)
UNIT_NOUNS: tuple[str, ...] = ("card", "chip", "GPU", "wafer")

# Without these no latency, fit or cost can be computed at all.
REQUIRED_FIGURES: tuple[str, ...] = ("memory_capacity", "memory_bandwidth", "board_power")


@dataclass(frozen=True, slots=True)
class Chip:
    """One accelerator as it is bought: a GPU, a card of several SoCs, a wafer.

    `formats` are the number formats its hardware multiplies in; a format it lacks has no peak figure.
    `degrees` are the numbers of chips one model replica may span. `collective_fit` names a measured
    all-reduce fit where one exists for this very chip. `origin` is "shipped" or "user".
    """

    id: str
    vendor: str
    name: str
    short_name: str
    unit_noun: str
    kernel_class: KernelClass
    evidence_grade: EvidenceGrade
    formats: tuple[str, ...]
    figures: Mapping[str, Figure] = field(hash=False)
    degrees: tuple[int, ...]
    instance_size: int
    collective_algorithms: tuple[str, ...]
    collective_fit: str | None
    memory_type: str
    form_factor: str
    software_stack: str
    frameworks: str
    launch: str
    available_from: str
    availability: str
    offered_by: tuple[str, ...]
    country: str
    notes: str
    source_ids: tuple[str, ...]
    confidence: str
    origin: str = "shipped"

    def figure(self, name: str, needed_for: str = "") -> Figure:
        """The figure `name`; raises MissingFigureError naming this chip where it has none."""
        try:
            return self.figures[name]
        except KeyError:
            raise MissingFigureError(f"chip '{self.id}'", name, needed_for or "this result") from None

    @property
    def open_figures(self) -> tuple[Figure, ...]:
        """The unsettled figures that results hang on: not the derived ones, nor those that only inform."""
        return tuple(
            figure
            for figure in self.figures.values()
            if figure.is_open and figure.derived_from is None and not FIGURE_KINDS[figure.name].informative
        )
