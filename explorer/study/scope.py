"""Which workloads a study can be asked of."""

from __future__ import annotations

from explorer.errors import ExplorerError
from explorer.scenario.workload import SIMULATED_ONLY, Workload


def needs_known_schedulers(workload: Workload, study: str) -> None:
    """Refuse alternatives of a scheduler that only the simulation knows: the study is asked of the closed form."""
    for one in workload.alternatives:
        if one.scheduler in SIMULATED_ONLY:
            raise ExplorerError(
                f"{study} is asked of the closed form, which knows no {SIMULATED_ONLY[one.scheduler]}: set the "
                f"scheduler of {one.name} ({workload.name}) to chunked or prefill first"
            )


def needs_a_rate(workload: Workload, study: str) -> None:
    """Refuse a closed loop, raising ExplorerError: the study sizes deployments for a rate, and users have none.

    Schedulers that the closed form does not know are refused with it.
    """
    needs_known_schedulers(workload, study)
    if workload.traffic.mode == "closed_loop":
        raise ExplorerError(
            f"{study} needs a stated rate of requests, and {workload.name} is a closed loop of users: set Load to open "
            "loop"
        )
