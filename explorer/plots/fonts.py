"""The shipped font and the type sizes: the same letters and tabular figures on every machine."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF, QGuiApplication

from explorer.catalog.location import resource_root
from explorer.errors import ExplorerError

BODY = 13.0
NOTE = 11.5
QUESTION = 15.5
VERDICT = 21.0
"""Type sizes in logical pixels; Qt draws whole pixels, so a half is rounded up."""

FILES = ("Inter-Regular.ttf", "Inter-SemiBold.ttf", "Inter-Italic.ttf")
_KEPT = "explorer_font_family"


def load_fonts() -> str:
    """Make Inter known to Qt, once for each application object, and return its family name.

    Raises ExplorerError when a font file is missing or cannot be read: without it no picture would look the
    same on two machines.
    """
    application = QGuiApplication.instance()
    if application is None:
        raise ExplorerError("fonts need a running Qt application; create QApplication first")
    # kept by the object in Python: to ask Qt for a property takes ten times as long, and every text asks
    known = getattr(application, _KEPT, None)
    if isinstance(known, str):
        return known
    family = ""
    for name in FILES:
        path = resource_root() / "fonts" / name
        identity = QFontDatabase.addApplicationFont(str(path))
        if identity < 0:
            raise ExplorerError(f"{path}: the font cannot be read; install the program again")
        if not family:
            family = QFontDatabase.applicationFontFamilies(identity)[0]
    setattr(application, _KEPT, family)
    _font.cache_clear()
    metrics.cache_clear()
    return family


@cache
def _font(family: str, pixels: float, semibold: bool, italic: bool) -> QFont:
    made = QFont(family)
    # Pixels, not points: points change with the device, and a report is painted with the same code.
    made.setPixelSize(max(1, int(pixels + 0.5)))
    made.setWeight(QFont.Weight.DemiBold if semibold else QFont.Weight.Normal)
    made.setItalic(italic)
    made.setFeature(QFont.Tag("tnum"), 1)
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return made


def font(pixels: float = BODY, *, semibold: bool = False, italic: bool = False) -> QFont:
    """Inter at `pixels` logical pixels with tabular figures; shared, so take a copy before changing it."""
    return _font(load_fonts(), pixels, semibold, italic)


@cache
def metrics(pixels: float = BODY, semibold: bool = False) -> QFontMetricsF:
    """Metrics of `font(pixels)`: kept, because asking Qt for them in every frame costs more than the text."""
    return QFontMetricsF(font(pixels, semibold=semibold))
