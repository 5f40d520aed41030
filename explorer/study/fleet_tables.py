"""The fleet in tables: pools, tiers, suppliers, shocks, portability and the market, as rows of texts."""

from __future__ import annotations

from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.quantity import NOTHING
from explorer.study.dependence import Dependence
from explorer.study.economics import Economics
from explorer.study.fleet import TIER_TITLES
from explorer.study.fleet_outcome import FleetOutcome
from explorer.study.fleet_whole import fleet_p99, latency_words, month_words
from explorer.study.shocks import FleetState, ShockOutcome

Rows = list[list[str]]

MONTH, SHARE, SUPPLIERS, SECONDS, USD, PLAIN = (
    QUANTITIES[key] for key in ("usd_per_month", "share", "suppliers", "seconds", "usd", "plain")
)
POOL_HEADINGS = (
    ("Pool", "Member of the fleet"),
    ("Chip", "And the cloud it runs in"),
    ("Traffic", "Share of the output tokens: set by you; losses are counted on it"),
    ("Spend", "Share of the month's money: what concentration and price exposure are counted on"),
    ("Chips", "Share of the chips: what late deliveries are counted on"),
    ("Power", "Share of the power of the chips"),
    ("Number", "Chips, spares and whole units included"),
    ("$/month", "Of the pool"),
    ("Remarks", "Why it cannot carry its share"),
)
TIER_HEADINGS = (
    ("Tier", "Level of the supply chain; in brackets: not ticked as one that counts"),
    ("Effective", "Effective suppliers by spend: 10,000 over the HHI; with its range over what is undisclosed"),
    ("HHI", "Herfindahl-Hirschman index by spend, 10,000 for a single supplier"),
    ("Largest", "Share of the largest supplier (CR1)"),
    ("Three largest", "Share of the three largest (CR3)"),
    ("Survives", "Traffic still served after the worst single failure"),
    ("Supplier", "The largest, as far as is known"),
    ("Remarks", "Single points of failure, and what is undisclosed"),
)
SUPPLIER_HEADINGS = (
    ("Tier", "Level of the supply chain; in brackets: not ticked as one that counts"),
    ("Supplier", "Who the fleet depends on there"),
    ("Spend", "Share of the money, in expectation where undisclosed"),
    ("Traffic", "Share of the traffic"),
    ("Lost", "Traffic lost when it fails (N-1), with its range over what is undisclosed"),
    ("Spare of others", "Spare capacity of the survivors over what they carry"),
    ("Runs on others", "Part of the work that the survivors' stacks support"),
    ("Exposure index", "Weeks lost until it is replaced, over the largest (REI)"),
)
LEAVING_HEADINGS = (
    ("Tier", "Levels that a buyer can leave"),
    ("Supplier", "Who is left"),
    ("Spend a year", "What hangs on it today"),
    ("Bill if dearer", "Rise of the whole bill when it raises its prices as far as is looked at"),
    ("Leaving costs", "Once: engineering, running both, moving data"),
    ("Takes", "Months"),
    ("May raise by", "Largest lasting rise before leaving pays"),
    ("What it takes", "Parts of the cost"),
)
MARKET_HEADINGS = (
    ("Market", "What is measured"),
    ("Date", "Of the figures"),
    ("HHI", "With the unnamed rest as many small ones, and as one"),
    ("Effective", "Effective suppliers"),
    ("Band", "DOJ and FTC, 2023"),
    ("Source", "Where the shares come from"),
)
SHOCK_HEADINGS = (
    ("Shock", "As named in the scenario; a common cause takes all of its shocks together"),
    ("What", "What happens"),
    ("Capacity", "Traffic that could be carried with the promises kept, before and after"),
    ("Served", "Part of the traffic still served at once"),
    ("$/month", "Of the pools alone: before, and of the fleet rebuilt from what is left"),
    ("P99 per token", "Mean time per token (TPOT) over all requests of the fleet, before and after"),
    ("Designers", "Effective chip designers, before and after"),
    ("Weeks lost", "Weeks of the whole traffic"),
    ("Once", "What it costs once"),
    ("Remarks", "What to know"),
)


def whole_words(fleet: FleetOutcome, workload: str) -> str:
    """The fleet as one service: its month with what further stacks and clouds cost, and the P99 over all requests."""
    parts = (month_words(fleet), latency_words(fleet_p99(fleet), workload))
    return " · ".join(part for part in parts if part)


def score_words(fleet: FleetOutcome, found: Dependence) -> str:
    """The score vector in one line: unlike things side by side, never averaged."""
    parts = []
    designer = next((tier for tier in fleet.tiers if tier.tier == "designer"), None)
    if designer is not None:
        parts.append(f"{SUPPLIERS.format(designer.effective_suppliers.value)} effective chip designers")
    if found.survivability is not None:
        worst = ", ".join(TIER_TITLES[tier].lower() for tier in found.binding_tiers)
        parts.append(f"the worst failure ({worst}) leaves {SHARE.format(found.survivability)} of traffic")
    if found.expected_loss_weeks is not None:
        fails, weeks = SHARE.format(found.outage_probability_per_year), PLAIN.format(found.weeks_to_recover)
        supposed = f"if each supplier fails {fails} a year for {weeks} weeks, your terms"
        parts.append(f"expected loss {found.expected_loss_weeks:.1f} weeks of traffic a year ({supposed})")
    exposed = max((one.price_exposure or 0.0 for one in found.exits), default=0.0)
    if exposed:
        rise = SHARE.format(found.price_rise_share)
        parts.append(f"a supplier {rise} dearer: bill up to +{SHARE.format(exposed)}")
    if fleet.note:
        parts.append(fleet.note)
    return " · ".join(parts)


