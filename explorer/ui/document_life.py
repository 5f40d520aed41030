"""The life of a document around the window: journal and recovery, recent files, changes on disk, dropped files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject

from explorer.errors import ExplorerError
from explorer.ui.example_questions import shipped_examples
from explorer.ui.file_drop import FileDrop
from explorer.ui.file_watch import FileWatch
from explorer.ui.journal import Draft, Journal, LeftBehind, left_behind, read_draft
from explorer.ui.log import log
from explorer.ui.main_window import MainWindow
from explorer.ui.question_bar import Reply
from explorer.ui.recent_files import RecentFiles

RECOVERY, ON_DISK = "recovery", "on disk"


class DocumentLife(QObject):
    """Ties one window to the user's state folder, from its first frame to its end."""

    def __init__(self, window: MainWindow, folder: Path, recent: RecentFiles | None = None) -> None:
        super().__init__(window)
        self._window, self._document, self._folder = window, window.document, folder
        self.recent = recent or RecentFiles(folder)
        self.journal = Journal(window.document, folder, self)
        self.journal.failed.connect(lambda text: window.messages.show_message(text))
        self.watch = FileWatch(window.document, self)
        self.drop = FileDrop(window, self._on_dropped)
        window.files.may_replace = self.may_replace
        self._found: list[LeftBehind] = []
        self._is_changed = False
        """What is on the disk is another program's, not merely gone."""
        self._examples = shipped_examples()
        self.watch.changed_on_disk.connect(self._on_changed_on_disk)
        self.watch.removed_from_disk.connect(self._on_removed)
        self.watch.agrees_again.connect(lambda: window.questions.withdraw(ON_DISK))
        self._document.path_changed.connect(self._on_path)
        self._on_path()

    def offer_recovery(self) -> None:
        """Ask about each work that a crash left behind."""
        unread: list[str] = []
        self._found = left_behind(self._folder, self._document.catalog, unread.append)
        if unread:
            self._window.messages.show_message("\n".join(unread))
        self._ask_next()

    def may_replace(self) -> bool:
        """Whether a save may replace the document's file as it is on disk now; where it may not, that is asked."""
        self.watch.look()
        return not (self._is_changed and self._window.questions.is_open(ON_DISK))

    def take_over(self, journal: Path) -> bool:
        """Go on with the work that the program before this one handed over; False when it cannot be read."""
        try:
            self._resume(read_draft(journal, self._document.catalog))
        except (ExplorerError, OSError) as error:
            log.warning("the work handed over cannot be read: %s", error)
            return False
        self.journal.write()
        journal.unlink(missing_ok=True)
        return True

    def end(self) -> None:
        """The window was closed with everything saved or given up."""
        for one in self._found:
            one.release()
        self.watch.close()
        self.journal.close()

    def hand_over(self) -> Path | None:
        """Leave unsaved work to the program that follows; returns its journal, None with nothing unsaved."""
        for one in self._found:
            one.release()
        self.watch.close()
        return self.journal.hand_over()

    def _ask_next(self) -> None:
        if not self._found:
            return
        one = self._found[0]
        self._window.questions.ask(
            RECOVERY,
            f"The program ended without saving {_called(one.draft)}; its changes up to {_when(one.draft)} are kept.",
            (
                Reply("Restore", "Open the work as it was; nothing is saved until you save it", self._restore),
                Reply("Discard", "Give these changes up for good", self._discard),
            ),
        )

    def _restore(self) -> None:
        one = self._found[0]
        if not self._window.files.guard():
            self._ask_next()
            return
        try:
            self._resume(one.draft)
        except ExplorerError as error:
            # The journal stays: a later start, or another edition, may still open it.
            one.release()
            self._window.messages.show_message(f"{_called(one.draft)} cannot be restored: {error}")
        else:
            # First the new journal, then away with the old one: at no moment is there none.
            self.journal.write()
            one.discard()
        self._found.pop(0)
        self._ask_next()

    def _resume(self, draft: Draft) -> None:
        self._document.resume(draft.scenario, draft.original())
        self._window.show_desk()
        self.watch.look()

    def _discard(self) -> None:
        self._found.pop(0).discard()
        self._ask_next()

    def _on_path(self) -> None:
        path = self._document.path
        # The shipped examples stand on the start page anyway, as the questions they ask.
        if path is not None and path.absolute().parent != self._examples:
            self.recent.add(path)

    def _on_dropped(self, path: Path) -> None:
        self._window.files.open_after_guard(path)

    def _on_changed_on_disk(self, path: Path) -> None:
        self._is_changed = True
        lost = " Reloading gives up your unsaved changes." if self._document.is_dirty else ""
        self._window.questions.ask(
            ON_DISK,
            f"{path.name} was changed by another program.{lost}",
            (
                Reply("Reload", "Open the file as it is on disk now", lambda: self._reload(path)),
                Reply("Keep mine", "Go on with what is shown; saving replaces the file", self._keep),
            ),
        )

    def _on_removed(self, path: Path) -> None:
        self._is_changed = False
        self._window.questions.ask(
            ON_DISK,
            f"{path.name} is no longer on disk. What is shown is unharmed; saving writes the file again.",
            (
                Reply("Save again", "Write the file again", self._window.files.on_save),
                Reply("Keep mine", "Go on without the file for now", self._keep),
            ),
        )

    def _reload(self, path: Path) -> None:
        self._window.files.open_file(path)

    def _keep(self) -> None:
        self._document.undo_stack.resetClean()


def _called(draft: Draft) -> str:
    return draft.path.name if draft.path is not None else f"“{draft.scenario.title}”"


def _when(draft: Draft) -> str:
    try:
        return f"{datetime.fromisoformat(draft.written_at).astimezone():%H:%M:%S on %d %B %Y}"
    except (ValueError, OverflowError):
        return draft.written_at
