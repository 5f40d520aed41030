"""Tables as others write them: order and number of columns, line ends, labels, formats, splits, every chip known."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from explorer.catalog import Catalog, load_catalog
from explorer.study.evidence.names import Names
from explorer.study.evidence.rows import framework_of, precision_of
from explorer.study.evidence.widths import half_width
from explorer.study.validate import Validation, validate, write_rows
from tests.study.test_validate import MLPERF, SERVING

MODELS = (
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B",
    "Mixtral-8x7B",
    "deepseek-ai/DeepSeek-R1",
    "openai/gpt-oss-120b",
    "Qwen/Qwen3-30B-A3B",
    "google/gemma-4-31b",
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


def text_of(rows: Sequence[Mapping[str, str]], columns: Sequence[str], end: str = "\n") -> str:
    """The rows as CSV with these columns."""
    lines = [",".join(columns), *(",".join(f'"{row.get(name, "")}"' for name in columns) for row in rows)]
    return end.join(lines) + end


def validated(folder: Path, catalog: Catalog, text: str | bytes, name: str = "rows.csv") -> Validation:
    """The validation of one file."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return validate([path], catalog)


def said(found: Validation) -> dict[tuple[str, str], float]:
    """What was predicted, by row and metric."""
    return {(value.row.id, value.metric): value.predicted for value in found.predictions}


def test_that_order_of_columns_further_ones_and_line_ends_change_nothing(tmp_path: Path, catalog: Catalog) -> None:
    plain = said(validated(tmp_path, catalog, text_of([SERVING], list(SERVING))))
    assert len(plain) == 2
    turned = text_of([{**SERVING, "Kühlung": "Wasser"}], [*reversed(SERVING), "Kühlung"], end="\r\n")
    assert said(validated(tmp_path, catalog, b"\xef\xbb\xbf" + turned.encode("utf-8"))) == plain
    upper = text_of([{name.upper(): cell for name, cell in SERVING.items()}], [name.upper() for name in SERVING])
    assert said(validated(tmp_path, catalog, upper)) == plain
    head, line, _ = text_of([SERVING], list(SERVING)).split("\n")
    assert said(validated(tmp_path, catalog, f"{head}\n{line},,\n,,,\n\n")) == plain


def test_that_a_table_may_lack_every_column_that_is_not_needed(tmp_path: Path, catalog: Catalog) -> None:
    needed = ("id", "chip", "model", "isl", "osl", "batch_or_concurrency")
    row = {**SERVING, "n_chips": "8"}
    found = validated(tmp_path, catalog, text_of([row], [*needed, "n_chips", "tpot_mean_ms"]))
    assert list(said(found)) == [("one", "tpot_mean")]
    assert validated(tmp_path, catalog, text_of([row], needed)).skipped.total() == 1
    few = ("id", "round", "scenario", "accelerator", "n_accel", "model", "samples_per_s", "tpot_p99_ms")
    found = validated(tmp_path, catalog, text_of([{**MLPERF, "samples_per_s": "100"}], few))
    assert ("ml", "tpot_p99") in said(found)


def test_that_a_file_of_both_kinds_of_rows_says_what_two_files_say(tmp_path: Path, catalog: Catalog) -> None:
    apart = {
        **said(validated(tmp_path, catalog, text_of([SERVING], list(SERVING)))),
        **said(validated(tmp_path, catalog, text_of([MLPERF], list(MLPERF)))),
    }
    columns = list(dict.fromkeys([*SERVING, *MLPERF]))
    both = validated(tmp_path, catalog, text_of([SERVING, MLPERF], columns))
    assert said(both) == apart
    assert [row.table for row in both.rows] == ["serving", "mlperf"]


def test_that_rows_of_one_id_or_none_keep_their_own_predictions(tmp_path: Path, catalog: Catalog) -> None:
    rows = [
        {**SERVING, "id": name, "batch_or_concurrency": users, "tpot_mean_ms": users}
        for name, users in (("a", "8"), ("a", "64"), ("", "16"), ("", "32"))
    ]
    found = validated(tmp_path, catalog, text_of(rows, list(SERVING)))
    assert [row.id for row in found.rows] == ["a", "a#2", "#1", "#2"]
    assert found.predicted == 4
    write_rows(found, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["metric"] == "tpot_mean"]
    times = {float(line["measured"]): float(line["predicted"]) for line in lines}
    assert times[8.0] < times[16.0] < times[32.0] < times[64.0]


