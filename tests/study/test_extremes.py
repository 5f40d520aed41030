"""Any scenario that the document allows is answered with numbers or refused in words: no warning, no NaN, no crash."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.catalog import load_catalog
from explorer.errors import ExplorerError
from explorer.scenario.schema import Comparison, Price, Stragglers
from explorer.study.banded import METRICS
from explorer.study.evaluate import evaluate
from tests.study.asking import alternative, fleet, scenario, workload
from tests.study.walking import bands_out_of_order, not_numbers


def logarithmic(low: float, high: float) -> st.SearchStrategy[float]:
    """Values spread over a range of factors, its ends included."""
    return st.one_of(st.just(low), st.just(high), st.floats(0, 1).map(lambda t: low * (high / low) ** t))


PROMISE = st.one_of(st.none(), logarithmic(1e-3, 1e3))


@given(
    preset=st.sampled_from(["llama-3.1-8b", "llama-3.1-405b", "gpt-oss-120b", "deepseek-v3", "nemotron-h-56b"]),
    model=st.fixed_dictionaries(
        {
            "weight_precision": st.sampled_from(["bf16", "fp8", "int8", "fp4", "int4"]),
            "kv_precision": st.sampled_from(["bf16", "fp8"]),
            "kv_sequence_sharding": st.booleans(),
            "size_billion": st.one_of(st.none(), logarithmic(0.1, 20_000)),
        }
    ),
    traffic=st.fixed_dictionaries(
        {
            "request_rate_per_s": logarithmic(1e-6, 1e6),
            "arrival_cv": st.floats(0, 10),
            "prompt_tokens": logarithmic(1, 1e7),
            "prompt_cv": st.floats(0, 10),
            "output_tokens": logarithmic(1, 1e6),
            "output_cv": st.floats(0, 10),
            "prefix_hit_share": st.sampled_from([0.0, 0.5, 0.999999]),
            "peak_to_mean": st.sampled_from([1.0, 100.0]),
        }
    ),
    objectives=st.fixed_dictionaries(
        {"ttft_p99_s": PROMISE, "tpot_p99_s": PROMISE, "itl_p99_s": PROMISE, "e2e_p99_s": PROMISE}
    ),
    deployed=st.fixed_dictionaries(
        {
            "max_batch": st.sampled_from([1, 2, 256, 65_536]),
            "token_budget": st.sampled_from([16, 2048, 1_048_576]),
            "spare_replicas": st.sampled_from([0, 1000]),
            "replicas": st.sampled_from(["auto", 1, 100_000]),
        }
    ),
    basis=st.sampled_from(["sized_to_promise", "equal_spend", "as_set"]),
    price=st.sampled_from(["offer", "cost_plus", "own"]),
    stragglers=st.builds(
        Stragglers,
        jitter_sigma=st.sampled_from([0.0, 0.01, 1.0]),
        stall_probability=st.sampled_from([0.0, 1e-7, 1e-2]),
    ),
)
@settings(max_examples=60, deadline=None)
def test_that_any_allowed_scenario_is_answered_in_numbers_or_refused_in_words(
    preset: str,
    model: dict[str, object],
    traffic: dict[str, float],
    objectives: dict[str, float | None],
    deployed: dict[str, object],
    basis: str,
    price: str,
    stragglers: Stragglers,
) -> None:
    asked = scenario(
        workload(
            alternative("qcom-ai200", **deployed),
            alternative("nv-h200", **deployed),
            preset=preset,
            model=model,
            traffic=traffic,
            objectives=objectives,
        ),
        samples=8,
        fleet=fleet(AI200=0.5, Trainium2=0.5),
        comparison=Comparison(basis=basis),
        price=Price(basis=price),
        stragglers=stragglers,
    )
    try:
        found = evaluate(asked, load_catalog())
    except ExplorerError as error:
        assert str(error)
        return
    assert not_numbers(found) == []
    assert bands_out_of_order(found) == []
    for one in found.workloads[0].alternatives:
        assert one.feasible or one.reason
        assert one.keeps_promises or one.reason
        assert all(0.0 <= chance <= 1.0 for chance in one.probability_keeps.values())
        for metric in METRICS:
            shown = one.latency[metric]
            assert shown.p99 is not None or shown.reason
