"""Waiting for the slowest of N chips: every-step jitter (a slowdown) and rare stalls (a tail), kept apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


# Wichura (1988), algorithm AS 241, routine PPND16: rational approximations on three stretches.
_CENTRE = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
_MIDDLE = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
_FAR = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    above, below = coefficients
    numerator = np.full_like(x, above[-1])
    denominator = np.full_like(x, below[-1])
    for upper, lower in zip(above[-2::-1], below[-2::-1], strict=True):
        numerator = numerator * x + upper
        denominator = denominator * x + lower
    return numerator / denominator


def normal_quantile(p: ArrayLike) -> Array:
    """Standard normal quantile of p, any shape; minus and plus infinity at 0 and 1, NaN outside.

    Wichura, Algorithm AS 241 (Applied Statistics 37, 1988), relative accuracy about 1e-16. It is here
    because the window's process does without SciPy.
    """
    probability = _floats(p)
    centred = probability - 0.5
    near = np.abs(centred) <= 0.425
    centre = centred * _ratio(_CENTRE, 0.180625 - np.where(near, centred, 0.0) ** 2)
    tail = np.where(centred < 0.0, probability, 1.0 - probability)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.sqrt(-np.log(tail))
        far = np.where(
            depth <= 5.0,
            _ratio(_MIDDLE, np.where(depth <= 5.0, depth, 5.0) - 1.6),
            _ratio(_FAR, np.where(np.isfinite(depth), depth, 5.0) - 5.0),
        )
    outer = np.copysign(np.where(np.isinf(depth), np.inf, far), centred)
    outside = np.isnan(depth)
    return np.where(near, centre, np.where(outside, np.nan, outer))


def _quantile_of_power_root(log_q: Array, n: Array) -> Array:
    """Normal quantile of q**(1/n) from log q, exact also where the root is next to 1."""
    root_log = log_q / n
    root = np.exp(root_log)
    upper_tail = -np.expm1(root_log)
    lower = root < 0.5
    quantile = normal_quantile(np.where(lower, root, upper_tail))
    return np.where(lower, quantile, -quantile)


def max_of_n_quantile(q: ArrayLike, n: ArrayLike, mu: ArrayLike, sigma: ArrayLike) -> Array:
    """Quantile q of the largest of n independent lognormals: exp(mu + sigma * Phi^-1(q^(1/n))). Exact."""
    level = _floats(q)
    with np.errstate(divide="ignore"):
        z = _quantile_of_power_root(np.log(level), _floats(n))
    return np.exp(_floats(mu) + _floats(sigma) * z)


def _double_exponential_rule() -> tuple[Array, Array]:
    """Logarithms of nodes and weights on (0, 1) that bear the logarithmic ends of a quantile function.

    u = 1/(1 + exp(-pi sinh t)) with t on a uniform grid (Takahasi and Mori 1974); 57 nodes reach 1e-12.
    """
    step = 0.12
    t = step * np.arange(-28, 29, dtype=np.float64)
    stretch = np.pi * np.sinh(t)
    log_u = -np.logaddexp(0.0, -stretch)
    log_rest = -np.logaddexp(0.0, stretch)
    weights = step * np.pi * np.cosh(t) * np.exp(log_u + log_rest)
    return log_u, weights


_LOG_NODES, _WEIGHTS = _double_exponential_rule()


def expected_max_normal(n: ArrayLike) -> Array:
    """Mean of the largest of n independent standard normals, any shape; 0 for n = 1.

    Integral of Phi^-1(u^(1/n)) over u by double-exponential quadrature, error below 1e-10.
    """
    count = _floats(n)[..., np.newaxis]
    return np.asarray(_quantile_of_power_root(_LOG_NODES, count) @ _WEIGHTS)


def _lognormal_max_at_nodes(n: ArrayLike, sigma: ArrayLike) -> Array:
    count = _floats(n)[..., np.newaxis]
    spread = _floats(sigma)[..., np.newaxis]
    return np.exp(spread * _quantile_of_power_root(_LOG_NODES, count) - 0.5 * spread**2)


def mean_of_max_lognormal(n: ArrayLike, sigma: ArrayLike) -> Array:
    """Mean of the largest of n independent lognormals of mean 1 and log-spread sigma; broadcasts.

    This is the slowdown J of a step with many barriers: independent jitter averages out over the barriers
    and leaves its mean. 1 for n = 1 or sigma = 0; error below 1e-9 for sigma up to 0.5.
    """
    return np.asarray(_lognormal_max_at_nodes(n, sigma) @ _WEIGHTS)


def sd_of_max_lognormal(n: ArrayLike, sigma: ArrayLike) -> Array:
    """Standard deviation of the largest of n mean-1 lognormals; over K barriers divide by sqrt(K)."""
    values = _lognormal_max_at_nodes(n, sigma)
    mean = np.asarray(values @ _WEIGHTS)[..., np.newaxis]
    return np.sqrt((values - mean) ** 2 @ _WEIGHTS)


def hit_probability_per_step(p: ArrayLike, ranks: ArrayLike, barriers: ArrayLike) -> Array:
    """Probability that at least one of ranks * barriers meetings stalls, each with probability p.

    1 - (1-p)^(N K) (Dean and Barroso 2013, "The tail at scale"). For several steps multiply the barriers.
    """
    meetings = _floats(ranks) * _floats(barriers)
    return -np.expm1(meetings * np.log1p(-_floats(p)))


def critical_ranks(q: ArrayLike, barriers: ArrayLike, p: ArrayLike) -> Array:
    """Number of chips above which the q-quantile of the inter-token gap is a stalled step.

    N = ln q / (K ln(1-p)), from 1 - (1-p)^(N K) > 1 - q. Infinite when p is 0.
    """
    with np.errstate(divide="ignore"):
        return np.log(_floats(q)) / (_floats(barriers) * np.log1p(-_floats(p)))
