"""Evidence: what stands behind the figures of each compared chip, and how far the engine is off where it is known."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QTabBar, QVBoxLayout, QWidget

from explorer.plots.evidence_plot import EvidencePlot
from explorer.plots.tokens import Tokens
from explorer.scenario.quantities import QUANTITIES
from explorer.study.evidence.of_chip import KIND_TITLES, ChipEvidence, Kind, MeasuredPoint
from explorer.study.figure_sources import FigureSource
from explorer.ui.document import Document
from explorer.ui.pages.evidence_feed import EvidenceFeed
from explorer.ui.pages.money_page import TextTable
from explorer.ui.pages.own_benchmarks import OwnBenchmarks
from explorer.ui.pages.page import Page

SHARE = QUANTITIES["share"]
SCORE_HEADINGS = (
    ("Kind", "Kind of figure; the engine is held against its public measurements"),
    ("Measured", "Public measurements of this chip that the engine can be held against"),
    ("Sources", "Independent ones: submitter or source, system and model"),
    ("Half within", "Half of the measurements lie this close to the engine's figure"),
    ("9 in 10", "Nine in ten lie this close"),
    ("In band", "Share inside the stated 90 % band"),
    ("A guess", "Half within, had one guessed the chip's own middle value instead"),
)
FIGURE_HEADINGS = (
    ("Figure", "What is known of the chip"),
    ("Used", "The value the answer was computed with"),
    ("Could be", "Range or readings, where the figure is open"),
    ("Status", "How sure the figure is"),
    ("Source", "Where it comes from"),
    ("Why", "Why this value and this range"),
    ("As of", "When it was looked up"),
)


def score_rows(found: ChipEvidence) -> list[list[str]]:
    """The scores of a chip, a row a kind of figure."""
    return [
        [
            KIND_TITLES[one.kind],
            f"{one.rows}",
            f"{one.sources}",
            SHARE.format(one.median_error),
            SHARE.format(one.p90_error),
            SHARE.format(one.coverage),
            SHARE.format(one.null_error),
        ]
        for one in found.scores
    ]


def figure_rows(figures: tuple[FigureSource, ...]) -> list[list[str]]:
    """The figures of a chip, a row each."""
    return [
        [
            one.title if one.counts else f"{one.title} (enters no result)",
            one.value,
            one.spread,
            one.status,
            one.source,
            one.reason,
            one.as_of,
        ]
        for one in figures
    ]


WORDS_HEIGHT = 92
"""Pixels for a heading and what there is to say where nothing was measured."""
MOST = 16_777_215
"""Qt's own largest height of a widget: no bound."""


def standing_words(name: str, found: ChipEvidence | None) -> str:
    """What stands behind a chip, in one line."""
    if found is None:
        return "The measurements are being looked up …"
    band = f"a step is stated to within ×/÷ {found.step_factor:.2f} before its open figures are counted"
    aside = f" · {found.set_aside} more left out by stated rules" if found.set_aside else ""
    measured = f"{len(found.points)} public measurements{aside}" if found.points else "no public measurement"
    return f"{name}: {found.grade} – {found.grade_words} · {measured} · {band}"


