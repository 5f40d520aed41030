"""What serving costs: owned and rented chips, money per token, whole units, the price of leaving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

HOURS_PER_MONTH = 730.0
"""8,760 hours a year over twelve months: the clouds' own billing convention."""

HOURS_PER_YEAR = 8760.0
SECONDS_PER_HOUR = 3600.0
WATTS_PER_KILOWATT = 1000.0
JOULES_PER_KILOWATT_HOUR = 3.6e6
TOKENS_PER_MILLION = 1e6

# A quotient that is whole but for rounding must not buy one chip or replica more.
_WHOLE = 1e-9


def _floats(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _over(numerator: Array, denominator: Array) -> Array:
    """Quotient that is infinite where a positive amount meets nothing to divide it by."""
    with np.errstate(divide="ignore"):
        return numerator / denominator


def capital_recovery_factor(rate: ArrayLike, years: ArrayLike) -> Array:
    """Yearly payment that repays 1 over `years` at a yearly `rate`: r(1+r)^n/((1+r)^n - 1), 1/n at rate 0."""
    interest, life = np.broadcast_arrays(_floats(rate), _floats(years))
    free = life * np.log1p(interest) == 0.0  # at rate 0, and at one too small to grow at all
    paid = np.where(free, 1.0, interest)
    return np.where(free, 1.0 / life, paid / -np.expm1(-life * np.log1p(paid)))


@dataclass(frozen=True, slots=True)
class OwnedCost:
    """What owning one unit (a chip or a node) takes; every field may be an array that broadcasts.

    capex in USD; residual_share of capex left after life_years; cost_of_capital a year; power_watts at full
    load and load its mean share; pue facility power over chip power; opex_share_per_year of capex.
    A colocation price (USD per kW of full power and month) is all-in and replaces PUE and energy.
    """

    capex: ArrayLike
    residual_share: ArrayLike
    cost_of_capital: ArrayLike
    life_years: ArrayLike
    power_watts: ArrayLike
    load: ArrayLike
    pue: ArrayLike
    usd_per_kwh: ArrayLike
    opex_share_per_year: ArrayLike
    colocation_usd_per_kw_month: ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class HourlyCost:
    """USD an hour by part; they add up to `total`."""

    capital: Array
    energy: Array
    colocation: Array
    opex: Array

    @property
    def total(self) -> Array:
        """USD an hour, all parts."""
        return np.asarray(self.capital + self.energy + self.colocation + self.opex)


def owned_cost_per_hour(owned: OwnedCost) -> HourlyCost:
    """USD for every hour of the year, used or not, of an owned unit, by part.

    [(K - R/(1+r)^n) CRF(r,n) + opex K]/8760 + kW load PUE $/kWh, or + kW $/kW-month / 730 in colocation.
    """
    capex, rate, life = _floats(owned.capex), _floats(owned.cost_of_capital), _floats(owned.life_years)
    residual = capex * _floats(owned.residual_share) / (1.0 + rate) ** life
    capital = (capex - residual) * capital_recovery_factor(rate, life) / HOURS_PER_YEAR
    opex = capex * _floats(owned.opex_share_per_year) / HOURS_PER_YEAR
    kilowatts = _floats(owned.power_watts) / WATTS_PER_KILOWATT
    if owned.colocation_usd_per_kw_month is None:
        energy = kilowatts * _floats(owned.load) * _floats(owned.pue) * _floats(owned.usd_per_kwh)
        colocation = np.zeros_like(energy)
    else:
        colocation = kilowatts * _floats(owned.colocation_usd_per_kw_month) / HOURS_PER_MONTH
        energy = np.zeros_like(colocation)
    return HourlyCost(capital, energy, colocation, opex)


def cost_plus_price_per_hour(owned: OwnedCost, margin: ArrayLike) -> Array:
    """USD an hour a seller asks who owns the unit and adds `margin` (0.3 = 30 %) to its cost."""
    return owned_cost_per_hour(owned).total * (1.0 + _floats(margin))


def effective_rented_price(
    price_per_hour: ArrayLike, discount: ArrayLike, committed_use: ArrayLike, real_use: ArrayLike
) -> Array:
    """USD per hour really used of a reservation: P (1-d) u_committed/u_real, to set against on-demand P.

    A reservation at 40 % off breaks even with on-demand at 60 % use.
    """
    paid = _floats(price_per_hour) * (1.0 - _floats(discount)) * _floats(committed_use)
    return _over(paid, _floats(real_use))


def cost_per_million_tokens(
    usd_per_hour: ArrayLike, tokens_per_second: ArrayLike, utilisation: ArrayLike = 1.0
) -> Array:
    """USD per million tokens at a rate that keeps the objectives, used a share `utilisation` of the time."""
    tokens_per_hour = SECONDS_PER_HOUR * _floats(tokens_per_second) * _floats(utilisation)
    return _over(_floats(usd_per_hour) * TOKENS_PER_MILLION, tokens_per_hour)


def monthly_cost(usd_per_chip_hour: ArrayLike, chips: ArrayLike) -> Array:
    """USD a month for chips that are kept all month, 730 hours, spares and idle ones included."""
    return _floats(usd_per_chip_hour) * _floats(chips) * HOURS_PER_MONTH


def monthly_tokens(request_rate: ArrayLike, peak_to_mean: ArrayLike, tokens_per_request: ArrayLike) -> Array:
    """Tokens a month: the busy-hour rate (requests/s) over peak_to_mean, for 730 hours."""
    mean_rate = _floats(request_rate) / _floats(peak_to_mean)
    return mean_rate * HOURS_PER_MONTH * SECONDS_PER_HOUR * _floats(tokens_per_request)


@dataclass(frozen=True, slots=True)
class TokenCost:
    """A month's money laid on input and output tokens; the USD add up to the month's cost."""

    input_usd: Array
    output_usd: Array
    usd_per_million_input: Array
    usd_per_million_output: Array
    usd_per_million_blended: Array


def split_input_output(
    monthly_cost: ArrayLike,
    input_tokens: ArrayLike,
    output_tokens: ArrayLike,
    prefill_chip_time: ArrayLike,
    decode_chip_time: ArrayLike,
) -> TokenCost:
    """Split a month's USD between input and output tokens by the chip time of prefill and of decode.

    Idle time follows in the same proportion, so that input USD + output USD is the month's cost.
    Tokens are a month's; the two chip times need only the same unit. Raises ValueError where no tokens are
    served or no chip time is spent: there is nothing to lay the money on.
    """
    month = _floats(monthly_cost)
    tokens_in, tokens_out = _floats(input_tokens), _floats(output_tokens)
    prefill, decode = _floats(prefill_chip_time), _floats(decode_chip_time)
    both = prefill + decode
    if not (np.minimum(tokens_in, tokens_out) > 0.0).all():
        raise ValueError("input and output tokens must be positive to carry a cost")
    if (np.minimum(prefill, decode) < 0.0).any() or not (both > 0.0).all():
        raise ValueError("prefill and decode chip time must not be negative, nor both zero")
    input_usd = month * (prefill / both)
    output_usd = month * (decode / both)
    return TokenCost(
        input_usd=input_usd,
        output_usd=output_usd,
        usd_per_million_input=input_usd / tokens_in * TOKENS_PER_MILLION,
        usd_per_million_output=output_usd / tokens_out * TOKENS_PER_MILLION,
        usd_per_million_blended=month / (tokens_in + tokens_out) * TOKENS_PER_MILLION,
    )


def energy_per_token(power_watts: ArrayLike, load: ArrayLike, pue: ArrayLike, tokens_per_second: ArrayLike) -> Array:
    """Joules of facility energy per token: W load PUE / (tokens/s)."""
    return _over(_floats(power_watts) * _floats(load) * _floats(pue), _floats(tokens_per_second))


def tokens_per_second_per_watt(
    tokens_per_second: ArrayLike, power_watts: ArrayLike, load: ArrayLike, pue: ArrayLike
) -> Array:
    """Tokens per second and watt of facility power, which is tokens per joule."""
    return _over(_floats(tokens_per_second), _floats(power_watts) * _floats(load) * _floats(pue))


def energy_cost_per_million_tokens(joules_per_token: ArrayLike, usd_per_kwh: ArrayLike) -> Array:
    """USD of energy per million tokens: J per token / 3.6 is kWh per million tokens."""
    kwh = _floats(joules_per_token) * TOKENS_PER_MILLION / JOULES_PER_KILOWATT_HOUR
    return kwh * _floats(usd_per_kwh)


def break_even_utilisation(
    fixed_owned_per_hour: ArrayLike, rented_per_hour: ArrayLike, variable_owned_per_hour: ArrayLike
) -> Array:
    """Share of hours in use above which owning is cheaper than renting those hours: fixed/(rent - variable).

    Above 1 owning never pays; infinite where an owned hour in use costs as much as a rented one.
    """
    fixed, saved = np.broadcast_arrays(
        _floats(fixed_owned_per_hour), _floats(rented_per_hour) - _floats(variable_owned_per_hour)
    )
    return np.where(saved > 0.0, fixed / np.where(saved > 0.0, saved, 1.0), np.inf)


def chips_in_whole_units(chips: ArrayLike, unit_size: ArrayLike) -> Array:
    """Chips that must be bought or rented when they come only in whole units (node, rack)."""
    unit = _floats(unit_size)
    return np.ceil(_floats(chips) / unit - _WHOLE) * unit


def replicas_with_spares(request_rate: ArrayLike, rate_per_replica: ArrayLike, spare_replicas: ArrayLike = 0) -> Array:
    """Fewest replicas that carry `request_rate` within their objectives, plus N+k spares; at least one.

    `rate_per_replica` is the largest rate one replica carries with every objective kept; infinite where
    that is zero, since no number of replicas will do.
    """
    wanted, each = np.broadcast_arrays(_floats(request_rate), _floats(rate_per_replica))
    able = each > 0.0
    needed = np.ceil(wanted / np.where(able, each, 1.0) * (1.0 - _WHOLE))
    return np.where(able, np.maximum(needed, 1.0), np.inf) + _floats(spare_replicas)


def chips_total(
    chips_per_replica: ArrayLike, replicas: ArrayLike, spare_chips: ArrayLike = 0, unit_size: ArrayLike = 1
) -> Array:
    """Chips of a deployment: degree * replicas + spare chips, in whole units."""
    wanted = _floats(chips_per_replica) * _floats(replicas) + _floats(spare_chips)
    return chips_in_whole_units(wanted, unit_size)


@dataclass(frozen=True, slots=True)
class Migration:
    """What leaving a supplier takes. Money in USD, egress in terabytes (1e12 bytes), prices per gigabyte."""

    engineers: ArrayLike
    months: ArrayLike
    usd_per_engineer_month: ArrayLike
    dual_run_months: ArrayLike
    monthly_spend: ArrayLike
    overlap_share: ArrayLike
    egress_terabytes: ArrayLike = 0.0
    usd_per_gigabyte: ArrayLike = 0.0
    requalification: ArrayLike = 0.0
    penalties: ArrayLike = 0.0


def switching_cost(migration: Migration) -> Array:
    """USD to leave: engineering + running both for a while + egress + requalification + penalties."""
    labour = _floats(migration.engineers) * _floats(migration.months)
    dual_run = _floats(migration.dual_run_months) * _floats(migration.monthly_spend)
    return (
        labour * _floats(migration.usd_per_engineer_month)
        + dual_run * _floats(migration.overlap_share)
        + _floats(migration.egress_terabytes) * 1000.0 * _floats(migration.usd_per_gigabyte)
        + _floats(migration.requalification)
        + _floats(migration.penalties)
    )


def payback_months(one_off_cost: ArrayLike, saving_per_month: ArrayLike) -> Array:
    """Months until a one-off cost is earned back; infinite where nothing is saved."""
    cost, saving = np.broadcast_arrays(_floats(one_off_cost), _floats(saving_per_month))
    earns = saving > 0.0
    return np.where(earns, cost / np.where(earns, saving, 1.0), np.inf)


def net_present_value(one_off_cost: ArrayLike, savings: ArrayLike, rate: ArrayLike) -> Array:
    """USD today of `savings` (..., periods), each at its period's end, less the cost now.

    -SC + sum of saving_t/(1+r)^t; `rate` is per period, its shape that of the other axes.
    """
    saved = _floats(savings)
    growth = (1.0 + _floats(rate))[..., np.newaxis] ** np.arange(1, saved.shape[-1] + 1, dtype=np.float64)
    return np.asarray(np.sum(saved / growth, axis=-1) - _floats(one_off_cost))


def exploitable_price_rise(
    switching_cost: ArrayLike, annual_spend: ArrayLike, rate: ArrayLike, years: ArrayLike
) -> Array:
    """Largest lasting price rise, as a share of spend, that a supplier can take before leaving pays.

    pi* = CRF(r, T) SC/S: the yearly worth of the switching cost over the yearly spend (Shapiro and Varian
    1998; Farrell and Klemperer 2007).
    """
    yearly = capital_recovery_factor(rate, years) * _floats(switching_cost)
    return _over(yearly, _floats(annual_spend))
