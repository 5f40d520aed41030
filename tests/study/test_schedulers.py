"""Schedulers and routings: simulated as they are, and said where the closed form does not know them."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.path import ScenarioValueError, several
from explorer.scenario.schema import Scenario
from explorer.study.correction import key_of
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.export import outcome_data
from explorer.study.outcome import AlternativeOutcome
from explorer.study.simulated_replica import SimulatedReplica
from explorer.study.simulated_server import replica_to_simulate
from explorer.study.simulation import Refinement
from explorer.study.verdict_table import verdict_text
from explorer.study.what_matters import what_matters
from tests.study.asking import one_chip
from tests.study.settling import at_the_point

AT = "workloads.0.alternatives.0"
MODE = "workloads.0.traffic.mode"
POOLS = {"scheduler": "disaggregated", "prefill_instances": 1, "decode_instances": 2}


def served(requests: int = 4000, rate: float = 12.0, **deployed: object) -> Scenario:
    base = one_chip("nv-h200", {"parallelism_degree": 2, "replicas": 4}, traffic={"request_rate_per_s": rate})
    changes = {f"{AT}.{key}": value for key, value in deployed.items()}
    return several(base, {"simulation.method": "simulation", "simulation.requests": requests, **changes})


def answered(asked: Scenario, catalog: Catalog) -> AlternativeOutcome:
    return evaluate(asked, catalog).workloads[0].chosen


def replica_of(asked: Scenario, catalog: Catalog) -> SimulatedReplica:
    evaluator, of = Evaluator(catalog), asked.workloads[0]
    found = evaluator.evaluate(asked, 8).workloads[0].chosen
    return replica_to_simulate(evaluator, asked, of, of.alternatives[0], found)


def p99(found: AlternativeOutcome, metric: str) -> float:
    told = found.latency[metric].p99  # type: ignore[index]
    assert told is not None
    return told.value


@pytest.mark.parametrize(
    "deployed",
    [{"scheduler": "prefill_first"}, {"scheduler": "static"}, POOLS, {"routing": "shortest_queue"}],
    ids=["prefill first", "static", "disaggregated", "shortest queue"],
)
def test_that_the_outcome_is_what_the_simulation_of_that_scheduler_says(
    catalog: Catalog, deployed: dict[str, object]
) -> None:
    asked = served(**deployed)
    found = answered(asked, catalog)
    replica = replica_of(asked, catalog)
    saturation = replica.saturation(4000)
    assert found.saturation_rate == pytest.approx(4 * saturation, rel=1e-9)
    value_of, method = at_the_point(replica, 3.0 / saturation, saturation, 4000)
    for metric in ("ttft", "tpot"):
        assert p99(found, metric) == pytest.approx(value_of[metric][-1], rel=1e-6)
    assert found.latency_method == method and not found.method_note


def test_that_schedulers_differ_as_they_must(catalog: Catalog) -> None:
    """Whole prompts lengthen gaps and hasten first tokens; decoding alone has short gaps; batches make all wait."""
    chunked, whole, static, apart = (
        answered(served(token_budget=512, **deployed), catalog)
        for deployed in ({}, {"scheduler": "prefill_first"}, {"scheduler": "static"}, POOLS)
    )
    assert p99(whole, "itl") > 1.5 * p99(chunked, "itl")
    assert p99(whole, "ttft") < p99(chunked, "ttft")
    assert p99(apart, "itl") < 0.6 * p99(chunked, "itl")
    assert p99(static, "ttft") > 5.0 * p99(chunked, "ttft")


def test_that_the_closed_form_of_whole_prompts_sees_a_long_prompt_in_one_step(catalog: Catalog) -> None:
    long = {"workloads.0.traffic.prompt_tokens": 8000.0, "simulation.method": "closed_form"}
    chunked, whole = (
        answered(several(served(rate=1.0, scheduler=kind), long), catalog) for kind in ("chunked", "prefill_first")
    )
    assert p99(whole, "itl") > 2.0 * p99(chunked, "itl")
    assert whole.latency_method == "closed form"


def test_that_a_shortest_queue_shortens_the_tail(catalog: Catalog) -> None:
    by_lot, by_length = (
        answered(served(rate=26.0, routing=routing), catalog) for routing in ("random", "shortest_queue")
    )
    assert p99(by_length, "ttft") < 0.9 * p99(by_lot, "ttft")
    assert by_length.saturation_rate == pytest.approx(by_lot.saturation_rate, rel=0.03)


def test_that_more_than_eight_replicas_behind_a_queue_are_eight_and_said(catalog: Catalog) -> None:
    asked = served(requests=1500, rate=36.0, routing="shortest_queue", replicas=12)
    assert replica_of(asked, catalog).joint == 8
    method = answered(asked, catalog).latency_method
    assert method.startswith("simulation, 1,500 requests, 8 replicas for 12, ") and method.endswith(" at your traffic")


def test_that_a_disaggregated_replica_counts_the_chips_of_both_pools(catalog: Catalog) -> None:
    found = answered(served(**POOLS), catalog)
    assert found.degree == 2 and found.layout.instances == 3 and found.chips_total == 4 * 2 * 3
    told = outcome_data(evaluate(served(**POOLS), catalog))["workloads"][0]["alternatives"][0]
    assert told["chips_per_replica"] == 6 and told["layout"]["instances"] == 3
    plain = answered(served(), catalog)
    assert plain.cost.usd_per_month is not None and found.cost.usd_per_month is not None
    # 24 chips and 8 are both whole units of 8
    assert found.cost.usd_per_month.value == pytest.approx(3.0 * plain.cost.usd_per_month.value)


def test_that_the_link_of_the_pools_sets_how_long_keys_and_values_are_under_way(catalog: Catalog) -> None:
    """Llama 3.1 70B with FP8 cache: 80 layers x 2 x 8 heads x 128 B = 163,840 B a token, over two chips at 1 GB/s."""
    slow = replica_of(served(kv_transfer_gb_per_s=1.0, **POOLS), catalog)
    assert slow.server.prefill is not None
    assert slow.server.prefill.transfer_s_per_token == pytest.approx(163_840 / 2 / 1e9)
    own = replica_of(served(**POOLS), catalog)
    assert own.server.prefill is not None
    assert own.server.prefill.transfer_s_per_token < slow.server.prefill.transfer_s_per_token
    fast, late = (
        p99(answered(served(kv_transfer_gb_per_s=speed, **POOLS), catalog), "e2e") for speed in (1000.0, 0.05)
    )
    assert late > fast + 1155 * 163_840 / 2 / 0.05e9


def test_that_an_unknown_scheduler_is_said_until_it_is_simulated(catalog: Catalog) -> None:
    evaluator = Evaluator(catalog)
    asked = served(scheduler="static")
    quick = evaluator.evaluate(asked, 8)
    chosen = quick.workloads[0].chosen
    assert chosen.latency_method == "closed form of chunked prefill, static batching not in it: an estimate"
    assert "not simulated yet" in chosen.method_note and "not simulated yet" in verdict_text(quick)
    split = evaluator.evaluate(served(routing="shortest_queue"), 8).workloads[0].chosen
    assert split.latency_method == "closed form, requests split at random: an estimate"


def test_that_what_was_found_of_one_scheduler_is_no_estimate_of_another(catalog: Catalog) -> None:
    evaluator = Evaluator(catalog)
    refinement = Refinement(evaluator, served(scheduler="static", requests=1000))
    for _ in refinement.stages():
        pass
    estimates = refinement.corrections.as_estimates()
    moved = evaluator.evaluate(served(scheduler="static", rate=11.0), 8, corrections=estimates).workloads[0].chosen
    other = evaluator.evaluate(served(rate=11.0), 8, corrections=estimates).workloads[0].chosen
    assert moved.latency_method == "estimate" and other.latency_method == "closed form"
    # a ratio of ten is no small correction to be held
    assert p99(moved, "ttft") > 5.0 * p99(other, "ttft")
    asked = served(scheduler="static").workloads[0]
    correction = estimates.of[key_of(asked, asked.alternatives[0])]
    assert not correction.known and np.all(correction.below["ttft"][0.99] >= 0.3)


def test_that_studies_of_the_closed_form_refuse_what_it_does_not_know(catalog: Catalog) -> None:
    with pytest.raises(ExplorerError, match=r"no static batching: set the scheduler .* to chunked or prefill first"):
        what_matters(served(scheduler="static"), catalog, 0)


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({f"{AT}.scheduler": "dynamic"}, "scheduler", "not one of the known values"),
        ({f"{AT}.prefill_instances": 2}, "prefill_instances", 'goes with scheduler = "disaggregated"'),
        ({f"{AT}.kv_transfer_gb_per_s": 50.0}, "kv_transfer_gb_per_s", "goes with"),
        ({f"{AT}.scheduler": "disaggregated", f"{AT}.routing": "shortest_queue"}, "routing", "not modelled"),
        ({f"{AT}.scheduler": "static", "simulation.method": "closed_form"}, "simulation", "knows no static batching"),
        ({f"{AT}.scheduler": "disaggregated", MODE: "closed_loop"}, "alternatives", "closed loop"),
        ({f"{AT}.routing": "shortest_queue", MODE: "closed_loop"}, "alternatives", "closed loop"),
    ],
)
def test_that_combinations_that_cannot_be_are_refused_with_key_and_reason(
    changes: dict[str, object], key: str, reason: str
) -> None:
    with pytest.raises(ScenarioValueError) as caught:
        several(served(), changes)
    assert key in str(caught.value) and reason in str(caught.value) and "allowed" in str(caught.value)


def test_that_a_closed_loop_may_have_static_batches(catalog: Catalog) -> None:
    loop = several(served(scheduler="static", max_batch=16), {"workloads.0.traffic.mode": "closed_loop"})
    found = answered(loop, catalog)
    chunked = answered(several(loop, {f"{AT}.scheduler": "chunked"}), catalog)
    assert found.latency_method.startswith("simulation, 4,000 requests")
    assert found.request_rate < chunked.request_rate
