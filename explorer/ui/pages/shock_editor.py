"""The shocks of a scenario: before and after in a table, and a row of fields for the one that is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import Quantity
from explorer.scenario.schema import Shock
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.shock_choices import ALL_MEMORY, FIGURES, KINDS, new_shock, suppliers_for, turned_into
from explorer.ui.document import Document
from explorer.ui.pages.money_page import TextTable

FIELDS: tuple[tuple[str, str, Quantity, str], ...] = (
    ("change", "Price change", QUANTITIES["share"], "How far the price rises, or falls when negative: 15 %, -30 %"),
    ("usd_per_gb", "$ per GB", QUANTITIES["plain"], "Dollars by which a gigabyte becomes dearer: 1 or -0.5"),
    ("share", "Part hit", QUANTITIES["share"], "Part of the supplier that is hit: 100 % or 40 %"),
    ("weeks", "Weeks", QUANTITIES["plain"], "How long it lasts: 26"),
)


class ShockEditor(QWidget):
    """Edits the scenario's shocks through the document, each change one undoable step."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fleet.shock_editor")
        self._document = document
        self._fleet: FleetOutcome | None = None
        self._usual: tuple[Shock, ...] = ()
        self._at = 0
        self.table = TextTable("fleet.shocks", "Shocks, before and after", 2, self, last_texts=1)
        self.name = self._line("name", "Name of the shock", "A name that no other shock has")
        self.kind = self._box("kind", "What befalls the supplier")
        for kind, title in KINDS.items():
            self.kind.addItem(title, kind)
        self.supplier = self._box("supplier", "Whom it befalls")
        self.cause = self._line("cause", "Common cause", "Shocks of the same cause are also looked at together")
        self.figures: dict[str, QLineEdit] = {}
        self.captions: dict[str, QLabel] = {}
        self.hint = QLabel("The scenario states no shocks: these are the usual ones.", self)
        self.hint.setObjectName("note")
        self.problem = QLabel(self)
        self.problem.setObjectName("fleet.shock_problem")
        self.problem.setWordWrap(True)
        self.add, self.remove = QPushButton("+ shock", self), QPushButton("remove", self)
        self.take_usual = QPushButton("edit these", self)
        self._lay_out()
        self._connect()

    def show_shocks(
        self,
        headings: Sequence[tuple[str, str]],
        rows: Sequence[Sequence[str]],
        fleet: FleetOutcome,
        usual: Sequence[Shock],
    ) -> None:
        """Show what they do; `usual` are those looked at where the scenario states none."""
        self._fleet, self._usual = fleet, tuple(usual)
        self.table.show_rows(headings, rows)
        self.show_fields()

    def show_fields(self) -> None:
        """Show the fields of the chosen shock; those that its kind does not have are hidden."""
        shocks = self._document.scenario.shocks
        self._at = max(0, min(self._at, len(shocks) - 1))
        self.take_usual.setVisible(not shocks and bool(self._usual))
        self.remove.setVisible(bool(shocks))
        for widget in (self.name, self.kind, self.supplier, self.cause, *self.figures.values()):
            widget.setVisible(bool(shocks))
        for label in self.captions.values():
            label.setVisible(bool(shocks))
        self.hint.setVisible(not shocks)
        if not shocks:
            return
        shock = shocks[self._at]
        _put(self.name, shock.name)
        _put(self.cause, shock.cause)
        self.kind.setCurrentIndex(self.kind.findData(shock.kind))
        self._fill_suppliers(shock)
        for key, _, quantity, _ in FIELDS:
            matters = key in FIGURES[shock.kind]
            self.figures[key].setVisible(matters)
            self.captions[key].setVisible(matters)
            _put(self.figures[key], quantity.format(getattr(shock, key)))
        for key, (column, stretch) in self._stretches.items():
            # what is hidden leaves no gap
            self._grid.setColumnStretch(column, stretch if key not in self.figures or key in FIGURES[shock.kind] else 0)
        self._mark_row()

    def choose(self, at: int) -> None:
        """Edit the shock in row `at`; a row of several together edits none of its own."""
        if 0 <= at < len(self._document.scenario.shocks) and at != self._at:
            self._at = at
            self._say("")
            self.show_fields()

    def add_shock(self) -> None:
        """One more: the failure of the first supplier, to be made into what is wanted."""
        shocks = self._document.scenario.shocks
        fleet = self._fleet
        if fleet is None:
            return
        added = new_shock(fleet, [one.name for one in shocks])
        self._at = len(shocks)
        self._change({"shocks": (*shocks, added)})

    def remove_shock(self) -> None:
        """Take the chosen one away."""
        shocks = self._document.scenario.shocks
        if shocks:
            self._change({"shocks": tuple(one for at, one in enumerate(shocks) if at != self._at)})

    def state_usual(self) -> None:
        """Make the usual shocks the scenario's own, to edit them."""
        self._at = 0
        self._change({"shocks": self._usual})

    def _line(self, key: str, title: str, tip: str) -> QLineEdit:
        line = QLineEdit(self)
        line.setObjectName(f"shock.{key}")
        line.setAccessibleName(title)
        line.setToolTip(tip)
        return line

    def _box(self, key: str, title: str) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(f"shock.{key}")
        box.setAccessibleName(title)
        box.setToolTip(title)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(12)
        return box

    def _lay_out(self) -> None:
        for key, title, _, meaning in FIELDS:
            self.figures[key] = self._line(key, title, meaning)
            self.figures[key].setMaximumWidth(84)
        fields: tuple[tuple[str, str, QWidget, int], ...] = (
            ("name", "Name", self.name, 4),
            ("kind", "What happens", self.kind, 4),
            ("supplier", "Supplier", self.supplier, 4),
            *((key, title, self.figures[key], 2) for key, title, _, _ in FIELDS),
            ("cause", "Together with, by cause", self.cause, 3),
        )
        self._grid = grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        self._stretches: dict[str, tuple[int, int]] = {}
        for column, (key, title, widget, stretch) in enumerate(fields):
            self.captions[key] = QLabel(title, self)
            self.captions[key].setObjectName("note")
            self.captions[key].setBuddy(widget)
            grid.addWidget(self.captions[key], 0, column)
            grid.addWidget(widget, 1, column)
            self._stretches[key] = column, stretch
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button, name, tip in (
            (self.add, "shock.add", "Add a shock to the scenario"),
            (self.take_usual, "shock.take_usual", "Make the usual shocks the scenario's own, to edit them"),
            (self.remove, "shock.remove", "Take the chosen shock out of the scenario"),
        ):
            button.setObjectName(name)
            button.setAccessibleName(tip)
            button.setToolTip(tip)
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        form = QHBoxLayout()
        form.setSpacing(8)
        form.addWidget(self.hint, 1)
        form.addLayout(grid, 1)
        form.addLayout(buttons)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 2, 0, 0)
        rows.setSpacing(2)
        rows.addLayout(form)
        rows.addWidget(self.problem)
        rows.addWidget(self.table, 1)
        self.problem.hide()

    def _connect(self) -> None:
        self.add.clicked.connect(self.add_shock)
        self.remove.clicked.connect(self.remove_shock)
        self.take_usual.clicked.connect(self.state_usual)
        self.name.editingFinished.connect(partial(self._on_text, self.name, "name"))
        self.cause.editingFinished.connect(partial(self._on_text, self.cause, "cause"))
        self.kind.activated.connect(self._on_kind)
        self.supplier.activated.connect(self._on_supplier)
        for key, _, quantity, _ in FIELDS:
            self.figures[key].editingFinished.connect(partial(self._on_figure, key, quantity.parse))
        self.table.selectionModel().currentRowChanged.connect(lambda now, _: self.choose(now.row()))

    def _fill_suppliers(self, shock: Shock) -> None:
        names = suppliers_for(shock.kind, self._fleet) if self._fleet is not None else ()
        wanted = names if shock.supplier in names else (shock.supplier, *names)
        shown = tuple(self.supplier.itemData(at) for at in range(self.supplier.count()))
        if shown != wanted:
            self.supplier.clear()
            for name in wanted:
                self.supplier.addItem(name or ALL_MEMORY, name)
        self.supplier.setCurrentIndex(self.supplier.findData(shock.supplier))

    def _mark_row(self) -> None:
        if self.table.currentIndex().row() != self._at and self._at < self.table.texts.rowCount():
            self.table.selectRow(self._at)

    def _on_text(self, line: QLineEdit, key: str) -> None:
        if line.isModified():
            line.setModified(False)
            self._change({f"shocks.{self._at}.{key}": line.text().strip()})

    def _on_figure(self, key: str, parse: Callable[[str], float]) -> None:
        line = self.figures[key]
        if not line.isModified():
            return
        line.setModified(False)
        try:
            value = parse(line.text())
        except ValueError as error:
            self._say(str(error))
            self.show_fields()
            return
        self._change({f"shocks.{self._at}.{key}": value})

    def _on_kind(self) -> None:
        if self._fleet is None:
            return
        shock = self._document.scenario.shocks[self._at]
        changes = turned_into(shock, self.kind.currentData(), self._fleet)
        self._change({f"shocks.{self._at}.{key}": value for key, value in changes.items()})

    def _on_supplier(self) -> None:
        self._change({f"shocks.{self._at}.supplier": self.supplier.currentData()})

    def _change(self, values: dict[str, Any]) -> None:
        try:
            self._document.change_several(values, "shocks")
        except ExplorerError as error:
            self._say(str(error))
        else:
            self._say("")
        self.show_fields()

    def _say(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))


def _put(line: QLineEdit, text: str) -> None:
    """Text of a field; what is being typed stays."""
    if not line.isModified() and line.text() != text:
        line.setText(text)
        line.setCursorPosition(0)
