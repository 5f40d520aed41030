"""How far a fleet depends on few suppliers: indices, look-through to supply tiers, loss and price exposure.

No regulator prescribes a figure: these are published indices, used as decision aids. A fleet of n suppliers
cannot go below an HHI of 10,000/n, so the bands that antitrust agencies draw for markets do not fit a fleet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.errors import ExplorerError, UnknownRecordError

Array = NDArray[np.float64]

HHI_OF_ONE = 10_000.0
"""HHI of a single supplier."""

LARGEST_DRAW_COUNT = 4096
"""Joint assignments of undisclosed suppliers that are enumerated at most."""

_SHARE_TOLERANCE = 1e-6
_TIE = 1e-9


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def hhi(shares: ArrayLike, axis: int = -1) -> Array:
    """Herfindahl-Hirschman index, sum of (100 s)^2, of shares that sum to 1: 10,000/n to 10,000."""
    return np.asarray(HHI_OF_ONE * np.sum(_floats(shares) ** 2, axis=axis))


def effective_suppliers(shares: ArrayLike, axis: int = -1) -> Array:
    """N_eff = 10,000/HHI, the number of equal suppliers of the same HHI (Adelman 1969); Hill number D2."""
    return HHI_OF_ONE / hhi(shares, axis)


def _supplier_count(shares: Array, axis: int) -> Array:
    return _floats(np.count_nonzero(shares > 0.0, axis=axis))


def normalised_hhi(shares: ArrayLike, axis: int = -1) -> Array:
    """(HHI/10,000 - 1/n)/(1 - 1/n) over the n suppliers with a share: 0 when equal, 1 for a single one."""
    values = _floats(shares)
    least = 1.0 / _supplier_count(values, axis)
    alone = least == 1.0
    return np.where(alone, 1.0, (hhi(values, axis) / HHI_OF_ONE - least) / (1.0 - np.where(alone, 0.0, least)))


def top_share(shares: ArrayLike, axis: int = -1) -> Array:
    """CR1: the largest share."""
    return np.asarray(np.max(_floats(shares), axis=axis))


def cr3(shares: ArrayLike, axis: int = -1) -> Array:
    """CR3: sum of the three largest shares, of all when there are fewer."""
    ordered = np.sort(np.moveaxis(_floats(shares), axis, -1), axis=-1)
    return np.asarray(np.sum(ordered[..., -3:], axis=-1))


def entropy(shares: ArrayLike, axis: int = -1) -> Array:
    """Shannon entropy -sum s ln s in nats; its exponential is the Hill number D1."""
    values = _floats(shares)
    logs = np.log(np.where(values > 0.0, values, 1.0))
    return np.asarray(0.0 - np.sum(values * logs, axis=axis))


def theil(shares: ArrayLike, axis: int = -1) -> Array:
    """Theil index ln n - H over the n suppliers with a share; 0 when all are equal."""
    values = _floats(shares)
    return np.log(_supplier_count(values, axis)) - entropy(values, axis)


def gini_simpson(shares: ArrayLike, axis: int = -1) -> Array:
    """1 - sum s^2: probability that two random units come from different suppliers."""
    return 1.0 - hhi(shares, axis) / HHI_OF_ONE


def merge_delta_hhi(first: ArrayLike, second: ArrayLike) -> Array:
    """Rise of the HHI when two suppliers with these shares become one: 2ab on the 10,000 scale."""
    return 2.0 * HHI_OF_ONE * _floats(first) * _floats(second)


def look_through(shares: ArrayLike, matrix: ArrayLike) -> Array:
    """Shares of a tier's suppliers: shares (..., d) of deployments times matrix (d, s), rows summing to 1."""
    return np.asarray(_floats(shares) @ _floats(matrix))


def lost_share(share: ArrayLike, headroom: ArrayLike, portability: ArrayLike) -> Array:
    """Share of demand lost when a supplier fails: s - phi min(s, h (1-s)), the N-1 criterion.

    headroom h is the survivors' spare capacity over their load; portability phi (0-1) the part of the lost
    work that can run elsewhere.
    """
    s = _floats(share)
    return s - _floats(portability) * np.minimum(s, _floats(headroom) * (1.0 - s))


def survivability(shares: ArrayLike, headroom: ArrayLike, portability: ArrayLike = 1.0, axis: int = -1) -> Array:
    """Share of demand still served after the worst single failure: 1 - max lost_i."""
    return np.asarray(1.0 - np.max(lost_share(shares, headroom, portability), axis=axis))


