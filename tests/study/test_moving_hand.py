"""While a hand moves, what it leaves alone is not computed again, and nothing else may show that."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import Catalog
from explorer.catalog.catalog import load_catalog
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study import bands, layout_search, load_curves
from explorer.study.banded import Banded, Metric
from explorer.study.evaluate import Evaluator
from explorer.study.kept import Kept
from explorer.study.live import QUICK_SAMPLES
from explorer.study.outcome import Outcome
from tests.study.asking import four_chips
from tests.study.walking import leaves

KEEPERS = (
    (layout_search, "_GROUPS"), (layout_search, "_PICKED"), (layout_search, "_BOUGHT"), (load_curves, "_CURVES"),
    (bands, "_ALONG"), (bands, "_POINTS"),
)  # fmt: skip
SHOWN: frozenset[Metric] = frozenset({"tpot"})

moves = st.one_of(
    st.tuples(st.just("workloads.0.traffic.request_rate_per_s"), st.floats(0.5, 80.0)),
    st.tuples(st.just("workloads.0.alternatives.0.max_batch"), st.integers(1, 700)),
    st.tuples(st.just("workloads.0.alternatives.1.parallelism_degree"), st.sampled_from(["auto", 1, 2, 4, 8])),
    st.tuples(st.just("workloads.0.alternatives.2.spare_replicas"), st.integers(0, 3)),
    st.tuples(st.just("workloads.0.traffic.arrival_cv"), st.floats(0.5, 3.0)),
    st.tuples(st.just("workloads.0.objectives.tpot_p99_s"), st.floats(0.01, 0.2)),
    st.tuples(st.just("workloads.0.model.size_billion"), st.sampled_from([8.0, 61.0, 70.0, 120.0])),
    st.tuples(st.just("simulation.seed"), st.integers(0, 2)),
    st.tuples(st.just("stragglers.stall_s"), st.sampled_from([0.0, 0.05])),
    st.tuples(st.just("price.margin"), st.sampled_from([0.3, 0.6])),
)


@cache
def shipped() -> Catalog:
    """The catalogue, read once: as an argument of a drawn test its text would be made for every case."""
    return load_catalog()


def moving(evaluator: Evaluator, scenario: Scenario) -> Outcome:
    """The answer while a hand moves."""
    return evaluator.evaluate(scenario, QUICK_SAMPLES, SHOWN)


def apart(one: Outcome, other: Outcome) -> list[str]:
    """Paths at which two outcomes differ by more than rounding: rows computed side by side are summed otherwise."""
    ours, theirs = list(leaves(one)), list(leaves(other))
    assert [path for path, _ in ours] == [path for path, _ in theirs]
    return [path for (path, a), (_, b) in zip(ours, theirs, strict=True) if not close(a, b)]


def close(a: object, b: object) -> bool:
    """Equal, or numbers within nine digits; a band's three numbers are looked at by themselves."""
    if isinstance(a, Banded):
        return isinstance(b, Banded)
    if isinstance(a, float | np.ndarray) and isinstance(b, float | np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-9, atol=0.0))
    return a == b


def from_nothing(scenario: Scenario, catalog: Catalog) -> Outcome:
    """The same of somebody who has never answered anything."""
    with pytest.MonkeyPatch.context() as patched:
        for module, name in KEEPERS:
            patched.setattr(module, name, Kept(64))
        return moving(Evaluator(catalog), scenario)


@settings(max_examples=10, deadline=None)
@given(steps=st.lists(moves, min_size=2, max_size=6))
def test_that_the_way_by_which_a_hand_came_changes_no_figure(steps: list[tuple[str, object]]) -> None:
    evaluator, scenario = Evaluator(shipped()), four_chips()
    for path, value in steps:
        scenario = several(scenario, {path: value})
        found = moving(evaluator, scenario)
    assert apart(found, from_nothing(scenario, shipped())) == []


def test_that_a_moved_rate_leaves_curves_as_they_are_and_a_moved_cap_those_of_others(catalog: Catalog) -> None:
    evaluator, scenario = Evaluator(catalog), four_chips()
    before = moving(evaluator, scenario).workloads[0].alternatives
    rated = moving(evaluator, several(scenario, {"workloads.0.traffic.request_rate_per_s": 13.0}))
    capped = moving(evaluator, several(scenario, {"workloads.0.alternatives.0.max_batch": 7}))
    for old, new in zip(before, rated.workloads[0].alternatives, strict=True):
        assert (old.curves["tpot"].p99 == new.curves["tpot"].p99).all()
    for at, (old, new) in enumerate(zip(before, capped.workloads[0].alternatives, strict=True)):
        same = old.curves["tpot"].p99.shape == new.curves["tpot"].p99.shape and bool(
            (old.curves["tpot"].p99 == new.curves["tpot"].p99).all()
        )
        assert same == (at != 0)


def test_that_layouts_left_out_of_a_frame_change_no_choice(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes and rates in leaps, up and down: the layouts are those of somebody who looks at all of them."""
    looked_at: list[int] = []
    chosen = layout_search._chosen

    def counted(groups: Any, *arguments: Any, moving: bool) -> Any:
        looked_at.append(sum(len(group) for group in groups))
        return chosen(groups, *arguments, moving=moving)

    monkeypatch.setattr(layout_search, "_chosen", counted)
    evaluator, fewer = Evaluator(catalog), 0
    for size, rate in ((70.0, 8.0), (70.0, 9.0), (900.0, 9.0), (8.0, 9.0), (8.0, 200.0), (400.0, 2.0)):
        asked = several(
            four_chips(),
            {"workloads.0.model.size_billion": size, "workloads.0.traffic.request_rate_per_s": rate},
        )
        looked_at.clear()
        found = moving(evaluator, asked).workloads[0].alternatives
        first = looked_at[0]
        looked_at.clear()
        whole = from_nothing(asked, catalog).workloads[0].alternatives
        assert [one.layout for one in found] == [one.layout for one in whole]
        assert len(looked_at) == 1
        fewer += first < looked_at[0]
    assert fewer >= 3, "after the first frame fewer layouts are looked at"


def test_that_a_full_store_forgets_the_question_that_was_not_asked_for_longest() -> None:
    kept: Kept[int] = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)
