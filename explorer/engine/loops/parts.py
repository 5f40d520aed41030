"""What one layer's part or the logits take of a row's chips, in numbers that a loop over batch sizes sums up.

Which terms there are and what they mean is said in `steptime`; here each is `count*(t0 + smooth_roofline(a*x, b + c*x,
p))` of tokens x, or a line in decoding sequences and prompt tokens.
"""

from __future__ import annotations

import numpy as np

from explorer.engine.loops.compiler import Floats, inlined
from explorer.engine.loops.layout import (
    ACTIVATION_BYTES,
    ATTENTION_GATE,
    COPIES,
    DECODE_ATTENTION_MEMORY,
    DECODE_ATTENTION_T0,
    DENSE,
    DISPATCH_BASE_S,
    DISPATCH_LINK_SHARE,
    DP,
    EXPERT_COMPUTE,
    EXPERT_HIDDEN,
    EXPERT_INTERMEDIATE,
    EXPERT_MEMORY,
    EXPERT_ROUTING_S,
    EXPERT_T0,
    EXPERTS,
    EXPERTS_PER_TOKEN,
    FFN_MATRICES,
    GEMM16_COMPUTE,
    GEMM16_MEMORY,
    GEMM16_SHARPNESS,
    GEMM16_T0,
    GEMM_COMPUTE,
    GEMM_MEMORY,
    GEMM_SHARPNESS,
    GEMM_T0,
    GROUPED,
    HEAD_DIM,
    HEADS,
    HIDDEN,
    KIND,
    KV_BYTES,
    KV_HEADS,
    KV_LORA_RANK,
    LATENT,
    LINEAR_PREFILL_COMPUTE,
    LINEAR_STATE_MEMORY,
    LINK_BANDWIDTH,
    MEMORY_BANDWIDTH,
    MLA_COMPUTE_SHARE,
    NOPE_HEAD_DIM,
    PEAK,
    PEAK_16BIT,
    PREFILL_ATTENTION_COMPUTE,
    PREFILL_ATTENTION_T0,
    PROMPT_SEEN,
    Q_LORA_RANK,
    RECURRENT,
    RECURRENT_MIXER_PARAMETERS,
    RECURRENT_STATE_BYTES,
    ROPE_HEAD_DIM,
    SCALEOUT_BANDWIDTH,
    SEEN,
    SHARED_INTERMEDIATE,
    SHARPNESS_MLA,
    SHARPNESS_MOE,
    TP,
    V_HEAD_DIM,
    WEIGHT_BYTES,
    WIDTH,
)
from explorer.engine.loops.shares import (
    EXCHANGED_BYTES,
    RECURRENT_IN,
    RECURRENT_OUT,
    RECURRENT_PROMPT_FLOP,
    SCALE_OUT_SHARE,
)


@inlined
def matrix_product(term: Floats, chip: Floats, n: float, k: float, count: float) -> None:
    """`count` products (tokens x k)(k x n) in the weights' format."""
    rate = chip[MEMORY_BANDWIDTH] * chip[GEMM_MEMORY]
    term[0] = 2.0 * n * k / (chip[PEAK] * chip[GEMM_COMPUTE])
    term[1] = n * k * chip[WEIGHT_BYTES] / rate
    term[2] = (k * chip[ACTIVATION_BYTES] + 2.0 * n) / rate
    term[3], term[4], term[5] = chip[GEMM_SHARPNESS], chip[GEMM_T0], count


@inlined
def product_in_16_bit(term: Floats, chip: Floats, n: float, k: float, count: float) -> None:
    """`count` products (tokens x k)(k x n) in 16 bit."""
    rate = chip[MEMORY_BANDWIDTH] * chip[GEMM16_MEMORY]
    term[0] = 2.0 * n * k / (chip[PEAK_16BIT] * chip[GEMM16_COMPUTE])
    term[1] = n * k * 2.0 / rate
    term[2] = (k * 2.0 + 2.0 * n) / rate
    term[3], term[4], term[5] = chip[GEMM16_SHARPNESS], chip[GEMM16_T0], count


