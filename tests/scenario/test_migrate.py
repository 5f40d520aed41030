"""Older formats are brought up step by step, newer ones refused; shown with formats made up for it."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.scenario.migrate import FormatError, migrated


def rename_rate(document: dict[str, Any]) -> dict[str, Any]:
    """From the made-up format 0, where the rate was called otherwise."""
    return {"title": document["title"], "rate": document["requests"]}


def add_unit(document: dict[str, Any]) -> dict[str, Any]:
    """From the made-up format 1 to 2."""
    return {**document, "unit": "1/s"}


def test_that_each_step_is_taken_in_turn() -> None:
    old = {"format": 0, "title": "t", "requests": 3}
    new = migrated(old, {1: add_unit, 0: rename_rate}, newest=2)
    assert new == {"format": 2, "title": "t", "rate": 3, "unit": "1/s"}
    assert old == {"format": 0, "title": "t", "requests": 3}


def test_that_a_document_of_today_is_left_as_it_is() -> None:
    assert migrated({"format": 2, "rate": 3}, {0: rename_rate}, newest=2) == {"format": 2, "rate": 3}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"format": 3}, "format 3, made by a newer version"),
        ({"format": 1}, "format 1 is not known"),
        ({"format": -1}, "format -1 is not known"),
        ({"format": "2"}, "whole number"),
        ({"format": True}, "whole number"),
        ({}, "missing"),
    ],
)
def test_that_a_format_out_of_reach_is_refused_with_the_reason(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(FormatError) as refusal:
        migrated(document, {0: rename_rate}, newest=2)
    assert reason in refusal.value.problem.reason
    assert refusal.value.problem.key == "format"
    assert "2" in refusal.value.problem.allowed
