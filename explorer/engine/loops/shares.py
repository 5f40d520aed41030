"""Shares and sizes that no kernel was measured for, once for array functions and loops; brings no compiler."""

from __future__ import annotations

RECURRENT_IN, RECURRENT_OUT = 0.7, 0.3
"""Weights of a recurrent mixer before and after its recurrence; assumed, the whole is the model's."""
RECURRENT_PROMPT_FLOP = 1.5
"""FLOP of chunked linear attention for a prompt token and a byte of state; assumed."""
SCALE_OUT_SHARE = 0.8
"""Share of the network's bandwidth that dispatch and combine of experts reach beyond the scale-up domain; assumed."""
EXCHANGED_BYTES = 1.5
"""Bytes of a value that experts exchange: mean of dispatch in FP8, combine in BF16 (DeepSeek-V3 technical report)."""
