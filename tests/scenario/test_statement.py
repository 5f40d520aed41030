"""The grammar of statements: what each part is read as, and that mistakes are told with column and a way out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.scenario.outputs import OUTPUTS
from explorer.scenario.schema import Tier
from explorer.scenario.statement import FLEET, StatementError, Term, parse_statement


def test_that_the_statement_of_the_brief_is_read_in_all_its_parts() -> None:
    found = parse_statement("P99 TPOT of AI200 x8 on the 1T model > 2 x that of H200 x8")
    assert (found.left.output.key, found.left.subject, found.left.degree) == ("tpot_p99", "AI200", 8)
    assert found.left.workload == "the 1T model" and found.comparison == ">"
    assert isinstance(found.right, Term)
    assert (found.right.factor, found.right.output.key) == (2.0, "tpot_p99")
    assert (found.right.subject, found.right.degree, found.right.workload) == ("H200", 8, "the 1T model")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("P99 TPOT of A <= 50 ms", "tpot_p99", 0.05),
        ("p99 time per token of A ≤ 0.05", "tpot_p99", 0.05),
        ("$/M tokens of A < $0.20", "usd_per_million", 0.2),
        ("$/month of A >= $1.2M", "usd_per_month", 1.2e6),
        ("chance of A >= 90%", "chance", 0.9),
        ("memory headroom of A > 0 GB", "memory_headroom", 0.0),
        ("chips of A <= 16", "chips", 16.0),
        ("cliff rate of A >= 12/s", "largest_rate", 12.0),
        ("energy per token of A < 500 mJ/token", "joule_per_token", 0.5),
    ],
)
def test_that_values_are_read_in_the_unit_of_their_output(text: str, key: str, value: float) -> None:
    found = parse_statement(text)
    assert found.left.output.key == key
    assert found.right == pytest.approx(value)


def test_that_a_tier_stands_in_brackets_and_a_fleet_needs_no_workload() -> None:
    found = parse_statement("Effective suppliers (memory maker) of the fleet > 1.5 x those of the baseline fleet")
    assert (found.left.output.key, found.left.tier) == ("effective_suppliers", "memory_maker")
    assert found.left.subject == FLEET
    assert isinstance(found.right, Term)
    assert found.right.of_fleet and found.right.factor == 1.5 and found.right.tier == "memory_maker"


def test_that_quoted_names_may_hold_the_words_of_the_grammar() -> None:
    found = parse_statement('P99 TTFT of "House of Cards on AWS > 2" on "chat on phones" <= 2 s')
    assert found.left.subject == "House of Cards on AWS > 2"
    assert found.left.workload == "chat on phones"


@pytest.mark.parametrize(
    ("text", "column", "reason", "allowed"),
    [
        ("", 1, "comparison is missing", "<="),
        ("P99 TPOT of A 50 ms", 20, "comparison is missing", ">="),
        ("P99 TPOT of A < 50 ms < 60 ms", 23, "more than one comparison", "one comparison"),
        ("P99 TPUT of A < 50 ms", 1, "'P99 TPUT' is not an output", "P99 TPOT"),
        ("  speed of A < 50 ms", 3, "'speed' is not an output", "P99 TPOT"),
        ("P99 TPOT < 50 ms", 1, "does not say of what", "of ALTERNATIVE"),
        ("< 50 ms", 1, "output is missing", "of ALTERNATIVE"),
        ("P99 TPOT of A <", 16, "nothing to compare with", "50 ms"),
        ("P99 TPOT of A < fast", 17, "cannot read", "50 ms"),
        ("P99 TPOT of A < 50 GB", 17, "is not a unit", "50 ms"),
        ("P99 TPOT of A < that of", 17, "cannot read", "50 ms"),
        ("that of A < 50 ms", 1, "nothing to stand for", "P99 TPOT"),
        ("P99 TPOT of A < $/month of B", 17, "cannot be compared", "50 ms"),
        ("P99 TPOT of A on  < 50 ms", 18, "workload is missing", "name of a workload"),
        ("P99 TPOT of A x0 < 50 ms", 13, "at least one chip", "x8"),
        ("0 x P99 TPOT of A < 50 ms", 1, "factor", "above 0"),
        ("HHI of the fleet < 5000", 1, "needs its supply tier", "HHI (foundry)"),
        ("HHI (chips) of the fleet < 5000", 1, "'chips' is not a supply tier", "HHI (designer)"),
        ("P99 TPOT (cloud) of A < 50 ms", 1, "has no supply tier", "P99 TPOT"),
        ("P99 TPOT of the fleet < 50 ms", 13, "not an output of a fleet", "alternative"),
        ("HHI (cloud) of A < 5000", 16, "is an output of a fleet", "the fleet"),
    ],
)
def test_that_a_mistake_is_told_with_its_column_and_what_is_allowed(
    text: str, column: int, reason: str, allowed: str
) -> None:
    with pytest.raises(StatementError) as error:
        parse_statement(text)
    assert error.value.column == column
    assert reason in error.value.reason
    assert allowed in error.value.allowed


@given(st.text(max_size=60))
def test_that_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = parse_statement(text)
    except StatementError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.reason and error.allowed
    else:
        assert found.left.output.key in OUTPUTS


@given(
    st.sampled_from(sorted(OUTPUTS)),
    st.sampled_from(["<", "<=", ">", ">=", "="]),
    st.floats(0.01, 1e6),
    st.sampled_from(["designer", "cloud"]),
)
def test_that_every_output_can_be_written_and_read_back(key: str, sign: str, value: float, tier: Tier) -> None:
    output = OUTPUTS[key]
    number = round(value) if output.quantity.whole else value
    name = f"{output.name} ({tier})" if output.by_tier else output.name
    subject = FLEET if "fleet" in output.level else "AI200"
    text = f"{name} of {subject} {sign} {output.quantity.format_exact(float(number))}"
    found = parse_statement(text)
    assert found.left.output is output and found.comparison == sign
    assert found.right == pytest.approx(float(number), rel=1e-9)
