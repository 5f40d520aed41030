"""Light and dark: palette and one style sheet on Fusion, made from the plots' table of tokens."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from explorer.catalog.location import resource_root
from explorer.plots.fonts import NOTE, font
from explorer.plots.tokens import CONTROL_RADIUS, DARK, LIGHT, RADIUS, Tokens

Choice = Literal["system", "light", "dark"]
_KEPT = "explorer_tokens"
"""Kept by the application's object in Python: to ask Qt for a property takes ten times as long."""


def tokens() -> Tokens:
    """The tokens of the theme in force; light before any theme was applied."""
    application = QGuiApplication.instance()
    found = getattr(application, _KEPT, None)
    return found if isinstance(found, Tokens) else LIGHT


def system_tokens() -> Tokens:
    """What the desktop asks for; light where it does not say."""
    return DARK if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else LIGHT


def apply(application: QApplication, chosen: Tokens) -> None:
    """Dress the whole application in a theme."""
    if getattr(application, _KEPT, None) == chosen and application.styleSheet():
        return
    setattr(application, _KEPT, chosen)
    application.setStyle("Fusion")
    application.setFont(font())
    application.setPalette(palette(chosen))
    application.setStyleSheet(style_sheet(chosen))


class ThemeSwitch(QObject):
    """Follows the desktop's light or dark, or the user's choice."""

    theme_changed = Signal(object)

    def __init__(self, application: QApplication, choice: Choice = "system") -> None:
        super().__init__(application)
        self._application = application
        self._choice: Choice = choice
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        apply(application, self._wanted())

    @property
    def choice(self) -> Choice:
        """What was chosen."""
        return self._choice

    def choose(self, choice: Choice) -> None:
        """Follow the system, or stay light or dark."""
        self._choice = choice
        self._refresh()

    def _wanted(self) -> Tokens:
        return {"light": LIGHT, "dark": DARK, "system": system_tokens()}[self._choice]

    def _on_system_changed(self) -> None:
        if self._choice == "system":
            self._refresh()

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted != tokens():
            apply(self._application, wanted)
            self.theme_changed.emit(wanted)


def palette(chosen: Tokens) -> QPalette:
    """Qt's palette of a theme."""
    made = QPalette()
    role = QPalette.ColorRole
    for which, color in (
        (role.Window, chosen.window),
        (role.WindowText, chosen.text),
        (role.Base, chosen.panel),
        (role.AlternateBase, chosen.accent_wash),
        (role.Text, chosen.text),
        (role.Button, chosen.panel),
        (role.ButtonText, chosen.text),
        (role.Highlight, chosen.accent),
        (role.HighlightedText, chosen.panel),
        (role.ToolTipBase, chosen.panel),
        (role.ToolTipText, chosen.text),
        (role.Link, chosen.accent),
        (role.PlaceholderText, chosen.secondary),
        (role.Light, chosen.panel),
        (role.Midlight, chosen.hairline),
        (role.Mid, chosen.track),
        (role.Dark, chosen.track),
        (role.Shadow, chosen.hairline),
        (role.BrightText, chosen.bad),
        (role.Accent, chosen.accent),
    ):
        made.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, which, QColor(chosen.faint))
    return made


