"""Putting a file in place whole: whatever happens on the way, the old one or the new one stands there."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from pathlib import Path

_FOLDER_NOT_SYNCABLE = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
"""Some file systems cannot flush a folder; the rename is then as durable as they make it."""


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, or leave it untouched and raise OSError.

    The content goes to a new file in the same folder, is flushed to disk and then renamed over the old one,
    whose permissions it takes; a symbolic link stays one, its target is replaced.
    """
    target = Path(os.path.realpath(path))
    mode: int | None = None
    if target.exists():
        if not target.is_file():
            raise OSError(errno.EISDIR if target.is_dir() else errno.EINVAL, "is not a file", str(path))
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        mode = stat.S_IMODE(target.stat().st_mode)
    draft = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        _write_flushed(draft, content, mode)
        draft.replace(target)
    except BaseException:
        # Also when the user interrupts: a draft left behind would be clutter, never the user's file.
        draft.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def _write_flushed(draft: Path, content: bytes, mode: int | None) -> None:
    # Opened with 0o666 so that a new file gets the permissions the user's umask asks for.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        if mode is not None:
            draft.chmod(mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _FOLDER_NOT_SYNCABLE:
            raise
    finally:
        os.close(descriptor)
