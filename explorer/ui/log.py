"""The log file: what went wrong and when, in a few files of limited size, to be shown and sent on request."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

NAME = "explorer"
FILE = "explorer.log"
MAX_BYTES = 256_000
KEPT = 3
SHOWN_BYTES = 60_000
LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}

log = logging.getLogger(NAME)


class LogFile:
    """Everything logged goes to a file in `folder`, Qt's own messages included, until `close`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._handler: logging.Handler | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._handler = RotatingFileHandler(
                self.path, maxBytes=MAX_BYTES, backupCount=KEPT, encoding="utf-8", delay=True
            )
        except OSError as error:
            # A program that cannot write its log still works; it says so where it would have logged.
            log.warning("no log file in %s: %s", folder, error)
            return
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(self._handler)
        log.setLevel(logging.INFO)
        qInstallMessageHandler(_from_qt)

    def tail(self) -> str:
        """The last part of the log; empty when nothing was logged yet or it cannot be read."""
        try:
            with self.path.open("rb") as file:
                file.seek(0, 2)
                start = max(0, file.tell() - SHOWN_BYTES)
                file.seek(start)
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return ""
        return text if start == 0 else text.partition("\n")[2]

    def close(self) -> None:
        """Log to this file no longer."""
        if self._handler is not None:
            qInstallMessageHandler(None)
            log.removeHandler(self._handler)
            self._handler.close()
            self._handler = None


def _from_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    log.log(LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
