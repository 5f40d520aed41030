"""What a break-even page offers to choose from: numbers to solve for, outputs, comparisons, and the goal they make."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.catalog import Catalog
from explorer.catalog.figure import FIGURE_KINDS
from explorer.scenario.inputs import INPUTS
from explorer.scenario.outputs import OUTPUTS
from explorer.scenario.schema import Scenario
from explorer.scenario.statement import Statement

SETTINGS: tuple[tuple[str, str], ...] = (
    ("traffic", "request_rate_per_s"),
    ("traffic", "prompt_tokens"),
    ("traffic", "output_tokens"),
    ("model", "size_billion"),
)
ALTERNATIVE_SETTINGS = ("parallelism_degree", "max_batch", "token_budget", "replicas")
OFFERED_OUTPUTS = (
    "tpot_p99",
    "ttft_p99",
    "itl_p99",
    "e2e_p99",
    "usd_per_million",
    "usd_per_million_full",
    "usd_per_month",
    "joule_per_token",
    "largest_rate",
    "chance",
    "memory_headroom",
)
COMPARISONS = (("≤", "<="), ("≥", ">="), ("=", "="))
_LIMITS: dict[str, str] = {
    "ttft_p99": "2 s",
    "tpot_p99": "50 ms",
    "itl_p99": "100 ms",
    "e2e_p99": "20 s",
    "usd_per_million": "$1",
    "usd_per_million_full": "$0.50",
    "usd_per_month": "$100k",
    "joule_per_token": "2 J/token",
    "largest_rate": "10/s",
    "chance": "90%",
    "memory_headroom": "0 GB",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to choose: how it reads, and the text that asks for it."""

    title: str
    text: str


MONEY = frozenset({"usd_per_million", "usd_per_million_full", "usd_per_month"})
_ONLY_FOR: dict[str, frozenset[str]] = {"capex": MONEY, "board_power": MONEY | {"joule_per_token"}}
"""Figures that nothing else hangs on than these outputs."""


def numbers_offered(
    catalog: Catalog, scenario: Scenario, workload: int, alternative: int, output: str
) -> tuple[Offer, ...]:
    """Numbers to solve for, as far as the `output` of the goal hangs on them: the chip's open figures first, then its
    others, the price, and settings."""
    one = scenario.workloads[workload].alternatives[alternative]
    chip = catalog.chip(one.chip)
    figures = [
        figure
        for name, figure in chip.figures.items()
        if figure.derived_from is None and not FIGURE_KINDS[name].informative and _moves(name, output)
    ]
    figures.sort(key=lambda figure: not figure.is_open)
    marked = [
        Offer(f"{figure.title}{f' – {figure.status}' if figure.is_open else ''}", f"overrides.{chip.id}.{figure.name}")
        for figure in figures
    ]
    settings = [
        *(f"workloads.{workload}.alternatives.{alternative}.{key}" for key in ALTERNATIVE_SETTINGS),
        *(f"workloads.{workload}.{part}.{key}" for part, key in SETTINGS),
    ]
    return (
        *marked,
        *((Offer("Price of a chip-hour", f'price of "{one.name}"'),) if output in MONEY else ()),
        *(Offer(INPUTS[path.rpartition(".")[2]].title, path) for path in settings),
    )


def _moves(figure: str, output: str) -> bool:
    """Whether an output can hang on a figure of a chip at all."""
    if output == "memory_headroom":
        return figure == "memory_capacity"
    return output in _ONLY_FOR.get(figure, (output,))


def outputs_offered() -> tuple[Offer, ...]:
    """Outputs to set a goal for, each by its name in statements."""
    return tuple(Offer(OUTPUTS[key].name, key) for key in OFFERED_OUTPUTS)


def goal_text(
    scenario: Scenario, workload: int, alternative: int, output: str, comparison: str, limit: str, degree: int | None
) -> str:
    """The statement that choices make; a limit that is an alternative's name stands for that one's output."""
    place = scenario.workloads[workload]
    names = [one.name for one in place.alternatives]
    subject = f"{quoted(names[alternative])}{f' x{degree}' if degree else ''}"
    on = f" on {quoted(place.name)}" if len(scenario.workloads) > 1 else ""
    right = f"that of {quoted(limit)}" if limit in names else limit
    return f"{OUTPUTS[output].name} of {subject}{on} {comparison} {right}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A goal as choices: `limit` is a value as written, or empty where it is compared with that of `against`."""

    output: str
    degree: int | None
    comparison: str
    against: str
    limit: str


def choices_of(statement: Statement, scenario: Scenario, workload: int, alternative: int) -> Chosen | None:
    """The choices that make a statement about an alternative; None where none do."""
    place, left, right = scenario.workloads[workload], statement.left, statement.right
    name = place.alternatives[alternative].name
    here = (None, place.name)
    plain = left.subject == name and left.workload in here and left.factor == 1.0 and not left.of_fleet
    offered = left.output.key in OFFERED_OUTPUTS and statement.comparison in {sign for _, sign in COMPARISONS}
    if not plain or not offered:
        return None
    if isinstance(right, float):
        limit = left.output.quantity.format_exact(right)
        return Chosen(left.output.key, left.degree, statement.comparison, "", limit)
    others = {one.name for one in place.alternatives if one.name != name}
    alike = right.output == left.output and right.factor == 1.0 and right.degree is None and right.workload in here
    if not alike or right.subject not in others:
        return None
    return Chosen(left.output.key, left.degree, statement.comparison, right.subject, "")


def limit_offered(scenario: Scenario, workload: int, output: str) -> str:
    """A limit to begin with: what the workload promises for this output, else a usual one."""
    promised = getattr(scenario.workloads[workload].objectives, f"{output}_s", None)
    if promised is not None:
        return OUTPUTS[output].quantity.format_exact(float(promised))
    return _LIMITS[output]


def comparison_offered(output: str) -> str:
    """The comparison one usually asks for: more of a rate, a chance or memory, less of anything else."""
    return ">=" if output in ("largest_rate", "chance", "memory_headroom") else "<="


def quoted(name: str) -> str:
    """A name as statements write it: in quotes where it could be read otherwise."""
    words = f" {name.casefold()} "
    plain = not any(part in words for part in (" of ", " on ", "<", ">", "=", '"', "≤", "≥"))
    return name if plain else f'"{name}"'
