"""Where the program begins: `python -m explorer`, and the commands that an installation makes."""

import gc

# Nothing that a start makes is garbage, and to look for some takes a tenth of the time to the first picture:
# `explorer.cli` has it looked for again once the window is painted, or before any other command.
gc.disable()


def main() -> int:
    """The command line."""
    from explorer.cli import main as run

    return run()


def main_window() -> int:
    """The graphical launcher."""
    from explorer.cli import main_window as run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
