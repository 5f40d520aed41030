"""Time of one forward pass of a replica: per operation a smooth roofline with a fixed cost, plus collectives.

T = t0 + (tc^p + tm^p)^(1/p), tc = FLOP/(peak*compute share), tm = bytes/(bandwidth*memory share).
Structure and constants: kernel measurements (resources/calibration/kernels.toml); expert coverage as in
`memory.experts_touched`. All arrays are (rows, points): a row is a chip with a layout, a point a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.engine.loops.shares import (
    EXCHANGED_BYTES,
    RECURRENT_IN,
    RECURRENT_OUT,
    RECURRENT_PROMPT_FLOP,
    SCALE_OUT_SHARE,
)
from explorer.engine.memory import experts_touched
from explorer.engine.records import (
    AllReduce,
    Array,
    ChipSpec,
    LayerGroup,
    ModelShape,
    Scalar,
    Split,
    StepConstants,
)


@dataclass(frozen=True, slots=True)
class StepWork:
    """What one step carries for a replica: decoding sequences at a mean context, and prompt tokens.

    `prefill_context` is the mean number of tokens a prompt token of this step attends to.
    """

    decode: Scalar
    context: Scalar
    prefill: Scalar = 0.0
    prefill_context: Scalar = 0.0
    prompts: Scalar = 0.0
    """Prompts finishing in this step (one row of logits each)."""
    prefill_lanes: Scalar | None = None
    """Ranks times stages that the prompt tokens lie on, at most all (None): the slowest then holds so much more."""


def smooth_roofline(compute: Array, memory: Array, sharpness: Scalar) -> Array:
    """(compute^p + memory^p)^(1/p), written as max*(1+ratio^p)^(1/p) so that it cannot overflow; seconds."""
    larger = np.maximum(compute, memory)
    p = np.asarray(sharpness, dtype=np.float64)
    sharp = np.minimum(compute, memory)
    sharp = sharp / np.maximum(larger, 1e-300)
    sharp = sharp**p
    sharp += 1.0
    sharp = sharp ** (1.0 / p)
    sharp *= larger
    return np.asarray(sharp)


@dataclass(frozen=True, slots=True)
class _Product:
    """`count` equal matrix products (tokens x k)(k x n), each with its own fixed cost; `sixteen`: in 16 bit."""

    n: Scalar
    k: Scalar
    count: float = 1.0
    sixteen: bool = False


def _product_times(chip: ChipSpec, tokens: Array, lists: Sequence[Sequence[_Product]]) -> list[Array]:
    """Seconds of each list of matrix products, (rows, points); all products of a width are timed at once."""
    times: list[Array] = [np.zeros(())] * len(lists)
    for sixteen in (False, True):
        wanted = [(at, one) for at, products in enumerate(lists) for one in products if one.sixteen is sixteen]
        if wanted:
            for (at, one), time in zip(wanted, _gemms(chip, tokens, [one for _, one in wanted], sixteen), strict=True):
                times[at] = times[at] + (time if one.count == 1.0 else one.count * time)
    return times


def _gemms(chip: ChipSpec, tokens: Array, products: Sequence[_Product], sixteen: bool) -> Array:
    """Seconds of one of each of the products, (products, rows, points)."""
    peak: Scalar
    width: Scalar
    act: Scalar
    if sixteen:
        peak, width, act = chip.peak_16bit, 2.0, 2.0
        t0, compute, memory, sharpness = (
            chip.gemm16_t0,
            chip.gemm16_compute,
            chip.gemm16_memory,
            chip.gemm16_sharpness,
        )
    else:
        peak, width, act = chip.peak, chip.weight_bytes, chip.activation_bytes
        t0, compute, memory, sharpness = (
            chip.gemm_t0,
            chip.gemm_compute,
            chip.gemm_memory,
            chip.gemm_sharpness,
        )
    n, k = _stacked([one.n for one in products]), _stacked([one.k for one in products])
    nk = n * k
    tc = tokens * (2.0 * nk / (np.asarray(peak) * compute))
    per_byte = 1.0 / (np.asarray(chip.memory_bandwidth) * memory)
    tm = tokens * ((k * act + 2.0 * n) * per_byte)
    tm += nk * (width * per_byte)
    times = smooth_roofline(tc, tm, sharpness)
    times += t0
    return times


def _stacked(columns: Sequence[Scalar]) -> Array:
    """Numbers or columns (rows, 1) side by side, (columns, rows or 1, 1)."""
    rows = max((len(one) for one in columns if isinstance(one, np.ndarray) and one.ndim), default=1)
    table = np.empty((len(columns), rows, 1))
    for at, one in enumerate(columns):
        table[at] = one
    return table


def step_time(
    shape: ModelShape,
    chip: ChipSpec,
    split: Split,
    allreduce: AllReduce,
    work: StepWork,
    constants: StepConstants,
    *,
    sequence_sharding: bool = False,
) -> Array:
    """Seconds of one step of a replica, shape (rows, points); host time of the step included.

    Pipeline stages each see batch/pp (micro-batches in flight), a token passes all layers: pp divides weights
    and KV, not the time per token. With attention data parallelism (dp > 1) each rank attends to its own
    sequences and the experts are reached by all-to-all.
    """
    tp, pp, dp = (np.asarray(x, dtype=np.float64) for x in (split.tp, split.pp, split.dp))
    lanes = dp * pp
    sequences = np.asarray(work.decode, dtype=np.float64)
    # the slowest rank or stage sets the pace: where there is a sequence at all, it holds a whole one
    decode = np.maximum(sequences / lanes, np.minimum(sequences, 1.0))
    prompts = np.asarray(work.prefill, dtype=np.float64)
    prefill = prompts / (lanes if work.prefill_lanes is None else np.minimum(work.prefill_lanes, lanes))
    tokens = decode + prefill
    batch_tokens = np.maximum(sequences / pp, np.minimum(sequences, 1.0)) + prompts / pp
    context = np.asarray(work.context, dtype=np.float64)
    hidden = shape.hidden
    bandwidth = np.asarray(chip.memory_bandwidth, dtype=np.float64)

    per_layer = (
        constants.elementwise_ops
        * (constants.elementwise_t0_s + tokens * (hidden * 4.0 / (bandwidth * constants.elementwise_memory)))
        * chip.elementwise_factor
    )
    reduce_time = allreduce.time(tokens * (hidden * 2.0))
    total: Array = np.zeros(np.broadcast(tokens, bandwidth).shape)
    mixers = {mixer_key(group): group for group in shape.layers if group.mixer != "none"}
    feeds = {feed_key(group): group for group in shape.layers if group.ffn != "none"}
    products = [_mixer_products(shape, group, tp) for group in mixers.values()]
    products += [_feed_products(shape, group, tp) for group in feeds.values()]
    times = iter(_product_times(chip, tokens, products))
    prompt_seen = np.asarray(work.prefill_context, dtype=np.float64)
    mixer_times = {
        key: reduce_time
        + next(times)
        + _mixing_time(shape, group, chip, tp, decode, context, prefill, prompt_seen, constants, sequence_sharding)
        for key, group in mixers.items()
    }
    feed_times: dict[tuple[object, ...], tuple[Array, Array | None]] = {
        key: (next(times) + reduce_time, None)
        if group.ffn == "dense"
        else _moe_time(shape, chip, tp, dp, tokens, batch_tokens, next(times), reduce_time, constants)
        for key, group in feeds.items()
    }
    for group in shape.layers:
        layer = np.asarray(per_layer)
        if group.mixer != "none":
            layer = layer + mixer_times[mixer_key(group)]
        if group.ffn != "none":
            feed, exchange = feed_times[feed_key(group)]
            layer = layer + feed
            if exchange is not None:
                layer = layer + np.where(_within_domain(chip, tp * dp), exchange, np.maximum(exchange - layer, 0.0))
        total = total + group.count * layer
    rows_of_logits = np.maximum(decode + np.asarray(work.prompts, dtype=np.float64) / lanes, 1.0 / lanes)
    (logits,) = _gemms(chip, rows_of_logits, [_Product(shape.vocabulary / tp, hidden)], sixteen=True)
    total = total + logits
    hand_over = constants.point_to_point_s + tokens * hidden * 2.0 / np.asarray(chip.link_bandwidth)
    total = total + (pp - 1.0) * hand_over
    return np.asarray(total * chip.step_factor + constants.host_step_s)


def mixer_key(group: LayerGroup) -> tuple[object, ...]:
    """What decides the time of a group's token mixer."""
    return (
        group.mixer, group.window, group.heads, group.kv_heads, group.head_dim, group.shared_key_value,
        group.kv_compression, group.attended,
    )  # fmt: skip