def expected_loss(yearly_probability: ArrayLike, duration: ArrayLike, lost: ArrayLike, axis: int = -1) -> Array:
    """Expected loss a year, sum of p d lost over events; in capacity-weeks when the durations are weeks."""
    return np.asarray(np.sum(_floats(yearly_probability) * _floats(duration) * _floats(lost), axis=axis))


def recovery_impact(
    lost: ArrayLike, time_to_recover: ArrayLike, time_to_survive: ArrayLike, margin: ArrayLike = 1.0
) -> Array:
    """Loss while a failed supplier is replaced: lost * max(0, TTR - TTS) * margin per unit of time."""
    uncovered = np.maximum(_floats(time_to_recover) - _floats(time_to_survive), 0.0)
    return _floats(lost) * uncovered * _floats(margin)


def risk_exposure_index(impacts: ArrayLike, axis: int = -1) -> Array:
    """REI: each supplier's impact over the largest, 0-1, with no probability needed; 0 where none hurts.

    Simchi-Levi et al., "Identifying risks and mitigating disruptions", Interfaces 45(5), 2015.
    """
    values = _floats(impacts)
    largest = np.max(values, axis=axis, keepdims=True)
    return values / np.where(largest > 0.0, largest, 1.0)


def price_exposure(
    spend_shares: ArrayLike, price_rises: ArrayLike, switchable: ArrayLike = 0.0, axis: int = -1
) -> Array:
    """Relative rise of the bill when supplier i raises prices by pi_i: sum s_i pi_i (1 - switch_i)."""
    kept = 1.0 - _floats(switchable)
    return np.asarray(np.sum(_floats(spend_shares) * _floats(price_rises) * kept, axis=axis))


def any_outage_probability(probabilities: ArrayLike, common: ArrayLike = 0.0, axis: int = -1) -> Array:
    """Probability that at least one pool is down, each on its own or all by a common event."""
    all_up = np.prod(1.0 - _floats(probabilities), axis=axis)
    return np.asarray(1.0 - (1.0 - _floats(common)) * all_up)


def pooled_outage_probability(probabilities: ArrayLike, common: ArrayLike = 0.0, axis: int = -1) -> Array:
    """Probability that every pool is down at once: q + (1-q) prod p_i, with q of a node common to all."""
    q = _floats(common)
    return np.asarray(q + (1.0 - q) * np.prod(_floats(probabilities), axis=axis))


def annual_failure_rate(failures: ArrayLike, units: ArrayLike, days: ArrayLike) -> Array:
    """Failures per unit and year from a count over `days` (365 to the year)."""
    return _floats(failures) * 365.0 / (_floats(units) * _floats(days))


def minimum_variance_mix(covariance: ArrayLike, unit_costs: ArrayLike | None = None, risk_weight: float = 1.0) -> Array:
    """Weights (n,) that sum to 1, none negative, and minimise c.w + risk_weight * w'Cw (Markowitz 1952).

    Without unit_costs the mix of least variance. Exact: the optimum of every subset of suppliers is solved
    and the best that has no negative weight taken. Raises ValueError beyond 12 suppliers or for a
    covariance that is not square or a risk weight that is not positive.
    """
    cov = _floats(covariance)
    n = cov.shape[0]
    if cov.shape != (n, n) or not 1 <= n <= 12:
        raise ValueError(f"covariance must be square with 1 to 12 suppliers, not {cov.shape}")
    if not risk_weight > 0.0:
        raise ValueError(f"risk_weight must be positive, not {risk_weight}")
    costs = np.zeros(n) if unit_costs is None else _floats(unit_costs)
    best, best_value = np.zeros(n), np.inf
    for size in range(1, n + 1):
        for subset in combinations(range(n), size):
            chosen = list(subset)
            system = np.ones((size + 1, size + 1))
            system[:size, :size] = 2.0 * risk_weight * cov[np.ix_(chosen, chosen)]
            system[size, size] = 0.0
            weights = np.linalg.lstsq(system, np.append(-costs[chosen], 1.0), rcond=None)[0][:size]
            if np.any(weights < -_TIE) or abs(float(weights.sum()) - 1.0) > _SHARE_TOLERANCE:
                continue
            mix = np.zeros(n)
            mix[chosen] = np.maximum(weights, 0.0)
            value = float(costs @ mix + risk_weight * mix @ cov @ mix)
            if value < best_value:
                best, best_value = mix, value
    return best


