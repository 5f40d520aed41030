"""What drives an output: variance shares of its inputs (Sobol), and its swing from end to end of each (tornado)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SobolIndices:
    """Shares of an output's variance, (inputs,): an input alone, and with every interaction it takes part in."""

    first: Array
    total: Array
    variance: float


def pick_freeze(first: ArrayLike, second: ArrayLike) -> Array:
    """Stack A, B and every A with one column of B: points (n, inputs) each to (n * (inputs + 2), inputs).

    The design of Saltelli et al. (2010); A and B are two independent samples, as the halves of one Sobol sequence
    of twice the inputs. `sobol_indices` reads the outputs in this order. ValueError for unlike shapes.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"two samples of one shape (n, inputs) are needed, not {a.shape} and {b.shape}")
    crossed = np.repeat(a[None, :, :], a.shape[1], axis=0)
    at = np.arange(a.shape[1])
    crossed[at, :, at] = b.T
    return np.concatenate([a, b, crossed.reshape(-1, a.shape[1])])


def sobol_indices(outputs: ArrayLike, inputs: int) -> SobolIndices:
    """First and total Sobol indices from the outputs (n * (inputs + 2),) at the points of `pick_freeze`.

    S_i = mean(f_B (f_ABi - f_A)) / V (Saltelli et al. 2010), S_Ti = mean((f_A - f_ABi)^2) / 2V (Jansen 1999), V over
    A and B together; f is centred first, which changes no index and steadies the first. Zero for an output that does
    not vary. ValueError for outputs that are not finite or do not divide.
    """
    values = np.asarray(outputs, dtype=np.float64)
    if inputs < 1 or values.ndim != 1 or values.size == 0 or values.size % (inputs + 2):
        raise ValueError(f"{values.shape} outputs are no multiple of {inputs} inputs + 2")
    if not np.all(np.isfinite(values)):
        raise ValueError("outputs must be finite")
    table = values.reshape(inputs + 2, -1)
    table = table - np.mean(table[:2])
    a, b, crossed = table[0], table[1], table[2:]
    variance = float(np.mean(table[:2] ** 2))
    scale = float(np.max(np.abs(values)))
    if variance <= (1e-12 * scale) ** 2:
        return SobolIndices(np.zeros(inputs), np.zeros(inputs), 0.0)
    first = np.mean(b * (crossed - a), axis=1) / variance
    total = 0.5 * np.mean((a - crossed) ** 2, axis=1) / variance
    return SobolIndices(np.asarray(first), np.asarray(total), variance)


def tornado_order(low: ArrayLike, high: ArrayLike) -> NDArray[np.intp]:
    """Inputs by the swing of the output between their ends, the largest first; outputs (inputs,) at each end.

    One at a time, so blind to interactions (Howard 1988): to be read beside the total Sobol index. An infinite swing
    comes first, one between two infinite ends last; ties keep their order.
    """
    ends = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    differ = ends[0] != ends[1]
    swing = np.zeros(ends[0].shape)
    np.subtract(ends[1], ends[0], out=swing, where=differ)
    return np.argsort(-np.abs(swing), kind="stable")
