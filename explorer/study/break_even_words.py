"""A break-even in words and as plain data: what the window says, what the command line prints."""

from __future__ import annotations

import math
from typing import Any

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import OUT_OF_REACH
from explorer.scenario.statement import Statement, Term
from explorer.study.break_even import Blocker, BreakEven
from explorer.study.output_values import latency_of
from explorer.study.probability_words import confidence_word
from explorer.study.unknown import ENDLESS, Unknown

SCHEMA = 1
SHARE = QUANTITIES["share"]


def sentence(found: BreakEven) -> str:
    """The answer in one or two sentences, the number first."""
    unknown = found.unknown
    if found.status == "infeasible":
        return _infeasible(found)
    if found.status == "no effect":
        return _no_effect(found)
    name, goal, present = _of(unknown), _goal(found.statement), unknown.reach.present
    if found.value is None:
        return f"{name} may have any value: {goal} is met already."
    value = unknown.written(found.value)
    now = "" if present is None else f"; it is {unknown.written(present)} now"
    if found.statement.comparison == "=":
        return f"{name} at {value} makes both sides equal ({goal}){now}."
    if found.status == "already met" and present is not None:
        now = f"; at {unknown.written(present)} it already is"
    bound = "at least" if found.rising else "at most"
    return f"{name} must be {bound} {value}{_beyond(unknown, found.value, found.rising)} for {goal}{now}."


def chance_words(found: BreakEven) -> str:
    """How surely the goal is met with the number where it is: "now 50 %", or "at 3.54 TB/s: 50 %" of an open figure,
    for a verdict is drawn over all that is believed of it."""
    present, chance = found.unknown.reach.present, found.chance_now
    if present is None or chance is None:
        return ""
    here = f"at {found.unknown.written(present)}:" if _drawn_apart(found) else "now"
    return f"{here} {SHARE.format(chance)}"


def remarks(found: BreakEven) -> list[str]:
    """What stands beside the answer: how sure, what is bought, what else is wrong; a sentence each."""
    lines = [*_band(found)]
    if found.any_build and found.chips_at_value:
        chips = f"{found.chips_at_value:,}"
        at = "there" if found.value is not None else "as things are"
        lines.append(f"Any number of replicas may be bought; {at} it takes {chips} chips for the traffic stated.")
    if len(found.crossings) > 1:
        unknown = found.unknown
        places = ", ".join(unknown.written(value) for value in found.crossings)
        lines.append(f"More is not always better here: the answer turns at {places}; the nearest one is given.")
    others = found.blockers[1:] if found.status in ("infeasible", "no effect") else ()
    if others:
        listed = "; ".join(_needed(one) for one in others)
        lines.append(f"Any one of these would do as well: {listed}.")
    lines.extend(f"{caution}." for caution in found.cautions)
    if latency_of(found.statement.left.output) is not None:
        lines.append("Latencies are those of the closed form here; the simulation refines them once a value is set.")
    if found.unknown.path is None and found.value is not None:
        lines.append("A price by the hour is somebody's offer; where prices are costs, solve for the purchase price.")
    return lines


def side_words(term: Term) -> str:
    """A side of the goal by its name: "P99 TPOT of AI200 ×16", "2 × $/M tokens of H200"."""
    factor = "" if term.factor == 1.0 else f"{term.factor:g} × "
    output = f"{term.output.name} ({term.tier})" if term.tier else term.output.name
    degree = "" if term.degree is None else f" ×{term.degree}"
    return f"{factor}{output} of {term.subject}{degree}"


def curve_words(found: BreakEven) -> str:
    """What the goal's output and its chance do from the least to the largest value looked at."""
    curve = found.curve
    if curve is None:
        return ""
    quantity = found.statement.left.output.quantity

    def read(value: float) -> str:
        return quantity.format(value) if math.isfinite(value) else OUT_OF_REACH

    low, high = (found.unknown.written(value) for value in (curve.values[0], curve.values[-1]))
    side = side_words(found.statement.left)
    first = f"{side} is {read(curve.left[0])} at {low} and {read(curve.left[-1])} at {high}"
    if not curve.chances:
        return f"{first}."
    least, most = SHARE.format(curve.chances[0]), SHARE.format(curve.chances[-1])
    what = "this side is the larger" if found.statement.comparison == "=" else "the goal is met"
    return f"{first}; the chance that {what} goes from {least} to {most}."


def break_even_text(found: BreakEven) -> str:
    """The answer and its remarks as lines of text."""
    return "\n".join([sentence(found), *(f"  {line}" for line in remarks(found))])


