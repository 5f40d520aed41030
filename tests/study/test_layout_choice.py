"""Which layout a deployment takes by itself: none given by hand does better at what it is chosen for."""

from __future__ import annotations

import pytest

from explorer.catalog import Catalog
from explorer.study.evaluate import evaluate
from explorer.study.outcome import AlternativeOutcome
from tests.study.asking import alternative, scenario, workload


def answered(catalog: Catalog, chip: str, preset: str, rate: float, **settings: object) -> AlternativeOutcome:
    """One chip under the usual chat at a rate."""
    asked = workload(alternative(chip, cloud="", **settings), preset=preset, traffic={"request_rate_per_s": rate})
    built = scenario(asked, samples=8, method="simulation" if "decode_instances" in settings else "closed_form")
    # before anything is simulated
    return evaluate(built, catalog, samples=8).workloads[0].alternatives[0]


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_that_the_layout_is_for_the_replicas_set_by_hand(catalog: Catalog, replicas: int) -> None:
    """At 18/s tensor parallelism of two needs many replicas; of a few, larger ones carry it, or none does."""
    own = answered(catalog, "nv-h200", "llama-3.1-70b", 18.0, replicas=replicas)
    by_hand = [
        answered(catalog, "nv-h200", "llama-3.1-70b", 18.0, replicas=replicas, parallelism_degree=degree)
        for degree in (1, 2, 4, 8, 16)
    ]
    keeping = [one.chips_total for one in by_hand if one.keeps_promises]
    assert own.keeps_promises == bool(keeping)
    if keeping:
        assert own.chips_total == min(keeping)
    else:
        assert own.max_request_rate >= max(one.max_request_rate for one in by_hand) * (1.0 - 1e-9)


@pytest.mark.parametrize("preset", ["llama-3.1-70b", "qwen3-32b"])
def test_that_instances_of_a_disaggregated_replica_all_count(catalog: Catalog, preset: str) -> None:
    """A replica of two instances carries twice what one does: its layout is chosen for that."""
    apart = {"scheduler": "disaggregated", "prefill_instances": 1, "decode_instances": 1}
    own = answered(catalog, "nv-h200", preset, 12.0, **apart)
    by_hand = [
        answered(catalog, "nv-h200", preset, 12.0, parallelism_degree=degree, **apart) for degree in (1, 2, 4, 8)
    ]
    keeping = [one.chips_total for one in by_hand if one.keeps_promises]
    assert keeping and own.chips_total <= min(keeping)


@pytest.mark.parametrize(
    ("chip", "preset", "rate"),
    [
        ("qcom-ai200", "llama-3.1-70b", 6.0),
        ("qcom-ai200", "llama-3.1-70b", 20.0),
        ("nv-l40s", "qwen3-32b", 5.0),
    ],
)
def test_that_stages_are_tried_where_links_are_slow(catalog: Catalog, chip: str, preset: str, rate: float) -> None:
    """Tensor ranks and pipeline stages in every mixture of powers of two, up to eight of either."""
    own = answered(catalog, chip, preset, rate)
    degrees = catalog.chip(chip).degrees
    by_hand = [
        answered(catalog, chip, preset, rate, layout={"tp": tp, "pp": pp})
        for tp in (1, 2, 4, 8)
        for pp in (1, 2, 4, 8)
        if tp * pp in degrees
    ]
    keeping = [one.chips_total for one in by_hand if one.keeps_promises]
    assert keeping and own.chips_total <= min(keeping)
