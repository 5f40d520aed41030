"""The menu entries that rest on what the program keeps: recent files, scale, presenter mode, log."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from explorer.ui.document_life import DocumentLife
from explorer.ui.first_run import start_tour
from explorer.ui.icons import icon
from explorer.ui.log import LogFile
from explorer.ui.log_view import LogView
from explorer.ui.main_window import MainWindow
from explorer.ui.remembered_layout import RememberedLayout
from explorer.ui.settings import SCALES

ICONS = {
    "new": "new", "open": "open", "save": "save", "undo": "undo", "redo": "redo", "pin": "pin",
    "add_chip": "compare", "palette": "search", "log": "warning",
}  # fmt: skip


def add_kept_menus(
    window: MainWindow, life: DocumentLife, layout: RememberedLayout, log_file: LogFile
) -> dict[str, QAction]:
    """Add the entries to a window's menus and return all its actions by name."""
    actions = window.actions_by_name
    menus = {menu.objectName(): menu for menu in window.menuBar().findChildren(QMenu)}

    def add(
        menu: QMenu, name: str, title: str, do: Callable[..., object], keys: str = "", checked: bool | None = None
    ) -> QAction:
        action = QAction(title, window)
        action.setObjectName(name)
        action.setShortcut(QKeySequence(keys))
        action.setCheckable(checked is not None)
        action.setChecked(bool(checked))
        action.triggered.connect(do)
        menu.addAction(action)
        actions[name] = action
        return action

    recent = QMenu("Open &recent", window)
    recent.setObjectName("menu.recent")
    menus["menu.file"].insertMenu(menus["menu.examples"].menuAction(), recent)
    recent.aboutToShow.connect(lambda: _fill_recent(recent, window, life))
    window.recent_paths = lambda: life.recent.paths

    view = menus["menu.view"]
    view.addSeparator()
    scales = view.addMenu("S&cale")
    scales.setObjectName("menu.scale")
    group = QActionGroup(window)
    for scale in SCALES:
        group.addAction(
            add(
                scales,
                f"scale.{scale:.0%}",
                f"Scale {scale:.0%}",
                lambda _=False, scale=scale: layout.choose_scale(scale),
                checked=scale == layout.settings.scale,
            )
        )
    add(view, "presenter", "&Presenter mode", layout.set_presenter, "F11", checked=layout.settings.presenter)
    add(menus["menu.help"], "tour", "&Tour in four steps", lambda: start_tour(window, layout))
    add(menus["menu.help"], "log", "Show &log", lambda: LogView(log_file, window).show())
    _put_icons(window)
    if window.themes is not None:
        window.themes.theme_changed.connect(lambda _: _put_icons(window))
    return actions


def _put_icons(window: MainWindow) -> None:
    for name, drawn in ICONS.items():
        window.actions_by_name[name].setIcon(icon(drawn))


def _fill_recent(menu: QMenu, window: MainWindow, life: DocumentLife) -> None:
    menu.clear()
    for path in life.recent.paths:
        action = menu.addAction(path.name.replace("&", "&&"))
        action.setToolTip(str(path))
        action.triggered.connect(lambda _=False, path=path: window.files.open_after_guard(path))
    if menu.isEmpty():
        menu.addAction("no file yet").setEnabled(False)
        return
    menu.addSeparator()
    menu.addAction("&Forget all").triggered.connect(life.recent.clear)
