"""The batch sizes at which a chain is looked at."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.engine.batch_nodes import batch_nodes


def test_that_batch_nodes_begin_empty_end_at_the_cap_and_rise() -> None:
    for cap in (1, 2, 12, 13, 14, 100, 257, 65_536):
        nodes = batch_nodes(cap)
        assert nodes[0] == 0
        assert nodes[-1] == cap
        assert np.all(np.diff(nodes) >= 0)
        assert len(nodes) <= 20 + 4 * np.sqrt(cap)
    with pytest.raises(ValueError, match="cap must be at least 1"):
        batch_nodes(0)
