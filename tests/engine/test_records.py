"""The engine's records: what they derive, and that they cannot be changed behind anybody's back."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from explorer.engine.records import AllReduce, LayerGroup, ModelShape, stack_allreduce


def small_shape(*groups: LayerGroup) -> ModelShape:
    """A shape of these layer groups."""
    return ModelShape(
        layers=groups,
        hidden=64,
        heads=4,
        kv_heads=2,
        head_dim=16,
        intermediate=128,
        ffn_matrices=3,
        vocabulary=100,
        tied_embeddings=True,
    )


def reduce_of(*algorithms: tuple[float, float], root: float = 0.0) -> AllReduce:
    """One row whose algorithms take alpha + slope*S."""
    return AllReduce(
        alpha=np.array([[[alpha]] for alpha, _ in algorithms]),
        slope=np.array([[[slope]] for _, slope in algorithms]),
        root=np.array([[root]]),
    )


def test_that_layers_are_counted_over_all_groups() -> None:
    shape = small_shape(LayerGroup(3.0, "gqa", "dense"), LayerGroup(2.5, "mamba", "none"))
    assert shape.layer_count == 5.5
    assert not shape.is_moe


def test_that_one_routed_group_makes_a_mixture_of_experts() -> None:
    assert small_shape(LayerGroup(1.0, "gqa", "dense"), LayerGroup(1.0, "mla", "moe")).is_moe


def test_that_records_are_frozen() -> None:
    shape = small_shape(LayerGroup(1.0, "gqa", "dense"))
    with pytest.raises(FrozenInstanceError):
        shape.hidden = 128  # type: ignore[misc]


def test_that_an_all_reduce_takes_the_fastest_algorithm_at_each_size_plus_its_root() -> None:
    found = reduce_of((1e-6, 1e-9), (5e-6, 1e-10), root=2e-9).time(np.array([[0.0, 1e3, 1e6]]))
    expected = [1e-6, 2e-6 + 2e-9 * np.sqrt(1e3), 5e-6 + 1e-4 + 2e-6]
    assert found[0] == pytest.approx(expected)


def test_that_stacked_all_reduces_are_what_they_were_alone() -> None:
    short = reduce_of((3e-6, 1e-9), root=1e-9)
    long = reduce_of((9e-6, 1e-9), (1e-6, 5e-9), (2e-6, 2e-9))
    sizes = np.geomspace(1.0, 1e8, 9)[None, :]
    together = stack_allreduce((short, long, short)).time(sizes)
    assert together[0] == pytest.approx(short.time(sizes)[0])
    assert together[1] == pytest.approx(long.time(sizes)[0])
    assert together[2] == pytest.approx(short.time(sizes)[0])


def test_that_a_shape_leaves_its_hash_behind_where_it_is_sent_away() -> None:
    shape = small_shape(LayerGroup(2.0, "gqa", "dense"))
    assert hash(shape) == hash(replace(shape)) and hash(shape) != hash(replace(shape, hidden=65.0))
    sent = pickle.loads(pickle.dumps(shape))
    assert sent == shape and "_hash" not in vars(sent)
    assert hash(sent) == hash(shape)
