"""The colour table keeps what it promises to the eye."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QColor, QFontInfo
from pytestqt.qtbot import QtBot

from explorer.plots.fonts import BODY, font, load_fonts
from explorer.plots.tokens import DARK, DASHES, LIGHT, MAX_CHIPS, Tokens, chip_pen, color_fields, contrast

THEMES = pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])


def test_that_contrast_of_black_on_white_is_21() -> None:
    # WCAG 2.2: (1.0 + 0.05) / (0.0 + 0.05)
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21.0)
    assert contrast("#777777", "#777777") == pytest.approx(1.0)


def test_that_contrast_of_the_known_grey_is_just_under_the_limit() -> None:
    # #777777 on white is the textbook example of a near miss: 4.48.
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@THEMES
def test_that_every_text_colour_can_be_read_on_the_panel_and_the_window(tokens: Tokens) -> None:
    for ink in (
        tokens.text,
        tokens.secondary,
        tokens.good,
        tokens.amber,
        tokens.bad,
        tokens.accent,
        *tokens.chips,
    ):
        assert contrast(ink, tokens.panel) >= 4.3, ink
        assert contrast(ink, tokens.window) >= 4.0, ink


@THEMES
def test_that_every_colour_is_written_in_full(tokens: Tokens) -> None:
    for name, color in color_fields(tokens).items():
        assert re.fullmatch(r"#[0-9A-F]{6}", color), name


@THEMES
def test_that_the_four_chips_differ_in_colour_and_in_dash(tokens: Tokens) -> None:
    assert len(set(tokens.chips)) == MAX_CHIPS
    assert len({tuple(chip_pen(tokens, k).dashPattern()) for k in range(MAX_CHIPS)}) == MAX_CHIPS
    assert len(set(DASHES)) == MAX_CHIPS


@THEMES
def test_that_text_on_a_chip_colour_can_be_read(tokens: Tokens) -> None:
    for index, ground in enumerate(tokens.chips):
        assert contrast(tokens.on_chip(index).name(), ground) >= 4.3


@THEMES
def test_that_supplier_tints_fade_with_rank(tokens: Tokens) -> None:
    distances = [contrast(color, tokens.panel) for color in tokens.suppliers]
    assert distances == sorted(distances, reverse=True)
    assert tokens.supplier(99) == QColor(tokens.suppliers[-1])


def test_that_the_shipped_font_is_the_one_drawn_with(qtbot: QtBot) -> None:
    assert load_fonts().startswith("Inter")
    assert QFontInfo(font(BODY)).family().startswith("Inter")
    assert QFontInfo(font(BODY, semibold=True)).weight() == 600


def test_that_figures_are_tabular(qtbot: QtBot) -> None:
    from PySide6.QtGui import QFontMetricsF

    metrics = QFontMetricsF(font(BODY))
    assert metrics.horizontalAdvance("1111") == pytest.approx(metrics.horizontalAdvance("0888"))
