"""The closed form's compiled loops in memory: loaded into any process, without a compiler.

`loops.object_code` makes the code and needs one; here LLVM's own loader puts it where it can be called.
"""

from __future__ import annotations

import ctypes
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from explorer.engine.loops.layout import WORDS

Array = NDArray[np.float64] | NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ObjectFile:
    """Machine code of one loop, and the symbol that it is entered by."""

    symbol: str
    code: bytes


def processor() -> str:
    """What machine code made here rests on: the system, the kind of processor and all that it can do."""
    return f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()}"


def words_of(*arrays: Array) -> list[int]:
    """Where arrays lie and their sizes; they must outlive whoever is told. Raises ValueError for what is not laid out
    as the loops read it, which would take it for something else or go beyond its end."""
    words: list[int] = []
    for one in arrays:
        shape = one.shape
        if not one.flags.c_contiguous or one.dtype not in _KINDS or len(shape) >= WORDS:
            raise ValueError(f"an array of {one.dtype} and shape {shape} that no loop can read")
        words.append(one.__array_interface__["data"][0])
        words += shape
        words += _PADDING[len(shape)]
    return words


_KINDS = (np.dtype(np.float64), np.dtype(np.int64))
_PADDING = [(0,) * (WORDS - 1 - dimensions) for dimensions in range(WORDS)]


class Room:
    """Arrays of numbers side by side in one piece of memory, which loops are told of at little cost."""

    def __init__(self, size: int) -> None:
        self._all = np.empty(size)
        self._start, self._taken = int(self._all.__array_interface__["data"][0]), 0
        self.words: list[int] = []
        """What tells of the arrays taken so far, in their order."""

    def take(self, *shape: int) -> NDArray[np.float64]:
        """The next array, not filled in; raises ValueError where there is no room for it."""
        first, self._taken = self._taken, self._taken + math.prod(shape)
        self.words.append(self._start + 8 * first)
        self.words += shape
        self.words += _PADDING[len(shape)]
        return self._all[first : self._taken].reshape(shape)


C_FUNCTIONS = (
    "exp", "expm1", "floor", "free", "log", "log1p", "log2", "malloc", "memcpy", "memset", "pow", "sqrt",
)  # fmt: skip
"""What the loops may call."""


def _name_c_functions() -> None:
    """Tell LLVM where the C library's functions lie: it ends the process over one that it does not find, and not
    every system has them where it looks."""
    library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
    for name in C_FUNCTIONS:
        function = getattr(library, name, None)
        if function is None:
            raise RuntimeError(f"the C library has no {name}")
        llvm.add_symbol(name, ctypes.cast(function, ctypes.c_void_p).value)


class MachineCode:
    """The loops in memory, by name."""

    def __init__(self, files: Mapping[str, ObjectFile]) -> None:
        """Load them. LLVM ends the process over what is no machine code: whoever gives it must know that it is."""
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        target = llvm.Target.from_default_triple().create_target_machine(codemodel="jitdefault", jit=True)
        _name_c_functions()
        # keeps the memory that the code is in
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target)
        for one in files.values():
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(one.code))
        self._engine.finalize_object()
        # numba's convention: where to put a result, where to tell of an exception, and the arguments
        kind = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
        self._loops = {name: kind(self._address(one.symbol)) for name, one in files.items()}

    def _address(self, symbol: str) -> int:
        found = int(self._engine.get_function_address(symbol))
        if not found:
            raise ValueError(f"machine code without its entry {symbol}")
        return found

    def call(self, name: str, numbers: Sequence[int], words: Sequence[int]) -> None:
        """Have a loop read up to `WORDS` numbers and the arrays that `words` tell of; other threads go on meanwhile."""
        block = np.array([*numbers, *_PADDING[len(numbers) - 1], *words], dtype=np.int64)
        nowhere = ctypes.c_void_p()
        place = ctypes.addressof(nowhere)
        if self._loops[name](place, place, block.__array_interface__["data"][0]):
            raise RuntimeError(f"the compiled loop {name} gave up")
