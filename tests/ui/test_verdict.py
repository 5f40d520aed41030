"""The verdict in words: signs beside colours, changes against the baseline, reasons where there is no figure."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.lettering import text_width
from explorer.scenario.quantity import NOTHING
from explorer.study.banded import Banded
from explorer.study.outcome import Outcome
from explorer.study.probability_words import confidence_word
from explorer.ui.verdict import Tile, baseline_words, verdict_tiles
from explorer.ui.verdict_strip import HEIGHT, QuestionView, _fitting, _question_lines
from tests.sample_outcome import sample_fleet, sample_outcome, without_fleet


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


def test_that_fits_and_how_sure_tell_their_change_too() -> None:
    fits = tiles(sample_outcome(), sample_outcome(infeasible=(0,)))["fits"]
    assert fits.figure == "✓ yes" and fits.note.startswith("was: no · ") and fits.brief == "was: no"
    fails = tiles(sample_outcome(infeasible=(0,)), sample_outcome())["fits"]
    assert fails.figure == "✗ no" and fails.note.startswith("was: yes · ") and "short" in fails.note
    less = tiles(kept_in(0.3), kept_in(0.8))["certainty"]
    assert less.note == "▼ 50 points · keeps both: 30 %" and less.brief == "▼ 50 points · 30 %"
    assert tiles(kept_in(0.3), kept_in(0.3))["certainty"].note == "keeps both: 30 %"


def test_that_few_draws_against_many_are_no_change() -> None:
    many = replace(kept_in(0.8), samples=256)
    assert tiles(replace(kept_in(0.78), samples=64), many)["certainty"].note == "keeps both: 78 %"
    assert "▼" in tiles(replace(kept_in(0.6), samples=64), many)["certainty"].note


def kept_in(share: float) -> Outcome:
    """The sample with every promise kept in this share of draws."""
    made = sample_outcome()
    chosen = replace(made.workloads[0].chosen, probability_keeps={"all": share})
    others = made.workloads[0].alternatives[1:]
    return replace(made, workloads=(replace(made.workloads[0], alternatives=(chosen, *others)),))


def test_that_a_band_whose_ends_read_alike_is_none() -> None:
    assert priced(92_400.0, 92_310.0, 92_490.0).band == priced(92_400.0, 92_310.0, 92_490.0).band_alone == ""
    assert priced(92_400.0, 82_000.0, 99_000.0).band == "82–99k"
    assert priced(92_400.0, 82_000.0, 99_000.0).band_alone == "$82–99k"
    assert priced(92_400.0, 82_000.0, math.inf).band == "≥ 82k"


def priced(value: float, low: float, high: float) -> Tile:
    """The tile of $/month with this band."""
    made = sample_outcome()
    chosen = made.workloads[0].chosen
    cost = replace(chosen.cost, usd_per_month=Banded(value, low, high))
    others = made.workloads[0].alternatives[1:]
    workload = replace(made.workloads[0], alternatives=(replace(chosen, cost=cost), *others))
    return tiles(replace(made, workloads=(workload,)))["usd_per_month"]


@pytest.mark.parametrize("room", [80.0, 101.0, 112.0, 140.0])
@pytest.mark.parametrize("note", ["", "on cost plus", "▼ 49 %", "▼ 49 % · needed price"])
@pytest.mark.parametrize(("figure", "band", "alone"), [("$95.3k", "69–132", "$69–132k"), ("$2.29M", "≥ 1", "≥ $1M")])
def test_that_a_band_is_somewhere_however_narrow_its_tile(
    qapp: QApplication, room: float, note: str, figure: str, band: str, alone: str
) -> None:
    size, beside, shown = _fitting(Tile("usd_per_month", "$/month", figure, band, note, band_alone=alone), room)
    assert beside or alone in shown
    assert text_width(figure, size, semibold=True) + (text_width(band) + 7 if beside else 0) <= room
    if "▼" in note and beside:
        assert shown == note


def test_that_the_baseline_is_named_with_its_alternative_where_that_is_another() -> None:
    now = sample_outcome()
    other = replace(now, workloads=(replace(now.workloads[0], selected=1),))
    assert baseline_words("pinned", now.workloads[0], now) == "pinned"
    assert baseline_words("pinned", now.workloads[0], None) == "pinned"
    assert baseline_words("pinned", now.workloads[0], other) == f"pinned: {other.workloads[0].chosen.name}"


@pytest.mark.parametrize("question", ["Who?", "Is AI200 on AWS an alternative to Nvidia?", "Should we move " * 12])
def test_that_the_baseline_is_said_however_long_the_question(qtbot: QtBot, question: str) -> None:
    def shown(*parts: str) -> QImage:
        view = QuestionView()
        qtbot.addWidget(view)
        view.resize(224, HEIGHT)
        view.show_question(question, *parts)
        return view.grab().toImage()

    assert shown("H200, sized to the promise", "baseline pinned") != shown("H200, sized to the promise", "baseline")


def test_that_a_question_of_some_length_is_whole(qapp: QApplication) -> None:
    asked = "What does AI200 on AWS change in our dependence, and at what cost?"
    assert " ".join(_question_lines(asked, 214.0)[0]) == asked


def test_that_an_infeasible_alternative_gives_reasons_and_no_figures() -> None:
    made = tiles(sample_outcome(infeasible=(0,)))
    for key in ("ttft", "tpot", "usd_per_million", "usd_per_month"):
        assert made[key].figure == NOTHING and made[key].note


def test_that_a_missing_fleet_says_why() -> None:
    made = tiles(without_fleet(sample_outcome(), "no pool carries its share"))["fleet"]
    assert made.figure == NOTHING and "no pool carries its share" in made.note


def test_that_without_promises_nothing_is_claimed_about_them() -> None:
    assert tiles(sample_outcome(objectives={}))["certainty"].figure == "no promise"


def test_that_without_promises_a_narrow_tile_names_the_grade_in_full() -> None:
    tile = tiles(sample_outcome(objectives={}))["certainty"]
    grade = sample_outcome().workloads[0].chosen.evidence_grade
    assert tile.brief == f"data: {grade}"


def test_that_a_narrow_tile_names_the_pool_that_leaves_the_fleet_without_an_answer() -> None:
    reason = "Nvidia H200 cannot hold this 9T model in any layout (70B chat)"
    pools = tuple(replace(pool, reason=reason if pool.name == "H200" else "") for pool in sample_fleet().pools)
    found = without_fleet(sample_outcome(), reason)
    tile = tiles(replace(found, fleet=replace(found.fleet, pools=pools)))["fleet"]
    assert tile.note == reason and tile.brief == "no answer for H200"


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
