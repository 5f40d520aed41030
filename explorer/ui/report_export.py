"""Exporting the report to the board from the window: the worker makes it of final figures, the window writes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from explorer.errors import ExplorerError
from explorer.scenario.schema import Scenario
from explorer.study.studies import StudyAnswer
from explorer.ui.document import Document
from explorer.ui.message_bar import MessageBar

KIND = "board"
FORMS = "PDF, A4 (*.pdf);;HTML page (*.html)"
MAKING = "The report is being made of final figures: this takes some seconds, a minute where much is simulated."
CHANGED = "The scenario was changed while its report was being made, so it was not written; export it again."
NO_WORKER = "The worker process cannot be reached, so there is no report; the next change starts it again."

AskPath = Callable[[QWidget, str], tuple[str, str]]
"""Asks for a file: parent, suggested place -> chosen path (empty: none) and chosen filter."""


def ask_path(parent: QWidget, place: str) -> tuple[str, str]:
    """Ask with the system's own dialog."""
    return QFileDialog.getSaveFileName(parent, "Export the report", place, FORMS)


class ReportExport(QObject):
    """One export at a time; the last one asked for counts."""

    def __init__(self, document: Document, messages: MessageBar, parent: QWidget, ask: AskPath = ask_path) -> None:
        super().__init__(parent)
        self._document, self._messages, self._window, self._ask = document, messages, parent, ask
        self._path: Path | None = None
        self._scenario: Scenario | None = None
        self._number = 0
        document.answers.study_answered.connect(self._on_answer)

    def export(self) -> None:
        """Ask for a file, and have the report made for it."""
        document = self._document
        if document.answers.problem is not None:
            self._messages.show_message(f"There is no report without an answer: {document.answers.problem}")
            return
        place = (document.path or Path.home() / "report").with_suffix(".pdf")
        chosen, form = self._ask(self._window, str(place))
        if chosen:
            path = Path(chosen)
            self.export_to(path if path.suffix else path.with_name(path.name + (".html" if "html" in form else ".pdf")))

    def export_to(self, path: Path) -> None:
        """Have the report made and written to a file; what is wrong is shown."""
        # few sessions export anything, and the others start without what sets a report
        from explorer.report.board import check_form

        try:
            check_form(path)
        except ExplorerError as error:
            self._messages.show_message(str(error))
            return
        document = self._document
        self._path, self._scenario = path, document.scenario
        self._messages.show_message(MAKING, "remark")
        self._number = document.answers.ask_study(KIND, document.outcome if document.outcome.final else None)
        if not self._number:
            self._path = None
            self._messages.show_message(NO_WORKER)

    def _on_answer(self, answer: StudyAnswer) -> None:
        if answer.kind != KIND or answer.number != self._number or not answer.last or self._path is None:
            return
        path, self._path = self._path, None
        if answer.problem is not None:
            self._messages.show_message(f"There is no report: {answer.problem.message}")
        elif self._scenario is not self._document.scenario:
            self._messages.show_message(CHANGED)
        else:
            from explorer.report.board import write_report

            try:
                write_report(answer.found, path)
            except ExplorerError as error:
                self._messages.show_message(str(error))
            else:
                self._messages.show_message(f"The report is written: {path}", "remark")
