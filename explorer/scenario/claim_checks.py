"""What can be wrong with the claims of a scenario: statements that nobody can read, or about what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from explorer.catalog.catalog import Catalog
from explorer.scenario.places import places
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import BASELINE_FLEET, StatementError, parse_statement
from explorer.scenario.wording import Fault, Step


def unreadable(statements: Iterable[tuple[Step, object]]) -> Iterator[Fault]:
    """Statements, each with its position among the claims, that do not parse: column, reason and what is allowed."""
    for position, statement in statements:
        if isinstance(statement, str) and statement:
            try:
                parse_statement(statement)
            except StatementError as error:
                yield _refused(position, error)


def misplaced(scenario: Scenario, catalog: Catalog) -> Iterator[Fault]:
    """Claims about alternatives, workloads or degrees that the scenario does not have, or a baseline it lacks."""
    for position, claim in enumerate(scenario.claims):
        try:
            statement = parse_statement(claim.statement)
            places(scenario, statement, catalog)
        except StatementError as error:
            yield _refused(position, error)
            continue
        for term in statement.terms:
            if term.subject == BASELINE_FLEET and scenario.baseline is None:
                reason = f"column {term.subject_column}: the scenario has no baseline"
                yield Fault(("claims", position, "statement"), reason, "the fleet, or a [baseline] in the file")


def _refused(position: Step, error: StatementError) -> Fault:
    return Fault(("claims", position, "statement"), f"column {error.column}: {error.reason}", error.allowed)
