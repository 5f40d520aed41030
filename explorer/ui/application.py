"""Starts the window on a scenario, or paints it into a picture without one."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, qVersion
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication

from explorer import __version__
from explorer.catalog.catalog import Catalog, load_catalog
from explorer.catalog.location import scenario_root
from explorer.errors import ExplorerError
from explorer.plots.tokens import THEMES
from explorer.scenario.schema import Scenario
from explorer.study.banded import Metric
from explorer.study.evaluate import Evaluator as FullEvaluator
from explorer.study.evaluate import evaluate_fully
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome
from explorer.study.studies import StudyAnswer, study_at_once
from explorer.ui import theme
from explorer.ui.answers import Evaluator
from explorer.ui.document import Document
from explorer.ui.document_life import DocumentLife
from explorer.ui.first_run import tour_on_first_sight
from explorer.ui.folders import config_folder, state_folder
from explorer.ui.idle_garbage import IdleGarbage
from explorer.ui.kept_menus import add_kept_menus
from explorer.ui.log import LogFile, log
from explorer.ui.main_window import MainWindow
from explorer.ui.remembered_layout import RememberedLayout, scale_of
from explorer.ui.settings import read_settings

FIRST_SCENARIO = "ai200-on-aws.toml"
DEFAULT_SIZE = (1440, 900)
AFTER_THE_FRAME_MS = 50
"""With none at all these would go before the first frame, which waits for the screen to ask for it."""
AGAIN = 64
"""Exit code within the program that asks for a new beginning: a new scale is taken at the start only."""
HANDED_OVER = "INFERENCE_EXPLORER_HANDED_OVER"
"""Environment variable that names the journal of unsaved work which the program before this one leaves it."""
SCALE_FACTOR = "QT_SCALE_FACTOR"


def run(paths: Sequence[Path] = (), catalog: Catalog | None = None) -> int:
    """Open the window on the first path (the start page when none) and return its exit code.

    Raises ExplorerError when there is nothing that could be shown: no readable scenario at all.
    """
    state, config = state_folder(), config_folder()
    log_file = LogFile(state)
    settings = read_settings(config)
    scale = scale_of(settings)
    application = application_object(scale)
    known = catalog or load_catalog()
    live = LiveEvaluator(known)
    journal: Path | None = None
    begin_again: list[str] = []
    try:
        log.info("begun: version %s, catalogue %s, Qt %s, scale %g", __version__, known.edition, qVersion(), scale)
        document, complaint = first_document(paths, known, live)
        window = MainWindow(document, theme.ThemeSwitch(application, settings.theme))
        layout = RememberedLayout(window, settings, config, scale)
        life = DocumentLife(window, state)
        add_kept_menus(window, life, layout, log_file)
        layout.apply()
        layout.restart_asked.connect(lambda: application.exit(AGAIN))
        document.answers.worker_failed.connect(lambda text: log.error("worker: %s", text))
        handed_over = os.environ.pop(HANDED_OVER, "")
        opened = bool(paths) and document.path == Path(paths[0])
        if not (handed_over and life.take_over(Path(handed_over))) and not opened:
            window.show_start(life.recent.paths)
        layout.show()
        sys.excepthook = _told_in(window)
        if complaint:
            window.messages.show_message(complaint, "error" if paths and not opened else "remark")
        # The window first: the worker's start would compete with the first frame.
        QTimer.singleShot(AFTER_THE_FRAME_MS, live.start_worker)
        QTimer.singleShot(AFTER_THE_FRAME_MS, document.answers.refine_now)
        QTimer.singleShot(AFTER_THE_FRAME_MS, life.offer_recovery)
        QTimer.singleShot(AFTER_THE_FRAME_MS, lambda: IdleGarbage(document))
        tour_on_first_sight(window, layout)
        code = application.exec()
        layout.remember()
        if code == AGAIN:
            begin_again = _command_line(document.path if window.stack.currentWidget() is window.desk else None)
            journal = life.hand_over()
        else:
            life.end()
    finally:
        sys.excepthook = sys.__excepthook__
        live.close()
        log_file.close()
    if code == AGAIN:
        if journal is not None:
            os.environ[HANDED_OVER] = str(journal)
        os.execv(begin_again[0], begin_again)
    return code


def _command_line(path: Path | None) -> list[str]:
    """What starts this program again, on a file or on none."""
    return [sys.executable, "-m", "explorer", "open", *([] if path is None else [str(path)])]


def _told_in(window: MainWindow) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Shows what nobody foresaw in the window, to be copied and reported, and prints it as well."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        detail = "".join(traceback.format_exception(kind, error, trace))
        log.error("%s", detail)
        window.messages.show_message(f"The program made a mistake: {error!r}; please report it\n{detail}")

    return tell


def first_document(paths: Sequence[Path], catalog: Catalog, live: Evaluator) -> tuple[Document, str]:
    """The document to begin with, and what to say about it: remarks, or why a path could not be opened."""
    first = _first()
    try:
        document, remarks = Document.from_file(catalog, live, Path(paths[0]) if paths else first)
    except ExplorerError as error:
        if not paths:
            raise
        return Document.from_file(catalog, live, first)[0], str(error)
    except Exception as error:
        # nobody foresaw it, but a window that does not open could not say so
        if not paths:
            raise
        log.exception("%s cannot be opened", paths[0])
        detail = "".join(traceback.format_exception(error))
        complaint = f"{paths[0]}: the program made a mistake: {error!r}; please report it\n{detail}"
        return Document.from_file(catalog, live, first)[0], complaint
    return document, "\n".join(remarks)


def _first() -> Path:
    return scenario_root() / FIRST_SCENARIO


class Unhurried:
    """Answers every question in full, with the scenario's own number of draws: for pictures."""

    busy = False
    status = "final"

    def __init__(self, catalog: Catalog, answered: tuple[Scenario, Outcome] | None = None) -> None:
        """`answered` is a scenario with its final outcome, which is then not asked for again."""
        self._evaluator = FullEvaluator(catalog)
        self._answered = answered
        self._studied: list[StudyAnswer] = []
        self._number = 0

    @property
    def studying(self) -> bool:
        """Whether an answer was not taken yet."""
        return bool(self._studied)

    def study(self, kind: str, scenario: Scenario, question: Any = None) -> int:
        """Study at once."""
        self._number += 1
        self._studied.append(study_at_once(self._evaluator, kind, self._number, scenario, question))
        return self._number

    def cancel_study(self, kind: str) -> None:
        """Drop the answers of a kind."""
        self._studied = [one for one in self._studied if one.kind != kind]

    def take_study_answers(self) -> list[StudyAnswer]:
        """The answers since last asked."""
        taken, self._studied = self._studied, []
        return taken

    def start_worker(self) -> None:
        """There is none."""

    def quick(self, scenario: Scenario, shown: Metric | None = None) -> Outcome:
        """The final outcome; raises ExplorerError."""
        if self._answered is None or self._answered[0] is not scenario:
            self._answered = scenario, evaluate_fully(self._evaluator, scenario)
        return self._answered[1]

    def refine(self, scenario: Scenario, workload: int = 0) -> None:
        """Nothing is left to refine."""

    def poll(self) -> None:
        """Nothing is ever under way."""

    def close(self) -> None:
        """Nothing to end."""


