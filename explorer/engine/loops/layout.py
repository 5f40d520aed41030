"""In which order the compiled loops and those that call them lay things out; brings no compiler."""

from __future__ import annotations

TTFT, TPOT, ITL, E2E, METRICS = range(5)

# What there is of each row's chips: fields of `ChipSpec` and of `Split`, and the root of the all-reduce.
OF_CHIP = (
    "memory_bandwidth", "peak", "peak_16bit", "weight_bytes", "activation_bytes", "kv_bytes",
    "gemm_t0", "gemm_compute", "gemm_memory", "gemm_sharpness",
    "gemm16_t0", "gemm16_compute", "gemm16_memory", "gemm16_sharpness",
    "decode_attention_t0", "decode_attention_memory", "prefill_attention_t0", "prefill_attention_compute",
    "expert_t0", "expert_memory", "expert_compute", "elementwise_factor", "step_factor",
    "link_bandwidth", "scaleout_bandwidth", "scaleup_domain", "tp", "pp", "dp", "root",
)  # fmt: skip
(
    MEMORY_BANDWIDTH, PEAK, PEAK_16BIT, WEIGHT_BYTES, ACTIVATION_BYTES, KV_BYTES,
    GEMM_T0, GEMM_COMPUTE, GEMM_MEMORY, GEMM_SHARPNESS,
    GEMM16_T0, GEMM16_COMPUTE, GEMM16_MEMORY, GEMM16_SHARPNESS,
    DECODE_ATTENTION_T0, DECODE_ATTENTION_MEMORY, PREFILL_ATTENTION_T0, PREFILL_ATTENTION_COMPUTE,
    EXPERT_T0, EXPERT_MEMORY, EXPERT_COMPUTE, ELEMENTWISE_FACTOR, STEP_FACTOR,
    LINK_BANDWIDTH, SCALEOUT_BANDWIDTH, SCALEUP_DOMAIN, TP, PP, DP, ROOT,
) = range(len(OF_CHIP))  # fmt: skip

# What there is of a model: fields of `ModelShape`.
OF_MODEL = (
    "hidden", "ffn_matrices", "vocabulary", "experts", "experts_per_token", "expert_intermediate",
    "shared_intermediate", "q_lora_rank", "kv_lora_rank", "rope_head_dim", "nope_head_dim", "v_head_dim",
    "expert_hidden", "attention_gate", "recurrent_mixer_parameters", "recurrent_state_bytes",
)  # fmt: skip
(
    HIDDEN, FFN_MATRICES, VOCABULARY, EXPERTS, EXPERTS_PER_TOKEN, EXPERT_INTERMEDIATE,
    SHARED_INTERMEDIATE, Q_LORA_RANK, KV_LORA_RANK, ROPE_HEAD_DIM, NOPE_HEAD_DIM, V_HEAD_DIM,
    EXPERT_HIDDEN, ATTENTION_GATE, RECURRENT_MIXER_PARAMETERS, RECURRENT_STATE_BYTES,
) = range(len(OF_MODEL))  # fmt: skip

# What all steps share: fields of `StepConstants`.
OF_STEP = (
    "sharpness_mla", "mla_compute_share", "sharpness_moe", "expert_routing_s",
    "elementwise_ops", "elementwise_t0_s", "elementwise_memory", "linear_state_memory", "linear_prefill_compute",
    "host_step_s", "point_to_point_s", "dispatch_base_s", "dispatch_link_share",
)  # fmt: skip
(
    SHARPNESS_MLA, MLA_COMPUTE_SHARE, SHARPNESS_MOE, EXPERT_ROUTING_S,
    ELEMENTWISE_OPS, ELEMENTWISE_T0_S, ELEMENTWISE_MEMORY, LINEAR_STATE_MEMORY, LINEAR_PREFILL_COMPUTE,
    HOST_STEP_S, POINT_TO_POINT_S, DISPATCH_BASE_S, DISPATCH_LINK_SHARE,
) = range(len(OF_STEP))  # fmt: skip

# What there is of each part of a model, a mixer or a feed-forward that several layers share: of which kind it is, how
# many entries a sequence's and a prompt's token reads, heads, KV heads, their size, key and value apart or one, width.
GROUPED, LATENT, RECURRENT, DENSE, ROUTED = range(5)
KIND, SEEN, PROMPT_SEEN, HEADS, KV_HEADS, HEAD_DIM, COPIES, WIDTH, OF_PART = range(9)
MOST_PRODUCTS = 4
"""Matrix products of one part."""

GRID = 11
"""Batch sizes at which a step is timed in full; between them ln T is interpolated in ln n."""
# What there is of each row's steps: where a ladder over these batch sizes begins, and what there is once.
DECODE, MIXED, FULL, CHUNKS, FULL_STEPS, BESIDE, LADDERS = range(0, 7 * GRID, GRID)
CAP, BUDGET, LANES, RANKS, BESIDE_FULL, STALLED, TOKENS_A_STEP, OF_STEPS = range(LADDERS, LADDERS + 8)

# What is asked of each row: its batch cap, tokens a step, those it yields a sequence, and by what share drafting
# lengthens it; and how requests arrive, and where they do in clusters.
ASKED_CAP, ASKED_BUDGET, ASKED_TOKENS, ASKED_DRAFTING, ASKED = range(5)
SCV, GAP_SCV, ARRIVALS = range(3)

# What all rows share, and what there is for each quantile.
PROMPT_SCV, OUTPUT, OUTPUT_SCV, HOST_REQUEST, OVERHEAD, LOAD_GAIN, STALL, SHARED = range(8)
QUANTILE, NORMAL, PROMPT_FACTOR, OUTPUT_FACTOR, OF_LEVEL = range(5)

MEAN_BATCH, WAITS, P99_BATCH, PROMPT_AT, STEP_AT, STATES = range(6)
"""Where a row stands: mean batch, share that finds no slot, P99 of the batch, and at the mean batch the seconds that a
prompt adds to all steps and those of a step that only decodes."""

PADDING = 8
"""Nodes are filled up to a multiple of it, so that loops over them become vector instructions."""

WORDS = 5
"""Whole numbers that tell a compiled function of an array: its address, and up to four sizes."""
