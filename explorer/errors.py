"""The error hierarchy: every error says what is wrong, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


class ExplorerError(Exception):
    """Base of all errors this program raises on purpose; its text is fit to be shown to a user."""


class UnknownRecordError(ExplorerError):
    """A chip, model, offer or supplier that the catalogue does not hold was asked for."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...] = ()) -> None:
        import difflib

        self.kind, self.name, self.known = kind, name, known
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"; nearest known: {', '.join(near)}" if near else ""
        super().__init__(f"unknown {kind} '{name}'{hint}")


class MissingFigureError(ExplorerError):
    """A record lacks a figure that a result needs; nothing is ever borrowed from another record."""

    def __init__(self, record: str, figure: str, needed_for: str) -> None:
        self.record, self.figure, self.needed_for = record, figure, needed_for
        super().__init__(f"{record} has no figure '{figure}', needed for {needed_for}; add it or set an override")


class MissingSuppliersError(ExplorerError):
    """Nobody recorded who supplies a chip, and an answer about dependence needs it; nothing is assumed instead."""

    def __init__(self, chip: str) -> None:
        self.chip = chip
        super().__init__(
            f"no suppliers of chip '{chip}' are recorded; add suppliers/{chip}.toml to your own catalogue folder, in "
            "the form of resources/suppliers, or leave the chip out of the fleet"
        )


class CatalogError(ExplorerError):
    """A catalogue file cannot be read; the text names the file and the key."""


class LayoutError(ExplorerError):
    """A parallel layout that is impossible for this model and chip, with the reason."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file: where it is, why, and what would be allowed."""

    key: str
    reason: str
    allowed: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line is not None else ""
        allowed = f" (allowed: {self.allowed})" if self.allowed else ""
        return f"{where}{self.key}: {self.reason}{allowed}"


class ScenarioFileError(ExplorerError):
    """A scenario file cannot be used; holds every problem found, not only the first."""

    def __init__(self, path: str, problems: tuple[Problem, ...]) -> None:
        self.path, self.problems = path, problems
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
