"""What the Help menu tells: keys and gestures, and what is open."""

from __future__ import annotations

from explorer.ui.document import Document

KEYS = """Keys and gestures
Arrow keys move a slider by a hundredth of its track, with Shift by a thousandth, Page Up and Page Down by a tenth,
Home and End to its ends; keys that follow each other within a second are one step of undo.
The wheel moves a slider only while it has the focus; a double click brings it back to the baseline.
Backspace brings the slider in focus back to the baseline, Shift+Backspace to the file; Ctrl+L locks it.
The ↺ in the head of a group brings the whole group back; a right click on a slider shows all its ways back.
Values can be typed with units: 70B, 1.5T, 32k, 50 ms, 2.4 TB/s, 20 %.
Ctrl+B pins the present scenario as the baseline; Ctrl+Z and Ctrl+Shift+Z undo and redo, a drag being one step.
A click on a number of the verdict says why it is what it is; F9 gives the page the room of the plots.
Ctrl+Up and Ctrl+Down select the next alternative, Ctrl+Tab the next workload, Ctrl+E changes the chip."""


def about_words(document: Document) -> str:
    """The scenario on the screen, its file, and what it was answered with."""
    scenario, outcome = document.scenario, document.outcome
    lines = [
        scenario.title,
        scenario.question,
        f"File: {document.path or 'none yet'}",
        f"Catalogue {outcome.catalog_edition}, engine {outcome.engine_version}",
        f"As of {scenario.as_of}" if scenario.as_of else "",
        *outcome.warnings,
    ]
    return "\n".join(line for line in lines if line)