def weakest_tiers(effective_suppliers_by_tier: Mapping[str, float]) -> tuple[str, ...]:
    """Names of all tiers that share the least N_eff, in the order given; empty when no tier counts."""
    if not effective_suppliers_by_tier:
        return ()
    least = min(effective_suppliers_by_tier.values())
    return tuple(tier for tier, n in effective_suppliers_by_tier.items() if n <= least * (1.0 + _TIE))


@dataclass(frozen=True, slots=True)
class SupplierCandidates:
    """Who may supply one chip at one tier: rows of supplier shares, one of which is true, with weights.

    shares (candidates, suppliers), rows summing to 1; weights (candidates,), of any positive sum. A chip
    whose suppliers are known has one row, split or not.
    """

    shares: Array
    weights: Array


def known_suppliers(shares: ArrayLike) -> SupplierCandidates:
    """A chip whose suppliers' shares (suppliers,) at this tier are known."""
    return SupplierCandidates(np.atleast_2d(_floats(shares)), np.ones(1))


def undisclosed_supplier(
    candidates: Sequence[int], weights: Sequence[float], supplier_count: int
) -> SupplierCandidates:
    """A chip whose one supplier at this tier is not disclosed: candidate indices with belief weights."""
    rows = np.zeros((len(candidates), supplier_count))
    rows[np.arange(len(candidates)), list(candidates)] = 1.0
    return SupplierCandidates(rows, _floats(weights))


@dataclass(frozen=True, slots=True)
class TierStructure:
    """All joint assignments of one tier's suppliers to pools; independent of the pools' shares.

    assignment (pools, draws, suppliers), probabilities (draws,) summing to 1.
    """

    assignment: Array
    probabilities: Array


def tier_structure(chip_of_pool: Sequence[str], candidates: Mapping[str, SupplierCandidates]) -> TierStructure:
    """Enumerate who supplies whom at one tier; pools of the same chip always have the same supplier.

    Chips are independent of each other; candidates of no weight are left out. Raises UnknownRecordError for
    a chip without candidates, ExplorerError for weights that cannot be probabilities, for shares that do not
    sum to 1 and beyond 4096 assignments.
    """
    chips = tuple(dict.fromkeys(chip_of_pool))
    rows: list[Array] = []
    beliefs: list[Array] = []
    for chip in chips:
        if chip not in candidates:
            raise UnknownRecordError("supplier of chip", chip, tuple(candidates))
        shares, weights = candidates[chip].shares, candidates[chip].weights
        if not (np.all(weights >= 0.0) and 0.0 < float(weights.sum()) < np.inf):
            raise ExplorerError(f"candidate suppliers of {chip}: weights must not be negative, nor all zero")
        if np.any(shares < 0.0) or not np.all(np.abs(shares.sum(axis=1) - 1.0) <= _SHARE_TOLERANCE):
            raise ExplorerError(f"candidate suppliers of {chip}: shares must sum to 1, none negative")
        rows.append(shares[weights > 0.0])
        beliefs.append(weights[weights > 0.0] / weights.sum())
    draw_count = prod(len(belief) for belief in beliefs)
    if draw_count > LARGEST_DRAW_COUNT:
        open_chips = ", ".join(c for c, belief in zip(chips, beliefs, strict=True) if len(belief) > 1)
        raise ExplorerError(
            f"{draw_count} combinations of undisclosed suppliers ({open_chips}), "
            f"at most {LARGEST_DRAW_COUNT}; state the supplier of some of them"
        )
    draws = np.array(list(product(*(range(len(belief)) for belief in beliefs))), dtype=np.intp)
    by_chip = {chip: rows[i][draws[:, i]] for i, chip in enumerate(chips)}
    probabilities = np.prod([belief[draws[:, i]] for i, belief in enumerate(beliefs)], axis=0)
    assignment = np.ascontiguousarray([by_chip[chip] for chip in chip_of_pool])
    return TierStructure(assignment, probabilities)


def tier_shares_over_candidates(pool_shares: ArrayLike, structure: TierStructure) -> Array:
    """Suppliers' shares (..., draws, suppliers) of pools' shares (..., pools), for every assignment."""
    pools, draws, suppliers = structure.assignment.shape
    flat = _floats(pool_shares) @ structure.assignment.reshape(pools, draws * suppliers)
    return np.asarray(flat.reshape(*flat.shape[:-1], draws, suppliers))


