"""The menus of the window: every action with its name and its shortcut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from explorer.catalog.location import scenario_root
from explorer.errors import ExplorerError
from explorer.ui.pages.page_book import PAGES

if TYPE_CHECKING:
    from explorer.study.why import Answer
    from explorer.ui.main_window import MainWindow

WHY_TITLES: tuple[tuple[Answer, str], ...] = (
    ("fits", "Why it fits or not"),
    ("ttft", "Why this P99 first token"),
    ("tpot", "Why this P99 per token"),
    ("usd_per_million", "Why this $/M tokens"),
    ("usd_per_month", "Why this $/month"),
    ("fleet", "Why so many effective designers"),
    ("certainty", "Why so sure"),
)


def fill_menus(window: MainWindow) -> dict[str, QAction]:
    """Put all menus into a window's menu bar and return the actions by their names."""
    actions: dict[str, QAction] = {}

    def add(
        menu: QMenu,
        name: str,
        title: str,
        do: Callable[..., object],
        keys: QKeySequence.StandardKey | str | None = None,
    ) -> QAction:
        action = QAction(title, window)
        action.setObjectName(name)
        if isinstance(keys, str):
            action.setShortcut(QKeySequence(keys))
        elif keys is not None:
            action.setShortcuts(keys)
        action.triggered.connect(do)
        menu.addAction(action)
        actions[name] = action
        return action

    key = QKeySequence.StandardKey
    file, edit, view, scenario, about = (
        window.menuBar().addMenu(title) for title in ("&File", "&Edit", "&View", "&Scenario", "&Help")
    )
    for menu, name in ((file, "file"), (edit, "edit"), (view, "view"), (scenario, "scenario"), (about, "help")):
        menu.setObjectName(f"menu.{name}")
    add(file, "new", "&New from this one", window.files.on_new, key.New)
    add(file, "open", "&Open …", window.files.on_open, key.Open)
    examples = file.addMenu("Open &example")
    examples.setObjectName("menu.examples")
    for place in _examples():
        add(
            examples,
            f"example.{place.stem}",
            place.stem.replace("-", " "),
            lambda _=False, place=place: window.files.open_after_guard(place),
        )
    file.addSeparator()
    add(file, "start", "S&tart page", window.on_start, "Ctrl+Shift+H")
    file.addSeparator()
    add(file, "save", "&Save", window.files.on_save, key.Save)
    add(file, "save_as", "Save &as …", window.files.on_save_as, "Ctrl+Shift+S")
    file.addSeparator()
    add(file, "export_report", "Export &report …", window.report.export, "Ctrl+Shift+R")
    file.addSeparator()
    add(file, "quit", "&Quit", window.close, "Ctrl+Q")
    stack = window.document.undo_stack
    for name, action, keys in (
        ("undo", stack.createUndoAction(window, "&Undo"), key.Undo),
        ("redo", stack.createRedoAction(window, "&Redo"), key.Redo),
    ):
        action.setObjectName(name)
        action.setShortcuts(QKeySequence.keyBindings(keys))
        actions[name] = action
        edit.addAction(action)
    edit.addSeparator()
    add(edit, "palette", "&Do or set by name …", window.on_palette, "Ctrl+K")
    add(edit, "copy_table", "&Copy comparison", window.copy_table, "Ctrl+Shift+C")
    choices = QActionGroup(window)
    for choice, title in (("system", "Theme of the &system"), ("light", "&Light"), ("dark", "&Dark")):
        action = add(view, f"theme.{choice}", title, lambda _=False, choice=choice: window.choose_theme(choice))
        action.setCheckable(True)
        action.setEnabled(window.themes is not None)
        action.setChecked(window.themes is not None and window.themes.choice == choice)
        choices.addAction(action)
    view.addSeparator()
    add(view, "unfold_all", "&Unfold all groups", lambda: window.fold(True), "Ctrl+Shift+Down")
    add(view, "fold_all", "&Fold all groups", lambda: window.fold(False), "Ctrl+Shift+Up")
    view.addSeparator()
    add(view, "alternatives", "Compare &alternatives", lambda: window.show_comparison("alternatives"), "Ctrl+1")
    add(view, "scenarios", "Compare s&cenarios", lambda: window.show_comparison("scenarios"), "Ctrl+2")
    for kind in PAGES:
        add(view, kind.key, kind.menu, lambda _=False, key=kind.key: window.show_page(key), kind.shortcut)
    enlarge = add(view, "enlarge", "&Page over the plots", window.enlarge_page, "F9")
    enlarge.setCheckable(True)
    enlarge.setIconText("enlarge")
    enlarge.setToolTip("Give the page the room of the plots, or have the plots back (F9)")
    view.addSeparator()
    add(view, "fit_columns", "Fit &columns of the comparison", window.compare.fit_columns)
    add(scenario, "pin", "&Pin as baseline", window.document.pin_baseline, "Ctrl+B")
    add(scenario, "unpin", "&Unpin baseline", window.document.unpin_baseline, "Ctrl+Shift+B")
    document = window.document
    add(
        scenario,
        "to_baseline",
        "Everything back to the &baseline",
        lambda: window.reset_all(document.baseline, "everything, back to the baseline"),
        "Ctrl+Alt+B",
    )
    add(
        scenario,
        "to_file",
        "Everything back to the &file",
        lambda: window.reset_all(document.filed, "everything, back to the file"),
        "Ctrl+Alt+F",
    )
    scenario.addSeparator()
    add(
        scenario,
        "add_chip",
        "Compare a further &chip …",
        window.panel.chips.add_button.click,
        "Ctrl+Shift+A",
    )
    add(
        scenario,
        "change_chip",
        "C&hange the selected chip …",
        window.panel.chips.change_button.click,
        "Ctrl+E",
    )
    add(scenario, "remove_chip", "&Remove the selected chip", window.panel.chips.remove_button.click)
    add(scenario, "choose_model", "Choose a &model …", window.panel.model.preset_button.click, "Ctrl+M")
    add(scenario, "import_benchmark", "&Import a benchmark …", window.on_import_benchmark, "Ctrl+I")
    scenario.addSeparator()
    reasons = scenario.addMenu("Wh&y …")
    reasons.setObjectName("menu.why")
    for answer, title in WHY_TITLES:
        add(reasons, f"why.{answer}", title, lambda _=False, answer=answer: window.ask_why(answer))
    for step, label, title, shortcut in (
        (1, "next_alternative", "&Next alternative", "Ctrl+Down"),
        (-1, "previous_alternative", "Pre&vious alternative", "Ctrl+Up"),
    ):
        add(scenario, label, title, lambda _=False, step=step: window.step_alternative(step), shortcut)
    add(scenario, "next_workload", "Next &workload", window.workloads.show_next, "Ctrl+Tab")
    add(about, "keys", "&Keys and gestures", window.show_keys, key.HelpContents)
    add(about, "about", "&About this scenario", window.show_about)
    return actions


def _examples() -> list[Path]:
    try:
        return sorted(scenario_root().glob("*.toml"))
    except ExplorerError:
        # An installation without the examples still opens files.
        return []
