"""Benchmarks of the user's own: what the engine says of their rows, and what they say of the engine."""
