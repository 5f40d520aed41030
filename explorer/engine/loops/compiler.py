"""How the loops are compiled: into code that needs nothing of the compiler, nor of Python, when it runs.

Memory of their own they take from the C library, arrays they are given by address and sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from explorer.engine.loops.layout import WORDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])


def inlined(function: Function) -> Function:
    """Copied into its callers, where loops over it become vector instructions; order of operations kept."""
    return cast(Function, njit(forceinline=True, error_model="numpy", fastmath={"contract"})(function))


def compiled(function: Function) -> Function:
    """Compiled by itself; sums may be taken in another order."""
    made = cast(Any, njit)(
        _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy",
        fastmath={"contract", "reassoc", "nsz", "arcp"},
    )  # fmt: skip
    return cast(Function, made(function))


_c_function: Any = cgutils.get_or_insert_function
_read: Any = ir.IRBuilder.load


def _made_array(context: Any, builder: Any, array: Any, address: Any, sizes: Any) -> Any:
    """An array one after the other at an address."""
    width = array.dtype.bitwidth // 8
    strides = [context.get_constant(types.int64, width)]
    for size in reversed(sizes[1:]):
        strides.insert(0, builder.mul(strides[0], size))
    made = context.make_array(array)(context, builder)
    context.populate_array(
        made,
        data=builder.bitcast(address, made.data.type),
        shape=sizes,
        strides=strides,
        itemsize=width,
        meminfo=None,
    )
    return made._getvalue()


def _buffer_of(kind: Any, dimensions: int) -> Any:
    """Function (sizes) -> an array for a compiled function's own use, which `free` gives back."""
    array = types.Array(kind, dimensions, "C")

    def builder_of(_context: Any, *given: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, sizes: Any) -> Any:
            size = context.get_constant(types.int64, kind.bitwidth // 8)
            for one in sizes:
                size = builder.mul(size, one)
            anything = ir.IntType(8).as_pointer()
            malloc = _c_function(builder.module, ir.FunctionType(anything, [ir.IntType(64)]), "malloc")
            # lies apart from all else, without which loops over several arrays would not become vector instructions
            malloc.return_value.add_attribute("noalias")
            return _made_array(context, builder, array, builder.call(malloc, [size]), list(sizes))

        return array(*(types.int64 for _ in range(dimensions))), generate

    if dimensions == 1:
        return cast(Any, intrinsic)(lambda context, rows: builder_of(context, rows))
    return cast(Any, intrinsic)(lambda context, rows, columns: builder_of(context, rows, columns))


buffer, table = (_buffer_of(types.float64, dimensions) for dimensions in (1, 2))
whole_table = _buffer_of(types.int64, 2)


def _free_builder(_context: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        made = context.make_array(array)(context, builder, arguments[0])
        anything = ir.IntType(8).as_pointer()
        free = _c_function(builder.module, ir.FunctionType(ir.VoidType(), [anything]), "free")
        builder.call(free, [builder.bitcast(made.data, anything)])
        return context.get_dummy_value()

    return types.none(array), generate


free: Callable[[Any], None] = cast(Any, intrinsic)(_free_builder)


def _array_at(kind: Any, dimensions: int) -> Any:
    """Function (block, place) -> the array whose address and sizes the block's words tell at that place."""
    array = types.Array(kind, dimensions, "C")

    def builder_of(_context: Any, block: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            first = builder.mul(arguments[1], context.get_constant(types.int64, WORDS))
            places = [builder.add(first, context.get_constant(types.int64, at)) for at in range(dimensions + 1)]
            words = [_read(builder, builder.gep(arguments[0], [one])) for one in places]
            address = builder.inttoptr(words[0], ir.IntType(8).as_pointer())
            return _made_array(context, builder, array, address, words[1:])

        return array(block, place), generate

    return cast(Any, intrinsic)(builder_of)


floats_1, floats_2, floats_3, floats_4 = (_array_at(types.float64, dimensions) for dimensions in (1, 2, 3, 4))
whole_1, whole_2 = (_array_at(types.int64, dimensions) for dimensions in (1, 2))
