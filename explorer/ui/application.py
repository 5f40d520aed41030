"""Starts the window on a scenario, or paints it into a picture without one."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication

from explorer.catalog.catalog import Catalog, load_catalog
from explorer.catalog.location import scenario_root
from explorer.errors import ExplorerError
from explorer.plots.tokens import THEMES
from explorer.scenario.schema import Scenario
from explorer.study.evaluate import Evaluator as FullEvaluator
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Metric, Outcome
from explorer.ui import theme
from explorer.ui.document import Document, Evaluator
from explorer.ui.main_window import MainWindow

FIRST_SCENARIO = "ai200-on-aws.toml"
DEFAULT_SIZE = (1440, 900)


def run(paths: Sequence[Path] = (), catalog: Catalog | None = None) -> int:
    """Open the window on the first path (the founding question's scenario when none) and return its exit code.

    Raises ExplorerError when there is nothing that could be shown: no readable scenario at all.
    """
    application = application_object()
    known = catalog or load_catalog()
    live = LiveEvaluator(known)
    try:
        document, complaint = first_document(paths, known, live)
        window = MainWindow(document, theme.ThemeSwitch(application))
        window.resize(*DEFAULT_SIZE)
        window.panel.unfold("traffic", "open_figures")
        window.show()
        sys.excepthook = _told_in(window)
        if complaint:
            window.messages.show_message(complaint, "error" if paths and document.path != Path(paths[0]) else "remark")
        # The window first: the worker's start would compete with the first frame.
        QTimer.singleShot(0, live.start_worker)
        QTimer.singleShot(0, document.refine_now)
        return application.exec()
    finally:
        sys.excepthook = sys.__excepthook__
        live.close()


def _told_in(window: MainWindow) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Shows what nobody foresaw in the window, to be copied and reported, and prints it as well."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        detail = "".join(traceback.format_exception(kind, error, trace))
        window.messages.show_message(f"The program made a mistake: {error!r}; please report it\n{detail}")

    return tell


def first_document(paths: Sequence[Path], catalog: Catalog, live: Evaluator) -> tuple[Document, str]:
    """The document to begin with, and what to say about it: remarks, or why a path could not be opened."""
    first = scenario_root() / FIRST_SCENARIO
    try:
        document, remarks = Document.from_file(catalog, live, Path(paths[0]) if paths else first)
    except ExplorerError as error:
        if not paths:
            raise
        return Document.from_file(catalog, live, first)[0], str(error)
    return document, "\n".join(remarks)


class Unhurried:
    """Answers every question in full, with the scenario's own number of draws: for pictures."""

    busy = False
    status = "final"

    def __init__(self, catalog: Catalog) -> None:
        self._evaluator = FullEvaluator(catalog)

    def start_worker(self) -> None:
        """There is none."""

    def quick(self, scenario: Scenario, shown: Metric | None = None) -> Outcome:
        """The final outcome; raises ExplorerError."""
        return self._evaluator.evaluate(scenario)

    def refine(self, scenario: Scenario) -> None:
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
) -> QImage:
    """A picture of the window on a scenario: `size` in logical pixels, `scale` device pixels for each.

    Raises ExplorerError when the scenario cannot be evaluated or the theme is unknown.
    """
    if theme_name not in THEMES:
        raise ExplorerError(f"unknown theme '{theme_name}'; allowed: {', '.join(THEMES)}")
    application = application_object()
    theme.apply(application, THEMES[theme_name])
    known = catalog or load_catalog()
    document = Document(known, Unhurried(known), scenario)
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


def application_object() -> QApplication:
    """The running application, or a new one with the program's name."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("inference-explorer")
    application.setApplicationDisplayName("Inference Explorer")
    return application
