"""The words of the memory plot, shared by the picture and by its summary for screen readers."""

from __future__ import annotations

import math

from explorer.scenario.quantities import QUANTITIES
from explorer.study.banded import Banded
from explorer.study.outcome import AlternativeOutcome, MemoryFit, ReadTime

_NOUNS = {"cards": "card", "GPUs": "GPU", "chips": "chip", "racks": "rack"}


def one_unit(noun: str) -> str:
    """The singular of a unit noun: "cards" -> "card"; a noun that is singular already stays."""
    return _NOUNS.get(noun, noun.removesuffix("s") if len(noun) > 3 else noun)


def used(memory: MemoryFit) -> float:
    """Bytes of one chip in use at the operating P99 batch."""
    return memory.weights + memory.other + memory.kv


def use_text(alternative: AlternativeOutcome) -> str:
    """ "45 of 768 GB a card": what is used of what is there, in one unit."""
    memory, size = alternative.memory, QUANTITIES["bytes"]
    # Gigabytes throughout, so that alternatives compare without reading the unit.
    scale = min(memory.capacity, 999e9)
    part, whole = (size.format_number(value, at=scale) for value in (used(memory), memory.capacity))
    return f"{part} of {whole} {size.unit_at(scale)} a {one_unit(alternative.unit_noun)}"


def read_text(read_times: tuple[ReadTime, ...]) -> str:
    """ "step read 8 or 33 ms": the time to read what one step touches, for each reading of the bandwidth."""
    known = [entry.seconds for entry in read_times if math.isfinite(entry.seconds)]
    if not known:
        return "step read not known"
    time = QUANTITIES["seconds"]
    texts = list(dict.fromkeys(time.format(value) for value in sorted(known)))
    if len(texts) > 1 and len({time.unit_at(value) for value in known}) == 1:
        unit = f" {time.unit_at(known[0])}"
        texts = [*(text.removesuffix(unit) for text in texts[:-1]), texts[-1]]
    return f"step read {' or '.join(texts)}"


def room_text(memory: MemoryFit) -> str:
    """ "batch up to 1,710 · step read 8 or 33 ms" below a bar that fits."""
    return f"batch up to {memory.max_batch:,} · {read_text(memory.read_times)}"


def shortfall_text(memory: MemoryFit) -> str:
    """ "does not fit: 411 GB short" below a bar that does not."""
    return f"does not fit: {QUANTITIES['bytes'].format(memory.shortfall)} short"


def memory_sentence(alternative: AlternativeOutcome) -> str:
    """One alternative in words, with everything known about its memory."""
    memory, size = alternative.memory, QUANTITIES["bytes"]
    breakdown = (
        f"{alternative.label}: {use_text(alternative)}, usable {size.format(memory.usable)}"
        f"{_range_text(memory.usable_band)}"
        f" (weights {size.format(memory.weights)}, KV cache {size.format(memory.kv)}{_range_text(memory.kv_band)},"
        f" at the batch cap {size.format(memory.kv_at_cap)}, other {size.format(memory.other)})"
    )
    parts = (
        breakdown,
        room_text(memory) if memory.fits else shortfall_text(memory),
        "" if memory.fits else memory.remedy,
        memory.note,
    )
    return "; ".join(part for part in parts if part)


def _range_text(band: Banded | None) -> str:
    """ " [8–34 GB in 9 of 10 draws]", empty where nothing is open."""
    if band is None or band.high <= band.low:
        return ""
    return f" [{QUANTITIES['bytes'].format_range(band.low, band.high)} in 9 of 10 draws]"


def memory_summary(alternatives: tuple[AlternativeOutcome, ...]) -> str:
    """The memory plot in words."""
    return f"Memory fit per chip. {'. '.join(memory_sentence(one) for one in alternatives)}."
