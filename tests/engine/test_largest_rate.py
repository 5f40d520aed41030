"""The largest rate within promises on curves whose crossing is known."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine.largest_rate import largest_rate_within


@pytest.mark.parametrize(("limit", "root"), [(0.5, 0.0), (2.0, 1.5), (8.0, 2.5), (1e9, 4.0)])
def test_that_the_largest_rate_within_a_limit_is_where_the_latency_crosses_it(limit: float, root: float) -> None:
    # latency 1, 4, 16, 64 s at rates whose roots are 1..4: linear in the logarithm
    rates = np.array([[1.0, 4.0, 9.0, 16.0]])
    latency = np.array([[1.0, 4.0, 16.0, 64.0]])
    assert largest_rate_within(rates, [(latency, limit)])[0] == pytest.approx(root**2)


def test_that_the_tighter_of_two_limits_decides_and_infinity_is_over_every_limit() -> None:
    rates = np.array([[1.0, 2.0, 3.0]])
    first = np.array([[1.0, 2.0, np.inf]])
    second = np.array([[1.0, 10.0, 100.0]])
    loose = largest_rate_within(rates, [(first, 50.0)])[0]
    assert 2.0 < loose < 3.0
    tight = largest_rate_within(rates, [(first, 50.0), (second, 10.0)])[0]
    assert tight == pytest.approx(2.0)
