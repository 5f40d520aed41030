"""Whose data a report uses, and under which licence: what has to go along with its figures."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.catalog import Catalog
from explorer.catalog.trace import shipped_trace
from explorer.scenario.schema import Scenario
from explorer.study.cost_parts import WorkloadMoney

CALIBRATION = (
    "Kernel and collective timings: aiconfigurator-core 0.12.0, NVIDIA (Apache-2.0).",
    (
        "Step times and how far they may be off are estimated on published serving measurements, MLPerf Inference "
        "results among them; figures derived from these are not verified by MLCommons Association."
    ),
)
COLLECTIONS = (
    ("karpenter", "Prices collected by Karpenter's AWS provider (Apache-2.0)."),
    ("skypilot", "Prices collected in the SkyPilot catalogue (Apache-2.0)."),
)
FONT = "Font: Inter, the Inter Project Authors (SIL Open Font License 1.1)."


def credit_lines(scenario: Scenario, catalog: Catalog, money: Sequence[WorkloadMoney]) -> tuple[str, ...]:
    """The lines that go along with the figures of a scenario."""
    found: list[str] = []
    for workload in scenario.workloads:
        model = catalog.model(workload.model.preset)
        licence = f" Licence of the model: {model.licence}." if model.licence else ""
        if model.source:
            found.append(f"{model.name}: {model.source.rstrip('.')}.{licence}")
        trace = workload.traffic.trace
        if trace is not None and trace.name:
            shipped = shipped_trace(trace.name)
            found.append(f"Trace “{shipped.title}”: {shipped.source} ({shipped.licence}).")
        elif trace is not None:
            found.append(f"Trace “{trace.label}”: the user's own.")
    found += CALIBRATION
    prices = " ".join(f"{one.price_source} {one.rent_or_own.rented_source}" for part in money for one in part.all)
    found += [line for mark, line in COLLECTIONS if mark in prices.lower()]
    found += [f"Benchmark “{one.name}”: {one.notice}" for one in scenario.benchmarks if one.notice]
    return tuple(dict.fromkeys((*found, FONT)))
