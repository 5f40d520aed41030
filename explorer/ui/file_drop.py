"""Scenario files dropped on the window are opened, wherever on it they land."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QGraphicsView, QLineEdit, QWidget

SUFFIX = ".toml"


class FileDrop(QObject):
    """Watches one window for files dragged over it; `opened` is called with the path of one that is dropped."""

    def __init__(self, window: QWidget, opened: Callable[[Path], object]) -> None:
        super().__init__(window)
        self._opened = opened
        window.setAcceptDrops(True)
        window.installEventFilter(self)
        # They would take the drag for themselves: plots for nothing, boxes to paste the path as a text.
        for view in window.findChildren(QGraphicsView):
            view.setAcceptDrops(False)
            view.viewport().setAcceptDrops(False)
        for box in window.findChildren(QLineEdit):
            box.setAcceptDrops(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept one scenario file; say nothing to anything else."""
        if isinstance(event, QDropEvent) and dropped_file(event.mimeData()) is not None:
            event.acceptProposedAction()
            path = dropped_file(event.mimeData())
            if event.type() == QEvent.Type.Drop and not isinstance(event, QDragMoveEvent) and path is not None:
                self._opened(path)
            return True
        return super().eventFilter(watched, event)


def dropped_file(data: QMimeData) -> Path | None:
    """The scenario file that is carried; None when it is something else or several."""
    urls = data.urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.suffix.lower() == SUFFIX else None
