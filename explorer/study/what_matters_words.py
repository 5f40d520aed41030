"""What matters and what to ask first in words and tables: one wording for the window, the command line and paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from explorer.scenario.quantities import QUANTITIES, quantity_for_unit, unit_scale
from explorer.scenario.quantity import NOTHING, OUT_OF_REACH, number_text
from explorer.study.ask_first import Demand, Threshold
from explorer.study.describe import METRIC_NAMES
from explorer.study.probability_words import confidence_word, scale_sentence
from explorer.study.regret import RegretTable
from explorer.study.uncertainty import FIRST, STEP
from explorer.study.verdict_table import columns
from explorer.study.what_matters import EXPLAINED, Part, Spread, Swing, WhatMatters

MONTH, SECONDS, SHARE = (QUANTITIES[key] for key in ("usd_per_month", "seconds", "share"))
MOVES = 0.04
"""A smaller difference of two odds is that of the draws."""


def in_unit(value: float, unit: str) -> str:
    """A value in display units with its unit."""
    if not unit:
        return number_text(value)
    return quantity_for_unit(unit).format(value * unit_scale(unit))


def range_in_unit(low: float, high: float, unit: str) -> str:
    """A range in display units with its unit."""
    if not unit:
        return f"{number_text(low)}–{number_text(high)}"
    scale = unit_scale(unit)
    return quantity_for_unit(unit).format_range(low * scale, high * scale)


def mid_sentence(title: str) -> str:
    """A title as the middle of a sentence has it: "peak FP8 compute", "P99 latency"."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[:1].lower() + title[1:]


def believed_text(demand: Demand) -> str:
    """What is believed about a figure: its named readings, or its range."""
    if demand.readings:
        return " or ".join(f"{in_unit(value, demand.unit)} ({name})" for name, value in demand.readings)
    return range_in_unit(demand.low, demand.high, demand.unit)


def believed_short(demand: Demand) -> str:
    """What is believed about a figure without the names of readings."""
    if demand.readings:
        return " or ".join(in_unit(value, demand.unit) for value in sorted(value for _, value in demand.readings))
    return believed_text(demand)


def threshold_text(demand: Demand, threshold: Threshold) -> str:
    """The number an answer must beat: "≥ 3.45 TB/s", "any", "not alone"."""
    if threshold.kind == "met":
        return "any"
    if threshold.kind == "none" or threshold.value is None:
        return "not alone"
    sign = "≥" if threshold.at_least else "≤"
    beyond = "" if threshold.within_range else " *"
    return f"{sign} {in_unit(threshold.value, demand.unit)}{beyond}"


def money_text(usd: float | None) -> str:
    """USD a month; "out of reach" where no number of chips will do."""
    if usd is None:
        return NOTHING
    return MONTH.format(usd) if usd < float("inf") else OUT_OF_REACH


def latency_text(seconds: float) -> str:
    """A latency; words where the load cannot be carried."""
    return SECONDS.format(seconds) if seconds < float("inf") else OUT_OF_REACH


def worth_text(demand: Demand) -> str:
    """What knowing the figure is worth."""
    if demand.worth is None:
        return NOTHING
    return f"{MONTH.format(demand.worth)}/month" if demand.decides else "nothing alone"


def odds_text(demand: Demand) -> str:
    """How the odds of keeping the promises move from the worst answer to the best."""
    worst, best = demand.odds
    if best - worst < MOVES:
        return f"{SHARE.format(0.5 * (worst + best))} either way"
    return f"{SHARE.format(worst)} → {SHARE.format(best)}"


def likely_text(probability: float) -> str:
    """A probability in words with its number: "likely, 78 %"."""
    whole = "< 1 %" if 0.0 < probability < 0.005 else f"{100.0 * probability:.0f} %"
    return f"{confidence_word(probability)}, {whole}"


def promised(found: WhatMatters) -> bool:
    """Whether any latency is promised."""
    return any(len(one.keeps) > 1 for one in found.spreads)


def kept_word(found: WhatMatters) -> str:
    """What is asked of an alternative, as a heading: without a promise only that it carries the load."""
    return "keeps promises" if promised(found) else "carries it"


def has_choice(found: WhatMatters) -> bool:
    """Whether there are two alternatives at least to choose between."""
    return len(found.spreads) > 1


def headline(found: WhatMatters) -> str:
    """The answer as one sentence."""
    decisive = [one for one in found.demands if one.decides]
    moving = next((part for part in found.parts if part.is_open), None)
    if not has_choice(found):
        most = moving or next(iter(found.parts), None)
        swings = "" if most is None else f" Its latency hangs most on {mid_sentence(most.title)}."
        return f"There is no choice to make: {found.alternative} has no alternative beside it.{swings}"
    if found.reason:
        return f"What knowing is worth cannot be said: {found.reason}."
    if decisive:
        first = decisive[0]
        return (
            f"Ask first: {mid_sentence(first.title)} of {first.chip_name}. Knowing it before choosing is worth "
            f"{MONTH.format(first.worth or 0.0)} a month."
        )
    best = with_doubt(found.best_now, found.doubts)
    least = f"{best} costs least on average, what may go wrong included{_cheaper_at_half(found)}."
    if found.demands:
        first_words = f"No single undisclosed figure changes the choice: {least}"
    else:
        first_words = f"The choice hangs on no undisclosed figure: {least}"
    if moving is not None:
        return f"{first_words} For {found.alternative}, {mid_sentence(moving.title)} moves the answer most."
    return first_words + _worth_most(found)


