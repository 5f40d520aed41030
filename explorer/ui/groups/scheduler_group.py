"""Scheduler: token budget, replicas, spares, KV cache and layout of the selected alternative."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import ValidationError
from PySide6.QtWidgets import QToolButton, QWidget

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.workload import LayoutChoice, Speculation
from explorer.study.outcome import Outcome
from explorer.ui.binding import BoundSlider
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.scale import LinearScale, LogScale, StopScale, Value
from explorer.ui.controls.value_row import ValueRow
from explorer.ui.controls.value_text import ValueText, text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup
from explorer.ui.groups.scheduling import (
    COPIED,
    ROUTINGS,
    SCHEDULERS,
    read_link,
    scheduler_changes,
    scheduler_words,
    written_link,
)

AUTO = "auto"
TOKENS, PLAIN = QUANTITIES["tokens"], QUANTITIES["plain"]
BUDGETS = tuple(float(2**power) for power in range(7, 16))
REPLICAS: tuple[Value, ...] = (AUTO, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256)
DRAFT_SLIDERS = (
    (
        "draft_tokens",
        "Tokens drafted a step",
        LinearScale(1, 16, 1, (1.0, 2.0, 4.0, 8.0, 16.0), integer=True),
        text_of(PLAIN, integer=True),
        "How many tokens a draft guesses ahead of each step.",
    ),
    (
        "acceptance",
        "Drafts accepted",
        LinearScale(0, 0.98, 0.01, (0.0, 0.5, 0.8, 0.9)),
        text_of(QUANTITIES["share"]),
        "Chance that a drafted token is accepted when those before it were. Your figure: it hangs on draft and text.",
    ),
    (
        "step_cost",
        "Added to a step",
        LinearScale(0, 3, 0.01, (0.0, 0.5, 1.0, 2.0)),
        text_of(QUANTITIES["share"]),
        "What drafting and checking add to the time of a step. Your figure: it grows with the batch.",
    ),
)
_LAYOUT_PART = re.compile(r"(tp|pp|dp|ep)\s*[=: ]?\s*(\d+)", re.IGNORECASE)


class SchedulerGroup(FoldedGroup):
    """How the selected alternative schedules, splits and spares."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "scheduler", "Scheduler", parent)
        path, workload = document.alternative_path, document.workload_path
        self.kind = ChoiceRow(
            "scheduler", "Scheduler", SCHEDULERS, "What a step of a replica works on, of this alternative", titled=False
        )
        self.to_all = QToolButton(self)
        self.to_all.setObjectName("flat")
        self.to_all.setText("to all")
        self.to_all.setFixedHeight(24)
        self.to_all.setAccessibleName("Apply this scheduler to all compared chips")
        self.to_all.setToolTip("Apply this scheduler to all compared chips")
        self.frame.add_to_head(self.to_all)
        prefill, decode = (
            ParameterSlider(
                f"{key}_instances",
                f"{key.capitalize()} instances",
                LinearScale(1, 16, 1, (1.0, 2.0, 4.0, 8.0, 16.0), integer=True),
                text_of(PLAIN, integer=True),
                f"Copies of the model in a replica that {what}; each has as many chips as the degree says.",
            )
            for key, what in (("prefill", "only read prompts"), ("decode", "only write answers"))
        )
        self.link = ValueRow(
            "kv_transfer_gb_per_s",
            "KV transfer a chip",
            ValueText(written_link, read_link),
            "Bandwidth at which a chip hands keys and values of a prompt over: a number, or the chip's own scale-out "
            "link (its link where none is known).",
        )
        routing = ChoiceRow("routing", "Routing", ROUTINGS, "Which replica a request goes to")
        budget = ParameterSlider(
            "token_budget",
            "Tokens a step, at most",
            LogScale(128, 32_768, BUDGETS, integer=True),
            text_of(TOKENS, integer=True),
            "Chunked prefill: tokens of prompts and answers worked on in one step. Small keeps the gaps between "
            "tokens short, large reads prompts faster.",
        )
        self.replicas = ParameterSlider(
            "replicas",
            "Replicas",
            StopScale(REPLICAS),
            ValueText(str, _read_replicas),
            "Copies of the model. Auto takes the fewest that keep every promise at the stated rate.",
            caption=True,
        )
        spares = ParameterSlider(
            "spare_replicas",
            "Spare replicas",
            LinearScale(0, 8, 1, (0.0, 1.0, 2.0), integer=True),
            text_of(PLAIN, integer=True),
            "Replicas that stand by for a failure: paid, not counted on.",
        )
        self.layout_row = ValueRow(
            "layout",
            "Layout",
            ValueText(_written_layout, _read_layout),
            "How a replica's chips are split: auto, or tp 4 pp 1 dp 2 ep 8. tp·pp·dp is the degree; ep divides tp·dp.",
        )
        kv = ChoiceRow(
            "kv_precision",
            "KV cache",
            (("bf16", "BF16", ""), ("fp8", "FP8", "")),
            "Bytes a cached key or value, the same for all chips compared",
        )
        sharding = ChoiceRow(
            "kv_sequence_sharding",
            "KV over tensor ranks",
            ((False, "copied", ""), (True, "sharded", "")),
            "Where a model has fewer KV heads than tensor ranks (MLA: one latent): copied to each rank, "
            "or sharded by sequence",
        )
        self.drafts = ChoiceRow(
            "speculation",
            "Speculative decoding",
            ((False, "off", "One token of each sequence a step"), (True, "on", "A draft guesses tokens ahead")),
            "Whether a draft guesses tokens ahead that one step of the model then checks",
        )
        drafting = tuple(
            ParameterSlider(key, title, scale, text, meaning) for key, title, scale, text, meaning in DRAFT_SLIDERS
        )
        first: tuple[QWidget, ...] = (
            self.kind, prefill, decode, self.link, budget, routing, self.drafts, *drafting,
        )  # fmt: skip
        for row in (*first, self.replicas, spares, self.layout_row, kv, sharding):
            self.rows.addWidget(row)
        self.bind_choice(self.kind, lambda: path("scheduler"), "scheduler", lambda kind: scheduler_changes(kind, path))
        self.bind_choice(routing, lambda: path("routing"), "routing")
        self.bind(prefill, lambda: path("prefill_instances"), "prefill instances")
        self.bind(decode, lambda: path("decode_instances"), "decode instances")
        self.bind_choice(
            self.drafts,
            lambda: path("speculation"),
            "speculative decoding",
            lambda on: {path("speculation"): Speculation() if on else None},
            lambda stated: stated is not None,
        )
        # what they write is there only while drafts are on
        self._drafting = [
            BoundSlider(document, slider, partial(_of_drafts, path, slider.objectName()), slider.title.lower())
            for slider in drafting
        ]
        for slider in drafting:
            slider.refused.connect(self.refused)
        self._drafters, self._speculates = drafting, True
        self._pools: tuple[QWidget, ...] = (prefill, decode, self.link)
        self._routing = routing
        self._budget, self._shown = budget, ""
        self.to_all.clicked.connect(self._on_to_all)
        self.link.value_edited.connect(self._on_link)
        self.link.refused.connect(self.refused)
        self.bind(budget, lambda: path("token_budget"), "token budget")
        self.bind(self.replicas, lambda: path("replicas"), "replicas")
        self.bind(spares, lambda: path("spare_replicas"), "spare replicas")
        self.bind_choice(kv, lambda: workload("model.kv_precision"), "KV precision")
        self.bind_choice(sharding, lambda: workload("model.kv_sequence_sharding"), "KV sharding")
        self.layout_row.value_edited.connect(self._on_layout)
        self.layout_row.refused.connect(self.refused)

    def refresh(self) -> None:
        """Show the scenario's values."""
        chosen = self.document.alternative
        if chosen.scheduler != self._shown:
            self._shown = chosen.scheduler
            apart = chosen.scheduler == "disaggregated"
            for widget in self._pools:
                widget.setVisible(apart)
            self._routing.setVisible(not apart)
            self._budget.setVisible(chosen.scheduler != "static")
        speculates = chosen.speculation is not None
        if speculates != self._speculates:
            self._speculates = speculates
            for slider in self._drafters:
                slider.setVisible(speculates)
        super().refresh()
        if self.frame.is_open:
            for bound in self._drafting if speculates else ():
                bound.refresh()
            self.layout_row.set_value(chosen.layout)
            self.link.set_value(chosen.kv_transfer_gb_per_s)

    def show_outcome(self, outcome: Outcome) -> None:
        """How many replicas it became."""
        chosen = self.workload_outcome(outcome).chosen
        spares = f" + {chosen.spare_replicas} spare" if chosen.spare_replicas else ""
        total = QUANTITIES["chips"].format(chosen.chips_total)
        self.replicas.set_caption(f"{chosen.replicas:,}{spares}, {total} in all")

    def reset_paths(self) -> tuple[str, ...]:
        """The layout too, and the degree that goes with it."""
        path = self.document.alternative_path
        return (path("layout"), path("parallelism_degree"), path("kv_transfer_gb_per_s"), *super().reset_paths())

    def summary(self) -> str:
        """The scheduler and its budget."""
        return scheduler_words(self.document.alternative)

    def _on_to_all(self) -> None:
        index, chosen = self.document.workload_index, self.document.alternative
        changes = {
            f"workloads.{index}.alternatives.{place}.{key}": getattr(chosen, key)
            for place in range(len(self.document.workload.alternatives))
            for key in COPIED
        }
        self.change(changes, "scheduler of all")

    def _on_link(self, bandwidth: Any) -> None:
        path = self.document.alternative_path("kv_transfer_gb_per_s")
        self.link.attempt(lambda: self.document.change(path, bandwidth, "KV transfer"))

    def _on_layout(self, layout: Any) -> None:
        path = self.document.alternative_path
        changes: Mapping[str, Any] = {path("layout"): layout}
        if isinstance(layout, LayoutChoice):
            changes = {**changes, path("parallelism_degree"): layout.tp * layout.pp * layout.dp}
        self.layout_row.attempt(lambda: self.document.change_several(changes, "layout"))


def _of_drafts(path: Callable[[str], str], key: str) -> str:
    return path(f"speculation.{key}")


def _read_replicas(text: str) -> Value:
    if text.strip().lower() == AUTO:
        return AUTO
    number = PLAIN.parse(text)
    if number != round(number) or number < 1:
        raise ValueError("replicas are auto or a whole number from 1")
    return round(number)


def _written_layout(value: Any) -> str:
    if not isinstance(value, LayoutChoice):
        return AUTO
    return f"tp {value.tp} pp {value.pp} dp {value.dp} ep {value.ep}"


def _read_layout(text: str) -> Any:
    if text.strip().lower() in (AUTO, ""):
        return AUTO
    parts = {key.lower(): int(number) for key, number in _LAYOUT_PART.findall(text)}
    if not parts or _LAYOUT_PART.sub("", text).strip(" ,·;"):
        raise ValueError("write auto, or parts like tp 4 pp 1 dp 2 ep 8")
    try:
        return LayoutChoice(**parts)
    except ValidationError as error:
        raise ValueError("each part is a whole number from 1 to 1024 (pp to 256)") from error
