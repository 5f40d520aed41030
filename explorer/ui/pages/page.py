"""What every page owes the book of pages."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from explorer.plots.tokens import Tokens


class Page(QWidget):
    """A page beneath the plots."""

    figure_asked = Signal(str, str)
    """Alternative and figure whose slider is wanted."""
    told = Signal(str)
    """A remark to show."""

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme; subclasses hand them to their plots."""
        raise NotImplementedError
