"""Traffic: how many requests arrive, how long they are, how bursty."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtWidgets import QWidget

from explorer.scenario.quantities import QUANTITIES
from explorer.study.outcome import Outcome
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.scale import LinearScale, LogScale, Scale
from explorer.ui.controls.value_text import ValueText, text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup
from explorer.ui.groups.trace_rows import TraceRows, a_shipped_trace

Row = tuple[str, str, Scale, ValueText, str]
MODES = (
    ("open_loop", "open loop", "Requests arrive at a stated rate, whatever becomes of them: users of a service"),
    ("closed_loop", "closed loop", "A fixed number of users of each replica ask again when served: most benchmarks"),
)
ARRIVALS = (
    ("gamma", "gaps", "Gaps between requests of a stated variation (gamma distributed); 1 is random, Poisson"),
    ("on_off", "on-off", "Bursts: random arrivals for a while, then silence; all replicas see the same bursts"),
    ("trace", "trace", "A recorded trace, stretched to the rate: its moments of arrival, its prompts and answers"),
)
RATE, TOKENS, PLAIN, SHARE, SECONDS = (
    QUANTITIES[key] for key in ("request_rate", "tokens", "plain", "share", "seconds")
)


class TrafficGroup(FoldedGroup):
    """What arrives at the whole service."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "traffic", "Traffic", parent)
        lengths = tuple(float(4**power) for power in range(2, 11))
        sliders: tuple[Row, ...] = (
            (
                "request_rate_per_s",
                "Requests per second",
                LogScale(0.01, 10_000),
                text_of(RATE),
                "Busy-hour mean rate of the whole service; monthly tokens use it divided by peak to mean.",
            ),
            (
                "prompt_tokens",
                "Prompt tokens",
                LogScale(16, 1_048_576, lengths),
                text_of(TOKENS),
                "Mean length of a prompt.",
            ),
            (
                "output_tokens",
                "Output tokens",
                LogScale(1, 131_072, lengths[:7]),
                text_of(TOKENS),
                "Mean length of an answer.",
            ),
            (
                "arrival_cv",
                "Burstiness of arrivals",
                LinearScale(0, 6, 0.05, (0.0, 1.0, 2.0, 4.0)),
                text_of(PLAIN),
                "Variation of the time between arrivals: 0 is a metronome, 1 is random (Poisson), more is bursts.",
            ),
        )
        burst_sliders: tuple[Row, ...] = (
            (
                "on_share",
                "Share of time with arrivals",
                LogScale(0.01, 1.0, (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)),
                text_of(SHARE),
                "Requests come in bursts, none in between; the mean rate stays, so that in a burst it is higher.",
            ),
            (
                "burst_s",
                "Mean length of a burst",
                LogScale(0.01, 86_400.0, (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)),
                text_of(SECONDS),
                "Bursts and silences last an exponential time about their means.",
            ),
        )
        self.mode = ChoiceRow("mode", "Load", MODES, "What drives the load: a rate, or users who wait for answers")
        self.rows.addWidget(self.mode)
        self.bind_choice(self.mode, lambda: document.workload_path("traffic.mode"), "load", self._loading)
        self._rate, *self._lengths = _add_sliders(self, sliders[:3])
        self.arrivals = ChoiceRow("arrivals", "Arrivals", ARRIVALS, "How requests follow each other")
        self.rows.addWidget(self.arrivals)
        path = document.workload_path
        self.bind_choice(self.arrivals, lambda: path("traffic.arrivals"), "arrivals", self._arriving)
        variation, bursts = _add_sliders(self, sliders[3:]), _add_sliders(self, burst_sliders)
        self.trace = TraceRows(document, self)
        self.trace.refused.connect(self.refused)
        self.rows.addWidget(self.trace)
        self._shown_for: dict[str, tuple[QWidget, ...]] = {
            "gamma": variation, "on_off": bursts, "trace": (self.trace,),
        }  # fmt: skip
        self._shown = ("", False)

    def refresh(self) -> None:
        """Show the scenario's values, and the controls that its arrivals have."""
        traffic = self.document.workload.traffic
        kind, closed = traffic.arrivals, traffic.mode == "closed_loop"
        if (kind, closed) != self._shown:
            self._shown = (kind, closed)
            for of, widgets in self._shown_for.items():
                for widget in widgets:
                    widget.setVisible(of == kind and not closed)
            for widget in (self._rate, self.arrivals):
                widget.setVisible(not closed)
            for slider in self._lengths:
                slider.setVisible(kind != "trace")
        super().refresh()
        if kind == "trace" and self.frame.is_open:
            self.trace.refresh()

    def show_outcome(self, outcome: Outcome) -> None:
        """What the trace was found to hold."""
        self.trace.set_note(self.workload_outcome(outcome).arrivals)

    def reset_paths(self) -> tuple[str, ...]:
        """A trace goes with the kind of arrivals."""
        return (self.document.workload_path("traffic.trace"), *super().reset_paths())

    def summary(self) -> str:
        """Rate, and lengths or the trace they come from."""
        traffic = self.document.workload.traffic
        rate = RATE.format(traffic.request_rate_per_s)
        if traffic.mode == "closed_loop":
            rate = f"{self.document.alternative.max_batch:,} users"
        if traffic.trace is not None:
            return f"{rate} · {traffic.trace.label}"
        lengths = f"{TOKENS.format(traffic.prompt_tokens)} + {TOKENS.format(traffic.output_tokens)} tokens"
        return f"{rate} · {lengths}"

    def _loading(self, mode: Any) -> Mapping[str, Any]:
        """Users have no arrivals of their own: bursts and traces go."""
        path = self.document.workload_path
        changes: dict[str, Any] = {path("traffic.mode"): mode}
        if mode == "closed_loop":
            changes |= {path("traffic.arrivals"): "gamma", path("traffic.trace"): None}
        return changes

    def _arriving(self, kind: Any) -> Mapping[str, Any]:
        """A trace comes and goes with the choice of one."""
        path = self.document.workload_path
        trace = a_shipped_trace() if kind == "trace" else None
        return {path("traffic.arrivals"): kind, path("traffic.trace"): trace}


