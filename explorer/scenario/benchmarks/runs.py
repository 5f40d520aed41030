"""One run out of the values a file has for it: meanings by key, units by key or by what the row itself proves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from explorer.scenario.benchmark import LATENCIES, STATISTICS, BenchmarkRow
from explorer.scenario.benchmarks.keys import latency_key, number_key, text_key
from explorer.scenario.benchmarks.records import ReadRun
from explorer.scenario.quantity import number_text

NOTHING = frozenset({"", "null", "none", "nan", "n/a", "na", "-", "–"})
WITHOUT_LIMIT = frozenset({"inf", "infinity", "infinite", "unlimited", "max"})
PLAUSIBLE_TOKEN = (1e-4, 2.0)
"""Seconds between which every measured time per token lies."""
CLOSES = 2.5
"""Factor within which users/(requests/s) must meet the time of a request for a unit to be believed."""
AGREES = 1.6
"""Factor within which two figures of one row that say the same must agree."""


class RowError(Exception):
    """A row that cannot be used: which key, and why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key, self.reason = key, reason


def number_of(key: str, value: Any) -> float | None:
    """A number; None where there is none; infinity for a rate without limit. RowError for anything else."""
    if value is None or isinstance(value, bool | list | dict):
        return None
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            raise RowError(key, "is too large a number") from None
        if math.isnan(number):
            return None
    else:
        text = str(value).strip()
        if text.casefold() in NOTHING:
            return None
        if text.casefold() in WITHOUT_LIMIT:
            return math.inf
        try:
            number = float(text.replace(",", "") if text.count(",") and "." in text else text)
        except ValueError:
            raise RowError(key, f"'{text[:40]}' is not a number") from None
        if math.isnan(number):
            return None
    return number


def read_run(place: str, values: Mapping[str, Any], *, load: Mapping[str, float] | None = None) -> ReadRun:
    """The run that a row's values describe; RowError where they contradict themselves or say too little.

    `load` is what the reader of a format knows beside: concurrency, request_rate (infinite: all at once).
    """
    numbers, says = _meanings(values)
    numbers.update(load or {})
    reading: list[str] = []
    cells: dict[str, Any] = {"place": place}
    chips = numbers.get("chips")
    _lengths(numbers, cells, reading)
    _throughput(numbers, cells, reading, chips)
    _load(numbers, says, cells)
    _layout(numbers, says, cells)
    cells.update(_latencies(values, cells, reading))
    if numbers.get("accept_length", 1.0) > 1.0:
        says["speculation"] = f"{numbers['accept_length']:g} tokens accepted a step"
    try:
        row = BenchmarkRow.model_validate(cells)
    except ValidationError as error:
        first = error.errors()[0]
        raise RowError(".".join(str(step) for step in first["loc"]), str(first["msg"]).casefold()) from None
    if not row.measured_anything:
        raise RowError("", "no latency and no throughput is recorded")
    _consistent(row)
    return ReadRun(row, says, tuple(reading), chips)


def _meanings(values: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, str]]:
    numbers: dict[str, float] = {}
    says: dict[str, str] = {}
    for key, value in values.items():
        subject = text_key(key)
        if subject is not None:
            if isinstance(value, str | bool) and str(value).strip().casefold() not in NOTHING:
                says.setdefault(subject, str(value).strip())
            continue
        name = number_key(key)
        if name is not None:
            found = number_of(key, value)
            if found is not None:
                if found < 0:
                    raise RowError(key, f"is negative ({found:g})")
                numbers.setdefault(name, found)
    return numbers, says


