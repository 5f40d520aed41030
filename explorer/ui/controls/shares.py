"""Shares that keep their sum: what the other shares become when one is moved; knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence

DIGITS = 14
"""Decimals of a share: enough for any part, and none of the noise of adding them up."""


def rebalanced(shares: Sequence[float], locked: Sequence[bool], index: int, share: float) -> tuple[float, ...]:
    """Shares after one is set, the unlocked others scaled pro rata so that all sum to 1.

    Args:
        shares: present shares, shape (members,), sum 1.
        locked: which members hold theirs, shape (members,).
        index: the member that is moved; it moves even when locked.
        share: what it shall be; held to what the locked others leave.
    """
    others = [k for k in range(len(shares)) if k != index]
    free = [k for k in others if not locked[k]]
    held = sum(shares[k] for k in others if locked[k])
    moved = min(max(share, 0.0), 1.0 - held) if free else 1.0 - held
    left = 1.0 - held - moved
    present = sum(shares[k] for k in free)
    result = list(shares)
    result[index] = round(moved, DIGITS)
    for k in free:
        result[k] = round(left * (shares[k] / present if present > 0 else 1.0 / len(free)), DIGITS)
    # The last free one takes the rounding, so that the sum is 1 and not nearly 1.
    balance = free[-1] if free else index
    result[balance] = max(0.0, round(1.0 - sum(value for k, value in enumerate(result) if k != balance), DIGITS))
    return tuple(result)
