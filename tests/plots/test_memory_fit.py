"""The memory plot: what fits, what does not, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from explorer.plots.lettering import elided, in_parts, text_width, wrapped
from explorer.plots.memory_bars import MemoryBar, Sentences, sentences_of, slot_words
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.memory_words import one_unit, read_text, room_text, use_text
from explorer.plots.tokens import DARK, LIGHT
from explorer.study.banded import Banded
from explorer.study.outcome import ReadTime
from tests.sample_outcome import sample_outcome

Count = Callable[..., int]


@pytest.fixture
def plot(qtbot: QtBot) -> MemoryFitPlot:
    made = MemoryFitPlot()
    qtbot.addWidget(made)
    made.resize(260, 360)
    return made


def test_that_a_bar_is_made_of_the_outcome_s_bytes(plot: MemoryFitPlot) -> None:
    outcome = sample_outcome()
    plot.show_outcome(outcome, 0)
    for bar, alternative in zip(plot.values(), outcome.workloads[0].alternatives, strict=True):
        memory = alternative.memory
        assert bar.full == memory.capacity
        assert bar.weights * bar.full == pytest.approx(memory.weights)
        assert bar.kv * bar.full == pytest.approx(memory.kv)
        assert bar.kv_at_cap * bar.full == pytest.approx(memory.kv_at_cap)
        assert bar.usable == pytest.approx(0.92)


def test_that_a_larger_model_fills_more_of_every_chip(plot: MemoryFitPlot) -> None:
    plot.show_outcome(sample_outcome(parameters=70e9), 0)
    small, before = plot.values(), plot.grab().toImage()
    plot.show_outcome(sample_outcome(parameters=140e9), 0)
    large, after = plot.values(), plot.grab().toImage()
    assert all(b.weights > a.weights for a, b in zip(small, large, strict=True))
    assert before != after


def test_that_a_larger_batch_cap_moves_the_outline_only(plot: MemoryFitPlot) -> None:
    plot.show_outcome(sample_outcome(max_batch=64), 0)
    first = plot.values()[0]
    plot.show_outcome(sample_outcome(max_batch=512), 0)
    second = plot.values()[0]
    assert second.kv_at_cap > first.kv_at_cap
    assert (second.weights, second.kv, second.other) == (first.weights, first.kv, first.other)


def test_that_what_does_not_fit_says_by_how_much_and_what_would_help(plot: MemoryFitPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(infeasible=(0,), alternatives=2), 0)
    bar = plot.values()[0]
    assert not bar.fits
    said = sentences_of(sample_outcome(infeasible=(0,), alternatives=2).workloads[0].alternatives)
    assert said[0].below == "does not fit: 411 GB short"
    assert bar.full > 768e9
    assert bar.usable < bar.weights
    words = plot.text_summary()
    assert "does not fit: 411 GB short; fits on 8 cards or with 4-bit weights" in words
    assert count_color(plot.grab().toImage(), LIGHT.bad) > 100
    plot.show_outcome(sample_outcome(alternatives=2), 0)
    assert count_color(plot.grab().toImage(), LIGHT.bad) == 0


def test_that_use_is_told_in_the_unit_of_the_chip() -> None:
    alternatives = sample_outcome(parameters=70.6e9).workloads[0].alternatives
    assert use_text(alternatives[0]) == "42 of 768 GB a card"
    assert use_text(alternatives[1]) == "41 of 141 GB a GPU"
    assert use_text(alternatives[2]) == "23 of 96 GB a chip"
    large = replace(alternatives[0], memory=replace(alternatives[0].memory, weights=1.2e12, capacity=2e12))
    assert use_text(large) == "1,207 of 2,000 GB a card"


@pytest.mark.parametrize(
    ("noun", "one"), [("cards", "card"), ("GPUs", "GPU"), ("chip", "chip"), ("TPUs", "TPU"), ("", "")]
)
def test_that_a_unit_noun_is_put_in_the_singular(noun: str, one: str) -> None:
    assert one_unit(noun) == one


def test_that_both_readings_of_a_disputed_bandwidth_are_told() -> None:
    both = (ReadTime("vendor", 0.008), ReadTime("sceptic", 0.033))
    assert read_text(both) == "step read 8 or 33 ms"
    assert read_text((ReadTime("", 0.012),)) == "step read 12 ms"
    assert read_text((ReadTime("a", 0.05), ReadTime("b", 0.2))) == "step read 50 ms or 0.2 s"
    assert read_text((ReadTime("a", 0.05), ReadTime("b", 0.05))) == "step read 50 ms"
    assert read_text(()) == "step read not known"
    memory = replace(sample_outcome().workloads[0].chosen.memory, max_batch=1710, read_times=both)
    assert room_text(memory) == "batch up to 1,710 · step read 8 or 33 ms"


def test_that_the_tooltip_speaks_of_the_alternative_under_the_pointer(plot: MemoryFitPlot) -> None:
    assert plot.tip_at(QPointF(100, 60)) == ""
    plot.show_outcome(sample_outcome(infeasible=(3,)), 0)
    plot.grab()
    assert plot.tip_at(QPointF(100, 60)).startswith("AI200 ×2: 42 of 768 GB a card")
    assert "fits on 4 GPUs or with 4-bit weights" in plot.tip_at(QPointF(100, 280))
    assert plot.tip_at(QPointF(100, 5)) == ""


def test_that_parts_of_a_sentence_stay_whole(qtbot: QtBot) -> None:
    text = "batch up to 1,710 · step read 8 or 33 ms"
    assert in_parts(text, 400.0, 2) == [text]
    assert in_parts(text, 150.0, 2) == text.split(" · ")
    assert in_parts(text, 150.0, 1) == ["batch up to 1,710"]
    assert all(text_width(line) <= 60.0 for line in in_parts(text, 60.0, 2))


def test_that_a_note_is_said_in_full_or_not_at_all(plot: MemoryFitPlot) -> None:
    outcome = sample_outcome(alternatives=1)
    alternative = outcome.workloads[0].alternatives[0]
    noted = replace(alternative, memory=replace(alternative.memory, note="needs tensor parallelism on the card"))
    changed = replace(outcome, workloads=(replace(outcome.workloads[0], alternatives=(noted,)),))
    plot.show_outcome(outcome, 0)
    without = plot.grab().toImage()
    plot.show_outcome(changed, 0)
    assert plot.grab().toImage() != without
    assert "needs tensor parallelism on the card" in plot.text_summary()
    plot.setMinimumSize(1, 1)
    plot.resize(260, 70)
    low = plot.grab().toImage()
    plot.show_outcome(outcome, 0)
    assert plot.grab().toImage() == low


def test_that_the_summary_is_the_accessible_description(plot: MemoryFitPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    assert plot.accessibleDescription() == plot.text_summary()
    assert "AI200 ×2: 42 of 768 GB a card, usable 707 GB" in plot.text_summary()
    assert plot.accessibleName() and plot.objectName() == "memory-fit"


@pytest.mark.parametrize("size", [(1, 1), (30, 20), (160, 120), (260, 360), (1000, 90), (120, 900)])
@pytest.mark.parametrize("infeasible", [(), (0, 2)])
@pytest.mark.parametrize("alternatives", [1, 4])
def test_that_any_size_can_be_drawn(
    plot: MemoryFitPlot, size: tuple[int, int], infeasible: tuple[int, ...], alternatives: int
) -> None:
    plot.setMinimumSize(1, 1)
    plot.resize(*size)
    plot.show_outcome(sample_outcome(infeasible=infeasible, alternatives=alternatives), 0)
    assert plot.grab().size().width() == size[0]


def test_that_the_theme_reaches_the_picture(plot: MemoryFitPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.set_tokens(DARK)
    image = plot.grab().toImage()
    assert image.pixelColor(1, 1) == QColor(DARK.panel)
    assert count_color(image, DARK.chips[1]) > 100
    assert count_color(image, LIGHT.panel) == 0


def test_that_it_paints_at_a_place_on_another_painter(plot: MemoryFitPlot, count_color: Count) -> None:
    plot.show_outcome(sample_outcome(), 0)
    image = QImage(800, 600, QImage.Format.Format_RGB32)
    image.fill(QColor("#123456"))
    painter = QPainter(image)
    plot.paint(painter, QRectF(400, 300, 400, 300))
    painter.end()
    assert count_color(image.copy(400, 300, 400, 300), LIGHT.chips[0]) > 20
    assert count_color(image.copy(0, 0, 395, 600), "#123456", 0) == 395 * 600


def test_that_a_plot_without_an_outcome_says_so(plot: MemoryFitPlot) -> None:
    assert plot.text_summary() == "Memory fit: nothing evaluated yet"
    assert plot.values() == ()
    assert not plot.grab().isNull()


def test_that_text_is_cut_to_its_room_and_not_beyond(qtbot: QtBot) -> None:
    text = "does not fit: 411 GB short; fits on 8 cards or with 4-bit weights"
    for width in (0.0, 3.0, 40.0, 120.0, 200.0):
        assert text_width(elided(text, width)) <= width
        lines = wrapped(text, width, 3)
        assert len(lines) <= 3
        assert all(text_width(line) <= width for line in lines)
    assert elided(text, 2000.0) == text
    assert " ".join(wrapped(text, 160.0, 9)) == text
    assert wrapped(text, 100.0, 0) == []


def test_that_what_the_cache_may_take_is_soft_and_the_believed_value_a_line(plot: MemoryFitPlot) -> None:
    outcome = sample_outcome(alternatives=1)
    workload = outcome.workloads[0]
    one = workload.alternatives[0]
    memory = replace(one.memory, kv=100e9, kv_at_cap=300e9, kv_band=Banded(100e9, 40e9, 260e9, 110e9))
    open_ended = replace(outcome, workloads=(replace(workload, alternatives=(replace(one, memory=memory),)),))
    plot.show_outcome(outcome, 0)
    sharp = plot.grab().toImage()
    assert plot.values()[0].kv_range is None
    plot.show_outcome(open_ended, 0)
    soft = plot.grab().toImage()
    bar = plot.values()[0]
    assert bar.kv_range == pytest.approx((40 / 768, 260 / 768))
    start = bar.weights + bar.other

    def ink(image: QImage, share: float) -> QColor:
        return image.pixelColor(round((start + share) * (plot.width() - 1)), 55)

    inside, beyond = ink(soft, 240 / 768), ink(soft, 330 / 768)
    assert ink(soft, 20 / 768) != inside != beyond
    assert beyond == ink(sharp, 330 / 768)
    assert "KV cache 100 GB [40–260 GB in 9 of 10 draws]" in plot.text_summary()
    assert "in 9 of 10 draws" in plot.tip_at(QPointF(20, 60))


def test_that_a_band_narrower_than_a_pixel_is_not_drawn_but_told(plot: MemoryFitPlot) -> None:
    outcome = sample_outcome(alternatives=1)
    workload = outcome.workloads[0]
    memory = replace(workload.alternatives[0].memory, kv=1e9, kv_band=Banded(1e9, 0.5e9, 2e9))
    narrow = replace(workload.alternatives[0], memory=memory)
    plot.show_outcome(replace(outcome, workloads=(replace(workload, alternatives=(narrow,)),)), 0)
    assert plot.values()[0].kv_range is None
    assert "[0.5–2 GB in 9 of 10 draws]" in plot.text_summary()


def test_that_a_capacity_that_may_be_larger_lengthens_the_bar(plot: MemoryFitPlot) -> None:
    outcome = sample_outcome(alternatives=1)
    workload = outcome.workloads[0]
    memory = workload.alternatives[0].memory
    larger = replace(memory, usable_band=Banded(memory.usable, memory.usable, 1.25 * memory.usable))
    changed = replace(workload, alternatives=(replace(workload.alternatives[0], memory=larger),))
    plot.show_outcome(replace(outcome, workloads=(changed,)), 0)
    bar = plot.values()[0]
    assert bar.full == pytest.approx(1.25 * memory.capacity)
    assert bar.usable_range == pytest.approx((0.8 * 0.92, 0.92))


def test_that_a_long_name_gives_way_before_the_figures_beside_it(qtbot: QtBot) -> None:
    name, use = "H200 latency tuned ×2", "44 of 141 GB a GPU"
    assert slot_words(400.0, name, use) == (name, use)
    wide = text_width(name, semibold=True) + text_width("44 of 141 GB") + 12.0
    assert slot_words(wide, name, use) == (name, "44 of 141 GB")
    cut, kept = slot_words(wide - 40.0, name, use)
    assert kept == "44 of 141 GB" and cut.endswith("…")


def test_that_bars_follow_a_hand_at_once_and_sentences_at_a_pace(plot: MemoryFitPlot, qtbot: QtBot) -> None:
    """A line that changes sixty times a second is not read; what stands when the hand rests is of the last answer."""

    def shown() -> tuple[list[object], list[object]]:
        of = {kind: [piece.content[0] for piece in plot._pieces if piece.content and isinstance(piece.content[0], kind)]
              for kind in (MemoryBar, Sentences)}  # fmt: skip
        return of[MemoryBar], of[Sentences]

    sizes = [sample_outcome(parameters=billion * 1e9) for billion in (70, 100, 140)]
    said = [sentences_of(outcome.workloads[0].alternatives) for outcome in sizes]
    assert said[0] != said[1] != said[2]
    plot.show()
    plot.show_outcome(sizes[0], 0)
    plot.set_dragging(True)
    bars = []
    for outcome in sizes:
        plot.show_outcome(outcome, 0)
        bars.append(shown()[0])
    assert bars[0] != bars[1] != bars[2]
    assert tuple(shown()[1]) == said[0]
    qtbot.waitUntil(lambda: tuple(shown()[1]) == said[2])
    plot.show_outcome(sizes[1], 0)
    plot.set_dragging(False)
    assert tuple(shown()[1]) == said[1]
    # at rest, each at once
    plot.show_outcome(sizes[0], 0)
    assert tuple(shown()[1]) == said[0]


def test_that_what_no_longer_fits_is_said_at_once(plot: MemoryFitPlot) -> None:
    plot.show_outcome(sample_outcome(), 0)
    plot.set_dragging(True)
    plot.show_outcome(sample_outcome(infeasible=(3,)), 0)
    words = [piece.content[0] for piece in plot._pieces if piece.content and isinstance(piece.content[0], Sentences)]
    assert words[3].below.startswith("does not fit")
    plot.set_dragging(False)