class TrafficShapeGroup(FoldedGroup):
    """Spread of the lengths, cached prompts, and the busy hour against the month."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "traffic_shape", "Traffic shape", parent)
        sliders: tuple[Row, ...] = (
            (
                "prompt_cv",
                "Spread of prompt lengths",
                LinearScale(0, 4, 0.05, (0.0, 1.0)),
                text_of(PLAIN),
                "Coefficient of variation of prompt lengths: standard deviation over mean.",
            ),
            (
                "output_cv",
                "Spread of answer lengths",
                LinearScale(0, 4, 0.05, (0.0, 1.0)),
                text_of(PLAIN),
                "Coefficient of variation of answer lengths: standard deviation over mean.",
            ),
            (
                "prefix_hit_share",
                "Prompt found in cache",
                LinearScale(0, 0.95, 0.01, (0.0, 0.5)),
                text_of(SHARE),
                "Share of prompt tokens whose keys and values are already there: shared system prompts, earlier turns.",
            ),
            (
                "peak_to_mean",
                "Busy hour over mean",
                LogScale(1, 20, (1.0, 2.0, 5.0, 10.0)),
                text_of(PLAIN),
                "Rate in the busy hour over the mean rate of the month: how much capacity idles.",
            ),
        )
        self._spreads = _add_sliders(self, sliders)[:2]
        self._recorded = False

    def refresh(self) -> None:
        """Show the scenario's values; a trace has its own spreads."""
        recorded = self.document.workload.traffic.trace is not None
        if recorded != self._recorded:
            self._recorded = recorded
            for slider in self._spreads:
                slider.setVisible(not recorded)
        super().refresh()

    def summary(self) -> str:
        """Spreads and the busy hour."""
        traffic = self.document.workload.traffic
        if traffic.trace is not None:
            return f"lengths as recorded · busy hour {PLAIN.format(traffic.peak_to_mean)}×"
        spreads = f"spread {PLAIN.format(traffic.prompt_cv)} and {PLAIN.format(traffic.output_cv)}"
        return f"{spreads} · busy hour {PLAIN.format(traffic.peak_to_mean)}×"


def _add_sliders(group: FoldedGroup, rows: tuple[Row, ...]) -> tuple[ParameterSlider, ...]:
    added = []
    for key, title, scale, text, meaning in rows:
        slider = ParameterSlider(key, title, scale, text, meaning)
        group.rows.addWidget(slider)
        group.bind(slider, partial(group.document.workload_path, f"traffic.{key}"), title.lower())
        added.append(slider)
    return tuple(added)
