"""Bursts and recorded traces behind an outcome: what the closed form takes of them, and the simulation in full."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog
from explorer.catalog.trace import shipped_trace
from explorer.engine.serving_traffic import draw, on_off_arrivals, recorded_share
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.scenario.traces import own_trace
from explorer.study.arrivals import arrivals_words, burst_scv, moments_of
from explorer.study.cost_parts import hosted_month
from explorer.study.demand import p99_length
from explorer.study.evaluate import Evaluator, evaluate
from explorer.study.export import outcome_data
from explorer.study.simulated_server import replica_to_simulate
from explorer.study.workload import demand_of
from tests.study.asking import alternative, one_chip, scenario, workload
from tests.study.settling import at_the_point

AZURE = {"arrivals": "trace", "trace": {"name": "azure-2023-conversation"}}


def simulated(asked: Scenario, requests: int = 4000) -> Scenario:
    return several(asked, {"simulation.method": "simulation", "simulation.requests": requests})


def test_that_the_lengths_of_a_trace_stand_for_those_stated() -> None:
    """Means and spreads of the Azure conversation trace of 2023 as its authors' own file has them."""
    stated = one_chip("nv-h200", traffic={**AZURE, "prompt_tokens": 9.0, "output_tokens": 9.0}).workloads[0]
    demand = demand_of(stated)
    assert (demand.prompt, demand.prompt_cv) == pytest.approx((1154.7, 0.960), rel=1e-3)
    assert (demand.output, demand.output_cv) == pytest.approx((211.1, 0.771), rel=1e-3)
    words = arrivals_words(stated.traffic)
    assert "19,366 requests" in words and "stretched to 12/s" in words


def test_that_memory_is_asked_to_hold_the_lengths_as_recorded() -> None:
    """Half the lengths of a lognormal of the same mean and spread, or twice: P99 is read off the recording."""
    trace = shipped_trace("azure-2023-conversation")
    demand = demand_of(one_chip("nv-h200", traffic=AZURE).workloads[0])
    own = float(np.quantile(trace.prompt_tokens, 0.99) + np.quantile(trace.output_tokens, 0.99))
    assert p99_length(demand) == pytest.approx(own)
    assert p99_length(replace(demand, recorded_p99=None)) > 1.2 * own


def test_that_recorded_requests_which_nothing_holds_are_warned_of(catalog: Catalog, tmp_path: Path) -> None:
    """One prompt in two hundred is longer than what an L4 has room for beside an 8B model: P99 fits, it does not."""
    rows = [f"{at * 0.5},{400_000 if at % 200 == 7 else 500},100" for at in range(2000)]
    text = "arrival_s,prompt_tokens,output_tokens\n" + "\n".join(rows) + "\n"
    (tmp_path / "long.csv").write_text(text)
    asked = scenario(
        workload(
            alternative("nv-l4", cloud="", parallelism_degree=1, replicas=1),
            preset="llama-3.1-8b",
            traffic={
                "request_rate_per_s": 0.2,
                "arrivals": "trace",
                "trace": {"file": str(tmp_path / "long.csv"), "sha256": sha256(text.encode()).hexdigest()},
            },
        )
    )
    outcome = evaluate(asked, catalog)
    assert outcome.workloads[0].alternatives[0].memory.fits
    (warning,) = outcome.warnings
    assert "10 of the 2,000 recorded requests are longer than the" in warning


def test_that_the_variation_of_bursts_is_that_of_their_gaps() -> None:
    """Kuczura's formula against the gaps drawn."""
    times = on_off_arrivals(draw(3, 400_000), 10.0, 0.4, 0.5)
    gaps = np.diff(times)
    assert np.var(gaps) / np.mean(gaps) ** 2 == pytest.approx(burst_scv(10.0, 0.4, 0.5), rel=0.05)
    assert burst_scv(10.0, 1.0, 100.0) == 1.0


