"""The Cost and Fleet pages: they follow only while seen, say what was computed, and taking a fleet is one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from explorer.scenario.quantity import unbroken
from explorer.scenario.schema import Shock
from explorer.study.fleet_tables import market_rows
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.cost_page import CostPage
from explorer.ui.pages.economics_feed import EconomicsFeed
from explorer.ui.pages.fleet_page import FleetPage
from explorer.ui.pages.money_page import MOST_PACE_MS
from explorer.ui.pages.page_book import PAGES


@pytest.fixture
def fleet_window(
    make_document: Callable[[Path], Document], scenarios_folder: Path, qtbot: QtBot
) -> Iterator[MainWindow]:
    """The scenario with AI200 beside Nvidia, in a window."""
    document = make_document(scenarios_folder / "diversified-fleet.toml")
    window = MainWindow(document)
    window.resize(1440, 900)
    qtbot.addWidget(window, before_close_func=lambda _: document.undo_stack.setClean())
    window.show()
    qtbot.waitExposed(window)
    yield window


class SlowToPaint(QWidget):
    """Takes a twentieth of a second to paint."""

    def paintEvent(self, event: QPaintEvent) -> None:
        time.sleep(0.05)


def feed_of(window: MainWindow) -> EconomicsFeed:
    """What the pages of money and dependence share."""
    feed = window.book.findChild(EconomicsFeed)
    assert feed is not None
    return feed


def cost_of(window: MainWindow) -> CostPage:
    """The Cost page, made if it was not yet."""
    page = window.book.page("cost")
    assert isinstance(page, CostPage)
    return page


def fleet_of(window: MainWindow) -> FleetPage:
    """The Fleet page, made if it was not yet."""
    page = window.book.page("fleet")
    assert isinstance(page, FleetPage)
    return page


def cell(table: object, row: int, column: int) -> str:
    """A cell of a text table."""
    model = table.model()  # type: ignore[attr-defined]
    return str(model.data(model.index(row, column)))


def column_of(table: object, title: str) -> int:
    """The column with this heading."""
    model = table.model()  # type: ignore[attr-defined]
    titles = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(model.columnCount())]
    return titles.index(title)


def test_that_the_plots_stay_in_view_above_every_page(fleet_window: MainWindow) -> None:
    """PRODUCT: the three live plots, always in view; below them pages."""
    window = fleet_window
    plots = (window.tail, window.memory, window.concentration)
    for size in ((1280, 720), (1440, 900), (2560, 1440)):
        window.resize(*size)
        for key in window.book.keys:
            window.show_page(key)
            QApplication.processEvents()
            assert all(plot.isVisible() and plot.height() >= 190 for plot in plots), (size, key)
            below = window.book.mapTo(window, window.book.rect().topLeft()).y()
            assert all(plot.mapTo(window, plot.rect().bottomLeft()).y() < below for plot in plots), (size, key)
    assert cost_of(window).isVisible() is False and window.book.page("evidence").isVisible()


def test_that_plots_above_a_page_move_with_the_hand(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("cost")
    before = [plot.text_summary() for plot in (window.tail, window.memory)]
    window.document.change("workloads.0.model.size_billion", 90.0)
    QApplication.processEvents()
    assert all(plot.text_summary() != old for plot, old in zip((window.tail, window.memory), before, strict=True))


def test_that_an_enlarged_page_has_the_room_of_the_plots_and_gives_it_back(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("cost")
    QApplication.processEvents()
    height, told = cost_of(window).height(), window.memory.text_summary()
    window.book.enlarge_button.click()
    QApplication.processEvents()
    assert not window.tail.isVisible() and cost_of(window).height() > height + 100
    window.document.change("workloads.0.model.size_billion", 90.0)
    window.show_page("compare")
    QApplication.processEvents()
    assert window.tail.isVisible() and window.compare.isVisible(), "alternatives stand beneath the plots always"
    assert window.memory.text_summary() != told, "what is seen again is of now"
    window.show_page("fleet")
    assert not window.tail.isVisible()
    window.actions_by_name["enlarge"].trigger()
    assert window.tail.isVisible() and fleet_of(window).isVisible()


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)])
def test_that_a_page_without_room_scrolls_down_and_never_aside(fleet_window: MainWindow, size: tuple[int, int]) -> None:
    window = fleet_window
    window.resize(*size)
    for kind in PAGES:
        window.show_page(kind.key)
        QApplication.processEvents()
        page = window.book.page(kind.key)
        scroller = window.findChild(QScrollArea, f"scroller.{kind.key}")
        assert scroller is not None
        assert page.width() == scroller.viewport().width()
        assert page.height() >= max(kind.least, scroller.viewport().height())
        assert scroller.verticalScrollBar().maximum() == page.height() - scroller.viewport().height()


def test_that_a_hidden_page_computes_nothing(fleet_window: MainWindow) -> None:
    window = fleet_window
    assert cost_of(window).table.model().rowCount() == 0
    window.document.change("workloads.0.traffic.request_rate_per_s", 70.0)
    assert cost_of(window).table.model().rowCount() == 0 and fleet_of(window).suppliers.model().rowCount() == 0


def test_that_each_page_asks_for_its_own_part_only(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("cost")
    found = feed_of(window).answer().economics
    assert found is not None and found.money and not found.dependence.tiers and not found.usual_shocks
    window.show_page("fleet")
    found = feed_of(window).answer().economics
    assert found is not None and found.money and found.dependence.tiers and found.usual_shocks
    window.document.change("workloads.0.traffic.request_rate_per_s", 70.0)
    found = feed_of(window).answer().economics
    assert found is not None and not found.money and found.dependence.tiers


def test_that_the_pace_of_a_page_counts_its_painting(fleet_window: MainWindow, qtbot: QtBot) -> None:
    """A page that is quick to fill and slow to paint is not shown more often than it may."""
    window, document = fleet_window, fleet_window.document
    window.show_page("cost")
    page = cost_of(window)
    slow = SlowToPaint(page)
    slow.resize(20, 20)
    slow.show()
    page.show_answer = slow.update  # type: ignore[method-assign]
    document.begin_drag()
    document.change("workloads.0.traffic.request_rate_per_s", 240.0)
    qtbot.waitUntil(lambda: page.pace_ms == MOST_PACE_MS, timeout=5_000)
    document.end_drag()


def test_that_the_cost_page_says_what_compare_says(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("cost")
    table = cost_of(window).table
    assert table.model().rowCount() == 3
    month = cell(table, 0, column_of(table, "$/month"))
    compare = window.compare.model
    shown = [compare.headerData(at, Qt.Orientation.Horizontal) for at in range(compare.columnCount())]
    assert month == compare.data(compare.index(0, shown.index("$/month")))
    assert "H200" in cost_of(window).stack.text_summary()
    assert "cost plus" in cost_of(window).basis.text()


def test_that_the_seen_page_follows_a_change(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("cost")
    table = cost_of(window).table
    before = cell(table, 0, column_of(table, "$/month"))
    window.document.change("workloads.0.traffic.request_rate_per_s", 240.0)
    window.document.answers.refine_timer.stop()
    assert cell(table, 0, column_of(table, "$/month")) != before


def test_that_the_seen_page_keeps_a_pace_while_a_hand_moves(fleet_window: MainWindow, qtbot: QtBot) -> None:
    window, document = fleet_window, fleet_window.document
    window.show_page("cost")
    table = cost_of(window).table
    before = cell(table, 0, column_of(table, "$/month"))
    document.begin_drag()
    document.change("workloads.0.traffic.request_rate_per_s", 240.0)
    assert cell(table, 0, column_of(table, "$/month")) == before
    document.end_drag()
    qtbot.waitUntil(lambda: cell(table, 0, column_of(table, "$/month")) != before, timeout=20_000)


def test_that_taking_a_fleet_from_the_frontier_is_one_step_back(fleet_window: MainWindow, qtbot: QtBot) -> None:
    window, document = fleet_window, fleet_window.document
    window.show_page("fleet")
    plot = fleet_of(window).frontier
    assert plot.frontier is not None
    old = [member.traffic_share for member in document.scenario.fleet.members]
    place = plot.point_place(0).toPoint()
    steps = document.undo_stack.count()
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=place)
    new = [member.traffic_share for member in document.scenario.fleet.members]
    assert new != old and sum(new) == pytest.approx(1.0)
    assert document.undo_stack.count() == steps + 1
    assert plot.frontier.present is not None
    assert plot.frontier.present.shares == pytest.approx(new)
    document.undo_stack.undo()
    assert [member.traffic_share for member in document.scenario.fleet.members] == old


def test_that_the_fleet_page_shows_scores_suppliers_and_the_note(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("fleet")
    page = fleet_of(window)
    assert "chip designers" in page.scores.text() and "the worst failure (" in page.scores.text()
    assert "a month: pools" in page.scores.text() and "further software stack" in page.scores.text()
    assert "P99 of all requests of 70B chat, by the closed form: first token " in page.scores.text()
    risk = window.document.scenario.fleet.risk
    supposed = f"if each supplier fails {risk.outage_probability_per_year:.0%}".replace("%", " %")
    assert unbroken(f"{supposed} a year for {risk.weeks_to_recover:g} weeks, your terms)") in page.scores.text()
    assert "markets, not for fleets" in page.note.text()
    names = {cell(page.suppliers, row, 1) for row in range(page.suppliers.model().rowCount())}
    assert {"Nvidia", "Qualcomm", "TSMC", "AWS"} <= names
    assert page.market.model().rowCount() >= 3
    assert cell(page.portability, 0, 0) == "All that is used"


def test_that_another_tier_gives_another_frontier(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("fleet")
    page = fleet_of(window)
    cloud = page.tier.findData("cloud")
    page.tier.setCurrentIndex(cloud)
    page.tier.activated.emit(cloud)
    assert page.frontier.frontier is not None
    assert page.frontier.frontier.tier == "cloud"
    assert page.frontier.frontier.present is not None and page.frontier.frontier.present.n1_loss == pytest.approx(1.0)


def test_that_shocks_of_the_scenario_are_in_the_table(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("fleet")
    shock = Shock(name="AWS dearer", kind="price", supplier="AWS", change=0.15)
    window.document.change("shocks", (shock,), "shocks")
    table = fleet_of(window).shocks
    assert cell(table, 0, 0) == "AWS dearer" and "→" in cell(table, 0, column_of(table, "$/month"))


def test_that_an_unknown_supplier_is_said_and_does_not_end_the_page(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("fleet")
    shock = Shock(name="x", kind="outage", supplier="TSMCC")
    window.document.change("shocks", (shock,), "shocks")
    assert "shocks.0.supplier" in fleet_of(window).scores.text() and "TSMC" in fleet_of(window).scores.text()


def test_that_a_change_of_fleet_is_said_against_the_baseline(fleet_window: MainWindow) -> None:
    window = fleet_window
    window.show_page("fleet")
    text = fleet_of(window).changed.text()
    assert text.startswith("Since the baseline: Adding Qualcomm AI200 on AWS lowers concentration at chip designer")
    assert "leaves cloud (all AWS)" in text
    window.document.unpin_baseline()
    # without one, what the selected chip changes is said all the same
    assert fleet_of(window).changed.text().startswith("Adding Nvidia H200 on AWS ")
    assert fleet_of(window).changed.isVisible()
    # the next change is of another turn
    QApplication.processEvents()
    fleet_of(window).take_mix((0.7, 0.3, 0.0))
    text = fleet_of(window).changed.text()
    assert text.startswith("Since the baseline: Removing Qualcomm AI200 on AWS ")
    raised = next(part for part in text.split("; ") if "raises" in part)
    assert "chip designer" in raised and "packaging" in raised


def test_that_a_hosted_service_and_a_power_limit_are_typed_on_the_cost_page(
    fleet_window: MainWindow, qtbot: QtBot
) -> None:
    window = fleet_window
    window.show_page("cost")
    page = cost_of(window)
    rows = page.table.model().rowCount()
    for key, text in (
        ("hosted_usd_per_million_input", "0.6"),
        ("hosted_usd_per_million_output", "$0.90"),
        ("power_limit_kw", "20 kW"),
    ):
        field = page.terms.fields[key]
        field.setFocus()
        qtbot.keyClicks(field, text)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        QApplication.processEvents()
    price = window.document.scenario.price
    assert (price.hosted_usd_per_million_input, price.hosted_usd_per_million_output) == (0.6, 0.9)
    assert price.power_limit_kw == pytest.approx(20.0)
    assert page.table.model().rowCount() == rows + 1
    assert cell(page.table, rows, 0) == "Hosted service" and cell(page.moves, rows, 7).startswith(("$", "−$"))
    assert "does not fit the power limit of 20 kW" in cell(page.remarks, 0, 2)
    assert cell(page.table, 0, column_of(page.table, "promises")) == "too much power"
    assert page.stack.values()[-1].is_hosted
    steps = window.document.undo_stack
    steps.undo()
    QApplication.processEvents()
    assert window.document.scenario.price.power_limit_kw is None
    assert page.terms.fields["power_limit_kw"].text() == ""


def test_that_a_negative_limit_is_said_and_nothing_changes(fleet_window: MainWindow, qtbot: QtBot) -> None:
    window = fleet_window
    window.show_page("cost")
    page = cost_of(window)
    field = page.terms.fields["power_limit_kw"]
    field.setFocus()
    qtbot.keyClicks(field, "-5 kW")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.document.scenario.price.power_limit_kw is None
    assert "power_limit_kw" in page.terms.problem.text() and field.text() == ""


def test_that_shocks_wait_while_a_hand_moves_and_follow_when_it_rests(fleet_window: MainWindow, qtbot: QtBot) -> None:
    window, document = fleet_window, fleet_window.document
    window.show_page("fleet")
    page = fleet_of(window)
    month, cheapest = column_of(page.shocks, "$/month"), page.frontier.frontier
    before = cell(page.shocks, 0, month)
    assert cheapest is not None
    document.begin_drag()
    document.change("workloads.0.traffic.request_rate_per_s", 240.0)

    def moved() -> bool:
        shown = page.frontier.frontier
        return shown is not None and shown.by_loss[-1].usd_per_month > 1.5 * cheapest.by_loss[-1].usd_per_month

    qtbot.waitUntil(moved, timeout=20_000)
    assert cell(page.shocks, 0, month) == before
    document.end_drag()
    qtbot.waitUntil(lambda: cell(page.shocks, 0, month) != before, timeout=20_000)


def test_that_a_shift_of_the_market_is_stated_by_hand(fleet_window: MainWindow, qtbot: QtBot) -> None:
    window = fleet_window
    window.show_page("fleet")
    page = fleet_of(window)
    tab = page.market_tab
    page.tables.setCurrentWidget(tab)
    # (65.9 * 0.95)^2 + (65.9 * 0.05)^2 - 65.9^2 = -412.6
    assert tab.said.text().startswith("5 % of Nvidia's share to Qualcomm: HHI 4,689 to 4,276 (−413)")
    tab.part.setFocus()
    tab.part.selectAll()
    qtbot.keyClicks(tab.part, "10%")
    qtbot.keyClick(tab.part, Qt.Key.Key_Return)
    assert tab.said.text().startswith("10 % of Nvidia's share to Qualcomm") and "(-413)" not in tab.said.text()
    tab.taker.setCurrentText("Nvidia")
    tab.tell()
    assert "cannot take share from Nvidia" in tab.said.text()
    tab.part.setText("lots")
    tab.tell()
    assert "cannot read" in tab.said.text()
    other = tab.market.findData("hbm")
    tab.market.setCurrentIndex(other)
    tab.market.activated.emit(other)
    assert tab.giver.currentText() == "SK hynix"


def test_that_all_powers_of_the_table_are_in_one_unit(fleet_window: MainWindow) -> None:
    document = fleet_window.document
    document.change("workloads.0.traffic.request_rate_per_s", 4.0)
    fleet_window.show_page("cost")
    texts = cost_of(fleet_window).table.texts
    titles = [texts.headerData(at, Qt.Orientation.Horizontal) for at in range(texts.columnCount())]
    at = titles.index("power")
    cells = [str(texts.data(texts.index(row, at))) for row in range(texts.rowCount())]
    assert len({cell.split()[-1] for cell in cells if cell != "–"}) == 1, cells


def test_that_the_market_tells_effective_suppliers_as_a_range_where_the_hhi_is_one(fleet_window: MainWindow) -> None:
    fleet_window.show_page("fleet")
    found = feed_of(fleet_window).answer().economics
    assert found is not None
    cloud = next(row for row in market_rows(found) if "–" in row[2])
    assert cloud[3] == "3.6–7.0" and cloud[4] == "moderately or highly concentrated"
