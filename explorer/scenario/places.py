"""Where the names of a statement point in a scenario: which alternative, on which workload."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from explorer.catalog.catalog import Catalog
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import Statement, StatementError, Term
from explorer.scenario.workload import Workload


@dataclass(frozen=True, slots=True)
class Place:
    """Where a term points: positions of its workload and alternative in the scenario."""

    workload: int
    alternative: int


def places(scenario: Scenario, statement: Statement, catalog: Catalog) -> tuple[Place | None, ...]:
    """Where each term points, None for a fleet's; StatementError names the column of what is unknown."""
    return tuple(None if term.of_fleet else _place(scenario, statement.text, term, catalog) for term in statement.terms)


def _place(scenario: Scenario, text: str, term: Term, catalog: Catalog) -> Place:
    at = _workload(scenario, text, term)
    workload = scenario.workloads[at]
    position = _alternative(workload, term)
    if position is None:
        names = [one.name for one in workload.alternatives]
        reason = f"'{workload.name}' has no alternative '{term.subject}'{_nearest(term.subject, names)}"
        raise StatementError(text, term.subject_column, reason, ", ".join(names))
    chip = catalog.chip(workload.alternatives[position].chip)
    if term.degree is not None and term.degree not in chip.degrees:
        reason = f"a replica of {term.degree} {chip.name} cannot be had"
        allowed = ", ".join(f"x{degree}" for degree in chip.degrees)
        raise StatementError(text, term.subject_column, reason, allowed)
    return Place(at, position)


def _workload(scenario: Scenario, text: str, term: Term) -> int:
    names = [one.name for one in scenario.workloads]
    if term.workload is None:
        having = [at for at, one in enumerate(scenario.workloads) if _alternative(one, term) is not None]
        if len(having) == 1:
            return having[0]
        if not having:
            every = list(dict.fromkeys(one.name for work in scenario.workloads for one in work.alternatives))
            reason = f"no alternative is called '{term.subject}'{_nearest(term.subject, every)}"
            raise StatementError(text, term.subject_column, reason, ", ".join(every))
        reason = f"'{term.subject}' is compared on several workloads: say on which"
        raise StatementError(text, term.subject_column, reason, ", ".join(f"on {names[at]}" for at in having))
    wanted = term.workload.casefold()
    for exact in (wanted, _stripped(wanted)):
        for at, name in enumerate(names):
            if name.casefold() == exact:
                return at
    near = [at for at, name in enumerate(names) if _stripped(wanted) in name.casefold()]
    if len(near) == 1:
        return near[0]
    reason = f"{'several workloads are' if near else 'no workload is'} called '{term.workload}'"
    raise StatementError(text, term.workload_column, reason, ", ".join(names))


def _stripped(name: str) -> str:
    """'the 1T model' speaks of '1T'."""
    return name.removeprefix("the ").removesuffix(" model").removesuffix(" workload").strip()


def _alternative(workload: Workload, term: Term) -> int | None:
    for name in (term.subject, f"{term.subject} x{term.degree}", f"{term.subject} ×{term.degree}"):
        for at, one in enumerate(workload.alternatives):
            if one.name.casefold() == name.casefold():
                return at
    return None


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
    return f"; nearest known: {', '.join(near)}" if near else ""
