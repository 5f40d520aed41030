"""The plots of money: what they say in words is what was computed, and what is drawn can be taken hold of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.catalog import load_catalog
from explorer.plots.cost_stack import CostStackPlot, stack_bars
from explorer.plots.frontier_plot import (
    MARK,
    FrontierPlot,
    frontier_frame,
    mix_words,
    present_label,
    present_words,
)
from explorer.plots.interactivity_plot import DOT, InteractivityPlot, _axes, label_places, trade_lines
from explorer.plots.supplier_flow import SupplierFlowPlot, flow_columns, laid_out, node_labels, pool_places
from explorer.plots.tokens import DARK, LIGHT
from explorer.plots.xy_frame import FAR, figures_across, frame_in, linear_axis, log_axis
from explorer.scenario.quantities import QUANTITIES
from explorer.study.economics import evaluate_with_economics as evaluate
from explorer.study.outcome import Outcome
from tests.sample_outcome import sample_outcome
from tests.study.asking import alternative, fleet, scenario, workload

Count = Callable[[QImage, QColor | str], int]


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """A 70B chat on H200 and AI200, and a fleet of both."""
    asked = scenario(
        workload(
            alternative("nv-h200", spare_replicas=1), alternative("qcom-ai200"), traffic={"request_rate_per_s": 60.0}
        ),
        fleet=fleet(H200=0.7, AI200=0.3),
        samples=8,
    )
    return evaluate(asked, load_catalog())


def test_that_the_bars_are_the_parts_of_the_month(outcome: Outcome) -> None:
    for bar in stack_bars(outcome, 0):
        assert bar.total is not None
        assert sum(usd for _, _, usd in bar.segments) == pytest.approx(bar.total)
    spares = {key for key, _, _ in stack_bars(outcome, 0)[0].segments}
    assert "spares" in spares


def test_that_the_stack_says_its_largest_part_first(outcome: Outcome, qtbot: QtBot) -> None:
    plot = CostStackPlot()
    qtbot.addWidget(plot)
    assert "nothing evaluated" in plot.text_summary()
    plot.show_outcome(outcome, 0)
    text = plot.text_summary()
    assert "H200" in text and "%" in text
    bar = plot.values()[0]
    largest = max(bar.segments, key=lambda part: part[2])[1].lower()
    assert bar.words.startswith(largest)


def test_that_the_longest_bar_is_the_dearest_and_fills_the_width(
    outcome: Outcome, qtbot: QtBot, count_color: Count
) -> None:
    plot = CostStackPlot()
    qtbot.addWidget(plot)
    plot.resize(480, 220)
    plot.show_outcome(outcome, 0)
    image = plot.grab().toImage()
    totals = [bar.total or 0.0 for bar in plot.values()]
    strong = [count_color(image, LIGHT.chip(at)) for at in range(2)]
    assert (totals[0] > totals[1]) == (strong[0] > strong[1])


def test_that_plots_without_economics_say_so(qtbot: QtBot) -> None:
    bare = replace(sample_outcome(), economics=None)
    for kind in (CostStackPlot, InteractivityPlot, SupplierFlowPlot):
        plot = kind()
        qtbot.addWidget(plot)
        plot.resize(400, 240)
        plot.show_outcome(bare, 0)
        plot.grab()
        assert "no" in plot.text_summary()


def test_that_interactivity_names_every_line_and_its_present_point(outcome: Outcome, qtbot: QtBot) -> None:
    plot = InteractivityPlot()
    qtbot.addWidget(plot)
    plot.resize(480, 300)
    plot.show_outcome(outcome, 0)
    assert [line.label for line in plot.values()] == [one.label for one in outcome.workloads[0].alternatives]
    assert plot.text_summary().count("now ") == 2
    light = plot.grab().toImage()
    plot.set_tokens(DARK)
    assert plot.grab().toImage() != light


def test_that_money_against_latency_is_the_other_view(outcome: Outcome, qtbot: QtBot) -> None:
    plot = InteractivityPlot()
    qtbot.addWidget(plot)
    plot.resize(480, 300)
    plot.show_outcome(outcome, 0)
    first = plot.grab().toImage()
    plot.set_view("cost")
    assert plot.grab().toImage() != first
    assert outcome.economics is not None
    for line, one in zip(plot.values(), outcome.economics.money[0].alternatives, strict=True):
        assert one.interactivity is not None
        # the busier the chips, the cheaper the tokens and, short of saturation, the longer the wait
        busy = int(0.6 * line.x.size)
        assert np.all(np.diff(line.y) < 0) and np.all(np.diff(line.x[:busy]) > 0)
    assert "per million tokens" in plot.text_summary() and "P99" in plot.text_summary()


@pytest.mark.parametrize("size", [(220, 160), (420, 300)])
@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
def test_that_names_of_trade_lines_lie_within_the_axes_off_every_dot_and_each_other(
    outcome: Outcome, qapp: QApplication, size: tuple[int, int], spread: float
) -> None:
    whole = trade_lines(outcome, 0)[0]
    x, y = whole.x, whole.y
    lines = [replace(whole, place=k, label=f"H200 ×{k + 1}", y=y * (1 + spread * k)) for k in range(3)]
    # at its highest, in the middle, and nowhere
    points = ((float(x[-1]), float(lines[0].y[-1])), (float(x[len(x) // 2]), float(lines[1].y[len(y) // 2])), None)
    lines = [replace(line, present=point) for line, point in zip(lines, points, strict=True)]
    frame = frame_in(QRectF(0.0, 20.0, *size), *_axes(tuple(lines), "yield"))
    places = [place for _, place in label_places(frame, tuple(lines))]
    assert len(places) == 3
    assert all(frame.area.adjusted(-1e-6, -1e-6, 1e-6, 1e-6).contains(place) for place in places)
    assert not any(one.intersects(other) for one, other in combinations(places, 2))
    for point in points[:2]:
        at = frame.at(*point)
        assert not any(place.intersects(QRectF(at.x() - DOT, at.y() - DOT, 2 * DOT, 2 * DOT)) for place in places)


def test_that_every_column_of_the_flow_holds_all_the_money(outcome: Outcome) -> None:
    columns = flow_columns(outcome)
    assert [column.title for column in columns][:2] == ["Spend", "Chip designer"]
    for column in columns:
        assert sum(column.total(k) for k in range(len(column.nodes))) == pytest.approx(1.0)
        for row, pool in zip(column.shares, outcome.fleet.pools, strict=True):
            assert sum(row) == pytest.approx(pool.spend_share)


def test_that_nodes_of_the_flow_neither_overlap_nor_leave_their_area(outcome: Outcome, qapp: QApplication) -> None:
    area = QRectF(0.0, 0.0, 700.0, 260.0)
    for column in laid_out(flow_columns(outcome), area):
        drawn = [node for node in column if node.place.height() > 0]
        assert all(area.contains(node.place) for node in drawn)
        assert all(above.place.bottom() < below.place.top() for above, below in pairwise(drawn))


@pytest.mark.parametrize("height", [230.0, 320.0, 460.0])
@pytest.mark.parametrize("width", [500.0, 700.0])
def test_that_labels_of_the_flow_are_whole_where_there_is_room_and_off_every_node(
    outcome: Outcome, qapp: QApplication, width: float, height: float
) -> None:
    columns, area = flow_columns(outcome), QRectF(0.0, 0.0, width, height)
    labels, nodes = node_labels(columns, area), laid_out(columns, area)
    whole = {" ".join(lines) for column in labels for lines in column if lines}
    assert any(text.startswith("No advanced packaging") for text in whole)
    for at, column in enumerate(columns):
        for k, name in enumerate(column.nodes):
            if column.total(k) > 0.002:
                assert " ".join(labels[at][k]).startswith(name)
    for column, lines in zip(nodes, labels, strict=True):
        for node, label in zip(column, lines, strict=True):
            place = node.place
            words = QRectF(place.left(), place.top() - 16.0 * len(label), width / len(columns) - 6.0, 16.0 * len(label))
            if label:
                assert words.top() >= area.top()
                assert not any(words.intersects(one.place) for other in nodes for one in other)


def test_that_a_low_flow_cuts_its_names_rather_than_its_flows(outcome: Outcome, qapp: QApplication) -> None:
    columns, area = flow_columns(outcome), QRectF(0.0, 0.0, 320.0, 150.0)
    assert max(len(lines) for column in node_labels(columns, area) for lines in column) == 2
    assert all(area.contains(node.place) for column in laid_out(columns, area) for node in column if node.share > 0.002)


def test_that_a_sole_supplier_is_red_and_said(outcome: Outcome, qtbot: QtBot, count_color: Count) -> None:
    plot = SupplierFlowPlot()
    qtbot.addWidget(plot)
    plot.resize(760, 300)
    plot.show_outcome(outcome, 0)
    assert "Cloud: AWS 100 %" in plot.text_summary()
    assert count_color(plot.grab().toImage(), LIGHT.bad_fill) > 100


def test_that_a_pool_has_the_colour_of_its_compared_chip(outcome: Outcome) -> None:
    assert pool_places(outcome, 0) == (0, 1)
    turned = replace(outcome.workloads[0], alternatives=tuple(reversed(outcome.workloads[0].alternatives)), selected=0)
    assert pool_places(replace(outcome, workloads=(turned,)), 0) == (1, 0)


@pytest.fixture
def frontier(outcome: Outcome, qtbot: QtBot) -> FrontierPlot:
    """The frontier of the fleet, shown."""
    assert outcome.economics is not None
    plot = FrontierPlot()
    qtbot.addWidget(plot)
    plot.resize(480, 320)
    plot.show_frontier(outcome.economics.frontier)
    plot.show()
    return plot


def test_that_a_click_on_a_point_takes_its_mix(frontier: FrontierPlot, qtbot: QtBot) -> None:
    found = frontier.frontier
    assert found is not None
    place = frontier.point_place(0).toPoint()
    with qtbot.waitSignal(frontier.mix_chosen) as chosen:
        qtbot.mouseClick(frontier, Qt.MouseButton.LeftButton, pos=place)
    assert chosen.args == [found.by_loss[0].shares]
    assert sum(chosen.args[0]) == pytest.approx(1.0)


def test_that_a_click_far_from_the_line_takes_nothing(frontier: FrontierPlot, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(frontier.mix_chosen):
        qtbot.mouseClick(frontier, Qt.MouseButton.LeftButton, pos=QPoint(70, 60))


def test_that_the_keys_step_along_the_line_and_take(frontier: FrontierPlot, qtbot: QtBot) -> None:
    found = frontier.frontier
    assert found is not None and len(found.by_loss) > 2
    with qtbot.assertNotEmitted(frontier.mix_chosen):
        qtbot.keyClick(frontier, Qt.Key.Key_Return)
    qtbot.keyClick(frontier, Qt.Key.Key_Right)
    qtbot.keyClick(frontier, Qt.Key.Key_Right)
    with qtbot.waitSignal(frontier.mix_chosen) as chosen:
        qtbot.keyClick(frontier, Qt.Key.Key_Return)
    assert chosen.args == [found.by_loss[1].shares]


def test_that_the_cost_can_be_set_against_effective_suppliers(outcome: Outcome, qtbot: QtBot) -> None:
    plot = FrontierPlot()
    qtbot.addWidget(plot)
    plot.resize(420, 320)
    assert outcome.economics is not None
    found = outcome.economics.frontier
    plot.show_frontier(found)
    plot.set_risk("effective_suppliers")
    assert plot.edge == found.by_suppliers and "effective" in plot.text_summary()
    places = [plot.point_place(at) for at in range(len(plot.edge))]
    # more suppliers lie further right, and cost more: higher up
    assert [p.x() for p in places] == sorted((p.x() for p in places), reverse=True)
    assert [p.y() for p in places] == sorted(p.y() for p in places)
    with qtbot.waitSignal(plot.mix_chosen) as chosen:
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=places[0].toPoint())
    assert chosen.args == [found.by_suppliers[0].shares]


def test_that_the_frontier_says_present_cheapest_and_safest(frontier: FrontierPlot) -> None:
    found = frontier.frontier
    assert found is not None and found.present is not None
    text = frontier.text_summary()
    assert f"present {mix_words(found, found.present)}" in text
    assert "H200 70 %, AI200 30 %" in text and "safest" in text


def test_that_the_label_of_the_present_fleet_says_what_no_pool_costs(outcome: Outcome, frontier: FrontierPlot) -> None:
    found = frontier.frontier
    assert found is not None and found.present is not None
    pools = sum(pool.usd_per_month for pool in outcome.fleet.pools)
    assert found.present.usd_per_month - found.present.further_usd_per_month == pytest.approx(pools)
    further = QUANTITIES["usd_per_month"].format(found.present.further_usd_per_month)
    assert f"+ {further} for further stacks and clouds" in frontier.text_summary()
    assert all(f"+ {further}" in words for words in present_words(found.present))
    alone = replace(found.present, further_usd_per_month=0.0)
    assert present_words(alone) == (f"present fleet {QUANTITIES['usd_per_month'].format(alone.usd_per_month)}",)


@pytest.mark.parametrize("size", [(240, 180), (360, 260), (620, 360)])
@pytest.mark.parametrize(("loss", "money"), [(0.02, 1.0), (0.5, 0.5), (0.98, 1.0), (0.98, 0.02)])
def test_that_the_label_of_the_present_fleet_lies_within_the_axes_off_its_mark(
    frontier: FrontierPlot, size: tuple[int, int], loss: float, money: float
) -> None:
    found = frontier.frontier
    assert found is not None and found.present is not None
    frame = frontier_frame(found, QRectF(0.0, 0.0, *size))
    present = replace(found.present, n1_loss=loss, usd_per_month=money * frame.y.high, further_usd_per_month=5e4)
    _, place = present_label(frame, present, "n1_loss")
    assert frame.area.adjusted(-3.0, 0.0, 3.0, 0.0).contains(place)
    mark = frame.at(loss, present.usd_per_month)
    assert not place.intersects(QRectF(mark.x() - MARK, mark.y() - MARK, 2 * MARK, 2 * MARK))


def test_that_no_frontier_has_a_reason(frontier: FrontierPlot) -> None:
    found = frontier.frontier
    assert found is not None
    frontier.show_frontier(replace(found, by_loss=(), reason="the fleet has 6 chips"))
    frontier.grab()
    assert "6 chips" in frontier.text_summary()
    frontier.show_frontier(None)
    assert "no figures yet" in frontier.text_summary()


def test_that_axes_hold_their_values_between_round_ends() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = list(10.0 ** rng.uniform(-3, 6, 4))
        axis = log_axis(values, "", str)
        assert axis.low <= min(values) * (1 + 1e-9) and axis.high >= max(values) * (1 - 1e-9)
        assert all(0 <= axis.place(tick) <= 1 + 1e-9 for tick in axis.ticks(300.0, 40.0))
        linear = linear_axis(0.0, max(values), "", str)
        assert max(values) <= linear.high * (1 + 1e-9) <= 2.0 * max(values) * (1 + 1e-6)
        assert linear.ticks(300.0, 40.0)[0] == 0.0


def test_that_a_supplier_who_may_be_another_has_a_range_and_no_single_share(outcome: Outcome) -> None:
    tiers = {tier.title: tier for tier in outcome.fleet.tiers}
    seen = 0
    for column in flow_columns(outcome)[1:]:
        known = {one.supplier: one for one in tiers[column.title].suppliers}
        for at, name in enumerate(column.nodes):
            one = known.get(name)
            if one is not None and one.high - one.low > 0.005:
                assert column.share_text(at) == QUANTITIES["share"].format_range(one.low, one.high)
                seen += 1
    assert seen


@pytest.mark.parametrize("room", [300.0, 420.0, 520.0])
def test_that_figures_below_a_logarithmic_axis_do_not_touch(qapp: QApplication, room: float) -> None:
    text = QUANTITIES["bytes_per_s"].format
    frame = frame_in(QRectF(0.0, 0.0, room, 300.0), log_axis([0.5e12, 100e12], "", text), linear_axis(0, 1, "", str))
    drawn = figures_across(frame, frame.x.ticks(frame.area.width(), 56.0))
    assert all(x + width + 5.0 <= other for (x, width, _), (other, _, _) in pairwise(drawn))
    assert {"1 TB/s", "10 TB/s", "100 TB/s"} <= {words for _, _, words in drawn}


def test_that_parts_below_one_per_cent_are_told_together(outcome: Outcome) -> None:
    rest = (("margin", "Margin", 8.2), ("capital", "Capital", 6.1), ("opex", "Operation", 4.7))
    parts = (("idle", "Idle", 981.0), *rest)
    bar = replace(stack_bars(outcome, 0)[0], total=1000.0, segments=parts)
    assert bar.words == "idle 98 % · the rest 1.9 %"


def test_that_many_points_lie_where_each_of_them_does() -> None:
    x, y = log_axis([0.01, 3.0], "", str), linear_axis(0.0, 50.0, "", str)
    frame = frame_in(QRectF(0.0, 0.0, 400.0, 300.0), x, y)
    values, heights = np.array([0.01, 0.2, 3.0, 1e-9, np.inf]), np.array([0.0, 12.5, 49.0, 1e12, np.inf])
    across, down = frame.points(values, heights)
    for at in range(3):
        point = frame.at(float(values[at]), float(heights[at]))
        assert (across[at], down[at]) == pytest.approx((point.x(), point.y()))
    # what is far outside is brought near, on its own side
    assert down[3] == down[4] == -FAR and across[3] < frame.area.left() and across[4] == FAR
