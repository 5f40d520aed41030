"""Draws: every slice of a distribution once, owners apart, and the same to the last digit in any process."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.study.draws import PARTS, SOBOL_FROM, sobol_points, uniforms
from tests.conftest import REPOSITORY

FINGERPRINT = """
import hashlib
from explorer.study.draws import uniforms
print(hashlib.sha256(b"".join(uniforms("nv-h200", part, 1024, 7).tobytes() for part in ("step", "capex"))).hexdigest())
"""


@given(st.integers(8, SOBOL_FROM - 1), st.integers(0, 1000), st.text(min_size=1, max_size=10), st.sampled_from(PARTS))
@settings(max_examples=30)
def test_that_few_draws_fall_once_into_each_slice(samples: int, seed: int, owner: str, part: str) -> None:
    found = np.sort(uniforms(owner, part, samples, seed))
    assert np.array_equal(np.floor(found * samples), np.arange(samples))


@given(st.integers(8, 12), st.integers(0, 1000), st.sampled_from(PARTS))
@settings(max_examples=20, deadline=None)
def test_that_many_draws_of_a_power_of_two_fall_once_into_each_slice(power: int, seed: int, part: str) -> None:
    found = np.sort(uniforms("a", part, 2**power, seed))
    assert np.array_equal(np.floor(found * 2**power), np.arange(2**power))
    assert found[0] > 0.0 and found[-1] < 1.0


def test_that_sobol_points_integrate_a_product_far_closer_than_chance() -> None:
    points = sobol_points("a", 1024, 6, 1)
    error = abs(float(np.mean(np.prod(1.0 + 0.5 * (points - 0.5), axis=1))) - 1.0)
    # independent points would err by 0.011 (one standard deviation)
    assert error < 1e-3


def test_that_two_chips_of_many_draws_are_independent_in_every_part() -> None:
    found = [np.stack([uniforms(chip, part, 1024, 1) for part in PARTS]) for chip in ("nv-h200", "qcom-ai200")]
    together = np.corrcoef(np.concatenate(found)) - np.eye(2 * len(PARTS))
    assert np.max(np.abs(together)) < 0.15


@pytest.mark.parametrize("samples", [64, 512, 300])
def test_that_draws_depend_on_owner_part_and_seed_and_nothing_else(samples: int) -> None:
    first = uniforms("a", "step", samples, 1)
    assert first.shape == (samples,)
    uniforms.cache_clear()
    assert np.array_equal(first, uniforms("a", "step", samples, 1))
    for owner, part, seed in (("b", "step", 1), ("a", "first", 1), ("a", "step", 2)):
        assert abs(np.corrcoef(first, uniforms(owner, part, samples, seed))[0, 1]) < 0.4
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0.5
    with pytest.raises(ValueError, match="not in tuple"):
        uniforms("a", "no such part", samples, 1)


def test_that_two_processes_draw_the_same_to_the_last_digit() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", FINGERPRINT], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(found) == 1


def test_that_a_window_that_draws_few_never_imports_scipy() -> None:
    check = (
        "import sys; from explorer.catalog import load_catalog; from explorer.catalog.location import scenario_root\n"
        "from explorer.scenario.file import read_scenario; from explorer.study.live import LiveEvaluator\n"
        "catalog = load_catalog(); live = LiveEvaluator(catalog)\n"
        "live.quick(read_scenario(scenario_root() / 'ai200-on-aws.toml', catalog).scenario)\n"
        "assert 'scipy' not in sys.modules and 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", check], cwd=REPOSITORY, check=True)
