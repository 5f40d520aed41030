"""Where the program keeps what is the user's own on this machine: settings, and what must outlive a crash."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QStandardPaths

FOLDER = "inference-explorer"


def config_folder() -> Path:
    """The folder of the settings; it need not exist yet."""
    return _folder(QStandardPaths.StandardLocation.GenericConfigLocation)


def state_folder() -> Path:
    """The folder of journals, recent files and the log; it need not exist yet."""
    return _folder(QStandardPaths.StandardLocation.GenericStateLocation)


def _folder(place: QStandardPaths.StandardLocation) -> Path:
    found = QStandardPaths.writableLocation(place)
    return (Path(found) if found else Path.home() / ".local" / "state") / FOLDER