@inlined
def _recurrent(chip: Floats, model: Floats, step: Floats, terms: Floats, line: Floats) -> int:
    """Linear attention or Mamba: its projections, and a state that is read and written."""
    tp, hidden = chip[TP], model[HIDDEN]
    inner, state = model[RECURRENT_MIXER_PARAMETERS] / hidden, model[RECURRENT_STATE_BYTES] / tp
    matrix_product(terms[0], chip, RECURRENT_IN * inner / tp, hidden, 1.0)
    matrix_product(terms[1], chip, hidden, RECURRENT_OUT * inner / tp, 1.0)
    line[0] = 2.0 * chip[DECODE_ATTENTION_T0]
    line[1] = 2.0 * state / (chip[MEMORY_BANDWIDTH] * step[LINEAR_STATE_MEMORY])
    line[2] = RECURRENT_PROMPT_FLOP * state / (chip[PEAK_16BIT] * step[LINEAR_PREFILL_COMPUTE])
    return 2


@inlined
def _prompts_attend(part: Floats, chip: Floats, dims: float, line: Floats) -> None:
    """What attention takes beside the reading of the cache; `dims` are those of scores and values together."""
    rate = chip[PEAK_16BIT] * chip[PREFILL_ATTENTION_COMPUTE]
    line[0], line[3] = chip[DECODE_ATTENTION_T0], chip[PREFILL_ATTENTION_T0]
    line[2] = part[PROMPT_SEEN] * (2.0 * (part[HEADS] / chip[TP]) * dims / rate)


@inlined
def _latent(part: Floats, chip: Floats, model: Floats, step: Floats, sharded: bool, terms: Floats, line: Floats) -> int:
    """Multi-head latent attention."""
    tp, hidden, heads, rank = chip[TP], model[HIDDEN], part[HEADS] / chip[TP], model[KV_LORA_RANK]
    latent, key_dim = rank + model[ROPE_HEAD_DIM], model[NOPE_HEAD_DIM] + model[ROPE_HEAD_DIM]
    made = 1
    if model[Q_LORA_RANK] > 0.0:
        matrix_product(terms[0], chip, model[Q_LORA_RANK] + latent, hidden, 1.0)
        matrix_product(terms[1], chip, heads * key_dim, model[Q_LORA_RANK], 1.0)
        made = 2
    else:
        matrix_product(terms[0], chip, heads * key_dim + latent, hidden, 1.0)
    product_in_16_bit(terms[made], chip, heads * model[NOPE_HEAD_DIM], rank, 2.0)
    matrix_product(terms[made + 1], chip, hidden, heads * model[V_HEAD_DIM], 1.0)
    share = 1.0 / tp if sharded else 1.0
    read_rate = chip[MEMORY_BANDWIDTH] * chip[DECODE_ATTENTION_MEMORY]
    memory = part[SEEN] * (latent * share * chip[KV_BYTES] / read_rate)
    rate = chip[PEAK_16BIT] * step[MLA_COMPUTE_SHARE]
    compute = part[SEEN] * (2.0 * heads * (2.0 * rank + model[ROPE_HEAD_DIM]) / rate)
    _prompts_attend(part, chip, key_dim + model[V_HEAD_DIM], line)
    # both sides grow alike with the sequences: their smooth maximum is a line
    larger, p = max(compute, memory), step[SHARPNESS_MLA]
    line[1] = larger * (1.0 + (min(compute, memory) / max(larger, 1e-300)) ** p) ** (1.0 / p)
    return made + 2


@inlined
def _grouped(part: Floats, chip: Floats, model: Floats, sharded: bool, terms: Floats, line: Floats) -> int:
    """Grouped-query attention."""
    hidden, heads, head_dim = model[HIDDEN], part[HEADS] / chip[TP], part[HEAD_DIM]
    local = max(part[KV_HEADS] / chip[TP], 1.0)
    queries = heads * head_dim * (2.0 if model[ATTENTION_GATE] > 0.0 else 1.0)
    matrix_product(terms[0], chip, queries + part[COPIES] * local * head_dim, hidden, 1.0)
    matrix_product(terms[1], chip, hidden, heads * head_dim, 1.0)
    stored = part[KV_HEADS] / chip[TP] if sharded else local
    read_rate = chip[MEMORY_BANDWIDTH] * chip[DECODE_ATTENTION_MEMORY]
    _prompts_attend(part, chip, 2.0 * head_dim, line)
    line[1] = part[SEEN] * (part[COPIES] * stored * head_dim * chip[KV_BYTES] / read_rate)
    return 2


