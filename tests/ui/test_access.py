"""Access: every control is reached by Tab, has a name and something to say, shows its focus, and can be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QCheckBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)

from explorer.plots.tokens import DARK, LIGHT, Tokens, contrast
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.controls.track import Track
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.page_book import PAGES
from explorer.ui.theme import apply

CONTROLS = (
    QAbstractButton,
    QLineEdit,
    QAbstractSlider,
    QAbstractItemView,
    QTabBar,
    QComboBox,
    QPlainTextEdit,
)
NOT_CONTROLS = (QScrollBar, QHeaderView)


def controls(window: QWidget) -> list[QWidget]:
    """Everything that can be operated, as far as it is shown and enabled."""
    return [
        one
        for one in window.findChildren(QWidget)
        if isinstance(one, CONTROLS) and not isinstance(one, NOT_CONTROLS) and one.isVisible() and one.isEnabled()
    ]


def walk(window: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> Iterator[QWidget]:
    """The widgets that Tab leads to, until it is round."""
    start = QApplication.focusWidget()
    assert start is not None
    yield start
    for _ in range(600):
        QTest.keyClick(QApplication.focusWidget() or window, key)
        here = QApplication.focusWidget()
        assert here is not None
        if here is start:
            return
        yield here
    raise AssertionError("Tab does not come round")


def spoken(widget: QWidget) -> str:
    """What a screen reader is told: name, then value."""
    interface = QAccessible.queryAccessibleInterface(widget)
    name, value = (interface.text(which) for which in (QAccessible.Text.Name, QAccessible.Text.Value))
    return f"{name}: {value}" if value else name


def described(widget: QWidget) -> str:
    """A widget as an error message calls it."""
    above = widget.parent()
    return f"{type(widget).__name__} '{widget.objectName()}' in {type(above).__name__}"


@pytest.fixture(params=["alternatives", "scenarios", "message", "start page", *(kind.key for kind in PAGES)])
def state(request: pytest.FixtureRequest, window: MainWindow) -> MainWindow:
    """The window in each of its states that has controls of its own."""
    if request.param == "start page":
        window.show_start([Path("plans/next-year.toml")])
    elif request.param == "message":
        window.messages.show_message("A first line\nand a second one")
        window.messages.more.setChecked(True)
    elif request.param in ("alternatives", "scenarios"):
        window.compare.show_mode(request.param)
    else:
        window.show_page(request.param)
    window.activateWindow()
    if request.param != "start page":
        window.panel.model.size_slider.track.setFocus()
    QApplication.processEvents()
    return window


def test_that_tab_reaches_every_control_and_comes_round(state: MainWindow) -> None:
    reached = set(walk(state))
    # An exclusive group is one stop: the arrows lead on from the chosen one.
    for one in [one for one in reached if isinstance(one, QAbstractButton) and one.group() is not None]:
        reached |= {button for button in one.group().buttons() if one.group().exclusive() and one.isChecked()}
    missed = [f"{described(one)} {spoken(one)}" for one in controls(state) if one not in reached]
    assert not missed, missed


def test_that_whatever_takes_the_focus_has_a_name(state: MainWindow) -> None:
    nameless = [described(one) for one in walk(state) if not spoken(one).strip()]
    assert not nameless, nameless


def test_that_shift_tab_goes_the_same_way_back(window: MainWindow) -> None:
    window.activateWindow()
    window.panel.model.size_slider.track.setFocus()
    there = list(walk(window))
    back = list(walk(window, Qt.Key.Key_Backtab))
    assert set(there) == set(back)


def test_that_a_screen_reader_is_told_the_value_of_every_slider(window: MainWindow) -> None:
    for slider in window.panel.findChildren(ParameterSlider):
        if slider.isVisible():
            assert slider.box.text() and spoken(slider.track).startswith(f"{slider.title}, {slider.box.text()}")
            assert slider.title in spoken(slider.box) and slider.box.text() in spoken(slider.box)
            told = QAccessible.queryAccessibleInterface(slider.track).text(QAccessible.Text.Description)
            assert len(told) > 15, f"{slider.objectName()} does not say what it means"


def test_that_the_spoken_value_follows_the_keys(window: MainWindow) -> None:
    slider = window.panel.serving.batch
    before = spoken(slider.track)
    slider.track.setFocus()
    QTest.keyClick(slider.track, Qt.Key.Key_PageUp)
    assert spoken(slider.track) != before and slider.box.text() in spoken(slider.track)


def test_that_choices_say_whether_they_are_taken(window: MainWindow) -> None:
    segments = [one for one in window.findChildren(QAbstractButton) if one.isCheckable() and one.isVisible()]
    assert len(segments) > 10
    for one in segments:
        state = QAccessible.queryAccessibleInterface(one).state()
        assert bool(state.checkable) and bool(state.checked) == one.isChecked(), described(one)
    assert any(isinstance(one, QCheckBox) for one in segments)


def test_that_tiles_plots_and_tables_say_their_answers(window: MainWindow) -> None:
    for view in (*window.verdict.tiles.values(), window.tail, window.memory, window.concentration):
        interface = QAccessible.queryAccessibleInterface(view)
        said = interface.text(QAccessible.Text.Description)
        assert interface.text(QAccessible.Text.Name) and any(one.isdigit() for one in said), described(view)
    rows = window.compare.model
    assert all(rows.data(rows.index(row, 0)) for row in range(rows.rowCount()))


def ring_pixels(image: QImage, other: QImage) -> int:
    """How many pixels two pictures of one widget do not share."""
    assert image.size() == other.size()
    return sum(image.pixel(x, y) != other.pixel(x, y) for x in range(image.width()) for y in range(image.height()))


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_that_the_focus_can_be_seen_on_every_kind_of_control(
    window: MainWindow, qapp: QApplication, tokens: Tokens
) -> None:
    apply(qapp, tokens)
    window.activateWindow()
    seen: set[tuple[type[QWidget], str]] = set()
    for one in controls(window):
        kind = type(one), one.objectName() if isinstance(one, QAbstractButton) else ""
        if kind in seen or one.focusPolicy() == Qt.FocusPolicy.NoFocus:
            continue
        seen.add(kind)
        one.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        focused = one.grab().toImage()
        one.clearFocus()
        QApplication.processEvents()
        changed = ring_pixels(focused, one.grab().toImage())
        assert changed >= 12, f"{described(one)}: {changed} pixels tell of the focus"
    assert len(seen) >= 6


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_that_text_and_meaningful_graphics_have_contrast(tokens: Tokens) -> None:
    grounds = (tokens.window, tokens.panel, tokens.accent_wash)
    for ground in grounds:
        for text in (tokens.text, tokens.secondary):
            assert contrast(text, ground) >= 4.5, f"{text} on {ground}"
    for word in (tokens.good, tokens.amber, tokens.bad, *tokens.chips):
        assert contrast(word, tokens.panel) >= (4.5 if word in (tokens.good, tokens.amber, tokens.bad) else 3.0)
    assert contrast(tokens.amber, tokens.amber_wash) >= 4.5, "a badge is read"
    assert contrast(tokens.panel, tokens.accent) >= 4.5, "a checked segment is read"
    for mark in (tokens.accent, tokens.baseline, tokens.amber):
        assert contrast(mark, tokens.panel) >= 3.0, f"mark {mark}"


def test_that_no_meaning_is_told_by_colour_alone(window: MainWindow) -> None:
    # A tone other than plain is told in the tile's own words as well.
    signs = "✓✗?▲▼"
    for tile in (view.tile for view in window.verdict.tiles.values()):
        assert tile is not None
        if tile.tone in ("good", "bad", "doubt"):
            told = f"{tile.figure} {tile.note}"
            assert any(sign in told for sign in signs) or any(one.isalpha() for one in tile.figure), tile.key
    marks = Track(window.panel.serving.batch.track.scale)
    marks.resize(200, 24)
    marks.show_value(64)
    free = marks.grab().toImage()
    marks.set_locked(True)
    grey = [QColor(image.pixel(x, y)).lightness() for image in (free, marks.grab().toImage())
            for x in range(200) for y in range(24)]  # fmt: skip
    half = len(grey) // 2
    assert sum(abs(a - b) > 60 for a, b in zip(grey[:half], grey[half:], strict=True)) >= 4, "the lock has a shape"