def test_that_a_split_recording_keeps_rate_order_and_lengths() -> None:
    trace = shipped_trace("azure-2023-conversation")
    run = recorded_share(trace.arrival_s, trace.prompt_tokens, trace.output_tokens, draw(1, 30_000), 2.0, 5)
    assert 29_999 / run.arrival[-1] == pytest.approx(2.0, rel=0.03)
    assert np.mean(run.prompt) == pytest.approx(float(np.mean(trace.prompt_tokens)), rel=0.03)
    alone = recorded_share(trace.arrival_s, trace.prompt_tokens, trace.output_tokens, draw(1, 100), 2.0, 1)
    np.testing.assert_array_equal(alone.prompt, trace.prompt_tokens[:100])


def test_that_the_closed_form_of_other_arrivals_is_called_an_estimate(catalog: Catalog) -> None:
    for traffic in (AZURE, {"arrivals": "on_off"}):
        found = evaluate(one_chip("nv-h200", traffic=traffic), catalog).workloads[0]
        assert found.chosen.latency_method.startswith("closed form, ")
        assert found.chosen.latency_method.endswith("an estimate")
        assert found.arrivals
    assert evaluate(one_chip("nv-h200"), catalog).workloads[0].chosen.latency_method == "closed form"


@pytest.mark.parametrize("traffic", [AZURE, {"arrivals": "on_off", "on_share": 0.3, "burst_s": 20.0}])
def test_that_the_simulation_serves_the_arrivals_themselves(catalog: Catalog, traffic: dict[str, object]) -> None:
    evaluator = Evaluator(catalog)
    asked = simulated(one_chip("nv-h200", {"replicas": 6, "parallelism_degree": 1}, traffic=traffic))
    found = evaluate(asked, catalog).workloads[0].chosen
    of = asked.workloads[0]
    replica = replica_to_simulate(evaluator, asked, of, of.alternatives[0], found)
    saturation = replica.saturation(4000)
    value_of, method = at_the_point(replica, found.request_rate / 6 / saturation, saturation, 4000)
    told = found.latency["ttft"].p99
    assert told is not None
    assert told.value == pytest.approx(value_of["ttft"][-1], rel=1e-6)
    assert found.latency_method == method
    gaps = np.diff(replica.requests(2.0, 4000).arrival)
    assert np.mean(gaps) == pytest.approx(0.5, rel=0.1)


def test_that_bursts_lengthen_the_tail_in_closed_form_and_simulation_alike(catalog: Catalog) -> None:
    """Six replicas at 12/s, bursts of 20 s a third of the time: against arrivals at random."""
    bursts = {"arrivals": "on_off", "on_share": 0.35, "burst_s": 20.0}
    for method in ("closed_form", "simulation"):
        p99 = []
        for traffic in ({}, bursts):
            asked = several(
                one_chip("nv-h200", {"replicas": 6, "parallelism_degree": 1}, traffic=traffic),
                {"simulation.method": method, "simulation.requests": 4000},
            )
            told = evaluate(asked, catalog).workloads[0].chosen.latency["tpot"].p99
            assert told is not None
            p99.append(told.value)
        assert p99[1] > 1.5 * p99[0], method


def test_that_bad_rows_left_out_are_named_in_the_outcome(tmp_path: Path, catalog: Catalog) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("time,prompt,output\n0,900,90\n1,x,90\n2,1100,110\n3,1000,100\n")
    trace = own_trace(file, skip_bad_rows=True)
    asked = one_chip("nv-h200", traffic={"arrivals": "trace", "trace": trace})
    outcome = evaluate(asked, catalog)
    (warning,) = outcome.warnings
    assert "line 3" in warning and "3 requests remain" in warning
    told = outcome_data(outcome)
    assert told["warnings"] == [warning]
    assert told["workloads"][0]["prompt_tokens"] == 1000.0
    assert "mine.csv" in told["workloads"][0]["arrivals"]


def test_that_money_counts_the_tokens_of_the_trace() -> None:
    asked = one_chip("nv-h200", traffic=AZURE)
    priced = several(asked, {"price.hosted_usd_per_million_input": 1.0, "price.hosted_usd_per_million_output": 2.0})
    month = hosted_month(priced.price, priced.workloads[0])
    trace = priced.workloads[0].traffic.trace
    assert month is not None and trace is not None
    moments = moments_of(trace)
    requests = 12.0 / 2.0 * 730.0 * 3600.0
    assert month == pytest.approx(requests * (moments.prompt + 2.0 * moments.output) / 1e6, rel=1e-9)
