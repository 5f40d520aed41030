"""The step time of `steptime` taken apart: coefficients of each row, so that compiled code need only sum terms.

Which terms there are and what they mean is said in `steptime`; here they are only put into tables. A term is
`count*(t0 + smooth_roofline(A*x, B + C*x, p))` of tokens x, or a line in decoding sequences and prompt tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.engine.records import AllReduce, Array, ChipSpec, LayerGroup, ModelShape, Scalar, Split, StepConstants

Ints = NDArray[np.int64]

PRODUCT = 6
"""Numbers of a matrix product: compute a token, memory, memory a token, sharpness, fixed cost, how many."""
LINE = 4
"""Numbers of a part's line: constant, a decoding sequence, a prompt token, constant of a step with prompt tokens."""
EXPERT = 7
"""Numbers of routed experts: compute a token, memory an expert touched, memory a token, sharpness, fixed cost, one, log
of the share of experts that one token leaves alone."""
WHOLE = 12
"""Numbers of a row, in the order of `StepCoefficients.whole`."""


@dataclass(frozen=True, slots=True)
class StepCoefficients:
    """Tables of rows, each C-contiguous; parts are mixers and feed-forwards that several layers share."""

    whole: Array
    """(rows, WHOLE): tp*dp within the scale-up domain, pp, dp, step factor, host time, element-wise constant and a
    token, hand-over constant and a token, exchange constant and a token, bytes a token in an all-reduce."""
    products: Array
    """(rows, products, PRODUCT); the last one is the logits."""
    lines: Array
    """(rows, parts, LINE)."""
    experts: Array
    """(rows, EXPERT)."""
    reduces: Array
    """(rows, parts): all-reduces of a part."""
    alpha: Array
    """(rows, algorithms): of the all-reduce, as in `AllReduce`."""
    slope: Array
    root: Array
    """(rows,)."""
    parts: Ints
    """(parts, 3): first and last-but-one product, whether routed experts belong to it."""
    groups: Ints
    """(groups, 2): mixer part and feed-forward part, -1 for none."""
    counts: Array
    """(groups,): layers."""
    experts_held: float


class _Table:
    """Parts as they are found: their products, lines and all-reduces, a column each."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.products: list[tuple[Scalar, Scalar, float, bool]] = []
        self.lines: list[Array] = []
        self.reduces: list[Array] = []
        self.bounds: list[tuple[int, int, int]] = []

    def column(self, *values: Scalar) -> Array:
        """Values of every row, (rows, values)."""
        table = np.empty((self.rows, len(values)))
        for at, value in enumerate(values):
            table[:, at : at + 1] = value
        return table

    def product(self, n: Scalar, k: Scalar, count: float = 1.0, *, sixteen: bool = False) -> None:
        """A matrix product of tokens, n x k: see `steptime._gemm`."""
        self.products.append((n, k, count, sixteen))

    def all_products(self, chip: ChipSpec) -> Array:
        """The products' numbers, (rows, products, PRODUCT)."""
        n, k = np.empty((2, len(self.products), self.rows, 1))
        for at, (across, along, _, _) in enumerate(self.products):
            n[at], k[at] = across, along
        sixteen = [int(one[3]) for one in self.products]
        # by precision: numbers of the chip, (2, rows, 1)
        by_precision = np.empty((6, 2, self.rows, 1))
        peak, width, act, memory, sharpness, t0 = by_precision
        peak[0], peak[1] = np.asarray(chip.peak) * chip.gemm_compute, np.asarray(chip.peak_16bit) * chip.gemm16_compute
        width[0], width[1] = chip.weight_bytes, 2.0
        act[0], act[1] = chip.activation_bytes, 2.0
        memory[0], memory[1] = chip.gemm_memory, chip.gemm16_memory
        memory *= chip.memory_bandwidth
        sharpness[0], sharpness[1] = chip.gemm_sharpness, chip.gemm16_sharpness
        t0[0], t0[1] = chip.gemm_t0, chip.gemm16_t0
        peak, width, act, memory, sharpness, t0 = by_precision[:, sixteen]
        nk = n * k
        table = np.empty((len(self.products), self.rows, PRODUCT))
        table[:, :, 0:1] = 2.0 * nk / peak
        table[:, :, 1:2] = nk * width / memory
        table[:, :, 2:3] = (k * act + 2.0 * n) / memory
        table[:, :, 3:4], table[:, :, 4:5] = sharpness, t0
        table[:, :, 5] = np.array([one[2] for one in self.products])[:, None]
        return np.ascontiguousarray(table.swapaxes(0, 1))

    def close(self, first: int, line: tuple[Scalar, Scalar, Scalar, Scalar], reduces: Scalar, routed: bool) -> int:
        """End a part that began with product `first`; its number."""
        self.lines.append(self.column(*line))
        self.reduces.append(self.column(reduces))
        self.bounds.append((first, len(self.products), int(routed)))
        return len(self.bounds) - 1


