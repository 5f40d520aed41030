"""The simulation's step table is the step-time model: at its nodes exactly, between them closely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from explorer.catalog import load_catalog
from explorer.engine.fabric import allreduce_coefficients
from explorer.engine.records import AllReduce, ChipSpec, ModelShape, Split
from explorer.engine.serving import Server, StepTable, saturation_rate, simulate
from explorer.engine.serving_table import step_table
from explorer.engine.steptime import StepWork, step_time
from explorer.study.figures import central_values
from explorer.study.resolve import chip_spec, fabric_of, shape_of, step_constants
from tests.engine.serving_examples import chat

CONTEXT, PROMPT, ATTENDED = 1400.0, 1155.0, 1100.0


@dataclass(frozen=True)
class Replica:
    """A shipped model on shipped chips."""

    shape: ModelShape
    spec: ChipSpec
    split: Split
    allreduce: AllReduce

    def seconds(
        self, batch: float, context: float = CONTEXT, prefill: float = 0.0, attended: float = ATTENDED
    ) -> float:
        """One step, straight from the model."""
        work = StepWork(np.array([[batch]]), context, np.array([[prefill]]), attended, np.array([[prefill / PROMPT]]))
        return float(step_time(self.shape, self.spec, self.split, self.allreduce, work, step_constants())[0, 0])

    def table(self, cap: int = 256, budget: int = 2048, whole: bool = False) -> StepTable:
        """The simulation's view of it; the budget is that of all ranks and stages."""
        return step_table(
            self.shape, self.spec, self.split, self.allreduce, step_constants(),
            cap=cap, token_budget=budget, context=CONTEXT, prompt=PROMPT, prompt_context=ATTENDED, whole_prompts=whole,
        )  # fmt: skip


def replica(model: str, chip_id: str, tp: int = 1, dp: int = 1, pp: int = 1) -> Replica:
    catalog = load_catalog()
    chip, shape = catalog.chip(chip_id), shape_of(catalog.model(model))
    values = central_values(chip, {})
    ep = tp * dp if shape.is_moe else 1
    return Replica(
        shape,
        chip_spec(chip, values, "fp8", "fp8"),
        Split(*(np.array([[float(n)]]) for n in (tp, pp, dp, ep))),
        allreduce_coefficients(tp, fabric_of(chip, values), step_constants()),
    )


REPLICAS = {
    "70B on 4 AI200": ("llama-3.1-70b", "qcom-ai200", 4),
    "70B on 2 H200": ("llama-3.1-70b", "nv-h200", 2),
    "DeepSeek on 8 H200": ("deepseek-v3", "nv-h200", 8),
    "hybrid on 2 H200": ("nemotron-h-56b", "nv-h200", 2),
}


@pytest.mark.parametrize("name", REPLICAS)
def test_that_the_table_interpolates_the_model_closely(name: str) -> None:
    model, chip, tp = REPLICAS[name]
    one = replica(model, chip, tp)
    base, per_context, lines = one.table().by_batch(256)
    for batch in (1, 3, 20, 77, 200, 256):
        decode = base[batch] + per_context[batch] * batch * CONTEXT
        assert decode == pytest.approx(one.seconds(batch), rel=0.03)
        longer = base[batch] + per_context[batch] * batch * CONTEXT * 1.3
        assert longer == pytest.approx(one.seconds(batch, CONTEXT * 1.3), rel=0.04)
        for tokens, line in ((1600, 7), (300, 5)):
            found = decode + lines[batch, line, 0] + lines[batch, line, 1] * tokens
            assert found == pytest.approx(one.seconds(batch, prefill=float(tokens)), rel=0.05)


def test_that_prompts_that_attend_farther_take_longer_as_the_model_says() -> None:
    one = replica("llama-3.1-70b", "qcom-ai200", 4)
    table = one.table()
    far = one.seconds(0.0, prefill=2048.0, attended=20_000.0) - one.seconds(0.0, prefill=2048.0)
    assert table.per_attended * 2048.0 * (20_000.0 - ATTENDED) == pytest.approx(far, rel=0.05)


def test_that_a_prompt_keeps_one_rank_busy_while_the_experts_are_everybodys() -> None:
    one = replica("deepseek-v3", "nv-h200", 1, 8)
    table = one.table(budget=8 * 2048)
    alone = table.prompt_seconds[0, list(table.prompt_tokens).index(512.0)] + table.decode_seconds[0]
    spread, everywhere = one.seconds(0.0, prefill=512.0), one.seconds(0.0, prefill=8 * 512.0)
    assert 1.3 * spread < alone < 0.9 * everywhere
    assert table.spread_seconds is not None
    of_all = table.spread_seconds[0, list(table.prompt_tokens).index(512.0)] + table.decode_seconds[0]
    assert of_all == pytest.approx(everywhere, rel=0.01)


def test_that_a_stage_is_held_up_for_its_share_of_a_prompt() -> None:
    stages, alone = replica("llama-3.1-70b", "nv-h200", 2, pp=4), replica("llama-3.1-70b", "nv-h200", 2)
    at = list(alone.table().prompt_tokens).index(1024.0)
    assert stages.table().prompt_seconds[0, at] == pytest.approx(alone.table().prompt_seconds[0, at] / 4.0, rel=0.1)


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3"])
@pytest.mark.parametrize("pp", [2, 4])
def test_that_stages_full_of_prompt_tokens_are_a_full_step_of_the_model(model: str, pp: int) -> None:
    """Each stage works off its own budget at a time: tokens of all stages in one go would read weights once for all."""
    one = replica(model, "nv-h200", 8, pp=pp)
    table = one.table(budget=2048 * pp)
    assert table.prompt_tokens[-1] == 2048 * pp
    full = table.decode_seconds[0] + table.prompt_seconds[0, -1]
    assert full == pytest.approx(one.seconds(0.0, prefill=2048.0 * pp), rel=1e-9)
    # up to a stage's own budget as before; whole prompts go in one go
    whole = one.table(budget=2048 * pp, whole=True)
    np.testing.assert_array_equal(table.prompt_seconds[:, :9], whole.prompt_seconds[:, :9])
    assert np.all(whole.prompt_seconds[:, 9:] <= table.prompt_seconds[:, 9:] * (1.0 + 1e-12))


def test_that_rows_side_by_side_are_refused() -> None:
    one = replica("llama-3.1-70b", "nv-h200", 2)
    split = Split(np.full((2, 1), 2.0), np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1)))
    with pytest.raises(ValueError, match="not of 2 rows"):
        Replica(one.shape, one.spec, split, one.allreduce).table()


@pytest.mark.parametrize("name", REPLICAS)
def test_that_the_simulation_runs_on_the_models_own_step_times(name: str) -> None:
    model, chip, tp = REPLICAS[name]
    server = Server(replica(model, chip, tp).table(), 256, 400_000)
    saturation = saturation_rate(chat(1, 4000, 1.0), server)
    light, heavy = (simulate(chat(1, 4000, load * saturation), server, saturation=saturation) for load in (0.1, 0.8))
    assert heavy.mean_batch > 3.0 * light.mean_batch
    assert heavy.quantiles("tpot", 0.99).value > light.quantiles("tpot", 0.99).value
