"""A sweep: which ranges it understands, what it refuses and how, and that its figures are those of an evaluation."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.path import replace, several
from explorer.scenario.schema import Scenario, Simulation
from explorer.study.evaluate import evaluate
from explorer.study.outcome_table import outcome_rows
from explorer.study.sweep import FAILED, MOST_POINTS, plan_sweep, sweep_rows
from tests.study.asking import alternative, fleet, scenario, workload


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture(scope="module")
def asked() -> Scenario:
    """Two chips and a fleet of both."""
    both = workload(alternative("qcom-ai200"), alternative("nv-h200"))
    return scenario(both, samples=8, fleet=fleet(H200=0.6, AI200=0.4))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("workloads.0.traffic.request_rate_per_s=1:5:3", (1, 3, 5)),
        ("request_rate_per_s=1:100:3:log", (1, 10, 100)),
        ("requests per second=4,2.5", (4, 2.5)),
        ("max_batch of AI200=1:5:3", (1, 3, 5)),
        ("workloads.0.alternatives.1.replicas=auto,2,4", ("auto", 2, 4)),
        ("memory bandwidth of AI200=1.7,7.39", (1.7, 7.39)),
        ("overrides.qcom-ai200.link_bandwidth=128 GB/s,0.5 TB/s", (128, 500)),
        ("workloads.0.model.size_billion=8B,70B", (8, 70)),
        ("price.basis=offer,own", ("offer", "own")),
        ("workloads.0.alternatives.0.chip=nv-h100-sxm,nv-b200", ("nv-h100-sxm", "nv-b200")),
        ("fleet.members.0.traffic_share=0:1:3", (0, 0.5, 1)),
    ],
)
def test_that_a_range_is_understood(text: str, values: tuple[object, ...], asked: Scenario, catalog: Catalog) -> None:
    (varied,) = plan_sweep(catalog, asked, [text]).varied
    assert len(varied.values) == len(values)
    for found, wanted in zip(varied.values, values, strict=True):
        assert found == (pytest.approx(wanted) if isinstance(wanted, float | int) else wanted)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("request_rate_per_s", "KEY=RANGE"),
        ("request_rate_per_s=", "empty range"),
        ("request_rate_per_s=1:5", "start:stop:count"),
        ("request_rate_per_s=1:5:1", "no number of values"),
        ("request_rate_per_s=1:5:2.5", "no number of values"),
        ("request_rate_per_s=0:5:3:log", "not above 0"),
        ("request_rate_per_s=0:5:3", "must be at least 0.000001"),
        ("request_rate_per_s=nan,1", "not finite"),
        ("request_rate_per_s=1,fast", "fast"),
        ("request_rate_per_s=2,2", "twice"),
        ("max_batch of AI200=1:3:9", "twice"),
        ("requst_rate_per_s=1,2", "nearest known: request_rate_per_s"),
        ("workloads.0.traffic.request_rate=1,2", "nearest known: request_rate_per_s"),
        ("workloads.7.traffic.request_rate_per_s=1,2", "no such item"),
        ("link bandwidth of AI300=1,2", "no alternative or chip"),
        ("price=1,2", "not held by a scenario"),
        ("price.basis=offer,gift", "cost_plus"),
        ("workloads.0.alternatives.0.chip=nv-h100-sxm,nv-h1000", "nv-h1000"),
        ("workloads.0.alternatives.1.parallelism_degree=2,3", "cannot be had"),
        ("stragglers.jitter_sigma=0:2:3", "at most 1"),
    ],
)
def test_that_a_bad_key_or_range_is_told_with_what_is_allowed(
    text: str, told: str, asked: Scenario, catalog: Catalog
) -> None:
    with pytest.raises(ExplorerError) as error:
        plan_sweep(catalog, asked, [text])
    assert told in str(error.value)
    assert "allowed" in str(error.value)


def test_that_too_many_points_and_an_input_twice_are_refused(asked: Scenario, catalog: Catalog) -> None:
    with pytest.raises(ExplorerError, match=r"101 × 100 makes 10,100 points.*10,000"):
        plan_sweep(catalog, asked, ["request_rate_per_s=1:9:101", "prompt_tokens=1:100:100"])
    with pytest.raises(ExplorerError, match="varied twice"):
        plan_sweep(catalog, asked, ["request_rate_per_s=1,2", "workloads.0.traffic.request_rate_per_s=3,4"])
    assert plan_sweep(catalog, asked, ["request_rate_per_s=1:9:100", "prompt_tokens=1:100:100"]).count == MOST_POINTS


def test_that_a_scheduler_without_a_closed_form_is_named(asked: Scenario, catalog: Catalog) -> None:
    simulated = several(
        asked, {"simulation": Simulation(requests=100, samples=8), "workloads.0.alternatives.0.scheduler": "static"}
    )
    with pytest.raises(ExplorerError, match="static batching"):
        plan_sweep(catalog, simulated, ["request_rate_per_s=1,2"])


def test_that_every_row_is_what_an_evaluation_of_its_point_says(asked: Scenario, catalog: Catalog) -> None:
    plan = plan_sweep(catalog, asked, ["request_rate_per_s=2,4", "fleet.members.0.traffic_share=0.5,1"])
    points = list(sweep_rows(catalog, plan))
    assert len(points) == plan.count == 4
    assert [rows[0][:2] for rows in points] == [(2, 0.5), (2, 1), (4, 0.5), (4, 1)]
    alone = evaluate(replace(asked, "workloads.0.traffic.request_rate_per_s", 4.0), catalog)
    assert [row[2:-1] for row in points[2]] == outcome_rows(alone)
    assert all(len(row) == len(plan.headings) for rows in points for row in rows)
    assert plan.headings[0].endswith("[workloads.0.traffic.request_rate_per_s]") and plan.headings[-1] == FAILED


def test_that_a_figure_has_its_unit_in_the_heading(asked: Scenario, catalog: Catalog) -> None:
    plan = plan_sweep(catalog, asked, ["link bandwidth of AI200=64,512"])
    assert plan.headings[0].endswith("[overrides.qcom-ai200.link_bandwidth] (GB/s)")


def test_that_a_point_without_an_answer_says_why_in_its_row(asked: Scenario, catalog: Catalog) -> None:
    fixed = several(asked, {"workloads.0.alternatives.1.layout": {"tp": 2, "pp": 1, "dp": 1, "ep": 1}})
    texts = ["request_rate_per_s=2,3"]
    plan = plan_sweep(catalog, fixed, texts)
    broken = plan.varied[0].__class__("degree", (2, 4), None, "workloads.0.alternatives.1.parallelism_degree")
    rows = list(sweep_rows(catalog, type(plan)(plan.scenario, (broken,))))
    assert len(rows[0]) == 2 and rows[0][0][-1] is None
    assert len(rows[1]) == 1 and "impossible layout" in str(rows[1][0][-1])
