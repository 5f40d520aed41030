"""The window: panel, verdict strip, three plots and pages, with the menus that reach everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from explorer.errors import ExplorerError
from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.plots.tokens import Tokens
from explorer.report.plot_menu import PlotMenu
from explorer.scenario.schema import Scenario
from explorer.ui import theme
from explorer.ui.centre import Centre
from explorer.ui.document import Document
from explorer.ui.example_questions import example_questions
from explorer.ui.help_words import KEYS, about_words
from explorer.ui.menus import fill_menus
from explorer.ui.message_bar import MessageBar
from explorer.ui.outcome_warnings import OutcomeWarnings
from explorer.ui.pace import NextTurn
from explorer.ui.pages.compare_modes import Mode
from explorer.ui.pages.compare_page import ComparePage
from explorer.ui.pages.page_book import COMPARE, PageBook
from explorer.ui.panel import Panel
from explorer.ui.plot_hands import PlotHands
from explorer.ui.question_bar import QuestionBar
from explorer.ui.report_export import ReportExport
from explorer.ui.scenario_files import ScenarioFiles
from explorer.ui.start_page import StartPage
from explorer.ui.status_line import StatusLine
from explorer.ui.tab_order import stop_after
from explorer.ui.verdict_strip import VerdictStrip
from explorer.ui.workload_tabs import WorkloadTabs

if TYPE_CHECKING:
    from explorer.study.why import Answer as Asked
    from explorer.ui.command_palette import CommandPalette
    from explorer.ui.why_card import WhyCard

LEAST = (1280, 720)


class MainWindow(QMainWindow):
    """One document in one window; it computes nothing."""

    def __init__(
        self, document: Document, themes: theme.ThemeSwitch | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("window")
        self.document = document
        self.themes = themes
        self.setMinimumSize(*LEAST)
        self.messages, self.questions = MessageBar(self), QuestionBar(self)
        self.stack, self.desk = QStackedWidget(self), QWidget(self)
        self.start: StartPage | None = None
        self.palette_popup: CommandPalette | None = None
        self.why_card: WhyCard | None = None
        self.recent_paths: Callable[[], Sequence[Path]] = tuple
        self.files = ScenarioFiles(document, self.messages, self)
        self.verdict = VerdictStrip(document, self)
        self.panel = Panel(document, self)
        self.tail, self.memory, self.concentration = TailLatencyPlot(), MemoryFitPlot(), ConcentrationPlot()
        self._others = NextTurn(document, self._show_others, self)
        self.compare = ComparePage(document, self)
        self.book = PageBook(document, self.compare, self)
        self.centre = Centre((self.tail, self.memory, self.concentration), self.book, self.compare, self)
        self.workloads = WorkloadTabs(document, self)
        self.report = ReportExport(document, self.messages, self)
        self.status = StatusLine(document, self.statusBar())
        self._lay_out()
        self.actions_by_name = fill_menus(self)
        self.book.enlarge_button.setDefaultAction(self.actions_by_name["enlarge"])
        self._connect()
        self.set_tokens(theme.tokens())
        self.workloads.follow()
        self._on_outcome()
        self._on_path()
        self.status.show_worker("")
        self.warnings.show()
        # where the hand begins, and not the first number of the verdict
        self.panel.model.preset_button.setFocus()

    def _lay_out(self) -> None:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.messages)
        column.addWidget(self.questions)
        column.addWidget(self.stack, 1)
        self.stack.addWidget(self.desk)
        page = QVBoxLayout(self.desk)
        page.setContentsMargins(12, 8, 12, 4)
        page.setSpacing(8)
        self.menuBar().setCornerWidget(self.workloads, Qt.Corner.TopRightCorner)
        page.addWidget(self.verdict)
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(self.panel)
        body.addWidget(self.centre, 1)
        page.addLayout(body, 1)
        self.setCentralWidget(inside)

    def show_page(self, key: str) -> None:
        """Show a page beneath the three plots; see `PageBook.keys`."""
        self.book.show_page(key)

    def enlarge_page(self, on: bool) -> None:
        """Give pages the room of the plots as well, or have the plots back."""
        self.actions_by_name["enlarge"].setChecked(on)
        self.centre.set_enlarged(on)

    def _on_plots_returned(self) -> None:
        self._show_tail()
        self._show_others()

    def ask_why(self, answer: Asked) -> None:
        """Say why a number of the verdict is what it is, in a card beneath it."""
        if self.why_card is None:
            from explorer.ui.pages.matters_feed import matters_feed
            from explorer.ui.why_card import WhyCard

            self.why_card = WhyCard(self.document, matters_feed(self.document, self.book), self)
            self.why_card.figure_asked.connect(self._on_figure_asked)
        self.why_card.ask(answer, self.verdict.tiles[answer])

    def show_comparison(self, mode: Mode) -> None:
        """Show the Compare page with its alternatives or with scenarios."""
        self.show_page(COMPARE)
        self.compare.show_mode(mode)

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab goes down the panel as it is seen, not as its sliders came into being."""
        found = stop_after(self, self.panel, self.focusWidget(), next)
        if found is None:
            return super().focusNextPrevChild(next)
        found.setFocus(Qt.FocusReason.TabFocusReason if next else Qt.FocusReason.BacktabFocusReason)
        return True

    def _connect(self) -> None:
        document = self.document
        self.centre.plots_returned.connect(self._on_plots_returned)
        self.book.figure_asked.connect(self._on_figure_asked)
        self.verdict.why_asked.connect(self.ask_why)
        self.book.told.connect(lambda text: self.messages.show_message(text, "remark"))
        self.compare.refused.connect(self._on_refused)
        document.outcome_changed.connect(self._on_outcome)
        document.baseline_changed.connect(self._on_outcome)
        document.workload_changed.connect(self._on_workload)
        document.scenario_changed.connect(self.workloads.follow)
        document.dragging_changed.connect(self.tail.set_dragging)
        document.dragging_changed.connect(self.memory.set_dragging)
        self.hands = PlotHands(document, self.panel, self.messages, self.tail, self.concentration)
        for plot in (self.tail, self.memory, self.concentration):
            PlotMenu(plot, self.messages.show_message)
        self.tail.metric_changed.connect(self._on_metric)
        document.answers.evaluation_failed.connect(self._on_failed)
        document.answers.worker_changed.connect(self.status.show_worker)
        document.answers.worker_failed.connect(lambda text: self.messages.show_message(text))
        self.warnings = OutcomeWarnings(document, self.messages, self)
        self.files.opened.connect(self._on_opened)
        self.files.begun_anew.connect(self.show_desk)
        document.path_changed.connect(self._on_path)
        document.undo_stack.cleanChanged.connect(self._on_path)
        self.panel.refused.connect(self._on_refused)
        document.scenario_changed.connect(self._on_accepted)
        self.panel.accepted.connect(self._on_accepted)
        self.compare.alternative_chosen.connect(self._select_alternative)
        if self.themes is not None:
            self.themes.theme_changed.connect(self.set_tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Draw the plots in a theme."""
        for plot in (self.tail, self.memory, self.concentration):
            plot.set_tokens(tokens)
        self.compare.show_outcome()
        self.book.set_tokens(tokens)

    def show_desk(self) -> None:
        """From the start page to the plots and sliders."""
        self.stack.setCurrentWidget(self.desk)
        self.statusBar().show()
        self.workloads.set_on_desk(True)

    def show_start(self, files: Sequence[Path] = ()) -> None:
        """Show the start page, with the files opened last."""
        if self.start is None:
            self.start = StartPage(self)
            self.stack.addWidget(self.start)
            self.start.chosen.connect(self.files.open_after_guard)
            self.start.browse_requested.connect(self.files.on_open)
            self.start.left.connect(self.show_desk)
        self.start.show_choices(example_questions(), files, self.files.name)
        self.stack.setCurrentWidget(self.start)
        self.statusBar().hide()
        self.workloads.set_on_desk(False)
        self.start.take_focus()

    def on_start(self) -> None:
        """Show the start page with the files that `recent_paths` names."""
        self.show_start(self.recent_paths())

    def on_palette(self) -> None:
        """Type what to do."""
        if self.palette_popup is None:
            from explorer.ui.command_palette import CommandPalette
            from explorer.ui.commands import commands

            self.palette_popup = CommandPalette(lambda: commands(self), self)
        self.palette_popup.open()

    def on_import_benchmark(self) -> None:
        """Choose a benchmark of one's own, look at what was understood, and take it in."""
        from explorer.ui.benchmark_import import ask_for_benchmark

        try:
            ask_for_benchmark(self.document, self)
        except ExplorerError as error:
            self.messages.show_message(str(error))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved changes, then stop timers and worker."""
        if self.files.guard():
            self.document.close()
            event.accept()
        else:
            event.ignore()

    def _on_outcome(self, _: object = None) -> None:
        document = self.document
        if self.centre.plots_seen:
            self._show_tail()
            self._others.ask()
        if document.answers.problem is None and self.messages.property("evaluation"):
            self.messages.setProperty("evaluation", False)
            self.messages.clear()
        self.status.show_outcome()

    def _show_tail(self) -> None:
        document = self.document
        workload = min(document.workload_index, len(document.outcome.workloads) - 1)
        self.tail.show_outcome(document.outcome, workload, document.baseline_outcome)
        document.answers.shown_metric = self.tail.shown_metric

    def _show_others(self) -> None:
        document = self.document
        workload = min(document.workload_index, len(document.outcome.workloads) - 1)
        for plot in (self.memory, self.concentration):
            plot.show_outcome(document.outcome, workload, document.baseline_outcome)

    def _on_metric(self, _: str) -> None:
        self.document.answers.shown_metric = self.tail.shown_metric

    def _on_figure_asked(self, alternative: str, figure: str) -> None:
        if self.document.workload.selected != alternative:
            self.document.change(self.document.workload_path("selected"), alternative, "selection")
        self.panel.show_figure(figure)

    def _on_refused(self, text: str) -> None:
        self.messages.show_message(text, "remark")
        self.messages.setProperty("refusal", True)

    def _on_accepted(self) -> None:
        """A refusal has been read when the next change is made."""
        if self.messages.property("refusal"):
            self.messages.setProperty("refusal", False)
            self.messages.clear()

    def _on_failed(self, error: object) -> None:
        self.messages.show_message(f"No answer for this scenario, the plots show the one before: {error}")
        self.messages.setProperty("evaluation", True)

    def _on_path(self) -> None:
        mark = " *" if self.document.is_dirty else ""
        self.setWindowTitle(f"{self.files.name}{mark} – Inference Explorer")
        self.status.show_file(self.files.name)

    def _on_opened(self) -> None:
        self.compare.fit_columns()
        self.show_desk()

    def _on_workload(self, _: int) -> None:
        self.workloads.follow()
        self._on_outcome()
        self.compare.fit_columns()

    def _select_alternative(self, index: int) -> None:
        alternatives = self.document.workload.alternatives
        if index >= len(alternatives):
            # The answer on the screen is of a scenario before, because the present one has none.
            return
        name = alternatives[index].name
        self.document.change(self.document.workload_path("selected"), name, "selected chip")

    def reset_all(self, then: Scenario, what: str) -> None:
        """Bring every input back to that of another scenario."""
        try:
            self.document.reset_all(then, what)
        except ExplorerError as error:
            self.messages.show_message(str(error))

    def step_alternative(self, step: int) -> None:
        count = len(self.document.workload.alternatives)
        self._select_alternative((self.document.alternative_index + step) % count)

    def choose_theme(self, choice: theme.Choice) -> None:
        if self.themes is not None:
            self.themes.choose(choice)

    def fold(self, opened: bool) -> None:
        for group in self.panel.folded:
            group.frame.set_open(opened)

    def copy_table(self) -> None:
        QGuiApplication.clipboard().setText(self.compare.as_text())

    def show_keys(self) -> None:
        self._tell_at_length(KEYS)

    def show_about(self) -> None:
        self._tell_at_length(about_words(self.document))

    def _tell_at_length(self, text: str) -> None:
        self.messages.show_message(text, "remark")
        self.messages.more.setChecked(True)
