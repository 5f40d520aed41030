"""How well a typed text matches a title: the ranking of the command palette."""

from __future__ import annotations

WORD_START, WITHIN, SCATTERED = 3.0, 1.5, 0.4


def match(query: str, title: str, further: str = "", initials: bool = True) -> float | None:
    """A score, higher for a better match; None when a typed word occurs nowhere.

    Each typed word may begin a word, lie within one, or, with `initials`, be the first letters of words in their
    order ("bs" for "batch size"); a word that only occurs in `further` counts half. An empty query matches everything
    alike.
    """
    low, words = title.lower(), further.lower()
    total = 0.0
    for typed in query.lower().split():
        found = _word(typed, low, initials)
        beside = _word(typed, words, initials=False)
        best = max(found or 0.0, 0.5 * (beside or 0.0))
        if not best:
            return None
        total += best
    return total - 0.002 * len(title) if total else 0.0


def _word(typed: str, text: str, initials: bool) -> float | None:
    place = text.find(typed)
    while place > 0 and text[place - 1].isalnum():
        later = text.find(typed, place + 1)
        if later < 0:
            return WITHIN
        place = later
    if place >= 0:
        return WORD_START + (0.5 if place == 0 else 0.0)
    return _of_initials(typed, text) if initials and len(typed) > 1 else None


def _of_initials(typed: str, text: str) -> float | None:
    """Each letter begins a word, in order; nearer together is better. Letters from within words would find some
    title for almost anything that is typed."""
    firsts = [sign for place, sign in enumerate(text) if sign.isalnum() and not text[max(place - 1, 0)].isalnum()]
    if text[:1].isalnum():
        firsts.insert(0, text[0])
    best: float | None = None
    for start, sign in enumerate(firsts):
        if sign != typed[0]:
            continue
        place = start
        for letter in typed[1:]:
            if letter not in firsts[place + 1 :]:
                break
            place = firsts.index(letter, place + 1)
        else:
            score = SCATTERED * len(typed) / (place - start + 1)
            best = score if best is None else max(best, score)
    return best
