"""`sweep` and `evaluate --csv` as their users call them: files whole or not at all, errors by name, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.cli import main
from explorer.commands.exit_codes import INTERRUPTED

RATE = "workloads.0.traffic.request_rate_per_s"


@pytest.fixture
def quick(scenarios_folder: Path, tmp_path: Path) -> Path:
    """A shipped scenario with few draws; its own method is the simulation."""
    text = (scenarios_folder / "llama-70b-chat.toml").read_text(encoding="utf-8")
    few = "[simulation]\nsamples = 8\nrequests = 300"
    place = tmp_path / "quick.toml"
    place.write_text(text.replace("[simulation]", few) if "[simulation]" in text else f"{text}\n{few}\n", "utf-8")
    return place


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_that_csv_holds_the_figures_of_json(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(quick), "--csv"]) == 0
    rows = table(capsys.readouterr().out)
    assert main(["evaluate", str(quick), "--json"]) == 0
    (workload,) = json.loads(capsys.readouterr().out)["workloads"]
    assert [row["alternative"] for row in rows] == [one["name"] for one in workload["alternatives"]]
    for row, one in zip(rows, workload["alternatives"], strict=True):
        assert float(row["P99 TTFT (s)"]) == one["ttft_s"]["p99"]["value"]
        high = one["tpot_s"]["p99"]["high"]
        assert row["P99 TPOT, P95 of draws (s)"] == ("" if high is None else repr(high))
        assert float(row["cost (USD/month)"]) == one["cost_usd_per_month"]
        assert row["method of latencies"] == one["latency_method"]


def test_that_csv_and_json_or_a_baseline_do_not_go_together(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["evaluate", str(quick), "--csv", "--json"])
    assert end.value.code == 2
    assert main(["evaluate", str(quick), "--csv", "--baseline", str(quick)]) == 2
    assert "baseline" in capsys.readouterr().err


def test_that_a_sweep_writes_a_row_for_each_point_and_alternative(
    quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = quick.with_name("out.csv")
    varied = ["--vary", f"{RATE}=5:15:3", "--vary", "price.basis=offer,own"]
    assert main(["sweep", str(quick), *varied, "-o", str(out)]) == 0
    told = capsys.readouterr()
    assert told.err == "" and "6 points" in told.out
    rows = table(out.read_text(encoding="utf-8"))
    assert len(rows) == 6 * 3
    assert {row["method of latencies"] for row in rows} == {"closed form"}
    assert {row["draws"] for row in rows} == {"8"}
    months = [float(row["cost (USD/month)"]) for row in rows if row["alternative"] == "H200"][::2]
    assert months == sorted(months)
    assert main(["sweep", str(quick), "--vary", f"{RATE}=5,10"]) == 0
    assert len(table(capsys.readouterr().out)) == 2 * 3


@pytest.mark.parametrize(
    ("vary", "told"),
    [
        ("workloads.0.traffic.request_rat_per_s=1,2", "request_rate_per_s"),
        (f"{RATE}=1:2", "start:stop:count"),
        (f"{RATE}=1:2:20000", "10,000"),
        (f"{RATE}=-1,2", "must be at least 0.000001"),
    ],
)
def test_that_a_bad_key_or_range_ends_with_2_and_writes_nothing(
    vary: str, told: str, quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = quick.with_name("out.csv")
    assert main(["sweep", str(quick), "--vary", vary, "-o", str(out)]) == 2
    text = capsys.readouterr().err
    assert told in text and vary.partition("=")[0] in text and "Traceback" not in text
    assert not out.exists()


def test_that_a_place_that_cannot_be_is_told_before_anything_is_computed(
    quick: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", str(quick), "--vary", f"{RATE}=1,2", "-o", str(quick.parent / "none" / "out.csv")]) == 2
    assert "no folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_that_a_terminal_sees_a_bar_and_ctrl_c_leaves_no_file(quick: Path) -> None:
    out = quick.with_name("out.csv")
    out.write_text("as it was", encoding="utf-8")
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "explorer", "sweep", str(quick), "--vary", f"{RATE}=1:20:2000", "-o", str(out)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ,
    )
    os.close(theirs)
    seen = b""
    begun = time.monotonic()
    while b"/2000" not in seen and time.monotonic() - begun < 120:
        seen += os.read(ours, 1024)
    running.send_signal(signal.SIGINT)
    code = running.wait(60)
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:
            # the other end of a terminal is gone
            break
        if not more:
            break
        seen += more
    os.close(ours)
    assert running.stdout is not None
    running.stdout.close()
    text = seen.decode("utf-8", errors="replace")
    assert code == INTERRUPTED
    assert "░" in text and "nothing was written" in text and "Traceback" not in text
    assert out.read_text(encoding="utf-8") == "as it was"
    assert sorted(one.name for one in quick.parent.iterdir()) == ["out.csv", "quick.toml"]