def pool_rows(fleet: FleetOutcome) -> Rows:
    """Traffic shares as set, and the shares that follow from sizing each pool."""
    return [
        [
            pool.name,
            f"{pool.chip_name}, {pool.cloud or 'own premises'}",
            SHARE.format(pool.traffic_share),
            SHARE.format(pool.spend_share),
            SHARE.format(pool.chip_share),
            SHARE.format(pool.power_share),
            f"{pool.chips:,}",
            MONTH.format(pool.usd_per_month),
            pool.reason,
        ]
        for pool in fleet.pools
    ]


def tier_rows(fleet: FleetOutcome, found: Dependence) -> Rows:
    """Concentration by tier, with its range over what is undisclosed."""
    depend = {tier.tier: tier for tier in found.tiers}
    rows = []
    for tier in fleet.tiers:
        effective, hhi, other = tier.effective_suppliers, tier.hhi, depend[tier.tier]
        alone = f"single point of failure: {tier.top_supplier}" if tier.single_point_of_failure else ""
        weakest = "weakest" if tier.tier in fleet.weakest_tiers else ""
        rows.append([
            tier.title if tier.counts else f"({tier.title})",
            SUPPLIERS.format(effective.value)
            + (f" ({SUPPLIERS.format_range(effective.low, effective.high)})" if tier.unknown else ""),
            f"{hhi.value:,.0f}",
            SHARE.format_range(tier.top_share.low, tier.top_share.high),
            SHARE.format(other.cr3),
            SHARE.format(other.survivability),
            tier.top_supplier,
            "; ".join(text for text in (weakest, alone, tier.unknown) if text),
        ])  # fmt: skip
    return rows


def market_rows(found: Economics) -> Rows:
    """The shipped markets."""
    return [
        [
            one.title,
            one.date,
            f"{one.hhi:,.0f}" + (f"–{one.hhi_high:,.0f}" if one.hhi_high > one.hhi + 1 else ""),
            SUPPLIERS.format_range(one.effective_suppliers_low, one.effective_suppliers),
            one.band,
            one.source,
        ]
        for one in found.market
    ]


def portability_table(found: Dependence) -> tuple[list[tuple[str, str]], Rows]:
    """Headings and rows: which of the features used runs on which stack, each cell with its source."""
    headings = [("Feature", "Used by the workloads")]
    headings += [(one.stack, f"{SHARE.format(one.support.value)} of what is used") for one in found.portability]
    headings.append(("Sources", "What each cell rests on"))
    rows = [["All that is used", *(SHARE.format(one.support.value) for one in found.portability), ""]]
    for at, feature in enumerate(found.features):
        cells = [one.cells[at] for one in found.portability]
        sources = "; ".join(f"{cell.stack}: {cell.source or cell.reason}" for cell in cells)
        rows.append([feature.replace("_", " "), *(cell.support for cell in cells), sources])
    return headings, rows


def supplier_rows(fleet: FleetOutcome, found: Dependence) -> Rows:
    """The table behind the picture."""
    spend = {(tier.tier, one.supplier): one for tier in fleet.tiers for one in tier.suppliers}
    rows = []
    for tier in found.tiers:
        for one in tier.suppliers:
            lost = SHARE.format(one.lost.value)
            if one.lost.high - one.lost.low > 0.005:
                lost += f" ({SHARE.format_range(one.lost.low, one.lost.high)})"
            paid = spend.get((tier.tier, one.supplier))
            spent = SHARE.format(0.0 if paid is None else paid.share)
            if paid is not None and paid.high - paid.low > 0.005:
                spent += f" ({SHARE.format_range(paid.low, paid.high)})"
            rows.append([
                tier.title if tier.counts else f"({tier.title})",
                one.supplier,
                spent,
                SHARE.format(one.traffic_share),
                lost,
                SHARE.format(one.headroom),
                SHARE.format(one.portability),
                f"{one.exposure_index:.2f}",
            ])  # fmt: skip
    return rows


def leaving_rows(found: Dependence) -> Rows:
    """What leaving each supplier costs, and what that lets it charge."""
    return [
        [
            one.title,
            one.supplier,
            USD.format(one.annual_spend_usd),
            NOTHING if one.price_exposure is None else f"+{SHARE.format(one.price_exposure)}",
            USD.format(one.exit_usd),
            f"{one.exit_months:g} months",
            SHARE.format(one.exploitable_price_rise),
            "running both, moving data" if one.tier == "cloud" else "engineering, running both",
        ]
        for one in found.exits
    ]


def _tpot(state: FleetState, workload: str) -> str:
    value = state.p99_s.get(workload, {}).get("tpot")
    return NOTHING if value is None else SECONDS.format(value)


def shock_row(one: ShockOutcome, workload: str) -> list[str]:
    """One shock before and after."""

    def both(before: str, after: str) -> str:
        return before if before == after else f"{before} → {after}"

    def money(state: FleetState) -> str:
        return NOTHING if state.usd_per_month is None else MONTH.format(state.usd_per_month)

    def designers(state: FleetState) -> str:
        return NOTHING if state.effective_suppliers is None else SUPPLIERS.format(state.effective_suppliers)

    return [
        one.name,
        one.what,
        both(SHARE.format(one.before.capacity), SHARE.format(one.after.capacity)),
        SHARE.format(one.after.served),
        both(money(one.before), money(one.after)),
        both(_tpot(one.before, workload), _tpot(one.after, workload)),
        both(designers(one.before), designers(one.after)),
        f"{one.lost_capacity_weeks:.1f}" if one.lost_capacity_weeks else NOTHING,
        USD.format(one.once_usd) if one.once_usd else NOTHING,
        "; ".join(one.notes),
    ]
