"""Notices when the open file is changed or removed on disk by something else."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFileInfo, QFileSystemWatcher, QObject, QTimer, Signal

from explorer.scenario.file import MAX_BYTES
from explorer.ui.document import Document

SETTLE_MS = 150
"""Editors save in several steps; the last of them counts."""


class FileWatch(QObject):
    """Compares the file with what was opened or saved last, whenever the disk tells of a change."""

    changed_on_disk = Signal(object)
    removed_from_disk = Signal(object)
    agrees_again = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._watcher = QFileSystemWatcher(self)
        self._told: bytes | str | None = "nothing"
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._timer.timeout.connect(self.look)
        self._watcher.fileChanged.connect(self._on_touched)
        self._watcher.directoryChanged.connect(self._on_touched)
        document.path_changed.connect(self._on_path_changed)
        self._follow()

    def look(self) -> None:
        """Compare now."""
        path, original = self._document.path, self._document.original
        if path is None or original is None:
            return
        self._follow()
        found = _content(path)
        if found is not None and _same_text(found, original.text_document):
            if self._told != "nothing":
                self._told = "nothing"
                self.agrees_again.emit()
            return
        if found == self._told:
            return
        self._told = found
        if found is None:
            self.removed_from_disk.emit(path)
        else:
            self.changed_on_disk.emit(path)

    def close(self) -> None:
        """Watch no longer."""
        self._timer.stop()
        self._document.path_changed.disconnect(self._on_path_changed)
        self._unfollow()

    def _on_touched(self, _: str) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_path_changed(self) -> None:
        self._told = "nothing"
        self._unfollow()
        self._follow()
        self.agrees_again.emit()

    def _unfollow(self) -> None:
        watched = [*self._watcher.files(), *self._watcher.directories()]
        if watched:
            self._watcher.removePaths(watched)

    def _follow(self) -> None:
        """Watch the file, and its folder as well: a file that is replaced is no longer the one watched."""
        path = self._document.path
        if path is None:
            return
        wanted = [str(path.absolute().parent), *([str(path.absolute())] if QFileInfo.exists(str(path)) else [])]
        missing = [one for one in wanted if one not in (*self._watcher.files(), *self._watcher.directories())]
        if missing:
            self._watcher.addPaths(missing)


def _content(path: Path) -> bytes | None:
    """The file's content up to more than a scenario may have; None when it is gone or cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError:
        return None


def _same_text(content: bytes, text: str) -> bool:
    try:
        return content.decode("utf-8-sig") == text
    except UnicodeDecodeError:
        return False
