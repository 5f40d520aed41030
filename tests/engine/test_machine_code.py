"""Loops are told of arrays by address: what they cannot read is refused before they are called."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from explorer.engine.loops.layout import WORDS
from explorer.engine.machine_code import C_FUNCTIONS, Room, words_of


def test_that_words_tell_address_and_sizes() -> None:
    one = np.zeros((3, 4, 2))
    words = words_of(one, np.zeros(7, dtype=np.int64))
    assert words[:WORDS] == [one.ctypes.data, 3, 4, 2, 0]
    assert words[WORDS + 1 :] == [7, 0, 0, 0]


@pytest.mark.parametrize(
    "one",
    [
        np.zeros((4, 4))[:, ::2],
        np.zeros((3, 4)).T,
        np.zeros(3, dtype=np.float32),
        np.zeros(3, dtype=np.int32),
        np.zeros(3, dtype=bool),
        np.zeros(3, dtype=object),
        np.zeros((1, 1, 1, 1, 1)),
    ],
    ids=["strided", "transposed", "single", "short", "flags", "objects", "five dimensions"],
)
def test_that_an_array_that_no_loop_can_read_is_refused(one: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no loop can read"):
        words_of(one)


def test_that_arrays_of_a_room_lie_side_by_side_and_are_told_of_in_order() -> None:
    room = Room(3 + 8 + 0 + 1)
    first, second, nothing, last = room.take(3), room.take(2, 4), room.take(5, 0), room.take(1)
    assert room.words[: 2 * WORDS] == words_of(first, second)
    assert room.words[2 * WORDS + 1 : 3 * WORDS] == [5, 0, 0, 0]
    assert room.words[3 * WORDS :] == words_of(last)
    first[:], second[:], last[:] = 1.0, 2.0, 3.0
    assert (first.sum(), second.sum(), nothing.sum(), last.sum()) == (3.0, 16.0, 0.0, 3.0)
    with pytest.raises(ValueError, match="reshape"):
        room.take(1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the symbols as Linux keeps them")
@pytest.mark.timeout(900)
def test_that_the_loops_call_nothing_but_what_llvm_was_told_of() -> None:
    """LLVM would end the process over anything else where it does not find it by itself."""
    from explorer.study import closed_form_code

    closed_form_code.made()
    code = closed_form_code.cache_file().read_bytes()
    called = set(re.findall(rb"\x00([a-z][a-z0-9_]{2,})(?=\x00)", code[code.index(b"\x7fELF") :]))
    known = {name.encode() for name in C_FUNCTIONS}
    assert {b"malloc", b"free", b"expm1"} <= called
    assert {name for name in called if not name.startswith((b"symtab", b"strtab", b"const"))} <= known
