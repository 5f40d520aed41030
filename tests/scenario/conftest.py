"""A scenario file as somebody would write it by hand, for all tests of scenario files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.scenario.file import LoadedScenario, parse_scenario
from explorer.scenario.schema import Scenario

HAND_WRITTEN = """\
# A question of mine
format = 1
title = "Mine"   # not final

[[workloads]]
name = "70B chat"
selected = "AI200"
model.preset = "llama-3.1-70b"
x-note = { by = "me" }

[workloads.traffic] # busy hour
request_rate_per_s = 12 # asked the team
prompt_tokens = 1155

[[workloads.alternatives]]
name = "AI200"     # the new one
chip = "qcom-ai200"
cloud = "AWS"

# what we have
[[workloads.alternatives]]
name = "H200"
chip = "nv-h200"
layout = { tp = 2, pp = 1 }

[fleet]
members = [
  { name = "H200", chip = "nv-h200", traffic_share = 0.6 }, # three fifths
  { name = "AI200", chip = "qcom-ai200", traffic_share = 0.4 },
]

[price]
basis = "cost_plus"
margn = 0.5

[x-mine]
list = [1,
        2]   # kept as it is
"""


@pytest.fixture
def hand_written() -> str:
    """The text of the file; it holds one misspelt key, `margn`."""
    return HAND_WRITTEN


@pytest.fixture
def loaded(hand_written: str) -> LoadedScenario:
    """The file, read."""
    return parse_scenario(hand_written, Path("mine.toml"))


@pytest.fixture
def scenario(loaded: LoadedScenario) -> Scenario:
    """The scenario in the file."""
    return loaded.scenario


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The shipped catalogue."""
    return load_catalog()


@pytest.fixture
def file_with(tmp_path: Path, hand_written: str) -> Callable[..., Path]:
    """Makes a file of the hand-written text with one part replaced, which must be there."""

    def make(old: str, new: str) -> Path:
        assert old in hand_written
        path = tmp_path / "changed.toml"
        path.write_text(hand_written.replace(old, new, 1), encoding="utf-8")
        return path

    return make
