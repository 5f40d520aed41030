"""All-reduce coefficients of a tensor group: measured fit or formula, on the card, inside and beyond the domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from explorer.engine.collectives import allreduce_steps, allreduce_traffic
from explorer.engine.records import AllReduce, Array, StepConstants


@dataclass(frozen=True, slots=True)
class FittedFabric:
    """A measured all-reduce: T = alpha + f/bandwidth + root*sqrt(f), f = 2(n-1)/n*S, at each of `ranks`."""

    ranks: tuple[float, ...]
    alpha: tuple[float, ...]
    bandwidth: tuple[float, ...]
    root: tuple[float, ...]
    beyond_hop_s: float
    beyond_bandwidth_share: float


@dataclass(frozen=True, slots=True)
class Fabric:
    """Links of a chip: scalars or arrays of shape (rows,), SI; `fit` where the all-reduce was measured."""

    base_latency: ArrayLike
    hop_latency: ArrayLike
    link_bandwidth: ArrayLike
    efficiency: ArrayLike
    scaleup_domain: ArrayLike
    scaleout_bandwidth: ArrayLike
    algorithms: tuple[str, ...]
    fit: FittedFabric | None = None
    memory_domains: ArrayLike = 1.0
    on_card_link: ArrayLike = np.inf


def allreduce_coefficients(tp: float, fabric: Fabric, constants: StepConstants) -> AllReduce:
    """All-reduce over `tp` chips of one fabric, with the stage inside a card of several memory domains.

    In the scale-up domain: the measured fit where there is one (bandwidth interpolated in log2 n), otherwise
    min over algorithms of base + steps*hop + traffic*S/(efficiency*link). Beyond the domain the ring of domains
    goes through the network interface (hierarchical: reduce-scatter in, all-reduce out, all-gather in).
    A card of d domains adds 2*log2(d) hops and 2(d-1)/d*S over the on-card link to each all-reduce, tp = 1 included.
    """
    fields = (
        fabric.base_latency,
        fabric.hop_latency,
        fabric.link_bandwidth,
        fabric.efficiency,
        fabric.scaleup_domain,
        fabric.scaleout_bandwidth,
        fabric.memory_domains,
        fabric.on_card_link,
    )
    base, hop, link, efficiency, domain, scaleout, domains, on_card = np.broadcast_arrays(
        *[np.atleast_1d(np.asarray(field, dtype=np.float64)) for field in fields]
    )
    rows = base.shape[0]
    inner = np.minimum(tp, domain)
    if tp <= 1:
        alpha = np.zeros((1, rows))
        slope = np.zeros((1, rows))
        root = np.zeros(rows)
    elif fabric.fit is not None:
        alpha, slope, root = _from_fit(inner, fabric.fit)
    else:
        alpha = np.stack([base + allreduce_steps(name, inner) * hop for name in fabric.algorithms])
        slope = np.stack([allreduce_traffic(name, inner) / (efficiency * link) for name in fabric.algorithms])
        root = np.zeros(rows)
    outside = tp / inner
    leaves = outside > 1.0
    if np.any(leaves):
        extra = constants.outside_domain_s * np.log2(np.maximum(outside, 2.0))
        # the NICs of all ranks of a domain carry the outer step together: S/inner each
        rate = inner * scaleout * constants.outside_domain_share
        alpha = alpha + np.where(leaves, extra, 0.0)
        slope = slope + np.where(leaves, 2.0 * (outside - 1.0) / outside / rate, 0.0)
    several = domains > 1.0
    if np.any(several):
        alpha = alpha + np.where(several, 2.0 * np.log2(np.maximum(domains, 1.0)) * hop, 0.0)
        slope = slope + np.where(several, 2.0 * (domains - 1.0) / domains / on_card, 0.0)
    return AllReduce(alpha=alpha[:, :, None], slope=slope[:, :, None], root=root[:, None])


def _from_fit(ranks: Array, fit: FittedFabric) -> tuple[Array, Array, Array]:
    steps = np.log2(np.asarray(fit.ranks))
    at = np.log2(ranks)
    traffic = 2.0 * (ranks - 1.0) / ranks
    top = steps[-1]
    beyond = np.maximum(at - top, 0.0)
    alpha = np.interp(at, steps, fit.alpha) + beyond * fit.beyond_hop_s
    bandwidth = np.exp(np.interp(at, steps, np.log(fit.bandwidth)))
    bandwidth = bandwidth * np.where(beyond > 0, fit.beyond_bandwidth_share, 1.0)
    root = np.interp(at, steps, fit.root) * np.sqrt(traffic)
    return alpha[None, :], (traffic / bandwidth)[None, :], root