def feed_key(group: LayerGroup) -> tuple[object, ...]:
    """What decides the time of a group's feed-forward."""
    return group.ffn, group.intermediate


def _mixer_products(shape: ModelShape, group: LayerGroup, tp: Array) -> list[_Product]:
    """Projections of a layer's token mixer."""
    hidden = shape.hidden
    if group.mixer in ("linear", "mamba"):
        inner = shape.recurrent_mixer_parameters / hidden
        return [_Product(RECURRENT_IN * inner / tp, hidden), _Product(hidden, RECURRENT_OUT * inner / tp)]
    heads = (shape.heads if group.heads is None else group.heads) / tp
    if group.mixer == "mla":
        rank, rope = shape.kv_lora_rank, shape.rope_head_dim
        key_dim = shape.nope_head_dim + rope
        if shape.q_lora_rank:
            queries = [
                _Product(shape.q_lora_rank + rank + rope, hidden),
                _Product(heads * key_dim, shape.q_lora_rank),
            ]
        else:
            queries = [_Product(heads * key_dim + rank + rope, hidden)]
        return [
            *queries,
            _Product(heads * shape.nope_head_dim, rank, count=2.0, sixteen=True),
            _Product(hidden, heads * shape.v_head_dim),
        ]
    head_dim = shape.head_dim if group.head_dim is None else group.head_dim
    local = _local_kv_heads(shape, group, tp)
    copies = 1.0 if group.shared_key_value else 2.0
    wide = heads * head_dim * (2.0 if shape.attention_gate else 1.0)
    return [_Product(wide + copies * local * head_dim, hidden), _Product(hidden, heads * head_dim)]


