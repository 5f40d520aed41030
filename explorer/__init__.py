"""A what-if desk for AI inference chips: tail latency, memory fit, cost and dependence, live."""

import os

# The engine's matrices are small: a second BLAS thread only spins, and took a frame from 12 to 70 ms of CPU time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
ENGINE_VERSION = "0.1.0"
