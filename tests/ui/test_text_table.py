"""Tables of texts: columns fit the width there is, long texts are cut and told in full by their tips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from explorer.plots.tokens import LIGHT
from explorer.ui import theme
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.money_page import LEAST_COLUMN, TextTable, widths_within

HEADINGS = (("Figure", "what"), ("Used", "how much"), ("Why", "because"))
LONG = "a reason of many words that no column of any window can hold in a single line without being cut somewhere " * 2


@given(st.lists(st.integers(20, 900), min_size=1, max_size=12), st.integers(200, 2400), st.booleans())
def test_that_columns_never_ask_for_more_than_there_is_nor_less_than_can_be_read(
    natural: list[int], available: int, even: bool
) -> None:
    found = widths_within(natural, available, even=even)
    if sum(natural) <= available:
        assert all(width >= asked for width, asked in zip(found, natural, strict=True))
        assert sum(found) <= available
        return
    assert all(min(asked, LEAST_COLUMN) <= width <= asked for width, asked in zip(found, natural, strict=True))
    assert sum(found) <= max(available, LEAST_COLUMN * len(natural))
    # only the widest are cut, and all of those to about the same width
    cut = [width for width, asked in zip(found, natural, strict=True) if width < asked]
    assert max(cut) - min(cut) <= 1 or min(cut) == LEAST_COLUMN


@given(
    st.lists(st.tuples(st.integers(20, 300), st.booleans(), st.integers(0, 120)), min_size=1, max_size=12),
    st.integers(200, 2400),
)
def test_that_texts_give_way_then_headings_and_figures_never(
    columns: list[tuple[int, bool, int]], available: int
) -> None:
    figures = {at: needed for at, (needed, is_figure, _) in enumerate(columns) if is_figure}
    natural = [needed + heading for needed, _, heading in columns]
    found = widths_within(natural, available, even=False, figures=figures)
    assert all(found[at] >= needed for at, needed in figures.items())
    texts = [at for at in range(len(columns)) if at not in figures]
    if any(found[at] < natural[at] for at in figures):
        assert all(found[at] <= LEAST_COLUMN or found[at] == natural[at] for at in texts)


@pytest.mark.parametrize("width", [420, 700, 1400])
def test_that_a_figure_that_gets_longer_is_never_cut_and_its_column_stays_as_wide(qtbot: QtBot, width: int) -> None:
    table = TextTable("grows", "A table whose figures grow", last_texts=1)
    qtbot.addWidget(table)
    table.resize(width, 200)
    table.show()
    table.show_rows(HEADINGS, [["Capacity", "$1", LONG]])
    table.show_rows(HEADINGS, [["Capacity", "$240k → $1.25M", LONG]])
    wide = table.columnWidth(1)
    assert wide >= table.sizeHintForColumn(1)
    table.show_rows(HEADINGS, [["Capacity", "$2", LONG]])
    assert table.columnWidth(1) == wide


@pytest.mark.parametrize("width", [420, 700, 1400])
def test_that_no_table_scrolls_sideways_and_what_is_cut_stands_in_its_tip(qtbot: QtBot, width: int) -> None:
    table = TextTable("long", "A table with long texts", 99)
    qtbot.addWidget(table)
    table.resize(width, 200)
    table.show()
    table.show_rows(HEADINGS, [["Memory bandwidth", "3.54 TB/s", LONG]])
    assert not table.horizontalScrollBar().isVisible()
    assert table.horizontalScrollBar().maximum() == 0
    assert table.model().index(0, 2).data(Qt.ItemDataRole.ToolTipRole) == LONG
    table.resize(width + 200, 200)
    assert table.horizontalScrollBar().maximum() == 0


def test_that_figures_at_the_end_do_not_stand_far_from_the_others(qtbot: QtBot) -> None:
    table = TextTable("figures", "A table of figures")
    qtbot.addWidget(table)
    table.resize(900, 200)
    table.show()
    headings = tuple((name, name) for name in ("choice", "worst", "mean", "tail"))
    table.show_rows(headings, [["AI200", "$158k", "$74k", "$109k"]])
    widths = [table.columnWidth(at) for at in range(4)]
    assert max(widths) < 1.6 * min(widths)
    assert sum(widths) == pytest.approx(table.viewport().width(), abs=4)


def test_that_a_change_leaves_what_is_chosen_and_is_told_of_alone(qtbot: QtBot) -> None:
    table = TextTable("chosen", "A table that follows")
    qtbot.addWidget(table)
    rows = [["AI200", "$1", "dear"], ["H200", "$2", "dearer"], ["GB200", "$3", "dearest"]]
    table.show_rows(HEADINGS, rows)
    table.selectRow(1)
    told: list[tuple[int, int, int]] = []
    table.texts.dataChanged.connect(lambda first, last: told.append((first.row(), first.column(), last.column())))
    assert not table.show_rows(HEADINGS, [*rows[:2], ["GB200", "$4", "dearest"]])
    assert told == [(2, 1, 1)]
    assert [index.row() for index in table.selectionModel().selectedRows()] == [1]
    table.show_rows(HEADINGS, rows[:2])
    assert table.texts.rowCount() == 2


def test_that_texts_and_figures_stand_beneath_their_headings(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp, LIGHT)
    table = TextTable("painted", "A table in line", last_texts=1)
    qtbot.addWidget(table)
    table.resize(500, 160)
    table.show()
    table.show_rows((("Hour", ""), ("$/H", ""), ("Low", "")), [["House", "$/H", LONG], ["Price", "$2", "Laid"]])
    header, cells = inked(table.horizontalHeader()), inked(table.viewport())
    first, second = (
        slice(table.rowViewportPosition(row), table.rowViewportPosition(row) + table.rowHeight(row)) for row in (0, 1)
    )
    for column, right in enumerate((False, True, False)):
        left = table.columnViewportPosition(column)
        own = slice(left, left + table.columnWidth(column))
        title, text = header[:, own].any(axis=0), cells[first, own].any(axis=0)
        end = -1 if right else 0
        assert np.flatnonzero(title)[end] == pytest.approx(np.flatnonzero(text)[end], abs=1)
        assert not text[:4].any() and not text[-4:].any(), "a text keeps clear of its neighbours, a cut one too"
        assert cells[second, own].any()


def test_that_a_chosen_row_stands_on_a_ground_of_its_own(qtbot: QtBot, qapp: QApplication) -> None:
    theme.apply(qapp, LIGHT)
    table = TextTable("ground", "A table with a chosen row")
    qtbot.addWidget(table)
    table.resize(500, 160)
    table.show()
    table.show_rows(HEADINGS, [["AI200", "$1", "dear"], ["H200", "$2", "dearer"]])
    table.selectRow(1)
    image = table.viewport().grab().toImage()
    grounds = [image.pixelColor(1, table.rowViewportPosition(row) + 3) for row in (0, 1)]
    assert grounds == [QColor(LIGHT.panel), QColor(LIGHT.accent_wash)]


def inked(widget: QWidget) -> np.ndarray:
    """Where a widget's picture is dark, (rows, columns)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    grey = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return grey[:, : image.width()] < 150


def test_that_the_eye_sees_what_the_model_says(window: MainWindow) -> None:
    model = window.compare.model
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            index, cell = model.index(row, column), model.cell(row, column)
            assert cell.text == model.data(index)
            side = model.data(index, Qt.ItemDataRole.TextAlignmentRole)
            assert cell.right == bool(side & Qt.AlignmentFlag.AlignRight)
            assert cell.color == model.data(index, Qt.ItemDataRole.ForegroundRole)
            assert cell.is_chosen == (model.data(index, Qt.ItemDataRole.BackgroundRole) is not None)
            assert (cell.picture is None) == (model.data(index, Qt.ItemDataRole.DecorationRole) is None)