def style_sheet(chosen: Tokens) -> str:
    """The one style sheet: hairlines and washes, no boxes in boxes."""
    t, note = chosen, int(NOTE + 0.5)
    arrow, tick = ((resource_root() / "icons" / f"{name}-{t.name}.png").as_posix() for name in ("choose", "tick"))
    return f"""
QFrame#why {{ background: {t.panel}; border: 1px solid {t.hairline}; border-radius: {RADIUS}px; }}
QToolTip {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.hairline}; padding: 6px; }}
QMenuBar {{ background: {t.panel}; color: {t.secondary}; border-bottom: 1px solid {t.hairline}; padding: 1px 4px; }}
QMenuBar::item {{ padding: 4px 9px; background: transparent; border-radius: {CONTROL_RADIUS}px; }}
QMenuBar::item:selected {{ background: {t.accent_wash}; color: {t.text}; }}
QMenu {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.hairline}; padding: 4px; }}
QMenu::item {{ padding: 5px 22px 5px 22px; border-radius: {CONTROL_RADIUS}px; }}
QMenu::item:selected {{ background: {t.accent_wash}; }}
QMenu::item:disabled {{ color: {t.faint}; }}
QMenu::separator {{ height: 1px; background: {t.hairline}; margin: 4px 8px; }}
QStatusBar {{ background: {t.window}; color: {t.secondary}; font-size: {note}px; }}
QStatusBar::item {{ border: 0; }}
QStatusBar QLabel {{ color: {t.secondary}; font-size: {note}px; padding: 0 6px; }}
QFrame#card, QFrame#panel {{ background: {t.panel}; border: 1px solid {t.hairline}; border-radius: {RADIUS}px; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; border: 0; }}
QLabel#note {{ color: {t.secondary}; font-size: {note}px; }}
QLineEdit {{ background: {t.accent_wash}; color: {t.text}; border: 1px solid {t.hairline};
  border-radius: {CONTROL_RADIUS}px; padding: 1px 5px; selection-background-color: {t.accent};
  selection-color: {t.panel}; }}
QLineEdit:focus {{ border: 1px solid {t.accent}; background: {t.panel}; }}
QLineEdit#value {{ font-weight: 600; padding: 1px 3px; }}
QComboBox {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.hairline};
  border-radius: {CONTROL_RADIUS}px; padding: 2px 6px; min-height: 20px; }}
QComboBox:focus {{ border: 1px solid {t.accent}; }}
QComboBox::drop-down {{ border: 0; width: 18px; }}
QComboBox::down-arrow {{ image: url("{arrow}"); width: 10px; height: 6px; }}
QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.hairline};
  selection-background-color: {t.accent_wash}; selection-color: {t.text}; }}
QToolButton, QPushButton {{ background: transparent; color: {t.secondary}; border: 1px solid transparent;
  border-radius: {CONTROL_RADIUS}px; padding: 2px 6px; min-height: 18px; }}
QPushButton {{ border: 1px solid {t.hairline}; color: {t.text}; padding: 3px 12px; }}
QToolButton:hover, QPushButton:hover {{ background: {t.accent_wash}; color: {t.text}; }}
QToolButton:focus, QPushButton:focus {{ border: 1px solid {t.accent}; }}
QToolButton:disabled {{ color: {t.faint}; }}
QToolButton#segment {{ border: 1px solid {t.hairline}; border-radius: 0; padding: 1px 4px; color: {t.secondary}; }}
QToolButton#segment:checked {{ background: {t.accent}; color: {t.panel}; font-weight: 600;
  border-color: {t.accent}; }}
QToolButton#segment:focus {{ border: 1px solid {t.text}; }}
QToolButton#flat {{ font-size: {note}px; padding: 1px 4px; }}
QCheckBox {{ color: {t.text}; spacing: 6px; min-height: 20px; border: 1px solid transparent;
  border-radius: {CONTROL_RADIUS}px; }}
QCheckBox::indicator {{ width: 13px; height: 13px; border: 1px solid {t.secondary}; border-radius: 3px;
  background: {t.panel}; }}
QCheckBox::indicator:checked {{ background: {t.accent}; border: 1px solid {t.accent}; image: url("{tick}"); }}
QCheckBox:focus {{ border: 1px solid {t.accent}; }}
QListWidget, QTableView {{ background: {t.panel}; color: {t.text}; border: 0; outline: 0;
  selection-background-color: {t.accent_wash}; selection-color: {t.text}; }}
QTableView {{ border: 1px solid transparent; }}
QTableView:focus {{ border: 1px solid {t.accent}; border-radius: {CONTROL_RADIUS}px; }}
QFrame#card QListWidget::item {{ min-height: 24px; padding-left: 4px; }}
QFrame#hairline {{ background: {t.hairline}; border: 0; }}
QTableView {{ gridline-color: {t.hairline}; }}
QHeaderView {{ background: {t.panel}; border: 0; }}
QHeaderView::section {{ background: {t.panel}; color: {t.secondary}; border: 0;
  border-bottom: 1px solid {t.hairline}; padding: 3px 6px; font-size: {note}px; font-weight: 400; }}
QTableCornerButton::section {{ background: {t.panel}; border: 0; }}
QTabBar::tab {{ background: transparent; color: {t.secondary}; padding: 5px 10px; border: 0;
  border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {t.text}; font-weight: 600; border-bottom: 2px solid {t.accent}; }}
QTabBar::tab:focus {{ background: {t.accent_wash}; border-bottom: 2px solid {t.text}; }}
QTabBar {{ qproperty-drawBase: 0; background: transparent; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {t.track}; border-radius: 3px; margin: 2px; min-height: 24px; min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QAbstractScrollArea::corner {{ background: {t.panel}; border: 0; }}
QSplitter::handle {{ background: transparent; }}
QPlainTextEdit {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.hairline}; }}
"""
