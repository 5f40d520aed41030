"""Statements about outputs, as claims and break-even goals make them: their grammar, and what is wrong with a text.

    P99 TPOT of AI200 x8 on the 1T model > 2 x that of H200 x8
    $/M tokens of AI200 on 70B chat <= $0.20
    effective suppliers (designer) of the fleet > 1.5

    statement  = term, comparison, (term | value)
    comparison = "<" | "<=" | ">" | ">=" | "="
    term       = [number, "x"], (output | "that"), "of", subject, ["on", workload]
    subject    = alternative, ["x", chips a replica] | "the fleet" | "the baseline fleet"
    value      = a number with its unit, as the output is written: 50 ms, $0.20, 90%

"that" means the output of the other side, and a side that names no workload means the other side's. A name that
holds " of ", " on " or a comparison stands in double quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from explorer.errors import ExplorerError
from explorer.scenario.outputs import TIERS, OutputName, output_named, output_names

Comparison = Literal["<", "<=", ">", ">=", "="]
COMPARISONS: tuple[Comparison, ...] = ("<", "<=", ">", ">=", "=")
FLEET, BASELINE_FLEET = "the fleet", "the baseline fleet"

_COMPARISON = re.compile(r"<=|>=|[<>=≤≥]")
_SAME: dict[str, Comparison] = {"≤": "<=", "≥": ">="}
_FACTOR = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:x|×|\*|times)\s+", re.IGNORECASE)
_TIER = re.compile(r"^(.*\S)\s*\(([^()]*)\)\s*$")
_DEGREE = re.compile(r"^(.*\S)\s+[x×]\s*(\d+)$", re.IGNORECASE)


class StatementError(ExplorerError):
    """A statement that cannot be understood: at which column (from 1), why, and what is allowed there."""

    def __init__(self, text: str, column: int, reason: str, allowed: str) -> None:
        self.text, self.column, self.reason, self.allowed = text, column, reason, allowed
        super().__init__(f"column {column} of '{text}': {reason} (allowed: {allowed})")


@dataclass(frozen=True, slots=True)
class Term:
    """An output of something: of an alternative (at `degree` chips a replica where that is said) on a workload, or
    of a fleet. Names are as written; columns count from 1."""

    output: OutputName
    subject: str
    degree: int | None = None
    workload: str | None = None
    tier: str | None = None
    factor: float = 1.0
    subject_column: int = 1
    workload_column: int = 1

    @property
    def of_fleet(self) -> bool:
        """Whether it speaks of a fleet, not of an alternative."""
        return self.subject in (FLEET, BASELINE_FLEET)


@dataclass(frozen=True, slots=True)
class Statement:
    """`left` compared with `right`: a term, or a value in SI units."""

    text: str
    left: Term
    comparison: Comparison
    right: Term | float

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of both sides."""
        return (self.left,) if isinstance(self.right, float) else (self.left, self.right)


def parse_statement(text: str) -> Statement:
    """The statement a text makes; StatementError names the column and what is allowed there."""
    visible = _without_quoted(text)
    signs = list(_COMPARISON.finditer(visible))
    allowed = "one comparison: " + ", ".join(COMPARISONS)
    if not signs:
        raise StatementError(text, len(text.rstrip()) + 1, "a comparison is missing", allowed)
    if len(signs) > 1:
        raise StatementError(text, signs[1].start() + 1, "there is more than one comparison", allowed)
    sign = signs[0]
    left = _term(text, 0, sign.start(), None)
    start = sign.end()
    if not text[start:].strip():
        raise StatementError(text, len(text.rstrip()) + 1, "nothing to compare with", _right_side(left.output))
    right: Term | float
    if re.search(r"\sof\s", visible[start:]):
        right = _term(text, start, len(text), left.output)
        if right.output.quantity.key != left.output.quantity.key:
            raise StatementError(
                text,
                _first_column(text, start),
                f"{right.output.name} cannot be compared with {left.output.name}",
                f"an output in the same unit, or {_examples(left.output)}",
            )
        left, right = _completed(left, right)
    else:
        right = _value(text, start, left.output)
    return Statement(text, left, _SAME.get(sign.group()) or _known(sign.group()), right)


def _known(sign: str) -> Comparison:
    return next(one for one in COMPARISONS if one == sign)


def _completed(left: Term, right: Term) -> tuple[Term, Term]:
    """Each side takes from the other what it leaves unsaid: the workload, and the tier that "that" stands for."""
    if right.output.by_tier and right.tier is None:
        right = replace(right, tier=left.tier)
    if left.workload is None and right.workload is not None and not left.of_fleet:
        left = replace(left, workload=right.workload, workload_column=right.workload_column)
    elif right.workload is None and left.workload is not None and not right.of_fleet:
        right = replace(right, workload=left.workload, workload_column=left.workload_column)
    return left, right