@dataclass(frozen=True, slots=True)
class TierSummary:
    """Concentration of one tier, with its range over what is not disclosed about its suppliers.

    The value of hhi is its mean over the draws, that of effective_suppliers 10,000/hhi, so that their product
    stays 10,000; top_share is the largest share whoever holds it. `supplier_*` (suppliers,) are the shares of
    each, and the top supplier is the one with the largest expected share. `*_median` are weighted by belief.
    """

    hhi: float
    hhi_low: float
    hhi_high: float
    effective_suppliers: float
    effective_suppliers_low: float
    effective_suppliers_high: float
    top_share: float
    top_share_low: float
    top_share_high: float
    top_supplier_index: int
    single_point_of_failure: bool
    probability_single_point: float
    supplier_share: Array
    supplier_share_low: Array
    supplier_share_high: Array
    hhi_median: float
    supplier_share_median: Array


def tier_summary(
    pool_shares: ArrayLike,
    structure: TierStructure,
    single_point_share: float = 1.0,
    certainty: float = 0.95,
) -> TierSummary:
    """Summarise one tier for pools' shares (pools,) that sum to 1.

    A single point of failure is a supplier on whom at least `single_point_share` of the fleet hangs; it is
    flagged where that is so in at least `certainty` of the draws by weight. Raises ValueError for shares that
    do not sum to 1.
    """
    pools = _floats(pool_shares)
    if not abs(float(pools.sum()) - 1.0) <= _SHARE_TOLERANCE:
        raise ValueError(f"pool shares must sum to 1, not {float(pools.sum()):.6g}")
    shares = tier_shares_over_candidates(pools, structure)
    weight = structure.probabilities
    if len(weight) == 1:
        return _settled_summary(shares[0], single_point_share)
    index = HHI_OF_ONE * np.einsum("ds,ds->d", shares, shares)
    largest = shares.max(axis=1)
    expected = weight @ shares
    mean_hhi = float(weight @ index)
    low, high = float(index.min()), float(index.max())
    medians = _weighted_medians(np.column_stack([shares, index]), weight)
    single = float(weight @ (largest >= single_point_share - _SHARE_TOLERANCE))
    return TierSummary(
        hhi=mean_hhi,
        hhi_low=low,
        hhi_high=high,
        effective_suppliers=HHI_OF_ONE / mean_hhi,
        effective_suppliers_low=HHI_OF_ONE / high,
        effective_suppliers_high=HHI_OF_ONE / low,
        top_share=float(weight @ largest),
        top_share_low=float(largest.min()),
        top_share_high=float(largest.max()),
        top_supplier_index=int(expected.argmax()),
        single_point_of_failure=single >= certainty - _TIE,
        probability_single_point=single,
        supplier_share=expected,
        supplier_share_low=shares.min(axis=0),
        supplier_share_high=shares.max(axis=0),
        hhi_median=float(medians[-1]),
        supplier_share_median=medians[:-1],
    )


def _settled_summary(shares: Array, single_point_share: float) -> TierSummary:
    """Of a tier whose suppliers (suppliers,) are all known: no range, and nothing to weigh."""
    index, top = HHI_OF_ONE * float(shares @ shares), int(shares.argmax())
    largest = float(shares[top])
    alone = largest >= single_point_share - _SHARE_TOLERANCE
    effective = HHI_OF_ONE / index
    return TierSummary(
        hhi=index,
        hhi_low=index,
        hhi_high=index,
        effective_suppliers=effective,
        effective_suppliers_low=effective,
        effective_suppliers_high=effective,
        top_share=largest,
        top_share_low=largest,
        top_share_high=largest,
        top_supplier_index=top,
        single_point_of_failure=alone,
        probability_single_point=float(alone),
        supplier_share=shares,
        supplier_share_low=shares,
        supplier_share_high=shares,
        hhi_median=index,
        supplier_share_median=shares,
    )


def _weighted_medians(columns: Array, weights: Array) -> Array:
    """Of each column (draws, columns) the least value that half of the weight does not exceed; weights sum to 1."""
    order = np.argsort(columns, axis=0)
    at = np.count_nonzero(np.cumsum(weights[order], axis=0) < 0.5 - _TIE, axis=0)
    return np.asarray(np.take_along_axis(columns, order, axis=0)[at, np.arange(columns.shape[1])])
