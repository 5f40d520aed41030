"""Fleet: whose money ends with whom, what one failure takes, what independence costs, and shocks before and after."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from explorer.catalog import TIERS
from explorer.errors import ExplorerError
from explorer.plots.frontier_plot import FrontierPlot
from explorer.plots.supplier_flow import SupplierFlowPlot
from explorer.plots.tokens import Tokens
from explorer.scenario.quantity import NOTHING, QUANTITIES
from explorer.study.dependence import Dependence
from explorer.study.economics import frontier_tier
from explorer.study.fleet import TIER_TITLES
from explorer.study.fleet_words import what_changed
from explorer.study.outcome import FleetOutcome
from explorer.study.shocks import FleetState, ShockOutcome
from explorer.ui.document import Document
from explorer.ui.pages.economics_feed import EconomicsFeed
from explorer.ui.pages.money_page import MoneyPage, TextTable

MONTH, SHARE, SUPPLIERS, SECONDS, USD = (
    QUANTITIES[key] for key in ("usd_per_month", "share", "suppliers", "seconds", "usd")
)
SUPPLIER_HEADINGS = (
    ("Tier", "Level of the supply chain; in brackets: not ticked as one that counts"),
    ("Supplier", "Who the fleet depends on there"),
    ("Spend", "Share of the money, in expectation where undisclosed"),
    ("Traffic", "Share of the traffic"),
    ("Lost", "Traffic lost when it fails (N-1), with its range over what is undisclosed"),
    ("Spare of others", "Spare capacity of the survivors over what they carry"),
    ("Runs on others", "Part of the work that the survivors' stacks support"),
    ("Exposure index", "Weeks lost until it is replaced, over the largest (REI)"),
    ("Price rise", "Rise of the bill when it raises its prices as stated"),
    ("Leaving costs", "Once: engineering, running both, moving data"),
    ("Leaving takes", "Months"),
    ("May raise", "Largest lasting rise before leaving pays"),
)
SHOCK_HEADINGS = (
    ("Shock", "As named in the scenario; a common cause takes all of its shocks together"),
    ("What", "What happens"),
    ("Capacity", "Traffic that could be carried with the promises kept, before and after"),
    ("Served", "Part of the traffic still served at once"),
    ("$/month", "Before, and of the fleet rebuilt from what is left"),
    ("P99 TPOT", "Over all requests of the fleet, before and after"),
    ("Designers", "Effective chip designers, before and after"),
    ("Weeks lost", "Weeks of the whole traffic"),
    ("Once", "What it costs once"),
    ("Remarks", "What to know"),
)


def score_words(fleet: FleetOutcome, found: Dependence) -> str:
    """The score vector in one line: unlike things side by side, never averaged."""
    parts = []
    designer = next((tier for tier in fleet.tiers if tier.tier == "designer"), None)
    if designer is not None:
        parts.append(f"chip designers {SUPPLIERS.format(designer.effective_suppliers.value)}")
    if found.survivability is not None:
        worst = ", ".join(TIER_TITLES[tier].lower() for tier in found.binding_tiers)
        parts.append(f"survives the worst failure: {SHARE.format(found.survivability)} ({worst})")
    if found.expected_loss_weeks is not None:
        parts.append(f"expected loss {found.expected_loss_weeks:.1f} weeks of traffic a year")
    exposed = max((one.price_exposure or 0.0 for one in found.exits), default=0.0)
    if exposed:
        rise = SHARE.format(found.price_rise_share)
        parts.append(f"one supplier {rise} dearer: up to {SHARE.format(exposed)} on the bill")
    return " · ".join(parts)


def supplier_rows(fleet: FleetOutcome, found: Dependence) -> list[list[str]]:
    """The table behind the picture."""
    spend = {(tier.tier, one.supplier): one.share for tier in fleet.tiers for one in tier.suppliers}
    exits = {(one.tier, one.supplier): one for one in found.exits}
    rows = []
    for tier in found.tiers:
        for one in tier.suppliers:
            leaving = exits.get((tier.tier, one.supplier))
            lost = SHARE.format(one.lost.value)
            if one.lost.high - one.lost.low > 0.005:
                lost += f" ({SHARE.format_range(one.lost.low, one.lost.high)})"
            rise = None if leaving is None else leaving.price_exposure
            rows.append([
                tier.title if tier.counts else f"({tier.title})",
                one.supplier,
                SHARE.format(spend.get((tier.tier, one.supplier), 0.0)),
                SHARE.format(one.traffic_share),
                lost,
                SHARE.format(one.headroom),
                SHARE.format(one.portability),
                f"{one.exposure_index:.2f}",
                NOTHING if rise is None else SHARE.format(rise),
                NOTHING if leaving is None else USD.format(leaving.exit_usd),
                NOTHING if leaving is None else f"{leaving.exit_months:g}",
                NOTHING if leaving is None else SHARE.format(leaving.exploitable_price_rise),
            ])  # fmt: skip
    return rows


def _tpot(state: FleetState, workload: str) -> str:
    value = state.p99_s.get(workload, {}).get("tpot")
    return NOTHING if value is None else SECONDS.format(value)


def shock_row(one: ShockOutcome, workload: str) -> list[str]:
    """One shock before and after."""

    def both(before: str, after: str) -> str:
        return before if before == after else f"{before} → {after}"

    def money(state: FleetState) -> str:
        return NOTHING if state.usd_per_month is None else MONTH.format(state.usd_per_month)

    def designers(state: FleetState) -> str:
        return NOTHING if state.effective_suppliers is None else SUPPLIERS.format(state.effective_suppliers)

    return [
        one.name,
        one.what,
        both(SHARE.format(one.before.capacity), SHARE.format(one.after.capacity)),
        SHARE.format(one.after.served),
        both(money(one.before), money(one.after)),
        both(_tpot(one.before, workload), _tpot(one.after, workload)),
        both(designers(one.before), designers(one.after)),
        f"{one.lost_capacity_weeks:.1f}" if one.lost_capacity_weeks else NOTHING,
        USD.format(one.once_usd) if one.once_usd else NOTHING,
        "; ".join(one.notes),
    ]


class FleetPage(MoneyPage):
    """Flow picture, price of independence, and the tables behind them."""

    def __init__(self, document: Document, feed: EconomicsFeed, parent: QWidget | None = None) -> None:
        super().__init__(document, feed, parent)
        self.setObjectName("page.fleet")
        self.flow, self.frontier = SupplierFlowPlot(self), FrontierPlot(self)
        self.suppliers = TextTable("fleet.suppliers", "What the fleet depends on", 2, self)
        self.shocks = TextTable("fleet.shocks", "Shocks, before and after", 2, self)
        self.portability = TextTable("fleet.portability", "What runs on which software stack", 9, self)
        self.market = TextTable("fleet.market", "The market, as against the fleet", 2, self)
        self.scores, self.changed, self.note = (self._line(name) for name in ("scores", "changed", "note"))
        self.tier = QComboBox(self)
        self.tier.setObjectName("fleet.tier")
        self.tier.setAccessibleName("Tier whose failure is looked at")
        for tier in TIERS:
            self.tier.addItem(TIER_TITLES[tier], tier)
        self._tier_chosen = False
        self.tables = QTabWidget(self)
        self.tables.setObjectName("fleet.tables")
        self.tables.setDocumentMode(True)
        for table, title in (
            (self.suppliers, "Suppliers"),
            (self.shocks, "Shocks"),
            (self.portability, "Portability"),
            (self.market, "Market"),
        ):
            self.tables.addTab(table, title)
        self._lay_out()
        self.tier.activated.connect(self._on_tier)
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
        head.addWidget(QLabel("when one fails at the tier", self))
        head.addWidget(self.tier)
        right.addLayout(head)
        right.addWidget(self.frontier, 1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setSpacing(8)
        grid.addWidget(self.scores, 0, 0, 1, 2)
        grid.addWidget(self.changed, 1, 0, 1, 2)
        grid.addWidget(self.flow, 2, 0)
        grid.addLayout(right, 2, 1)
        grid.addWidget(self.tables, 3, 0, 1, 2)
        grid.addWidget(self.note, 4, 0, 1, 2)
        grid.setRowStretch(2, 3)
        grid.setRowStretch(3, 2)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)

    def show_answer(self) -> None:
        """Show the fleet of the present answer."""
        answer = self._feed.answer()
        self.flow.show_outcome(answer, self.workload_index())
        found = answer.economics
        if found is None:
            self.scores.setText(self._feed.problem)
            self.frontier.show_frontier(None)
            return
        if not self._tier_chosen:
            self.tier.setCurrentIndex(TIERS.index(frontier_tier(self._feed.scenario)))
        same = self.tier.currentData() == found.frontier.tier
        self.frontier.show_frontier(found.frontier if same else self._feed.frontier(self.tier.currentData()))
        self.scores.setText(score_words(answer.fleet, found.dependence))
        before = self._document.baseline_outcome
        sentence = "" if before is None else what_changed(before.fleet, answer.fleet)
        moved = bool(sentence) and before is not None and before.fleet.tiers != answer.fleet.tiers
        self.changed.setText(f"Since the baseline: {sentence}" if moved else "")
        self.changed.setVisible(moved)
        self.note.setText(found.dependence.note)
        self.suppliers.show_rows(SUPPLIER_HEADINGS, supplier_rows(answer.fleet, found.dependence))
        workload = answer.workloads[self.workload_index()].name
        self.tables.setTabText(1, "Shocks" if found.shocks else "Usual shocks")
        self.shocks.show_rows(SHOCK_HEADINGS, [shock_row(one, workload) for one in found.shocks or found.usual_shocks])
        self._show_portability(found.dependence)
        self.market.show_rows(
            (
                ("Market", "What is measured"),
                ("Date", "Of the figures"),
                ("HHI", "With the unnamed rest as many small ones, and as one"),
                ("Effective", "Effective suppliers"),
                ("Band", "DOJ and FTC, 2023"),
                ("Source", "Where the shares come from"),
            ),
            [
                [
                    one.title,
                    one.date,
                    f"{one.hhi:,.0f}" + (f"–{one.hhi_high:,.0f}" if one.hhi_high > one.hhi + 1 else ""),
                    SUPPLIERS.format(one.effective_suppliers),
                    one.band,
                    one.source,
                ]
                for one in found.market
            ]
            + [[found.market_shift.sentence, "", "", "", found.market_shift.after.band, "what if"]],
        )

    def _show_portability(self, found: Dependence) -> None:
        headings = [("Feature", "Used by the workloads")]
        headings += [(one.stack, f"{SHARE.format(one.support.value)} of what is used") for one in found.portability]
        headings.append(("Sources", "What each cell rests on"))
        rows = [["All that is used", *(SHARE.format(one.support.value) for one in found.portability), ""]]
        for at, feature in enumerate(found.features):
            cells = [one.cells[at] for one in found.portability]
            sources = "; ".join(f"{cell.stack}: {cell.source or cell.reason}" for cell in cells)
            rows.append([feature.replace("_", " "), *(cell.support for cell in cells), sources])
        self.portability.show_rows(headings, rows)

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

    def _on_tier(self) -> None:
        self._tier_chosen = True
        self.show_answer()