class EvidencePage(Page):
    """A chip at a time: measurements against predictions, and where every figure comes from."""

    def __init__(self, document: Document, feed: EvidenceFeed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page.evidence")
        self._document, self._feed = document, feed
        self.plot = EvidencePlot(self)
        self.chips = QTabBar(self)
        self.chips.setObjectName("evidence.chips")
        self.chips.setAccessibleName("Chip whose evidence is shown")
        self.chips.setDrawBase(False)
        self.chips.setExpanding(False)
        self.kind = QComboBox(self)
        self.kind.setObjectName("evidence.kind")
        self.kind.setAccessibleName("Kind of figure that was measured")
        for kind, title in KIND_TITLES.items():
            self.kind.addItem(title, kind)
        self.standing, self.notice = self._line("standing"), self._line("notice")
        self.own = OwnBenchmarks(document, self)
        self.own.refused.connect(self.told)
        self.scores = TextTable("evidence.scores", "The engine against measurements", parent=self)
        self.figures = TextTable("evidence.figures", "Where the figures come from", 99, self)
        self._bare, self._plot_height = False, self.plot.minimumHeight()
        self._lay_out()
        self._ids: tuple[str, ...] = ()
        self.chips.currentChanged.connect(lambda _: self.show_chip())
        self.kind.activated.connect(lambda _: self.show_chip())
        document.outcome_changed.connect(lambda _: self._on_changed())
        document.workload_changed.connect(lambda _: self._on_changed())
        feed.changed.connect(self._on_changed)

    def _line(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(f"evidence.{name}")
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.chips)
        head.addStretch(1)
        head.addWidget(self.own.bring)
        head.addWidget(self.kind)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(self.scores, 1)
        right.addWidget(self.notice)
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 4, 0, 0)
        grid.setSpacing(8)
        grid.addLayout(head, 0, 0, 1, 2)
        grid.addWidget(self.standing, 1, 0, 1, 2)
        grid.addWidget(self.own, 2, 0, 1, 2)
        grid.addWidget(self.plot, 3, 0)
        grid.addLayout(right, 3, 1)
        grid.addWidget(self.figures, 4, 0, 1, 2)
        grid.setRowStretch(3, 3)
        grid.setRowStretch(4, 3)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)

    def _share_out(self, *, bare: bool) -> None:
        """Where nothing was measured there are words in place of dots and scores: they need width, not height."""
        if bare == self._bare:
            return
        self._bare = bare
        self._grid.addWidget(self.plot, 3, 0, 1, 2 if bare else 1)
        self._grid.setRowStretch(3, 0 if bare else 3)
        self.plot.setMinimumHeight(WORDS_HEIGHT if bare else self._plot_height)
        self.plot.setMaximumHeight(WORDS_HEIGHT if bare else MOST)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_chips()

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme."""
        self.plot.set_tokens(tokens)

    def show_chip(self) -> None:
        """Show the chip of the chosen tab."""
        at = self.chips.currentIndex()
        if not 0 <= at < len(self._ids):
            return
        chip = self._ids[at]
        name = self._document.catalog.chip(chip).name
        found = self._feed.evidence(chip)
        kind: Kind = self.kind.currentData()
        own = self._own_points(chip)
        self.plot.show_evidence(name, self._place_of(chip), found, kind, own)
        self.standing.setText(standing_words(name, found))
        self.own.show_chip(chip)
        self.scores.show_rows(SCORE_HEADINGS, [] if found is None else score_rows(found))
        self.scores.setVisible(found is not None and bool(found.scores))
        self._share_out(bare=found is not None and not (found.points or found.scores or own))
        self.kind.setEnabled(found is not None and bool(found.scores or own))
        self.notice.setText("" if found is None else found.notice)
        self.notice.setVisible(bool(self.notice.text()))
        self.figures.show_rows(FIGURE_HEADINGS, figure_rows(self._feed.figures(chip)))

    def _own_points(self, chip: str) -> tuple[MeasuredPoint, ...]:
        document = self._document
        if not document.scenario.benchmarks:
            return ()
        from explorer.study.benchmarks.evidence import own_points

        return own_points(document.catalog, document.scenario, document.workload, chip)

    def _place_of(self, chip: str) -> int:
        return [one.chip for one in self._document.workload.alternatives].index(chip)

    def _show_chips(self) -> None:
        ids = tuple(dict.fromkeys(one.chip for one in self._document.workload.alternatives))
        if ids != self._ids:
            kept = self._ids[self.chips.currentIndex()] if self._ids else self._document.alternative.chip
            self.chips.blockSignals(True)
            while self.chips.count():
                self.chips.removeTab(0)
            self._ids = ids
            for chip in ids:
                self.chips.addTab(self._document.catalog.chip(chip).short_name)
            self.chips.setCurrentIndex(ids.index(kept) if kept in ids else 0)
            self.chips.blockSignals(False)
        self._feed.look_up(ids)
        self.show_chip()

    def _on_changed(self) -> None:
        if self.isVisible() and not self._document.is_dragging:
            self._show_chips()
