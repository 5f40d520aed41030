"""Claims: statements of the scenario with their probability and the figure each hangs on; the chosen one in full."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.plots.tokens import Tokens
from explorer.scenario.schema import Claim
from explorer.scenario.statement import parse_statement
from explorer.study.claim_offers import claims_offered
from explorer.study.claims import ClaimAnswer
from explorer.study.claims_words import details, hangs_on, sides_text, verdict
from explorer.study.studies import StudyAnswer
from explorer.ui.document import Document
from explorer.ui.pages.money_page import TextTable
from explorer.ui.pages.page import Page

KIND = "claims"
HEADINGS = (
    ("Claim", "What somebody said"),
    ("How sure", "In how many of the cases it holds, over all that is not known"),
    ("Found, closed form", "Both sides of the statement at the stated values, with their bands"),
    ("Hangs on", "The open figure that decides it"),
)
WAITING = "…"


def claim_rows(claims: tuple[Claim, ...], answers: tuple[ClaimAnswer, ...]) -> list[list[str]]:
    """A row for each claim; those not yet checked wait."""
    checked = {one.claim.name: one for one in answers if one.claim in claims}
    rows = []
    for claim in claims:
        one = checked.get(claim.name)
        rows.append(
            [claim.name, WAITING, claim.statement, ""]
            if one is None
            else [claim.name, verdict(one), sides_text(one) or claim.statement, hangs_on(one)]
        )
    return rows


def claim_text(claim: Claim, answer: ClaimAnswer | None) -> str:
    """A claim in full: in words, as a statement, what stands behind the answer, what was found since, sources."""
    lines = [claim.says, f"Statement: {claim.statement}"]
    if answer is not None:
        lines += details(answer)
    lines += [f"Found since: {claim.found}"] if claim.found else []
    lines += [f"Source: {source}" for source in claim.sources]
    return "\n".join(line for line in lines if line)


class ClaimsPage(Page):
    """The scenario's claims, checked by the worker when the hand rests; one can be added or taken away."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page.claims")
        self._document = document
        self._number = 0
        self._asked: object = None
        self._answers: tuple[ClaimAnswer, ...] = ()
        self.table = TextTable("claims.table", "Claims and how sure they are", 99, self)
        self.text = QLabel(self)
        self.text.setObjectName("claims.text")
        self.text.setWordWrap(True)
        self.text.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.statement = QLineEdit(self)
        self.statement.setObjectName("claims.statement")
        self.statement.setAccessibleName("New claim as a statement")
        self.statement.setPlaceholderText("P99 TPOT of AI200 x8 > 2 x that of H200 x8")
        self.add = QPushButton("Add claim", self)
        self.add.setObjectName("claims.add")
        self.remove = QPushButton("Remove claim", self)
        self.remove.setObjectName("claims.remove")
        self.offers = QWidget(self)
        self.offers.setObjectName("claims.offers")
        self._offered: tuple[str, ...] = ()
        self.problem = QLabel(self)
        self.problem.setObjectName("claims.problem")
        self.problem.setWordWrap(True)
        self.problem.hide()
        self._lay_out()
        self.table.selectionModel().currentRowChanged.connect(self._on_row)
        self.add.clicked.connect(self.add_claim)
        self.statement.returnPressed.connect(self.add_claim)
        self.remove.clicked.connect(self.remove_claim)
        document.outcome_changed.connect(lambda _: self._on_changed())
        document.workload_changed.connect(lambda _: self._on_changed())
        document.answers.study_answered.connect(self._on_answer)

    def set_tokens(self, tokens: Tokens) -> None:
        """Nothing here is painted by hand."""

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_changed()

    def add_claim(self) -> None:
        """State the claim that was typed; what is wrong with it is told with its column."""
        text = self.statement.text().strip()
        if text and self._state(text):
            self.statement.clear()

    def _state(self, text: str) -> bool:
        """Make a statement a claim of the scenario; whether it could be read."""
        claims = self._document.scenario.claims
        try:
            parse_statement(text)
            name = _free_name([one.name for one in claims])
            self._document.change(f"claims.{len(claims)}", {"name": name, "statement": text}, "claim")
        except ExplorerError as error:
            self._say(str(error))
            return False
        self._say("")
        return True

    def remove_claim(self) -> None:
        """Take the chosen claim out of the scenario."""
        at = self.table.currentIndex().row()
        if 0 <= at < len(self._document.scenario.claims):
            self._document.change(f"claims.{at}", None, "claim")

    def show_claims(self) -> None:
        """Show what is known so far."""
        claims = self._document.scenario.claims
        kept = max(self.table.currentIndex().row(), 0)
        self.table.show_rows(HEADINGS, claim_rows(claims, self._answers))
        if claims:
            self.table.selectRow(min(kept, len(claims) - 1))
        for part in (self.table, self.remove):
            part.setVisible(bool(claims))
        self.offers.setVisible(not claims)
        if not claims:
            self._offer()
        # with nothing to list, what to do stands at the top, and the rest is empty
        self._column.setStretch(self._column.count() - 1, int(not claims))
        self._show_text()

    def _offer(self) -> None:
        """Claims to begin with: one is stated with a click."""
        offered = claims_offered(self._document.scenario, self._document.workload_index)
        if offered == self._offered:
            return
        self._offered = offered
        rows = self.offers.layout()
        assert isinstance(rows, QVBoxLayout)
        for old in self.offers.findChildren(QPushButton):
            rows.removeWidget(old)
            old.setParent(None)
            old.deleteLater()
        for text in offered:
            button = QPushButton(text.replace("<=", "≤").replace(">=", "≥"), self.offers)
            button.setObjectName("claims.offer")
            button.setToolTip("Adds this claim to the scenario")
            button.clicked.connect(lambda _=False, text=text: self._state(text))
            rows.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _on_changed(self) -> None:
        if not self.isVisible() or self._document.is_dragging:
            return
        scenario = self._document.scenario
        if scenario.claims and self._asked is not scenario:
            self._asked = scenario
            self._number = self._document.answers.ask_study(KIND)
        self.show_claims()

    def _on_answer(self, found: StudyAnswer) -> None:
        if found.kind != KIND or found.number != self._number:
            return
        if found.problem is not None:
            self._say(found.problem.message)
        elif found.found:
            self._answers = tuple(found.found)
            self.show_claims()
            if found.last:
                self.table.fit_anew()

    def _on_row(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid():
            self._show_text()

    def _show_text(self) -> None:
        claims = self._document.scenario.claims
        at = self.table.currentIndex().row()
        if not claims:
            self.text.setText(
                "This scenario makes no claims. A claim is a statement about outputs, such as "
                "P99 TPOT of AI200 x8 > 2 x that of H200 x8: type one below. "
                "The example “Which of the brief's claims on AI200 hold?” holds those of an industry brief."
            )
        elif 0 <= at < len(claims):
            answer = next((one for one in self._answers if one.claim == claims[at]), None)
            self.text.setText(claim_text(claims[at], answer))

    def _say(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.statement, 1)
        row.addWidget(self.add)
        row.addWidget(self.remove)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.table, 3)
        column.addWidget(self.text, 0)
        column.addWidget(self.problem)
        column.addLayout(row)
        column.addWidget(self.offers)
        column.addStretch(0)
        rows = QVBoxLayout(self.offers)
        rows.setContentsMargins(0, 8, 0, 0)
        rows.setSpacing(6)
        heading = QLabel("Or begin with one of these:", self.offers)
        heading.setObjectName("note")
        rows.addWidget(heading)


def _free_name(names: list[str]) -> str:
    number = len(names) + 1
    while f"claim {number}" in names:
        number += 1
    return f"claim {number}"
