"""The market as against the fleet: published shares, and what a shift of share that the reader states does to them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from explorer.catalog.market import MarketShares, market_shares
from explorer.errors import ExplorerError
from explorer.scenario.quantities import QUANTITIES
from explorer.study.market import STATED_GIVER, STATED_PART, STATED_TAKER, shifted
from explorer.ui.pages.money_page import TextTable

SHARE = QUANTITIES["share"]


class MarketTab(QWidget):
    """A table of markets, and a row of fields for "what if so much of one's share went to another"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fleet.market_tab")
        self.table = TextTable("fleet.market", "The market, as against the fleet", 2, self, last_texts=2)
        self.part = QLineEdit(SHARE.format(STATED_PART), self)
        self.part.setFixedWidth(64)
        self.giver, self.taker, self.market = QComboBox(self), QComboBox(self), QComboBox(self)
        self.taker.setEditable(True)
        self.said = QLabel(self)
        self.said.setObjectName("market.said")
        self.said.setWordWrap(True)
        for name, widget, title in (
            ("market.part", self.part, "Part of the giver's share that moves"),
            ("market.giver", self.giver, "Who gives up share"),
            ("market.taker", self.taker, "Who takes it; may be new to the market"),
            ("market.which", self.market, "Which market"),
        ):
            widget.setObjectName(name)
            widget.setAccessibleName(title)
            widget.setToolTip(title)
        for view in market_shares():
            self.market.addItem(view.title, view.key)
        self._lay_out()
        self._on_market()
        self.market.activated.connect(lambda _: self._on_market())
        for box in (self.giver, self.taker):
            box.activated.connect(lambda _: self.tell())
        for line in (self.part, self.taker.lineEdit()):
            if line is not None:
                line.editingFinished.connect(self.tell)

    def show_rows(self, headings: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> None:
        """Show the markets."""
        self.table.show_rows(headings, rows)

    def tell(self) -> None:
        """Say what the stated shift does, or what is wrong with it."""
        try:
            found = shifted(self._shown(), self.giver.currentText(), self.taker.currentText().strip(), self._part())
        except (ExplorerError, ValueError) as error:
            self.said.setText(str(error))
        else:
            self.said.setText(found.sentence)

    def _shown(self) -> MarketShares:
        return next(view for view in market_shares() if view.key == self.market.currentData())

    def _part(self) -> float:
        return SHARE.parse(self.part.text())

    def _on_market(self) -> None:
        shares = self._shown().shares
        names = sorted(shares, key=lambda name: -shares[name])
        for box, wanted, offered in (
            (self.giver, STATED_GIVER, names),
            (self.taker, STATED_TAKER, list(dict.fromkeys([*names[1:], STATED_TAKER]))),
        ):
            box.clear()
            box.addItems(offered)
            box.setCurrentText(wanted if wanted in offered else offered[0])
        self.tell()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        for text, widget in (
            ("What if", self.part),
            ("of the share of", self.giver),
            ("went to", self.taker),
            ("in", self.market),
        ):
            caption = QLabel(text, self)
            caption.setObjectName("note")
            row.addWidget(caption)
            row.addWidget(widget)
        row.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 2, 0, 0)
        rows.setSpacing(2)
        rows.addLayout(row)
        rows.addWidget(self.said)
        rows.addWidget(self.table, 1)
