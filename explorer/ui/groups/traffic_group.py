"""Traffic: how many requests arrive, how long they are, how bursty."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from explorer.scenario.quantity import QUANTITIES
from explorer.ui.controls.parameter_slider import ParameterSlider, ValueText, text_of
from explorer.ui.controls.scale import LinearScale, LogScale, Scale
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup

Row = tuple[str, str, Scale, ValueText, str]
RATE, TOKENS, PLAIN, SHARE = (QUANTITIES[key] for key in ("request_rate", "tokens", "plain", "share"))


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
        _add_sliders(self, sliders)

    def summary(self) -> str:
        """Rate and lengths."""
        traffic = self.document.workload.traffic
        lengths = f"{TOKENS.format(traffic.prompt_tokens)} + {TOKENS.format(traffic.output_tokens)} tokens"
        return f"{RATE.format(traffic.request_rate_per_s)} · {lengths}"


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
        _add_sliders(self, sliders)

    def summary(self) -> str:
        """Spreads and the busy hour."""
        traffic = self.document.workload.traffic
        spreads = f"spread {PLAIN.format(traffic.prompt_cv)} and {PLAIN.format(traffic.output_cv)}"
        return f"{spreads} · busy hour {PLAIN.format(traffic.peak_to_mean)}×"


def _add_sliders(group: FoldedGroup, rows: tuple[Row, ...]) -> None:
    for key, title, scale, text, meaning in rows:
        slider = ParameterSlider(key, title, scale, text, meaning)
        group.rows.addWidget(slider)
        group.bind(slider, partial(group.document.workload_path, f"traffic.{key}"), title.lower())
