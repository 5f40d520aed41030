"""What the worker does, in the words of the status bar."""

from __future__ import annotations

WORDS = {
    "": "",
    "idle": "",
    "refining": "refining …",
    "failed": "could not refine: quick answer shown",
    "worker lost": "the worker ended: quick answer shown",
    "worker gone": "the worker ended: quick answer shown",
}


def worker_words(status: str, final: bool, samples: int) -> str:
    """A line for a status of the live evaluation; `final` and `samples` are those of the answer on the screen."""
    if final and status in ("", "idle", "final"):
        return f"final, {samples:,} draws"
    if status == "final":
        # The scenario has moved on since the worker's last word.
        return f"quick answer, {samples:,} draws"
    return WORDS.get(status, status)