def grab(
    scenario: Scenario,
    catalog: Catalog | None = None,
    *,
    size: tuple[int, int] = DEFAULT_SIZE,
    theme_name: str = "light",
    scale: float = 1.0,
    unfold: Sequence[str] = ("traffic", "open_figures"),
    outcome: Outcome | None = None,
) -> QImage:
    """A picture of the window on a scenario: `size` in logical pixels, `scale` device pixels for each.

    `outcome` is the scenario's final one, where it is known already. Raises ExplorerError when the scenario cannot be
    evaluated or the theme is unknown.
    """
    if theme_name not in THEMES:
        raise ExplorerError(f"unknown theme '{theme_name}'; allowed: {', '.join(THEMES)}")
    application = application_object()
    theme.apply(application, THEMES[theme_name])
    known = catalog or load_catalog()
    document = Document(known, Unhurried(known, None if outcome is None else (scenario, outcome)), scenario)
    window = MainWindow(document)
    try:
        window.panel.unfold(*unfold)
        window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        window.setFixedSize(QSize(*size).expandedTo(window.minimumSizeHint()))
        window.show()
        application.processEvents()
        image = QImage(window.size() * scale, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scale)
        image.fill(window.palette().window().color())
        window.render(image, QPoint())
        return image
    finally:
        document.undo_stack.setClean()
        window.close()
        window.deleteLater()
        # No event loop runs behind a picture: without this its widgets stay, and each further picture is slower.
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def application_object(scale: float = 1.0) -> QApplication:
    """The running application, or a new one with the program's name that draws everything `scale` times as large.

    A scale that the user's environment sets for all of Qt goes before this one.
    """
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    own_scale = scale != 1.0 and SCALE_FACTOR not in os.environ
    if own_scale:
        os.environ[SCALE_FACTOR] = str(scale)
    application = QApplication(sys.argv[:1])
    if own_scale:
        # Read once, at the start; programs started from this one have scales of their own.
        del os.environ[SCALE_FACTOR]
    application.setApplicationName("inference-explorer")
    application.setApplicationDisplayName("Inference Explorer")
    return application