def break_even_data(found: BreakEven) -> dict[str, Any]:
    """The answer as plain data, SI units; null where there is no number."""
    unknown = found.unknown
    return {
        "schema": SCHEMA,
        "goal": found.statement.text,
        "unknown": {
            "name": unknown.name,
            "path": unknown.path,
            "unit": unknown.quantity.unit_at(unknown.reach.present or found.value or 1.0),
            "present": unknown.reach.present,
            "disputed_or_undisclosed": unknown.is_open,
        },
        "method": "closed form",
        "status": found.status.replace(" ", "_"),
        "value": found.value,
        "met": None if found.value is None else ("above" if found.rising else "below"),
        "met_in_5_percent_of_draws_from": found.hopeful,
        "met_in_95_percent_of_draws_from": found.sure,
        "chance_now": found.chance_now,
        "chance_over_what_is_believed": found.chance_over_all,
        "chance_at_best_end": found.chance_at_end,
        "best_end": found.end,
        "left_now": _finite(found.left_now),
        "right_now": _finite(found.right_now),
        "left_at_best_end": _finite(found.left_at_end),
        "right_at_best_end": _finite(found.right_at_end),
        "any_build": found.any_build,
        "chips_at_value": found.chips_at_value,
        "blocked_by": [
            {
                "name": one.unknown.name,
                "path": one.unknown.path,
                "present": one.unknown.reach.present,
                "at_least" if one.rising else "at_most": one.value,
                "disputed_or_undisclosed": one.unknown.is_open,
            }
            for one in found.blockers
        ],
        "left_with_all_figures_at_their_best": _finite(found.left_with_all_best),
        "crossings": list(found.crossings),
        "cautions": list(found.cautions),
        "samples": found.samples,
        "sentence": sentence(found),
        "remarks": remarks(found),
    }


def _infeasible(found: BreakEven) -> str:
    statement = found.statement
    quantity = statement.left.output.quantity
    if statement.comparison == "=":
        side = "above" if found.left_at_end > found.right_at_end else "below"
        return f"Infeasible: the left side stays {side} the right one, whatever {found.unknown.within}."
    first = f"Infeasible: even with {_end(found.unknown, found.end)}, "
    if math.isfinite(found.left_at_end):
        first += f"{statement.left.output.name} is {quantity.format(found.left_at_end)}, not {_limit(found)}."
    else:
        first += "nothing carries the load."
    return f"{first} {_blocking(found.blockers[0]) if found.blockers else _nothing_helps(found)}"


def _no_effect(found: BreakEven) -> str:
    output = found.statement.left.output
    first = f"No effect: {found.unknown.within} does not move {output.name}"
    if math.isfinite(found.left_at_end):
        first += f", which is {output.quantity.format(found.left_at_end)}"
    if found.blockers:
        return f"{first}. {_blocking(found.blockers[0])}"
    return f"{first}. {_nothing_helps(found)}".rstrip()


def _blocking(one: Blocker) -> str:
    return f"What blocks it: {_needed(one)}, even then."


def _needed(one: Blocker) -> str:
    unknown = one.unknown
    present = unknown.reach.present
    now = "" if present is None else f" (now {unknown.written(present)})"
    return f"{unknown.within} must be {'at least' if one.rising else 'at most'} {unknown.written(one.value)}{now}"


def _nothing_helps(found: BreakEven) -> str:
    best, quantity = found.left_with_all_best, found.statement.left.output.quantity
    if best is None:
        return ""
    if not math.isfinite(best):
        return "No figure of the chip would change that, nor all of them together."
    if _holds(found.statement, best, found.right_at_end):
        return "No other figure alone would make it possible; all of them together would."
    return (
        "No other figure alone would make it possible; with all of them at their best together it is "
        f"{quantity.format(best)}."
    )


def _holds(statement: Statement, left: float, right: float) -> bool:
    return left <= right if statement.comparison in ("<", "<=") else left >= right


