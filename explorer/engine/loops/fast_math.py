"""Exponential and logarithm that loops can be vectorised over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic

from explorer.engine.loops.compiler import inlined


def _bits_builder(_context: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.uint64))

    return types.uint64(types.float64), generate


def _float_builder(_context: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.uint64), generate


_bits: Callable[[float], Any] = cast(Any, intrinsic)(_bits_builder)
_float: Callable[[Any], float] = cast(Any, intrinsic)(_float_builder)

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUNDING = 6755399441055744.0
"""1.5 * 2^52: added to a float below 2^51, it leaves the nearest whole number in the last bits."""
_SHIFT = np.uint64(52)
_MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
_ROOT_HALF = np.uint64(0x3FE6A09E667F3BCD)
_TO_ROOT_HALF = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
_TWO_52 = np.uint64(0x4330000000000000)


@inlined
def exp(x: float) -> float:
    """e^x within 1 ulp from -708 to 709, held there: Taylor's series about the nearest multiple of ln 2."""
    x = x if x > -708.0 else -708.0
    x = x if x < 709.0 else 709.0
    t = x * 1.4426950408889634 + ROUNDING
    n = t - ROUNDING
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    result: float = _float(_bits(p) + (_bits(t) << _SHIFT))
    return result


@inlined
def log(x: float) -> float:
    """ln x within 1 ulp for normal x > 0: the series of fdlibm (Sun Microsystems 1993), mantissa about 1."""
    k = _bits(x) + _TO_ROOT_HALF
    e = _float((k >> _SHIFT) | _TWO_52) - 4503599627371519.0
    f = _float((k & _MANTISSA) + _ROOT_HALF) - 1.0
    s = f / (2.0 + f)
    z = s * s
    r = 1.479819860511658591e-01
    r = r * z + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = r * z + 6.666666666666735130e-01
    r = r * z
    half = 0.5 * f * f
    return e * LN2_HIGH - ((half - (s * (half + r) + e * LN2_LOW)) - f)
