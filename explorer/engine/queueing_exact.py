"""Exact results of queueing theory: oracles for the closed form and the simulation, and their limits.

Rates in requests/s, times in seconds. A queue at or beyond saturation waits infinitely long.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _over_spare(amount: Array, spare: Array) -> Array:
    """amount/spare while there is spare capacity, else infinite."""
    stable = spare > 0.0
    return np.where(stable, amount / np.where(stable, spare, 1.0), np.inf)


def mm1_sojourn_quantile(q: ArrayLike, arrival_rate: ArrayLike, service_rate: ArrayLike) -> Array:
    """Quantile of wait plus service in M/M/1, first come first served: -ln(1-q)/(mu - lambda)."""
    return _over_spare(-np.log1p(-_floats(q)), _floats(service_rate) - _floats(arrival_rate))


def _wait_quantile(q: Array, waiting_probability: Array, spare: Array) -> Array:
    """Quantile of a wait that is 0 or, with a given probability, exponential at rate `spare`."""
    waits = waiting_probability > 1.0 - q
    excess = np.log(np.where(waits, waiting_probability, 1.0) / np.where(waits, 1.0 - q, 1.0))
    return np.where(waits, _over_spare(excess, spare), np.where(spare > 0.0, 0.0, np.inf))


def mm1_wait_quantile(q: ArrayLike, arrival_rate: ArrayLike, service_rate: ArrayLike) -> Array:
    """Quantile of the wait before service in M/M/1: ln(rho/(1-q))/(mu - lambda), 0 below q = 1 - rho."""
    arrivals, service = _floats(arrival_rate), _floats(service_rate)
    return _wait_quantile(_floats(q), arrivals / service, service - arrivals)


def mg1_mean_wait(arrival_rate: ArrayLike, mean_service: ArrayLike, service_scv: ArrayLike) -> Array:
    """Mean wait in M/G/1: lambda E[S]^2 (1 + SCV)/(2 (1 - rho)) (Pollaczek and Khinchine).

    service_scv is the squared coefficient of variation: 0 gives M/D/1, 1 gives M/M/1.
    """
    arrivals, service = _floats(arrival_rate), _floats(mean_service)
    second_moment = service**2 * (1.0 + _floats(service_scv))
    return _over_spare(arrivals * second_moment / 2.0, 1.0 - arrivals * service)


def erlang_c(servers: ArrayLike, offered_load: ArrayLike) -> Array:
    """Probability that an arrival waits in M/M/c with `offered_load` = lambda/mu; 1 at saturation.

    Through the recurrence of the Erlang B formula, which neither overflows nor cancels. Raises ValueError
    for fewer than one server or a part of one.
    """
    count, load = np.broadcast_arrays(_floats(servers), _floats(offered_load))
    if not (np.all(count >= 1.0) and np.all(count == np.floor(count))):
        raise ValueError("servers must be whole and at least 1")
    blocked = np.ones_like(load)
    for k in range(1, int(np.max(count, initial=1.0)) + 1):
        blocked = np.where(count >= k, load * blocked / (k + load * blocked), blocked)
    use = load / count
    below = use < 1.0
    return np.where(below, blocked / (1.0 - np.where(below, use, 0.0) * (1.0 - blocked)), 1.0)


def mmc_mean_wait(arrival_rate: ArrayLike, service_rate: ArrayLike, servers: ArrayLike) -> Array:
    """Mean wait in M/M/c: C(c, lambda/mu)/(c mu - lambda); service_rate is that of one server."""
    arrivals, service = _floats(arrival_rate), _floats(service_rate)
    return _over_spare(erlang_c(servers, arrivals / service), _floats(servers) * service - arrivals)


def mmc_wait_quantile(q: ArrayLike, arrival_rate: ArrayLike, service_rate: ArrayLike, servers: ArrayLike) -> Array:
    """Quantile of the wait in M/M/c: ln(C/(1-q))/(c mu - lambda), 0 where fewer than 1-q wait."""
    arrivals, service = _floats(arrival_rate), _floats(service_rate)
    spare = _floats(servers) * service - arrivals
    return _wait_quantile(_floats(q), erlang_c(servers, arrivals / service), spare)


def distserve_mean_ttft(request_rate: ArrayLike, prefill_time: ArrayLike, pipeline_stages: ArrayLike = 1) -> Array:
    """Mean time to first token of a pool that does prefill only: D + M/D/1 wait at an occupancy of D/stages.

    D + R D^2/(2(1 - R D)) for one stage, D + R D^2/(4(2 - R D)) for two (DistServe, OSDI 2024): stages
    shorten the occupancy, not the prefill itself.
    """
    prefill = _floats(prefill_time)
    return prefill + mg1_mean_wait(request_rate, prefill / _floats(pipeline_stages), 0.0)


def gps_mean_batch(request_rate: ArrayLike, tokens: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """Mean number of sequences in a batch whose step lasts a + b n, with no cap on n: X(a+b)/(1 - X b).

    X = request_rate * tokens; a, b in seconds. Generalised processor sharing (Cohen 1979): the number is
    negative binomial and does not depend on the distribution of output lengths. Infinite from X = 1/b on.
    """
    token_rate = _floats(request_rate) * _floats(tokens)
    step = _floats(b)
    return _over_spare(token_rate * (_floats(a) + step), 1.0 - token_rate * step)


def gps_mean_tpot(request_rate: ArrayLike, tokens: ArrayLike, a: ArrayLike, b: ArrayLike) -> Array:
    """Mean seconds per output token under the same law: (a+b)/(1 - X b); a + b when alone."""
    token_rate = _floats(request_rate) * _floats(tokens)
    step = _floats(b)
    return _over_spare(_floats(a) + step, 1.0 - token_rate * step)


def _md1_queue_lengths(load: float, count: int) -> Array:
    """P(n in the system), n below `count`, of M/D/1: level crossings, sums of positive terms only."""
    # A load below 1 leaves nothing of the Poisson tail 40 terms on.
    n = np.arange(1, count + 40, dtype=np.float64)
    arrivals = np.exp(-load) * np.concatenate([[1.0], np.cumprod(load / n)])
    # Tails summed from the far end: one minus a sum would cancel.
    beyond = np.cumsum(arrivals[::-1])[::-1][1:]
    lengths = np.zeros(count)
    lengths[0] = 1.0 - load
    for j in range(count - 1):
        upward = lengths[0] * beyond[j] + lengths[1 : j + 1] @ beyond[j:0:-1]
        lengths[j + 1] = upward / arrivals[0]
    return lengths


def md1_wait_cdf(x: ArrayLike, arrival_rate: float, service_time: float) -> Array:
    """P(wait <= x) in M/D/1 for finite x of any shape; 0 below x = 0.

    Franx (2001) with one server: exp(-y) sum_j y^j/j! Q_{k-1-j}, y = lambda (kD - x), (k-1)D <= x < kD, with
    Q_m the probability of at most m+1 in the system. All terms are positive, whereas the older alternating
    sum (Erlang, Crommelin) loses every digit some tens of service times out. Raises ValueError at saturation.
    """
    load = arrival_rate * service_time
    if not 0.0 <= load < 1.0:
        raise ValueError(f"load {load:.6g} is not below 1: the wait has no distribution")
    waits = _floats(x)
    stretches = np.floor(np.maximum(waits, 0.0) / service_time).astype(np.int64) + 1
    most = int(np.max(stretches, initial=1))
    at_most = np.cumsum(_md1_queue_lengths(load, most + 1))
    flat = np.empty(waits.size)
    for i, (wait, k) in enumerate(zip(waits.ravel(), stretches.ravel(), strict=True)):
        y = arrival_rate * (k * service_time - wait)
        terms = np.concatenate([[1.0], np.cumprod(y / np.arange(1, k, dtype=np.float64))])
        flat[i] = np.exp(-y) * float(terms @ at_most[k:0:-1]) if wait >= 0.0 else 0.0
    return flat.reshape(waits.shape)
