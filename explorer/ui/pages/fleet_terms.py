"""The fleet's terms: spare capacity, what each further supplier costs, failures, leaving, and regions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from explorer.ui.controls.term_fields import Term, TermFields
from explorer.ui.document import Document

COLUMNS = 5
GENERAL = (
    Term("fleet.headroom", "Spare capacity of those that are left over what they carry: 25 %. auto: as each pool is "
         "sized.", "Spare of the survivors", "auto", "auto"),
    Term("fleet.stack_usd_per_month", "Engineers who keep one more software stack running, a month.",
         "Each further stack"),
    Term("fleet.cloud_usd_per_month", "What one more cloud costs in contracts, network and people, a month.",
         "Each further cloud"),
)  # fmt: skip
RISK = (
    Term("fleet.risk.outage_probability_per_year", "Chance that a supplier fails within a year.", "Failure, a year"),
    Term("fleet.risk.weeks_to_recover", "Weeks until a failed supplier is replaced.", "Weeks to replace"),
    Term("fleet.risk.weeks_to_survive", "Weeks that stock and spare capacity last.", "Weeks of stock"),
    Term("fleet.risk.price_rise_share", "By how much a supplier may raise its prices: what the bill then rises by is "
         "shown above.", "Price rise looked at"),
)  # fmt: skip
MIGRATION = (
    Term("fleet.migration.engineers", "Engineers who port and requalify when a supplier is left.", "Engineers"),
    Term("fleet.migration.months", "Months that they take.", "Months of work"),
    Term("fleet.migration.usd_per_engineer_month", "Cost of one engineer for a month.", "An engineer's month"),
    Term("fleet.migration.dual_run_months", "Months during which old and new run side by side.", "Months side by side"),
    Term("fleet.migration.overlap_share", "Part of the old spend that is paid on top meanwhile.", "Paid twice"),
    Term("fleet.migration.egress_terabytes", "Terabytes to move out of a cloud.", "Data to move, TB"),
    Term("fleet.migration.egress_usd_per_gb", "What a cloud asks for moving out a gigabyte.", "Moving out a GB"),
    Term("fleet.migration.requalification_usd", "Requalification by regulators or customers, once.",
         "Requalification"),
    Term("fleet.migration.penalties_usd", "Contract penalties for leaving early, once.", "Penalties"),
    Term("fleet.migration.horizon_years", "Years over which the move is written off.", "Horizon"),
)  # fmt: skip
REGION = "Where its chips stand, such as us-east-1; empty: regions are not judged for it."


class FleetTerms(QScrollArea):
    """The fields, with a bar where there is little height; they never scroll sideways."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fleet.terms")
        self._document = document
        self.form = TermFields(document, "fleet.term_fields", COLUMNS, self)
        self.setWidget(self.form)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_terms(self) -> None:
        """Show the terms of the present scenario."""
        regions = tuple(
            Term(f"fleet.members.{at}.region", REGION, member.name)
            for at, member in enumerate(self._document.scenario.fleet.members)
        )
        groups = [("Fleet", GENERAL), ("Failure", RISK), ("Leaving", MIGRATION), ("Region of", regions)]
        self.form.show_terms([group for group in groups if group[1]])
