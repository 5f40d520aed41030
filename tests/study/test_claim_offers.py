"""Claims to begin with: each can be read and judged as it stands, in every example scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from explorer.catalog import load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Claim, Scenario
from explorer.scenario.statement import parse_statement
from explorer.study.claim_offers import claims_offered
from explorer.study.claims import claims_at_once
from explorer.study.evaluate import Evaluator

EXAMPLES = sorted(path.stem for path in (Path(__file__).parents[2] / "scenarios").glob("*.toml"))


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator(load_catalog())


@pytest.mark.parametrize("name", EXAMPLES)
def test_that_each_can_be_judged_as_it_stands(name: str, evaluator: Evaluator, scenarios_folder: Path) -> None:
    scenario = read_scenario(scenarios_folder / f"{name}.toml", evaluator.catalog).scenario
    for at, workload in enumerate(scenario.workloads):
        offered = claims_offered(scenario, at)
        assert len(set(offered)) == len(offered) >= 2
        assert any(f"of {workload.selected}" in text or f'of "{workload.selected}"' in text for text in offered)
        claims = tuple(Claim(name=f"claim {place}", statement=text) for place, text in enumerate(offered))
        answers = claims_at_once(evaluator, scenario.model_copy(update={"claims": claims}), samples=8)
        assert [one.reason for one in answers if one.probability is None and not one.settled] == []


def test_that_names_that_could_be_read_otherwise_are_quoted(evaluator: Evaluator, scenarios_folder: Path) -> None:
    scenario = read_scenario(scenarios_folder / "ai200-on-aws.toml", evaluator.catalog).scenario
    workload = scenario.workloads[0]
    renamed = tuple(one.model_copy(update={"name": f"{one.name} of last year"}) for one in workload.alternatives)
    changed = workload.model_copy(update={"alternatives": renamed, "selected": renamed[0].name})
    other: Scenario = scenario.model_copy(update={"workloads": (changed, *scenario.workloads[1:])})
    for text in claims_offered(other, 0):
        for term in parse_statement(text).terms:
            assert term.of_fleet or term.subject in {one.name for one in renamed}
