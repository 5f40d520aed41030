"""The path of a newcomer: from the start page to a saved comparison, and all of it undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.scenario.difference import differences
from explorer.scenario.file import read_scenario
from explorer.scenario.path import get
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.start_page import Entry
from tests.ui.hands import drag, slider, type_value

FOUNDING = "ai200-on-aws.toml"
BELIEF = "overrides.qcom-ai200.memory_bandwidth"


@pytest.fixture
def newcomer(qtbot: QtBot, make_document: Callable[[Path], Document], scenarios_folder: Path) -> Iterator[MainWindow]:
    """The window as the program starts it without a file: another scenario behind the start page."""
    document = make_document(scenarios_folder / "llama-70b-chat.toml")
    window = MainWindow(document)
    window.resize(1280, 720)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show_start()
    window.show()
    qtbot.waitExposed(window)
    yield window


def tile(window: MainWindow, key: str) -> str:
    """Figure and note of a tile of the verdict."""
    shown = window.verdict.tiles[key].tile
    assert shown is not None
    return f"{shown.figure} {shown.note}"


def test_that_a_newcomer_gets_from_the_question_to_a_saved_comparison_and_back(
    newcomer: MainWindow, tmp_path: Path, scenarios_folder: Path, catalog: Catalog, qtbot: QtBot
) -> None:
    window, document = newcomer, newcomer.document

    # The start page asks in sentences; the founding question is one of them.
    assert window.start is not None and window.start.isVisible() and not window.panel.isVisible()
    founding = next(one for one in window.start.findChildren(Entry) if one.path.name == FOUNDING)
    assert founding.headline.endswith("?")
    QTest.mouseClick(founding, Qt.MouseButton.LeftButton)
    assert window.panel.isVisible() and document.path is not None and document.path.name == FOUNDING
    as_opened = document.scenario
    assert "✓" in tile(window, "fits")

    # Four named sliders, always in view: size, batch and degree by hand, the chip in its list.
    moved = ("model_size", "batch_size", "parallelism_degree")
    before = {key: tile(window, key) for key in ("fits", "ttft", "tpot", "usd_per_month")}
    for name, place in zip(moved, (0.62, 0.5, 0.4), strict=True):
        control = slider(window, name)
        assert control.isVisible() and not control.visibleRegion().isEmpty()
        drag(control, place)
        QApplication.processEvents()
    assert document.undo_stack.count() == 3, "a drag is one step each"
    assert {key: tile(window, key) for key in before} != before
    assert any("▲" in tile(window, key) or "▼" in tile(window, key) for key in before), "changes are told"

    # Pin what there is now: from here on changes are measured against it.
    window.actions_by_name["pin"].trigger()
    QApplication.processEvents()
    assert not any(sign in tile(window, key) for key in before for sign in "▲▼")

    # Another chip: the list selects it and everything speaks of it.
    rows = window.panel.chips.list
    QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, pos=rows.visualItemRect(rows.item(1)).center())
    QApplication.processEvents()
    assert document.workload.selected == "H200" and "H200" in window.verdict.question.subject
    window.panel.chips.change_chip(1, "nv-b200")
    QApplication.processEvents()
    assert document.outcome.workloads[0].chosen.chip == "nv-b200"

    # Compare: first the alternatives, then whole scenarios.
    assert window.compare.model.rowCount() == 4
    QTest.mouseClick(window.compare.modes.segments["scenarios"], Qt.MouseButton.LeftButton)
    view = window.compare.scenarios
    assert view.model.rows[0].title.endswith(("inputs differ", "input differs"))
    assert view.add(scenarios_folder / "nvidia-only-fleet.toml")
    qtbot.waitUntil(lambda: view.sides[2].outcome is not None)
    QTest.mouseClick(window.compare.modes.segments["alternatives"], Qt.MouseButton.LeftButton)

    # The first chip again, and an open figure of it.
    window.actions_by_name["previous_alternative"].trigger()
    QApplication.processEvents()
    window.panel.unfold("open_figures")
    QApplication.processEvents()
    type_value(slider(window, "open.memory_bandwidth"), "90 %")
    QApplication.processEvents()
    assert get(document.scenario, BELIEF).belief == pytest.approx(0.9)

    # Save, reopen, and find the same.
    target = tmp_path / "mine.toml"
    assert window.save_to(target) and not document.is_dirty
    at_saving = document.scenario
    for action in range(document.undo_stack.count()):
        assert document.undo_stack.canUndo(), action
        window.actions_by_name["undo"].trigger()
    QApplication.processEvents()
    assert not differences(as_opened, document.scenario) and document.scenario.baseline is None
    assert document.is_dirty, "the file has what was undone"
    while document.undo_stack.canRedo():
        window.actions_by_name["redo"].trigger()
    assert document.scenario == at_saving and not document.is_dirty
    assert window.open_file(target)
    QApplication.processEvents()
    changed = [one.title for one in differences(at_saving, document.scenario)]
    assert changed in ([], ["Catalogue edition"]), "the edition is stamped on saving, all else is as it was"
    assert document.scenario.baseline is not None and document.baseline_name == "pinned"
    assert not differences(read_scenario(target, catalog).scenario, document.scenario)
    assert window.messages.kind != "error" or not window.messages.isVisible()
