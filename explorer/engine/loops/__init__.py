"""The closed form in compiled loops; all but `layout` and `shares` brings numba: not for the window."""
