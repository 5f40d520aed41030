"""The printed verdict: shares, promises and endless costs read as they do in the window."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from explorer.study.outcome import Outcome
from explorer.study.verdict_table import ENDLESS, verdict_text
from tests.sample_outcome import sample_outcome


def with_month_up_to(high: float) -> Outcome:
    """The sample with the selected alternative's month that dear at P95."""
    made = sample_outcome()
    month = made.workloads[0].chosen.cost.usd_per_month
    assert month is not None
    dear = replace(month, high=high)
    alternatives = tuple(
        replace(one, cost=replace(one.cost, usd_per_month=dear)) if one is made.workloads[0].chosen else one
        for one in made.workloads[0].alternatives
    )
    return replace(made, workloads=(replace(made.workloads[0], alternatives=alternatives), *made.workloads[1:]))


def test_that_a_share_is_written_as_everywhere() -> None:
    text = verdict_text(sample_outcome())
    assert " % of draws" in text and " % of traffic" in text
    assert not re.search(r"\d%", text)


def test_that_a_promise_is_named_as_its_column() -> None:
    text = verdict_text(sample_outcome())
    assert "promised at P99: first token ≤ " in text and "TTFT" not in text and "TPOT" not in text


def test_that_an_endless_cost_is_explained_where_there_is_one() -> None:
    assert ENDLESS in verdict_text(with_month_up_to(math.inf))
    assert ENDLESS not in verdict_text(with_month_up_to(1e9))
