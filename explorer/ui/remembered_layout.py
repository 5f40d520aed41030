"""The remembered layout of a window: taken up at its start, kept at its end; scale and presenter mode."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QSize, QTimer, Signal

from explorer.ui.main_window import LEAST, MainWindow
from explorer.ui.question_bar import Reply
from explorer.ui.settings import SCALES, Settings, write_settings

SCALE = "scale"


class RememberedLayout(QObject):
    """Holds the settings of one window; `restart_asked` when the program is to begin again with other ones."""

    restart_asked = Signal()

    def __init__(self, window: MainWindow, settings: Settings, folder: Path, scale_in_force: float = 1.0) -> None:
        super().__init__(window)
        self._window, self._folder = window, folder
        self.scale_in_force = scale_in_force
        self.settings = settings

    def apply(self) -> None:
        """Give the window its size and open its groups; before it is shown."""
        window = self._window
        available = window.screen().availableGeometry().size()
        window.resize(QSize(*self.settings.size).boundedTo(available).expandedTo(QSize(*LEAST)))
        window.panel.unfold(*self.settings.unfolded)
        window.enlarge_page(self.settings.enlarged)

    def show(self) -> None:
        """Show the window as it was last."""
        if self.settings.presenter:
            self._window.showFullScreen()
        elif self.settings.maximized:
            self._window.showMaximized()
        else:
            self._window.show()

    def remember(self) -> None:
        """Keep the present layout for the next start."""
        window = self._window
        unfolded = tuple(group.frame.objectName() for group in window.panel.folded if group.frame.is_open)
        kept = replace(self.settings, unfolded=unfolded, enlarged=window.centre.enlarged)
        if window.themes is not None:
            kept = replace(kept, theme=window.themes.choice)
        if not self.settings.presenter:
            maximized = window.isMaximized()
            size = self.settings.size if maximized else (window.width(), window.height())
            kept = replace(kept, maximized=maximized, size=size)
        self.settings = kept
        write_settings(self._folder, kept)

    def has_toured(self) -> None:
        """The tour was seen."""
        self.settings = replace(self.settings, toured=True)

    def choose_scale(self, scale: float) -> None:
        """Draw everything larger or smaller; Qt takes a scale at the program's start only."""
        self.settings = replace(self.settings, scale=scale)
        if scale == self.scale_in_force or self.settings.presenter:
            self._window.questions.withdraw(SCALE)
            if self.settings.presenter:
                text = f"A scale of {scale:.0%} is taken when presenter mode ends."
                self._window.messages.show_message(text, "remark")
            return
        width, height = (round(side * scale) for side in LEAST)
        screen = self._window.screen().size() * self.scale_in_force
        room = "" if width <= screen.width() and height <= screen.height() else (
            f" The window then needs {width} × {height} pixels, and this screen has {screen.width()} × "
            f"{screen.height()}."
        )  # fmt: skip
        self._window.questions.ask(
            SCALE,
            f"A scale of {scale:.0%} takes effect when the program starts again; unsaved work is carried over.{room}",
            (
                Reply("Restart now", "Close and open the window at once", self.restart_asked.emit),
                Reply("Later", "From the next start on", lambda: None),
            ),
        )

    def set_presenter(self, on: bool) -> None:
        """Fill the screen with the largest type that leaves all in view, or go back."""
        if on == self.settings.presenter:
            return
        if on:
            self.remember()
        largest = largest_scale(self._window.screen().size() * self.scale_in_force, self.settings.scale)
        self.settings = replace(self.settings, presenter=on, presenter_scale=largest)
        if scale_of(self.settings) != self.scale_in_force:
            # Not from within the menu that asked for it.
            QTimer.singleShot(0, self.restart_asked.emit)
        elif on:
            self._window.showFullScreen()
        else:
            self._window.showNormal()


def largest_scale(screen: QSize, least: float) -> float:
    """The largest scale at which the least window fits a screen of this size; at least `least`."""
    fitting = [one for one in SCALES if LEAST[0] * one <= screen.width() and LEAST[1] * one <= screen.height()]
    return max([*fitting, least])


def scale_of(settings: Settings) -> float:
    """The scale that settings ask for."""
    return settings.presenter_scale if settings.presenter else settings.scale
