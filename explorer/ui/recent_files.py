"""The scenario files opened last, newest first, kept in the user's state folder."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QFileInfo

from explorer.scenario.saving import write_whole
from explorer.ui.log import log

FILE = "recent.json"
MOST = 10


class RecentFiles:
    """A list of paths; what cannot be read or kept is logged and never stands in the way."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._paths = self._read()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are still there, newest first."""
        # asked of Qt: pathlib raises where a folder may not be looked into
        return tuple(path for path in self._paths if QFileInfo(str(path)).isFile())

    def add(self, path: Path) -> None:
        """Put a file first."""
        place = path.absolute()
        kept = [place, *(one for one in self._paths if one != place)][:MOST]
        if kept != self._paths:
            self._paths = kept
            self._write()

    def clear(self) -> None:
        """Forget all."""
        self._paths = []
        self._write()

    def _read(self) -> list[Path]:
        try:
            stated = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s is not read, the list of recent files begins anew: %s", self._file, error)
            return []
        if not isinstance(stated, list) or not all(isinstance(one, str) for one in stated):
            log.warning("%s is not read: it is not a list of paths", self._file)
            return []
        return [Path(one) for one in stated if "\0" not in one][:MOST]

    def _write(self) -> None:
        content = json.dumps([str(path) for path in self._paths], indent=1, ensure_ascii=True)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, content.encode("utf-8"))
        except OSError as error:
            log.warning("recent files are not remembered: %s", error)
