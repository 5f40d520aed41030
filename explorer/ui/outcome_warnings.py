"""Shows what an outcome warns of in the message bar: once, when it comes up, and not while a hand moves."""

from __future__ import annotations

from PySide6.QtCore import QObject

from explorer.ui.document import Document
from explorer.ui.message_bar import MessageBar


class OutcomeWarnings(QObject):
    """Ties the message bar to what the document's outcomes warn of."""

    def __init__(self, document: Document, messages: MessageBar, parent: QObject) -> None:
        super().__init__(parent)
        self._document, self._messages = document, messages
        self._told: tuple[str, ...] = ()
        document.outcome_changed.connect(self.show)
        document.dragging_changed.connect(self.show)

    def show(self) -> None:
        """Show new warnings, take back those that hold no longer; one that was closed stays closed while it holds."""
        warnings = self._document.outcome.warnings
        if self._document.is_dragging or warnings == self._told:
            return
        seen = bool(self._told) and self._messages.text == "\n".join(self._told)
        if warnings and (seen or len(warnings) > len(self._told)):
            self._messages.show_message("\n".join(warnings), "remark")
        elif seen:
            self._messages.clear()
        self._told = warnings
