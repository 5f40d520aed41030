"""The commands as their users call them: what they print, what they return, what they refuse."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.cli import main

FOUNDING = "ai200-on-aws.toml"


@pytest.fixture
def founding(scenarios_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(scenarios_folder / FOUNDING, tmp_path / FOUNDING))


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, float):
        yield value


def evaluated(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["evaluate", str(path), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_that_json_holds_every_key_promised_and_only_finite_numbers(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = evaluated(founding, capsys)
    assert data["schema"] == 1
    assert {"workloads", "fleet", "price_basis", "share_basis", "catalog_edition"} <= set(data)
    assert all(math.isfinite(number) for number in numbers(data))
    for workload in data["workloads"]:
        assert len(workload["alternatives"]) == 4
        for one in workload["alternatives"]:
            assert {
                "name",
                "chip",
                "chips_per_replica",
                "replicas",
                "chips_total",
                "layout",
                "fits",
                "memory",
                "ttft_s",
                "tpot_s",
                "itl_s",
                "e2e_s",
                "throughput_tokens_per_s",
                "max_request_rate",
                "max_request_rate_per_replica",
                "cost_usd_per_million_tokens",
                "cost_usd_per_month",
                "evidence_grade",
                "latency_method",
                "simulated_requests",
            } <= set(one)
            assert set(one["layout"]) == {"tp", "pp", "dp", "ep"}
            assert {"weights_bytes", "kv_bytes", "other_bytes", "capacity_bytes", "max_batch"} <= set(one["memory"])
            assert {"blended", "input", "output", "at_full_use"} <= set(one["cost_usd_per_million_tokens"])
            assert one["chips_total"] >= one["chips_per_replica"] * one["replicas"]
            for metric in ("ttft_s", "tpot_s", "itl_s", "e2e_s"):
                p50, p95, p99 = (one[metric][name]["value"] for name in ("p50", "p95", "p99"))
                assert 0 < p50 <= p95 <= p99
    fleet = data["fleet"]
    for shares in fleet["shares"].values():
        assert sum(shares.values()) == pytest.approx(1.0)
    for tier in fleet["tiers"].values():
        assert tier["hhi"] * tier["effective_suppliers"] == pytest.approx(10_000)
        assert tier["top_supplier"]
    assert set(fleet["weakest_tiers"]) <= set(fleet["tiers"])


def test_that_monthly_cost_is_cost_a_token_times_the_tokens_of_a_month(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workload = evaluated(founding, capsys)["workloads"][0]
    million_tokens = 12 / 2.0 * 730 * 3600 * (1155 + 211) / 1e6
    for one in workload["alternatives"]:
        blended = one["cost_usd_per_million_tokens"]["blended"]
        assert blended * million_tokens == pytest.approx(one["cost_usd_per_month"], rel=1e-9)


def test_that_a_model_too_large_for_one_chip_is_null_with_a_reason(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = founding.read_text(encoding="utf-8")
    head, tail = text.split('name = "1T MoE"')
    tail = tail.replace('chip = "nv-h200"', 'chip = "nv-h200"\nparallelism_degree = 1', 1)
    founding.write_text(head + 'name = "1T MoE"' + tail, encoding="utf-8")
    h200 = evaluated(founding, capsys)["workloads"][1]["alternatives"][1]
    assert h200["fits"] is False
    assert h200["tpot_s"]["p99"] is None
    assert "short" in h200["tpot_s"]["reason"]
    assert h200["cost_usd_per_month"] is None
    assert h200["cost_usd_per_million_tokens"]["reason"]


def test_that_the_same_file_gives_the_same_numbers_to_the_last_digit(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(founding, capsys) == evaluated(founding, capsys)


def test_that_json_gives_the_median_and_the_ends_of_everything_with_a_band(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = evaluated(founding, capsys)
    one = data["workloads"][0]["alternatives"][1]
    money = one["cost_usd_per_million_tokens"]
    beside = {
        "utilisation_band": one["utilisation"],
        "max_request_rate_band": one["max_request_rate"],
        "throughput_tokens_per_s_band": one["throughput_tokens_per_s"],
        "cost_usd_per_month_band": one["cost_usd_per_month"],
        "energy_joule_per_token_band": one["energy_joule_per_token"],
    }
    for name, value in beside.items():
        band = one[name]
        assert band["value"] == value, name
        assert band["low"] <= band["median"] <= band["high"], name
    for name in ("blended", "input", "output", "at_full_use"):
        band = money[f"{name}_band"]
        assert band["value"] == money[name], name
        assert band["low"] <= band["median"] <= band["high"], name
    for metric in ("ttft_s", "tpot_s", "itl_s", "e2e_s"):
        for quantile in ("p50", "p95", "p99"):
            band = one[metric][quantile]
            assert band["low"] < band["median"] < band["high"], (metric, quantile)
    assert money["blended_band"]["median"] / money["blended_band"]["value"] == pytest.approx(
        one["cost_usd_per_month_band"]["median"] / one["cost_usd_per_month"]
    )
    foundry = data["fleet"]["tiers"]["foundry"]
    assert foundry["hhi_low"] <= foundry["hhi_median"] <= foundry["hhi_high"]
    assert foundry["hhi_median"] * foundry["effective_suppliers_median"] == pytest.approx(10_000)
    assert foundry["top_share_low"] <= foundry["top_share_median"] <= foundry["top_share_high"]


def test_that_the_table_names_every_alternative_and_says_what_is_unconfirmed(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(founding)]) == 0
    text = capsys.readouterr().out
    for name in ("AI200", "H200", "Trainium2", "GB200 NVL72"):
        assert name in text
    assert "claimed, unconfirmed" in text
    assert "single point of failure" in text


@pytest.mark.parametrize(
    "name",
    [
        "ai200-on-aws",
        "llama-70b-chat",
        "trillion-moe-realtime",
        "small-model-high-throughput",
        "nvidia-only-fleet",
        "diversified-fleet",
    ],
)
def test_that_every_shipped_scenario_is_checked_and_answered(
    name: str, scenarios_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scenarios_folder / f"{name}.toml"
    assert main(["check", str(path)]) == 0
    data = evaluated_after_check(path, capsys)
    assert all(one["fits"] for workload in data["workloads"] for one in workload["alternatives"])


def evaluated_after_check(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    return evaluated(path, capsys)


BROKEN: dict[str, tuple[str, str, str]] = {
    # what is replaced, by what, and what the message must hold
    "bad TOML": ("format = 1", "format = = 1", "format"),
    "wrong type": ("request_rate_per_s = 12", 'request_rate_per_s = "twelve"', "request_rate_per_s"),
    "unknown chip": ('chip = "qcom-ai200"', 'chip = "qcom-ai2000"', "qcom-ai200"),
    "negative rate": ("request_rate_per_s = 12", "request_rate_per_s = -12", "request_rate_per_s"),
    "shares that do not sum to 1": ("traffic_share = 0.6", "traffic_share = 0.7", "sum"),
    "impossible layout": (
        'chip = "qcom-ai200"',
        'chip = "qcom-ai200"\nlayout = { tp = 4, pp = 1, dp = 1, ep = 3 }',
        "layout",
    ),
    "negative price": (
        'basis = "cost_plus"',
        'basis = "cost_plus"\nhosted_usd_per_million_input = -0.5',
        "hosted_usd_per_million_input",
    ),
    "negative colocation": (
        'basis = "cost_plus"',
        'basis = "cost_plus"\ncolocation_usd_per_kw_month = -184.06',
        "colocation_usd_per_kw_month",
    ),
    "unknown supplier": (
        "[price]",
        '[[shocks]]\nname = "x"\nkind = "outage"\nsupplier = "TSMCC"\n\n[price]',
        "shocks.0.supplier: no chip depends on a supplier 'TSMCC'; nearest known: TSMC",
    ),
    "misspelt key": ("peak_to_mean = 2.0", "peek_to_mean = 2.0", "peak_to_mean"),
    "future format": ("format = 1", "format = 99", "format"),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("command", ["check", "evaluate"])
def test_that_a_broken_file_is_refused_with_file_line_and_reason(
    case: str, command: str, founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, expected = BROKEN[case]
    text = founding.read_text(encoding="utf-8")
    assert old in text
    broken = text.replace(old, new, 1)
    founding.write_text(broken, encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    assert main([command, str(founding)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert str(founding) in captured.err
    assert expected in captured.err
    assert "Traceback" not in captured.err
    assert founding.read_text(encoding="utf-8") == broken
    if case in ("bad TOML", "wrong type", "unknown chip", "negative rate", "future format", "misspelt key"):
        assert f"line {line}" in captured.err


@pytest.mark.parametrize("command", ["check", "evaluate", "snapshot"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00bad", b"[" * 3_000_000])
def test_that_what_is_no_scenario_at_all_is_refused_in_words(
    command: str, content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scenario.toml"
    if content is not None:
        path.write_bytes(content)
    extra = ["-o", str(tmp_path / "out.png")] if command == "snapshot" else []
    assert main([command, str(path), *extra]) == 2
    captured = capsys.readouterr()
    assert str(path) in captured.err
    assert "allowed" in captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "out.png").exists()


def test_that_an_impossible_degree_is_refused_with_what_is_legal(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = founding.read_text(encoding="utf-8")
    founding.write_text(
        text.replace('chip = "qcom-ai200"', 'chip = "qcom-ai200"\nparallelism_degree = 7', 1), encoding="utf-8"
    )
    assert main(["check", str(founding)]) == 2
    assert "parallelism_degree" in capsys.readouterr().err


def test_that_chips_lists_the_disputed_bandwidth_and_the_hypothetical_offer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["chips"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("qcom-ai200"))
    assert "undisclosed" in row
    assert "disputed" in row
    assert "hypothetical" in row


def test_that_models_lists_counted_beside_published_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("llama-3.1-70b"))
    assert "70.6B" in row


def test_that_a_users_own_chip_is_listed_as_theirs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chips").mkdir()
    text = (repository / "resources" / "chips" / "nv-h200.toml").read_text(encoding="utf-8")
    (tmp_path / "chips" / "my-chip.toml").write_text(
        text.replace('id = "nv-h200"', 'id = "my-chip"', 1), encoding="utf-8"
    )
    monkeypatch.setenv("INFERENCE_EXPLORER_CATALOG", str(tmp_path))
    assert main(["chips"]) == 0
    assert any(line.startswith("my-chip") and "(yours)" in line for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("size", ["1280", "axb", "10x10", "99999x99999", "1280x"])
def test_that_a_size_that_is_none_is_refused(size: str, founding: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refusal:
        main(["snapshot", str(founding), "-o", str(tmp_path / "x.png"), "--size", size])
    assert refusal.value.code == 2


def test_that_what_matters_prints_the_three_answers_and_json_of_finite_numbers(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["what-matters", str(founding), "--workload", "70B chat"]) == 0
    text = capsys.readouterr().out
    assert "Swing:" in text and "Share:" in text and "Worth:" in text
    assert "Memory bandwidth" in text and "smallest worst-case regret" in text and "Words for probabilities" in text
    assert main(["what-matters", str(founding), "--workload", "70B chat", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert all(math.isfinite(number) for number in numbers(data))
    assert [one["workload"] for one in data["workloads"]] == ["70B chat"]


def test_that_ask_first_writes_the_questionnaire_and_names_a_workload_it_does_not_find(
    founding: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "ask.md"
    assert main(["ask-first", str(founding), "--workload", "70B chat", "-o", str(output)]) == 0
    assert "Qualcomm AI200" in output.read_text()
    assert main(["ask-first", str(founding), "--workload", "chat"]) == 2
    assert "no workload 'chat' (there are 70B chat, 1T MoE)" in capsys.readouterr().err


def test_that_check_and_evaluate_warn_of_requests_longer_than_the_model_was_made_for(
    founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = founding.read_text(encoding="utf-8")
    founding.write_text(text.replace('preset = "llama-3.1-70b"', 'preset = "llama-2-70b"', 1), encoding="utf-8")
    for command in ("check", "evaluate"):
        assert main([command, str(founding)]) == 0
        captured = capsys.readouterr()
        assert f"{founding}: warning: " in captured.err and "was made for 4,096 tokens of context" in captured.err
        assert "nothing is wrong" not in captured.out


@pytest.mark.parametrize("command", ["check", "evaluate"])
def test_that_what_only_the_engine_refuses_is_told_with_file_line_and_key(
    command: str, founding: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Experts are split over chips, and the model of this workload has none."""
    text = founding.read_text(encoding="utf-8")
    old = 'chip = "qcom-ai200"'
    new = f"{old}\nlayout = {{ tp = 4, ep = 4 }}"
    founding.write_text(text.replace(old, new, 1), encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 2
    assert main([command, str(founding)]) == 2
    told = capsys.readouterr().err
    assert f"{founding}: line {line}, workloads.0.alternatives.0.layout: " in told and "needs experts" in told


def test_that_check_looks_into_the_baseline(founding: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = founding.read_text(encoding="utf-8")
    pinned = """
[baseline]
format = 1
[[baseline.workloads]]
name = "then"
selected = "H200"
model.preset = "llama-3.1-70b"
[[baseline.workloads.alternatives]]
name = "H200"
chip = "nv-h200"
"""
    experts = "layout = { tp = 4, ep = 4 }"
    for setting, told in (("parallelism_degree = 7", "cannot be had"), (experts, "needs experts")):
        founding.write_text(f"{text}{pinned}{setting}\n", encoding="utf-8")
        assert main(["check", str(founding)]) == 2
        message = capsys.readouterr().err
        assert "baseline.workloads.0.alternatives.0." in message and told in message
