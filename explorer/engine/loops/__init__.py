"""The closed form in compiled loops; all but `layout` brings numba, and is not for the window's process."""
