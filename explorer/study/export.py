"""An outcome as plain data for `evaluate --json`: SI units, null with a reason where there is no answer, never NaN."""

from __future__ import annotations

import math
from typing import Any

from explorer.study.against import Against, Moved
from explorer.study.export_economics import economics_data
from explorer.study.fleet_whole import fleet_p99
from explorer.study.outcome import (
    METRICS,
    AlternativeOutcome,
    Banded,
    FleetOutcome,
    Layout,
    Outcome,
    Percentiles,
    WorkloadOutcome,
)

SCHEMA = 1
NO_NUMBER = "in more than one draw in twenty no number of chips keeps the promises"


def outcome_data(outcome: Outcome, against: Against | None = None) -> dict[str, Any]:
    """The whole outcome, with what it moved against a baseline where there is one; every number finite or null."""
    return {
        "schema": SCHEMA,
        "title": outcome.title,
        "workloads": [_workload(workload) for workload in outcome.workloads],
        "fleet": _fleet(outcome.fleet),
        "economics": None if outcome.economics is None else economics_data(outcome.economics),
        "against_baseline": None if against is None else _against(against),
        "price_basis": outcome.price_basis,
        "comparison_basis": outcome.comparison_basis,
        "share_basis": outcome.fleet.share_basis,
        "catalog_edition": outcome.catalog_edition,
        "engine_version": outcome.engine_version,
        "samples": outcome.samples,
        "warnings": list(outcome.warnings),
    }


def _against(found: Against) -> dict[str, Any]:
    return {
        "title": found.title,
        "changed": list(found.changed),
        "what_it_moved": found.sentence,
        "selected": {workload: _moved(figures) for workload, figures in found.selected},
        "fleet": _moved(found.fleet),
    }


def _moved(figures: tuple[Moved, ...]) -> dict[str, Any]:
    return {one.name: {"before": one.before, "after": one.after} for one in figures}


def _workload(workload: WorkloadOutcome) -> dict[str, Any]:
    return {
        "name": workload.name,
        "model": workload.model_name,
        "parameters": workload.parameters,
        "active_parameters": workload.active_parameters,
        "promises_s": dict(workload.objectives),
        "prompt_tokens": workload.prompt_tokens,
        "output_tokens": workload.output_tokens,
        "arrivals": workload.arrivals or "gaps of a stated variation",
        "selected": workload.chosen.name,
        "alternatives": [_alternative(one) for one in workload.alternatives],
    }


def _alternative(one: AlternativeOutcome) -> dict[str, Any]:
    memory, cost = one.memory, one.cost
    per_replica = max(one.replicas, 1)
    return {
        "name": one.name,
        "chip": one.chip,
        "chips_per_replica": one.layout.chips,
        "replicas": one.replicas,
        "spare_replicas": one.spare_replicas,
        "chips_total": one.chips_total,
        "layout": _layout(one.layout),
        "fits": memory.fits,
        "feasible": one.feasible,
        "keeps_promises": one.keeps_promises,
        "reason": one.reason,
        "memory": {
            "weights_bytes": memory.weights,
            "kv_bytes": memory.kv,
            "kv_at_cap_bytes": memory.kv_at_cap,
            "other_bytes": memory.other,
            "capacity_bytes": memory.capacity,
            "usable_bytes": memory.usable,
            "max_batch": memory.max_batch,
            "max_context_tokens": _finite(memory.max_context),
            "step_read_s": {read.reading or "as stated": read.seconds for read in memory.read_times},
            "note": memory.note,
            "remedy": memory.remedy,
        },
        **{f"{metric}_s": _percentiles(one.latency[metric]) for metric in METRICS},
        "request_rate": one.request_rate,
        "users_per_replica": one.users,
        "utilisation": _finite(one.utilisation),
        "utilisation_band": _drawn(one, "utilisation"),
        "throughput_tokens_per_s": one.throughput_tokens_per_s if one.feasible else None,
        "throughput_tokens_per_s_per_replica": one.throughput_tokens_per_s / per_replica if one.feasible else None,
        "throughput_tokens_per_s_band": _drawn(one, "throughput_tokens_per_s") if one.feasible else None,
        "max_request_rate": one.max_request_rate,
        "max_request_rate_band": _drawn(one, "max_request_rate"),
        "max_request_rate_per_replica": one.max_request_rate / per_replica,
        "mean_batch": None if one.batch is None else one.batch.mean,
        "p99_batch": None if one.batch is None else one.batch.p99,
        "probability_keeps": dict(one.probability_keeps),
        "cost_usd_per_million_tokens": {
            "blended": _value(cost.usd_per_million_blended),
            "input": cost.usd_per_million_input,
            "output": cost.usd_per_million_output,
            "at_full_use": cost.usd_per_million_at_full_use,
            "blended_band": _banded(cost.usd_per_million_blended, cost.reason or NO_NUMBER),
            "input_band": _drawn(one, "usd_per_million_input", NO_NUMBER),
            "output_band": _drawn(one, "usd_per_million_output", NO_NUMBER),
            "at_full_use_band": _drawn(one, "usd_per_million_at_full_use", NO_NUMBER),
            "reason": cost.reason,
        },
        "cost_usd_per_month": _value(cost.usd_per_month),
        "cost_usd_per_month_band": _banded(cost.usd_per_month, cost.reason or NO_NUMBER),
        "usd_per_chip_hour": _banded(cost.usd_per_chip_hour, cost.reason),
        "price_source": cost.price_source,
        "price_hypothetical": cost.price_hypothetical,
        "price_stale": cost.price_stale,
        "price_elsewhere": cost.price_elsewhere,
        "energy_joule_per_token": _value(one.energy_joule_per_token),
        "energy_joule_per_token_band": _banded(one.energy_joule_per_token, ""),
        "evidence_grade": one.evidence_grade,
        "step_error_factor": one.step_error,
        "own_benchmark": _own(one),
        "latency_method": one.latency_method,
        "method_note": one.method_note,
        "simulated_requests": one.simulated_requests,
        "precision_note": one.precision_note,
        "available": one.available,
        "availability_note": one.availability_note,
    }


