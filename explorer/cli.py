"""The command line: finds the command that is asked for, runs it, and says how it ended."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path

from explorer import __version__
from explorer.commands.exit_codes import FAILED, INTERRUPTED, MISTAKEN
from explorer.errors import ExplorerError

OPEN = "open"
COMMANDS = (
    OPEN, "evaluate", "what-matters", "ask-first", "break-even", "claims", "snapshot", "report", "sweep", "check",
    "validate", "import-benchmark", "chips", "models",
)  # fmt: skip
"""In the order of the help; each has its module in `explorer.commands`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 2 when the input is wrong (the reasons go to standard error), 130 when it was
    interrupted, 1 when the program made a mistake (the log file has the rest)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal that knows fewer characters than we use gets a question mark, not a traceback
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments) or [OPEN]
    if given[0] not in COMMANDS and not given[0].startswith("-"):
        given.insert(0, OPEN)
    # A command waits for the imports of no other; only what is asked of all of them has all read.
    options = _parser(given[:1] if given[0] in COMMANDS else COMMANDS).parse_args(given)
    try:
        command: Callable[[argparse.Namespace], int] = options.run
        if options.command != OPEN:
            gc.enable()
        code = command(options)
        if sys.stdout is not None:
            # what cannot be written is to be known here, not when the interpreter ends
            sys.stdout.flush()
        return code
    except ExplorerError as error:
        print(error, file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # the reader of our output went away: nothing is wrong here, and nothing more can be said
        _write_no_more()
        return 0
    except KeyboardInterrupt:
        # files are put in place whole, so that there is nothing to clear away
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
            _write_no_more()
            return FAILED
        print(f"the program made a mistake: {error!r}; please report it with {_logged(error)}", file=sys.stderr)
        return MISTAKEN


def _write_no_more() -> None:
    """What is left in the output's buffer goes nowhere, instead of failing again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _logged(error: Exception) -> Path:
    """The log file, which holds the traceback of an error that nobody foresaw."""
    from explorer.ui.folders import state_folder
    from explorer.ui.log import LogFile, log

    file = LogFile(state_folder())
    log.error("unforeseen", exc_info=error)
    file.close()
    return file.path


def main_window() -> int:
    """Entry point of the graphical launcher."""
    return main(["open", *sys.argv[1:]])


def _parser(names: Iterable[str]) -> argparse.ArgumentParser:
    """Knows the commands named."""
    parser = argparse.ArgumentParser(
        prog="inference-explorer",
        description="What-if desk for AI inference chips: tail latency, memory fit, cost and dependence on suppliers.",
    )
    parser.add_argument("--version", action="version", version=f"inference-explorer {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="FILE | COMMAND")
    for name in names:
        import_module(f"explorer.commands.{name.replace('-', '_')}").add_command(commands)
    return parser
