"""Fields for what could once be set in the file only: what a decision is judged by, and the terms of the fleet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from explorer.scenario.path import get
from explorer.scenario.schema import Decision, Migration, Risk
from explorer.ui.controls.term_fields import TermFields
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.fleet_page import FleetPage
from explorer.ui.pages.matters_page import JUDGED_BY, MattersPage


@pytest.fixture
def window(make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot) -> Iterator[MainWindow]:
    document = make_document(scenarios_folder / "ai200-on-aws.toml")
    shown = MainWindow(document)
    shown.resize(1280, 720)
    qtbot.addWidget(shown, before_close_func=lambda _: document.undo_stack.setClean())
    shown.show()
    qtbot.waitExposed(shown)
    yield shown


def fleet_form(window: MainWindow) -> TermFields:
    window.show_page("fleet")
    page = window.book.page("fleet")
    assert isinstance(page, FleetPage)
    page.tables.setCurrentWidget(page.terms)
    QApplication.processEvents()
    return page.terms.form


def decision_form(window: MainWindow) -> TermFields:
    window.show_page("matters")
    page = window.book.page("matters")
    assert isinstance(page, MattersPage)
    page.views.setCurrentIndex(JUDGED_BY)
    QApplication.processEvents()
    return page.decision


def typed(qtbot: QtBot, line: QLineEdit, text: str) -> None:
    """Replace a field's text as a hand does, and press Enter."""
    line.setFocus()
    line.selectAll()
    if text:
        qtbot.keyClicks(line, text)
    else:
        qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    QApplication.processEvents()


def test_that_every_key_of_decision_risk_and_migration_has_a_field(window: MainWindow) -> None:
    fields = {*decision_form(window).fields, *fleet_form(window).fields}
    wanted = {
        *(f"decision.{key}" for key in Decision.model_fields),
        *(f"fleet.risk.{key}" for key in Risk.model_fields),
        *(f"fleet.migration.{key}" for key in Migration.model_fields),
        *(f"fleet.{key}" for key in ("headroom", "stack_usd_per_month", "cloud_usd_per_month")),
        *(f"fleet.members.{at}.region" for at in range(len(window.document.scenario.fleet.members))),
    }
    assert wanted == fields


@pytest.mark.parametrize(
    ("path", "text", "value", "shown"),
    [
        ("decision.penalty_usd_per_month", "250k", 250_000.0, "$250k"),
        ("decision.optimism", "20 %", 0.2, "20 %"),
        ("decision.tail_share", "95", 0.95, "95 %"),
        ("fleet.headroom", "25 %", 0.25, "25 %"),
        ("fleet.risk.weeks_to_recover", "26", 26.0, "26"),
        ("fleet.migration.horizon_years", "5", 5.0, "5 years"),
        ("fleet.members.0.region", "us-east-1", "us-east-1", "us-east-1"),
    ],
)
def test_that_a_typed_term_is_one_step_that_undo_takes_back(
    window: MainWindow, qtbot: QtBot, path: str, text: str, value: object, shown: str
) -> None:
    form = decision_form(window) if path.startswith("decision") else fleet_form(window)
    before, old = get(window.document.scenario, path), form.fields[path].text()
    typed(qtbot, form.fields[path], text)
    now = get(window.document.scenario, path)
    assert now == (pytest.approx(value) if isinstance(value, float) else value)
    assert form.fields[path].text() == shown
    assert window.document.undo_stack.count() == 1
    window.document.undo_stack.undo()
    QApplication.processEvents()
    assert get(window.document.scenario, path) == before
    assert form.fields[path].text() == old


def test_that_a_term_may_be_left_to_the_program_again(window: MainWindow, qtbot: QtBot) -> None:
    form = fleet_form(window)
    typed(qtbot, form.fields["fleet.headroom"], "40 %")
    typed(qtbot, form.fields["fleet.headroom"], "auto")
    assert window.document.scenario.fleet.headroom == "auto"
    judged = decision_form(window)
    typed(qtbot, judged.fields["decision.penalty_usd_per_month"], "9000")
    typed(qtbot, judged.fields["decision.penalty_usd_per_month"], "")
    assert window.document.scenario.decision.penalty_usd_per_month is None
    assert judged.fields["decision.penalty_usd_per_month"].text() == "none"


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("fleet.risk.outage_probability_per_year", "140 %", "1"),
        ("fleet.migration.horizon_years", "0", "above 0"),
        ("fleet.migration.engineers", "many", "cannot read 'many'"),
        ("fleet.headroom", "-5 %", "0"),
        ("decision.tail_share", "100 %", "below 1"),
    ],
)
def test_that_what_is_wrong_is_said_and_changes_nothing(
    window: MainWindow, qtbot: QtBot, path: str, text: str, reason: str
) -> None:
    form = decision_form(window) if path.startswith("decision") else fleet_form(window)
    old = form.fields[path].text()
    typed(qtbot, form.fields[path], text)
    assert form.problem.isVisible() and reason in form.problem.text()
    assert form.fields[path].text() == old
    assert window.document.undo_stack.count() == 0


def test_that_a_region_makes_the_tier_of_regions(window: MainWindow, qtbot: QtBot) -> None:
    form = fleet_form(window)
    assert "region" not in {tier.tier for tier in window.document.outcome.fleet.tiers}
    typed(qtbot, form.fields["fleet.members.0.region"], "us-east-1")
    assert "region" in {tier.tier for tier in window.document.outcome.fleet.tiers}


def test_that_new_members_have_fields_of_their_own(window: MainWindow) -> None:
    form = fleet_form(window)
    window.panel.fleet.add_member("nv-b200")
    QApplication.processEvents()
    form = fleet_form(window)
    last = len(window.document.scenario.fleet.members) - 1
    assert f"fleet.members.{last}.region" in form.fields


def test_that_every_field_is_named_and_reached_without_scrolling_sideways(window: MainWindow) -> None:
    for form in (decision_form(window), fleet_form(window)):
        for path, field in form.fields.items():
            assert field.accessibleName() and field.accessibleDescription(), path
            place = field.mapTo(window, field.rect().topRight())
            assert place.x() < window.width(), path
