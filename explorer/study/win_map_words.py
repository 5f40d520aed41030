"""A win map in words: what a cell says, and the whole of it for those who do not see it."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, isfinite

import numpy as np

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import number_text
from explorer.study.map_axes import AXES
from explorer.study.probability_words import confidence_word
from explorer.study.win_map_record import MapContestant, WinMap

MONTH, SHARE = QUANTITIES["usd_per_month"], QUANTITIES["share"]
BASIS_WORDS = {
    "offer": "published prices",
    "cost_plus": "one cost-plus formula for all",
    "own": "owned, one formula for all",
}
METRIC_WORDS = {
    "ttft": "first token",
    "tpot": "time per token",
    "itl": "gap between tokens",
    "e2e": "whole answer",
}


def place_words(found: WinMap, column: int, row: int) -> str:
    """Where a cell lies: "70B, 50 ms"."""
    return f"{AXES[found.across].text(float(found.x[column]))}, {AXES[found.up].text(float(found.y[row]))}"


def with_degree(one: MapContestant, degree: int) -> str:
    """A contestant with the chips of its replica: "H200 ×2"."""
    return f"{one.name} ×{degree}" if degree > 1 else one.name


def cell_words(found: WinMap, column: int, row: int) -> str:
    """Winner, how surely, runner-up and margin of a cell; why nobody where nobody wins."""
    where = place_words(found, column, row)
    winner = int(found.winner[column, row])
    probability = float(found.probability[column, row])
    if winner < 0:
        return f"{where}: {nobody_words(found, column, row)}"
    one = found.contestants[winner]
    usd = float(found.usd_per_month[column, row])
    chips = int(found.chips[column, row])
    noun = one.unit_noun if chips == 1 else f"{one.unit_noun}s"
    text = (
        f"{where}: {with_degree(one, int(found.degree[column, row]))} is cheapest, {MONTH.format(usd)} a month for "
        f"{chips:,} {noun} · how sure: {confidence_word(probability)}, in {SHARE.format(probability)} of draws"
    )
    runner = int(found.runner_up[column, row])
    if runner < 0:
        text += " · no other chip within reach keeps the promises"
    else:
        margin = float(found.runner_up_usd[column, row]) / usd - 1.0
        text += f" · next: {found.contestants[runner].name}, {_dearer(margin)}"
    could = int(found.would_win[column, row])
    if could != winner and could >= 0:
        text += f" · {found.contestants[could].name} would win, could it be had"
    return text


def _dearer(margin: float) -> str:
    if margin < 0.0005:
        return "at the same cost"
    return f"{SHARE.format(margin)} dearer" if margin < 1.0 else f"{number_text(1.0 + margin, 2)} times as dear"


def nobody_words(found: WinMap, column: int, row: int) -> str:
    """Why nobody wins a cell."""
    closest = int(found.closest[column, row])
    if closest < 0:
        text = "no chip within reach holds the model"
    else:
        one, missed = found.contestants[closest], float(found.shortfall[column, row])
        metrics = _metrics(found)
        if missed <= 0.0:
            text = f"nobody: {one.name} keeps the promises, but what it takes is beyond the power limit"
        else:
            metric = METRIC_WORDS[metrics[min(int(found.short_of[column, row]), len(metrics) - 1)]]
            late = f"{metric} {number_text(exp(missed), 2)} times as long as promised"
            text = f"nobody: {one.name} comes closest, with a {late} with hardly any load"
    could = int(found.would_win[column, row])
    return text + (f" · {found.contestants[could].name} would win, could it be had" if could >= 0 else "")


def _metrics(found: WinMap) -> tuple[str, ...]:
    return found.metrics or ("tpot",)


def shares_of(found: WinMap) -> list[tuple[int, float]]:
    """Contestants that win somewhere and the share of cells each wins, the largest first; -1 for nobody."""
    winners, counts = np.unique(found.winner, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [(int(winners[at]), float(counts[at]) / found.winner.size) for at in order]


def summary(found: WinMap) -> str:
    """The map in words, with its numbers."""
    across, up, title = AXES[found.across], AXES[found.up], found.across_title
    named = [
        f"{'nobody' if at < 0 else found.contestants[at].name} in {SHARE.format(share)} of it"
        for at, share in shares_of(found)
    ]
    text = (
        f"Win map: cheapest chip within reach that keeps every promise, {title[:1].lower()}{title[1:]} "
        f"{across.text(float(found.x[0]))} to {across.text(float(found.x[-1]))} across, {up.title.lower()} "
        f"{up.text(float(found.y[0]))} to {up.text(float(found.y[-1]))} up. {', '.join(named)}."
    )
    here = present_cell(found)
    if here is not None:
        text += f" Present point: {cell_words(found, *here)}."
    return text


def out_of_reach_winners(found: WinMap) -> tuple[int, ...]:
    """Contestants that cannot be had and would win a cell if they could."""
    return tuple(int(at) for at in np.unique(found.would_win) if at >= 0 and not found.contestants[int(at)].reachable)


def outlined_words(found: WinMap) -> tuple[str, ...]:
    """Of each chip that cannot be had, where it would win: "AI200 would win 0.4 % of the cells, around 40B, 50 ms"."""
    winners = out_of_reach_winners(found)
    lines = []
    for at, one in enumerate(found.contestants):
        if one.reachable:
            continue
        if at not in winners:
            lines.append(f"{one.name} would win nowhere here")
            continue
        cells = np.argwhere(found.would_win == at)
        column, row = (int(place) for place in np.median(cells, axis=0))
        share = SHARE.format(len(cells) / found.would_win.size)
        lines.append(f"{one.name} would win {share} of the cells, around {place_words(found, column, row)}")
    return tuple(lines) or ("every chip of the map can be had",)


def present_cell(found: WinMap) -> tuple[int, int] | None:
    """The cell in which the scenario stands; None where it leaves one of the settings open."""
    x, y = found.present
    return None if x is None or y is None else found.cell(x, y)


def footing_words(found: WinMap) -> str:
    """On what footing the map stands, in one line."""
    draws = f"{found.samples} draws of what is open"
    return f"{BASIS_WORDS[found.price_basis]} · each chip at its best layout · closed form, {draws}"


MAP_HEADER = (
    "across", "up", "winner", "chips a replica", "chips", "USD a month", "probability", "runner-up",
    "runner-up USD a month", "would win if it could be had", "why nobody",
)  # fmt: skip


def map_rows(found: WinMap) -> Iterator[tuple[str | float | int | None, ...]]:
    """The map as a table, a cell a row; across and up in the file's units."""
    across, up = AXES[found.across], AXES[found.up]
    yield (across.path, up.path, *MAP_HEADER[2:])

    def name(at: int) -> str:
        return "" if at < 0 else found.contestants[at].name

    for column, x in enumerate(found.x):
        for row, y in enumerate(found.y):
            winner = int(found.winner[column, row])
            usd, runner = float(found.usd_per_month[column, row]), float(found.runner_up_usd[column, row])
            yield (
                float(x),
                float(y),
                name(winner),
                int(found.degree[column, row]) if winner >= 0 else None,
                int(found.chips[column, row]) if winner >= 0 else None,
                usd if isfinite(usd) else None,
                float(found.probability[column, row]),
                name(int(found.runner_up[column, row])),
                runner if isfinite(runner) else None,
                name(int(found.would_win[column, row])),
                "" if winner >= 0 else nobody_words(found, column, row),
            )
