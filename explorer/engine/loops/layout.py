"""In which order the compiled loops and those that call them lay things out; brings no compiler."""

from __future__ import annotations

TTFT, TPOT, ITL, E2E, METRICS = range(5)

# Step grid of rows, and what there is once for each row.
DECODE, MIXED, FULL, CHUNKS, FULL_STEPS, BESIDE, LADDERS = range(7)
BUDGET, LANES, RANKS, BESIDE_FULL, STALLED, TOKENS_A_STEP, SCV, GAP_SCV, OF_ROW = range(9)

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