def _lengths(numbers: Mapping[str, float], cells: dict[str, Any], reading: list[str]) -> None:
    """Tokens a request: means from totals rule, since a stated length is what was asked for, not what came."""
    done = numbers.get("completed")
    for name, total in (("prompt", "total_prompt"), ("output", "total_output")):
        amount, stated = numbers.get(total), numbers.get(name)
        if done and amount:
            cells[f"{name}_tokens"] = amount / done
            if stated is None or abs(amount / done / stated - 1.0) > 0.02:
                reading.append(f"{name} of {amount / done:,.0f} tokens: {amount:,.0f} in {done:,.0f} requests")
        elif stated:
            cells[f"{name}_tokens"] = stated
    if done == 0:
        raise RowError("completed", "no request was completed")
    failed = numbers.get("failed", 0.0)
    if done and failed > 0.05 * (done + failed):
        sent = done + failed
        raise RowError("failed", f"{failed:,.0f} of {sent:,.0f} requests failed: what is left is no fair sample")


def _throughput(numbers: Mapping[str, float], cells: dict[str, Any], reading: list[str], chips: float | None) -> None:
    for name in ("requests_per_s", "output_tokens_per_s"):
        if name in numbers:
            cells[name] = numbers[name]
    each = numbers.get("output_tokens_per_s_per_chip")
    if each is not None and "output_tokens_per_s" not in cells:
        count = chips or math.prod(numbers.get(one, 1.0) for one in ("tp", "pp"))
        cells["output_tokens_per_s"] = each * count
        reading.append(f"{each * count:,.0f} tokens/s: {each:,.1f} a chip times {count:g}")
    if "requests_per_s" not in cells and "duration" in numbers and numbers.get("completed"):
        if numbers["duration"] == 0:
            raise RowError("duration", "is zero")
        cells["requests_per_s"] = numbers["completed"] / numbers["duration"]
    rate, output, tokens = (cells.get(key) for key in ("requests_per_s", "output_tokens", "output_tokens_per_s"))
    if rate is None and tokens and output:
        cells["requests_per_s"] = tokens / output
    elif output is None and tokens and rate:
        cells["output_tokens"] = tokens / rate
        reading.append(f"answers of {tokens / rate:,.0f} tokens: tokens/s over requests/s")
    elif tokens is None and rate and output:
        cells["output_tokens_per_s"] = rate * output


def _load(numbers: Mapping[str, float], says: Mapping[str, str], cells: dict[str, Any]) -> None:
    users, rate = numbers.get("concurrency"), numbers.get("request_rate")
    if users is None and rate is None:
        users = numbers.get("concurrency reached")
    if users is not None and math.isfinite(users):
        cells["concurrency"] = users
    if rate is not None and math.isfinite(rate):
        carried = cells.get("requests_per_s")
        # a cap on users that binds makes a closed loop of what was offered at a rate
        if "concurrency" in cells and carried is not None and carried < 0.9 * rate:
            return
        cells["request_rate_per_s"] = rate
        cells.pop("concurrency", None)
    elif "concurrency" not in cells:
        if rate is None and says.get("load") is None and users is None:
            raise RowError("", "no load is recorded: neither users at once nor a rate of requests")
        cells["at_once"] = True


def _layout(numbers: Mapping[str, float], says: Mapping[str, str], cells: dict[str, Any]) -> None:
    for name in ("tp", "pp", "dp", "ep"):
        if name in numbers:
            if numbers[name] < 1 or numbers[name] != int(numbers[name]):
                raise RowError(name, f"{numbers[name]:g} is no degree of parallelism")
            cells[name] = int(numbers[name])
    if says.get("attention_parallel", "").casefold() == "true" and "tp" in cells and "dp" not in cells:
        # such rows give the chips of a replica as tp; attention runs on each by itself
        cells["dp"], cells["tp"] = cells["tp"], 1


def _latencies(values: Mapping[str, Any], cells: Mapping[str, Any], reading: list[str]) -> dict[str, float]:
    """Latencies in seconds by their cell; those whose key has no unit by what the row proves, or RowError."""
    found: dict[str, float] = {}
    without: dict[str, tuple[str, float]] = {}
    for key, value in values.items():
        meaning = latency_key(key)
        number = number_of(key, value) if meaning is not None else None
        if meaning is None or number is None:
            continue
        if not math.isfinite(number) or number < 0:
            raise RowError(key, f"{number:g} is no time")
        if number == 0:
            # a client's way of saying that it had nothing to measure
            continue
        cell = f"{meaning.quantity}_{meaning.statistic}_s"
        if meaning.per_second is not None:
            found.setdefault(cell, number / meaning.per_second)
        else:
            without.setdefault(cell, (key, number))
    if without:
        per_second, why = _proved_unit(without, cells)
        unit = "seconds" if per_second == 1.0 else "milliseconds"
        reading.append(f"latencies without a unit read as {unit}: {why}")
        for cell, (_, number) in without.items():
            found.setdefault(cell, number / per_second)
    return found