@pytest.mark.parametrize(
    ("label", "chip"),
    [
        ("8xH100", "nv-h100-sxm"),
        ("HGX_H100", "nv-h100-sxm"),
        ("H100 80GB PCIe", "nv-h100-pcie"),
        ("NVIDIA H100-SXM-80GB (PCIe Gen5)", "nv-h100-sxm"),
        ("H200 141GB NVL", "nv-h200-nvl"),
        ("GB200 NVL72", "nv-gb200-nvl72"),
        ("A100-80GB-PCIe", "nv-a100-pcie"),
        ("A100 40G", None),
        ("H20-3e", None),
        ("Groq LPU", "groq-lpu1"),
        ("Cerebras CS-3", "cerebras-wse3"),
        ("Huawei Ascend 910B3", "huawei-910b"),
        ("HL-325L", "intel-gaudi3"),
        ("NVIDIA B300-SXM-288GB", "nv-b300"),
        ("AI200", "qcom-ai200"),
    ],
)
def test_that_a_label_in_use_names_its_chip_or_none(label: str, chip: str | None, catalog: Catalog) -> None:
    found = Names(catalog).chip(label)
    assert (found.id if found is not None else None) == chip


@pytest.mark.parametrize(
    ("label", "model"),
    [
        ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-FP8", "nemotron-3-nano-30b-a3b"),
        ("gptoss-120b", "gpt-oss-120b"),
        ("dsr1", "deepseek-v3"),
        ("DeepSeek-R1-Distill-Llama-70B", None),
        ("Qwen3-14B", None),
        ("GLM-4.6", None),
        ("RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16", "llama-3.1-70b"),
        ("bigscience/bloomz-7b1", None),
    ],
)
def test_that_a_label_in_use_names_its_model_or_none(label: str, model: str | None, catalog: Catalog) -> None:
    found = Names(catalog).model(label)
    assert (found.id if found is not None else None) == model


@pytest.mark.parametrize(
    ("label", "precision"),
    [
        ("w8a8", "int8"),
        ("W4A16", "int4"),
        ("w4a8", "int4"),
        ("FP8-W8A8", "fp8"),
        ("bfloat16", "bf16"),
        ("half", "bf16"),
        ("MXFP4", "fp4"),
        ("nvfp4", "fp4"),
        ("AWQ", "int4"),
        ("gptq", "int4"),
        ("GPTQ-INT8", "int8"),
        ("mxfp8", "fp8"),
        ("mxfp6", "fp8"),
        ("e4m3", "fp8"),
        ("auto", "said"),
        ("N/A", "said"),
        ("", "said"),
        ("fp32", ""),
        ("tf32", ""),
    ],
)
def test_that_a_weight_format_is_understood_in_the_words_in_use(label: str, precision: str) -> None:
    assert precision_of(label, "said") == precision


def test_that_frameworks_are_known_behind_what_drives_them() -> None:
    labels = ("dynamo-trt", "Dynamo (vLLM)", "mori-sglang", "MaxText", "hipBLASLt")
    assert [framework_of(label) for label in labels] == ["trtllm", "vllm", "sglang", "other", "other"]


def test_that_a_cache_narrower_than_eight_bits_is_left_out_and_an_unstated_one_is_not(
    tmp_path: Path, catalog: Catalog
) -> None:
    rows = [
        {**SERVING, "id": cell or "unstated", "kv_precision": cell, "tpot_mean_ms": f"{9 + at}"}
        for at, cell in enumerate(("", "auto", "bfloat16", "fp8_e5m2", "mxint8", "nvfp4", "int4"))
    ]
    found = validated(tmp_path, catalog, text_of(rows, list(SERVING)))
    assert {row.id: row.kv_precision for row in found.rows if not row.skipped} == {
        "unstated": "bf16",
        "auto": "bf16",
        "bfloat16": "bf16",
        "fp8_e5m2": "fp8",
        "mxint8": "fp8",
    }
    assert [row.skipped for row in found.rows if row.skipped] == [
        "format of the KV cache not understood, or narrower than 8 bits"
    ] * 2


def test_that_ranks_without_a_tensor_split_are_shared_out_over_stages_too(tmp_path: Path, catalog: Catalog) -> None:
    row = {**SERVING, "tp": "", "n_chips": "8", "pp": "2", "dp": "1", "model": "Llama-3.1-70B"}
    found = validated(tmp_path, catalog, text_of([row], list(SERVING)))
    assert (found.rows[0].tp, found.rows[0].pp) == (4.0, 2.0)


