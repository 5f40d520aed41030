"""A file that can be read may still ask for what does not exist; `check` says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from explorer.catalog import Catalog
from explorer.scenario.file import check_scenario, read_scenario


def test_that_a_right_file_has_no_problem(file_with: Callable[[str, str], Path], catalog: Catalog) -> None:
    loaded = read_scenario(file_with("margn", "margin"), catalog)
    assert loaded.warnings == ()
    assert check_scenario(loaded, catalog) == ()


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "reason", "allowed"),
    [
        ("x-note", '""', 9, 'workloads.0.""', "not a known key", "model"),
        ("x-note", "note", 9, "workloads.0.note", "not a known key", "model"),
        ("request_rate_per_s", "request_rate", 12, "workloads.0.traffic.request_rate", "request_rate_per_s", "mode"),
        ("tp = 2, pp = 1", "tp = 2, pipeline = 1", 24, "workloads.0.alternatives.1.layout.pipeline", "known", "pp"),
        ("[x-mine]", "[mine]", 36, "mine", "not a known key", "workloads"),
        ("tp = 2", "tp = 3", 24, "workloads.0.alternatives.1.layout", "3 Nvidia H200 cannot be had", "1, 2, 4, 8"),
        (
            'cloud = "AWS"', "parallelism_degree = 3", 18,
            "workloads.0.alternatives.0.parallelism_degree", "3 Qualcomm AI200 cannot be had", '"auto", 1, 2',
        ),
        ('cloud = "AWS"', 'cloud = "AWX"', 18, "workloads.0.alternatives.0.cloud", "'AWX'; nearest known: AWS", "GCP"),
        ('cloud = "AWS"', 'cloud = "aws"', 18, "workloads.0.alternatives.0.cloud", "'aws'; nearest known: AWS", "GCP"),
        ('cloud = "AWS"', 'weight_precision = "fp4"', 18, "workloads.0.alternatives.0.weight_precision", "fp8", "fp8"),
        (
            'cloud = "AWS"', 'offer = "aws-p5en-48xlarge-us-east-1-on-demand"', 18,
            "workloads.0.alternatives.0.offer", "offers nv-h200, not qcom-ai200", "aws-ai200-hypothetical",
        ),
        (
            "[x-mine]", '[overrides.qcom-ai200]\nmemory_bandwidth = { value = 2, unit = "GB" }\n[x-mine]', 37,
            "overrides.qcom-ai200.memory_bandwidth.unit", "'GB' is no unit", "TB/s",
        ),
        (
            "[x-mine]", '[overrides.qcom-ai200]\nmemory_bandwidth = { value = 2, unit = "TBps" }\n[x-mine]', 37,
            "overrides.qcom-ai200.memory_bandwidth.unit", "'TBps' is no unit", "TB/s",
        ),
        (
            "[x-mine]", '[overrides.nv-h200]\nmemory_bandwidth = { value = 1e-11, unit = "TB/s" }\n[x-mine]', 37,
            "overrides.nv-h200.memory_bandwidth.value", "the catalogue has 4.8 TB/s", "4.8e-06 to 4.8e+06 TB/s",
        ),
        (
            "[x-mine]", '[overrides.nv-h200]\nscaleup_domain = { value = 0.4, unit = "chips" }\n[x-mine]', 37,
            "overrides.nv-h200.scaleup_domain.value", "0.4 chips cannot be", "1 or more",
        ),
        (
            "[x-mine]", '[overrides.qcom-ai200]\ncollective_efficiency = { value = 25, unit = "share" }\n[x-mine]', 37,
            "overrides.qcom-ai200.collective_efficiency.value", "25 share cannot be", "more than 0, at most 1",
        ),
        (
            "[x-mine]", "[overrides.nv-h200]\nmemory_bandwidth.belief = 0.5\n[x-mine]", 37,
            "overrides.nv-h200.memory_bandwidth.belief", "not disputed", "value",
        ),
        (
            "[x-mine]", '[overrides.qcom-ai200.peak_int8]\nvalue = 2\nunit = "TFLOPS"\n[x-mine]', 36,
            "overrides.qcom-ai200.peak_int8", "follows from its peak_fp8", "peak_fp8",
        ),
        (
            "[x-mine]", "[overrides.qcom-ai200.memory_bandwidth]\nbelief = 0.2\nbelif = 1\n[x-mine]", 38,
            "overrides.qcom-ai200.memory_bandwidth.belif", "nearest known: belief", "belief",
        ),
    ],
)  # fmt: skip
def test_that_a_choice_that_cannot_be_is_told_with_its_line_and_what_could(
    file_with: Callable[[str, str], Path],
    catalog: Catalog,
    old: str,
    new: str,
    line: int,
    key: str,
    reason: str,
    allowed: str,
) -> None:
    problems = check_scenario(read_scenario(file_with(old, new)), catalog)
    # The file's own misspelt key stands beside it.
    (problem,) = [problem for problem in problems if problem.key != "price.margn"]
    assert len(problems) == 2
    assert (problem.line, problem.key) == (line, key)
    assert reason in problem.reason
    assert allowed in problem.allowed


def test_that_an_own_precision_is_no_problem_once_it_is_chosen(
    file_with: Callable[[str, str], Path], catalog: Catalog
) -> None:
    path = file_with('cloud = "AWS"', 'weight_precision = "fp4"')
    path.write_text(path.read_text() + "[comparison]\neach_at_own_precision = true\n")
    assert [problem.key for problem in check_scenario(read_scenario(path), catalog)] == ["price.margn"]


def test_that_gigabits_are_a_unit_of_a_bandwidth_in_gigabytes(
    file_with: Callable[[str, str], Path], catalog: Catalog
) -> None:
    path = file_with("[x-mine]", '[overrides.qcom-ai200.link_bandwidth]\nvalue = 800\nunit = "Gb/s"\n[x-mine]')
    assert [problem.key for problem in check_scenario(read_scenario(path), catalog)] == ["price.margn"]


def test_that_unknown_records_are_problems_of_a_file_read_without_a_catalogue(
    file_with: Callable[[str, str], Path], catalog: Catalog
) -> None:
    loaded = read_scenario(file_with('chip = "nv-h200"', 'chip = "nv-h20"'))
    assert [problem.key for problem in check_scenario(loaded, catalog)] == [
        "workloads.0.alternatives.1.chip",
        "price.margn",
    ]
