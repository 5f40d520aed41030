"""Claims to begin with, made of what a scenario compares: what a seller would say, what a buyer would want to hear."""

from __future__ import annotations

from explorer.scenario.schema import Scenario
from explorer.study.break_even_choices import comparison_offered, goal_text, limit_offered, quoted


def claims_offered(scenario: Scenario, workload: int) -> tuple[str, ...]:
    """Statements about the selected alternative of a workload, against its promises and against the others."""
    place = scenario.workloads[workload]
    names = [one.name for one in place.alternatives]
    mine = names.index(place.selected)

    def stated(output: str, comparison: str, limit: str) -> str:
        return goal_text(scenario, workload, mine, output, comparison, limit, None)

    found: list[str] = []
    for metric in ("ttft_p99", "tpot_p99", "itl_p99", "e2e_p99"):
        if getattr(place.objectives, f"{metric}_s") is not None:
            found.append(stated(metric, comparison_offered(metric), limit_offered(scenario, workload, metric)))
    others = [name for name in names if name != place.selected]
    if others:
        found.append(stated("usd_per_million", "<", others[0]))
        found.append(stated("largest_rate_per_chip", ">", others[0]))
        found.append(stated("tpot_p99", "<=", f"2 x that of {quoted(others[0])}"))
    found.append(stated("chance", ">=", "95%"))
    if scenario.fleet.members:
        found.append("effective suppliers (designer) of the fleet > 1.5")
    return tuple(found)
