"""How an alternative's outcome is put together from what the engine said."""

from __future__ import annotations

from explorer.study.alternative import in_order
from explorer.study.banded import Banded


def test_that_the_ends_of_bands_rise_with_their_quantiles() -> None:
    """A P95 from few requests may be less sure than the P99, and no P95 is above the P99 of the same requests."""
    p50, p95, p99 = Banded(1.0, 0.9, 1.2), Banded(2.0, 1.8, 4.0), Banded(3.0, 1.5, 3.5)
    ordered = in_order([p50, p95, p99])
    assert ordered == [p50, p95, Banded(3.0, 1.8, 4.0)]
    assert in_order([p50, None, p99]) == [p50, None, p99]
