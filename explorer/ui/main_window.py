"""The window: panel, verdict strip, three plots and pages, with the menus that reach everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFileInfo, Qt
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMessageBox,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from explorer.catalog.location import scenario_root
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
from explorer.ui.start_page import StartPage
from explorer.ui.tab_order import stop_after
from explorer.ui.verdict_strip import VerdictStrip
from explorer.ui.worker_words import worker_words

if TYPE_CHECKING:
    from explorer.study.why import Answer as Asked
    from explorer.ui.command_palette import CommandPalette
    from explorer.ui.why_card import WhyCard

SUFFIX = ".toml"
FILTER = "Scenarios (*.toml);;All files (*)"
LEAST = (1280, 720)
Answer = QMessageBox.StandardButton


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
        self.may_replace: Callable[[], bool] = lambda: True
        """Whether the document's own file is still as it was opened or saved last, or need not be."""
        self.verdict = VerdictStrip(document, self)
        self.panel = Panel(document, self)
        self.tail, self.memory, self.concentration = TailLatencyPlot(), MemoryFitPlot(), ConcentrationPlot()
        self._others = NextTurn(document, self._show_others, self)
        self.compare = ComparePage(document, self)
        self.book = PageBook(document, self.compare, self)
        self.centre = Centre((self.tail, self.memory, self.concentration), self.book, self.compare, self)
        self.workloads = QTabBar(self)
        self.report = ReportExport(document, self.messages, self)
        self._worker_label, self._worker_status = QLabel(self), ""
        self._state_label = QLabel(self)
        self._file_label = QLabel(self)
        self._lay_out()
        self.actions_by_name = fill_menus(self)
        self.book.enlarge_button.setDefaultAction(self.actions_by_name["enlarge"])
        self._connect()
        self.set_tokens(theme.tokens())
        self._on_workloads()
        self._on_outcome()
        self._on_path()
        self._on_worker("")
        self.warnings.show()

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
        self.workloads.setObjectName("workloads")
        self.workloads.setAccessibleName("Workload")
        self.workloads.setExpanding(False)
        self.workloads.setDrawBase(False)
        self.menuBar().setCornerWidget(self.workloads, Qt.Corner.TopRightCorner)
        page.addWidget(self.verdict)
        body = QHBoxLayout()
        body.setSpacing(8)
        body.addWidget(self.panel)
        body.addWidget(self.centre, 1)
        page.addLayout(body, 1)
        self.setCentralWidget(inside)
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        bar.addWidget(self._state_label, 1)
        bar.addPermanentWidget(self._worker_label)
        bar.addPermanentWidget(self._file_label)
        for label, name in (
            (self._worker_label, "worker"),
            (self._state_label, "state"),
            (self._file_label, "edition"),
        ):
            label.setObjectName(f"status.{name}")
            # A label that asks for the width of its text would lay the window out anew on every change.
            label.setSizePolicy(
                QSizePolicy.Policy.Ignored if name == "state" else QSizePolicy.Policy.Preferred,
                QSizePolicy.Policy.Preferred,
            )
        self._worker_label.setMinimumWidth(170)
        self._worker_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

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
        document.scenario_changed.connect(self._on_workloads)
        document.dragging_changed.connect(self.tail.set_dragging)
        self.hands = PlotHands(document, self.panel, self.messages, self.tail, self.concentration)
        for plot in (self.tail, self.memory, self.concentration):
            PlotMenu(plot, self.messages.show_message)
        self.tail.metric_changed.connect(self._on_metric)
        document.evaluation_failed.connect(self._on_failed)
        document.worker_changed.connect(self._on_worker)
        document.worker_failed.connect(lambda text: self.messages.show_message(text))
        self.warnings = OutcomeWarnings(document, self.messages, self)
        document.path_changed.connect(self._on_path)
        document.undo_stack.cleanChanged.connect(self._on_path)
        self.panel.refused.connect(self._on_refused)
        document.scenario_changed.connect(self._on_accepted)
        self.panel.accepted.connect(self._on_accepted)
        self.workloads.currentChanged.connect(self._on_tab)
        self.compare.alternative_chosen.connect(self._select_alternative)
        if self.themes is not None:
            self.themes.theme_changed.connect(self.set_tokens)

    def set_tokens(self, tokens: Tokens) -> None:
        """Draw the plots in a theme."""
        for plot in (self.tail, self.memory, self.concentration):
            plot.set_tokens(tokens)
        self.compare.show_outcome()
        self.book.set_tokens(tokens)

    def open_file(self, path: Path) -> bool:
        """Open a file; on errors everything stays as it was and the errors are shown."""
        try:
            warnings = self.document.open(path)
        except ExplorerError as error:
            self.messages.show_message(str(error))
            return False
        self.messages.clear()
        told = (*warnings, *self.document.outcome.warnings)
        if told:
            self.messages.show_message("\n".join(told), "remark")
        self.compare.fit_columns()
        self.show_desk()
        return True

    def open_after_guard(self, path: Path) -> bool:
        """Open a file unless unsaved changes hold it back."""
        return self.guard() and self.open_file(path)

    def show_desk(self) -> None:
        """From the start page to the plots and sliders."""
        self.stack.setCurrentWidget(self.desk)
        self.statusBar().show()
        self.workloads.setVisible(self.workloads.count() > 1)

    def show_start(self, files: Sequence[Path] = ()) -> None:
        """Show the start page, with the files opened last."""
        if self.start is None:
            self.start = StartPage(self)
            self.stack.addWidget(self.start)
            self.start.chosen.connect(self.open_after_guard)
            self.start.browse_requested.connect(self.on_open)
            self.start.left.connect(self.show_desk)
        self.start.show_choices(example_questions(), files, self._name())
        self.stack.setCurrentWidget(self.start)
        self.statusBar().hide()
        self.workloads.hide()
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

    def on_new(self) -> None:
        """Go on with the present scenario as a new one that has no file yet."""
        if self.guard():
            scenario = self.document.scenario.model_copy(update={"title": "Untitled", "question": ""})
            self.document.start_anew(scenario)
            self.show_desk()

    def guard(self) -> bool:
        """True when the document may be left: nothing unsaved, saved now, or given up."""
        if not self.document.is_dirty:
            return True
        answer = self.ask_about_changes()
        if answer == Answer.Save:
            return self.on_save()
        return answer == Answer.Discard

    def ask_about_changes(self) -> QMessageBox.StandardButton:
        """Ask what becomes of unsaved changes."""
        box = QMessageBox(self)
        box.setObjectName("unsaved")
        box.setWindowTitle("Unsaved changes")
        box.setText(f"{self._name()} has unsaved changes.")
        last = self.document.undo_stack.undoText()
        box.setInformativeText(f"Last: {last}." if last else "")
        box.setStandardButtons(Answer.Save | Answer.Discard | Answer.Cancel)
        box.setDefaultButton(Answer.Save)
        return Answer(box.exec())

    def on_open(self) -> None:
        """Choose a file and open it."""
        if not self.guard():
            return
        start = str(self.document.path.parent if self.document.path else scenario_root())
        chosen, _ = QFileDialog.getOpenFileName(self, "Open a scenario", start, FILTER)
        if chosen:
            self.open_file(Path(chosen))

    def on_import_benchmark(self) -> None:
        """Choose a benchmark of one's own, look at what was understood, and take it in."""
        from explorer.ui.benchmark_import import ask_for_benchmark

        try:
            ask_for_benchmark(self.document, self)
        except ExplorerError as error:
            self.messages.show_message(str(error))

    def on_save(self) -> bool:
        """Save to the document's file, or ask for one; False when nothing was written."""
        return self.on_save_as() if self.document.path is None else self.save_to(self.document.path)

    def on_save_as(self) -> bool:
        """Choose a file and save; False when nothing was written."""
        start = str(self.document.path or Path.home() / f"scenario{SUFFIX}")
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the scenario", start, FILTER)
        if not chosen:
            return False
        path = Path(chosen)
        if path.suffix.lower() != SUFFIX:
            # "plan v1.2" has no suffix of ours; and the file that its name leads to was not asked about
            path = path.with_name(path.name + SUFFIX)
            if QFileInfo.exists(str(path)) and not self.ask_to_replace(path):
                return False
        return self.save_to(path)

    def ask_to_replace(self, path: Path) -> bool:
        """Ask whether a file that is there already may be replaced."""
        answer = QMessageBox.question(
            self,
            "Replace the file",
            f"{path.name} is there already. Replace it?",
            Answer.Yes | Answer.No,
            Answer.No,
        )
        return Answer(answer) == Answer.Yes

    def save_to(self, path: Path) -> bool:
        """Save to a file; on errors they are shown and False is returned."""
        if path == self.document.path and not self.may_replace():
            self.messages.show_message(f"{path.name} is not saved: answer first what is to become of the other changes")
            return False
        try:
            self.document.save_as(path)
        except ExplorerError as error:
            self.messages.show_message(str(error))
            return False
        self.messages.clear()
        return True

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about unsaved changes, then stop timers and worker."""
        if self.guard():
            self.document.close()
            event.accept()
        else:
            event.ignore()

    def _on_outcome(self, _: object = None) -> None:
        document = self.document
        if self.centre.plots_seen:
            self._show_tail()
            self._others.ask()
        if document.problem is None and self.messages.property("evaluation"):
            self.messages.setProperty("evaluation", False)
            self.messages.clear()
        self._show_state()

    def _show_tail(self) -> None:
        document = self.document
        workload = min(document.workload_index, len(document.outcome.workloads) - 1)
        self.tail.show_outcome(document.outcome, workload, document.baseline_outcome)
        document.shown_metric = self.tail.shown_metric

    def _show_others(self) -> None:
        document = self.document
        workload = min(document.workload_index, len(document.outcome.workloads) - 1)
        for plot in (self.memory, self.concentration):
            plot.show_outcome(document.outcome, workload, document.baseline_outcome)

    def _on_metric(self, _: str) -> None:
        self.document.shown_metric = self.tail.shown_metric

    def _show_state(self) -> None:
        workloads = self.document.outcome.workloads
        method = workloads[min(self.document.workload_index, len(workloads) - 1)].chosen.latency_method
        state = f"{method} · baseline {self.document.baseline_name}"
        if state != self._state_label.text():
            self._state_label.setText(state)
        self._on_worker(self._worker_status)

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

    def _on_worker(self, status: str) -> None:
        self._worker_status = status
        text = worker_words(status, self.document.outcome.final, self.document.outcome.samples)
        if text != self._worker_label.text():
            self._worker_label.setText(text)

    def _on_path(self) -> None:
        mark = " *" if self.document.is_dirty else ""
        self.setWindowTitle(f"{self._name()}{mark} – Inference Explorer")
        self._file_label.setText(
            f"{self._name()}{' · unsaved' if mark else ''} · catalogue {self.document.catalog.edition}"
        )

    def _name(self) -> str:
        return self.document.path.name if self.document.path else self.document.scenario.title

    def _on_workloads(self, _: object = None) -> None:
        names = [workload.name for workload in self.document.scenario.workloads]
        if names != [self.workloads.tabText(place) for place in range(self.workloads.count())]:
            self.workloads.blockSignals(True)
            while self.workloads.count():
                self.workloads.removeTab(0)
            for name in names:
                self.workloads.addTab(name)
            self.workloads.blockSignals(False)
            self.workloads.setVisible(len(names) > 1 and self.stack.currentWidget() is self.desk)
        if self.workloads.currentIndex() != self.document.workload_index:
            self.workloads.setCurrentIndex(self.document.workload_index)

    def _on_workload(self, _: int) -> None:
        self._on_workloads()
        self._on_outcome()
        self.compare.fit_columns()

    def _on_tab(self, index: int) -> None:
        if 0 <= index < len(self.document.scenario.workloads):
            self.document.select_workload(index)

    def next_workload(self) -> None:
        count = len(self.document.scenario.workloads)
        self.document.select_workload((self.document.workload_index + 1) % count)

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
        self.messages.show_message(KEYS, "remark")
        self.messages.more.setChecked(True)

    def show_about(self) -> None:
        scenario, outcome = self.document.scenario, self.document.outcome
        lines = [
            scenario.title,
            scenario.question,
            f"File: {self.document.path or 'none yet'}",
            f"Catalogue {outcome.catalog_edition}, engine {outcome.engine_version}",
            f"As of {scenario.as_of}" if scenario.as_of else "",
            *outcome.warnings,
        ]
        self.messages.show_message("\n".join(line for line in lines if line), "remark")
        self.messages.more.setChecked(True)


KEYS = """Keys and gestures
Arrow keys move a slider by a hundredth of its track, with Shift by a thousandth, Page Up and Page Down by a tenth,
Home and End to its ends; keys that follow each other within a second are one step of undo.
The wheel moves a slider only while it has the focus; a double click brings it back to the baseline.
Backspace brings the slider in focus back to the baseline, Shift+Backspace to the file; Ctrl+L locks it.
The ↺ in the head of a group brings the whole group back; a right click on a slider shows all its ways back.
Values can be typed with units: 70B, 1.5T, 32k, 50 ms, 2.4 TB/s, 20 %.
Ctrl+B pins the present scenario as the baseline; Ctrl+Z and Ctrl+Shift+Z undo and redo, a drag being one step.
Ctrl+Up and Ctrl+Down select the next alternative, Ctrl+Tab the next workload, Ctrl+E changes the chip."""