def step_coefficients(
    shape: ModelShape,
    chip: ChipSpec,
    split: Split,
    allreduce: AllReduce,
    constants: StepConstants,
    *,
    context: float,
    prefill_context: float,
    sequence_sharding: bool = False,
) -> StepCoefficients:
    """Coefficients of every row for steps in which sequences decode at a mean `context`.

    `prefill_context`: tokens that a prompt token of the step attends to, on average.
    """
    tp, pp, dp = (np.asarray(x, dtype=np.float64) for x in (split.tp, split.pp, split.dp))
    rows = np.broadcast(tp, np.asarray(chip.memory_bandwidth)).shape[0]
    table = _Table(rows)
    hidden = shape.hidden
    bandwidth = np.asarray(chip.memory_bandwidth, dtype=np.float64)
    mixers: dict[tuple[object, ...], int] = {}
    feeds: dict[tuple[object, ...], int] = {}
    groups: list[tuple[int, int]] = []
    for group in shape.layers:
        mixer = feed = -1
        if group.mixer != "none":
            key = (group.mixer, group.window, group.heads, group.kv_heads, group.head_dim, group.kv_compression,
                   group.attended, group.shared_key_value)  # fmt: skip
            if key not in mixers:
                mixers[key] = _mixer(table, shape, group, chip, tp, constants, context, prefill_context,
                                     sequence_sharding)  # fmt: skip
            mixer = mixers[key]
        if group.ffn != "none":
            feed_key = (group.ffn, group.intermediate)
            if feed_key not in feeds:
                feeds[feed_key] = _feed(table, shape, group, tp, dp)
            feed = feeds[feed_key]
        groups.append((mixer, feed))
    table.product(shape.vocabulary / tp, hidden, sixteen=True)
    ranks = tp * dp
    within = np.asarray(ranks <= np.asarray(chip.scaleup_domain))
    base, a_token = _exchange(shape, chip, ranks, dp, within, constants)
    whole = table.column(
        np.where(within, 1.0, 0.0),
        pp,
        dp,
        chip.step_factor,
        constants.host_step_s,
        constants.elementwise_ops * constants.elementwise_t0_s * np.asarray(chip.elementwise_factor),
        constants.elementwise_ops
        * np.asarray(chip.elementwise_factor)
        * (hidden * 4.0 / (bandwidth * constants.elementwise_memory)),
        (pp - 1.0) * constants.point_to_point_s,
        (pp - 1.0) * hidden * 2.0 / np.asarray(chip.link_bandwidth),
        base,
        a_token,
        hidden * 2.0,
    )
    return StepCoefficients(
        whole=np.ascontiguousarray(whole),
        products=table.all_products(chip),
        lines=np.ascontiguousarray(np.stack(table.lines, axis=1)) if table.lines else np.zeros((rows, 0, LINE)),
        experts=np.ascontiguousarray(_experts(table, shape, chip, ranks, constants)),
        reduces=np.ascontiguousarray(np.concatenate(table.reduces, axis=1)) if table.reduces else np.zeros((rows, 0)),
        alpha=_by_row(allreduce.alpha, rows),
        slope=_by_row(allreduce.slope, rows),
        root=table.column(allreduce.root)[:, 0],
        parts=np.asarray(table.bounds, dtype=np.int64).reshape(-1, 3),
        groups=np.asarray(groups, dtype=np.int64).reshape(-1, 2),
        counts=np.asarray([group.count for group in shape.layers], dtype=np.float64),
        experts_held=float(shape.experts),
    )


def _by_row(values: Array, rows: int) -> Array:
    """(algorithms, rows or 1, 1) as (rows, algorithms)."""
    table = np.empty((rows, len(values)))
    table.T[:] = values[:, :, 0]
    return table


