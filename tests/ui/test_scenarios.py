"""Scenarios side by side: all inputs that differ, all outcomes, changes against the baseline, and their cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog.catalog import Catalog
from explorer.plots.tokens import HIT_TARGET
from explorer.scenario.difference import differences
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Alternative
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.ui.document import Document
from explorer.ui.main_window import LEAST, MainWindow
from explorer.ui.pages.scenarios_view import ScenariosView
from explorer.ui.pages.side_by_side import Side, rows_of

RATE = "workloads.0.traffic.request_rate_per_s"


def sides_of(document: Document, *changed: tuple[str, object]) -> list[Side]:
    """The baseline as the second side, as in the window."""
    before = Side("baseline", document.scenario, document.outcome)
    for path, value in changed:
        document.change(path, value)
    QApplication.processEvents()
    return [Side("now", document.scenario, document.outcome), before]


def cells(view: ScenariosView, title: str) -> list[str]:
    """The texts of the row with a title."""
    row = next(row for row in view.model.rows if row.title == title)
    return [cell.text for cell in row.cells]


def test_that_every_input_that_differs_has_a_row_and_no_other(document: Document) -> None:
    sides = sides_of(document, (RATE, 24.0), ("price.basis", "own"), ("fleet.tiers", ("cloud",)))
    rows = rows_of(sides, 1, document.workload.name)
    assert rows[0].title == "3 inputs differ"
    found = {row.title: [cell.text for cell in row.cells] for row in rows[1:4]}
    assert found["70B chat · Requests per second"] == ["24/s", "12/s"]
    assert found["Basis"] == ["own", "cost plus"]
    assert found["Fleet · Tiers that count"][0] == "cloud"
    assert len(differences(sides[1].scenario, sides[0].scenario)) == 3


def test_that_changes_are_absolute_and_relative_against_the_baseline(document: Document) -> None:
    sides = sides_of(document, (RATE, 24.0))
    rows = {row.title: row for row in rows_of(sides, 1, document.workload.name)}
    now, then = (side.outcome.workloads[0].chosen.cost.usd_per_month for side in sides if side.outcome is not None)
    assert now is not None and then is not None
    share = round(100 * (now.value / then.value - 1))
    change = rows["$/month"].cells[0].change
    assert change.startswith("▲ $") and change.endswith(f"+{share} %")
    assert rows["$/month"].cells[1].change == "", "the reference has no change against itself"


def test_that_every_outcome_of_the_table_of_alternatives_is_there_too(document: Document) -> None:
    titles = [row.title for row in rows_of(sides_of(document), 1, document.workload.name)]
    for expected in ("Replicas", "Chips in all", "P99 first token (TTFT)", "P99 per token (TPOT)", "$/M tokens",
                     "$/month", "Keeps every promise up to", "Evidence", "Weakest tiers"):  # fmt: skip
        assert expected in titles
    tiers = [tier.title for tier in document.outcome.fleet.tiers]
    assert all(f"{tier}, effective suppliers" in titles for tier in tiers)


def test_that_each_cell_of_three_scenarios_is_read_from_its_own(document: Document) -> None:
    base = document.scenario
    path = "workloads.0.alternatives"
    first, *others = base.workloads[0].alternatives
    second, dropped = others[0].name, first.name
    changed = several(base, {f"{path}.0.max_batch": 64, f"{path}.1.max_batch": 32})
    # in the third one the first deployment is gone, and another has come in its place
    exchanged = several(
        base,
        {
            path: (Alternative(name="Newcomer", chip="aws-trn2", max_batch=8), *others),
            "workloads.0.selected": second,
        },
    )
    sides = [Side(str(at), scenario, None) for at, scenario in enumerate((changed, base, exchanged))]
    rows = {row.title: [cell.text for cell in row.cells] for row in rows_of(sides, 1, "70B chat")}
    before = str(first.max_batch)
    assert rows[f"70B chat · {dropped} · Batch size, at most"] == ["64", before, "–"]
    assert rows[f"70B chat · {second} · Batch size, at most"] == ["32", before, before]
    assert rows[f"70B chat · {dropped}"] == ["there", "there", "–"]
    assert rows["70B chat · Newcomer"] == ["–", "–", "there"]
    assert not [title for title in rows if title.startswith("70B chat · Newcomer ·")], "nobody said it was renamed"


def test_that_without_a_difference_the_table_says_what_to_do(document: Document) -> None:
    assert rows_of(sides_of(document), 1, "70B chat")[0].title.startswith("No input differs")


def test_that_a_scenario_without_an_answer_yet_is_said_to_wait_and_one_that_has_none_is_not(document: Document) -> None:
    now, before = sides_of(document)
    waiting = Side("later", document.scenario, None)
    hopeless = Side("never", document.scenario, None, "no such chip")
    row = next(one for one in rows_of([now, before, waiting, hopeless], 1, "70B chat") if one.title == "$/month")
    assert [cell.text for cell in row.cells[2:]] == ["…", "–"]


def test_that_files_are_added_answered_removed_and_limited(
    window: MainWindow, scenarios_folder: Path, qtbot: QtBot
) -> None:
    view = window.compare.scenarios
    refusals: list[str] = []
    view.refused.connect(refusals.append)
    window.actions_by_name["scenarios"].trigger()
    first, second = scenarios_folder / "llama-70b-chat.toml", scenarios_folder / "nvidia-only-fleet.toml"
    assert view.add(first) and view.add(second)
    qtbot.waitUntil(lambda: "…" not in cells(view, "$/month"))
    assert len(view.sides) == 4 and view.model.columnCount() == 5
    assert all(text.startswith("$") for text in cells(view, "$/month"))
    assert not view.add(scenarios_folder / "trillion-moe-realtime.toml") and "at most" in refusals[-1]
    assert not window.compare.modes.add_button.isEnabled()
    view.remove(first)
    assert len(view.sides) == 3 and view.model.headerData(3, Qt.Orientation.Horizontal) == second.stem


def test_that_a_broken_file_is_told_and_adds_nothing(window: MainWindow, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("format = 1\n[[workloads]\n", encoding="utf-8")
    assert not window.compare.scenarios.add(broken)
    assert "broken.toml" in window.messages.text and len(window.compare.scenarios.sides) == 2


def test_that_the_table_follows_when_the_hand_rests_and_not_while_it_is_hidden(
    window: MainWindow, qtbot: QtBot
) -> None:
    view, document = window.compare.scenarios, window.document
    document.change(RATE, 24.0)
    QApplication.processEvents()
    assert view.model.rowCount() == 0 and not any(one.isActive() for one in view.findChildren(QTimer))
    window.compare.show_mode("scenarios")
    assert cells(view, "70B chat · Requests per second") == ["24/s", "12/s"]
    document.begin_drag()
    document.change(RATE, 30.0)
    QApplication.processEvents()
    assert not any(one.isActive() for one in view.findChildren(QTimer)), "a frame of a drag asks for nothing"
    assert cells(view, "70B chat · Requests per second") == ["24/s", "12/s"]
    document.end_drag()
    qtbot.waitUntil(lambda: cells(view, "70B chat · Requests per second") == ["30/s", "12/s"])


def test_that_the_table_on_the_screen_is_what_a_copy_takes(window: MainWindow) -> None:
    window.document.change(RATE, 24.0)
    window.compare.show_mode("scenarios")
    window.actions_by_name["copy_table"].trigger()
    text = QGuiApplication.clipboard().text()
    assert "70B chat · Requests per second\t24/s\t12/s" in text
    window.compare.scenarios.table.setFocus()
    QGuiApplication.clipboard().clear()
    QTest.keySequence(window.compare.scenarios.table, QKeySequence(QKeySequence.StandardKey.Copy))
    assert QGuiApplication.clipboard().text() == text
    window.compare.show_mode("alternatives")
    window.actions_by_name["copy_table"].trigger()
    assert QGuiApplication.clipboard().text().startswith("Alternative\t")


def test_that_every_tab_is_in_view_beside_the_buttons_of_the_comparison(window: MainWindow) -> None:
    window.resize(*LEAST)
    window.compare.show_mode("scenarios")
    QApplication.processEvents()
    tabs, modes = window.book.tabs, window.compare.modes
    assert tabs.tabRect(tabs.count() - 1).right() <= tabs.width()
    assert modes.add_button.isVisible() and modes.add_button.height() >= HIT_TARGET
    window.compare.show_mode("alternatives")
    assert not modes.add_button.isVisible()


@pytest.mark.parametrize("height", [720, 900])
def test_that_the_plots_stay_in_view_beside_the_long_table(window: MainWindow, height: int) -> None:
    window.compare.show_mode("scenarios")
    window.resize(1280, height)
    QApplication.processEvents()
    assert window.height() == height
    assert window.tail.height() >= 250 and window.compare.scenarios.table.height() >= 160


def test_that_an_unchanged_scenario_differs_in_no_outcome_from_its_baseline_once_refined(
    catalog: Catalog, scenarios_folder: Path, qtbot: QtBot
) -> None:
    scenario = read_scenario(scenarios_folder / "llama-70b-chat.toml", catalog).scenario
    document = Document(catalog, Answering(catalog), scenario)
    view = ScenariosView(document)
    qtbot.addWidget(view)
    view.show()
    document.change(RATE, 24.0)
    document.pin_baseline()
    document.answers.refine_now()
    qtbot.waitUntil(lambda: bool(document.baseline_outcome and document.baseline_outcome.final))
    qtbot.waitUntil(lambda: not any(cell.change for row in view.model.rows for cell in row.cells))
    document.close()


class Answering(LiveEvaluator):
    """The real closed form in this process, where the worker's answer comes with the next poll."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self.asked: list[object] = []
        self._due: Outcome | None = None

    @property
    def busy(self) -> bool:
        """True until the answer is taken."""
        return self._due is not None

    def refine(self, scenario: Scenario, workload: int = 0) -> None:
        """Answer at once, to be taken by poll."""
        self.asked.append(scenario)
        self._due = self._evaluator.evaluate(replace(scenario, "simulation.method", "closed_form"))

    def poll(self) -> Outcome | None:
        """The answer."""
        due, self._due = self._due, None
        return due


