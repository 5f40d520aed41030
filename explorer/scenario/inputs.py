"""What each setting of a scenario is called for people, and the quantity that writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from explorer.scenario.fields import Record
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import Quantity, number_text
from explorer.scenario.wording import Step


@dataclass(frozen=True, slots=True)
class Input:
    """One setting: its title, and for a number its quantity and the SI value of one as the file states it."""

    title: str
    quantity: str | None = None
    scale: float = 1.0
    words: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the window calls a choice that the file spells otherwise."""
    is_rare: bool = False
    """A chance so small that it is read as one in so many."""

    def text(self, value: Any) -> str:
        """A value of this setting as people read it."""
        if value is None:
            return "not set"
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            if self.is_rare and 0.0 < value < 1e-3:
                return f"1 in {number_text(1.0 / value)}"
            quantity: Quantity = QUANTITIES[self.quantity or "plain"]
            return quantity.format_exact(value * self.scale)
        if isinstance(value, tuple | list):
            return ", ".join(self.text(item) for item in value) or "none"
        if isinstance(value, Record):
            return str(getattr(value, "label", "") or getattr(value, "name", "")) or _record_text(value)
        return self.words.get(str(value)) or str(value).replace("_", " ")


def _record_text(record: Record) -> str:
    """The settings of a small record in a row: "tp 4 · pp 1 · dp 1 · ep 4"."""
    given = {key: getattr(record, key) for key in type(record).model_fields}
    return " · ".join(f"{key} {value}" for key, value in given.items() if value not in (None, ""))


