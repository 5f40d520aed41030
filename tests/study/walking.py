"""Walks through an outcome, so that tests can look at every value in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from explorer.study.banded import Banded


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of an outcome with its path; a band counts as one value and again as its three numbers."""
    if isinstance(value, Banded):
        yield path, value
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from leaves(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}[{key}]")
    elif isinstance(value, tuple | list):
        for at, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{at}]")
    else:
        yield path, value


def differences(one: Any, other: Any, rounding: float = 0.0) -> list[str]:
    """Paths at which two outcomes differ in any bit; or by more than a share that stands for rounding."""
    ours, theirs = list(leaves(one)), list(leaves(other))
    if [path for path, _ in ours] != [path for path, _ in theirs]:
        return sorted({path for path, _ in ours} ^ {path for path, _ in theirs})
    return [path for (path, a), (_, b) in zip(ours, theirs, strict=True) if not same(a, b, rounding)]


def same(a: Any, b: Any, rounding: float = 0.0) -> bool:
    """Whether two leaves are equal; arrays bit by bit, or numbers within a share of themselves."""
    if rounding and isinstance(a, Banded) and isinstance(b, Banded):
        # its numbers come by themselves
        return True
    if rounding and isinstance(a, float | np.ndarray) and isinstance(b, float | np.ndarray):
        return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=rounding, atol=0.0, equal_nan=True)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    return bool(a == b)


def not_numbers(outcome: Any) -> list[str]:
    """Paths that hold a NaN."""
    return [
        path
        for path, value in leaves(outcome)
        if (isinstance(value, float) and np.isnan(value)) or (isinstance(value, np.ndarray) and np.isnan(value).any())
    ]


def bands_out_of_order(outcome: Any) -> list[str]:
    """Paths of bands whose value or median lies outside them by more than rounding."""
    slack = 1.0 + 1e-12
    return [
        f"{path}: {value.low} {value.value} {value.median} {value.high}"
        for path, value in leaves(outcome)
        if isinstance(value, Banded)
        and not all(
            value.low / slack <= one <= value.high * slack for one in (value.value, value.median) if one is not None
        )
    ]
