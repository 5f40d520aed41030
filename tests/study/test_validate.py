"""Reading measured tables, ruling rows in or out, and what `validate` prints and writes."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.cli import main
from explorer.study.evidence.names import Names
from explorer.study.evidence.rows import UNKNOWN_CHIP, UNKNOWN_MODEL
from explorer.study.evidence.table import EvidenceTableError, number, read_tables
from explorer.study.validate import ROW_COLUMNS, Validation, validate, write_rows

SERVING = {
    "id": "one",
    "source": "a lab",
    "chip": "H100-SXM",
    "n_chips": "1",
    "tp": "1",
    "pp": "1",
    "dp": "1",
    "ep": "1",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "weight_precision": "bf16",
    "kv_precision": "",
    "isl": "1024",
    "osl": "256",
    "batch_or_concurrency": "8",
    "request_rate": "",
    "ttft_mean_ms": "150",
    "tpot_mean_ms": "9",
    "out_tok_per_s_total": "",
    "stat_kind": "mean",
    "framework": "vllm 0.10",
    "date": "2026-01",
    "notes": "agg;",
}
MLPERF = {
    "id": "ml",
    "round": "v5.1",
    "scenario": "Server",
    "accelerator": "NVIDIA H200-SXM-141GB",
    "n_accel": "8",
    "model": "llama2-70b-99",
    "precision": "fp8",
    "out_tok_per_s": "34000",
    "target_qps": "115",
    "submitter": "Lab",
    "ttft_p99_ms": "900",
    "tpot_p99_ms": "150",
    "mean_out_tokens": "294",
    "framework": "TensorRT-LLM",
    "ttft_limit_p99_ms": "2000",
    "tpot_limit_p99_ms": "200",
    "is_duplicate_of_other_row": "0",
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def table(folder: Path, *rows: Mapping[str, str], name: str = "rows.csv") -> Path:
    """A CSV file of rows."""
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def validated(folder: Path, catalog: Catalog, *changes: Mapping[str, str]) -> Validation:
    """The validation of serving rows that differ from the sample row as stated."""
    rows = [{**SERVING, "id": f"row-{at}", **change} for at, change in enumerate(changes)]
    return validate([table(folder, *rows)], catalog)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1024", 1024.0),
        ("~255", 255.0),
        ("1500(+-150)", 1500.0),
        ("max_batch 32", 32.0),
        ("", None),
        ("inf", None),
        ("short prompt", None),
        ("nan", None),
        ("1e3", 1000.0),
    ],
)
def test_that_a_cell_is_a_number_or_nothing(cell: str, value: float | None) -> None:
    assert number({"x": cell}, "x") == value


@pytest.mark.parametrize(
    ("label", "chip"),
    [
        ("H200-NVL", "nv-h200-nvl"),
        ("NVIDIA H200-SXM-141GB-CTS", "nv-h200"),
        ("NVIDIA L4", "nv-l4"),
        ("L40S", "nv-l40s"),
        ("NVIDIA H100 NVL", "nv-h100-nvl"),
        ("Intel® Gaudi® 2 AI Accelerator", "intel-gaudi2"),
        ("Gaudi", "intel-gaudi1"),
        ("AMD Instinct MI355X 288GB HBM3e (x87)", "amd-mi355x"),
        ("nv-b200", "nv-b200"),
        ("TPU v6e", "google-v6e"),
        ("Trainium2", "aws-trn2"),
        ("GB300", "nv-gb300-nvl72"),
    ],
)
def test_that_a_label_names_its_chip(label: str, chip: str, catalog: Catalog) -> None:
    found = Names(catalog).chip(label)
    assert found is not None and found.id == chip


@pytest.mark.parametrize(
    "label", ["H20", "MI350X", "A100-SXM-40GB", "Tenstorrent-p150", "(see doc)", "", "Jetson AGX Thor"]
)
def test_that_an_unknown_chip_is_no_other_chip(label: str, catalog: Catalog) -> None:
    assert Names(catalog).chip(label) is None


@pytest.mark.parametrize("label", ["llama3_1-405b_pruned", "bert-99", "google/gemma-7b", "Qwen/Qwen2.5-7B", ""])
def test_that_an_unknown_model_is_no_other_model(label: str, catalog: Catalog) -> None:
    assert Names(catalog).model(label) is None


def test_that_a_known_row_is_predicted_within_a_factor_of_two(tmp_path: Path, catalog: Catalog) -> None:
    # 8B in 16 bit reads 16 GB a step: 5 ms at 3.35 TB/s is the floor
    found = validated(tmp_path, catalog, {})
    values = {value.metric: value.predicted for value in found.predictions}
    assert set(values) == {"tpot_mean", "ttft_mean"}
    assert 5e-3 < values["tpot_mean"] < 18e-3


def test_that_littles_law_is_an_identity_of_the_closed_loop(tmp_path: Path, catalog: Catalog) -> None:
    found = validated(
        tmp_path,
        catalog,
        {"out_tok_per_s_total": "500"},
        {
            "out_tok_per_s_total": "500",
            "batch_or_concurrency": "64",
            "isl": "8192",
            "model": "deepseek-ai/DeepSeek-R1",
            "tp": "8",
            "n_chips": "8",
            "chip": "H200-SXM",
            "weight_precision": "fp8",
            "tpot_mean_ms": "90",
        },
        {"out_tok_per_s_total": "500", "batch_or_concurrency": "4096", "tpot_mean_ms": "200", "ttft_mean_ms": "60000"},
    )
    assert found.predicted == 3
    for row in found.rows:
        said = {value.metric: value.predicted for value in found.predictions if value.row.id == row.id}
        assert row.output is not None and row.concurrency is not None
        rate = said["output_tokens_per_s"] / row.output
        assert rate * (said["ttft_mean"] + (row.output - 1) * said["tpot_mean"]) == pytest.approx(row.concurrency)


def test_that_unknown_chips_and_models_are_counted_and_never_guessed(tmp_path: Path, catalog: Catalog) -> None:
    found = validated(tmp_path, catalog, {"chip": "Abacus 9"}, {"model": "nobody/Nothing-7B"}, {})
    assert [row.skipped for row in found.rows] == [UNKNOWN_CHIP, UNKNOWN_MODEL, ""]
    assert dict(found.unknown) == {"chip Abacus 9": 1, "model nobody/Nothing-7B": 1}
    assert found.predictable == found.predicted == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"notes": "agg; MTP on"}, "speculative"),
        ({"isl": "short prompt"}, "lengths"),
        ({"batch_or_concurrency": ""}, "concurrency"),
        ({"tpot_mean_ms": "900"}, "unphysical"),
        ({"stat_kind": "CI regression baseline"}, "regression"),
        ({"ttft_mean_ms": "", "tpot_mean_ms": ""}, "nothing measured"),
        ({"model": "deepseek-ai/DeepSeek-R1", "weight_precision": "fp8"}, "weights exceed"),
        ({"batch_or_concurrency": "4096", "tpot_mean_ms": "2", "ttft_mean_ms": "20"}, "FLOP"),
        ({"weight_precision": "fp32"}, "format"),
        ({"tp": "64", "n_chips": "64"}, "above 16"),
    ],
)
def test_that_a_rule_leaves_a_row_out_with_its_reason(
    change: Mapping[str, str], reason: str, tmp_path: Path, catalog: Catalog
) -> None:
    found = validated(tmp_path, catalog, change)
    assert reason in found.rows[0].skipped
    assert not found.predictions


def test_that_the_same_measurement_under_two_names_counts_once(tmp_path: Path, catalog: Catalog) -> None:
    found = validated(tmp_path, catalog, {}, {"source": "the same lab, another file"}, {"ttft_mean_ms": "151"})
    assert [bool(row.skipped) for row in found.rows] == [False, True, False]


def test_that_speculation_shows_as_being_faster_at_a_higher_load(tmp_path: Path, catalog: Catalog) -> None:
    loop = {"model": "deepseek-ai/DeepSeek-R1", "chip": "B200-SXM", "weight_precision": "fp4", "tp": "8"}
    found = validated(
        tmp_path,
        catalog,
        {**loop, "batch_or_concurrency": "4", "tpot_mean_ms": "9"},
        {**loop, "batch_or_concurrency": "16", "tpot_mean_ms": "7"},
        {**loop, "batch_or_concurrency": "32", "tpot_mean_ms": "16"},
    )
    assert ["speculation" in row.skipped for row in found.rows] == [False, True, False]


def test_that_the_benchmarks_limit_does_not_choose_the_load(tmp_path: Path, catalog: Catalog) -> None:
    """The latency at a stated rate is the same under any limits that leave the layout alone."""
    one = {**MLPERF, "n_accel": "1", "target_qps": "8"}  # one chip: there is one layout only
    rows = [{**one, "id": str(at), "tpot_limit_p99_ms": limit} for at, limit in enumerate(("120", "200", "400"))]
    found = validate([table(tmp_path, *rows)], catalog)
    tails = [value.predicted for value in found.predictions if value.metric == "tpot_p99"]
    assert len(tails) == 3
    assert np.ptp(tails) == 0.0
    limited = [value.predicted for value in found.predictions if value.metric == "rate_within_limits"]
    assert limited == sorted(limited) and limited[0] < limited[-1]


def test_that_every_input_row_is_written_with_its_predictions_or_its_reason(tmp_path: Path, catalog: Catalog) -> None:
    found = validated(tmp_path, catalog, {}, {"chip": "Abacus 9"}, {"ttft_mean_ms": "", "tpot_mean_ms": ""})
    path = tmp_path / "out.csv"
    write_rows(found, path)
    with path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == ROW_COLUMNS
    assert {line["id"] for line in lines} == {row.id for row in found.rows}
    for line in lines:
        if line["predicted"]:
            assert float(line["low90"]) < float(line["predicted"]) < float(line["high90"])
            assert line["evidence_grade"] == "measured" and not line["skipped_because"]
        else:
            assert line["skipped_because"]
    assert float(next(line["measured"] for line in lines if line["metric"] == "tpot_mean")) == 9.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "columns missing"),
        ("id,chip,model,isl,osl,batch_or_concurrency\n1,2\n", "line 2"),
        ("id,chip,model,isl,osl,batch_or_concurrency,chip\n", "named twice: chip"),
    ],
)
def test_that_a_file_that_is_no_table_is_refused_with_the_reason(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvidenceTableError, match=words):
        read_tables(path)


def test_that_a_file_that_is_not_there_is_refused_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(tmp_path / "missing.csv")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_that_the_command_prints_json_and_text_of_the_same_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = table(tmp_path, MLPERF)
    assert main(["validate", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["rows"] == data["predicted"] == 1
    assert "not verified by MLCommons" in data["notice"]
    assert main(["validate", str(path)]) == 0
    text = capsys.readouterr().out
    assert "1 rows; 1 of known chip" in text and "not verified by MLCommons" in text


def test_that_a_cold_start_is_set_aside_by_a_sooner_first_token_at_a_higher_load(
    tmp_path: Path, catalog: Catalog
) -> None:
    found = validated(
        tmp_path,
        catalog,
        {"ttft_mean_ms": "1600"},
        {"ttft_mean_ms": "300", "batch_or_concurrency": "16"},
        {"ttft_mean_ms": "1700", "batch_or_concurrency": "32"},
    )
    assert ["ttft_mean" in row.set_aside for row in found.rows] == [True, False, False]
    assert sum(found.aside.values()) == 1
    assert [value.metric for value in found.predictions if value.row.id == "row-0"] == ["tpot_mean"]


def test_that_weights_that_leave_no_room_for_a_sequence_are_not_predicted(tmp_path: Path, catalog: Catalog) -> None:
    # 671 GB of weights on eight chips of 85.9e9 bytes: they fit, a sequence beside them does not
    found = validated(
        tmp_path,
        catalog,
        {"model": "deepseek-ai/DeepSeek-R1", "weight_precision": "fp8", "tp": "8", "tpot_mean_ms": "30"},
        {},
    )
    assert list(found.failures) == ["row-0"] and "fit" in found.failures["row-0"]
    assert {value.row.id for value in found.predictions} == {"row-1"}
