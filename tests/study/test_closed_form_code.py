"""The compiled loops are kept in a file, taken from there without a compiler, and made anew where it is no good."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.engine.machine_code import ObjectFile
from explorer.scenario.file import read_scenario
from explorer.scenario.path import several
from explorer.scenario.schema import Scenario
from explorer.study import closed_form_code, solver
from explorer.study.compiled import Compiled
from explorer.study.evaluate import Evaluator
from explorer.study.live import LiveEvaluator
from explorer.study.outcome import Outcome

pytestmark = pytest.mark.timeout(900)  # the first compilation of a new checkout may be in it


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture
def founding(scenarios_folder: Path) -> Scenario:
    return read_scenario(scenarios_folder / "ai200-on-aws.toml").scenario


@pytest.fixture(scope="module")
def made() -> bytes:
    """What the file holds once the loops were made."""
    closed_form_code.made()
    if not closed_form_code.cache_file().exists():
        pytest.skip("nothing can be kept in this user's cache folder")
    return closed_form_code.cache_file().read_bytes()


@pytest.fixture
def own_cache(made: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder, and a process that has loaded nothing; gives the place of the file."""
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(closed_form_code, "_loaded", [])
    closed_form_code.cache_file.cache_clear()
    yield closed_form_code.cache_file()
    closed_form_code.cache_file.cache_clear()


@pytest.fixture
def compiler(made: bytes, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A compiler that gives what was compiled before, and writes down that it was asked."""
    from explorer.engine.loops import object_code

    asked: list[str] = []

    def files() -> dict[str, ObjectFile]:
        asked.append("asked")
        return parts(made)

    monkeypatch.setattr(object_code, "object_files", files)
    return asked


def parts(content: bytes) -> dict[str, ObjectFile]:
    _, head, code = content.split(b"\n", 2)
    found = {}
    for name, symbol, size in json.loads(head)["loops"]:
        found[name], code = ObjectFile(symbol, code[:size]), code[size:]
    return found


def of_another_processor(content: bytes) -> bytes:
    _, head, code = content.split(b"\n", 2)
    whole = json.dumps({**json.loads(head), "processor": "another one"}).encode() + b"\n" + code
    return hashlib.sha256(whole).hexdigest().encode() + b"\n" + whole


def keep(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def test_that_without_a_file_rows_are_solved_by_arrays(own_cache: Path) -> None:
    assert not closed_form_code.use_what_is_there()
    assert isinstance(solver.in_use(), solver.Arrays)
    assert not own_cache.exists()


def test_that_a_file_is_taken_up_and_gives_the_same_outcome(
    own_cache: Path, made: bytes, catalog: Catalog, founding: Scenario
) -> None:
    by_arrays = Evaluator(catalog).evaluate(founding, 12)
    keep(own_cache, made)
    assert closed_form_code.use_what_is_there()
    assert isinstance(solver.in_use(), Compiled)
    by_loops = Evaluator(catalog).evaluate(founding, 12)
    assert figures(by_loops) == pytest.approx(figures(by_arrays), rel=1e-9, nan_ok=True)


def figures(outcome: Outcome) -> list[float]:
    """The figures of all alternatives, and their curves."""
    found: list[float] = []
    for workload in outcome.workloads:
        for one in workload.alternatives:
            assert one.batch is not None
            found += [one.max_request_rate, one.utilisation, one.batch.mean, one.batch.p99, one.memory.kv]
            found += [float(np.sum(one.rates)), *one.probability_keeps.values()]
            for curve in one.curves.values():
                found += [float(np.sum(np.log(part))) for part in (curve.p50, curve.p99, curve.p99_low)]
            for latency in one.latency.values():
                if latency.p99 is not None:
                    found += [latency.p99.value, latency.p99.low, latency.p99.high]
            if one.cost.usd_per_month is not None:
                band = one.cost.usd_per_month
                found += [band.value, band.low, band.high]
                found += [one.cost.usd_per_million_input or 0.0, one.cost.usd_per_million_output or 0.0]
    return found


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-100],
        lambda content: content[:200],
        lambda content: b"\xff" + content,
        lambda content: content.partition(b"\n")[2],
        lambda content: content[:-5] + b"abcde",
        lambda content: content.replace(b"time_steps", b"time_stepz", 1),
        lambda content: b"[]\n" + content,
        of_another_processor,
    ],
    ids=["empty", "cut", "head cut", "before it", "no digest", "end changed", "head changed", "list", "processor"],
)
def test_that_a_file_that_is_no_good_is_left_alone_and_made_anew(
    damage: object, own_cache: Path, made: bytes, compiler: list[str]
) -> None:
    assert callable(damage)
    keep(own_cache, damage(made))
    assert not closed_form_code.use_what_is_there()
    assert isinstance(solver.in_use(), solver.Arrays)
    assert closed_form_code.made() is closed_form_code.made()
    assert compiler == ["asked"]
    assert own_cache.read_bytes() == made


def test_that_what_cannot_be_kept_is_used_all_the_same(own_cache: Path, compiler: list[str], tmp_path: Path) -> None:
    # a file stands where the folder should be
    (tmp_path / "inference-explorer").write_text("")
    (tmp_path / "Library").write_text("")
    (tmp_path / ".cache").write_text("")
    assert isinstance(closed_form_code.made(), Compiled)
    assert compiler == ["asked"]
    assert not own_cache.exists()


def test_that_files_of_other_versions_do_not_pile_up(own_cache: Path, compiler: list[str]) -> None:
    for number in range(20):
        keep(own_cache.with_name(f"closed-form-{number:024d}{closed_form_code.SUFFIX}"), b"old")
    (own_cache.parent / "something else").write_text("stays")
    closed_form_code.made()
    kept = sorted(own_cache.parent.glob(f"*{closed_form_code.SUFFIX}"))
    assert len(kept) == closed_form_code.KEPT_FILES
    assert own_cache in kept
    assert (own_cache.parent / "something else").exists()


def test_that_the_window_takes_up_what_the_worker_left(own_cache: Path, made: bytes, catalog: Catalog) -> None:
    """At its start; or once the first answer of the worker that made it has come."""
    live = LiveEvaluator(catalog)
    assert isinstance(solver.in_use(), solver.Arrays)
    live.close()
    keep(own_cache, made)
    live = LiveEvaluator(catalog)
    assert isinstance(solver.in_use(), Compiled)
    live.close()


def test_that_a_window_that_was_there_first_takes_it_up_with_a_final_answer(
    own_cache: Path, made: bytes, catalog: Catalog, founding: Scenario
) -> None:
    live = LiveEvaluator(catalog)
    assert isinstance(solver.in_use(), solver.Arrays)
    try:
        live.refine(several(founding, {"simulation.method": "closed_form", "simulation.samples": 64}))
        keep(own_cache, made)
        while live.busy:
            found = live.poll()
            time.sleep(0.01)
    finally:
        live.close()
    assert isinstance(found, Outcome) and found.final
    assert isinstance(solver.in_use(), Compiled)


def test_that_loading_needs_no_compiler(made: bytes) -> None:
    code = (
        "import sys; from explorer.study import closed_form_code as code; print(code.use_what_is_there(),"
        " 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True)
    assert done.stdout.split() == ["True", "False"]
