"""The verdict in words: signs beside colours, changes against the baseline, reasons where there is no figure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.scenario.quantity import NOTHING
from explorer.study.outcome import Outcome
from explorer.study.probability_words import confidence_word
from explorer.ui.verdict import Tile, verdict_tiles
from tests.sample_outcome import sample_outcome, without_fleet


def tiles(outcome: Outcome, baseline: Outcome | None = None) -> dict[str, Tile]:
    return {tile.key: tile for tile in verdict_tiles(outcome, 0, baseline)}


def test_that_there_are_seven_tiles_each_with_a_figure_and_a_sentence() -> None:
    made = tiles(sample_outcome())
    assert list(made) == ["fits", "ttft", "tpot", "usd_per_million", "usd_per_month", "fleet", "certainty"]
    assert all(tile.figure and tile.sentence.startswith(tile.title) for tile in made.values())


def test_that_good_and_bad_are_told_by_a_sign_as_well_as_a_colour() -> None:
    fits, fails = tiles(sample_outcome())["fits"], tiles(sample_outcome(infeasible=(0,)))["fits"]
    assert (fits.figure, fits.tone) == ("✓ yes", "good") and (fails.figure, fails.tone) == ("✗ no", "bad")
    broken = tiles(sample_outcome(latency_factor=30.0))["tpot"]
    assert broken.tone == "bad" and "✗ over 50 ms" in broken.note


def test_that_a_change_is_measured_against_the_baselines_selected_alternative() -> None:
    same = tiles(sample_outcome(), sample_outcome())
    assert not any(sign in tile.note for tile in same.values() for sign in "▲▼")
    slower = tiles(sample_outcome(latency_factor=1.5), sample_outcome())
    assert "▲" in slower["tpot"].note and "▲" in slower["ttft"].note


def test_that_an_infeasible_alternative_gives_reasons_and_no_figures() -> None:
    made = tiles(sample_outcome(infeasible=(0,)))
    for key in ("ttft", "tpot", "usd_per_million", "usd_per_month"):
        assert made[key].figure == NOTHING and made[key].note


def test_that_a_missing_fleet_says_why() -> None:
    made = tiles(without_fleet(sample_outcome(), "no pool carries its share"))["fleet"]
    assert made.figure == NOTHING and "no pool carries its share" in made.note


def test_that_without_promises_nothing_is_claimed_about_them() -> None:
    assert tiles(sample_outcome(objectives={}))["certainty"].figure == "no promise"


def test_that_a_baseline_of_other_workloads_gives_no_change() -> None:
    other = sample_outcome()
    renamed = replace(other, workloads=(replace(other.workloads[0], name="something else"),))
    assert "▲" not in tiles(sample_outcome(latency_factor=2.0), renamed)["tpot"].note


@pytest.mark.parametrize(
    "probability, word",
    [
        (1.0, "almost sure"),
        (0.92, "very likely"),
        (0.7, "likely"),
        (0.5, "a coin toss"),
        (0.2, "unlikely"),
        (0, "hopeless"),
    ],
)
def test_that_a_probability_has_its_word(probability: float, word: str) -> None:
    assert confidence_word(probability) == word


def test_that_a_long_note_has_a_brief_one_for_narrow_tiles() -> None:
    fits = tiles(sample_outcome())["fits"]
    assert fits.brief and fits.note.startswith(fits.brief)
    missing = tiles(without_fleet(sample_outcome(), "no fleet: add a deployment to see whom it depends on"))["fleet"]
    assert missing.brief == "no fleet" and "add a deployment" in missing.sentence


def test_that_a_price_that_nobody_published_is_not_called_the_one_it_would_need() -> None:
    outcome = sample_outcome()
    assert outcome.workloads[0].chosen.cost.price_hypothetical
    for key in ("usd_per_million", "usd_per_month"):
        tile = next(one for one in verdict_tiles(outcome, 0, None) if one.key == key)
        assert "assumed price" in tile.note and tile.tone == "doubt"
        assert "nobody published it" in tile.why and "nobody published it" in tile.sentence