def _cheaper_at_half(found: WhatMatters) -> str:
    """Who costs least at half of the draws, where that is another than on average; empty where it is the same."""
    cheapest = min(found.spreads, key=lambda one: one.usd_per_month[1])
    best = next((one for one in found.spreads if one.name == found.best_now), None)
    if best is None or not cheapest.usd_per_month[1] < best.usd_per_month[1]:
        return ""
    return f" (in the middle case {cheapest.name}: {MONTH.format(cheapest.usd_per_month[1])} a month)"


def _worth_most(found: WhatMatters) -> str:
    """What is worth most to know of things that are not undisclosed; empty where nothing is."""
    most = max(found.parts, key=lambda part: part.evppi or 0.0, default=None)
    if most is None or (most.evppi or 0.0) <= found.noise + 1.0:
        return ""
    return f" Worth most to know first: {mid_sentence(most.title)}, {MONTH.format(most.evppi or 0.0)} a month."


def with_doubt(name: str, doubts: Mapping[str, str]) -> str:
    """A winner's name with what stands against having it: "AI200 (claimed, unconfirmed)"."""
    return f"{name} ({doubts[name]})" if name in doubts else name


def left_out_sentence(found: WhatMatters) -> str:
    """Which alternatives are no choices, and why; empty where all are."""
    if not found.left_out:
        return ""
    return f"No choice here: {'; '.join(f'{name} ({reason})' for name, reason in found.left_out.items())}."


def swing_text(swing: Swing) -> str:
    """A latency from end to end."""
    return f"{latency_text(swing.low)} … {latency_text(swing.high)}"


def ends_text(part: Part) -> str:
    """The range over which a part was moved."""
    if part.unit:
        return range_in_unit(*part.ends, part.unit)
    return "5 % to 95 % of its draws" if part.figure in (STEP, FIRST) else "low to high"


def matters_text(found: WhatMatters) -> str:
    """What `what-matters` prints."""
    name = METRIC_NAMES[found.metric]
    limit = "" if found.limit is None else f", promised {SECONDS.format(found.limit)}"
    month = money_text(found.usd_per_month)
    month += "" if month == OUT_OF_REACH else "/month"
    believed = f"{found.label}: P99 {name} {latency_text(found.p99)}{limit}; {month}"
    asked = "keeps all promises" if promised(found) else "carries the load"
    lines = [
        f"{found.workload}: {headline(found)}",
        f"{believed}; {asked}: {likely_text(found.keeps)}",
        "",
        *(f"{title}: {EXPLAINED[key]}" for key, title in TITLES_OF_ANSWERS.items()),
        "",
        *columns([part_headings(found), *(part_row(part, found.noise) for part in found.parts)]),
        "",
        "How sure, by alternative (half of the draws; in brackets 5 % to 95 %):",
        *columns([spread_headings(found), *(spread_row(found, one) for one in found.spreads)]),
        *(
            f"All {one.figures} open figures of {one.chip_name} together are worth {MONTH.format(one.worth)} a month."
            for one in found.together
        ),
    ]
    if found.evpi is not None and has_choice(found):
        lines.append(
            f"Knowing everything before choosing would be worth {MONTH.format(found.evpi)} a month; staying with "
            f"{found.alternative} is expected to cost {money_text(found.regret_of_present)} a month too much."
        )
    lines += [left_out_sentence(found)] if found.left_out else []
    if found.regret is not None:
        lines += ["", regret_sentence(found.regret), *columns([REGRET_HEADINGS, *regret_rows(found.regret)])]
    lines += ["", scale_sentence(), f"{found.samples:,} draws of the closed form, seed {found.seed}."]
    return "\n".join(lines)


TITLES_OF_ANSWERS = {"tornado": "Swing", "sobol": "Share", "evppi": "Worth"}
REGRET_HEADINGS = ("choice", "worst regret", "worst cost", "Hurwicz", "mean", "tail mean")


def part_headings(found: WhatMatters) -> tuple[str, ...]:
    """Headings of the parts."""
    return ("figure", "from … to", "P99", "$/month", kept_word(found), "share alone", "share in all", "worth")


def spread_headings(found: WhatMatters) -> tuple[str, ...]:
    """Headings of the alternatives; the latency is never a simulated one, whatever stands elsewhere, and the month is
    not that of the chips of now."""
    return (
        "alternative", "closed-form P99", "$/month, any size", kept_word(found),
        "at some size", "cheaper", "mean with fallback",
    )  # fmt: skip


