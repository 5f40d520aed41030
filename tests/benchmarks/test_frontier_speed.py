"""How fast the price of independence is drawn for five chips: at most 100 ms, printed and never asserted on.

Run: pytest tests/benchmarks/test_frontier_speed.py -m benchmark -s.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from explorer.catalog import TIERS, load_catalog
from explorer.scenario.file import read_scenario
from explorer.scenario.schema import Fleet, FleetMember
from explorer.study.economics import EVERY_PART, economics
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
    members = tuple(FleetMember(name=name, chip=chip, cloud=cloud, traffic_share=0.2) for name, chip, cloud in FIVE)
    scenario = loaded.model_copy(update={"fleet": Fleet(members=members)})
    outcome = evaluate(scenario, catalog, samples=8)
    for tier in TIERS:
        taken = []
        for _ in range(15):
            start = time.process_time()
            found = fleet_frontier(scenario, catalog, outcome, tier)
            taken.append(1e3 * (time.process_time() - start))
        count, usual = found.usd_per_month.size, np.median(taken)
        print(f"frontier, {tier}: {count} mixes in {usual:.1f} ms of CPU, worst {max(taken):.1f}")
        assert found.usd_per_month.size > 10_000
    for name, parts in (("money", {"money"}), ("fleet", {"fleet"}), ("all", EVERY_PART)):
        taken = []
        for _ in range(9):
            start = time.process_time()
            economics(scenario, catalog, outcome, parts)
            taken.append(1e3 * (time.process_time() - start))
        print(f"economics, {name}: {np.median(taken):.1f} ms of CPU")


def test_how_long_the_frontier_of_chips_that_disclose_nothing_takes() -> None:
    """Five chips whose memory makers nobody has named: 243 combinations, looked at with fewer mixes."""
    catalog = load_catalog()
    loaded = read_scenario(REPOSITORY / "scenarios" / "diversified-fleet.toml", catalog).scenario
    chips = ("qcom-ai250", "qcom-ai200", "qcom-ai100-ultra", "sambanova-sn40l", "msft-maia200")
    members = tuple(FleetMember(name=chip, chip=chip, cloud="AWS", traffic_share=0.2) for chip in chips)
    scenario = loaded.model_copy(update={"fleet": Fleet(members=members)})
    outcome = evaluate(scenario, catalog, samples=8)
    taken = []
    for _ in range(9):
        start = time.process_time()
        found = fleet_frontier(scenario, catalog, outcome, "memory_maker")
        taken.append(1e3 * (time.process_time() - start))
    print(f"nothing disclosed: {found.usd_per_month.size} mixes in {np.median(taken):.1f} ms, worst {max(taken):.1f}")
    assert found.usd_per_month.size > 100
