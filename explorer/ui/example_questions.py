"""The shipped scenarios as the questions they ask: what the start page and the palette offer."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.catalog.location import scenario_root
from explorer.errors import ExplorerError
from explorer.ui.log import log

FOUNDING = "ai200-on-aws"


@dataclass(frozen=True)
class Example:
    """One scenario file: its question, its title, and what its first comment lines say."""

    path: Path
    question: str
    title: str
    remark: str


def example_questions(folder: Path | None = None) -> tuple[Example, ...]:
    """The examples of a folder (the shipped one by default), the founding question first; none is no error."""
    place = folder or shipped_examples()
    if place is None:
        return ()
    paths = sorted(place.glob("*.toml"), key=lambda path: (path.stem != FOUNDING, path.stem))
    return tuple(example for path in paths if (example := _read(path)) is not None)


def shipped_examples() -> Path | None:
    """The folder of the shipped examples; an installation without them still opens files."""
    try:
        return scenario_root()
    except ExplorerError:
        return None


def _read(path: Path) -> Example | None:
    """The heads only: whether the file can be used is told when it is opened."""
    try:
        text = path.read_text(encoding="utf-8")
        head = tomllib.loads(text.partition("[[")[0])
    except (OSError, ValueError) as error:
        log.warning("%s is not offered as an example: %s", path, error)
        return None
    title = str(head.get("title") or path.stem.replace("-", " "))
    question = str(head.get("question") or title)
    return Example(path, question, title, _first_paragraph(text.splitlines()))


def _first_paragraph(lines: Sequence[str]) -> str:
    words: list[str] = []
    for line in lines:
        if not line.startswith("#") or not line.strip("# \t"):
            break
        words.append(line.lstrip("#").strip())
    return " ".join(words)
