"""What the hand does in the plots themselves, as changes of the document: traffic, promises, tiers that count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer.errors import ExplorerError
from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.scenario.path import ScenarioValueError
from explorer.ui.controls.parameter_slider import HELD
from explorer.ui.document import Document

if TYPE_CHECKING:
    from explorer.ui.message_bar import MessageBar
    from explorer.ui.panel import Panel


class PlotHands(QObject):
    """Ties the plots to the document as the sliders are tied; what a slider locks, a plot does not move either."""

    def __init__(
        self,
        document: Document,
        panel: Panel,
        messages: MessageBar,
        tail: TailLatencyPlot,
        concentration: ConcentrationPlot,
    ) -> None:
        super().__init__(panel)
        self._document, self._panel, self._messages = document, panel, messages
        tail.drag_started.connect(document.begin_drag)
        tail.drag_finished.connect(document.end_drag)
        tail.request_rate_dragged.connect(self._on_rate)
        tail.promise_dragged.connect(self._on_promise)
        concentration.tier_toggled.connect(self._on_tier)

    def _on_rate(self, rate: float) -> None:
        if self._document.workload.traffic.mode == "closed_loop":
            self._messages.show_message("The rate of a closed loop comes of its users: move those instead.", "remark")
            return
        self._move("request_rate_per_s", "traffic.request_rate_per_s", rate, "requests per second")

    def _on_promise(self, metric: str, seconds: float) -> None:
        self._move(f"{metric}_p99_s", f"objectives.{metric}_p99_s", seconds, "promise")

    def _move(self, slider: str, key: str, value: float, what: str) -> None:
        if self._panel.is_locked(slider):
            self._messages.show_message(f"{what}: {HELD}", "remark")
            return
        self._change({self._document.workload_path(key): value}, what)

    def _on_tier(self, tier: str, counts: bool) -> None:
        present = self._document.scenario.fleet.tiers
        tiers = (*present, tier) if counts else tuple(one for one in present if one != tier)
        self._change({"fleet.tiers": tiers}, "tiers that count")

    def _change(self, changes: Mapping[str, Any], what: str) -> None:
        try:
            self._document.change_several(changes, what)
        except ScenarioValueError as error:
            self._messages.show_message(f"{what}: {error.words}", "remark")
        except ExplorerError as error:
            self._messages.show_message(f"{what}: {error}", "remark")
