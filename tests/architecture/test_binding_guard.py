"""Guards against the Qt binding release that loses references to None on every void call."""

from __future__ import annotations

import sys
from importlib.metadata import version

from PySide6.QtCore import QObject

VOID_CALLS = 10_000
NONE_IS_IMMORTAL = sys.version_info >= (3, 12)


def is_broken_binding(binding: str, python: tuple[int, int]) -> bool:
    """True for the versions in which a void Qt call gives back a reference to None it never took."""
    return binding == "6.12.0" and python < (3, 12)


def test_that_the_installed_binding_is_not_one_that_loses_references_to_none() -> None:
    installed = version("PySide6-Essentials")
    assert not is_broken_binding(installed, sys.version_info[:2]), (
        f"PySide6 {installed} on Python {sys.version_info[0]}.{sys.version_info[1]} aborts the window after "
        "some seconds of dragging; install PySide6-Essentials<6.12"
    )


def test_that_the_guard_knows_the_broken_pairs() -> None:
    assert is_broken_binding("6.12.0", (3, 11))
    assert is_broken_binding("6.12.0", (3, 10))
    assert not is_broken_binding("6.12.0", (3, 12))
    assert not is_broken_binding("6.11.3", (3, 11))


def test_that_void_qt_calls_leave_the_reference_count_of_none_alone() -> None:
    """Below 3.12 the count may drift a little for other reasons, but not by one a call."""
    thing = QObject()
    before = sys.getrefcount(None)
    for _ in range(VOID_CALLS):
        thing.setObjectName("void")
    lost = before - sys.getrefcount(None)
    assert lost == 0 if NONE_IS_IMMORTAL else lost < VOID_CALLS // 100