def _local_kv_heads(shape: ModelShape, group: LayerGroup, tp: Array) -> Array:
    return np.maximum((shape.kv_heads if group.kv_heads is None else group.kv_heads) / tp, 1.0)


def _mixing_time(
    shape: ModelShape,
    group: LayerGroup,
    chip: ChipSpec,
    tp: Array,
    decode: Array,
    context: Array,
    prefill: Array,
    prefill_context: Array,
    constants: StepConstants,
    sharded: bool,
) -> Array:
    """Seconds of a layer's token mixer beside its projections: attention, or the recurrence."""
    bandwidth = np.asarray(chip.memory_bandwidth)
    peak16 = np.asarray(chip.peak_16bit)
    if group.mixer in ("linear", "mamba"):
        state = shape.recurrent_state_bytes / tp
        recurrence = 2.0 * np.asarray(chip.decode_attention_t0) + decode * (
            2.0 * state / (bandwidth * constants.linear_state_memory)
        )
        chunked = prefill * (RECURRENT_PROMPT_FLOP * state / (peak16 * constants.linear_prefill_compute))
        return np.asarray(recurrence + chunked)
    heads = (shape.heads if group.heads is None else group.heads) / tp
    seen = entries_read(group, context)
    prompt_seen = entries_read(group, prefill_context)
    prefills = prefill > 0
    read_rate = bandwidth * chip.decode_attention_memory
    if group.mixer == "mla":
        rank, rope = shape.kv_lora_rank, shape.rope_head_dim
        share = 1.0 / tp if sharded else 1.0
        kv = decode * seen * ((rank + rope) * share * np.asarray(chip.kv_bytes) / read_rate)
        flops = decode * seen * (2.0 * heads * (2.0 * rank + rope) / (peak16 * constants.mla_compute_share))
        attention = smooth_roofline(flops, kv, constants.sharpness_mla)
        dims: float = shape.nope_head_dim + rope + shape.v_head_dim
    else:
        head_dim = shape.head_dim if group.head_dim is None else group.head_dim
        copies = 1.0 if group.shared_key_value else 2.0
        kv_heads = shape.kv_heads if group.kv_heads is None else group.kv_heads
        stored = kv_heads / tp if sharded else _local_kv_heads(shape, group, tp)
        attention = decode * (seen * (copies * stored * head_dim * np.asarray(chip.kv_bytes) / read_rate))
        dims = 2.0 * head_dim
    attention = (decode > 0) * (attention + np.asarray(chip.decode_attention_t0))
    if prefills.any():
        rate = peak16 * chip.prefill_attention_compute
        # a prompt token attends to `prompt_seen` keys: 2 FLOP a multiply-add, scores and values
        attention = attention + prefills * (
            np.asarray(chip.prefill_attention_t0) + prefill * (prompt_seen * (2.0 * heads * dims / rate))
        )
    return np.asarray(attention)


