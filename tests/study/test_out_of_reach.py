"""What no number of chips can do is told in one word, wherever it is told."""

from __future__ import annotations

import math

from explorer.plots.matters_rows import BEYOND
from explorer.scenario.quantity import OUT_OF_REACH
from explorer.study.what_matters_words import latency_text, money_text


def test_that_infinite_latency_and_cost_are_the_same_word() -> None:
    assert latency_text(math.inf) == money_text(math.inf) == OUT_OF_REACH
    assert {text.removesuffix(" ▸") for text in BEYOND.values() if text} == {OUT_OF_REACH}