def _layout(layout: Layout) -> dict[str, int]:
    """The split of one instance, and how many a replica has where that is more than one."""
    split = {"tp": layout.tp, "pp": layout.pp, "dp": layout.dp, "ep": layout.ep}
    return split if layout.instances == 1 else {**split, "instances": layout.instances}


def _own(one: AlternativeOutcome) -> dict[str, Any] | None:
    if one.own is None:
        return None
    return {
        "files": one.own.runs,
        "rows": one.own.rows,
        "step_factor": one.own.step_factor,
        "step_error_factor_before": one.own.error_before,
        "step_error_factor": one.own.error_after,
        "sentence": one.own.sentence,
    }


def _percentiles(found: Percentiles) -> dict[str, Any]:
    table = {name: _banded(getattr(found, name), found.reason) for name in ("p50", "p95", "p99")}
    return {**table, "reason": found.reason} if found.reason else table


def _banded(band: Banded | None, reason: str) -> dict[str, Any] | None:
    if band is None:
        return None
    data: dict[str, Any] = {"value": band.value, "low": _finite(band.low), "high": _finite(band.high)}
    if band.median is not None:
        data["median"] = _finite(band.median)
    if not math.isfinite(band.high):
        data["reason"] = reason or "in more than one draw in twenty the load cannot be carried"
    return data


def _drawn(one: AlternativeOutcome, output: str, reason: str = "") -> dict[str, Any] | None:
    return _banded(one.bands.get(output), reason or one.reason)


def _fleet(fleet: FleetOutcome) -> dict[str, Any]:
    return {
        "shares": {
            "traffic": {pool.name: pool.traffic_share for pool in fleet.pools},
            "spend": {pool.name: pool.spend_share for pool in fleet.pools},
            "chips": {pool.name: pool.chip_share for pool in fleet.pools},
            "power": {pool.name: pool.power_share for pool in fleet.pools},
        },
        "pools": [
            {
                "name": pool.name,
                "chip": pool.chip,
                "cloud": pool.cloud,
                "chips": pool.chips,
                "usd_per_month": pool.usd_per_month,
                "feasible": pool.feasible,
                "reason": pool.reason,
            }
            for pool in fleet.pools
        ],
        "tiers": {
            tier.tier: {
                "hhi": tier.hhi.value,
                "hhi_low": tier.hhi.low,
                "hhi_high": tier.hhi.high,
                "hhi_median": tier.hhi.median,
                "effective_suppliers": tier.effective_suppliers.value,
                "effective_suppliers_low": tier.effective_suppliers.low,
                "effective_suppliers_high": tier.effective_suppliers.high,
                "effective_suppliers_median": tier.effective_suppliers.median,
                "top_share": tier.top_share.value,
                "top_share_low": tier.top_share.low,
                "top_share_high": tier.top_share.high,
                "top_share_median": tier.top_share.median,
                "top_supplier": tier.top_supplier,
                "single_point_of_failure": tier.single_point_of_failure,
                "counts": tier.counts,
                "suppliers": {one.supplier: one.share for one in tier.suppliers},
                "unknown": tier.unknown,
            }
            for tier in fleet.tiers
        },
        "weakest_tiers": list(fleet.weakest_tiers),
        "cost_usd_per_month": fleet.usd_per_month,
        "fixed_usd_per_month": None
        if fleet.fixed is None
        else {
            "further_software_stacks": fleet.fixed.stacks_usd_per_month,
            "further_clouds": fleet.fixed.clouds_usd_per_month,
            "total": fleet.fixed.usd_per_month,
        },
        "total_usd_per_month": fleet.total_usd_per_month,
        "p99_s": {workload: dict(found) for workload, found in fleet_p99(fleet).items()},
        "facility_watts": fleet.watts,
        "note": fleet.note,
        "reason": fleet.reason,
    }


def _value(band: Banded | None) -> float | None:
    return None if band is None else band.value


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
