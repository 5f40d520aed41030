"""What memory holds where attention-data ranks each have whole sequences to themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.catalog import Catalog
from explorer.study.evaluate import evaluate
from explorer.study.outcome import AlternativeOutcome
from tests.study.asking import alternative, scenario, workload


def answered(catalog: Catalog, preset: str, chip: str, prompt: float, **settings: object) -> AlternativeOutcome:
    """A deployment under prompts of one length and answers of 100 tokens."""
    asked = workload(
        alternative(chip, cloud="", **settings),
        preset=preset,
        model={"weight_precision": "fp8", "kv_precision": "fp8"},
        traffic={
            "request_rate_per_s": 0.0005,
            "prompt_tokens": prompt,
            "prompt_cv": 0.0,
            "output_tokens": 100.0,
            "output_cv": 0.0,
        },
        objectives={},
    )
    return evaluate(scenario(asked, samples=8), catalog).workloads[0].alternatives[0]


DATA_PARALLEL = {"parallelism_degree": 16, "layout": {"tp": 1, "pp": 1, "dp": 16, "ep": 16}}


def test_that_a_sequence_is_not_split_over_attention_data_ranks(catalog: Catalog) -> None:
    """16 H100 hold a few sequences of 600k tokens together, and not one of them alone."""
    one = answered(catalog, "deepseek-v3", "nv-h100-sxm", 600_000.0, **DATA_PARALLEL)
    assert one.memory.max_context < 600_100.0
    assert not one.memory.fits
    assert one.memory.max_batch == 0
    # what is short is what a whole sequence needs beyond the room of one chip
    assert one.memory.weights + one.memory.other + one.memory.kv_at_cap - one.memory.usable == pytest.approx(
        one.memory.shortfall
    )


@pytest.mark.parametrize(
    ("preset", "chip", "prompt"),
    [
        ("deepseek-v3", "nv-h100-sxm", 600_000.0),
        ("kimi-k2", "nv-h200", 1_500_000.0),
        ("qwen3-235b-a22b", "nv-h100-sxm", 800_000.0),
        ("gpt-oss-120b", "nv-h100-sxm", 3_000_000.0),
    ],
)
def test_that_what_fits_has_room_for_the_context_it_is_asked_for(
    catalog: Catalog, preset: str, chip: str, prompt: float
) -> None:
    unbounded = {name: replace(model, max_context=None) for name, model in catalog.models.items()}
    one = answered(replace(catalog, models=unbounded), preset, chip, prompt)
    assert one.memory.fits
    assert one.memory.max_context >= prompt + 100.0


def test_that_a_rank_holds_whole_sequences_only(catalog: Catalog) -> None:
    one = answered(catalog, "deepseek-v3", "nv-h100-sxm", 60_000.0, **DATA_PARALLEL)
    assert one.memory.fits
    assert one.memory.max_batch == 16 * int(one.memory.max_batch / 16)
    assert one.memory.max_batch >= 16


def test_that_no_context_is_longer_than_the_model_was_made_for(catalog: Catalog) -> None:
    """An H200 has room for far more than the 2,048 tokens of GPT-J."""
    asked = scenario(workload(alternative("nv-h200"), preset="gpt-j-6b", traffic={"prompt_tokens": 8000.0}), samples=8)
    outcome = evaluate(asked, catalog)
    one = outcome.workloads[0].alternatives[0]
    assert one.memory.fits and one.memory.max_context == 2048.0
    (warning,) = outcome.warnings
    assert "GPT-J 6B was made for 2,048 tokens of context" in warning
    short = {"prompt_tokens": 200.0, "prompt_cv": 0.0, "output_tokens": 100.0, "output_cv": 0.0}
    asked = scenario(workload(alternative("nv-h200"), preset="gpt-j-6b", traffic=short), samples=8)
    assert evaluate(asked, catalog).warnings == ()


@pytest.mark.parametrize("output_cv", [4.0, 9.0])
def test_that_answers_that_differ_wildly_are_held_as_long_as_they_stay(catalog: Catalog, output_cv: float) -> None:
    """Long answers stay longer: from a variation of 5 on the mean one in service is longer than the P99 of them."""
    asked = workload(
        alternative("nv-h200", cloud="", replicas=1),
        traffic={"request_rate_per_s": 500.0, "output_tokens": 4_000.0, "output_cv": output_cv},
        objectives={},
    )
    memory = evaluate(scenario(asked, samples=8), catalog).workloads[0].chosen.memory
    assert memory.fits
    assert 0.0 < memory.kv <= memory.kv_at_cap * (1.0 + 1e-9)
    assert memory.weights + memory.kv + memory.other <= memory.usable


@pytest.mark.parametrize("cap", [1, 3, 2048])
@pytest.mark.parametrize("mode", ["open_loop", "closed_loop"])
def test_that_the_batch_is_never_told_beyond_its_cap_nor_its_mean_beyond_its_p99(
    catalog: Catalog, cap: int, mode: str
) -> None:
    asked = workload(
        alternative("nv-h200", cloud="", max_batch=cap, replicas=1),
        preset="llama-3.1-8b",
        traffic={"request_rate_per_s": 2.0, "mode": mode},
        objectives={},
    )
    batch = evaluate(scenario(asked, samples=8), catalog).workloads[0].chosen.batch
    assert batch is not None
    assert batch.mean <= batch.p99 <= batch.cap
