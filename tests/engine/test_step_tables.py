"""Tables that the compiled loops read: every figure in its place, and what layers share told once."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from explorer.engine.loops import layout
from explorer.engine.records import AllReduce, ChipSpec, LayerGroup, ModelShape, Split, StepConstants
from explorer.engine.step_tables import chip_tables, model_tables, step_table


@pytest.mark.parametrize("names", [layout.OF_CHIP, layout.OF_MODEL, layout.OF_STEP])
def test_that_loops_find_every_name_at_its_place(names: tuple[str, ...]) -> None:
    assert [getattr(layout, name.upper()) for name in names] == list(range(len(names)))


def test_that_the_names_are_those_of_the_records() -> None:
    assert set(layout.OF_CHIP) == {*ChipSpec.__slots__, "tp", "pp", "dp", "root"}
    assert set(layout.OF_MODEL) <= {field.name for field in fields(ModelShape)}
    assert set(layout.OF_STEP) <= {field.name for field in fields(StepConstants)}


def test_that_a_figure_of_all_rows_and_one_of_each_lie_in_their_columns() -> None:
    figures = {name: float(at) for at, name in enumerate(ChipSpec.__slots__)}
    spec = ChipSpec(**{**figures, "peak": np.array([[7e14], [8e14]])})
    split = Split(tp=np.array([[8.0], [4.0]]), pp=2.0, dp=np.array([[1.0], [3.0]]), ep=1.0)
    reduce = AllReduce(
        alpha=np.array([[[1e-6]], [[2e-6]]]),
        slope=np.array([[[1e-9], [3e-9]], [[2e-9], [4e-9]]]),
        root=np.zeros((2, 1)),
    )
    found = chip_tables(spec, split, reduce, 2)
    assert found.chips[:, layout.PEAK].tolist() == [7e14, 8e14]
    assert found.chips[:, layout.TP].tolist() == [8.0, 4.0]
    assert found.chips[:, layout.PP].tolist() == [2.0, 2.0]
    assert found.chips[:, layout.DP].tolist() == [1.0, 3.0]
    for name, value in figures.items():
        if name != "peak":
            assert found.chips[:, layout.OF_CHIP.index(name)].tolist() == [value, value]
    assert found.alpha.tolist() == [[1e-6, 2e-6]] * 2
    assert found.slope.tolist() == [[1e-9, 2e-9], [3e-9, 4e-9]]


def test_that_layers_that_share_a_part_tell_of_it_once() -> None:
    whole = LayerGroup(count=10.0, mixer="gqa", ffn="dense")
    near = LayerGroup(count=20.0, mixer="gqa", ffn="moe", window=512.0, kv_heads=4.0)
    state = LayerGroup(count=30.0, mixer="mamba", ffn="none")
    shape = ModelShape(
        layers=(whole, near, whole, state), hidden=4096.0, heads=32.0, kv_heads=8.0, head_dim=128.0,
        intermediate=14336.0, ffn_matrices=3, vocabulary=128256.0, tied_embeddings=False, attention_gate=True,
    )  # fmt: skip
    found = model_tables(shape, 2000.0, 300.0)
    assert found.parts[:, layout.KIND].tolist() == [
        layout.GROUPED, layout.DENSE, layout.GROUPED, layout.ROUTED, layout.RECURRENT,
    ]  # fmt: skip
    assert found.groups.tolist() == [[0, 1], [2, 3], [0, 1], [4, -1]]
    assert found.counts.tolist() == [10.0, 20.0, 10.0, 30.0]
    assert found.parts[[0, 2], layout.SEEN].tolist() == [2000.0, 512.0]
    assert found.parts[[0, 2], layout.PROMPT_SEEN].tolist() == [300.0, 300.0]
    assert found.parts[[0, 2], layout.KV_HEADS].tolist() == [8.0, 4.0]
    assert found.model[layout.HIDDEN] == 4096.0 and found.model[layout.ATTENTION_GATE] == 1.0


def test_that_constants_are_laid_out_by_name() -> None:
    constants = StepConstants(*(float(at) for at in range(len(fields(StepConstants)))))
    assert step_table(constants).tolist() == [float(getattr(constants, name)) for name in layout.OF_STEP]