def _mixer(
    table: _Table,
    shape: ModelShape,
    group: LayerGroup,
    chip: ChipSpec,
    tp: Array,
    constants: StepConstants,
    context: float,
    prefill_context: float,
    sharded: bool,
) -> int:
    first = len(table.products)
    hidden = shape.hidden
    bandwidth, peak16 = np.asarray(chip.memory_bandwidth), np.asarray(chip.peak_16bit)
    if group.mixer in ("linear", "mamba"):
        inner = shape.recurrent_mixer_parameters / hidden
        table.product(0.7 * inner / tp, hidden)
        table.product(hidden, 0.3 * inner / tp)
        state = shape.recurrent_state_bytes / tp
        recurrent: tuple[Scalar, Scalar, Scalar, Scalar] = (
            2.0 * np.asarray(chip.decode_attention_t0),
            2.0 * state / (bandwidth * constants.linear_state_memory),
            1.5 * state / (peak16 * constants.linear_prefill_compute),
            0.0,
        )
        return table.close(first, recurrent, 1.0, False)
    heads = (shape.heads if group.heads is None else group.heads) / tp
    seen, prompt_seen = _entries(group, context), _entries(group, prefill_context)
    read_rate = bandwidth * chip.decode_attention_memory
    if group.mixer == "mla":
        rank, rope = shape.kv_lora_rank, shape.rope_head_dim
        key_dim = shape.nope_head_dim + rope
        if shape.q_lora_rank:
            table.product(shape.q_lora_rank + rank + rope, hidden)
            table.product(heads * key_dim, shape.q_lora_rank)
        else:
            table.product(heads * key_dim + rank + rope, hidden)
        table.product(heads * shape.nope_head_dim, rank, 2.0, sixteen=True)
        table.product(hidden, heads * shape.v_head_dim)
        share = 1.0 / tp if sharded else 1.0
        kv = seen * ((rank + rope) * share * np.asarray(chip.kv_bytes) / read_rate)
        flops = seen * (2.0 * heads * (2.0 * rank + rope) / (peak16 * constants.mla_compute_share))
        # both sides grow alike with the sequences: their smooth maximum is a line
        a_sequence = _smooth(flops, kv, constants.sharpness_mla)
        dims: float = key_dim + shape.v_head_dim
    else:
        kv_heads = shape.kv_heads if group.kv_heads is None else group.kv_heads
        head_dim = shape.head_dim if group.head_dim is None else group.head_dim
        local = np.maximum(kv_heads / tp, 1.0)
        copies = 1.0 if group.shared_key_value else 2.0
        queries = heads * head_dim * (2.0 if shape.attention_gate else 1.0)
        table.product(queries + copies * local * head_dim, hidden)
        table.product(hidden, heads * head_dim)
        stored = kv_heads / tp if sharded else local
        a_sequence = np.asarray(seen * (copies * stored * head_dim * np.asarray(chip.kv_bytes) / read_rate))
        dims = 2.0 * head_dim
    a_prompt_token = prompt_seen * (2.0 * heads * dims / (peak16 * chip.prefill_attention_compute))
    line = (chip.decode_attention_t0, a_sequence, a_prompt_token, chip.prefill_attention_t0)
    return table.close(first, line, 1.0, False)


def _entries(group: LayerGroup, context: float) -> float:
    seen = context if group.window is None else min(context, group.window)
    if group.kv_compression != 1.0:
        seen = seen / group.kv_compression
    return seen if group.attended is None else min(seen, group.attended)


def _smooth(compute: Array, memory: Array, sharpness: float) -> Array:
    larger, smaller = np.maximum(compute, memory), np.minimum(compute, memory)
    return np.asarray(larger * (1.0 + (smaller / np.maximum(larger, 1e-300)) ** sharpness) ** (1.0 / sharpness))


def _feed(table: _Table, shape: ModelShape, group: LayerGroup, tp: Array, dp: Array) -> int:
    first = len(table.products)
    hidden, gates = shape.hidden, shape.ffn_matrices - 1
    if group.ffn == "dense":
        width = (shape.intermediate if group.intermediate is None else group.intermediate) / tp
        table.product(gates * width, hidden)
        table.product(hidden, width)
        return table.close(first, (0.0, 0.0, 0.0, 0.0), 1.0, False)
    if shape.expert_hidden:
        table.product(shape.expert_hidden / tp, hidden, 2.0)
    if shape.shared_intermediate:
        width = shape.shared_intermediate / tp
        table.product(gates * width, hidden)
        table.product(hidden, width)
    return table.close(first, (0.0, 0.0, 0.0, 0.0), np.where(dp > 1, 0.0, 1.0), True)


def _experts(table: _Table, shape: ModelShape, chip: ChipSpec, ranks: Array, constants: StepConstants) -> Array:
    if not shape.is_moe:
        return np.zeros((table.rows, EXPERT))
    width_in = shape.expert_hidden or shape.hidden
    one = shape.ffn_matrices * width_in * shape.expert_intermediate
    routed = shape.experts_per_token / ranks
    rate = np.asarray(chip.memory_bandwidth) * chip.expert_memory
    return table.column(
        routed * (2.0 * one / (np.asarray(chip.peak) * chip.expert_compute)),
        one / ranks * np.asarray(chip.weight_bytes) / rate,
        routed * ((2.0 * width_in + 2.0 * shape.expert_intermediate) * np.asarray(chip.activation_bytes)) / rate,
        constants.sharpness_moe,
        np.asarray(chip.expert_t0) + constants.expert_routing_s,
        1.0,
        np.log1p(-min(shape.experts_per_token / shape.experts, 1 - 1e-12)),
    )


def _exchange(
    shape: ModelShape, chip: ChipSpec, ranks: Array, dp: Array, within: NDArray[np.bool_], constants: StepConstants
) -> tuple[Array, Array]:
    """Constant and a token's part of dispatch and combine; nothing without attention data parallelism."""
    if not shape.is_moe:
        return np.zeros(1), np.zeros(1)
    rate = np.where(
        within,
        np.asarray(chip.link_bandwidth) * constants.dispatch_link_share,
        np.asarray(chip.scaleout_bandwidth) * 0.8,
    )
    copies = np.minimum(shape.experts_per_token, ranks)
    payload = copies * shape.hidden * 1.5 * (ranks - 1.0) / ranks
    spreads = dp > 1
    return (
        np.where(spreads, 2.0 * constants.dispatch_base_s, 0.0),
        np.where(spreads, 2.0 * payload / rate, 0.0),
    )
