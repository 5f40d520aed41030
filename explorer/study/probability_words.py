"""Probabilities in words: one scale for the window, the command line and what is handed on."""

from __future__ import annotations

CONFIDENCE = (
    (0.975, "almost sure"),
    (0.9, "very likely"),
    (0.65, "likely"),
    (0.35, "a coin toss"),
    (0.1, "unlikely"),
    (0.025, "very unlikely"),
)
"""Least probability of each word; below the last one it is hopeless."""

HOPELESS = "hopeless"


def confidence_word(probability: float) -> str:
    """A probability in words."""
    return next((word for least, word in CONFIDENCE if probability >= least), HOPELESS)


def scale_sentence() -> str:
    """The whole scale as one sentence, for those who read the words without the numbers."""
    steps = [f"{word} from {100.0 * least:.3g} %" for least, word in CONFIDENCE]
    return f"Words for probabilities: {', '.join(steps)}, {HOPELESS} below."