@inlined
def _fed_forward(chip: Floats, model: Floats, intermediate: float, terms: Floats, first: int) -> int:
    """A dense feed-forward, or the experts that all tokens share."""
    width = intermediate / chip[TP]
    matrix_product(terms[first], chip, (model[FFN_MATRICES] - 1.0) * width, model[HIDDEN], 1.0)
    matrix_product(terms[first + 1], chip, model[HIDDEN], width, 1.0)
    return first + 2


@inlined
def part_of(part: Floats, chip: Floats, model: Floats, step: Floats, sharded: bool, terms: Floats, line: Floats) -> int:
    """Fill the matrix products of a part, (MOST_PRODUCTS, 6), and its `line`: constant, a decoding sequence, a prompt
    token, and constant of a step with prompt tokens. How many products there are, those of routed experts excepted."""
    kind, made = part[KIND], 0
    line[:] = 0.0
    if kind == GROUPED:
        made = _grouped(part, chip, model, sharded, terms, line)
    elif kind == LATENT:
        made = _latent(part, chip, model, step, sharded, terms, line)
    elif kind == RECURRENT:
        made = _recurrent(chip, model, step, terms, line)
    elif kind == DENSE:
        made = _fed_forward(chip, model, part[WIDTH], terms, 0)
    else:
        if model[EXPERT_HIDDEN] > 0.0:
            matrix_product(terms[0], chip, model[EXPERT_HIDDEN] / chip[TP], model[HIDDEN], 2.0)
            made = 1
        if model[SHARED_INTERMEDIATE] > 0.0:
            made = _fed_forward(chip, model, model[SHARED_INTERMEDIATE], terms, made)
    return made


@inlined
def routed_experts(term: Floats, chip: Floats, model: Floats, step: Floats) -> float:
    """Fill what experts take of tokens and of experts touched; log of the share of experts one token leaves alone."""
    ranks, width_in = chip[TP] * chip[DP], model[EXPERT_HIDDEN] if model[EXPERT_HIDDEN] > 0.0 else model[HIDDEN]
    one = model[FFN_MATRICES] * width_in * model[EXPERT_INTERMEDIATE]
    routed, rate = model[EXPERTS_PER_TOKEN] / ranks, chip[MEMORY_BANDWIDTH] * chip[EXPERT_MEMORY]
    term[0] = routed * (2.0 * one / (chip[PEAK] * chip[EXPERT_COMPUTE]))
    term[1] = one / ranks * chip[WEIGHT_BYTES] / rate
    term[2] = routed * ((2.0 * width_in + 2.0 * model[EXPERT_INTERMEDIATE]) * chip[ACTIVATION_BYTES]) / rate
    term[3], term[4], term[5] = step[SHARPNESS_MOE], chip[EXPERT_T0] + step[EXPERT_ROUTING_S], 1.0
    left_alone: float = np.log1p(-min(model[EXPERTS_PER_TOKEN] / model[EXPERTS], 1.0 - 1e-12))
    return left_alone


@inlined
def exchange_a_token(chip: Floats, model: Floats, step: Floats, within: bool) -> float:
    """Seconds that dispatch and combine take for a token, beside their constant."""
    ranks = chip[TP] * chip[DP]
    inside, outside = chip[LINK_BANDWIDTH] * step[DISPATCH_LINK_SHARE], chip[SCALEOUT_BANDWIDTH] * SCALE_OUT_SHARE
    rate = inside if within else outside
    copies = min(model[EXPERTS_PER_TOKEN], ranks)
    return float(2.0 * copies * model[HIDDEN] * EXCHANGED_BYTES * (ranks - 1.0) / ranks / rate)


@inlined
def exchange_constant(step: Floats) -> float:
    """Seconds that dispatch and combine take for any tokens."""
    return float(2.0 * step[DISPATCH_BASE_S])
