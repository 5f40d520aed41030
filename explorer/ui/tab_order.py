"""The order in which Tab goes through a window: in one part of it, that of the layouts, whenever a control was made."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLayout, QScrollArea, QWidget


def stop_after(window: QWidget, part: QWidget, here: QWidget | None, forwards: bool) -> QWidget | None:
    """Where Tab (or Shift+Tab) leads from `here`: through the controls of `part` as they are laid out, and elsewhere in
    Qt's own order, which is that of their making. None where `here` is no stop."""
    chain = list(_chain(window))
    first = next((place for place, one in enumerate(chain) if part.isAncestorOf(one)), len(chain))
    before = [one for one in chain[:first] if _takes_tab(one)]
    after = [one for one in chain[first:] if _takes_tab(one) and not part.isAncestorOf(one)]
    stops = [*before, *(one for one in tab_stops(part) if one.isVisible() and one.isEnabled()), *after]
    if here is None or here not in stops:
        return None
    return stops[(stops.index(here) + (1 if forwards else -1)) % len(stops)]


def tab_stops(within: QWidget) -> Iterator[QWidget]:
    """The controls below a widget that Tab stops at, in the order of its layouts, hidden ones too."""
    if _is_stop(within):
        yield within
    inner = within.widget() if isinstance(within, QScrollArea) else None
    if inner is not None:
        yield from tab_stops(inner)
    elif within.layout() is not None:
        for child in _of_layout(within.layout()):
            yield from tab_stops(child)
    else:
        # What a control places by hand stands in the order of its making.
        for part in within.children():
            if isinstance(part, QWidget) and not part.isWindow():
                yield from tab_stops(part)


def _is_stop(one: QWidget) -> bool:
    return bool(one.focusPolicy() & Qt.FocusPolicy.TabFocus) and one.focusProxy() is None


def _takes_tab(one: QWidget) -> bool:
    return _is_stop(one) and one.isVisible() and one.isEnabled()


def _chain(window: QWidget) -> Iterator[QWidget]:
    one = window.nextInFocusChain()
    while one is not None and one is not window:
        yield one
        one = one.nextInFocusChain()


def _of_layout(layout: QLayout | None) -> Iterator[QWidget]:
    if layout is None:
        return
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is None:
            continue
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            yield widget
        elif inner is not None:
            yield from _of_layout(inner)
