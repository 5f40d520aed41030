"""Scheduler: token budget, replicas, spares, KV cache and layout of the selected alternative."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from PySide6.QtWidgets import QWidget

from explorer.scenario.quantity import QUANTITIES
from explorer.scenario.schema import LayoutChoice
from explorer.study.outcome import Outcome
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider, ValueText, text_of
from explorer.ui.controls.scale import LinearScale, LogScale, StopScale, Value
from explorer.ui.controls.value_row import ValueRow
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup

AUTO = "auto"
TOKENS, PLAIN = QUANTITIES["tokens"], QUANTITIES["plain"]
BUDGETS = tuple(float(2**power) for power in range(7, 16))
REPLICAS: tuple[Value, ...] = (AUTO, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256)
_LAYOUT_PART = re.compile(r"(tp|pp|dp|ep)\s*[=: ]?\s*(\d+)", re.IGNORECASE)


class SchedulerGroup(FoldedGroup):
    """How the selected alternative schedules, splits and spares."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "scheduler", "Scheduler", parent)
        path, workload = document.alternative_path, document.workload_path
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
        for row in (budget, self.replicas, spares, self.layout_row, kv, sharding):
            self.rows.addWidget(row)
        self.bind(budget, lambda: path("token_budget"), "token budget")
        self.bind(self.replicas, lambda: path("replicas"), "replicas")
        self.bind(spares, lambda: path("spare_replicas"), "spare replicas")
        self.bind_choice(kv, lambda: workload("model.kv_precision"), "KV precision")
        self.bind_choice(sharding, lambda: workload("model.kv_sequence_sharding"), "KV sharding")
        self.layout_row.value_edited.connect(self._on_layout)
        self.layout_row.refused.connect(self.refused)

    def refresh(self) -> None:
        """Show the scenario's values."""
        super().refresh()
        if self.frame.is_open:
            self.layout_row.set_value(self.document.alternative.layout)

    def show_outcome(self, outcome: Outcome) -> None:
        """How many replicas it became."""
        chosen = self.workload_outcome(outcome).chosen
        spares = f" + {chosen.spare_replicas} spare" if chosen.spare_replicas else ""
        self.replicas.set_caption(f"{chosen.replicas}{spares}, {QUANTITIES['chips'].format(chosen.chips_total)} in all")

    def reset_paths(self) -> tuple[str, ...]:
        """The layout too, and the degree that goes with it."""
        path = self.document.alternative_path
        return (path("layout"), path("parallelism_degree"), *super().reset_paths())

    def summary(self) -> str:
        """Budget and replicas."""
        chosen = self.document.alternative
        return f"chunked prefill, {TOKENS.format(chosen.token_budget)} tokens"

    def _on_layout(self, layout: Any) -> None:
        path = self.document.alternative_path
        changes: Mapping[str, Any] = {path("layout"): layout}
        if isinstance(layout, LayoutChoice):
            changes = {**changes, path("parallelism_degree"): layout.tp * layout.pp * layout.dp}
        self.layout_row.attempt(lambda: self.document.change_several(changes, "layout"))


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
