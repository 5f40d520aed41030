"""The concentration plot: who holds each tier, what is not known, and what moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.concentration_bars import DIAMOND, TICK, _footer, _names, tier_bars
from explorer.plots.concentration_words import moved_text, top_text, weakest_text
from explorer.plots.lettering import LINE_HEIGHT, text_width
from explorer.plots.tokens import DARK, LIGHT
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.outcome import Outcome
from tests.sample_outcome import sample_fleet, sample_outcome, without_fleet

Count = Callable[..., int]
COUNTED = ["designer", "software_stack", "packaging", "memory_maker", "foundry", "cloud"]


@pytest.fixture
def plot(qtbot: QtBot) -> ConcentrationPlot:
    made = ConcentrationPlot()
    qtbot.addWidget(made)
    made.resize(260, 360)
    return made


def one_tier(outcome: Outcome, tier: str) -> Outcome:
    """The same outcome with a fleet of one tier."""
    kept = tuple(entry for entry in outcome.fleet.tiers if entry.tier == tier)
    return replace(outcome, fleet=replace(outcome.fleet, tiers=kept, weakest_tiers=(tier,)))


def test_that_only_the_tiers_that_count_are_shown_at_first(plot: ConcentrationPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    assert [bar.tier for bar in plot.values()] == COUNTED
    with qtbot.waitSignal(plot.show_all_changed):
        plot.set_show_all(True)
    assert {bar.tier for bar in plot.values()} == {*COUNTED, "country", "memory_type"}


def test_that_the_other_tiers_are_reached_by_hand_and_by_key(plot: ConcentrationPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.show()
    plot.grab()
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(10, 350))
    assert len(plot.values()) == 8
    plot.grab()
    qtbot.keyClick(plot, Qt.Key.Key_Space)
    assert len(plot.values()) == 6
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(200, 60))
    assert len(plot.values()) == 6


def test_that_a_click_on_a_tiers_name_asks_to_count_it_no_longer(plot: ConcentrationPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.show()
    names = dict(plot._picture.names)
    with qtbot.waitSignal(plot.tier_toggled) as toggled:
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=names["packaging"].center().toPoint())
    assert toggled.args == ["packaging", False]
    plot.set_show_all(True)
    names = dict(plot._picture.names)
    with qtbot.waitSignal(plot.tier_toggled) as toggled:
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=names["country"].center().toPoint())
    assert toggled.args == ["country", True]


def test_that_a_tier_is_reached_and_toggled_with_the_keys_alone(plot: ConcentrationPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.show()
    qtbot.keyClick(plot, Qt.Key.Key_Up)
    qtbot.keyClick(plot, Qt.Key.Key_Up)
    with qtbot.waitSignal(plot.tier_toggled) as toggled:
        qtbot.keyClick(plot, Qt.Key.Key_Space)
    assert toggled.args == [COUNTED[-2], False]
    for _ in range(10):
        qtbot.keyClick(plot, Qt.Key.Key_Up)
    with qtbot.waitSignal(plot.tier_toggled) as toggled:
        qtbot.keyClick(plot, Qt.Key.Key_Return)
    assert toggled.args == [COUNTED[0], False]


def test_that_the_last_tier_that_counts_cannot_be_taken_away(plot: ConcentrationPlot, qtbot: QtBot) -> None:
    plot.show_outcome(one_tier(sample_outcome(), "cloud"), 0)
    plot.show()
    with qtbot.assertNotEmitted(plot.tier_toggled):
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(20, 34))
    assert plot.tier_at(QPointF(20, 34)) == "cloud"


def test_that_a_tier_that_does_not_count_has_an_empty_box(plot: ConcentrationPlot) -> None:
    counted = one_tier(sample_outcome(), "designer")
    plot.show_outcome(counted, 0)
    plot.set_show_all(True)
    ticked = plot.grab().toImage()
    tier = replace(counted.fleet.tiers[0], counts=False)
    plot.show_outcome(replace(counted, fleet=replace(counted.fleet, tiers=(tier,), weakest_tiers=())), 0)
    box = plot._picture.names[0][1].toRect()
    assert ticked.copy(0, box.top(), 12, 24) != plot.grab().toImage().copy(0, box.top(), 12, 24)
    assert not plot.values()[0].counts


def test_that_only_rows_that_changed_are_painted_anew(plot: ConcentrationPlot, qtbot: QtBot) -> None:
    painted: list[QRegion] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if isinstance(event, QPaintEvent):
                painted.append(event.region())
            return False

    watch = Watch()
    plot.show_outcome(sample_outcome(designer_shares=(0.5, 0.3, 0.2)), 0)
    plot.show()
    QApplication.processEvents()
    plot.installEventFilter(watch)
    names = dict(plot._picture.names)
    plot.show_outcome(sample_outcome(designer_shares=(0.6, 0.2, 0.2)), 0)
    qtbot.waitUntil(lambda: bool(painted))
    assert painted[0].contains(names["designer"].center().toPoint())
    assert not painted[0].contains(names["cloud"].center().toPoint())
    painted.clear()
    plot.show_outcome(sample_outcome(designer_shares=(0.6, 0.2, 0.2)), 0)
    QApplication.processEvents()
    assert not painted
    # What was painted in parts looks as if painted at once.
    in_parts = plot.grab().toImage()
    plot.set_tokens(LIGHT)
    assert plot.grab().toImage() == in_parts


def test_that_moving_spend_moves_the_bars(plot: ConcentrationPlot) -> None:
    plot.show_outcome(sample_outcome(designer_shares=(0.66, 0.19, 0.15)), 0)
    first, before = plot.values()[0], plot.grab().toImage()
    plot.show_outcome(sample_outcome(designer_shares=(0.40, 0.30, 0.30)), 0)
    second, after = plot.values()[0], plot.grab().toImage()
    assert first.effective_suppliers == pytest.approx(1 / (0.66**2 + 0.19**2 + 0.15**2))
    assert second.effective_suppliers == pytest.approx(1 / (0.40**2 + 2 * 0.30**2))
    assert second.top_share < first.top_share
    assert before != after


def test_that_segments_cover_the_bar_largest_first() -> None:
    for bar in tier_bars(sample_fleet(), None, show_all=True):
        ends = [0.0]
        for _, start, end in bar.segments:
            assert end >= start >= ends[-1] - 1e-12
            ends.append(end)
        assert ends[-1] == pytest.approx(1.0 if len(bar.segments) > 1 else bar.segments[0][2])
        widths = [end - start for _, start, end in bar.segments[1:]]
        assert widths == sorted(widths, reverse=True)


def test_that_the_uncertain_part_lies_between_least_and_greatest_share() -> None:
    bars = {bar.tier: bar for bar in tier_bars(sample_fleet(), None)}
    assert bars["foundry"].uncertain == pytest.approx((0.85, 1.0))
    assert bars["foundry"].segments[0] == ("TSMC", 0.0, pytest.approx(0.85))
    assert bars["designer"].uncertain is None
    assert (bars["foundry"].top_supplier, bars["foundry"].share) == ("TSMC", "85–100 %")


def test_that_amber_is_shown_only_where_a_supplier_is_unknown(plot: ConcentrationPlot, count_color: Count) -> None:
    plot.show_outcome(one_tier(sample_outcome(), "foundry"), 0)
    assert count_color(plot.grab().toImage(), LIGHT.amber_mark, 8) > 20
    plot.show_outcome(one_tier(sample_outcome(), "designer"), 0)
    assert count_color(plot.grab().toImage(), LIGHT.amber_mark, 8) == 0


def test_that_red_is_kept_for_a_single_point_of_failure(plot: ConcentrationPlot, count_color: Count) -> None:
    plot.show_outcome(one_tier(sample_outcome(), "cloud"), 0)
    assert count_color(plot.grab().toImage(), LIGHT.bad_fill, 4) > 200
    # One supplier only, but not in nearly every draw: not red.
    outcome = one_tier(sample_outcome(), "cloud")
    tier = replace(outcome.fleet.tiers[0], single_point_of_failure=False)
    plot.show_outcome(replace(outcome, fleet=replace(outcome.fleet, tiers=(tier,))), 0)
    assert count_color(plot.grab().toImage(), LIGHT.bad_fill, 4) == 0


def test_that_a_baseline_leaves_its_mark_where_it_moved(plot: ConcentrationPlot, count_color: Count) -> None:
    now = one_tier(sample_outcome(), "designer")
    then = one_tier(sample_outcome(designer_shares=(0.9, 0.1, 0.0)), "designer")
    plot.show_outcome(now, 0, then)
    assert plot.values()[0].baseline_top_share == pytest.approx(0.9)
    with_mark = plot.grab().toImage()
    plot.show_outcome(now, 0, now)
    assert with_mark != plot.grab().toImage()
    assert "since the baseline: chip designer 1.2 → 2.0" in concentrated(plot, now, then)


def concentrated(plot: ConcentrationPlot, now: Outcome, then: Outcome) -> str:
    plot.show_outcome(now, 0, then)
    return plot.text_summary()


def test_that_sentences_name_the_weakest_and_what_moved() -> None:
    fleet = sample_fleet()
    assert weakest_text(fleet) == "weakest: foundry, cloud 1.0"
    assert moved_text(fleet, None) == ""
    assert moved_text(fleet, fleet) == "since the baseline: no tier has moved"
    worse = moved_text(sample_fleet((0.9, 0.1, 0.0)), fleet)
    assert worse == "since the baseline: chip designer 2.0 → 1.2, software stack 2.0 → 1.2; foundry, cloud unchanged"
    assert weakest_text(replace(fleet, weakest_tiers=())) == ""


@pytest.mark.parametrize("width", [200.0, 238.0])
def test_that_every_tier_names_its_largest_supplier_in_a_narrow_plot(qapp: QApplication, width: float) -> None:
    bars = tier_bars(sample_fleet(), None)
    alone = [replace(bar, single_point_of_failure=True, weakest=True, share="100 %") for bar in bars]
    packaging = replace(alone[0], top_supplier="TSMC CoWoS", name="Packaging 1.0", short_name="Packaging 1.0")
    for bar in (*bars, *alone, packaging):
        name, supplier = _names(bar, width)
        assert name in (bar.name, bar.short_name)
        # whole words, not letters
        assert bar.top_supplier.split()[0] == supplier.rstrip("…").split()[0]
        sign = 2 * DIAMOND + 5.0 if bar.single_point_of_failure else 0.0
        words = text_width(name, semibold=bar.weakest) + text_width(f"{supplier} {bar.share}")
        assert TICK + words + 8.0 + sign <= width


def test_that_many_weakest_tiers_are_named_in_two_lines_or_counted(qapp: QApplication) -> None:
    fleet = sample_fleet()
    every = replace(fleet, weakest_tiers=tuple(tier.tier for tier in fleet.tiers))
    assert weakest_text(every, counted=True) == f"weakest: {len(fleet.tiers)} tiers 1.0"
    lines, leading = _footer(every, None, 420.0, 6 * LINE_HEIGHT)
    assert leading == 2 and " ".join(lines[:2]) == weakest_text(every)
    lines, leading = _footer(every, None, 200.0, 6 * LINE_HEIGHT)
    assert leading == 1 and lines[0] == weakest_text(every, counted=True)


def test_that_a_change_is_one_only_where_its_two_figures_differ() -> None:
    def at(suppliers: float) -> FleetOutcome:
        fleet = sample_fleet()
        tier = next(one for one in fleet.tiers if one.tier == "packaging")
        moved = replace(tier, effective_suppliers=replace(tier.effective_suppliers, value=suppliers))
        return replace(fleet, tiers=(moved,), weakest_tiers=("packaging",))

    # 0.07 apart, and both are 1.6
    assert moved_text(at(1.63), at(1.56)) == "since the baseline: no tier has moved"
    assert moved_text(at(1.66), at(1.64)) == "since the baseline: packaging 1.6 → 1.7"


def test_that_the_summary_says_shares_and_what_is_unknown(plot: ConcentrationPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    words = plot.text_summary()
    assert plot.accessibleDescription() == words
    assert "by spend" in words
    assert "Chip designer: 2.0 effective suppliers, Nvidia 66 %, then AWS 19 %, Qualcomm 15 %" in words
    assert "undisclosed: AI200's foundry" in words
    assert "AWS 100 %; single point of failure" in words


def test_that_a_fleet_without_figures_is_a_sentence(plot: ConcentrationPlot) -> None:
    plot.show_outcome(without_fleet(sample_outcome(), "no price for AI200 on AWS"), 0, sample_outcome())
    assert plot.values() == ()
    assert "No figures: no price for AI200 on AWS" in plot.text_summary()
    assert not plot.grab().isNull()


def test_that_a_certain_share_has_no_range() -> None:
    tier = sample_fleet().tiers[0]
    assert top_text(tier) == "Nvidia 66 %"


def test_that_the_worst_tiers_are_shown_where_not_all_have_room(plot: ConcentrationPlot, count_color: Count) -> None:
    plot.resize(260, 120)
    plot.show_outcome(sample_outcome(), 0)
    assert count_color(plot.grab().toImage(), LIGHT.bad_fill, 4) > 200


@pytest.mark.parametrize("size", [(1, 1), (30, 20), (160, 120), (260, 360), (1000, 90), (120, 900)])
@pytest.mark.parametrize("show_all", [False, True])
def test_that_any_size_can_be_drawn(plot: ConcentrationPlot, size: tuple[int, int], show_all: bool) -> None:
    plot.setMinimumSize(1, 1)
    plot.resize(*size)
    plot.set_show_all(show_all)
    plot.show_outcome(sample_outcome(), 0, sample_outcome(designer_shares=(1.0, 0.0, 0.0)))
    assert plot.grab().size().width() == size[0]


def test_that_the_theme_reaches_the_picture(plot: ConcentrationPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.set_tokens(DARK)
    image = plot.grab().toImage()
    assert image.pixelColor(1, 1) == QColor(DARK.panel)
    assert count_color(image, DARK.suppliers[0]) > 100
    assert count_color(image, LIGHT.panel) == 0


def test_that_it_paints_at_a_place_on_another_painter(plot: ConcentrationPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(), 0)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    image.fill(QColor("#123456"))
    painter = QPainter(image)
    plot.paint(painter, QRectF(400, 200, 400, 400))
    painter.end()
    assert count_color(image.copy(400, 200, 400, 400), LIGHT.suppliers[0]) > 100
    assert count_color(image.copy(0, 0, 395, 600), "#123456", 0) == 395 * 600
