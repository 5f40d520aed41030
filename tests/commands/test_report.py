"""`report` as its users call it: what it writes, and what it refuses before it computes anything."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.scenario.quantities import QUANTITIES


@pytest.fixture
def quick(scenarios_folder: Path, tmp_path: Path) -> Path:
    """A shipped scenario in closed form, with few draws."""
    text = (scenarios_folder / "llama-70b-chat.toml").read_text(encoding="utf-8")
    few = '[simulation]\nmethod = "closed_form"\nsamples = 16'
    place = tmp_path / "quick.toml"
    found = text.replace("[simulation]", few) if "[simulation]" in text else f"{text}\n{few}\n"
    place.write_text(found, encoding="utf-8")
    return place


def test_that_the_figures_of_a_report_are_those_of_evaluate(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = quick.with_name("report.html")
    assert main(["report", str(quick), "-o", str(page)]) == 0
    assert str(page) in capsys.readouterr().out
    assert main(["evaluate", str(quick), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    text = re.sub(r"<svg.*?</svg>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    (workload,) = data["workloads"]
    for one in workload["alternatives"]:
        for key, quantity in (("ttft_s", "seconds"), ("tpot_s", "seconds")):
            assert f">{QUANTITIES[quantity].format(one[key]['p99']['value'])}<" in text
        assert f">{QUANTITIES['usd_per_month'].format(one['cost_usd_per_month'])}<" in text
        blended = one["cost_usd_per_million_tokens"]["blended"]
        assert f">{QUANTITIES['usd_per_million'].format(blended)}<" in text
        for part in data["economics"]["money"][0]["alternatives"][0]["parts"]:
            assert QUANTITIES["usd_per_month"].format(part["usd_per_month"]) in text
    assert data["catalog_edition"] in text
    for tier in data["fleet"]["tiers"].values():
        assert f">{tier['hhi']:,.0f}<" in text


def test_that_a_pdf_of_one_workload_has_seven_pages_at_most(quick: Path) -> None:
    paper = quick.with_name("report.pdf")
    assert main(["report", str(quick), "-o", str(paper)]) == 0
    content = paper.read_bytes()
    assert content.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) <= 7


@pytest.mark.parametrize("name", ["report.docx", "no-ending", "missing/report.pdf"])
def test_that_a_place_that_cannot_be_is_told_and_nothing_is_written(
    name: str, quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(quick.parent.iterdir())
    assert main(["report", str(quick), "-o", str(quick.parent / name)]) == 2
    told = capsys.readouterr().err
    assert name.partition("/")[0] in told and "Traceback" not in told
    assert set(quick.parent.iterdir()) == before


def test_that_a_bad_scenario_is_named_by_line_and_key(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = Path(shutil.copy(quick, quick.with_name("bad.toml")))
    bad.write_text(bad.read_text(encoding="utf-8").replace("request_rate_per_s", "request_rate"), encoding="utf-8")
    assert main(["report", str(bad), "-o", str(bad.with_suffix(".pdf"))]) == 2
    told = capsys.readouterr().err
    assert "line " in told and "request_rate" in told and "nearest known" in told
    assert not bad.with_suffix(".pdf").exists()
