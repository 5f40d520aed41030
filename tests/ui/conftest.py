"""A window on real scenarios with the real engine; no worker process unless a test asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog, load_catalog
from explorer.plots.tokens import LIGHT
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import Evaluator
from explorer.study.live import LiveEvaluator
from explorer.study.studies import study_at_once
from explorer.ui import theme
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow


class WithoutWorker(LiveEvaluator):
    """The real closed form; what would go to the worker is only written down."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self.asked: list[Scenario] = []

    def refine(self, scenario: Scenario, workload: int = 0) -> None:
        """Note what would be refined."""
        self.asked.append(scenario)

    def study(self, kind: str, scenario: Scenario, question: Any = None) -> int:
        """Study here and now."""
        self._study_number += 1
        answer = study_at_once(Evaluator(self._evaluator.catalog), kind, self._study_number, scenario, question)
        self._study_answers.append(answer)
        return self._study_number


GROUPS = ("traffic", "open_figures", "promises", "traffic_shape", "price", "fleet", "scheduler")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture
def scenario_file(scenarios_folder: Path, tmp_path: Path) -> Path:
    """A copy of the founding question's scenario that a test may write to."""
    copy = tmp_path / "question.toml"
    copy.write_bytes((scenarios_folder / "ai200-on-aws.toml").read_bytes())
    return copy


@pytest.fixture
def make_document(catalog: Catalog, qapp: QApplication) -> Iterator[Callable[[Path], Document]]:
    """Opens documents and closes them again with their timers and workers."""
    theme.apply(qapp, LIGHT)
    made: list[Document] = []

    def make(path: Path) -> Document:
        document = Document(catalog, WithoutWorker(catalog), read_scenario(path, catalog).scenario)
        document.open(path)
        made.append(document)
        return document

    yield make
    for document in made:
        document.close()
        assert not [timer for timer in document.findChildren(QTimer) if timer.isActive()]


@pytest.fixture
def document(make_document: Callable[[Path], Document], scenario_file: Path) -> Document:
    """The founding question's scenario, opened."""
    return make_document(scenario_file)


@pytest.fixture
def window(qtbot: QtBot, document: Document) -> Iterator[MainWindow]:
    """A shown window with every group unfolded."""
    made = MainWindow(document)
    made.resize(1440, 900)
    made.panel.unfold(*GROUPS)
    qtbot.addWidget(made, before_close_func=lambda _: document.undo_stack.setClean())
    made.show()
    qtbot.waitExposed(made)
    yield made