def entries_read(group: LayerGroup, context: Scalar) -> Scalar:
    """Cached entries that a token's attention reads: the window's, the compressed ones, at most the attended."""
    seen = context if group.window is None else np.minimum(context, group.window)
    if group.kv_compression != 1.0:
        seen = seen / group.kv_compression
    return seen if group.attended is None else np.minimum(seen, group.attended)


def _feed_products(shape: ModelShape, group: LayerGroup, tp: Array) -> list[_Product]:
    """Matrix products of a layer's feed-forward, its routed experts excepted."""
    hidden = shape.hidden
    if group.ffn == "dense":
        width = (shape.intermediate if group.intermediate is None else group.intermediate) / tp
        return [_Product((shape.ffn_matrices - 1) * width, hidden), _Product(hidden, width)]
    products = []
    if shape.expert_hidden:
        products.append(_Product(shape.expert_hidden / tp, hidden, count=2.0))
    if shape.shared_intermediate:
        # shared experts are computed where the tokens are: sharded over tp, replicated over dp
        width = shape.shared_intermediate / tp
        products += [_Product((shape.ffn_matrices - 1) * width, hidden), _Product(hidden, width)]
    return products


def _moe_time(
    shape: ModelShape,
    chip: ChipSpec,
    tp: Array,
    dp: Array,
    tokens: Array,
    batch_tokens: Array,
    products_time: Array,
    reduce_time: Array,
    constants: StepConstants,
) -> tuple[Array, Array | None]:
    """Time of the experts with `products_time` (all-reduce included under tensor parallelism), and of the exchange.

    The exchange of tokens (dispatch and combine) is None where no row has attention data parallelism. Inside the
    scale-up domain it adds to the layer. Beyond it two micro-batches take turns, one computing while the other
    exchanges (DeepSeek-V3 technical report, 3.2.3 and 3.4), so that only what outlasts the layer's own time counts.
    """
    group = tp * dp
    hidden = shape.hidden
    bandwidth = np.asarray(chip.memory_bandwidth)
    width_in = shape.expert_hidden or hidden
    one = shape.ffn_matrices * width_in * shape.expert_intermediate
    touched = experts_touched(shape.experts, shape.experts_per_token, batch_tokens)
    routed = batch_tokens * (shape.experts_per_token / group)
    tc = routed * (2.0 * one / (np.asarray(chip.peak) * chip.expert_compute))
    tm = (
        touched * (one / group * np.asarray(chip.weight_bytes))
        + routed * ((2.0 * width_in + 2.0 * shape.expert_intermediate) * np.asarray(chip.activation_bytes))
    ) / (bandwidth * chip.expert_memory)
    experts = smooth_roofline(tc, tm, constants.sharpness_moe)
    total = experts + (chip.expert_t0 + constants.expert_routing_s) + products_time
    spreads = dp > 1
    if not np.any(spreads):
        return np.asarray(total + reduce_time), None
    rate = np.where(
        _within_domain(chip, group),
        np.asarray(chip.link_bandwidth) * constants.dispatch_link_share,
        np.asarray(chip.scaleout_bandwidth) * SCALE_OUT_SHARE,
    )
    copies = np.minimum(shape.experts_per_token, group)
    payload = tokens * copies * hidden * EXCHANGED_BYTES * (group - 1.0) / group
    exchange = 2.0 * (constants.dispatch_base_s + payload / rate)
    return np.asarray(total + np.where(spreads, 0.0, reduce_time)), np.asarray(np.where(spreads, exchange, 0.0))


def _within_domain(chip: ChipSpec, chips: Array) -> Array:
    return np.asarray(chips <= np.asarray(chip.scaleup_domain))
