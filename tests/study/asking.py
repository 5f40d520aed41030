"""Scenarios built by hand, and ways to change one thing in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.scenario.schema import (
    Alternative,
    Fleet,
    FleetMember,
    ModelChoice,
    Objectives,
    Scenario,
    Simulation,
    Traffic,
    Workload,
)

NAMES = {
    "qcom-ai200": "AI200",
    "nv-h200": "H200",
    "nv-h100-sxm": "H100",
    "aws-trn2": "Trainium2",
    "nv-gb200-nvl72": "GB200",
}
FOUR = ("qcom-ai200", "nv-h200", "aws-trn2", "nv-gb200-nvl72")


def alternative(chip: str, **settings: Any) -> Alternative:
    """A deployment on AWS named after its chip."""
    return Alternative(**{"name": NAMES.get(chip, chip), "chip": chip, "cloud": "AWS", **settings})


def workload(
    *alternatives: Alternative,
    preset: str = "llama-3.1-70b",
    model: Mapping[str, Any] | None = None,
    traffic: Mapping[str, Any] | None = None,
    objectives: Mapping[str, Any] | None = None,
    name: str = "chat",
) -> Workload:
    """A chat workload, 12 requests/s of 1,155 + 211 tokens unless said otherwise; the first alternative is selected."""
    lengths = {
        "request_rate_per_s": 12.0,
        "prompt_tokens": 1155.0,
        "prompt_cv": 0.96,
        "output_tokens": 211.0,
        "output_cv": 0.77,
    }
    return Workload(
        name=name,
        selected=alternatives[0].name,
        model=ModelChoice(preset=preset, **(model or {})),
        traffic=Traffic(**{**lengths, **(traffic or {})}),
        objectives=Objectives(**({"ttft_p99_s": 2.0, "tpot_p99_s": 0.05} if objectives is None else objectives)),
        alternatives=alternatives,
    )


def scenario(*workloads: Workload, samples: int = 16, method: Any = "closed_form", **parts: Any) -> Scenario:
    """A scenario of these workloads, in closed form unless said otherwise, with few draws."""
    return Scenario(
        title="test",
        as_of="2026-11-22",
        workloads=workloads,
        simulation=Simulation(method=method, samples=samples),
        **parts,
    )


def fleet(**shares: float) -> Fleet:
    """A fleet by chip name, as in `fleet(H200=0.6, AI200=0.4)`, all on AWS."""
    chips = {name: chip for chip, name in NAMES.items()}
    return Fleet(
        members=tuple(
            FleetMember(name=name, chip=chips[name], cloud="AWS", traffic_share=share) for name, share in shares.items()
        )
    )


def four_chips(**settings: Any) -> Scenario:
    """The 70B chat on AI200, H200, Trainium2 and GB200, and a fleet of three of them."""
    return scenario(
        workload(*(alternative(chip) for chip in FOUR), **settings),
        fleet=fleet(H200=0.6, Trainium2=0.2, AI200=0.2),
    )


def one_chip(chip: str, deployed: Mapping[str, Any] | None = None, **settings: Any) -> Scenario:
    """One alternative alone, without a fleet."""
    return scenario(workload(alternative(chip, **(deployed or {})), **settings))
