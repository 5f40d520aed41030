"""Multi-chip scaling in words: the answer in a sentence, and every point for those who cannot see the plot."""

from __future__ import annotations

from typing import Literal

from explorer.scenario.quantities import QUANTITIES
from explorer.study.scaling_answers import Array, Scaling, ScalingLine

SHARE = QUANTITIES["share"]
ASKED = 8
"""Chips at which the figure is asked for, where every alternative spans so many."""
NARROW = 0.01
Phase = Literal["decode", "prefill"]
WHAT: dict[Phase, str] = {"decode": "decoding", "prefill": "prompts"}


def asked_degree(found: Scaling) -> int | None:
    """The degree of which the sentence speaks: the largest common one up to 8; None where there is none."""
    common = set.intersection(*(set(line.degrees[1:]) for line in found.lines)) if found.lines else set()
    return max((degree for degree in common if degree <= ASKED), default=min(common, default=None))


def share_words(line: ScalingLine, at: int, phase: Phase) -> str:
    """One efficiency with its band, where there is one."""
    value, low, high = (
        float(values[at]) for values in (_of(line, phase), _of(line, phase, "_low"), _of(line, phase, "_high"))
    )
    if high - low < NARROW:
        return SHARE.format(value)
    return f"{SHARE.format(value)} ({SHARE.format_range(low, high, at=value)} %)"


def _of(line: ScalingLine, phase: Phase, end: str = "") -> Array:
    values: Array = getattr(line, f"{phase}{end}")
    return values


def sentence(found: Scaling) -> str:
    """The answer: what a chip keeps of its throughput in a replica of several."""
    if not found.lines:
        return "No alternative spans several chips here."
    degree = asked_degree(found)
    if degree is None:
        return "; ".join(f"{line.label}: {_at_present(line)}" for line in found.lines) + "."
    parts = []
    for phase, what in WHAT.items():
        each = ", ".join(f"{line.label} {share_words(line, line.degrees.index(degree), phase)}" for line in found.lines)
        parts.append(f"{what} {each}")
    return f"What a chip keeps of its throughput in a replica of {degree}: {'; '.join(parts)}.{_bases(found)}"


def _at_present(line: ScalingLine) -> str:
    at = line.degrees.index(line.now) if line.now in line.degrees else len(line.degrees) - 1
    decode, prefill = (share_words(line, at, phase) for phase in ("decode", "prefill"))
    return f"on {line.degrees[at]} chips each keeps {decode} of decoding, {prefill} of prompts (against {line.base})"


def _bases(found: Scaling) -> str:
    more = [f"{line.label} {line.base}" for line in found.lines if line.base > 1]
    return f" Held against one chip, or the fewest that hold the model: {', '.join(more)}." if more else ""


def load_words(found: Scaling) -> str:
    """The common load, as a subtitle says it."""
    return (
        f"the same work on more chips: {found.sequences:,.0f} sequences a step, or {found.prompt_tokens:,.0f} "
        "prompt tokens"
    )


def band_words(found: Scaling) -> str:
    """What the bands are of; empty where every interconnect is settled."""
    titles = [f"{line.label}: {', '.join(title.lower() for title in line.open_links)}" for line in found.lines]
    open_ones = [text for text, line in zip(titles, found.lines, strict=True) if line.open_links]
    return f"Bands: interconnect figures that are not settled ({'; '.join(open_ones)})." if open_ones else ""


def summary(found: Scaling) -> str:
    """Every point in words."""
    words = [f"Scaling of {found.workload} over chips, {load_words(found)}"]
    for line in found.lines:
        points = ", ".join(
            f"{degree} chips {share_words(line, at, 'decode')} of decoding and {share_words(line, at, 'prefill')} of "
            "prompts"
            for at, degree in enumerate(line.degrees)
            if at
        )
        words.append(f"{line.label}, held against {line.base}: {points}; now {line.now}")
    words += [f"{label}: {reason}" for _, label, reason in found.missing]
    return ". ".join(words) + "."
