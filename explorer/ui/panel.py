"""The left panel: model, serving and chips always in view; the other groups fold and scroll below."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.document import Document
from explorer.ui.groups.chips_group import ChipsGroup
from explorer.ui.groups.fleet_group import FleetGroup
from explorer.ui.groups.group import FoldedGroup, Group
from explorer.ui.groups.model_group import ModelGroup
from explorer.ui.groups.open_figures_group import OpenFiguresGroup
from explorer.ui.groups.price_group import PriceGroup
from explorer.ui.groups.promises_group import PromisesGroup
from explorer.ui.groups.scheduler_group import SchedulerGroup
from explorer.ui.groups.serving_group import ServingGroup
from explorer.ui.groups.traffic_group import TrafficGroup, TrafficShapeGroup
from explorer.ui.pace import Pace

WIDTH = 308
SETTLED = 5
"""Rounds of events after which layouts within layouts have all been laid out."""
VALUES_MS, ANSWERS_MS = 150, 210
"""Between two looks of the groups at values and at answers while a hand moves; not together, for the frame's sake."""
ROOMY = 700
"""Height from which the ticks of the sliders are labelled; logical pixels."""


class Panel(QFrame):
    """All controls of the workload that is edited."""

    refused = Signal(str)
    accepted = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAccessibleName("Controls")
        self.setFixedWidth(WIDTH)
        self._document = document
        self.model, self.serving, self.chips = (
            ModelGroup(document, self),
            ServingGroup(document, self),
            ChipsGroup(document, self),
        )
        self.traffic, self.open_figures = TrafficGroup(document), OpenFiguresGroup(document)
        self.traffic_shape = TrafficShapeGroup(document)
        self.promises, self.price = PromisesGroup(document), PriceGroup(document)
        self.fleet, self.scheduler = FleetGroup(document), SchedulerGroup(document)
        self.folded: tuple[FoldedGroup, ...] = (
            self.traffic,
            self.open_figures,
            self.promises,
            self.traffic_shape,
            self.price,
            self.fleet,
            self.scheduler,
        )
        self._groups: tuple[Group, ...] = (self.serving, self.model, self.chips, *self.folded)
        inside = QWidget()
        below = QVBoxLayout(inside)
        below.setContentsMargins(14, 0, 4, 8)
        below.setSpacing(0)
        for folding in self.folded:
            below.addWidget(folding)
        self.folded[0].frame.has_rule = False
        below.addStretch(1)
        self.scroller = QScrollArea(self)
        self.scroller.setObjectName("groups")
        self.scroller.setWidgetResizable(True)
        self.scroller.setFrameShape(QFrame.Shape.NoFrame)
        self.scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroller.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroller.setWidget(inside)
        fixed = QVBoxLayout()
        fixed.setContentsMargins(14, 8, 14, 4)
        fixed.setSpacing(4)
        for standing in (self.model, self.serving, self.chips):
            fixed.addWidget(standing)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addLayout(fixed)
        column.addWidget(_hairline(self))
        column.addWidget(self.scroller, 1)
        self._seek: ParameterSlider | None = None
        self._rounds = 0
        self._sought = QTimer(self, singleShot=True, interval=10)
        self._sought.timeout.connect(self._on_sought)
        for group in self._groups:
            group.refused.connect(self.refused)
            group.accepted.connect(self.accepted)
        # The slider in the hand shows its own value; what follows from it waits for the plots.
        self._values = Pace(document, self._refresh, VALUES_MS, self)
        self._answers = Pace(document, self._show_outcome, ANSWERS_MS, self)
        document.scenario_changed.connect(self._values.ask)
        document.baseline_changed.connect(self._refresh)
        document.workload_changed.connect(self._on_workload_changed)
        document.outcome_changed.connect(self._answers.ask)
        self._show_outcome()
        self._refresh()

    def unfold(self, *names: str) -> None:
        """Open the groups with these names: traffic, open_figures, promises, price, fleet, scheduler."""
        for group in self.folded:
            if group.frame.objectName() in names:
                group.frame.set_open(True)

    def show_figure(self, figure: str) -> None:
        """Bring the slider of an open figure of the selected chip into view and give it the focus, if it has one."""
        self.unfold(self.open_figures.frame.objectName())
        # a group that was folded lays out its sliders only now
        self.open_figures.show_outcome(self._document.outcome)
        slider = self.findChild(ParameterSlider, f"open.{figure}")
        if isinstance(slider, ParameterSlider):
            slider.setFocus(Qt.FocusReason.OtherFocusReason)
            # sliders made just now have their place only after the layout has had its turn
            self._seek, self._rounds = slider, SETTLED
            self._sought.start()

    def _on_sought(self) -> None:
        self._rounds -= 1
        if self._seek is not None and self._seek.isVisible() and self._seek.hasFocus():
            self.scroller.ensureWidgetVisible(self._seek, 0, 48)
            if self._rounds > 0:
                self._sought.start()
                return
        self._seek = None

    def is_locked(self, name: str) -> bool:
        """True when the slider with this object name is locked."""
        slider = self.findChild(ParameterSlider, name)
        return isinstance(slider, ParameterSlider) and slider.locked

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Label the ticks where there is room."""
        super().resizeEvent(event)
        for slider in (self.model.size_slider, self.serving.batch, self.serving.degree):
            slider.set_labelled(self.height() >= ROOMY)

    def _refresh(self) -> None:
        for group in self._groups:
            group.refresh()

    def _on_workload_changed(self) -> None:
        self._show_outcome()
        self._refresh()

    def _show_outcome(self) -> None:
        for group in self._groups:
            group.show_outcome(self._document.outcome)


def _hairline(parent: QWidget) -> QFrame:
    """What scrolls ends here."""
    line = QFrame(parent)
    line.setObjectName("hairline")
    line.setFixedHeight(1)
    return line
