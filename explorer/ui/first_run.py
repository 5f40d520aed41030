"""The tour's four stops in this window, and when it is shown by itself: the first time plots and sliders are seen."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from explorer.ui.main_window import MainWindow
from explorer.ui.remembered_layout import RememberedLayout
from explorer.ui.tour import Stop, Tour

SETTLE_MS = 400
"""The first picture comes first; the tour speaks about it."""


def start_tour(window: MainWindow, layout: RememberedLayout) -> Tour:
    """Begin the tour; it is not shown by itself again."""
    window.show_desk()
    for running in window.findChildren(Tour):
        running.end()
    tour = Tour(stops(window), window)
    layout.has_toured()
    tour.go(0)
    return tour


def tour_on_first_sight(window: MainWindow, layout: RememberedLayout) -> None:
    """Show the tour once, when the start page was left for the first time or there was none."""
    if layout.settings.toured:
        return

    def begin() -> None:
        if window.isVisible() and not layout.settings.toured and window.stack.currentWidget() is window.desk:
            start_tour(window, layout)

    timer = QTimer(window, singleShot=True, interval=SETTLE_MS)
    timer.timeout.connect(begin)
    window.stack.currentChanged.connect(lambda _: timer.start())
    timer.start()


def stops(window: MainWindow) -> tuple[Stop, ...]:
    """What a newcomer needs to know, in the order of looking."""
    return (
        Stop(
            (window.verdict,),
            "The answer comes first",
            "What was asked, and the verdict on the selected chip: does it fit, what do users feel, what does it "
            "cost, on whom does it depend, and how sure all this is. Amber is doubt, red a broken promise.",
        ),
        Stop(
            (window.panel,),
            "Move anything",
            "Drag a slider, or type the value beside it: 70B, 32k, 2.4 TB/s. Everything answers at once, "
            "and Ctrl+Z takes it back.",
        ),
        Stop(
            tuple(_card(plot) for plot in (window.tail, window.memory, window.concentration)),
            "Three pictures of one scenario",
            "How latency climbs with the load, how full the memory is, and who supplies what you would run on. "
            "A colour is one chip everywhere; a wash is how far off the answer may be.",
        ),
        Stop(
            (_card(window.compare),),
            "Then compare and keep",
            "Ctrl+B pins this moment as the baseline; from then on every figure shows its change. Ctrl+K does or "
            "sets anything by name, and Ctrl+S keeps it as a file to send.",
        ),
    )


def _card(shown: QWidget) -> QWidget:
    """The panel that a plot or a page stands on."""
    return shown.parentWidget() or shown
