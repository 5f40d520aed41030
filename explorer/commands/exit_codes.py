"""What the program ends with when a command did not work; 0 when it did."""

FAILED, MISTAKEN, INTERRUPTED = 2, 1, 130
"""The input is wrong; the program made a mistake; somebody stopped it."""
