"""The closed form's token gaps against the simulation: how many steps carry prompts, and how long they last."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.study.evaluate import Evaluator
from explorer.study.simulation import SimulatedReplica, replica_to_simulate

LEVELS = (0.5, 0.99)
REQUESTS = 20_000


def replica_of(folder: Path, catalog: Catalog, name: str, alternative: str) -> SimulatedReplica:
    """One alternative of an example scenario, in the layout it takes."""
    scenario = read_scenario(folder / f"{name}.toml", catalog).scenario
    workload, evaluator = scenario.workloads[0], Evaluator(catalog)
    at = next(i for i, one in enumerate(workload.alternatives) if one.name == alternative)
    found = evaluator.evaluate(scenario, 8).workloads[0].alternatives[at]
    return replica_to_simulate(evaluator, scenario, workload, workload.alternatives[at], found)


def gaps(replica: SimulatedReplica, load: float) -> tuple[dict[float, float], dict[float, float]]:
    """Quantiles of the gap in closed form and simulated, each at this share of its own largest rate, seconds."""
    closed = replica.closed_form(np.asarray([load]))["itl"]
    run = replica.run(load, replica.saturation(REQUESTS), REQUESTS).quantiles("itl", LEVELS)
    return {q: float(closed[q][0]) for q in LEVELS}, dict(zip(LEVELS, run.value.tolist(), strict=True))


@pytest.mark.parametrize("chip", ["AI200", "Trainium2", "H100"])
def test_that_short_answers_near_saturation_meet_a_prompt_in_most_steps(
    scenarios_folder: Path, catalog: Catalog, chip: str
) -> None:
    # 800 tokens in, 64 out: at 95 % two prompts come to each step, and a median gap is that of a full one
    replica = replica_of(scenarios_folder, catalog, "small-model-high-throughput", chip)
    closed, simulated = gaps(replica, 0.95)
    assert closed[0.5] == pytest.approx(simulated[0.5], rel=0.15)
    assert closed[0.99] == pytest.approx(simulated[0.99], rel=0.12)
    for load in (0.6, 0.8):
        closed, simulated = gaps(replica, load)
        assert closed[0.99] == pytest.approx(simulated[0.99], rel=0.1)


def test_that_ranks_with_prompts_of_their_own_share_the_full_steps(scenarios_folder: Path, catalog: Catalog) -> None:
    # eight attention-data ranks: eight prompts go in one full step, and most gaps are without any
    replica = replica_of(scenarios_folder, catalog, "trillion-moe-realtime", "GB200 NVL72")
    assert replica.layout.dp == 8
    for load in (0.3, 0.6, 0.8, 0.9):
        closed, simulated = gaps(replica, load)
        assert closed[0.5] == pytest.approx(simulated[0.5], rel=0.15), load
