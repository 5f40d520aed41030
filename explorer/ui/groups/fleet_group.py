"""Fleet: who carries how much of the traffic, and which supply tiers count."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, get_args

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from explorer.scenario.locks import locks_without
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import FleetMember, Tier
from explorer.study.outcome import Outcome
from explorer.ui.controls.folding_group import Heading
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.record_picker import Pick, RecordPicker
from explorer.ui.controls.scale import LinearScale
from explorer.ui.controls.shares import rebalanced
from explorer.ui.controls.value_text import text_of
from explorer.ui.document import Document
from explorer.ui.groups.group import FoldedGroup

SHARE, MONTH = QUANTITIES["share"], QUANTITIES["usd_per_month"]
MEANING = "Share of the output tokens. The others follow so that all sum to 100 %; a locked one holds its own."


class FleetGroup(FoldedGroup):
    """Traffic shares of the fleet's pools."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "fleet", "Fleet", parent)
        self._names: tuple[str, ...] | None = None
        self.sliders: list[ParameterSlider] = []
        self.locks: list[QToolButton] = []
        self._members = QWidget(self)
        self._member_rows = QVBoxLayout(self._members)
        self._member_rows.setContentsMargins(0, 0, 0, 0)
        self._member_rows.setSpacing(2)
        self.heading = Heading("Traffic shares", self)
        self.from_chips = self.heading.add_button(
            "fleet_from_chips", "as compared", "Make the fleet of the compared chips, in equal shares"
        )
        self.add_button = self.heading.add_button("fleet_add", "+ pool", "Add a chip to the fleet")
        self.picker = RecordPicker("fleet", "search a chip for the fleet", self)
        self.rows.addWidget(self.heading)
        self.rows.addWidget(self._members)
        self.rows.addWidget(Heading("Tiers that count", self))
        # regions last: they are only there where some pool states its own
        listed = sorted(get_args(Tier), key=lambda tier: tier == "region")
        self.tiers = {tier: QCheckBox(tier.replace("_", " ").capitalize(), self) for tier in listed}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(0)
        for place, (tier, box) in enumerate(self.tiers.items()):
            box.setObjectName(f"tier.{tier}")
            box.setToolTip("Counts when the weakest tiers are named")
            grid.addWidget(box, place // 2, place % 2)
            box.clicked.connect(partial(self._on_tier, tier))
        self.rows.addLayout(grid)
        self.from_chips.clicked.connect(self._on_from_chips)
        self.add_button.clicked.connect(self._on_add)
        self.picker.picked.connect(self.add_member)

    def refresh(self) -> None:
        """Show shares, locks and tiers."""
        members = self.document.scenario.fleet.members
        names = tuple(member.name for member in members)
        if self.frame.is_open and names != self._names:
            self._rebuild(members)
        super().refresh()
        if not self.frame.is_open:
            return
        for member, lock in zip(members, self.locks, strict=True):
            lock.setChecked(member.locked)
            lock.setText("locked" if member.locked else "lock")
        counted = self.document.scenario.fleet.tiers
        for tier, box in self.tiers.items():
            box.setChecked(tier in counted)
        self.tiers["region"].setVisible(any(member.region for member in members))

    def show_outcome(self, outcome: Outcome) -> None:
        """What each pool costs, or why it cannot carry its share."""
        if not self.frame.is_open:
            return
        pools = {pool.name: pool for pool in outcome.fleet.pools}
        members = self.document.scenario.fleet.members
        for member, slider in zip(members, self.sliders, strict=False):
            pool = pools.get(member.name)
            if pool is None:
                slider.set_caption(outcome.fleet.reason)
            elif not pool.feasible:
                slider.set_caption(pool.reason)
            else:
                chips, month = QUANTITIES["chips"].format(pool.chips), MONTH.format(pool.usd_per_month)
                slider.set_caption(f"{chips} · {month}/month · {SHARE.format(pool.spend_share)} of $")

    def reset_paths(self) -> tuple[str, ...]:
        """All members together, for their shares are only right together."""
        return ("fleet.members", "fleet.tiers")

    def summary(self) -> str:
        """Names and shares."""
        members = self.document.scenario.fleet.members
        return " · ".join(f"{one.name} {one.traffic_share * 100:.0f}" for one in members) + (
            " %" if members else "no fleet"
        )

    def add_member(self, chip_id: str) -> None:
        """A further pool with no traffic yet; the first one carries all."""
        chip = self.document.catalog.chip(chip_id)
        members = self.document.scenario.fleet.members
        taken = [member.name for member in members]
        name = next(n for n in (chip.short_name, *(f"{chip.short_name} {k}" for k in range(2, 99))) if n not in taken)
        cloud = chip.offered_by[0] if chip.offered_by else ""
        added = FleetMember(name=name, chip=chip.id, cloud=cloud, traffic_share=0.0 if members else 1.0)
        self.change({"fleet.members": (*members, added)}, "fleet")

    def remove_member(self, index: int) -> None:
        """Take a pool away; the others take over its share pro rata."""
        members = self.document.scenario.fleet.members
        locks = locks_without(self.document.scenario.locks, "fleet.members", index)
        if len(members) == 1:
            self.change({"fleet.members": (), "locks": locks}, "fleet")
            return
        shares = rebalanced([member.traffic_share for member in members], [False] * len(members), index, 0.0)
        left = [
            member.model_copy(update={"traffic_share": share})
            for place, (member, share) in enumerate(zip(members, shares, strict=True))
            if place != index
        ]
        self.change({"fleet.members": tuple(left), "locks": locks}, "fleet")

    def _rebuild(self, members: tuple[FleetMember, ...]) -> None:
        while self._member_rows.count():
            item = self._member_rows.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._bound.clear()
        self.sliders, self.locks = [], []
        self._names = tuple(member.name for member in members)
        for index, member in enumerate(members):
            self._member_rows.addWidget(self._member_row(index, member))

    def _member_row(self, index: int, member: FleetMember) -> QWidget:
        row = QWidget(self._members)
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        slider = ParameterSlider(
            f"share.{index}",
            member.name,
            LinearScale(0, 1, 0.01, (0.0, 0.25, 0.5, 0.75, 1.0)),
            text_of(SHARE, exact=False),
            MEANING,
            caption=True,
        )
        self.bind(
            slider,
            lambda: f"fleet.members.{index}.traffic_share",
            "fleet shares",
            partial(self._moved, index),
        )
        lock, remove = QToolButton(row), QToolButton(row)
        buttons = QVBoxLayout()
        buttons.setSpacing(0)
        for button, name, text, tip in (
            (lock, "lock", "lock", f"Hold the share of {member.name}"),
            (remove, "remove", "remove", f"Take {member.name} out of the fleet"),
        ):
            button.setObjectName("flat")
            button.setProperty("action", f"{name}.{index}")
            button.setText(text)
            button.setAccessibleName(tip)
            button.setToolTip(tip)
            button.setFixedSize(54, 24)
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        lock.setCheckable(True)
        lock.clicked.connect(partial(self._on_lock, index))
        remove.clicked.connect(partial(self.remove_member, index))
        line.addWidget(slider, 1)
        line.addLayout(buttons)
        self.sliders.append(slider)
        self.locks.append(lock)
        return row

    def _moved(self, index: int, share: float) -> Mapping[str, Any]:
        members = self.document.scenario.fleet.members
        if not 0 <= share <= 1:
            raise ValueError("a share lies between 0 % and 100 %")
        shares = rebalanced(
            [member.traffic_share for member in members], [member.locked for member in members], index, share
        )
        return {f"fleet.members.{place}.traffic_share": value for place, value in enumerate(shares)}

    def _on_lock(self, index: int) -> None:
        self.change({f"fleet.members.{index}.locked": self.locks[index].isChecked()}, "fleet lock")

    def _on_tier(self, tier: str) -> None:
        present = self.document.scenario.fleet.tiers
        tiers = (*present, tier) if self.tiers[tier].isChecked() else tuple(one for one in present if one != tier)
        self.change({"fleet.tiers": tiers}, "tiers that count")

    def _on_from_chips(self) -> None:
        alternatives = self.document.workload.alternatives
        share = 1.0 / len(alternatives)
        members = tuple(
            FleetMember(name=one.name, chip=one.chip, cloud=one.cloud, offer=one.offer, traffic_share=share)
            for one in alternatives
        )
        self.change({"fleet.members": members}, "fleet")

    def _on_add(self) -> None:
        chips = sorted(self.document.catalog.chips.values(), key=lambda chip: chip.name.lower())
        picks = [Pick(chip.id, chip.name, chip.evidence_grade, chip.vendor) for chip in chips]
        self.picker.open_at(self.heading.mapToGlobal(QPoint(0, self.heading.height())), picks)
