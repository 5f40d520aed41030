"""What every page owes the book of pages."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.plots.tokens import Tokens


class Page(QWidget):
    """A page beneath or in place of the plots."""

    def set_tokens(self, tokens: Tokens) -> None:
        """Colours of the theme; subclasses hand them to their plots."""
        raise NotImplementedError
