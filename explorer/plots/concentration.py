"""The concentration plot: by supply tier, how many suppliers the fleet really has and who is the largest."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.plots.concentration_bars import ConcentrationPicture, TierBar, lay_out, tier_bars
from explorer.plots.concentration_words import concentration_summary
from explorer.plots.painted_plot import PaintedPlot, Piece
from explorer.study.fleet_outcome import FleetOutcome

MORE = ""
"""Stands for the offer of the other tiers where the name of a tier would stand."""
LAST_TIER = "At least one tier has to count."
TOOL_TIP = (
    "Number: effective suppliers. Bar: shares, the largest first. Amber: hangs on an undisclosed supplier. "
    "Red with a diamond: single point of failure. Mark: largest share at the baseline. "
    "Tick: whether the tier counts; click its name, or choose it with the arrow keys and press Space."
)


class ConcentrationPlot(PaintedPlot):
    """Concentration of the fleet's suppliers, tier by tier."""

    title = "Vendor concentration"
    show_all_changed = Signal(bool)
    tier_toggled = Signal(str, bool)
    """A tier's name and whether it shall count from now on; the plot waits for the outcome that says so."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._show_all = False
        self._picture = ConcentrationPicture((), (), QRectF())
        self._laid_out_of: tuple[object, ...] = ()
        self._current = MORE
        super().__init__(parent)
        self.setObjectName("vendor-concentration")
        self.setAccessibleName("Vendor concentration of the fleet")
        self.setMinimumSize(160, 120)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setToolTip(TOOL_TIP)

    def sizeHint(self) -> QSize:
        return QSize(260, 360)

    def set_show_all(self, show_all: bool) -> None:
        """Show every tier, or only those that count."""
        if show_all != self._show_all:
            self._show_all = show_all
            self.show_all_changed.emit(show_all)
            self.refresh()

    def toggle_tier(self, tier: str) -> None:
        """Ask that `tier` counts from now on, or no longer; the last tier that counts is kept, and says why."""
        if self._outcome is None:
            return
        counting = [entry.tier for entry in self._outcome.fleet.tiers if entry.counts]
        if counting == [tier]:
            place = next((rect for name, rect in self._picture.names if name == tier), QRectF())
            QToolTip.showText(self.mapToGlobal(place.bottomLeft().toPoint()), LAST_TIER, self)
            return
        self.tier_toggled.emit(tier, tier not in counting)

    def values(self) -> tuple[TierBar, ...]:
        """The bars drawn."""
        if self._outcome is None:
            return ()
        return tier_bars(self._outcome.fleet, self._baseline_fleet(), self._show_all)

    def text_summary(self) -> str:
        """The plot in words, with its numbers."""
        if self._outcome is None:
            return "Vendor concentration: nothing evaluated yet"
        return concentration_summary(self._outcome.fleet, self._baseline_fleet())

    def pieces(self, rect: QRectF) -> tuple[Piece, ...]:
        """Heading, one piece a tier, sentences, offer of the other tiers."""
        if self._outcome is None:
            return super().pieces(rect)
        return self._laid_out(rect).pieces

    def _own_pieces(self) -> tuple[Piece, ...]:
        if self._outcome is None:
            return super()._own_pieces()
        # Most changes leave the suppliers as they were: equal figures are the same picture.
        fleet, then = self._outcome.fleet, self._baseline_fleet()
        figures = (fleet.tiers, fleet.weakest_tiers, fleet.share_basis, fleet.reason, then and then.tiers)
        shown = (figures, self._tokens.name, self._show_all, self.size())
        if shown != self._laid_out_of:
            self._picture, self._laid_out_of = self._laid_out(QRectF(self.rect())), shown
        return self._picture.pieces

    def tier_at(self, position: QPointF) -> str | None:
        """The tier whose name is under the pointer; None elsewhere."""
        return next((tier for tier, rect in self._picture.names if rect.contains(position)), None)

    def _laid_out(self, rect: QRectF) -> ConcentrationPicture:
        assert self._outcome is not None, "show_outcome comes first"
        return lay_out(rect, self._tokens, self._outcome.fleet, self._baseline_fleet(), self._show_all)

    def _baseline_fleet(self) -> FleetOutcome | None:
        return self._baseline.fleet if self._baseline is not None else None

    # What the hand does

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        place = self._current_place()
        if self.hasFocus() and not place.isEmpty():
            painter = QPainter(self)
            painter.setPen(QPen(QColor(self._tokens.accent), 1.0, Qt.PenStyle.DotLine))
            painter.drawRect(place.adjusted(0.5, 0.5, 3.0, -1.0))

    def _current_place(self) -> QRectF:
        """Where the thing stands that the keyboard acts on: a tier's name or the offer of the others."""
        names = dict(self._picture.names)
        return names.get(self._current, self._picture.more)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tier = self.tier_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and self._picture.more.contains(event.position()):
            self._choose(MORE)
            self.set_show_all(not self._show_all)
        elif event.button() == Qt.MouseButton.LeftButton and tier is not None:
            self._choose(tier)
            self.toggle_tier(tier)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._picture.more.contains(at) or self.tier_at(at) is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()
        super().mouseMoveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        places = [tier for tier, _ in self._picture.names]
        places += [] if self._picture.more.isEmpty() else [MORE]
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        here = places.index(self._current) if self._current in places else len(places) - 1
        if places and event.key() in steps:
            self._choose(places[min(max(here + steps[Qt.Key(event.key())], 0), len(places) - 1)])
        elif places and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if places[here] == MORE:
                self.set_show_all(not self._show_all)
            else:
                self.toggle_tier(places[here])
        else:
            super().keyPressEvent(event)

    def _choose(self, place: str) -> None:
        self._current = place
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
