"""Which features each software stack supports, as data: a matrix whose cells name their source or say why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from explorer.catalog.location import resource_root
from explorer.catalog.reading import Table, raise_problems, read_toml
from explorer.errors import Problem, UnknownRecordError

SUPPORT: Mapping[str, tuple[float, float, float]] = {
    "full": (1.0, 1.0, 1.0),
    "partial": (0.5, 0.5, 0.5),
    "none": (0.0, 0.0, 0.0),
    "unknown": (0.0, 0.5, 1.0),
}
"""Low, value and high of each degree of support."""


@dataclass(frozen=True, slots=True)
class SupportCell:
    """How far one stack supports one feature; a source, or a reason where no page was found."""

    stack: str
    feature: str
    support: str
    source: str
    reason: str

    @property
    def range(self) -> tuple[float, float, float]:
        """Low, value, high from 0 to 1."""
        return SUPPORT[self.support]


@dataclass(frozen=True, slots=True)
class PortabilityMatrix:
    """Features by software stack."""

    as_of: str
    features: Mapping[str, str] = field(hash=False)
    """Titles by key."""
    cells: Mapping[tuple[str, str], SupportCell] = field(hash=False)
    stacks: tuple[str, ...] = ()

    def cell(self, stack: str, feature: str) -> SupportCell:
        """One cell; UnknownRecordError for a stack or feature that the matrix does not know."""
        if feature not in self.features:
            raise UnknownRecordError("feature", feature, tuple(self.features))
        if stack not in self.stacks:
            raise UnknownRecordError("software stack", stack, self.stacks)
        return self.cells[stack, feature]


@cache
def portability_matrix() -> PortabilityMatrix:
    """The shipped matrix; CatalogError with every problem of its file."""
    return read_portability(resource_root() / "portability" / "matrix.toml")


def read_portability(path: Path) -> PortabilityMatrix:
    """A matrix from a file; CatalogError where a cell is missing, misspelt, or has neither source nor reason."""
    problems: list[Problem] = []
    table = Table(read_toml(path), problems)
    as_of = table.text("as_of")
    titles = table.table("features")
    features = {key: titles.text(key) for key in titles.keys()}  # noqa: SIM118 - a Table is no mapping
    stacks = table.table("stacks")
    cells: dict[tuple[str, str], SupportCell] = {}
    names = stacks.keys()
    for stack in names:
        row = stacks.table(stack)
        unlisted = row.text("unlisted", default="")
        for feature in features:
            if unlisted and feature not in row:
                cells[stack, feature] = SupportCell(stack, feature, "unknown", "", unlisted)
                continue
            cells[stack, feature] = _cell(row.table(feature), stack, feature)
        row.finish()
    stacks.finish()
    table.finish()
    raise_problems(path, problems)
    return PortabilityMatrix(as_of, features, cells, names)


def _cell(table: Table, stack: str, feature: str) -> SupportCell:
    cell = SupportCell(
        stack=stack,
        feature=feature,
        support=table.text("support", allowed=tuple(SUPPORT)),
        source=table.text("source", default=""),
        reason=table.text("reason", default=""),
    )
    if not cell.source and not cell.reason:
        table.problem("source", "a cell needs a source, or a reason where no source exists")
    table.finish()
    return cell
