"""The audit questionnaire: what it asks, in each form, and what it does with texts that are not meant kindly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from explorer.catalog import Catalog, load_catalog
from explorer.errors import ExplorerError
from explorer.report.questionnaire import (
    questionnaire_html,
    questionnaire_markdown,
    questionnaire_pdf,
    write_questionnaires,
)
from explorer.study.questionnaire import Questionnaire, questionnaires
from explorer.study.what_matters import WhatMatters, what_matters
from tests.study.asking import alternative, scenario, workload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def found(catalog: Catalog) -> WhatMatters:
    """What matters between AI200 and H200."""
    asked = scenario(workload(alternative("qcom-ai200"), alternative("nv-h200"), name="a <b>chat</b> | of *one*"))
    answer = what_matters(asked, catalog, 0, 256)
    assert answer is not None
    return answer


@pytest.fixture(scope="module")
def sheet(found: WhatMatters) -> Questionnaire:
    """The questionnaire about AI200."""
    (one,) = questionnaires(found)
    return one


def test_that_everything_a_buyer_has_to_ask_is_asked(sheet: Questionnaire) -> None:
    titles = [section.title for section in sheet.sections]
    assert titles == [
        "Memory",
        "Links between chips",
        "Topology",
        "Compute",
        "Scaling over several chips",
        "Latency under a stated load",
        "Price",
        "Software stack and portability",
    ]
    questions = {question.ask: question for section in sheet.sections for question in section.questions}
    bandwidth = questions["Memory bandwidth"]
    assert "Sustained read" in bandwidth.how
    assert "7.39 TB/s (vendor)" in bandwidth.believed
    assert "promises: ≥" in bandwidth.beat and "money:" in bandwidth.beat and "surely:" in bandwidth.beat
    for asked in ("Scale-up link bandwidth, one way", "Link hop latency", "Purchase price", "Scale-up domain"):
        assert asked in questions
    assert any(ask.startswith("P99 first token at") for ask in questions)
    assert any(ask.startswith("Price of a card-hour") for ask in questions)


def test_that_the_price_to_beat_is_the_one_at_which_both_cost_the_same(found: WhatMatters) -> None:
    (test,) = found.tests
    assert test.usd_per_chip_hour is not None and test.usd_per_chip_hour_to_beat is not None
    reference = next(one for one in found.spreads if one.name == test.reference)
    share = test.usd_per_chip_hour_to_beat / test.usd_per_chip_hour
    # the reference's median month is close to its believed one, on which the number rests
    assert found.usd_per_month * share == pytest.approx(reference.usd_per_month[1], rel=0.1)
    assert test.rate_per_chip_to_beat is not None and test.best is not None
    assert test.best.rate_per_chip == max(point.rate_per_chip for point in test.scaling)


def test_that_promises_that_are_not_kept_are_said_not_to_be(found: WhatMatters, sheet: Questionnaire) -> None:
    (test,) = found.tests
    assert test.keeps_promises and "it keeps the promises (" in sheet.introduction
    broken = replace(test, keeps_promises=False, reason="P99 first token is out of reach at any load")
    (other,) = questionnaires(replace(found, tests=(broken,)))
    assert "it keeps" not in other.introduction and "it does not keep the promises (" in other.introduction
    assert "out of reach at any load" in other.introduction


def test_that_names_are_escaped_in_html_and_markdown(sheet: Questionnaire) -> None:
    page = questionnaire_html([sheet])
    assert "<b>chat</b>" not in page and "a &lt;b&gt;chat&lt;/b&gt;" in page
    text = questionnaire_markdown([sheet])
    assert "a \\<b>chat\\</b> \\| of \\*one\\*" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows and all(line.replace("\\|", "").count("|") == 5 for line in rows)


def test_that_a_page_of_html_needs_nothing_from_elsewhere(sheet: Questionnaire) -> None:
    page = questionnaire_html([sheet, sheet])
    assert "http" not in page and "<script" not in page
    assert page.count("<h1") == 2 and page.count("page-break-before") == 1


def test_that_every_form_is_written_by_its_suffix(sheet: Questionnaire, tmp_path: Path, qtbot: QtBot) -> None:
    for suffix, start in ((".html", b"<!DOCTYPE html>"), (".md", b"# Audit questionnaire"), (".pdf", b"%PDF-")):
        path = tmp_path / f"ask{suffix}"
        write_questionnaires([sheet], path)
        assert path.read_bytes().startswith(start)
    assert questionnaire_pdf([sheet]).rstrip().endswith(b"%%EOF")


def test_that_an_unknown_form_an_empty_sheet_and_a_missing_folder_are_refused(
    sheet: Questionnaire, tmp_path: Path
) -> None:
    with pytest.raises(ExplorerError, match=r"\.html, \.md, \.pdf"):
        write_questionnaires([sheet], tmp_path / "ask.docx")
    with pytest.raises(ExplorerError, match="nothing to ask"):
        write_questionnaires([], tmp_path / "ask.md")
    with pytest.raises(ExplorerError, match="cannot be written"):
        write_questionnaires([sheet], tmp_path / "no such folder" / "ask.md")


def test_that_a_chip_that_carries_nothing_says_so_instead_of_a_number(found: WhatMatters) -> None:
    (test,) = found.tests
    lost = replace(
        test,
        usd_per_chip_hour_to_beat=None,
        scaling=tuple(replace(point, rate_per_chip=0.0) for point in test.scaling),
        p99={},
    )
    (sheet,) = questionnaires(replace(found, tests=(lost,)))
    beats = [question.beat for section in sheet.sections for question in section.questions]
    assert "any load at all within the promises" in beats
    assert "no price makes up for promises that are out of reach" in beats
