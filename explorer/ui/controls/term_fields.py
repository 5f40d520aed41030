"""Terms of the scenario as captioned fields in groups: each change goes through the document as one undoable step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.inputs import Input, input_at
from explorer.scenario.path import ScenarioValueError, get, split
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import Quantity
from explorer.ui.document import Document

FIELD_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Term:
    """One setting: where it stands, what it means, its caption, and the word for its being left to the program."""

    path: str
    meaning: str
    caption: str = ""
    """As short as a column; the setting's own title where it is empty."""
    unset: str = ""
    """Shown and typed for `unset_value`; empty where a value must be given."""
    unset_value: Any = None

    @property
    def setting(self) -> Input:
        """How the setting is titled and written."""
        return input_at(split(self.path))

    def text(self, value: Any) -> str:
        """A value as the field shows it."""
        if value == self.unset_value and (self.unset or isinstance(value, str)):
            return self.unset
        setting = self.setting
        return str(value) if setting.quantity is None else self._quantity.format_exact(value * setting.scale)

    def parse(self, text: str) -> Any:
        """The value of a typed text; ValueError says what is allowed."""
        typed = text.strip()
        if self.unset and typed.lower() in ("", self.unset):
            return self.unset_value
        return typed if self.setting.quantity is None else self._quantity.parse(typed) / self.setting.scale

    @property
    def _quantity(self) -> Quantity:
        return QUANTITIES[self.setting.quantity or "plain"]


Groups = Sequence[tuple[str, Sequence[Term]]]


class TermFields(QWidget):
    """A line for each group, its name first; as many fields side by side as `columns`."""

    def __init__(self, document: Document, name: str, columns: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._document, self._columns = document, columns
        self._terms: tuple[Term, ...] = ()
        self.fields: dict[str, QLineEdit] = {}
        self.problem = QLabel(self)
        self.problem.setObjectName(f"{name}_problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self._fields = QWidget(self)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 4, 0, 0)
        rows.setSpacing(4)
        rows.addWidget(self.problem)
        rows.addWidget(self._fields)
        rows.addStretch(1)

    def show_terms(self, groups: Groups) -> None:
        """Show the values of the scenario; what is being typed stays. Fields are made anew only for other terms."""
        terms = tuple(term for _, group in groups for term in group)
        if terms != self._terms:
            self._terms = terms
            self._build(groups)
        for term in terms:
            field = self.fields[term.path]
            text = term.text(get(self._document.scenario, term.path))
            if not field.isModified() and field.text() != text:
                field.setText(text)
                field.setCursorPosition(0)

    def _build(self, groups: Groups) -> None:
        old, self._fields = self._fields, QWidget(self)
        layout = self.layout()
        assert isinstance(layout, QVBoxLayout)
        layout.replaceWidget(old, self._fields)
        old.hide()
        old.deleteLater()
        self.fields = {}
        grid = QGridLayout(self._fields)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        line = 0
        for title, group in groups:
            heading = QLabel(title, self._fields)
            heading.setProperty("role", "strong")
            grid.addWidget(heading, line + 1, 0)
            for place, term in enumerate(group):
                row, column = line + 3 * (place // self._columns), 1 + place % self._columns
                caption, field = self._field(term)
                grid.addWidget(caption, row, column)
                grid.addWidget(field, row + 1, column)
                grid.setRowMinimumHeight(row + 2, 6)
            line += 3 * -(-len(group) // self._columns)
        grid.setColumnStretch(self._columns + 1, 1)

    def _field(self, term: Term) -> tuple[QLabel, QLineEdit]:
        title = term.caption or term.setting.title
        caption, field = QLabel(title, self._fields), QLineEdit(self._fields)
        caption.setObjectName("note")
        caption.setBuddy(field)
        caption.setToolTip(term.meaning)
        field.setObjectName(f"term.{term.path}")
        field.setAccessibleName(title)
        field.setAccessibleDescription(term.meaning)
        field.setToolTip(term.meaning)
        field.setPlaceholderText(term.unset or ("not stated" if term.setting.quantity is None else ""))
        field.setMinimumWidth(FIELD_WIDTH)
        field.setMaximumWidth(FIELD_WIDTH + 40)
        if term.setting.quantity is not None:
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.editingFinished.connect(partial(self._on_edited, term))
        self.fields[term.path] = field
        return caption, field

    def _on_edited(self, term: Term) -> None:
        field = self.fields.get(term.path)
        if field is None or not field.isModified():
            return
        field.setModified(False)
        said = ""
        try:
            self._document.change(term.path, term.parse(field.text()), term.setting.title.lower())
        except ScenarioValueError as error:
            said = error.words
        except (ExplorerError, ValueError) as error:
            said = str(error)
        self.problem.setText(said)
        self.problem.setVisible(bool(said))
        field.setText(term.text(get(self._document.scenario, term.path)))
