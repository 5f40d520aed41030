"""The document's file in the user's hands: opened, saved, and left only with an answer about unsaved changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QFileInfo, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from explorer.catalog.location import scenario_root
from explorer.errors import ExplorerError
from explorer.ui.document import Document
from explorer.ui.message_bar import MessageBar

SUFFIX = ".toml"
FILTER = "Scenarios (*.toml);;All files (*)"
Answer = QMessageBox.StandardButton


class ScenarioFiles(QObject):
    """Opens and saves the document's file, and asks what has to be asked; what is wrong is shown in the messages."""

    opened = Signal()
    """A file has replaced the document."""
    begun_anew = Signal()
    """A scenario without a file has."""

    def __init__(self, document: Document, messages: MessageBar, window: QWidget) -> None:
        super().__init__(window)
        self._document, self._messages, self._window = document, messages, window
        self.may_replace: Callable[[], bool] = lambda: True
        """Whether the document's own file is still as it was opened or saved last, or need not be."""

    @property
    def name(self) -> str:
        """How the document is called: by its file, or by its title where it has none."""
        return self._document.path.name if self._document.path else self._document.scenario.title

    def open_file(self, path: Path) -> bool:
        """Open a file; on errors everything stays as it was and the errors are shown."""
        try:
            warnings = self._document.open(path)
        except ExplorerError as error:
            self._messages.show_message(str(error))
            return False
        self._messages.clear()
        told = (*warnings, *self._document.outcome.warnings)
        if told:
            self._messages.show_message("\n".join(told), "remark")
        self.opened.emit()
        return True

    def open_after_guard(self, path: Path) -> bool:
        """Open a file unless unsaved changes hold it back."""
        return self.guard() and self.open_file(path)

    def on_new(self) -> None:
        """Go on with the present scenario as a new one that has no file yet."""
        if self.guard():
            scenario = self._document.scenario.model_copy(update={"title": "Untitled", "question": ""})
            self._document.start_anew(scenario)
            self.begun_anew.emit()

    def on_open(self) -> None:
        """Choose a file and open it."""
        if not self.guard():
            return
        start = str(self._document.path.parent if self._document.path else scenario_root())
        chosen, _ = QFileDialog.getOpenFileName(self._window, "Open a scenario", start, FILTER)
        if chosen:
            self.open_file(Path(chosen))

    def guard(self) -> bool:
        """True when the document may be left: nothing unsaved, saved now, or given up."""
        if not self._document.is_dirty:
            return True
        answer = self.ask_about_changes()
        if answer == Answer.Save:
            return self.on_save()
        return answer == Answer.Discard

    def ask_about_changes(self) -> QMessageBox.StandardButton:
        """Ask what becomes of unsaved changes."""
        box = QMessageBox(self._window)
        box.setObjectName("unsaved")
        box.setWindowTitle("Unsaved changes")
        box.setText(f"{self.name} has unsaved changes.")
        last = self._document.undo_stack.undoText()
        box.setInformativeText(f"Last: {last}." if last else "")
        box.setStandardButtons(Answer.Save | Answer.Discard | Answer.Cancel)
        box.setDefaultButton(Answer.Save)
        return Answer(box.exec())

    def on_save(self) -> bool:
        """Save to the document's file, or ask for one; False when nothing was written."""
        return self.on_save_as() if self._document.path is None else self.save_to(self._document.path)

    def on_save_as(self) -> bool:
        """Choose a file and save; False when nothing was written."""
        start = str(self._document.path or Path.home() / f"scenario{SUFFIX}")
        chosen, _ = QFileDialog.getSaveFileName(self._window, "Save the scenario", start, FILTER)
        if not chosen:
            return False
        path = Path(chosen)
        if path.suffix.lower() != SUFFIX:
            # "plan v1.2" has no suffix of ours; and the file that its name leads to was not asked about
            path = path.with_name(path.name + SUFFIX)
            if QFileInfo.exists(str(path)) and not self.ask_to_replace(path):
                return False
        return self.save_to(path)

    def ask_to_replace(self, path: Path) -> bool:
        """Ask whether a file that is there already may be replaced."""
        answer = QMessageBox.question(
            self._window,
            "Replace the file",
            f"{path.name} is there already. Replace it?",
            Answer.Yes | Answer.No,
            Answer.No,
        )
        return Answer(answer) == Answer.Yes

    def save_to(self, path: Path) -> bool:
        """Save to a file; on errors they are shown and False is returned."""
        if path == self._document.path and not self.may_replace():
            self._messages.show_message(
                f"{path.name} is not saved: answer first what is to become of the other changes"
            )
            return False
        try:
            self._document.save_as(path)
        except ExplorerError as error:
            self._messages.show_message(str(error))
            return False
        self._messages.clear()
        return True
