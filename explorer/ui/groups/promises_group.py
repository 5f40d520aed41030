"""Promises: the largest acceptable P99 of each latency; one left out is not made."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from explorer.scenario.quantities import QUANTITIES
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.scale import LogScale
from explorer.ui.controls.value_text import text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup

SECONDS = QUANTITIES["seconds"]
PROMISES = (
    (
        "ttft_p99_s",
        "First token, P99",
        "first token",
        0.02,
        60.0,
        (0.1, 0.5, 2.0, 10.0),
        "Time from a request's arrival to its first token, waiting included, kept by 99 of 100 requests.",
    ),
    (
        "tpot_p99_s",
        "Per token, P99 (TPOT)",
        "per token",
        0.002,
        1.0,
        (0.01, 0.03, 0.05, 0.1, 0.2),
        "Mean time per token of a request after its first one, kept by 99 of 100 requests.",
    ),
    (
        "itl_p99_s",
        "Gap between tokens, P99 (ITL)",
        "gap",
        0.002,
        5.0,
        (0.01, 0.05, 0.2, 1.0),
        "Time between two tokens of a request, kept by 99 of 100 gaps: it shows stalls that a mean hides.",
    ),
    (
        "e2e_p99_s",
        "Whole answer, P99",
        "whole answer",
        0.1,
        600.0,
        (1.0, 10.0, 60.0),
        "Time from a request's arrival to its last token, kept by 99 of 100 requests.",
    ),
)


class PromisesGroup(FoldedGroup):
    """Latency promises of the workload."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "promises", "Promises", parent)
        for key, title, short, low, high, stops, meaning in PROMISES:
            slider = ParameterSlider(
                key,
                title,
                LogScale(low, high, stops),
                text_of(SECONDS),
                f"{meaning} Type none for no such promise.",
                optional=True,
            )
            self.rows.addWidget(slider)
            self.bind(slider, partial(document.workload_path, f"objectives.{key}"), f"promise {short}")

    def summary(self) -> str:
        """The promises made."""
        objectives = self.document.workload.objectives
        made = [
            f"{short} ≤ {SECONDS.format(value)}"
            for key, _, short, *_ in PROMISES
            if (value := getattr(objectives, key)) is not None
        ]
        return " · ".join(made) or "none made"