INPUTS: Mapping[str, Input] = MappingProxyType(
    {
        "title": Input("Title"),
        "question": Input("Question"),
        "catalog_edition": Input("Catalogue edition"),
        "as_of": Input("As of"),
        "name": Input("Name"),
        "selected": Input("Selected alternative"),
        "preset": Input("Model"),
        "size_billion": Input("Model size", "parameters", 1e9),
        "weight_precision": Input("Weight precision"),
        "kv_precision": Input("KV precision"),
        "kv_sequence_sharding": Input("KV cache sharded along the sequence"),
        "mode": Input("Traffic mode"),
        "request_rate_per_s": Input("Requests per second", "request_rate"),
        "arrival_cv": Input("Burstiness of arrivals", "plain"),
        "arrivals": Input("Arrivals", words={"gamma": "gaps", "on_off": "on-off"}),
        "on_share": Input("Share of time with arrivals", "share"),
        "burst_s": Input("Mean length of a burst", "seconds"),
        "trace": Input("Recorded trace"),
        "file": Input("File"),
        "sha256": Input("SHA-256 of the file"),
        "skip_bad_rows": Input("Go on without bad rows"),
        "prompt_tokens": Input("Prompt length", "tokens"),
        "prompt_cv": Input("Spread of prompt lengths", "plain"),
        "output_tokens": Input("Answer length", "tokens"),
        "output_cv": Input("Spread of answer lengths", "plain"),
        "prefix_hit_share": Input("Prompt found in the prefix cache", "share"),
        "peak_to_mean": Input("Busy hour over mean", "plain"),
        "ttft_p99_s": Input("Promise: P99 first token", "seconds"),
        "tpot_p99_s": Input("Promise: P99 per token (TPOT)", "seconds"),
        "itl_p99_s": Input("Promise: P99 between tokens (ITL)", "seconds"),
        "e2e_p99_s": Input("Promise: P99 whole answer", "seconds"),
        "chip": Input("Chip"),
        "cloud": Input("Cloud"),
        "offer": Input("Offer"),
        "parallelism_degree": Input("Parallelism degree", "chips"),
        "layout": Input("Layout"),
        "tp": Input("Tensor parallel", "plain"),
        "pp": Input("Pipeline parallel", "plain"),
        "dp": Input("Attention data parallel", "plain"),
        "ep": Input("Expert parallel", "plain"),
        "max_batch": Input("Batch size, at most", "batch"),
        "replicas": Input("Replicas", "plain"),
        "spare_replicas": Input("Spare replicas", "plain"),
        "token_budget": Input("Token budget of a step", "tokens"),
        "scheduler": Input("Scheduler"),
        "prefill_instances": Input("Prefill instances of a replica", "plain"),
        "decode_instances": Input("Decode instances of a replica", "plain"),
        "kv_transfer_gb_per_s": Input("KV transfer of a chip", "bytes_per_s", 1e9),
        "routing": Input("Routing"),
        "speculation": Input("Speculative decoding"),
        "acceptance": Input("Chance that a drafted token is accepted", "share"),
        "draft_tokens": Input("Tokens drafted a step", "plain"),
        "step_cost": Input("Drafting and checking, of a step", "share"),
        "traffic_share": Input("Traffic share", "share"),
        "locked": Input("Share locked"),
        "tiers": Input("Tiers that count"),
        "basis": Input("Basis"),
        "term": Input("Term"),
        "region": Input("Region"),
        "margin": Input("Margin on cost", "share"),
        "utilisation_sold": Input("Share of hours sold", "share"),
        "life_years": Input("Life", "years"),
        "residual_share": Input("Residual value", "share"),
        "cost_of_capital": Input("Cost of capital", "share"),
        "system_overhead_share": Input("System cost on top of chips", "share"),
        "power_overhead_share": Input("System power on top of chips", "share"),
        "load_share": Input("Power drawn, of the rated", "share"),
        "pue": Input("PUE", "plain"),
        "electricity_usd_per_kwh": Input("Electricity, per kWh", "usd"),
        "opex_share_per_year": Input("Operation, of the price a year", "share"),
        "colocation_usd_per_kw_month": Input("Colocation, per kW and month", "usd"),
        "power_limit_kw": Input("Power to be had", "watts", 1e3),
        "hosted_usd_per_million_input": Input("Hosted service, per million prompt tokens", "usd_per_million"),
        "hosted_usd_per_million_output": Input("Hosted service, per million answer tokens", "usd_per_million"),
        "hosted_source": Input("Hosted service, where its price is from"),
        "headroom": Input("Spare capacity of the survivors", "share"),
        "features": Input("Features used"),
        "stack_usd_per_month": Input("Each further software stack", "usd_per_month"),
        "cloud_usd_per_month": Input("Each further cloud", "usd_per_month"),
        "engineers": Input("Engineers to move", "plain"),
        "months": Input("Months to move", "plain"),
        "usd_per_engineer_month": Input("An engineer's month", "usd"),
        "dual_run_months": Input("Months of running both", "plain"),
        "overlap_share": Input("Spend doubled meanwhile", "share"),
        "egress_terabytes": Input("Data to move out, TB", "plain"),
        "egress_usd_per_gb": Input("Moving out a GB", "usd"),
        "requalification_usd": Input("Requalification", "usd"),
        "penalties_usd": Input("Contract penalties", "usd"),
        "horizon_years": Input("Horizon", "years"),
        "outage_probability_per_year": Input("Chance of an outage a year", "share"),
        "weeks_to_recover": Input("Weeks to replace a supplier", "plain"),
        "weeks_to_survive": Input("Weeks that stock lasts", "plain"),
        "price_rise_share": Input("Price rise looked at", "share"),
        "locks": Input("Locked"),
        "shocks": Input("Shocks"),
        "kind": Input("Kind"),
        "supplier": Input("Supplier"),
        "share": Input("Part that is hit", "share"),
        "weeks": Input("Weeks", "plain"),
        "change": Input("Change of price", "share"),
        "usd_per_gb": Input("Change of memory price, per GB", "usd"),
        "cause": Input("Common cause"),
        "claims": Input("Claims"),
        "statement": Input("Statement"),
        "says": Input("Claim in words"),
        "sources": Input("Sources"),
        "found": Input("What was found on it"),
        "penalty_usd_per_month": Input("Penalty for broken promises", "usd_per_month"),
        "optimism": Input("Optimism", "share"),
        "tail_share": Input("Cases outside the worst ones", "share"),
        "each_at_own_precision": Input("Each at its own precision"),
        "clouds": Input("Clouds within reach"),
        "regions": Input("Regions within reach"),
        "on_premises": Input("On premises possible"),
        "jitter_sigma": Input("Jitter at barriers", "share"),
        "stall_probability": Input("Chance of a stall", "plain", is_rare=True),
        "stall_s": Input("Length of a stall", "seconds"),
        "method": Input("Method"),
        "seed": Input("Seed", "plain"),
        "requests": Input("Simulated requests", "plain"),
        "samples": Input("Samples of the open figures", "plain"),
        "value": Input("Own figure", "plain"),
        "unit": Input("Unit"),
        "belief": Input("Belief in the first reading", "share"),
        "reason": Input("Reason"),
    }
)
"""By the last key of a path; list positions take the title of their list."""


def input_at(path: tuple[Step, ...]) -> Input:
    """The setting at a path; one without a title of its own is called by its key."""
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    return INPUTS.get(key) or Input(key.replace("_", " ").capitalize())
