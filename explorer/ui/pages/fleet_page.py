"""Fleet: whose money ends with whom, what one failure takes, what independence costs, and shocks before and after."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from explorer.catalog.supplier import CHIP_TIERS
from explorer.errors import ExplorerError
from explorer.plots.frontier_plot import RISKS, FrontierPlot
from explorer.plots.supplier_flow import SupplierFlowPlot
from explorer.plots.tokens import Tokens
from explorer.scenario.quantity import unbroken
from explorer.study.economics import Economics, frontier_tier
from explorer.study.fleet import TIER_TITLES
from explorer.study.fleet_tables import (
    LEAVING_HEADINGS,
    MARKET_HEADINGS,
    POOL_HEADINGS,
    SHOCK_HEADINGS,
    SUPPLIER_HEADINGS,
    TIER_HEADINGS,
    leaving_rows,
    market_rows,
    pool_rows,
    portability_table,
    score_words,
    shock_row,
    supplier_rows,
    tier_rows,
    whole_words,
)
from explorer.study.fleet_without import what_it_changes
from explorer.study.fleet_words import what_changed
from explorer.study.outcome import Outcome
from explorer.study.shocks import usual_shocks
from explorer.ui.document import Document
from explorer.ui.pages.economics_feed import EconomicsFeed
from explorer.ui.pages.fleet_terms import FleetTerms
from explorer.ui.pages.market_tab import MarketTab
from explorer.ui.pages.money_page import MoneyPage, TextTable
from explorer.ui.pages.shock_editor import ShockEditor


class FleetPage(MoneyPage):
    """Flow picture, price of independence, and the tables behind them."""

    def __init__(self, document: Document, feed: EconomicsFeed, parent: QWidget | None = None) -> None:
        super().__init__(document, feed, parent)
        self.setObjectName("page.fleet")
        self.flow, self.frontier = SupplierFlowPlot(self), FrontierPlot(self)
        self.suppliers = TextTable("fleet.suppliers", "What the fleet depends on", 2, self)
        self.pools = TextTable("fleet.pools", "What each pool carries and costs", 2, self, last_texts=1)
        self.tiers = TextTable("fleet.tier_table", "Concentration by tier", 1, self, last_texts=2)
        self.leaving = TextTable("fleet.leaving", "What leaving a supplier costs", 2, self, last_texts=1)
        self.shock_editor = ShockEditor(document, self)
        self.shocks = self.shock_editor.table
        self.portability = TextTable("fleet.portability", "What runs on which software stack", 99, self)
        self.terms = FleetTerms(document, self)
        self.market_tab = MarketTab(self)
        self.market = self.market_tab.table
        self.scores, self.changed, self.note = (self._line(name) for name in ("scores", "changed", "note"))
        self.tier = QComboBox(self)
        self.tier.setObjectName("fleet.tier")
        self.tier.setAccessibleName("Tier whose failure is looked at")
        self.risk = QComboBox(self)
        self.risk.setObjectName("fleet.risk")
        self.risk.setAccessibleName("What the cost is set against")
        for risk, title in RISKS.items():
            self.risk.addItem(title, risk)
        self._tier_chosen = False
        self.tables = QTabWidget(self)
        self.tables.setObjectName("fleet.tables")
        self.tables.setDocumentMode(True)
        for table, title in (
            (self.suppliers, "Suppliers"),
            (self.shock_editor, "Shocks"),
            (self.leaving, "Leaving"),
            (self.tiers, "Tiers"),
            (self.pools, "Pools"),
            (self.portability, "Portability"),
            (self.market_tab, "Market"),
            (self.terms, "Terms"),
        ):
            self.tables.addTab(table, title)
        self._lay_out()
        self.tables.currentChanged.connect(self._on_table)
        self._on_table()
        self.tier.activated.connect(self._on_tier)
        self.risk.activated.connect(lambda _: self.frontier.set_risk(self.risk.currentData()))
        self.frontier.mix_chosen.connect(self.take_mix)

    def _line(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(f"fleet.{name}")
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _lay_out(self) -> None:
        right = QVBoxLayout()
        head = QHBoxLayout()
        head.addStretch(1)
        for box in (self.risk, self.tier):
            head.addWidget(box)
        right.addLayout(head)
        right.addWidget(self.frontier, 1)
        pictures = QHBoxLayout()
        pictures.setSpacing(8)
        pictures.addWidget(self.flow, 3)
        pictures.addLayout(right, 2)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.setSpacing(6)
        rows.addWidget(self.scores)
        rows.addWidget(self.changed)
        rows.addLayout(pictures, 2)
        rows.addWidget(self.tables, 1)
        rows.addWidget(self.note)

    def show_answer(self) -> None:
        """Show the fleet of the present answer."""
        moving, seen = self._document.is_dragging, self.tables.currentWidget()
        shocked = not moving or seen is self.shock_editor
        answer = self._feed.answer("fleet", "shocks") if shocked else self._feed.answer("fleet")
        self.flow.show_outcome(answer, self.workload_index())
        found = answer.economics
        if found is None:
            self.scores.setText(self._feed.problem)
            self.frontier.show_frontier(None)
            self.shock_editor.show_shocks(SHOCK_HEADINGS, [], answer.fleet, ())
            self.terms.show_terms()
            return
        self._offer_tiers([tier.tier for tier in found.dependence.tiers] or list(CHIP_TIERS))
        same = self.tier.currentData() == found.frontier.tier
        self.frontier.show_frontier(found.frontier if same else self._feed.frontier(self.tier.currentData()))
        name = answer.workloads[self.workload_index()].name
        lines = (whole_words(answer.fleet, name), score_words(answer.fleet, found.dependence))
        self.scores.setText(unbroken("\n".join(line for line in lines if line)))
        before = self._document.baseline_outcome
        sentence = "" if before is None else what_changed(before.fleet, answer.fleet)
        moved = bool(sentence) and before is not None and before.fleet.tiers != answer.fleet.tiers
        if moved:
            self.changed.setText(unbroken(f"Since the baseline: {sentence}"))
        elif not moving:
            document = self._document
            said = what_it_changes(document.scenario, document.catalog, answer, self.workload_index())
            self.changed.setText(unbroken(said))
        self.changed.setVisible(bool(self.changed.text()))
        self.note.setText(found.dependence.note)
        # while a hand moves, what nobody sees can wait
        for table in (seen,) if moving else (self.tables.widget(at) for at in range(self.tables.count())):
            self._fill(table, answer, found)

    def _fill(self, table: QWidget | None, answer: Outcome, found: Economics) -> None:
        fleet, depend = answer.fleet, found.dependence
        if table is self.suppliers:
            self.suppliers.show_rows(SUPPLIER_HEADINGS, supplier_rows(fleet, depend))
        elif table is self.shock_editor:
            workload = answer.workloads[self.workload_index()].name
            self.tables.setTabText(1, "Shocks" if found.shocks else "Usual shocks")
            rows = [shock_row(one, workload) for one in found.shocks or found.usual_shocks]
            self.shock_editor.show_shocks(SHOCK_HEADINGS, rows, fleet, usual_shocks(answer))
        elif table is self.leaving:
            self.leaving.show_rows(LEAVING_HEADINGS, leaving_rows(depend))
        elif table is self.tiers:
            self.tiers.show_rows(TIER_HEADINGS, tier_rows(fleet, depend))
        elif table is self.pools:
            self.pools.show_rows(POOL_HEADINGS, pool_rows(fleet))
        elif table is self.terms:
            self.terms.show_terms()
        elif table is self.portability:
            self.portability.show_rows(*portability_table(depend))
        else:
            self.market_tab.show_rows(MARKET_HEADINGS, market_rows(found))

    def _offer_tiers(self, names: list[str]) -> None:
        if [self.tier.itemData(at) for at in range(self.tier.count())] != names:
            kept = self.tier.currentData()
            self.tier.clear()
            for name in names:
                self.tier.addItem(TIER_TITLES[name], name)
            self.tier.setCurrentIndex(max(0, self.tier.findData(kept)))
        if not self._tier_chosen:
            self.tier.setCurrentIndex(max(0, self.tier.findData(frontier_tier(self._feed.scenario))))

    def take_mix(self, shares: tuple[float, ...]) -> None:
        """Take a fleet of these traffic shares, as one undoable step."""
        changes = {f"fleet.members.{at}.traffic_share": share for at, share in enumerate(shares)}
        try:
            self._document.change_several(changes, "the fleet's shares")
        except ExplorerError as error:
            self.scores.setText(str(error))

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self.flow.set_tokens(tokens)
        self.frontier.set_tokens(tokens)

    def _on_table(self) -> None:
        """The note on the bands of markets stands where an HHI is shown."""
        self.note.setVisible(self.tables.currentWidget() in (self.tiers, self.market_tab))

    def _on_tier(self) -> None:
        self._tier_chosen = True
        self.show_answer()
