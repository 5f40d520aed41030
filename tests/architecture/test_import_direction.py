"""The arrows between the packages go one way; the reader that enforces it is tested on made-up breaches."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.import_rules import LAYERS, module_path, violations


def test_that_no_import_goes_against_the_arrows(repository: Path) -> None:
    package = repository / "explorer"
    files = [path for path in sorted(package.rglob("*.py")) if path != package / "__init__.py"]
    assert files
    breaches = [
        breach
        for path in files
        for breach in violations(
            path.read_text(encoding="utf-8"), module_path(path, package), str(path.relative_to(repository))
        )
    ]
    assert not breaches, "\n".join(map(str, breaches))


def test_that_every_part_of_the_package_has_its_place_among_the_layers(repository: Path) -> None:
    package = repository / "explorer"
    parts = {path.parent.name for path in package.glob("*/__init__.py")} | {path.stem for path in package.glob("*.py")}
    assert parts - {"__init__"} <= set(LAYERS)


def test_that_the_package_itself_imports_nothing_of_its_own(repository: Path) -> None:
    tree = ast.parse((repository / "explorer" / "__init__.py").read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    # the number of BLAS threads must be set before numpy is imported anywhere
    assert imported <= {"os"}


BREACHES = {
    "engine takes Qt": ("engine/memory.py", "from PySide6.QtCore import QObject"),
    "engine takes pandas": ("engine/memory.py", "import pandas as pd"),
    "engine takes paths": ("engine/memory.py", "from pathlib import Path"),
    "engine opens a file": ("engine/memory.py", "table = open('constants.csv').read()"),
    "engine reads through numpy": ("engine/memory.py", "import numpy as np\nx = np.loadtxt('constants.csv')"),
    "engine knows the catalogue": ("engine/memory.py", "from explorer.catalog import Chip"),
    "catalogue knows the engine": ("catalog/chip.py", "from explorer.engine.memory import fits"),
    "catalogue takes Qt": ("catalog/chip.py", "import PySide6"),
    "scenario knows the study": ("scenario/document.py", "from explorer.study.evaluate import evaluate"),
    "scenario takes Qt": ("scenario/document.py", "from PySide6 import QtCore"),
    "study knows the plots": ("study/live.py", "import explorer.plots"),
    "study takes Qt": ("study/live.py", "from pyqtgraph import mkPen"),
    "plots know the window": ("plots/latency.py", "from explorer.ui.theme import tokens"),
    "plots know the report": ("plots/latency.py", "from explorer import report"),
    "report knows the window": ("report/pdf.py", "from explorer.ui import main_window"),
    "window knows the command line": ("ui/main_window.py", "from explorer.cli import main"),
    "relative import upwards": ("engine/memory.py", "from ..catalog import Chip"),
    "relative import from a package file": ("engine/__init__.py", "from ..scenario.document import Scenario"),
    "relative import of a sibling package": ("study/bands.py", "from .. import ui"),
    "import inside a function": ("engine/memory.py", "def f():\n    from explorer.study import live\n"),
    "import for types only": (
        "engine/memory.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from explorer.catalog import Chip\n",
    ),
    "import by name": ("study/live.py", "import importlib\nm = importlib.import_module('PySide6.QtCore')"),
    "network": ("ui/main_window.py", "import urllib.request"),
}


@pytest.mark.parametrize(("file", "source"), BREACHES.values(), ids=BREACHES)
def test_that_a_made_up_breach_is_found_once(file: str, source: str) -> None:
    module = module_path(Path("explorer", file), Path("explorer"))
    assert [breach.where for breach in violations(source, module, file)] == [file]


ALLOWED = {
    "engine takes numpy": ("engine/memory.py", "import math\nimport numpy as np\nimport dataclasses"),
    "engine takes its own": ("engine/memory.py", "import explorer.engine.steptime\nfrom . import cost"),
    "engine raises our errors": ("engine/memory.py", "from explorer.errors import LayoutError"),
    "catalogue reads files": ("catalog/reading.py", "import tomllib\nfrom pathlib import Path\nopen('x')"),
    "scenario knows the catalogue": ("scenario/document.py", "from explorer.catalog import Chip"),
    "anyone may ask the version": ("engine/memory.py", "from explorer import ENGINE_VERSION"),
    "plots know Qt and the study": ("plots/latency.py", "import pyqtgraph\nfrom explorer import study"),
    "window knows all below": ("ui/main_window.py", "from explorer import report\nfrom ..plots import a"),
    "command line knows all": ("cli.py", "from explorer.ui.main_window import MainWindow"),
}


@pytest.mark.parametrize(("file", "source"), ALLOWED.values(), ids=ALLOWED)
def test_that_an_import_along_the_arrows_is_let_through(file: str, source: str) -> None:
    assert violations(source, module_path(Path("explorer", file), Path("explorer")), file) == []


def test_that_a_breach_names_the_file_the_line_and_both_ends() -> None:
    (breach,) = violations("import math\nimport pandas\n", ("engine", "cost"), "explorer/engine/cost.py")
    assert str(breach) == "explorer/engine/cost.py:2: engine must not import pandas"