def _proved_unit(without: Mapping[str, tuple[str, float]], cells: Mapping[str, Any]) -> tuple[float, str]:
    """How many of the unit a second has, and why.

    Users over requests/s is the time of a request; where that does not tell, times per token lie within a range.
    """
    key = next(iter(without.values()))[0]

    def of(*names: str) -> float | None:
        return next((without[name][1] for name in names if name in without), None)

    token = of("tpot_mean_s", "tpot_p50_s", "itl_mean_s", "itl_p50_s", "tpot_p99_s", "itl_p99_s")
    first = of("ttft_mean_s", "ttft_p50_s")
    whole = of("e2e_mean_s", "e2e_p50_s")
    users, rate, output = (cells.get(name) for name in ("concurrency", "requests_per_s", "output_tokens"))
    if whole is None and token is not None and output:
        whole = (first or 0.0) + max(output - 1.0, 0.0) * token
    if whole is not None and users and rate:
        cycle = users / rate
        fitting = [one for one in (1.0, 1e3) if 1.0 / CLOSES <= whole / one / cycle <= CLOSES]
        if len(fitting) == 1:
            return fitting[0], f"{users:g} users over {number_text(rate)} requests/s is {_seconds(cycle)} a request"
    if token is not None:
        least, most = PLAUSIBLE_TOKEN
        fitting = [one for one in (1.0, 1e3) if least <= token / one <= most]
        if len(fitting) == 1:
            other = "milliseconds" if fitting[0] == 1.0 else "seconds"
            return fitting[0], f"no system takes {number_text(token)} {other} a token"
    raise RowError(key, "has no unit, and nothing in the row tells seconds from milliseconds; write it as ..._ms")


def _seconds(value: float) -> str:
    return f"{number_text(value, 4)} s"


def _consistent(row: BenchmarkRow) -> None:
    """RowError where figures of one row exclude each other."""
    for metric in LATENCIES:
        mean, middle, tail = (row.latency(metric, one) for one in STATISTICS)
        if middle is not None and tail is not None and tail < 0.999 * middle:
            raise RowError(f"{metric}_p99", f"P99 of {_seconds(tail)} lies below the median of {_seconds(middle)}")
        if mean is not None and tail is not None and mean > 2.0 * tail:
            raise RowError(f"{metric}_mean", f"mean of {_seconds(mean)} lies far above the P99 of {_seconds(tail)}")
    for one in STATISTICS:
        first, whole = row.latency("ttft", one), row.latency("e2e", one)
        if first is not None and whole is not None and first > 1.001 * whole:
            raise RowError("ttft", f"first token after {_seconds(first)}, the whole answer after {_seconds(whole)}")
    rate, output, tokens = row.requests_per_s, row.output_tokens, row.output_tokens_per_s
    if rate and output and tokens and not 1.0 / AGREES <= rate * output / tokens <= AGREES:
        raise RowError(
            "output_tokens_per_s",
            f"{number_text(tokens, 4)} tokens/s contradict {number_text(rate, 4)} requests/s of "
            f"{number_text(output, 4)} tokens",
        )
    token = row.latency("tpot", "mean") or row.latency("tpot", "p50") or row.latency("itl", "mean")
    if row.concurrency and tokens and token and tokens * token > AGREES * row.concurrency:
        busy = tokens * token
        raise RowError(
            "output_tokens_per_s",
            f"{number_text(tokens, 4)} tokens/s at {_seconds(token)} a token keep {busy:,.0f} users busy; there were "
            f"{row.concurrency:g}",
        )
