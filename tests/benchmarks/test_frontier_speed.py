"""How fast the price of independence is drawn for five chips: at most 100 ms, printed and never asserted on.

Run: pytest tests/benchmarks/test_frontier_speed.py -m benchmark -s.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.catalog import load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Fleet, FleetMember
from explorer.study.economics import economics
from explorer.study.evaluate import evaluate
from explorer.study.frontier import fleet_frontier
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.benchmark

FIVE = (
    ("H200", "nv-h200", "AWS"),
    ("Trainium2", "aws-trn2", "AWS"),
    ("MI300X", "amd-mi300x", "Azure"),
    ("AI200", "qcom-ai200", "AWS"),
    ("TPU v6e", "google-v6e", "GCP"),
)


def test_how_long_the_frontier_of_five_chips_takes() -> None:
    catalog = load_catalog()
    loaded = read_scenario(REPOSITORY / "scenarios" / "diversified-fleet.toml", catalog).scenario
    members = tuple(
        FleetMember(name=name, chip=chip, cloud=cloud, traffic_share=0.2) for name, chip, cloud in FIVE
    )
    scenario = loaded.model_copy(update={"fleet": Fleet(members=members)})
    outcome = evaluate(scenario, catalog, samples=8)
    for tier in ("designer", "foundry", "memory_maker", "cloud"):
        taken = []
        for _ in range(15):
            start = time.perf_counter()
            found = fleet_frontier(scenario, catalog, outcome, tier)
            taken.append(1e3 * (time.perf_counter() - start))
        count, usual = found.usd_per_month.size, np.median(taken)
        print(f"frontier, {tier}: {count} mixes in {usual:.1f} ms, worst {max(taken):.1f}")
        assert found.usd_per_month.size > 10_000
    start = time.perf_counter()
    economics(scenario, catalog, outcome)
    print(f"all economics: {1e3 * (time.perf_counter() - start):.1f} ms")
