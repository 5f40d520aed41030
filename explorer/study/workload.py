"""One workload answered: its deployments sized, loaded, banded; what views need is assembled here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.catalog import Catalog
from explorer.engine.batch_nodes import FINE
from explorer.scenario.quantities import QUANTITIES
from explorer.scenario.schema import Scenario
from explorer.scenario.workload import Alternative, Workload
from explorer.study import describe
from explorer.study.alternative import Answered, outcomes_of
from explorer.study.answers import Context, DrawnWorkload, Loaded, PoolSize, Sized, WorkloadAnswer
from explorer.study.banded import METRICS, Metric
from explorer.study.bands import draw_bands
from explorer.study.correction import NONE, Corrections, given_or_prior
from explorer.study.demand import Demand, held_length, p99_length
from explorer.study.deployment import Candidate, Deployment, candidates_of_all
from explorer.study.figures import FigureSets
from explorer.study.layout_search import Chosen, Question, choose_layouts
from explorer.study.load_curves import load_curves
from explorer.study.money import chip_price
from explorer.study.outcome import AlternativeOutcome, WorkloadOutcome
from explorer.study.resolve import served_model, step_constants
from explorer.study.sizing import replicas_for
from explorer.study.solved import Asked, Solved
from explorer.study.solver import under_load

Array = NDArray[np.float64]


def limits_of(workload: Workload) -> dict[str, float]:
    """The promises made, seconds by metric."""
    promises = {
        "ttft": workload.objectives.ttft_p99_s,
        "tpot": workload.objectives.tpot_p99_s,
        "itl": workload.objectives.itl_p99_s,
        "e2e": workload.objectives.e2e_p99_s,
    }
    return {metric: limit for metric, limit in promises.items() if limit is not None}


def demand_of(workload: Workload) -> Demand:
    """What a request of the workload brings; raises TraceError where its trace cannot be used."""
    traffic = workload.traffic
    if traffic.arrivals != "gamma":
        # most traffic is gamma gaps, and starts without what reads traces
        from explorer.study.arrivals import demand_beside

        return demand_beside(traffic)
    return Demand(
        prompt=traffic.prompt_tokens,
        prompt_cv=traffic.prompt_cv,
        output=traffic.output_tokens,
        output_cv=traffic.output_cv,
        arrival_scv=traffic.arrival_cv**2,
        prefix_hit=traffic.prefix_hit_share,
    )


def settings_of(scenario: Scenario, workload: Workload) -> tuple[list[Alternative], dict[str, int]]:
    """The workload's alternatives, then one for each fleet member that none of them stands for.

    Returns them with the index of each fleet member's. A member's own deployment takes batch cap and token budget
    of the selected alternative and finds its layout itself.
    """
    chosen = next(one for one in workload.alternatives if one.name == workload.selected)
    settings = list(workload.alternatives)
    index: dict[str, int] = {}
    for member in scenario.fleet.members:
        match = next(
            (
                position
                for position, one in enumerate(settings)
                if (one.chip, one.cloud, one.offer) == (member.chip, member.cloud, member.offer)
            ),
            None,
        )
        if match is None:
            settings.append(
                Alternative(
                    name=member.name,
                    chip=member.chip,
                    cloud=member.cloud,
                    offer=member.offer,
                    max_batch=chosen.max_batch,
                    token_budget=chosen.token_budget,
                )
            )
            match = len(settings) - 1
        index[member.name] = match
    return settings, index


def deployment_of(figures: FigureSets, scenario: Scenario, workload: Workload, settings: Alternative) -> Deployment:
    """An alternative's chip with its figures under the scenario's overrides, at the precision of the comparison."""
    chosen = figures.for_workload(scenario, workload, settings.chip)
    own = scenario.comparison.each_at_own_precision
    return Deployment(
        name=settings.name,
        chip=chosen.chip,
        cloud=settings.cloud,
        offer=settings.offer,
        settings=settings,
        weight_precision=(settings.weight_precision if own else None) or workload.model.weight_precision,
        kv_precision=(settings.kv_precision if own else None) or workload.model.kv_precision,
        figures=chosen,
    )


def evaluate_workload(
    catalog: Catalog,
    figures: FigureSets,
    scenario: Scenario,
    workload: Workload,
    samples: int,
    drawn: frozenset[Metric] = frozenset(METRICS),
    corrections: Corrections = NONE,
) -> WorkloadAnswer:
    """Answer one workload; the same arguments give the same answer (`figures` only saves repeated work).

    Answered are the latencies in `drawn`, those promised, and first token and time per token. `corrections` are what
    simulation found of the alternatives so far.
    """
    if workload.traffic.mode == "closed_loop":
        # most workloads state a rate, and start without what serves users
        from explorer.study.closed_loop import evaluate_users

        return evaluate_users(catalog, figures, scenario, workload, samples, drawn, corrections)
    context = Context(
        catalog,
        scenario,
        workload,
        served_model(catalog, workload.model),
        demand_of(workload),
        limits_of(workload),
        moving=len(drawn) < len(METRICS),
    )
    settings, member_index = settings_of(scenario, workload)
    deployments = [deployment_of(figures, scenario, workload, one) for one in settings]
    alternatives = len(workload.alternatives)
    wanted = tuple(one for one in METRICS if one in drawn or one in context.limits or one in ("ttft", "tpot"))
    sized, chosen = _size(context, deployments, samples)
    present = [position for position, entry in enumerate(sized) if entry.candidate.fits]
    row_of = {position: row for row, position in enumerate(present)}
    fixed = [settings[position].replicas for position in present]
    found = (*corrections.among(workload), *(None for _ in settings[alternatives:]))
    corrected = tuple(
        given_or_prior(found[position], sized[position].candidate.layout, settings[position]) for position in present
    )
    loaded = None if chosen is None else load_curves(context, chosen, wanted, fixed, corrected)

    outcomes: dict[int, AlternativeOutcome] = {}
    every_draw: DrawnWorkload | None = None
    shown = [position for position in present if position < alternatives]
    if chosen is not None and loaded is not None and shown:
        rows = [row_of[position] for position in shown]
        replicas = _replicas(context, sized, loaded, row_of, shown)
        point = _operating(context, loaded, rows, replicas, wanted)
        bands = draw_bands(
            context,
            [sized[position] for position in shown],
            replicas,
            loaded.saturation[rows],
            samples,
            wanted,
            [corrected[row] for row in rows],
            [chosen.picks[row] for row in rows],
        )
        every_draw = DrawnWorkload(context, bands, shown, [sized[at] for at in shown], replicas)
        answered = Answered(
            context,
            [settings[at] for at in shown],
            [sized[at] for at in shown],
            rows,
            replicas,
            loaded,
            point,
            bands,
            wanted,
        )
        outcomes.update(zip(shown, outcomes_of(answered), strict=True))
    for position in range(alternatives):
        if position not in outcomes:
            outcomes[position] = describe.not_fitting(context, sized[position])
    selected = next(i for i, one in enumerate(workload.alternatives) if one.name == workload.selected)
    outcome = WorkloadOutcome(
        name=workload.name,
        model_name=context.served.name,
        parameters=context.served.parameters,
        active_parameters=context.served.active_parameters,
        alternatives=tuple(outcomes[position] for position in range(alternatives)),
        selected=selected,
        objectives=dict(context.limits),
        tightest_metric=describe.tightest_metric(outcomes[selected], context.limits),
        prompt_tokens=context.demand.prompt,
        output_tokens=context.demand.output,
        arrivals=describe.arrivals_words(context),
        longest_tokens=p99_length(context.demand),
        model_context=context.served.max_context,
    )
    pools = {name: pool_size(context, sized[at], loaded, row_of.get(at)) for name, at in member_index.items()}
    return WorkloadAnswer(outcome, pools, every_draw)


def _size(context: Context, deployments: Sequence[Deployment], samples: int) -> tuple[list[Sized], Chosen | None]:
    """Give each deployment its layout: the best that fits, or the closest where none does.

    Also the layouts chosen of those that fit, in order; None when none does.
    """
    scenario = context.scenario
    constants = step_constants()
    seed = scenario.simulation.seed
    p99_tokens = held_length(context.demand)
    sized: list[Sized] = []
    groups: list[tuple[Candidate, ...]] = []
    found = candidates_of_all(deployments, context.served, p99_tokens, constants, context.sharded)
    for deployment, options in zip(deployments, found, strict=True):
        price = chip_price(context.catalog, deployment, scenario.price, scenario.as_of, samples, seed)
        groups.append(tuple(option for option in options if option.fits))
        closest = max(options, key=lambda option: option.held_by_rank)
        sized.append(Sized(deployment, closest, price, describe.legal_degrees(deployment, context.served)))
    present = [position for position, group in enumerate(groups) if group]
    if not present:
        return sized, None
    # a pool that is not an alternative takes the layout it would take for all of the traffic: its share may move
    chosen = choose_layouts(
        [groups[position] for position in present],
        Question(context.served, context.demand, context.limits, constants, scenario.stragglers, context.sharded),
        context.rate,
        [sized[position].price.unit_size for position in present],
        moving=context.moving,
    )
    for position, pick in zip(present, chosen.candidates, strict=True):
        old = sized[position]
        sized[position] = Sized(old.deployment, pick, old.price, old.degrees)
    return sized, chosen


def _replicas(
    context: Context, sized: Sequence[Sized], loaded: Loaded, row_of: Mapping[int, int], shown: Sequence[int]
) -> list[int]:
    """Replicas of each shown alternative on the comparison's basis.

    Sized to the promise: the fewest that keep it, a number set by hand stands. Equal spend: as many as the money buys
    that the selected alternative takes, spares and whole units included on both sides; at least one.
    """
    workload, basis = context.workload, context.scenario.comparison.basis
    result: dict[int, int] = {}
    for position in shown:
        row, fixed = row_of[position], workload.alternatives[position].replicas
        fewest = replicas_for(context.rate, float(loaded.cliffs[row]), float(loaded.saturation[row]))
        # with one replica fewer each would take a burstier share and not keep up, though these curves say it would
        fewest = max(fewest, int(np.broadcast_to(loaded.shared, loaded.cliffs.shape)[row]))
        result[position] = fewest if fixed == "auto" else fixed
    chosen = next(i for i, one in enumerate(workload.alternatives) if one.name == workload.selected)
    usd = sized[chosen].price.usd
    if basis == "equal_spend" and chosen in result and usd is not None:
        budget = usd * sized[chosen].bought(result[chosen])
        for position in result:
            entry = sized[position]
            if position != chosen and entry.price.usd is not None:
                unit = entry.price.unit_size
                chips = unit * int(budget / (entry.price.usd * unit) * (1.0 + 1e-9))
                afforded = chips // entry.candidate.layout.chips - entry.deployment.settings.spare_replicas
                result[position] = max(1, afforded)
    return [result[position] for position in shown]


def _operating(
    context: Context, loaded: Loaded, rows: Sequence[int], replicas: Sequence[int], wanted: tuple[Metric, ...]
) -> Solved:
    count, corrections = np.asarray(replicas, dtype=np.float64), loaded.corrections
    return under_load(
        loaded.grid.rows(np.asarray(rows)), context.demand, step_constants(), context.scenario.stragglers,
        (context.rate / count)[:, None], Asked(wanted, spacing=FINE, standing=True), replicas=count,
        corrections=tuple(corrections[row] for row in rows) if corrections else (),
    )  # fmt: skip


def pool_size(context: Context, entry: Sized, loaded: Loaded | None, row: int | None) -> PoolSize:
    """What one replica of a fleet member carries."""
    chip = entry.deployment.chip
    if loaded is None or row is None:
        size = QUANTITIES["parameters"].format(context.served.parameters)
        reason = f"{chip.name} cannot hold this {size} model in any layout ({context.workload.name})"
        return PoolSize(entry.candidate, 0.0, 0.0, entry.price, False, reason, np.zeros(0), {}, {})
    cliff = float(loaded.cliffs[row])
    reason = "" if cliff > 0 else f"{chip.short_name} keeps the {context.workload.name} promises at no rate"
    table = loaded.latency
    return PoolSize(
        candidate=entry.candidate,
        cliff=cliff,
        saturation=float(loaded.saturation[row]),
        price=entry.price,
        feasible=True,
        reason=reason,
        rates=loaded.rates[row],
        p50={metric: table[metric][0.5][row] for metric in METRICS if metric in table},
        p99={metric: table[metric][0.99][row] for metric in METRICS if metric in table},
    )
