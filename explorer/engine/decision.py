"""Choosing under uncertainty: what knowing would be worth, and which choice stands the worst."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

BINS = 32
"""Equal shares of the draws within which a figure counts as known; a power of two keeps Sobol points balanced."""
ROUNDING = 1e-9
"""Share of two means below which their difference is no gain, only their last digits."""


def gain(informed: ArrayLike, without: float) -> Array:
    """What means with information are above the one without; 0 where they are not, or only by rounding."""
    above = np.asarray(informed, dtype=np.float64) - without
    return np.asarray(np.where(above > ROUNDING * abs(without), above, 0.0))


def evpi(net_benefit: ArrayLike) -> float:
    """Expected value of perfect information, in the unit of `net_benefit` (samples, decisions).

    EVPI = E[max_d NB_d] - max_d E[NB_d] (Raiffa and Schlaifer 1961). ValueError for values that are not finite.
    """
    benefit = _benefits(net_benefit)
    return float(gain(np.mean(np.max(benefit, axis=1)), float(np.max(np.mean(benefit, axis=0)))))


def evppi(net_benefit: ArrayLike, figures: ArrayLike, bins: int = BINS, depends: ArrayLike | None = None) -> Array:
    """Expected value of learning one figure alone, for each of `figures` (samples, figures); (figures,).

    EVPPI_i = E_Xi[max_d E[NB_d | X_i]] - max_d E[NB_d], with E[NB_d | X_i] the mean over draws of about the same X_i
    (Sadatsafavi et al. 2013; Strong, Oakley and Brennan 2014). Draws are sorted by the figure and cut into `bins`
    equal shares; a figure of no more values than that is cut by its values. Where it is known which decisions a figure
    enters at all, `depends` (figures, decisions) says so: the others keep their mean in every bin, which spares them
    the noise of the bins. Never above `evpi` of the same draws. ValueError for values that are not finite, for shapes
    that do not match or for no bins.
    """
    benefit = _benefits(net_benefit)
    drawn = np.asarray(figures, dtype=np.float64)
    if drawn.ndim != 2 or drawn.shape[0] != benefit.shape[0]:
        raise ValueError(f"figures of shape {drawn.shape} do not belong to {benefit.shape[0]} samples")
    if bins < 1:
        raise ValueError(f"{bins} bins: at least one is needed")
    enters = np.ones((drawn.shape[1], benefit.shape[1]), dtype=bool)
    if depends is not None:
        enters = np.asarray(depends, dtype=bool)
        if enters.shape != (drawn.shape[1], benefit.shape[1]):
            raise ValueError(f"depends of shape {enters.shape} is not (figures, decisions)")
    means = np.mean(benefit, axis=0)
    without = float(np.max(means))
    order = np.argsort(drawn, axis=0, kind="stable")
    found = np.zeros(drawn.shape[1])
    for at in range(drawn.shape[1]):
        starts = _bin_starts(drawn[order[:, at], at], bins)
        sums = np.add.reduceat(benefit[order[:, at]], starts, axis=0)
        counts = np.diff(np.append(starts, benefit.shape[0]))
        sums = np.where(enters[at], sums, counts[:, None] * means)
        found[at] = np.sum(np.max(sums, axis=1)) / benefit.shape[0]
    return np.minimum(gain(found, without), evpi(benefit))


def expected_regret(net_benefit: ArrayLike) -> Array:
    """Mean of what each decision loses against the best in the same draw, (decisions,).

    E[max_d' NB_d'] - E[NB_d]; its least is the EVPI.
    """
    benefit = _benefits(net_benefit)
    return np.asarray(np.mean(np.max(benefit, axis=1)) - np.mean(benefit, axis=0))


def regrets(payoff: ArrayLike) -> Array:
    """What each decision loses in each state against the best there; `payoff` and result (decisions, states)."""
    table = _benefits(payoff)
    return np.asarray(np.max(table, axis=0) - table)


def worst_regret(payoff: ArrayLike) -> Array:
    """Largest regret of each decision; the least of them is Savage's choice (Savage 1951); (decisions,)."""
    return np.asarray(np.max(regrets(payoff), axis=1))


def worst_payoff(payoff: ArrayLike) -> Array:
    """Least payoff of each decision; the largest of them is the maximin choice (Wald 1950); (decisions,)."""
    return np.asarray(np.min(_benefits(payoff), axis=1))


def laplace(payoff: ArrayLike) -> Array:
    """Mean payoff of each decision over states held equally likely (Laplace's insufficient reason); (decisions,)."""
    return np.asarray(np.mean(_benefits(payoff), axis=1))


def hurwicz(payoff: ArrayLike, optimism: float) -> Array:
    """optimism * best + (1 - optimism) * worst payoff of each decision (Hurwicz 1951); (decisions,).

    ValueError for an optimism outside 0 to 1.
    """
    if not 0.0 <= optimism <= 1.0:
        raise ValueError(f"optimism {optimism} must lie between 0 and 1")
    table = _benefits(payoff)
    return np.asarray(optimism * np.max(table, axis=1) + (1.0 - optimism) * np.min(table, axis=1))


def conditional_value_at_risk(losses: ArrayLike, q: float) -> Array:
    """Mean of the worst 1 - q of `losses` (..., samples), larger being worse.

    The sample's own expected shortfall: the boundary loss counts with the part that falls within the tail
    (Rockafellar and Uryasev 2002). ValueError for a q outside 0 to below 1.
    """
    if not 0.0 <= q < 1.0:
        raise ValueError(f"q {q} must lie between 0 and 1, 1 left out")
    ordered = np.sort(_finite(losses), axis=-1)[..., ::-1]
    tail = (1.0 - q) * ordered.shape[-1]
    # 0.2 of ten draws is two of them, whatever the last digit of 1 - 0.8
    whole = int(np.floor(tail + 1e-9))
    part = max(tail - whole, 0.0)
    total = np.sum(ordered[..., :whole], axis=-1)
    if part > 1e-9 and whole < ordered.shape[-1]:
        total = total + part * ordered[..., whole]
    return np.asarray(total / tail)


def _finite(values: ArrayLike) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 or not np.all(np.isfinite(array)):
        raise ValueError("payoffs and losses must be finite, and there must be some")
    return array


def _benefits(values: ArrayLike) -> Array:
    table = _finite(values)
    if table.ndim != 2:
        raise ValueError(f"a table of two axes is needed, not of shape {table.shape}")
    return table


def _bin_starts(ordered: Array, bins: int) -> NDArray[np.intp]:
    """Where the bins of sorted values begin: at new values where they are few, else equal shares."""
    news = np.flatnonzero(np.diff(ordered)) + 1
    if len(news) < bins:
        return np.concatenate([[0], news]).astype(np.intp)
    count = len(ordered)
    return np.unique(np.arange(min(bins, count)) * count // min(bins, count)).astype(np.intp)
