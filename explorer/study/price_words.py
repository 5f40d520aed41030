"""What to know of a price before it is believed, in one wording: nobody published it, it is old, it is of elsewhere."""

from __future__ import annotations

from explorer.study.outcome import Cost

ASSUMED = "assumed price, nobody published it"
STALE = "stale price, older than half a year"


def price_doubts(cost: Cost) -> tuple[str, ...]:
    """What makes a price no better than a guess; empty for one that was published lately, or follows a formula."""
    doubts = ((ASSUMED, cost.price_hypothetical), (STALE, cost.price_stale))
    return tuple(words for words, true in doubts if true)


def price_marks(cost: Cost) -> tuple[str, ...]:
    """The same in the few words that a tile has room for: "assumed price", "stale price"."""
    return tuple(words.partition(",")[0] for words in price_doubts(cost))


def price_remarks(cost: Cost) -> tuple[str, ...]:
    """The doubts, and whether the price is of another region than the scenario's."""
    return (*price_doubts(cost), *((cost.price_elsewhere,) if cost.price_elsewhere else ()))
