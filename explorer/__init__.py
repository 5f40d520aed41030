"""A what-if desk for AI inference chips: tail latency, memory fit, cost and dependence, live."""

__version__ = "0.1.0"
ENGINE_VERSION = "0.1.0"