def test_that_the_worker_answers_further_scenarios_after_the_present_one(
    catalog: Catalog, scenarios_folder: Path, qtbot: QtBot
) -> None:
    live = Answering(catalog)
    document = Document(catalog, live, read_scenario(scenarios_folder / "llama-70b-chat.toml", catalog).scenario)
    further = read_scenario(scenarios_folder / "nvidia-only-fleet.toml", catalog).scenario
    answered: list[tuple[object, Outcome]] = []
    document.answers.further_answered.connect(lambda scenario, outcome: answered.append((scenario, outcome)))
    document.change(RATE, 24.0)
    document.answers.ask_further(further)
    document.answers.refine_now()
    qtbot.waitUntil(lambda: bool(answered) and document.outcome.final)
    assert any(one is further for one in live.asked) and any(one is document.scenario for one in live.asked)
    assert answered[0][0] is further and answered[0][1].final
    assert document.outcome.title == "Llama 3.1 70B chat at AWS prices", "the window's own answer stays its own"
    document.close()


def test_that_a_baseline_pinned_in_a_file_is_answered_as_fully_as_the_present_scenario(
    catalog: Catalog, scenarios_folder: Path, qtbot: QtBot
) -> None:
    live = Answering(catalog)
    document = Document(catalog, live, read_scenario(scenarios_folder / "diversified-fleet.toml", catalog).scenario)
    assert document.baseline_outcome is not None and not document.baseline_outcome.final
    document.answers.refine_now()
    qtbot.waitUntil(lambda: bool(document.baseline_outcome and document.baseline_outcome.final))
    assert document.outcome.final and document.outcome.title == "Nvidia and AI200"
    assert [one is document.baseline for one in live.asked] == [False, True]
    document.close()