def test_that_the_interactive_scenario_has_limits_of_its_own(tmp_path: Path, catalog: Catalog) -> None:
    rows = [
        {**MLPERF, "id": scenario, "scenario": scenario, "ttft_limit_p99_ms": "", "tpot_limit_p99_ms": ""}
        for scenario in ("Server", "Interactive")
    ]
    found = validated(tmp_path, catalog, text_of(rows, list(MLPERF)))
    assert [(row.ttft_limit, row.tpot_limit) for row in found.rows] == [(2.0, 0.2), (0.45, 0.04)]


def rows_of_every_chip(catalog: Catalog) -> Iterable[dict[str, str]]:
    """Chips x models x frameworks, eight chips a replica; no two rows alike."""
    number = 0
    for chip in catalog.chips.values():
        for model in MODELS:
            for framework in ("vllm 0.11", "sglang", "trtllm 1.0", "MaxText"):
                number += 1
                yield {
                    **SERVING,
                    "id": f"{number}",
                    "chip": chip.name,
                    "model": model,
                    "n_chips": "8",
                    "tp": "8",
                    "weight_precision": ("fp8", "mxfp4", "awq", "w8a8", "bfloat16")[number % 5],
                    "notes": "agg",
                    "framework": framework,
                    "batch_or_concurrency": f"{(1, 16, 256)[number % 3]}",
                    "tpot_mean_ms": f"{50 + 0.01 * number}",
                    "ttft_mean_ms": f"{4000 + number}",
                }


def test_that_every_chip_known_gets_a_sane_prediction_and_a_sane_band(tmp_path: Path, catalog: Catalog) -> None:
    found = validated(tmp_path, catalog, text_of(list(rows_of_every_chip(catalog)), list(SERVING)))
    assert not found.unknown
    assert set(found.skipped) <= {
        "the weights exceed the memory of the ranks recorded",
        "implied FLOP rate above 80 % of the dense peak: not the concurrency of these chips, or a prefix cache",
    }
    assert found.predicted >= 0.95 * found.predictable
    served = {row.chip.id for row in found.rows if row.chip is not None and not row.skipped}
    assert served == set(catalog.chips) - {"groq-lpu1"}  # 230 MB a chip hold none of these models on eight
    for value in found.predictions:
        width = half_width(value.row, value.metric)
        assert 0.1 <= width <= math.log(10.0), (value.row.grade, value.metric)
        if value.metric == "tpot_mean":
            assert 1e-3 < value.predicted < 3.0, value.row
        else:
            few = (value.row.concurrency or 0.0) <= 16
            assert 5e-3 < value.predicted < (60.0 if few else 3600.0), value.row


def splits() -> Iterable[dict[str, str]]:
    """Tensor, data and expert splits, lengths from one token to 128k, one user to 4,096."""
    number = 0
    for tp, pp, dp, ep in ((1, 1, 1, 1), (8, 1, 1, 1), (8, 1, 1, 8), (1, 1, 8, 8), (4, 1, 2, 8), (2, 2, 4, 8)):
        for prompt, output, users in ((1, 1, 1), (1024, 1, 16), (1024, 1024, 1), (8192, 1024, 4096), (131072, 512, 4)):
            for model in ("deepseek-ai/DeepSeek-R1", "Qwen/Qwen3-30B-A3B", "meta-llama/Llama-3.1-8B"):
                number += 1
                yield {
                    **SERVING,
                    "id": f"{number}",
                    "chip": "B300-SXM",
                    "model": model,
                    "tp": f"{tp}",
                    "pp": f"{pp}",
                    "dp": f"{dp}",
                    "ep": f"{ep}",
                    "n_chips": f"{tp * pp * dp}",
                    "isl": f"{prompt}",
                    "osl": f"{output}",
                    "batch_or_concurrency": f"{users}",
                    "weight_precision": "nvfp4",
                    "framework": "trtllm",
                    "tpot_mean_ms": f"{200 + 0.1 * number}",
                    "ttft_mean_ms": f"{100_000 + number}",
                }


def test_that_every_split_and_length_that_fits_is_predicted(tmp_path: Path, catalog: Catalog) -> None:
    found = validated(tmp_path, catalog, text_of(list(splits()), list(SERVING)))
    assert found.predicted >= 0.95 * found.predictable
    assert found.predictable >= 0.9 * len(found.rows), found.skipped
    assert all(0.0 < value.predicted < 3600.0 for value in found.predictions)