def _band(found: BreakEven) -> list[str]:
    unknown = found.unknown
    if not found.samples or found.status == "no effect":
        return []
    if found.statement.left.of_fleet:
        return _band_of_fleet(found)
    if found.statement.comparison == "=":
        ends = sorted(one for one in (found.hopeful, found.sure) if one is not None)
        if len(ends) == 2:
            band = f"from {_written(unknown, ends[0])} to {_written(unknown, ends[1])}"
            return [f"Over all else that is not known: {band} in nine of ten cases."]
        return ["Over all else that is not known there is no such value in more than one case in twenty."]
    lines = []
    bound = "at least" if found.rising else "at most"
    if found.sure is not None:
        needed = f"{_written(unknown, found.sure)}{_beyond(unknown, found.sure, found.rising)}"
        lines.append(f"To be 95 % sure over all else that is not known: {bound} {needed}.")
    elif found.chance_at_end is not None:
        lines.append(
            "No value makes it 95 % sure over all else that is not known: "
            f"{SHARE.format(found.chance_at_end)} with {_end(unknown, found.end)}."
        )
    if found.hopeful is not None and found.status == "value":
        side = "under" if found.rising else "over"
        lines.append(f"Less than a chance of 5 % {side} {_written(unknown, found.hopeful)}.")
    if found.chance_now is not None:
        lines.append(_chance_sentence(found, found.chance_now))
    return lines


def _beyond(unknown: Unknown, value: float, rising: bool) -> str:
    """That nobody believes a figure is as good as this value, in brackets; empty where somebody does."""
    low, high = unknown.believed or (-math.inf, math.inf)
    if (value <= high) if rising else (value >= low):
        return ""
    side = "above" if rising else "below"
    if unknown.readings:
        return f" ({side} {_believed(unknown)})"
    return f" ({side} what is believed, {unknown.quantity.format_range(low, high)})"


def _believed(unknown: Unknown) -> str:
    return {0: "its whole range", 2: "both readings"}.get(unknown.readings, f"all {unknown.readings} readings")


def _drawn_apart(found: BreakEven) -> bool:
    """Whether the chance over all that is believed of the number is another than at its present value."""
    here, over_all = found.chance_now, found.chance_over_all
    return here is not None and over_all is not None and SHARE.format(here) != SHARE.format(over_all)


def _chance_sentence(found: BreakEven, chance: float) -> str:
    unknown, over_all, present = found.unknown, found.chance_over_all, found.unknown.reach.present
    here = f"{confidence_word(chance)} ({SHARE.format(chance)})"
    if over_all is None or present is None or not _drawn_apart(found):
        return f"As things are: {here}."
    return (
        f"With it at {unknown.written(present)}: {here}; over {_believed(unknown)}: {confidence_word(over_all)} "
        f"({SHARE.format(over_all)})."
    )


def _band_of_fleet(found: BreakEven) -> list[str]:
    """A fleet's answer runs over suppliers only, which must be said."""
    lines = ["A fleet is answered at the stated figures and prices: what is open about chips is not in this."]
    if found.chance_now is not None and 0.0 < found.chance_now < 1.0:
        lines.append(
            "It is the mean over the suppliers that are not disclosed; as things are the goal holds in "
            f"{SHARE.format(found.chance_now)} of the ways these may be ({confidence_word(found.chance_now)})."
        )
    if found.sure is not None and found.sure not in (found.value, found.hopeful) and _apart(found.sure, found.hopeful):
        bound = "at least" if found.rising else "at most"
        lines.append(f"To be 95 % sure of those suppliers: {bound} {_written(found.unknown, found.sure)}.")
    return lines


def _apart(one: float, other: float | None) -> bool:
    return other is None or not math.isclose(one, other, rel_tol=0.02)


def _written(unknown: Unknown, value: float) -> str:
    """A value, or that there need be nothing of it, or no end to it."""
    present = unknown.reach.present
    if present and math.isclose(value, present * ENDLESS):
        return "no limit"
    if present and math.isclose(value, present / ENDLESS):
        return "next to nothing"
    return unknown.written(value)


def _end(unknown: Unknown, end: str) -> str:
    """The best end: "scale-up link bandwidth, one way (AI200) without limit"."""
    reach = unknown.reach
    text = _written(unknown, reach.high_end if end == "high" else reach.low_end)
    beyond = {"no limit": "without limit", "next to nothing": "next to nothing"}.get(text, f"at {text}")
    return f"{unknown.within} {beyond}"


def _goal(statement: Statement) -> str:
    return statement.text.strip().replace("<=", "≤").replace(">=", "≥")


def _limit(found: BreakEven) -> str:
    sign = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "=": ""}[found.statement.comparison]
    return f"{sign} {found.statement.left.output.quantity.format(found.right_at_end)}"


def _of(unknown: Unknown) -> str:
    """The number as a sentence begins with it: "Memory bandwidth of AI200"."""
    return f"{unknown.title} of {unknown.of}" if unknown.of else unknown.title


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
