"""The win map drawn: colours of the compared, names on regions, paler where less sure; and in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from explorer.plots.tokens import DARK, LIGHT, Tokens
from explorer.plots.win_map_colors import ground_of, map_image, patterns_of
from explorer.plots.win_map_outlines import outline_labels
from explorer.plots.win_map_picture import map_frame, region_labels
from explorer.plots.win_map_plot import WinMapPlot
from explorer.study.win_map_record import MapContestant, WinMap
from explorer.study.win_map_words import cell_words, map_rows, outlined_words, present_cell, shares_of, summary

COLUMNS, ROWS = 20, 16
AREA = QRectF(0, 0, 800, 480)


def contestant(chip: str, alternative: int | None, reachable: bool = True) -> MapContestant:
    """A chip of the map."""
    note = "" if reachable else f"{chip}: claimed, unconfirmed"
    return MapContestant(chip.lower(), chip, "card", "AWS", alternative, reachable, note)


@pytest.fixture
def found() -> WinMap:
    """Left half Alpha, right half Gamma (not compared), nobody in the lowest rows; Beta would win the top right."""
    winner = np.zeros((COLUMNS, ROWS), dtype=np.int16)
    winner[COLUMNS // 2 :] = 2
    winner[:, :4] = -1
    would = winner.copy()
    would[15:, 12:] = 1
    nobody = winner < 0
    usd = np.where(nobody, np.inf, 1000.0)
    return WinMap(
        across="size",
        up="tpot",
        workload=0,
        x=np.geomspace(1.0, 400.0, COLUMNS),
        y=np.geomspace(0.005, 0.4, ROWS),
        present=(float(np.geomspace(1.0, 400.0, COLUMNS)[4]), 0.05),
        contestants=(contestant("Alpha", 0), contestant("Beta", 1, False), contestant("Gamma", None)),
        left_out={"Delta": "cannot be had where you buy"},
        winner=winner,
        runner_up=np.where(nobody, -1, 2 - winner).astype(np.int16),
        would_win=would,
        usd_per_month=usd,
        runner_up_usd=np.where(nobody, np.inf, 1250.0),
        probability=np.linspace(0.0, 1.0, COLUMNS * ROWS).reshape(COLUMNS, ROWS),
        chips=np.where(nobody, 0, 8),
        degree=np.where(nobody, 0, 2),
        closest=np.zeros((COLUMNS, ROWS), dtype=np.int16),
        shortfall=np.full((COLUMNS, ROWS), np.log(3.0)),
        short_of=np.ones((COLUMNS, ROWS), dtype=np.int16),
        metrics=("ttft", "tpot"),
        samples=64,
        price_basis="cost_plus",
        share_known=1.0,
        done=True,
    )


def test_that_a_cell_says_winner_margin_and_how_sure(found: WinMap) -> None:
    words = cell_words(found, 12, 10)
    assert "Gamma ×2 is cheapest" in words and "8 cards" in words and "next: Alpha, 25 % dearer" in words
    assert f"{float(found.probability[12, 10]):.0%}".replace("%", " %") in words.replace(" ", " ")


def test_that_a_cell_nobody_wins_says_why(found: WinMap) -> None:
    words = cell_words(found, 3, 1)
    assert "nobody" in words and "Alpha comes closest" in words and "time per token 3 times as long" in words
    hopeless = replace(found, closest=np.full((COLUMNS, ROWS), -1))
    assert "no chip within reach holds the model" in cell_words(hopeless, 3, 1)
    dark = replace(found, shortfall=np.zeros((COLUMNS, ROWS)))
    assert "power limit" in cell_words(dark, 3, 1)


def test_that_a_cell_says_who_would_win_could_it_be_had(found: WinMap) -> None:
    assert "Beta would win, could it be had" in cell_words(found, 17, 14)
    assert "could it be had" not in cell_words(found, 2, 14)


def test_that_the_summary_speaks_of_shares_and_of_the_present_point(found: WinMap) -> None:
    text = summary(found)
    for name, share in (("Alpha", "38 %"), ("nobody", "25 %")):
        assert name in text and share in text.replace("\u202f", " ").replace("\xa0", " ")
    assert "Present point" in text and "Alpha ×2" in text
    assert sum(share for _, share in shares_of(found)) == pytest.approx(1.0)
    assert present_cell(replace(found, present=(None, 0.05))) is None


def test_that_the_table_has_a_row_a_cell(found: WinMap) -> None:
    header, *rows = list(map_rows(found))
    assert len(rows) == COLUMNS * ROWS and all(len(row) == len(header) for row in rows)
    lost = [row for row in rows if row[2] == ""]
    assert len(lost) == 4 * COLUMNS and all(row[-1] for row in lost)


@pytest.mark.parametrize("tokens", [LIGHT, DARK])
def test_that_compared_chips_have_their_colours_and_others_grey(found: WinMap, tokens: Tokens) -> None:
    assert ground_of(found, 0, tokens) == tokens.chip(0)
    grey = ground_of(found, 2, tokens)
    assert grey.name().upper() in [one.upper() for one in tokens.suppliers]
    sure = map_image(replace(found, probability=np.ones((COLUMNS, ROWS))), tokens)
    assert sure.pixelColor(0, 0) == tokens.chip(0)
    assert sure.pixelColor(COLUMNS - 1, 0) == grey
    assert sure.pixelColor(0, ROWS - 1) == QColor(tokens.window)


def test_that_chips_that_are_not_compared_are_told_apart_without_lightness(found: WinMap, qtbot: QtBot) -> None:
    winner = found.winner.copy()
    winner[15:, 8:] = 3
    winner[15:, 14:] = 4
    others = (*found.contestants, contestant("Delta", None), contestant("Epsilon", None))
    several = replace(found, winner=winner, contestants=others)
    assert len({ground_of(several, at, LIGHT).name() for at in (2, 3, 4)}) == 1
    patterns = patterns_of(several)
    assert set(patterns) == {2, 3, 4} and len(set(patterns.values())) == 3
    assert patterns[2] == Qt.BrushStyle.NoBrush, "the largest region is plain"
    # lines of a pattern stand on the region, as sure all over
    sure = replace(several, probability=np.ones((COLUMNS, ROWS)), present=(None, None))
    plot = WinMapPlot()
    qtbot.addWidget(plot)
    plot.resize(900, 520)
    plot.show_map(sure, "")
    picture = plot.grab().toImage()
    corners = plot.cell_place(15, 9), plot.cell_place(18, 12)
    shades = {
        picture.pixelColor(x, y).name()
        for x in range(int(corners[0].x()), int(corners[1].x()))
        for y in range(int(corners[1].y()), int(corners[0].y()))
    }
    assert len(shades) >= 2


def test_that_an_axis_of_sizes_names_its_family(found: WinMap) -> None:
    named = replace(found, family="Llama 3.1 70B")
    assert map_frame(named, AREA).x.title == "Model size, family of Llama 3.1 70B"
    assert "model size, family of Llama 3.1 70B" in summary(named)


def test_that_less_sure_is_paler(found: WinMap) -> None:
    def off_ground(color: QColor) -> float:
        panel = QColor(LIGHT.panel)
        pairs = zip(color.getRgb()[:3], panel.getRgb()[:3], strict=True)  # type: ignore[index, call-overload]
        return float(sum(abs(a - b) for a, b in pairs))

    image = map_image(found, LIGHT)
    left = [off_ground(image.pixelColor(column, 0)) for column in range(COLUMNS // 2)]
    assert left == sorted(left) and left[0] < left[-1]


def test_that_names_stand_on_their_own_regions(found: WinMap, qtbot: QtBot) -> None:
    area = map_frame(found, AREA).area
    labels = region_labels(found, area)
    assert {label.text for label in labels} == {"Alpha", "Gamma", "nobody"}
    for label in labels:
        for corner in (label.place.topLeft(), label.place.bottomRight()):
            column = min(int((corner.x() - area.left() - 0.01) / area.width() * COLUMNS), COLUMNS - 1)
            row = min(int((area.bottom() - corner.y() - 0.01) / area.height() * ROWS), ROWS - 1)
            assert found.winner[max(column, 0), max(row, 0)] == label.contestant
    for label in labels:
        for other in labels:
            assert label is other or not label.place.intersects(other.place)


@pytest.mark.parametrize("size", [(340, 240), (900, 520)])
def test_that_the_plot_draws_itself_and_finds_its_cells(found: WinMap, size: tuple[int, int], qtbot: QtBot) -> None:
    plot = WinMapPlot()
    qtbot.addWidget(plot)
    plot.resize(*size)
    plot.show_map(None, "Computing …")
    assert "Computing" in plot.text_summary() and plot.showing() is None and plot.value_rows() is None
    plot.show_map(found, "70B chat")
    plot.set_outlined(True)
    plot.show()
    assert not plot.grab().isNull()
    for cell in ((0, 0), (COLUMNS - 1, ROWS - 1), (7, 9)):
        assert plot.cell_at(plot.cell_place(*cell)) == cell
    assert plot.cell_at(QPointF(2.0, 2.0)) is None


def test_that_what_cannot_be_had_is_outlined_named_and_told(found: WinMap, qtbot: QtBot) -> None:
    line = "Beta would win 6.2 % of the cells, around 213B, 0.22 s"
    assert outlined_words(found) == (line,)
    nowhere = replace(found, would_win=found.winner)
    assert outlined_words(nowhere) == ("Beta would win nowhere here",)
    frame = map_frame(found, AREA)
    ((text, place),) = outline_labels(frame, found)
    assert text == "Beta would win" and frame.area.contains(place) and outline_labels(frame, nowhere) == []
    plot = WinMapPlot()
    qtbot.addWidget(plot)
    plot.resize(800, 480)
    plot.show_map(found, "")
    plain = plot.grab().toImage()
    assert line not in plot.text_summary()
    plot.set_outlined(True)
    assert line in plot.text_summary() and plot.grab().toImage() != plain


def test_that_keys_move_over_the_cells_and_take_one(found: WinMap, qtbot: QtBot) -> None:
    plot = WinMapPlot()
    qtbot.addWidget(plot)
    plot.resize(800, 480)
    plot.show_map(found, "")
    start = present_cell(found)
    assert start is not None
    qtbot.keyClick(plot, Qt.Key.Key_Right)
    qtbot.keyClick(plot, Qt.Key.Key_Up)
    assert plot.looked_at == (start[0] + 1, start[1] + 1)
    assert "cheapest" in plot.accessibleDescription()
    with qtbot.waitSignal(plot.cell_chosen) as chosen:
        qtbot.keyClick(plot, Qt.Key.Key_Return)
    assert chosen.args == [start[0] + 1, start[1] + 1]
    for _ in range(50):
        qtbot.keyClick(plot, Qt.Key.Key_Left)
    assert plot.looked_at is not None and plot.looked_at[0] == 0