def _value(text: str, start: int, output: OutputName) -> float:
    try:
        return output.quantity.parse(text[start:])
    except ValueError as error:
        raise StatementError(text, _first_column(text, start), str(error), _right_side(output)) from None


def _right_side(output: OutputName) -> str:
    return f"a value such as {_examples(output)}, or the same of another, as in 2 x that of H200"


def _examples(output: OutputName) -> str:
    return output.quantity.examples


def _term(text: str, start: int, end: int, other: OutputName | None) -> Term:
    factor = 1.0
    match = _FACTOR.match(text, start, end)
    if match is not None:
        factor = float(match.group(1))
        start = match.end()
        if factor <= 0:
            raise StatementError(text, match.start(1) + 1, "a factor must be above 0", "a number above 0")
    visible = _without_quoted(text)
    joint = re.compile(r"\sof\s").search(visible, start, end)
    column = _first_column(text, start, end)
    if joint is None:
        what = text[start:end].strip()
        raise StatementError(
            text,
            column,
            f"'{what}' does not say of what" if what else "an output is missing",
            "OUTPUT of ALTERNATIVE, such as P99 TPOT of AI200",
        )
    output, tier = _output(text, start, joint.start(), other)
    rest = joint.end()
    on = (
        None
        if "fleet" in output.level and _is_fleet(text[rest:end])
        else re.compile(r"\son\s").search(visible, rest, end)
    )
    subject_end = end if on is None else on.start()
    subject = _name(text[rest:subject_end])
    subject_column = _first_column(text, rest, subject_end)
    if not subject:
        raise StatementError(text, subject_column, "a name is missing behind 'of'", _subjects(output))
    degree = None
    if _is_fleet(text[rest:subject_end]):
        subject = " ".join(subject.casefold().split())
        if "fleet" not in output.level:
            raise StatementError(text, subject_column, f"{output.name} is not an output of a fleet", _subjects(output))
    elif "alternative" not in output.level:
        raise StatementError(text, subject_column, f"{output.name} is an output of a fleet", _subjects(output))
    else:
        suffix = _DEGREE.match(text[rest:subject_end].strip())
        if suffix is not None:
            degree = int(suffix.group(2))
            if degree < 1:
                raise StatementError(text, subject_column, "a replica has at least one chip", "x1, x2, x8 ...")
            subject = _name(suffix.group(1))
    workload, workload_column = None, 1
    if on is not None:
        workload = _name(text[on.end() : end])
        workload_column = _first_column(text, on.end(), end)
        if not workload:
            raise StatementError(text, workload_column, "a workload is missing behind 'on'", "the name of a workload")
    return Term(output, subject, degree, workload, tier, factor, subject_column, workload_column)


def _output(text: str, start: int, end: int, other: OutputName | None) -> tuple[OutputName, str | None]:
    name = text[start:end].strip()
    column = _first_column(text, start, end)
    if name.casefold() in ("that", "those"):
        if other is None:
            raise StatementError(text, column, "'that' has nothing to stand for here", ", ".join(output_names()))
        return other, None
    tier = None
    bracket = _TIER.match(name)
    if bracket is not None:
        name, tier = bracket.group(1), bracket.group(2).strip().casefold().replace(" ", "_")
    output = output_named(name)
    if output is None:
        raise StatementError(
            text, column, f"'{name}' is not an output" if name else "an output is missing", ", ".join(output_names())
        )
    if output.by_tier and tier not in TIERS:
        reason = f"{output.name} needs its supply tier" if tier is None else f"'{tier}' is not a supply tier"
        raise StatementError(text, column, reason, ", ".join(f"{output.name} ({one})" for one in TIERS))
    if tier is not None and not output.by_tier:
        raise StatementError(text, column, f"{output.name} has no supply tier", output.name)
    return output, tier


def _subjects(output: OutputName) -> str:
    parts = []
    if "alternative" in output.level:
        parts.append("the name of an alternative, with x8 for 8 chips a replica")
    if "fleet" in output.level:
        parts.append(f"{FLEET}, {BASELINE_FLEET}")
    return ", or ".join(parts)


def _is_fleet(text: str) -> bool:
    return " ".join(text.casefold().split()) in (FLEET, BASELINE_FLEET)


def _name(text: str) -> str:
    return text.strip().strip('"').strip()


def _first_column(text: str, start: int, end: int | None = None) -> int:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()) + 1 if piece.strip() else start + 1


def _without_quoted(text: str) -> str:
    """The text with what stands in double quotes made invisible to the search for joints."""
    return re.sub(r'"[^"]*"?', lambda found: "\0" * len(found.group()), text)
