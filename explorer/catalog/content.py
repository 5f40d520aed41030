"""The bytes of a file that somebody put into a folder of records: of a regular file only, and not without end."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from explorer.errors import CatalogError

MOST_BYTES = 4_000_000
"""Of a record: the largest published configurations have a quarter of it."""


def content_of(path: Path, most: int = MOST_BYTES) -> bytes:
    """The file's bytes, at most `most`; CatalogError where it is no regular file, too large or cannot be read."""
    try:
        # opened without waiting, so that a pipe without a writer cannot hang the program
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise CatalogError(f"{path}: cannot be read: is not a file")
            content = file.read(most + 1)
    except OSError as error:
        raise CatalogError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a name with a NUL in it
        raise CatalogError(f"{path!r}: cannot be read: {error}") from error
    if len(content) > most:
        raise CatalogError(f"{path}: is larger than the {most:,} bytes that are read")
    return content


def text_of(path: Path) -> str:
    """The file's text, with or without a byte order mark; CatalogError as `content_of`, and where it is not UTF-8."""
    try:
        return content_of(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CatalogError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def record_paths(folder: Path, *patterns: str) -> list[Path]:
    """The files of a folder that match a pattern, in order; those hidden by a dot are some system's own."""
    found = {path for pattern in patterns for path in folder.glob(pattern)}
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def endless_numbers(value: object, key: str = "") -> Iterator[str]:
    """Keys of whole numbers beyond 64 bits, which neither a float nor a text can hold."""
    if isinstance(value, int) and abs(value) >= 2**63:
        yield key
    elif isinstance(value, dict):
        for name, below in value.items():
            yield from endless_numbers(below, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for position, below in enumerate(value):
            yield from endless_numbers(below, f"{key}[{position}]")
