"""How well a typed text matches a title: the ranking of the command palette."""

from __future__ import annotations

WORD_START, WITHIN, SCATTERED = 3.0, 1.5, 0.4


def match(query: str, title: str, further: str = "") -> float | None:
    """A score, higher for a better match; None when a typed word occurs nowhere.

    Each typed word may begin a word, lie within one, or be scattered over the title letter by letter; a word that
    only occurs in `further` counts half. An empty query matches everything alike.
    """
    low, words = title.lower(), further.lower()
    total = 0.0
    for typed in query.lower().split():
        found = _word(typed, low)
        beside = _word(typed, words, scattered=False)
        best = max(found or 0.0, 0.5 * (beside or 0.0))
        if not best:
            return None
        total += best
    return total - 0.002 * len(title) if total else 0.0


def _word(typed: str, text: str, scattered: bool = True) -> float | None:
    place = text.find(typed)
    while place > 0 and text[place - 1].isalnum():
        later = text.find(typed, place + 1)
        if later < 0:
            return WITHIN
        place = later
    if place >= 0:
        return WORD_START + (0.5 if place == 0 else 0.0)
    return _scattered(typed, text) if scattered and len(typed) > 1 else None


def _scattered(typed: str, text: str) -> float | None:
    """The first letter begins a word, the others follow in order; nearer together is better."""
    best: float | None = None
    for start in (0, *(place + 1 for place, sign in enumerate(text) if not sign.isalnum())):
        if not text.startswith(typed[0], start):
            continue
        place = start
        for letter in typed[1:]:
            place = text.find(letter, place + 1)
            if place < 0:
                break
        else:
            score = SCATTERED * len(typed) / (place - start + 1)
            best = score if best is None else max(best, score)
    return best
