"""Win map: who is cheapest over model size and a promise, or other settings; a click goes there."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer.plots.tokens import Tokens
from explorer.plots.win_map_plot import WinMapPlot
from explorer.report.plot_menu import PlotMenu
from explorer.study.map_axes import ACROSS, AXES, UP, MapQuestion
from explorer.study.studies import StudyAnswer
from explorer.study.win_map_record import WinMap
from explorer.study.win_map_words import footing_words, place_words
from explorer.ui.document import Document
from explorer.ui.pages.page import Page

KIND = "win_map"
REST_MS = 250
"""How long the hand must rest before a map is asked for: one that is asked for gives up the one before."""


class WinMapPage(Page):
    """The map, its two axes, and what was left out of it."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page.win_map")
        self._document = document
        self._number = 0
        self._asked: tuple[object, MapQuestion] | None = None
        self.plot = WinMapPlot(self)
        PlotMenu(self.plot, document.answers.worker_failed.emit)
        self.across = self._choice("across", "Setting along the bottom of the map", ACROSS)
        self.up = self._choice("up", "Setting along the side of the map", UP)
        self.outlined = QCheckBox("Outline what cannot be had", self)
        self.outlined.setObjectName("win_map.outlined")
        self.outlined.setToolTip(
            "Dashed lines around where a compared chip would be cheapest that is only claimed or not yet to be had"
        )
        self.footing = QLabel(self)
        self.footing.setObjectName("win_map.footing")
        self.footing.setWordWrap(True)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask)
        self._lay_out()
        self.across.activated.connect(lambda _: self._on_axes())
        self.up.activated.connect(lambda _: self._on_axes())
        self.outlined.toggled.connect(self.plot.set_outlined)
        self.plot.cell_chosen.connect(self.go_to)
        document.outcome_changed.connect(self._on_changed)
        document.workload_changed.connect(self._on_changed)
        document.answers.study_answered.connect(self._on_answer)

    def _choice(self, name: str, accessible: str, keys: tuple[str, ...]) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(f"win_map.{name}")
        box.setAccessibleName(accessible)
        box.setToolTip(accessible)
        for key in keys:
            box.addItem(AXES[key].title, key)
        return box

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        self._choices: list[QWidget] = [self.outlined]
        for words, box in (("Across", self.across), ("Up", self.up)):
            label = QLabel(words, self)
            label.setBuddy(box)
            head.addWidget(label)
            head.addWidget(box)
            self._choices += [label, box]
        head.addSpacing(12)
        head.addWidget(self.outlined)
        head.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.plot, 1)
        column.addWidget(self.footing)

    @property
    def question(self) -> MapQuestion:
        """The map that the page asks for."""
        return MapQuestion(self._document.workload_index, self.across.currentData(), self.up.currentData())

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self.plot.set_tokens(tokens)
        self.footing.setStyleSheet(f"color: {tokens.secondary}")

    def go_to(self, column: int, row: int) -> None:
        """Move the scenario to a cell: one step of undo."""
        found = self.plot.found
        if found is None:
            return
        across, up = AXES[found.across], AXES[found.up]
        changes = {
            f"workloads.{found.workload}.{axis.path}": float(f"{value:.4g}")
            for axis, value in ((across, found.x[column]), (up, found.y[row]))
        }
        self._document.change_several(changes, f"place on the win map to {place_words(found, column, row)}")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_footing()

    def _fit_footing(self) -> None:
        """A text that is broken into lines asks for one only."""
        self.footing.setMinimumHeight(max(self.footing.heightForWidth(self.width()), 0))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._on_changed()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._rest.stop()
        if self._number:
            self._give_up()
            self._asked = None

    def _on_axes(self) -> None:
        # a setting cannot stand both ways
        if self.across.currentData() == self.up.currentData():
            self.up.setCurrentIndex(UP.index("tpot"))
        self._on_changed()

    def _on_changed(self, _: object = None) -> None:
        """Another scenario, workload or axis: what is under way is of no use, and is asked for anew at rest."""
        if not self.isVisible():
            return
        for choice in self._choices:
            # a closed loop states no rate to size for: there is no map, whatever is chosen here
            choice.setVisible(self._document.workload.traffic.mode == "open_loop")
        asked = self._asked
        if asked is not None and asked[0] is self._document.scenario and asked[1] == self.question:
            return
        self._give_up()
        stale = self.plot.found
        if stale is not None and (stale.across, stale.up) == (self.question.across, self.question.up):
            self.plot.show_map(stale, "of the last settings; computing …")
        else:
            self.plot.show_map(None, "Computing …")
        if self._document.is_dragging:
            self._asked = None
        self._rest.start()

    def _ask(self) -> None:
        if self._document.is_dragging:
            self._rest.start()
            return
        self._asked = (self._document.scenario, self.question)
        self._number = self._document.answers.ask_study(KIND, self.question)
        if not self._number:
            self._asked = None
            self.plot.show_map(None, "No map: the worker process cannot be reached. Change a setting to try again.")

    def _give_up(self) -> None:
        if self._number:
            self._document.answers.end_study(KIND)
            self._number = 0

    def _on_answer(self, answer: StudyAnswer) -> None:
        if answer.kind != KIND or answer.number != self._number:
            return
        if answer.last:
            self._number = 0
        if answer.problem is not None:
            self._asked = None
            self.plot.show_map(None, f"No map: {answer.problem.message}")
            # what stood below the last map is of no other
            self.footing.setText("")
            self._fit_footing()
            return
        found = answer.found
        if isinstance(found, WinMap):
            self._show(found)

    def _show(self, found: WinMap) -> None:
        workload = self._document.scenario.workloads[found.workload].name
        state = workload if found.done else f"{workload} · computing, {found.share_known:.0%} so far"
        self.plot.show_outcome(self._document.outcome, found.workload)
        self.plot.show_map(found, state)
        out = len(found.left_out)
        more = f" · {out} other chips cannot be had where you buy, or are not known well enough" if out else ""
        notes = [one.note for one in found.contestants if not one.reachable and one.note]
        self.footing.setText(" · ".join([footing_words(found) + more, *notes]))
        self._fit_footing()
        self.footing.setToolTip(
            "Left out: " + "; ".join(f"{name}: {why}" for name, why in found.left_out.items()) if out else ""
        )