def part_row(part: Part, noise: float) -> tuple[str, ...]:
    """One part in cells, as under `part_headings`; a worth that is no more than `noise` is none."""
    worth = NOTHING if part.evppi is None or part.evppi <= noise + 1.0 else MONTH.format(part.evppi)
    return (
        part.title,
        ends_text(part),
        swing_text(part.p99),
        f"{money_text(part.usd_per_month.low)} … {money_text(part.usd_per_month.high)}",
        f"{SHARE.format(part.keeps.low)} … {SHARE.format(part.keeps.high)}",
        SHARE.format(part.first),
        SHARE.format(part.total),
        worth,
    )


def spread_row(found: WhatMatters, one: Spread) -> tuple[str, ...]:
    """One alternative in cells, as under `spread_headings`."""
    reference = "the reference" if one.name == found.reference else NOTHING
    return (
        one.label,
        _middle_and_ends(one.p99, latency_text),
        _middle_and_ends(one.usd_per_month, money_text),
        likely_text(one.keeps["all"]),
        likely_text(one.within_reach),
        reference if one.cheaper is None else likely_text(one.cheaper),
        money_text(one.expected_usd_per_month),
    )


def _middle_and_ends(values: tuple[float, float, float], text: Callable[[float], str]) -> str:
    low, middle, high = (text(value) for value in values)
    # beside figures of a table a sign is enough
    ends = (end if end != OUT_OF_REACH else "∞" for end in (low, high))
    return f"{middle} ({' – '.join(ends)})" if low != high else middle


def regret_rows(table: RegretTable) -> list[tuple[str, ...]]:
    """The choices in cells, as under REGRET_HEADINGS; a rule's own choice is marked."""
    takes = (table.minimax_regret, table.maximin, table.hurwicz, table.laplace, table.tail)
    return [
        (
            row.label,
            *(
                f"{'✓ ' if name == row.name else ''}{MONTH.format(value)}"
                for name, value in zip(
                    takes,
                    (row.worst_regret, row.worst_cost, row.hurwicz_cost, row.mean_cost, row.tail_cost),
                    strict=True,
                )
            ),
        )
        for row in table.rows
    ]


def regret_sentence(table: RegretTable) -> str:
    """Which choice stands the worst, and over what."""
    takes = (table.minimax_regret, table.maximin, table.hurwicz, table.laplace, table.tail)
    least, maximin, between, mean, tail = (with_doubt(name, table.doubts) for name in takes)
    if not table.open_figures:
        return f"{least} has the smallest worst-case regret; no figure compared is undisclosed."
    return (
        f"{least} has the smallest worst-case regret over the {table.open_figures} open figures "
        f"({table.states} cases, all else as believed). Least worst cost: {maximin}. Hurwicz at "
        f"{SHARE.format(table.optimism)} optimism: {between}. All cases alike: {mean}. "
        f"Mean of the worst {SHARE.format(1.0 - table.tail_share)}: {tail}."
    )


DEMAND_HEADINGS = (
    "ask for", "of", "believed", "worth knowing", "odds of promises", "promises kept", "no dearer", "surely both",
)  # fmt: skip


def demand_row(demand: Demand) -> tuple[str, ...]:
    """One demand in cells, as under DEMAND_HEADINGS."""
    return (
        demand.title,
        demand.chip_short,
        believed_short(demand),
        worth_text(demand),
        odds_text(demand),
        threshold_text(demand, demand.acceptance),
        threshold_text(demand, demand.break_even),
        threshold_text(demand, demand.surely),
    )


def demand_headings(found: WhatMatters) -> tuple[str, ...]:
    """Headings of the demands; without a promise the odds are those of carrying the load."""
    if promised(found):
        return DEMAND_HEADINGS
    words = {"odds of promises": "odds to carry it", "promises kept": "load carried"}
    return tuple(words.get(heading, heading) for heading in DEMAND_HEADINGS)


def alike(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Columns behind the first three in which every one of several rows says the same."""
    if len(rows) < 2:
        return ()
    return tuple(at for at in range(3, len(rows[0])) if len({row[at] for row in rows}) == 1)


def alike_sentence(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """What columns that say the same in every row say, once; empty where there are none."""
    said: dict[str, list[str]] = {}
    for at in alike(rows):
        said.setdefault(rows[0][at], []).append(headings[at])
    parts = [f"{' and '.join(titles)}: {text}" for text, titles in said.items()]
    return f"The same for every figure: {'; '.join(parts)}." if parts else ""


def ask_first_text(found: WhatMatters) -> str:
    """What `ask-first` prints without an output file."""
    if not found.demands:
        return f"{found.workload}: every figure of the chips compared is disclosed; there is nothing to ask first."
    against = f"{found.reference} " if found.reference else "the reference "
    return "\n".join(
        (
            f"{found.workload}: {headline(found)}",
            "",
            *columns([demand_headings(found), *(demand_row(demand) for demand in found.demands)]),
            "",
            "odds of promises: that the chips of now keep every promise, at the worst and at the best answer",
            "promises kept: the chips of now keep every promise, all other figures as believed",
            f"no dearer: keeping them costs no more than {against}a month, all other figures as believed",
            "surely both: with 90 % probability, all other figures as uncertain as they are",
            "not alone: no value within eight times its range will do; *: beyond the range it is believed to have",
        )
    )
