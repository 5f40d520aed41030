"""Price: one basis for all alternatives, and the terms of owning."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QWidget

from explorer.scenario.quantities import QUANTITIES
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.scale import LinearScale, LogScale
from explorer.ui.controls.value_text import text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup

SHARE, YEARS, PLAIN, USD = (QUANTITIES[key] for key in ("share", "years", "plain", "usd"))
BASES = (
    (
        "cost_plus",
        "cost plus",
        "The same owned-cost formula and margin for all: fair where a chip has no offer",
    ),
    (
        "offer",
        "offers",
        "Published cloud prices, same cloud and term; a chip without one shows the price it would need",
    ),
    ("own", "owned", "Bought and run: purchase, power, capital and upkeep"),
)
COMPARISONS = (
    ("sized_to_promise", "promise", "Each chip gets the replicas that keep every promise; judge by cost"),
    ("equal_spend", "spend", "Each chip gets what the same money buys; judge by latency"),
    ("as_set", "as set", "Each chip gets the replicas set for it"),
)
TERMS = (
    ("on_demand", "on demand", "By the hour, no commitment"),
    ("reserved", "reserved", "Committed for a year or more"),
    ("spot", "spot", "Can be taken away"),
)


class PriceGroup(FoldedGroup):
    """How an hour of a chip is priced."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "price", "Price", parent)
        self.basis = ChoiceRow("price_basis", "Basis", BASES, "One price basis for all chips of the comparison")
        self.term = ChoiceRow("price_term", "Term", TERMS, "Which published offers count")
        comparison = ChoiceRow("comparison_basis", "Compare at", COMPARISONS, "On what footing the chips are compared")
        self.rows.addWidget(comparison)
        self.bind_choice(comparison, lambda: "comparison.basis", "comparison basis")
        self.rows.addWidget(self.basis)
        self.rows.addWidget(self.term)
        self.bind_choice(self.basis, lambda: "price.basis", "price basis")
        self.bind_choice(self.term, lambda: "price.term", "price term")
        sliders = (
            (
                "margin",
                "Provider's margin",
                LinearScale(0, 3, 0.01, (0.0, 0.6, 1.0, 2.0)),
                text_of(SHARE),
                "Added to the owned cost on the cost-plus basis, the same for all chips.",
            ),
            (
                "utilisation_sold",
                "Hours sold",
                LinearScale(0.05, 1, 0.01, (0.5, 0.7, 1.0)),
                text_of(SHARE),
                "Share of hours that a provider sells: the rest is paid by those.",
            ),
            (
                "life_years",
                "Life",
                LinearScale(1, 10, 0.5, (3.0, 4.0, 5.0, 6.0)),
                text_of(YEARS),
                "Years over which a purchase is written off.",
            ),
            (
                "cost_of_capital",
                "Cost of capital",
                LinearScale(0, 0.3, 0.005, (0.05, 0.1, 0.2)),
                text_of(SHARE),
                "Yearly return that the money must earn.",
            ),
            (
                "residual_share",
                "Left at the end",
                LinearScale(0, 0.6, 0.01, (0.0, 0.15, 0.3)),
                text_of(SHARE),
                "Resale value at the end of life as a share of the purchase.",
            ),
            (
                "electricity_usd_per_kwh",
                "Electricity, a kWh",
                LogScale(0.01, 0.6, (0.05, 0.1, 0.2)),
                text_of(USD),
                "Price of a kilowatt-hour at the meter.",
            ),
            (
                "pue",
                "Power usage effectiveness",
                LinearScale(1, 2, 0.01, (1.1, 1.25, 1.5)),
                text_of(PLAIN),
                "Power of the building over power of the machines.",
            ),
        )
        for key, title, scale, text, meaning in sliders:
            slider = ParameterSlider(key, title, scale, text, meaning)
            self.rows.addWidget(slider)
            self.bind(slider, partial(_path, key), title.lower())

    def refresh(self) -> None:
        """The term counts only where offers do."""
        super().refresh()
        self.term.setEnabled(self.document.scenario.price.basis == "offer")

    def summary(self) -> str:
        """Basis in words."""
        price = self.document.scenario.price
        if price.basis == "offer":
            return f"offers, {price.term.replace('_', ' ')}"
        return "owned" if price.basis == "own" else "cost plus, same for all"


def _path(key: str) -> str:
    return f"price.{key}"
