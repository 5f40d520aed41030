"""Where the compiled loops of the closed form come from: a file in the user's cache folder, or a compiler.

The file is of one version of the loops, one version of the compiler and one kind of processor. What is missing or
damaged is made by whoever may compile: the worker process, and the command line where it needs them. The window takes
what is there, and solves by arrays until then.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from explorer.engine import loops
from explorer.study import solver

if TYPE_CHECKING:
    from explorer.study.compiled import Compiled

log = logging.getLogger(__name__)

FORMAT = 1
SUFFIX = ".loops"
KEPT_FILES = 6
"""Files of other versions that may stay beside the one in use: several installations take turns."""

_lock = Lock()
_loaded: list[Compiled] = []


def cache_folder() -> Path:
    """The user's cache folder of this program; it need not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "inference-explorer"


@lru_cache(maxsize=1)
def cache_file() -> Path:
    """The file of these loops; what processor it is for, it says itself."""
    known = hashlib.sha256(f"{FORMAT} {platform.machine()} {platform.python_version()}".encode())
    for package in ("numba", "llvmlite"):
        known.update(metadata.version(package).encode())
    for source in sorted(Path(next(iter(loops.__path__))).glob("*.py")):
        known.update(source.read_bytes())
    return cache_folder() / f"closed-form-{known.hexdigest()[:24]}{SUFFIX}"


def made() -> Compiled:
    """The compiled loops: those in memory, those in the file, or new ones, which takes 10 to 20 seconds."""
    with _lock:
        if not _loaded:
            found = _read()
            if found is None:
                found = _make()
            _loaded.append(found)
        return _loaded[0]


def use_what_is_there() -> bool:
    """Have this process's rows solved by the compiled loops if they are in memory or in the file; whether they are."""
    with _lock:
        if not _loaded:
            found = _read()
            if found is None:
                return False
            _loaded.append(found)
    solver.use(_loaded[0])
    return True


def _read() -> Compiled | None:
    """The loops in the file; None where there is none that can be used here."""
    # LLVM's loader takes 40 ms: at the start, file or not, rather than when the worker has made it and a hand may move
    from explorer.engine.machine_code import MachineCode, ObjectFile, processor
    from explorer.study.compiled import Compiled

    try:
        content = cache_file().read_bytes()
    except OSError:
        # without a file it is slower, and nothing else
        return None
    # LLVM ends the process over what is no machine code: all is looked at before
    digest, _, whole = content.partition(b"\n")
    if digest != _digest(whole):
        log.info("%s is damaged", cache_file().name)
        return None
    head, _, code = whole.partition(b"\n")
    told = json.loads(head)
    if told["processor"] != processor():
        log.info("%s is of another processor", cache_file().name)
        return None
    try:
        files: dict[str, ObjectFile] = {}
        for name, symbol, size in told["loops"]:
            files[name], code = ObjectFile(symbol, code[:size]), code[size:]
        found = Compiled(MachineCode(files))
        _leave_the_loader()
        return found
    except (ValueError, RuntimeError) as error:
        log.info("%s cannot be used: %s", cache_file().name, error)
        return None


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _leave_the_loader() -> None:
    """Give back the pages of LLVM's loader, 30 MB that are only read: should they be needed again, its file has them.

    Where the system tells what lies where; elsewhere they stay.
    """
    if sys.platform != "linux":
        return
    import ctypes
    import mmap

    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
        advise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError) as error:
        log.info("the loader stays in memory: %s", error)
        return
    for line in lines:
        place, rights, *_ = line.split(maxsplit=2)
        if "llvmlite" in line and rights == "r-xp":
            start, end = (int(one, 16) for one in place.split("-"))
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def _make() -> Compiled:
    """Compile the loops and leave them for the next process."""
    # brings numba: never in the window's process
    from explorer.engine.loops.object_code import object_files
    from explorer.engine.machine_code import MachineCode, ObjectFile, processor
    from explorer.scenario.saving import write_whole
    from explorer.study.compiled import Compiled

    files: Mapping[str, ObjectFile] = object_files()
    code = b"".join(one.code for one in files.values())
    told = {
        "processor": processor(),
        "loops": [(name, one.symbol, len(one.code)) for name, one in files.items()],
    }
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        whole = json.dumps(told).encode() + b"\n" + code
        write_whole(cache_file(), _digest(whole) + b"\n" + whole)
        _forget_old_ones()
    except OSError as error:
        log.info("the compiled closed form cannot be kept: %s", error)
    return Compiled(MachineCode(files))


def _forget_old_ones() -> None:
    files = sorted(cache_folder().glob(f"closed-form-*{SUFFIX}"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in files[KEPT_FILES:]:
        old.unlink(missing_ok=True)
