"""The tail-latency plot shows what the outcome says, follows the hand, and says so in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from explorer.plots.tail_area import Projection
from explorer.plots.tail_labels import LabelPlacer, LineNote
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.plots.tail_words import band_text, heading_notes, x_labels
from explorer.plots.tokens import DARK, LIGHT
from explorer.study.banded import Banded
from explorer.study.outcome import Outcome
from tests.sample_outcome import sample_outcome

Count = Callable[..., int]


@pytest.fixture
def plot(qtbot: QtBot) -> TailLatencyPlot:
    made = TailLatencyPlot()
    qtbot.addWidget(made)
    made.resize(560, 380)
    made.show()
    return made


def labels(plot: TailLatencyPlot) -> tuple[tuple[LineNote, QRectF], ...]:
    """The direct labels and where they stand."""
    assert plot._picture is not None
    return plot._picture.places().labels


def picture(plot: TailLatencyPlot) -> QImage:
    return plot.grab().toImage()


def test_that_it_opens_on_the_metric_with_the_least_margin(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(tightest_metric="ttft"), 0)
    assert plot.shown_metric == "ttft"
    assert plot.values().promise == 2.0
    plot.show_outcome(sample_outcome(tightest_metric="tpot"), 0)
    assert plot.shown_metric == "tpot"


def test_that_a_chosen_metric_stays_chosen(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    before = plot.values().lines[0].p99_seconds
    with qtbot.waitSignal(plot.metric_changed) as chosen:
        qtbot.mouseClick(plot._switch.button("e2e"), Qt.MouseButton.LeftButton)
    assert chosen.args == ["e2e"]
    plot.show_outcome(sample_outcome(tightest_metric="ttft"), 0)
    assert plot.shown_metric == "e2e"
    assert plot.values().lines[0].p99_seconds[0] > before[0]
    plot.set_metric(None)
    assert plot.shown_metric == "ttft"


def test_that_what_is_drawn_is_what_the_outcome_count_color(plot: TailLatencyPlot, count_color: Count) -> None:
    outcome = sample_outcome()
    plot.show_outcome(outcome, 0)
    for line, alternative in zip(plot.values().lines, outcome.workloads[0].alternatives, strict=True):
        assert line.label == alternative.label
        inside = line.p99_rates.size - 1
        np.testing.assert_allclose(line.p99_seconds[:inside], alternative.curves["tpot"].p99[:inside])
        np.testing.assert_allclose(line.p50_seconds[:inside], alternative.curves["tpot"].p50[:inside])
        found = alternative.latency["tpot"].p99
        assert found is not None and line.operating_p99 == found.value
        assert line.cliff_rate == alternative.max_request_rate


def test_that_slower_answers_move_the_lines_and_the_picture(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    first, before = plot.values(), picture(plot)
    plot.show_outcome(sample_outcome(latency_factor=1.2), 0)
    second, after = plot.values(), picture(plot)
    assert second.lines[0].p99_seconds[0] == pytest.approx(1.2 * first.lines[0].p99_seconds[0])
    assert before != after


def test_that_axes_are_frozen_while_a_slider_is_down(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    frozen = plot.values().axes
    plot.set_dragging(True)
    plot.show_outcome(sample_outcome(latency_factor=30.0, request_rate=80.0), 0)
    assert plot.values().axes == frozen
    plot.set_dragging(False)
    assert plot.values().axes != frozen
    assert plot.values().axes.rate.high > 80.0


def test_that_a_small_change_keeps_the_axes_on_release(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    before = plot.values().axes
    plot.set_dragging(True)
    plot.show_outcome(sample_outcome(latency_factor=1.02), 0)
    plot.set_dragging(False)
    assert plot.values().axes == before


def test_that_the_baseline_is_the_ghost_of_its_selected_alternative(plot: TailLatencyPlot) -> None:
    baseline = sample_outcome(selected=1, latency_factor=1.5)
    plot.show_outcome(sample_outcome(), 0, baseline)
    drawn = plot.values()
    expected = baseline.workloads[0].chosen.curves["tpot"].p99
    np.testing.assert_allclose(drawn.baseline_seconds[:20], expected[:20])
    plot.show_outcome(sample_outcome(), 0, None)
    assert plot.values().baseline_rates.size == 0


def test_that_a_baseline_just_pinned_has_a_ghost_but_no_second_label(plot: TailLatencyPlot) -> None:
    outcome = sample_outcome()
    plot.show_outcome(outcome, 0, outcome)
    assert plot.values().baseline_rates.size > 0
    assert "baseline" not in {note.text for note, _ in labels(plot)}
    plot.show_outcome(sample_outcome(latency_factor=1.3), 0, outcome)
    assert "baseline" in {note.text for note, _ in labels(plot)}


def test_that_the_note_gets_shorter_where_room_is_short() -> None:
    alternative = sample_outcome().workloads[0].chosen
    assert heading_notes(alternative, "tpot", final=False) == (
        "closed form, refining · 14–100 ms",
        "closed form · 14–100 ms",
        "14–100 ms",
    )
    nothing = sample_outcome(infeasible=(0,)).workloads[0].chosen
    assert heading_notes(nothing, "tpot", final=True) == ("closed form", "closed form")


def test_that_a_baseline_with_fewer_workloads_draws_no_ghost(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(workloads=2), 1, sample_outcome(workloads=1))
    assert plot.values().baseline_rates.size == 0


def test_that_an_alternative_that_does_not_fit_has_no_line_and_says_why(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(infeasible=(1,)), 0)
    line = plot.values().lines[1]
    assert line.p99_rates.size == 0
    assert line.operating_p99 is None and line.cliff_rate is None
    assert "H200 ×2: no latency, weights do not fit in memory" in plot.text_summary()
    assert not picture(plot).isNull()


def test_that_nothing_feasible_is_a_sentence_not_an_empty_plot(plot: TailLatencyPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(alternatives=2, infeasible=(0, 1)), 0)
    assert plot._content is not None and "see Memory fit" in plot._content.notes.sentence
    assert not count_color(picture(plot), LIGHT.chip(0))


def test_that_a_removed_alternative_disappears(plot: TailLatencyPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(alternatives=4), 0)
    assert count_color(picture(plot), LIGHT.chip(3))
    plot.show_outcome(sample_outcome(alternatives=1), 0)
    shown = picture(plot)
    assert len(plot.values().lines) == 1
    assert count_color(shown, LIGHT.chip(0)) and not count_color(shown, LIGHT.chip(3))


def test_that_labels_stand_inside_the_plot_and_apart(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(), 0, sample_outcome(selected=1, latency_factor=1.5))
    picture(plot)
    placed = labels(plot)
    assert {note.text for note, _ in placed} == {
        "AI200 ×2",
        "H200 ×2",
        "Trainium2 ×4",
        "GB200 ×1",
        "baseline",
    }
    for order, (_, rect) in enumerate(placed):
        assert plot.area.contains(rect)
        assert not any(rect.intersects(other) for _, other in placed[:order])


@pytest.mark.parametrize("rate", [1.0, 12.0, 20.0, 38.0])
def test_that_the_promise_is_not_written_over_the_own_traffic(plot: TailLatencyPlot, rate: float) -> None:
    outcome = sample_outcome()
    plot.show_outcome(outcome, 0)
    assert plot._content is not None
    axes, area = plot._content.axes, plot.area
    # as low as a promise can be with its words under its line
    low = axes.latency.low * (axes.latency.high / axes.latency.low) ** (20.0 / area.height())
    notes = replace(plot._content.notes, promise=(low, "promise 50 ms"), traffic=(rate, "your traffic, 12/s"))
    # a curve above the promise leaves only the places under it free
    x = np.linspace(area.left(), area.right(), 40)
    above = (x, np.full(40, area.bottom() - 28.0))
    placer = LabelPlacer()
    for hurried in (False, True):
        places = placer.place(replace(notes, lines=()), axes, area, (above,), hurried=hurried)
        assert places.promise is not None and places.traffic is not None
        assert not places.promise.intersects(places.traffic)


def test_that_the_summary_says_the_numbers(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    words = plot.text_summary()
    assert "time per token (TPOT) at 12/s, promise 50 ms" in words
    assert "AI200 ×2: P99 30 ms (14–100), P50 21 ms, keeps this promise; keeps every promise up to 19.3/s" in words
    assert plot.accessibleDescription() == words
    plot.show_outcome(sample_outcome(latency_factor=3.0), 0)
    assert "AI200 ×2: P99 89 ms" in plot.text_summary()
    assert "breaks this promise" in plot.text_summary()
    # Given to screen readers once the hand rests.
    qtbot.waitUntil(lambda: plot.accessibleDescription() == plot.text_summary(), timeout=20_000)


def test_that_hovering_reads_out_every_alternative(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(infeasible=(3,)), 0)
    qtbot.mouseMove(plot, plot.area.center().toPoint())
    readout = plot._readout
    assert readout is not None
    assert readout.rate == pytest.approx(plot.values().axes.rate.high / 2, rel=0.02)
    assert [name for _, name, _ in readout.rows] == ["AI200 ×2", "H200 ×2", "Trainium2 ×4", "GB200 ×1"]
    assert readout.rows[1][2].startswith("P99 ")
    assert readout.rows[3][2] == "does not fit"
    plot.show_readout_at(38.0)
    past = plot._readout
    assert past is not None and past.rows[0][2] == "cannot carry this load"
    plot.show_readout_at(None)
    assert plot._readout is None


def test_that_the_axis_names_replicas_and_where_the_next_is_added() -> None:
    alternative = sample_outcome().workloads[0].chosen
    assert x_labels(alternative)[0] == (
        "requests per second, whole service · AI200 ×2 with 1 replica; the next would be added at 21.6/s"
    )
    alone = x_labels(replace(alternative, replicas=3, next_replica_rate=None))
    assert alone[0].endswith("AI200 ×2 with 3 replicas")
    many = x_labels(replace(alternative, replicas=16_988, next_replica_rate=None))
    assert many[0].endswith("AI200 ×2 with 16,988 replicas")


@pytest.mark.parametrize(
    ("band", "text"),
    [
        (Banded(0.1, 0.09, 0.11), "±10 %"),
        (Banded(0.03, 0.014, 0.1), "14–100 ms"),
        (Banded(0.03, 0.014, float("inf")), "≥ 14 ms"),
        (Banded(float("nan"), float("nan"), float("nan")), ""),
    ],
)
def test_that_a_lopsided_band_is_given_as_a_range(band: Banded, text: str) -> None:
    assert band_text(band) == text


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (220, 160), (260, 360), (900, 200)])
@pytest.mark.parametrize("infeasible", [(), (0, 1, 2, 3)])
def test_that_any_size_can_be_drawn(plot: TailLatencyPlot, size: tuple[int, int], infeasible: tuple[int, ...]) -> None:
    plot.setMinimumSize(1, 1)
    plot.resize(*size)
    plot.show_outcome(sample_outcome(infeasible=infeasible), 0, sample_outcome())
    plot.show_readout_at(12.0)
    assert plot.grab().size().width() == size[0]


def test_that_the_theme_reaches_ground_lines_and_text(plot: TailLatencyPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.set_tokens(DARK)
    dark = picture(plot)
    assert dark.pixelColor(2, 378) == QColor(DARK.panel)
    assert count_color(dark, DARK.chip(0)) and not count_color(dark, QColor(LIGHT.panel))
    plot.set_tokens(LIGHT)
    assert picture(plot).pixelColor(2, 378) == QColor(LIGHT.panel)


def test_that_it_paints_itself_on_another_painter(plot: TailLatencyPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(), 0)
    image = QImage(1120, 760, QImage.Format.Format_RGB32)
    image.fill(QColor(LIGHT.panel))
    painter = QPainter(image)
    plot.paint(painter, QRectF(0, 0, 1120, 760))
    painter.end()
    assert count_color(image, LIGHT.chip(0)) and count_color(image, LIGHT.chip(2))


@pytest.fixture
def broken() -> Outcome:
    """An outcome whose curves hold a NaN in the middle and whose P99 lies far above the plot."""
    outcome = sample_outcome(alternatives=1)
    alternative = outcome.workloads[0].alternatives[0]
    curve = alternative.curves["tpot"]
    p99 = curve.p99.copy()
    p99[10:14] = np.nan
    curves = {**alternative.curves, "tpot": replace(curve, p99=p99)}
    changed = replace(alternative, curves=curves)
    return replace(outcome, workloads=(replace(outcome.workloads[0], alternatives=(changed,)),))


def test_that_a_gap_in_a_curve_stays_a_gap(plot: TailLatencyPlot, broken: Outcome) -> None:
    plot.show_outcome(broken, 0)
    seconds = plot.values().lines[0].p99_seconds
    assert np.isnan(seconds[10:14]).all() and np.isfinite(seconds[14])
    assert not picture(plot).isNull()


def test_that_an_empty_plot_can_be_shown_before_any_outcome(plot: TailLatencyPlot) -> None:
    assert plot.text_summary() == "Tail latency: nothing evaluated yet"
    assert not picture(plot).isNull()
    plot.show_readout_at(5.0)


def test_that_the_metric_can_be_changed_with_the_arrow_keys(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    word = plot._switch.button("tpot")
    word.setFocus()
    with qtbot.waitSignal(plot.metric_changed) as chosen:
        qtbot.keyClick(word, Qt.Key.Key_Right)
    assert chosen.args == ["itl"]
    assert plot.shown_metric == "itl" and plot._switch.button("itl").hasFocus()
    stops = [
        metric
        for metric in ("ttft", "tpot", "itl", "e2e")
        if plot._switch.button(metric).focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    assert stops == ["itl"]


def pixel(plot: TailLatencyPlot, rate: float, seconds: float) -> QPoint:
    """Where a rate and a latency stand, in pixels of the plot."""
    at = Projection(plot.values().axes, plot.area)
    return QPointF(at.x(rate), at.y(np.log10(seconds))).toPoint()


def test_that_the_own_traffic_is_dragged_along_the_axis(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(request_rate=12.0), 0)
    started, finished = [], []
    plot.drag_started.connect(lambda: started.append(1))
    plot.drag_finished.connect(lambda: finished.append(1))
    dragged: list[float] = []
    plot.request_rate_dragged.connect(dragged.append)
    # Taken hold of a little beside the line: it must not jump there.
    beside = QPoint(5, 0)
    qtbot.mouseMove(plot, pixel(plot, 12.0, 0.012) + beside)
    assert plot.cursor().shape() == Qt.CursorShape.SplitHCursor
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=pixel(plot, 12.0, 0.012) + beside)
    assert started and not dragged
    qtbot.mouseMove(plot, pixel(plot, 20.0, 0.012) + beside)
    assert dragged[-1] == pytest.approx(20.0, abs=0.15)
    assert plot._readout is None
    qtbot.mouseMove(plot, QPoint(-50, 100))
    assert 0 < dragged[-1] < 0.5
    qtbot.mouseMove(plot, QPoint(5000, 100))
    assert dragged[-1] == plot.values().axes.rate.high
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=pixel(plot, 30.0, 0.012))
    assert finished == [1]
    count = len(dragged)
    qtbot.mouseMove(plot, pixel(plot, 33.0, 0.02))
    assert len(dragged) == count
    assert plot.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_that_the_promise_is_dragged_in_seconds_of_the_metric_shown(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(tightest_metric="ttft"), 0)
    dragged: list[tuple[str, float]] = []
    plot.promise_dragged.connect(lambda metric, seconds: dragged.append((metric, seconds)))
    qtbot.mouseMove(plot, pixel(plot, 30.0, 2.0))
    assert plot.cursor().shape() == Qt.CursorShape.SplitVCursor
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=pixel(plot, 30.0, 2.0))
    qtbot.mouseMove(plot, pixel(plot, 30.0, 1.0))
    qtbot.mouseMove(plot, QPoint(200, -500))
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=pixel(plot, 30.0, 1.0))
    assert [metric for metric, _ in dragged] == ["ttft", "ttft"]
    assert dragged[0][1] == pytest.approx(1.0, rel=0.03)
    assert dragged[1][1] == plot.values().axes.latency.high


def test_that_a_line_not_under_the_hand_is_not_moved(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    plot.show_outcome(sample_outcome(objectives={"ttft": 2.0}), 0)
    with qtbot.assertNotEmitted(plot.drag_started), qtbot.assertNotEmitted(plot.promise_dragged):
        # No promise is made for this metric, so there is no line at 50 ms.
        qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=pixel(plot, 30.0, 0.05))
        qtbot.mouseMove(plot, pixel(plot, 30.0, 0.02))
        qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=pixel(plot, 30.0, 0.02))
        qtbot.mousePress(plot, Qt.MouseButton.RightButton, pos=pixel(plot, 12.0, 0.02))


def test_that_a_workload_unchanged_is_not_drawn_anew(plot: TailLatencyPlot) -> None:
    outcome = sample_outcome()
    plot.show_outcome(outcome, 0)
    content = plot._content
    fleet = sample_outcome(designer_shares=(0.4, 0.3, 0.3)).fleet
    plot.show_outcome(replace(outcome, fleet=fleet), 0)
    assert plot._content is content
    plot.show_outcome(replace(outcome, final=True), 0)
    assert plot._content is not None and plot._content.words.notes[0].startswith("closed form ·")
    plot.show_outcome(sample_outcome(), 0)
    assert plot._content is not content


def test_that_the_words_around_the_chart_follow_a_hand_at_a_pace(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    """The curves in every frame; what is told below them ten times a second, and the last word when the hand rests."""

    def words() -> list[object]:
        return [piece.content for piece in plot._pieces if piece.words]

    outcomes = [sample_outcome(request_rate=rate, latency_factor=rate / 10.0) for rate in (10.0, 12.0, 15.0)]
    plot.show_outcome(outcomes[0], 0)
    wanted = []
    for outcome in outcomes:
        plot.show_outcome(outcome, 0)
        wanted.append(words())
    assert len(wanted[0]) == 2 and wanted[0] != wanted[1] != wanted[2]
    plot.show_outcome(outcomes[0], 0)
    plot.set_dragging(True)
    curves = []
    for outcome in outcomes[1:]:
        plot.show_outcome(outcome, 0)
        curves.append(plot.values().lines[0].p99_seconds[0])
    assert curves[0] != curves[1] and words() == wanted[1]
    qtbot.waitUntil(lambda: words() == wanted[2])
    plot.show_outcome(outcomes[0], 0)
    plot.set_dragging(False)
    assert words() == wanted[0]


def test_that_labels_stay_while_their_lines_hardly_move(plot: TailLatencyPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.set_dragging(True)
    before = [(note.text, rect) for note, rect in labels(plot)]
    plot.show_outcome(sample_outcome(latency_factor=1.003), 0)
    assert [(note.text, rect) for note, rect in labels(plot)] == before
    plot.show_outcome(sample_outcome(latency_factor=1.5), 0)
    assert [(note.text, rect) for note, rect in labels(plot)] != before


def test_that_a_change_on_the_screen_is_painted_without_being_asked_for(plot: TailLatencyPlot, qtbot: QtBot) -> None:
    painted: list[QRect] = []

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if isinstance(event, QPaintEvent):
                painted.append(event.rect())
            return False

    plot.show_outcome(sample_outcome(), 0)
    qtbot.waitExposed(plot)
    QApplication.processEvents()
    watch = Watch()
    plot._chart.installEventFilter(watch)
    plot.show_outcome(sample_outcome(latency_factor=1.1), 0)
    QApplication.processEvents()
    assert painted == [plot._chart.rect()]
    plot.show_readout_at(8.0)
    QApplication.processEvents()
    plot.set_tokens(DARK)
    QApplication.processEvents()
    assert len(painted) == 3
    # Nothing has changed.
    shown = plot.showing()
    assert shown is not None
    plot.show_outcome(shown.outcome, 0)
    QApplication.processEvents()
    assert len(painted) == 3
