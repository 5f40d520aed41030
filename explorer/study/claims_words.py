"""Checked claims in words and as plain data: what the window, the command line and the report say of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import OUT_OF_REACH, number_text
from explorer.scenario.statement import Term
from explorer.study.banded import Banded
from explorer.study.claims import ClaimAnswer, Decider
from explorer.study.probability_words import HOPELESS, confidence_word

SCHEMA = 1
SHARE = QUANTITIES["share"]
SIGNS = {"<=": "≤", ">=": "≥"}
NO_RATE = "no rate"


def verdict(found: ClaimAnswer) -> str:
    """How sure the claim is: "likely (82 %)"."""
    if found.settled:
        return "holds" if found.holds else "does not hold"
    if found.probability is not None:
        word = confidence_word(found.probability)
        if word == HOPELESS:
            # of a promise there is no hope; of a claim it is that it is false
            word = "almost surely false" if found.probability > 0.0 else "false"
        return f"{word} ({SHARE.format(found.probability)})"
    if found.holds is None:
        return "cannot be told"
    return f"{'holds' if found.holds else 'does not hold'} at the stated values"


def side_text(found: ClaimAnswer, stated: Banded | None, factor: float = 1.0) -> str:
    """One side of the statement with its band: "44 ms (35 ms to 61 ms)"; the `factor` of its term taken off."""
    if stated is None:
        return ""
    side = Banded(stated.value / factor, stated.low / factor, stated.high / factor)
    quantity = found.statement.left.output.quantity

    def read(number: float) -> str:
        # of a rate that keeps promises, none at all is the news
        if quantity.key == "request_rate" and number == 0.0:
            return NO_RATE
        return quantity.format(number) if math.isfinite(number) else OUT_OF_REACH

    value, low, high = read(side.value), read(side.low), read(side.high)
    if side.low == side.high:
        return value
    return value if low == high == value else f"{value} ({low} to {high})"


def sides_text(found: ClaimAnswer) -> str:
    """Both sides as they were found: "0.44 s (35 ms to out of reach) against 2 × 42 ms (22 ms to 95 ms)".

    Or what was found behind the limit that is claimed: "> 0 GB claimed, 264 GB found". A number without a unit has its
    name.
    """
    if found.left is None:
        return ""
    left, right = found.statement.left, found.statement.right
    quantity = left.output.quantity
    name = f"{left.output.name} " if quantity.key == "plain" else ""
    first = f"{name}{_times(left)}{side_text(found, found.left, left.factor)}"
    if isinstance(right, float):
        sign = SIGNS.get(found.statement.comparison, found.statement.comparison)
        claimed = f"{sign} {quantity.format(right)}"
        if quantity.key == "request_rate" and right == 0.0:
            claimed = "some rate" if sign == ">" else NO_RATE if sign in ("≤", "=") else claimed
        return f"{claimed} claimed, {first} found"
    return f"{first} against {_times(right)}{side_text(found, found.right, right.factor)}"


def _times(term: Term) -> str:
    return "" if term.factor == 1.0 else f"{term.factor:g} × "


def hangs_on(found: ClaimAnswer) -> str:
    """The figure that decides the claim, in a few words: "Purchase price (AI200), turns at $14.1k"."""
    parts = []
    if found.decider is not None:
        one = found.decider
        turn = "" if one.flips_at is None else f", turns at {one.quantity.format(one.flips_at)}"
        parts.append(f"{one.title} ({one.of}){turn}")
    elif found.settled:
        counted = found.statement.left.output.key == "chance"
        parts.append("all that is open, which the chance already counts" if counted else "nothing that is open")
    elif found.probability in (0.0, 1.0):
        parts.append("no open figure changes it")
    elif found.probability is not None:
        parts.append(found.over if found.over and not _of_figures(found) else "many figures together")
    if found.stalls_flip_at is not None:
        chance = number_text(found.stalls_flip_at, 1)
        parts.append(f"turns where a rare stall has a chance of {chance} a chip and barrier")
    return "; ".join(parts)


def details(found: ClaimAnswer) -> list[str]:
    """What stands behind the answer, a sentence each."""
    lines: list[str] = []
    if found.reason:
        lines.append(f"{_upper(found.reason)}.")
    if found.decider is not None:
        lines.append(_decider_sentence(found.decider))
    if found.model_share >= 0.05:
        lines.append(f"The model's own error explains {SHARE.format(found.model_share)} of the doubt.")
    if found.undecided >= 0.005:
        lines.append(
            f"In {SHARE.format(found.undecided)} of the cases neither side carries the load; they are left out."
        )
    if found.probability is not None and found.over and not found.settled:
        lines.append(f"The probability runs over {found.over}.")
    lines.extend(f"{caution}." for caution in found.cautions)
    return lines


def claims_text(found: Sequence[ClaimAnswer]) -> str:
    """The claims one below the other, for the command line."""
    if not found:
        return "the scenario makes no claims: add [[claims]] with name and statement"
    blocks = []
    for one in found:
        lines = [f"{one.claim.name}: {verdict(one)}", f"  {one.claim.statement}"]
        lines += [f"  {text}" for text in (sides_text(one),) if text]
        lines += [f"  hangs on: {text}" for text in (hangs_on(one),) if text]
        lines += [f"  {line}" for line in details(one)]
        lines += [f"  found since: {one.claim.found}"] if one.claim.found else []
        lines += [f"  source: {source}" for source in one.claim.sources]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def claims_data(found: Sequence[ClaimAnswer]) -> dict[str, Any]:
    """The claims as plain data, SI units; null where there is no number."""
    return {"schema": SCHEMA, "method": "closed form", "claims": [_claim(one) for one in found]}


def _claim(found: ClaimAnswer) -> dict[str, Any]:
    right = found.statement.right
    return {
        "name": found.claim.name,
        "says": found.claim.says,
        "statement": found.claim.statement,
        "sources": list(found.claim.sources),
        "found_since": found.claim.found,
        "holds_at_stated_values": found.holds,
        "probability": found.probability,
        "settled": found.settled,
        "verdict": verdict(found),
        "left": _side(found.left),
        "right": right if isinstance(right, float) else _side(found.right),
        "hangs_on": None if found.decider is None else _decider(found.decider),
        "share_of_the_models_own_error": found.model_share,
        "undecided": found.undecided,
        "turns_at_stall_probability": found.stalls_flip_at,
        "over": found.over,
        "cautions": list(found.cautions),
        "reason": found.reason,
    }


def _decider(one: Decider) -> dict[str, Any]:
    return {
        "figure": one.title,
        "of": one.of,
        "path": one.path or None,
        "share_of_the_doubt": one.share,
        "probability_at_its_low_end": one.chance_low,
        "probability_at_its_high_end": one.chance_high,
        "turns_at": one.flips_at,
        "source": one.source,
    }


def _side(side: Banded | None) -> dict[str, Any] | None:
    if side is None:
        return None
    return {end: _finite(getattr(side, end)) for end in ("value", "low", "high")}


def _decider_sentence(one: Decider) -> str:
    return (
        f"{one.title} ({one.of}) decides most: at its low end the claim holds in "
        f"{SHARE.format(one.chance_low)} of the cases, at its high end in {SHARE.format(one.chance_high)}."
    )


def _of_figures(found: ClaimAnswer) -> bool:
    return not any(term.of_fleet for term in found.statement.terms)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
