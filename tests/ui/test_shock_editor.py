"""Editing shocks on the Fleet page: each change is one step that undo takes back, and what is wrong is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from explorer.scenario.schema import Shock
from explorer.study.shock_choices import KINDS
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.fleet_page import FleetPage
from explorer.ui.pages.shock_editor import ShockEditor


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    """Nvidia and AI200 on AWS, the Fleet page open at its shocks."""
    document = make_document(scenarios_folder / "diversified-fleet.toml")
    shown = MainWindow(document)
    shown.resize(1440, 900)
    qtbot.addWidget(shown, before_close_func=lambda _: document.undo_stack.setClean())
    shown.show()
    qtbot.waitExposed(shown)
    shown.show_page("fleet")
    page = page_of(shown)
    page.tables.setCurrentWidget(page.shock_editor)
    yield shown


def page_of(window: MainWindow) -> FleetPage:
    page = window.findChild(FleetPage)
    assert isinstance(page, FleetPage)
    return page


def editor_of(window: MainWindow) -> ShockEditor:
    return page_of(window).shock_editor


def shocks(window: MainWindow) -> tuple[Shock, ...]:
    return window.document.scenario.shocks


def row(window: MainWindow, at: int) -> list[str]:
    model = editor_of(window).table.model()
    return [str(model.index(at, column).data()) for column in range(model.columnCount())]


def typed(qtbot: QtBot, line: QLineEdit, text: str) -> None:
    """Replace a field's text as a hand does, and press Enter."""
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    QApplication.processEvents()


def pick(window: MainWindow, box_name: str, value: str) -> None:
    box = getattr(editor_of(window), box_name)
    at = box.findData(value)
    assert at >= 0, f"{value} is not offered"
    box.setCurrentIndex(at)
    box.activated.emit(at)
    QApplication.processEvents()


def test_that_the_usual_shocks_become_the_scenarios_own_in_one_step(window: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(window)
    assert shocks(window) == () and editor.hint.isVisible() and editor.take_usual.isVisible()
    assert not editor.name.isVisible() and not editor.remove.isVisible()
    shown = [row(window, at)[0] for at in range(editor.table.model().rowCount())]
    qtbot.mouseClick(editor.take_usual, Qt.MouseButton.LeftButton)
    assert [one.name for one in shocks(window)] == shown
    assert editor.name.isVisible() and not editor.hint.isVisible() and not editor.take_usual.isVisible()
    window.document.undo_stack.undo()
    assert shocks(window) == ()


def test_that_a_shock_is_added_changed_and_removed_by_hand(window: MainWindow, qtbot: QtBot) -> None:
    editor, steps = editor_of(window), window.document.undo_stack
    qtbot.mouseClick(editor.add, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert [one.kind for one in shocks(window)] == ["outage"]
    assert row(window, 0)[0] == shocks(window)[0].name
    pick(window, "supplier", "Nvidia")
    pick(window, "kind", "price")
    assert shocks(window)[0].change == pytest.approx(0.15)
    assert editor.figures["change"].isVisible() and not editor.figures["weeks"].isVisible()
    typed(qtbot, editor.figures["change"], "-30%")
    typed(qtbot, editor.name, "Nvidia cuts")
    found = shocks(window)[0]
    assert (found.name, found.kind, found.supplier, found.change) == ("Nvidia cuts", "price", "Nvidia", -0.3)
    assert row(window, 0)[0] == "Nvidia cuts" and row(window, 0)[1] == "Nvidia −30 %"
    count = steps.count()
    steps.undo()
    assert shocks(window)[0].name != "Nvidia cuts"
    steps.redo()
    qtbot.mouseClick(editor.remove, Qt.MouseButton.LeftButton)
    assert shocks(window) == () and steps.count() == count + 1
    steps.undo()
    assert shocks(window) == (found,)


def test_that_shocks_of_one_cause_are_also_shown_together(window: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(window)
    for supplier in ("Nvidia", "Qualcomm"):
        qtbot.mouseClick(editor.add, Qt.MouseButton.LeftButton)
        QApplication.processEvents()
        pick(window, "supplier", supplier)
        typed(qtbot, editor.cause, "strait closed")
    assert [one.cause for one in shocks(window)] == ["strait closed"] * 2
    assert editor.table.model().rowCount() == 3
    assert row(window, 2)[0] == "strait closed" and row(window, 2)[3] == "0 %"


def test_that_another_row_is_edited_by_choosing_it(window: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(window)
    window.document.change("shocks", (
        Shock(name="a", kind="outage", supplier="AWS"),
        Shock(name="b", kind="memory_price", usd_per_gb=2.0),
    ))  # fmt: skip
    QApplication.processEvents()
    editor.table.selectRow(1)
    assert editor.name.text() == "b" and editor.supplier.currentText() == "all memory"
    assert editor.figures["usd_per_gb"].isVisible() and not editor.figures["share"].isVisible()
    typed(qtbot, editor.figures["usd_per_gb"], "5")
    assert [one.usd_per_gb for one in shocks(window)] == [0.0, 5.0]
    assert editor.table.currentIndex().row() == 1


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("share", "140 %", "share"),
        ("weeks", "soon", "cannot read"),
        ("weeks", "-3", "weeks"),
        ("name", "b", "same name"),
    ],
)
def test_that_a_wrong_value_is_said_and_changes_nothing(
    window: MainWindow, qtbot: QtBot, field: str, text: str, said: str
) -> None:
    editor = editor_of(window)
    before = (Shock(name="a", kind="outage", supplier="AWS"), Shock(name="b", kind="outage", supplier="TSMC"))
    window.document.change("shocks", before)
    QApplication.processEvents()
    line = editor.name if field == "name" else editor.figures[field]
    old = line.text()
    typed(qtbot, line, text)
    assert shocks(window) == before
    assert editor.problem.isVisible() and said in editor.problem.text()
    assert line.text() == old


def test_that_every_kind_can_be_made_of_every_other(window: MainWindow, qtbot: QtBot) -> None:
    editor = editor_of(window)
    qtbot.mouseClick(editor.add, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    for first in KINDS:
        for second in KINDS:
            pick(window, "kind", first)
            pick(window, "kind", second)
            assert shocks(window)[0].kind == second
            assert not editor.problem.isVisible()
            assert editor.table.model().rowCount() == 1


def test_that_every_field_has_a_name_for_a_reader(window: MainWindow) -> None:
    editor = editor_of(window)
    buttons = editor.add, editor.remove, editor.take_usual
    for widget in (editor.name, editor.kind, editor.supplier, editor.cause, *buttons):
        assert widget.accessibleName() and widget.objectName().startswith("shock.")
    assert all(line.accessibleName() and line.toolTip() for line in editor.figures.values())
