"""The terms of money that belong to no chip: how much power there is, and what a hosted service asks for tokens."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import Quantity
from explorer.scenario.schema import Price
from explorer.ui.document import Document

TERMS: tuple[tuple[str, str, Quantity, float, str], ...] = (
    ("power_limit_kw", "Power limit", QUANTITIES["watts"], 1e3,
     "Power of the facility that an alternative, or the whole fleet, may draw at full load: 500 kW. Empty: no limit."),
    ("hosted_usd_per_million_input", "Hosted service, $/M in", QUANTITIES["usd_per_million"], 1.0,
     "What a hosted service asks for a million prompt tokens: $0.60. Empty: not compared."),
    ("hosted_usd_per_million_output", "$/M out", QUANTITIES["usd_per_million"], 1.0,
     "What a hosted service asks for a million answer tokens: $0.90. Empty: not compared."),
)  # fmt: skip
"""Key under [price], caption, quantity, how many of its units the key counts in, meaning."""


class MoneyTerms(QWidget):
    """A row of fields, each of which may be empty; changes go through the document as undoable steps."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("cost.terms")
        self._document = document
        self.fields: dict[str, QLineEdit] = {}
        self.problem = QLabel(self)
        self.problem.setObjectName("cost.terms_problem")
        self.problem.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for key, title, _, _, meaning in TERMS:
            caption, field = QLabel(title, self), QLineEdit(self)
            caption.setObjectName("note")
            caption.setBuddy(field)
            field.setObjectName(f"term.{key}")
            field.setAccessibleName(title)
            field.setToolTip(meaning)
            field.setPlaceholderText("none")
            field.setFixedWidth(72)
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            field.editingFinished.connect(partial(self._on_edited, key))
            self.fields[key] = field
            row.addWidget(caption)
            row.addWidget(field)
        row.addWidget(self.problem, 1)

    def show_terms(self, price: Price) -> None:
        """Show the terms; what is being typed stays."""
        for key, _, quantity, units, _ in TERMS:
            value, field = getattr(price, key), self.fields[key]
            text = "" if value is None else quantity.format(value * units)
            if not field.isModified() and field.text() != text:
                field.setText(text)

    def _on_edited(self, key: str) -> None:
        field = self.fields[key]
        if not field.isModified():
            return
        field.setModified(False)
        title, quantity, units = next((term[1:4]) for term in TERMS if term[0] == key)
        said = ""
        try:
            text = field.text().strip()
            value = None if text in ("", "none") else quantity.parse(text) / units
            self._document.change(f"price.{key}", value, title.lower())
        except (ExplorerError, ValueError) as error:
            said = str(error)
        self.problem.setText(said)
        self.problem.setToolTip(said)
        self.problem.setVisible(bool(said))
        self.show_terms(self._document.scenario.price)
