"""What a report is made of: sections of paragraphs, tables and pictures, every figure already in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.study.outcome import Outcome

Tone = Literal["plain", "note", "caution", "subject"]
"""How a paragraph is set: as text, small beside figures, as something to be wary of, as a subject's name."""
Subject = Literal["tail", "memory", "concentration"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: a text, a band or a mark beneath it, and whether the mark is something to be wary of."""

    text: str
    note: str = ""
    caution: bool = False
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; `widths` are per cent of the line, one for each column; `headings` may be none.

    `figures`: all columns but the first are figures, set flush right.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    widths: tuple[int, ...]
    figures: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of text."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot of the outcome, painted where the report is set; `workload` is its place in the file."""

    subject: Subject
    workload: int


Block = Paragraph | Table | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading; one that has nothing to show says why in a paragraph."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class BoardReport:
    """A whole report; `outcome` is the final one that all of it is taken from."""

    title: str
    question: str
    facts: tuple[tuple[str, str], ...]
    """What it rests on: dates, editions, method, evidence, bases; name and value."""
    answer: tuple[str, ...]
    """At most five sentences."""
    sections: tuple[Section, ...]
    outcome: Outcome


def cells(*texts: str) -> tuple[Cell, ...]:
    """A row of plain texts."""
    return tuple(Cell(text) for text in texts)
