"""The loops of the closed form as machine code: compiled here, and loaded anywhere by `engine.machine_code`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types

from explorer.engine.loops.chain import solve_rows
from explorer.engine.loops.rates import largest_rates
from explorer.engine.loops.steps import time_steps
from explorer.engine.machine_code import ObjectFile

LOOPS: tuple[Callable[[Any], None], ...] = (time_steps, solve_rows, largest_rates)


def object_files() -> dict[str, ObjectFile]:
    """The loops by name, compiled for this processor; takes ten to twenty seconds."""
    return {loop.__name__: _object_file(loop) for loop in LOOPS}


def _object_file(loop: Any) -> ObjectFile:
    pointer: Any = types.CPointer
    words = (pointer(types.int64),)
    loop.compile(words)
    made = loop.overloads[words]
    library = made.library
    code = library.codegen._tm.emit_object(library._final_module)
    return ObjectFile(made.fndesc.llvm_func_name, code)
