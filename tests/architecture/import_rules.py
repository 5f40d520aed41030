"""The arrows between the packages, and a reader that finds the imports of a file that go against them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

QT = frozenset({"PySide6", "shiboken6", "pyqtgraph", "PyQt5", "PyQt6"})
OUTSIDE_THE_ENGINE = QT | {
    "pandas", "pydantic", "tomlkit", "tomllib", "jinja2",
    "pathlib", "os", "io", "shutil", "tempfile", "json", "csv", "sqlite3", "socket", "urllib", "subprocess",
    "importlib", "pickle",
}  # fmt: skip
FILE_OPENERS = frozenset(
    {"open", "loadtxt", "genfromtxt", "fromfile", "memmap", "read_text", "read_bytes", "load", "save"}
)
NETWORK = frozenset({"requests", "httpx", "aiohttp", "urllib3", "urllib", "http", "ftplib", "smtplib"})


@dataclass(frozen=True, slots=True)
class Layer:
    """What one package may take from the others, and what it may never take from outside."""

    may_import: frozenset[str]
    never: frozenset[str] = frozenset()
    opens_files: bool = True


def _packages(*names: str) -> frozenset[str]:
    return frozenset(names)


LAYERS = {
    "errors": Layer(_packages(), QT),
    "catalog": Layer(_packages("errors"), QT),
    "engine": Layer(_packages("errors"), OUTSIDE_THE_ENGINE, opens_files=False),
    "scenario": Layer(_packages("errors", "catalog", "engine"), QT),
    "study": Layer(_packages("errors", "catalog", "engine", "scenario"), QT),
    "plots": Layer(_packages("errors", "catalog", "engine", "scenario", "study")),
    "report": Layer(_packages("errors", "catalog", "engine", "scenario", "study", "plots")),
    "ui": Layer(_packages("errors", "catalog", "engine", "scenario", "study", "plots", "report")),
    "cli_benchmark": Layer(_packages("errors", "catalog", "engine", "scenario", "study")),
    "cli_report": Layer(_packages("errors", "catalog", "engine", "scenario", "study", "plots", "report")),
    "cli_sweep": Layer(_packages("errors", "catalog", "engine", "scenario", "study")),
    "cli": Layer(
        _packages(
            "errors",
            "catalog",
            "engine",
            "scenario",
            "study",
            "plots",
            "report",
            "ui",
            "cli_benchmark",
            "cli_report",
            "cli_sweep",
        )
    ),
    "__main__": Layer(_packages("cli")),
}
"""Every package and module directly under ``explorer``; a new one has to be given its place here."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One import, or one opened file, that goes against the arrows."""

    where: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.reason}"


def violations(source: str, module: tuple[str, ...], where: str) -> list[Violation]:
    """Find what goes against the arrows in one file.

    ``module`` is the dotted path of the file's package or module below ``explorer``, the file's own name
    included: ``("engine", "memory")``, and ``("engine", "__init__")`` for a package's own file.
    Imports inside functions and under ``TYPE_CHECKING`` count: a type is knowledge too.
    Raises KeyError for a layer that has no place in LAYERS.
    """
    own = module[0]
    layer = LAYERS[own]
    found = []
    for line, target in _imports(ast.parse(source), module):
        top, *below = target
        if top == "explorer":
            # The package's own version and folder may be asked by anyone.
            wanted = below[0] if below else own
            if wanted in LAYERS and wanted != own and wanted not in layer.may_import:
                found.append(Violation(where, line, f"{own} must not import explorer.{wanted}"))
        elif top in layer.never:
            found.append(Violation(where, line, f"{own} must not import {top}"))
        elif top in NETWORK:
            found.append(Violation(where, line, f"no network at run time, but {top} is imported"))
    if not layer.opens_files:
        found += [Violation(where, line, f"{own} must not open files") for line in _opened(ast.parse(source))]
    return found


def _imports(tree: ast.Module, module: tuple[str, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line and the absolute dotted path of everything imported, whatever form the import has."""
    full = ("explorer", *module)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = full[: len(full) - node.level] + base
            if base == ("explorer",):
                for alias in node.names:
                    yield node.lineno, (*base, alias.name)
            else:
                yield node.lineno, base
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield node.lineno, tuple(argument.value.split("."))


def _opened(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) in FILE_OPENERS:
            yield node.lineno


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def module_path(file: Path, package: Path) -> tuple[str, ...]:
    """The dotted path below ``explorer`` of a file of the package."""
    return file.relative_to(package).with_suffix("").parts
