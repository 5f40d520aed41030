"""The program's own icons, drawn in the colours of the theme in force."""

from __future__ import annotations

from functools import cache
from typing import Literal

from PySide6.QtCore import QByteArray, QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from explorer.catalog.location import resource_root
from explorer.errors import ExplorerError
from explorer.plots.tokens import Tokens
from explorer.ui import theme

SIZE = 16


def icon(name: str, tokens: Tokens | None = None) -> QIcon:
    """An icon in a theme's colours (the one in force by default); raises ExplorerError for one that is not shipped."""
    t = tokens or theme.tokens()
    made = QIcon()
    ratio = _ratio()
    for mode, ink in (
        (QIcon.Mode.Normal, t.secondary),
        (QIcon.Mode.Active, t.text),
        (QIcon.Mode.Selected, t.text),
        (QIcon.Mode.Disabled, t.faint),
    ):
        made.addPixmap(_pixmap(name, ink, SIZE, ratio), mode)
    return made


def icon_label(name: str, parent: QWidget, ink: Literal["amber", "secondary"] = "secondary") -> QLabel:
    """A label that shows an icon in a token's colour and follows the theme; it says nothing to a screen reader."""
    return _IconLabel(name, parent, ink)


class _IconLabel(QLabel):
    def __init__(self, name: str, parent: QWidget, ink: Literal["amber", "secondary"]) -> None:
        super().__init__(parent)
        self._name, self._ink = name, ink
        self.setFixedSize(QSize(SIZE, SIZE))
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Another theme, another ink."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw()

    def _draw(self) -> None:
        self.setPixmap(_pixmap(self._name, getattr(theme.tokens(), self._ink), SIZE, _ratio()))


def _ratio() -> float:
    application = QApplication.instance()
    return application.devicePixelRatio() if isinstance(application, QApplication) else 1.0


@cache
def _pixmap(name: str, ink: str, size: int, ratio: float) -> QPixmap:
    # Imported late: nothing needs an icon before the first frame.
    from PySide6.QtSvg import QSvgRenderer

    path = resource_root() / "icons" / f"{name}.svg"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ExplorerError(f"{path}: the icon cannot be read; install the program again") from error
    renderer = QSvgRenderer(QByteArray(text.replace("currentColor", ink).encode()))
    pixmap = QPixmap(QSize(size, size) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
