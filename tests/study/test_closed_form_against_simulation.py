"""The closed form against the simulation where requests' own host time and shared steps count: gaps, first tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace
from explorer.study.evaluate import Evaluator
from explorer.study.outcome import Metric
from explorer.study.simulation import SimulatedReplica, replica_to_simulate

LEVELS = (0.5, 0.99)
REQUESTS = 20_000
METRICS_WITHIN: dict[Metric, float] = {"ttft": 0.2, "tpot": 0.2, "itl": 0.1, "e2e": 0.2}


def replica_of(
    folder: Path,
    catalog: Catalog,
    name: str,
    alternative: str,
    deployed: Mapping[str, object] | None = None,
    **traffic: float,
) -> SimulatedReplica:
    """One alternative of an example scenario, as it is deployed there or otherwise."""
    scenario = read_scenario(folder / f"{name}.toml", catalog).scenario
    evaluator = Evaluator(catalog)
    at = next(i for i, one in enumerate(scenario.workloads[0].alternatives) if one.name == alternative)
    for field, value in traffic.items():
        scenario = replace(scenario, f"workloads.0.traffic.{field}", value)
    for field, setting in (deployed or {}).items():
        scenario = replace(scenario, f"workloads.0.alternatives.{at}.{field}", setting)
    workload = scenario.workloads[0]
    found = evaluator.evaluate(scenario, 8).workloads[0].alternatives[at]
    return replica_to_simulate(evaluator, scenario, workload, workload.alternatives[at], found)


def both(replica: SimulatedReplica, load: float, metric: Metric) -> tuple[dict[float, float], dict[float, float]]:
    """Quantiles in closed form and simulated, each at this share of its own largest rate, seconds."""
    closed = replica.closed_form(np.asarray([load]))[metric]
    run = replica.run(load, replica.saturation(REQUESTS), REQUESTS).quantiles(metric, LEVELS)
    return {q: float(closed[q][0]) for q in LEVELS}, dict(zip(LEVELS, run.value.tolist(), strict=True))


@pytest.mark.parametrize("chip", ["AI200", "Trainium2", "H100"])
def test_that_short_answers_near_saturation_meet_a_prompt_in_most_steps(
    scenarios_folder: Path, catalog: Catalog, chip: str
) -> None:
    # 800 tokens in, 64 out: at 95 % two prompts come to each step, and a median gap is that of a full one
    replica = replica_of(scenarios_folder, catalog, "small-model-high-throughput", chip)
    closed, simulated = both(replica, 0.95, "itl")
    assert closed[0.5] == pytest.approx(simulated[0.5], rel=0.15)
    assert closed[0.99] == pytest.approx(simulated[0.99], rel=0.12)
    for load in (0.6, 0.8):
        closed, simulated = both(replica, load, "itl")
        assert closed[0.99] == pytest.approx(simulated[0.99], rel=0.1)


@pytest.mark.parametrize("ranks", [4, 8, 32])
@pytest.mark.parametrize(("prompt", "output"), [(4096.0, 400.0), (500.0, 1000.0)])
def test_that_attention_ranks_share_only_the_steps_that_prompts_come_to_together(
    scenarios_folder: Path, catalog: Catalog, ranks: int, prompt: float, output: float
) -> None:
    # all ranks wait for one that has a prompt: a rank for each prompt does not make eight of them eight times as fast
    replica = replica_of(
        scenarios_folder, catalog, "trillion-moe-realtime", "GB200 NVL72",
        {"layout": {"tp": 1, "pp": 1, "dp": ranks, "ep": ranks}},
        prompt_tokens=prompt, output_tokens=output,
    )  # fmt: skip
    assert replica.layout.dp == replica.server.lanes == ranks
    assert replica.closed.saturation[0] == pytest.approx(replica.saturation(REQUESTS), rel=0.03)
    for load in (0.3, 0.6, 0.8):
        for metric, within in METRICS_WITHIN.items():
            closed, simulated = both(replica, load, metric)
            assert closed[0.5] == pytest.approx(simulated[0.5], rel=within), (metric, load)


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("small-model-high-throughput", "AI200"),
        ("small-model-high-throughput", "H100"),
        ("claims-of-the-brief", "H200"),
        ("llama-70b-chat", "H100"),
    ],
)
def test_that_prompts_wait_for_the_host_time_of_those_ahead(
    scenarios_folder: Path, catalog: Catalog, name: str, chip: str
) -> None:
    # 3 ms a request are a fifth of a short prompt's time: without them half of the median is missing near saturation
    replica = replica_of(scenarios_folder, catalog, name, chip)
    # where prompts are the limit their queue and the batch swell together next to it: the median reads low there
    for load, within in ((0.3, 0.15), (0.6, 0.15), (0.8, 0.15), (0.9, 0.21), (0.95, 0.36)):
        closed, simulated = both(replica, load, "ttft")
        assert closed[0.5] == pytest.approx(simulated[0.5], rel=within), load
        if load < 0.9:
            assert closed[0.99] == pytest.approx(simulated[0.99], rel=0.2), load


@pytest.mark.parametrize(
    ("name", "chip", "settings", "prompt", "output"),
    [
        ("small-model-high-throughput", "AI200", {}, 4000.0, 100.0),
        ("llama-70b-chat", "H200", {"token_budget": 512}, 2500.0, 60.0),
        ("llama-70b-chat", "H100", {}, 8000.0, 100.0),
        ("llama-70b-chat", "H200", {"token_budget": 128, "parallelism_degree": 8}, 1155.0, 211.0),
    ],
)
def test_that_the_largest_rate_is_what_full_steps_feed(
    scenarios_folder: Path,
    catalog: Catalog,
    name: str,
    chip: str,
    settings: dict[str, object],
    prompt: float,
    output: float,
) -> None:
    # long prompts, short answers or a small budget: prompts alone fill the steps long before the batch is at its cap
    replica = replica_of(scenarios_folder, catalog, name, chip, settings, prompt_tokens=prompt, output_tokens=output)
    gaps = replica.closed.gaps
    assert float((gaps.chunks_at * gaps.merge_at).max()) > 1.5
    assert replica.closed.saturation[0] == pytest.approx(replica.saturation(REQUESTS), rel=0.06)


@pytest.mark.parametrize(
    ("cap", "prompt", "output", "loads"), [(52, 500.0, 1000.0, (0.8, 0.9)), (32, 2000.0, 2000.0, (0.8, 0.9))]
)
def test_that_first_tokens_wait_for_a_place_as_long_as_they_do(
    scenarios_folder: Path, catalog: Catalog, cap: int, prompt: float, output: float, loads: tuple[float, ...]
) -> None:
    # the cap binds: a tenth and more of the requests wait for a place, most of all P99
    replica = replica_of(
        scenarios_folder, catalog, "llama-70b-chat", "H200", {"max_batch": cap},
        prompt_tokens=prompt, output_tokens=output,
    )  # fmt: skip
    saturation = replica.saturation(REQUESTS)
    for load in loads:
        closed = float(replica.closed_form(np.asarray([load]))["ttft"][0.99][0])
        simulated = float(replica.run(load, saturation, 5 * REQUESTS).quantiles("ttft", 0.99).value)
        assert closed == pytest.approx(simulated, rel=0.15), load


@pytest.mark.parametrize(
    ("name", "chip"),
    [
        ("small-model-high-throughput", "L40S"),
        ("small-model-high-throughput", "Trainium2"),
        ("small-model-high-throughput", "AI200"),
        ("trillion-moe-realtime", "AI200"),
    ],
)
def test_that_the_time_per_token_near_saturation_is_that_of_full_steps(
    scenarios_folder: Path, catalog: Catalog, name: str, chip: str
) -> None:
    # prompts limit these: whatever the cap, no more sequences decode than full steps feed, and all wait for full steps
    ranks = 8 if "moe" in name else 1
    deployed = {"layout": {"tp": ranks, "pp": 1, "dp": 1, "ep": ranks}} if ranks > 1 or chip == "L40S" else None
    replica = replica_of(scenarios_folder, catalog, name, chip, deployed)
    loads = np.linspace(0.05, 0.995, 60)
    curves = replica.closed_form(loads)["tpot"]
    for q in LEVELS:
        assert np.all(np.diff(curves[q]) >= -1e-9 * curves[q][1:]), "more load never shortens it"
    for load in (0.9, 0.95, 0.98):
        closed, simulated = both(replica, load, "tpot")
        assert closed[0.99] == pytest.approx(simulated[0.99], rel=0.03), load


@pytest.mark.parametrize("arrival_cv", [0.5, 2.0, 3.0])
@pytest.mark.parametrize(("name", "chip"), [("llama-70b-chat", "H200"), ("llama-70b-chat", "H100")])
def test_that_uneven_arrivals_are_felt(
    scenarios_folder: Path, catalog: Catalog, name: str, chip: str, arrival_cv: float
) -> None:
    # requests that come in clusters wait for each other even where the chip is idle half of the time
    replica = replica_of(scenarios_folder, catalog, name, chip, arrival_cv=arrival_cv)
    saturation = replica.saturation(REQUESTS)
    for load in (0.5, 0.7):
        closed = replica.closed_form(np.asarray([load]))
        run = replica.run(load, saturation, 5 * REQUESTS)
        for metric, within in (("ttft", 0.4), ("tpot", 0.4), ("e2e", 0.3)):
            simulated = float(run.quantiles(metric, 0.99).value)
            assert float(closed[metric][0.99][0]) == pytest.approx(simulated, rel=within), (load, metric)


@pytest.mark.parametrize(("prompt", "output"), [(500.0, 40.0), (1155.0, 211.0)])
def test_that_attention_data_ranks_wait_for_the_longest_prompt_among_them(
    scenarios_folder: Path, catalog: Catalog, prompt: float, output: float
) -> None:
    # with equal prompts the capacity is twice as large
    replica = replica_of(
        scenarios_folder, catalog, "trillion-moe-realtime", "GB200 NVL72",
        {"layout": {"tp": 1, "pp": 1, "dp": 16, "ep": 16}},
        prompt_tokens=prompt, output_tokens=output, prompt_cv=1.0, output_cv=1.0,
    )  # fmt: skip
    assert replica.closed.saturation[0] == pytest.approx(replica.saturation(REQUESTS), rel=0.17)
