"""What a scenario's answers are called in statements: the one table of output names, their units and spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from explorer.scenario.quantity import QUANTITIES, Quantity
from explorer.scenario.schema import Tier

Level = Literal["alternative", "fleet"]
TIERS: tuple[Tier, ...] = get_args(Tier)


@dataclass(frozen=True, slots=True)
class OutputName:
    """One output: its name in statements, its title for people, the quantity that writes it, and what it is an
    output of. `by_tier`: of one supply tier, named in brackets: "HHI (foundry)"."""

    key: str
    name: str
    title: str
    unit: str
    level: tuple[Level, ...] = ("alternative",)
    by_tier: bool = False
    spellings: tuple[str, ...] = ()

    @property
    def quantity(self) -> Quantity:
        """Formatter and parser of its values (SI)."""
        return QUANTITIES[self.unit]


_LATENCIES = (
    ("ttft", "TTFT", "time to first token", "first token"),
    ("tpot", "TPOT", "time per token of an answer", "time per token"),
    ("itl", "ITL", "gap between tokens", "gap between tokens"),
    ("e2e", "E2E", "time to the whole answer", "whole answer"),
)


def _listed() -> tuple[OutputName, ...]:
    latencies = tuple(
        OutputName(
            f"{metric}_p{percent}",
            f"P{percent} {short}",
            f"P{percent} {title}",
            "seconds",
            spellings=(f"P{percent} {plain}", f"{short} P{percent}"),
        )
        for metric, short, title, plain in _LATENCIES
        for percent in (99, 95, 50)
    )
    return (
        *latencies,
        OutputName(
            "usd_per_million",
            "$/M tokens",
            "cost per million tokens at the stated traffic",
            "usd_per_million",
            spellings=("USD/M tokens", "cost per million tokens", "$ per million tokens", "cost per token"),
        ),
        OutputName(
            "usd_per_million_full",
            "$/M tokens at full use",
            "cost per million tokens at full use",
            "usd_per_million",
            spellings=("USD/M tokens at full use",),
        ),
        OutputName(
            "usd_per_month",
            "$/month",
            "cost a month",
            "usd_per_month",
            ("alternative", "fleet"),
            spellings=("USD/month", "cost a month", "cost per month"),
        ),
        OutputName(
            "usd_per_chip_hour",
            "$/chip-hour",
            "price of a chip-hour",
            "usd_per_hour",
            spellings=("USD/chip-hour", "price of an hour", "price per chip-hour"),
        ),
        OutputName("chips", "chips", "chips bought", "chips", spellings=("cards", "GPUs")),
        OutputName("replicas", "replicas", "replicas", "plain"),
        OutputName("tokens_per_s", "tokens/s", "answer tokens per second, carried", "tokens_per_s"),
        OutputName(
            "largest_rate",
            "largest rate",
            "largest rate that keeps every promise",
            "request_rate",
            spellings=("cliff rate", "cliff"),
        ),
        OutputName(
            "largest_rate_per_chip",
            "largest rate per chip",
            "largest rate that keeps every promise, a chip",
            "request_rate",
            spellings=("cliff rate per chip",),
        ),
        OutputName("utilisation", "utilisation", "load as a share of what can be carried", "share"),
        OutputName("memory_headroom", "memory headroom", "memory left on each chip", "bytes"),
        OutputName("largest_batch", "largest batch", "sequences that memory holds in a replica", "batch"),
        OutputName("largest_context", "largest context", "longest sequence that memory holds", "tokens"),
        OutputName("read_time", "read time", "time to read what one step touches", "seconds"),
        OutputName(
            "joule_per_token",
            "energy per token",
            "energy for each token of the answer",
            "joule_per_token",
            spellings=("J/token",),
        ),
        OutputName(
            "chance",
            "chance",
            "chance of keeping every promise",
            "share",
            spellings=("probability",),
        ),
        OutputName("portability", "portability", "part of the features used that its software stack supports", "share"),
        OutputName("hhi", "HHI", "concentration of spending (HHI)", "plain", ("fleet",), by_tier=True),
        OutputName(
            "effective_suppliers",
            "effective suppliers",
            "effective suppliers",
            "suppliers",
            ("fleet",),
            by_tier=True,
            spellings=("N_eff",),
        ),
        OutputName(
            "largest_share",
            "largest share",
            "largest supplier's share of spending",
            "share",
            ("fleet",),
            by_tier=True,
            spellings=("CR1",),
        ),
        OutputName(
            "exit_cost",
            "exit cost",
            "cost of leaving the largest supplier",
            "usd",
            ("fleet",),
            by_tier=True,
        ),
        OutputName(
            "exploitable_rise",
            "exploitable price rise",
            "price rise the largest supplier could push through",
            "share",
            ("fleet",),
            by_tier=True,
        ),
    )


OUTPUTS: Mapping[str, OutputName] = MappingProxyType({one.key: one for one in _listed()})


def output_named(text: str) -> OutputName | None:
    """The output that a text names, whatever its case and spaces; None for none."""
    return _BY_SPELLING.get(_plain(text))


def output_names() -> tuple[str, ...]:
    """The names that statements may use, one for each output."""
    return tuple(f"{one.name} (TIER)" if one.by_tier else one.name for one in OUTPUTS.values())


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


_BY_SPELLING: Mapping[str, OutputName] = MappingProxyType(
    {_plain(spelling): one for one in OUTPUTS.values() for spelling in (one.name, one.title, one.key, *one.spellings)}
)
