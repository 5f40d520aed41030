"""The menu of a plot, by right click or from a menu bar: copy its picture, save its picture or its values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu

from explorer.errors import ExplorerError
from explorer.report.export import Plot, plot_csv, plot_png, plot_svg, save_png

PICTURES = "PNG picture (*.png);;SVG drawing (*.svg)"
VALUES = "Comma-separated values (*.csv)"

AskPath = Callable[[Plot, str, str, str], tuple[str, str]]
"""Asks for a file: plot, title, suggested name, filter -> chosen path (empty: none) and chosen filter."""


def ask_path(plot: Plot, title: str, name: str, filters: str) -> tuple[str, str]:
    """Ask with the system's own dialog."""
    return QFileDialog.getSaveFileName(plot, title, name, filters)


class PlotMenu(QObject):
    """Gives `plot` its context menu; `menu` can stand in a menu bar as well. `tell` shows what went wrong."""

    def __init__(self, plot: Plot, tell: Callable[[str], object], ask: AskPath = ask_path) -> None:
        super().__init__(plot)
        self._plot, self._tell, self._ask = plot, tell, ask
        self.menu = QMenu(plot.title, plot)
        self.menu.setObjectName(f"{plot.objectName()}.menu")
        self.copy = self.menu.addAction("Copy picture", self.copy_picture)
        self.picture = self.menu.addAction("Save picture…", self.save_picture)
        self.values = self.menu.addAction("Save values…", self.save_values)
        self.menu.aboutToShow.connect(self._enable)
        plot.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        plot.customContextMenuRequested.connect(self._on_asked_for)

    def copy_picture(self) -> None:
        """Put the picture on the clipboard, two dots to a pixel."""
        try:
            QGuiApplication.clipboard().setImage(plot_png(self._plot))
        except ExplorerError as error:
            self._tell(str(error))

    def save_picture(self) -> None:
        """Ask for a file and save the picture: SVG by that ending or filter, PNG otherwise."""
        chosen, kind = self._ask(self._plot, "Save the picture", f"{self._plot.objectName()}.png", PICTURES)
        if not chosen:
            return
        path = Path(chosen)
        if not path.suffix:
            path = path.with_name(path.name + (".svg" if "*.svg" in kind else ".png"))
        self._do(plot_svg if path.suffix.lower() == ".svg" else save_png, path)

    def save_values(self) -> None:
        """Ask for a file and save the values."""
        chosen, _ = self._ask(self._plot, "Save the values", f"{self._plot.objectName()}.csv", VALUES)
        if chosen:
            path = Path(chosen)
            self._do(plot_csv, path if path.suffix else path.with_name(f"{path.name}.csv"))

    def _do(self, save: Callable[[Plot, Path], None], path: Path) -> None:
        try:
            save(self._plot, path)
        except ExplorerError as error:
            self._tell(str(error))

    def _enable(self) -> None:
        self.values.setEnabled(self._plot.showing() is not None)

    def _on_asked_for(self, position: QPoint) -> None:
        self.menu.popup(self._plot.mapToGlobal(position))
