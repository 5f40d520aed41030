"""The autosave journal: unsaved changes are on disk within a second, and gone from there once they are saved."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from PySide6.QtCore import QLockFile, QObject, QTimer, Signal

from explorer.catalog.catalog import Catalog
from explorer.errors import ExplorerError, Problem, ScenarioFileError, UnknownRecordError
from explorer.scenario.baseline import baseline_of
from explorer.scenario.file import LoadedScenario, parse_scenario, read_scenario
from explorer.scenario.schema import Scenario
from explorer.ui.document import Document
from explorer.ui.log import log

VERSION = 1
DELAY_MS = 500
"""From a change to its writing; with the writing itself well under the second that may be lost."""
PATTERN = "journal-*.json"


@dataclass(frozen=True, slots=True)
class Draft:
    """Unsaved work as a journal holds it: the scenario, the file it belongs to and that file's text when opened."""

    scenario: Scenario
    path: Path | None
    original_text: str | None
    written_at: str

    def original(self) -> LoadedScenario | None:
        """The file the work began from, as it was then; None when there was none. Raises ExplorerError."""
        if self.path is None or self.original_text is None:
            return None
        return parse_scenario(self.original_text, self.path)


class Journal(QObject):
    """Keeps the unsaved changes of one document in a file of its own, under a lock that dies with the program."""

    failed = Signal(str)
    """Changes cannot be kept: why, in words. Told once."""

    def __init__(self, document: Document, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.path = folder / f"journal-{secrets.token_hex(6)}.json"
        self._lock = QLockFile(str(_lock_path(self.path)))
        self._lock.setStaleLockTime(0)
        self._complained = False
        self._timer = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._timer.timeout.connect(self.write)
        document.scenario_changed.connect(self._on_changed)
        document.undo_stack.cleanChanged.connect(self._on_clean_changed)

    def write(self) -> None:
        """Write the journal now; with nothing unsaved there is none."""
        self._timer.stop()
        document = self._document
        if not document.is_dirty:
            self._remove()
            return
        original = document.original
        content = {
            "version": VERSION,
            "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "path": None if document.path is None else str(document.path.absolute()),
            "original_text": None if original is None else original.text_document,
            # JSON, not TOML: keeping comments costs 10 ms, a frame's whole budget; this takes a tenth of one.
            "scenario": document.scenario.model_dump_json(),
        }
        draft = self.path.with_suffix(".tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self._lock.isLocked() and not self._lock.tryLock(0):
                raise OSError(f"{_lock_path(self.path)} cannot be locked")
            # Not flushed to the platter: a journal is for a crash of the program, and a flush may take a frame.
            draft.write_text(json.dumps(content), encoding="utf-8")
            draft.replace(self.path)
        except OSError as error:
            self._complain(error)

    def close(self) -> None:
        """The work was saved or given up: nothing is left behind."""
        self._timer.stop()
        self._document.scenario_changed.disconnect(self._on_changed)
        self._document.undo_stack.cleanChanged.disconnect(self._on_clean_changed)
        self._remove()
        self._lock.unlock()

    def hand_over(self) -> Path | None:
        """Write the journal for the program that follows this one and let go of it; None with nothing unsaved."""
        self.write()
        self._lock.unlock()
        return self.path if self.path.exists() else None

    def _on_changed(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_clean_changed(self, clean: bool) -> None:
        if clean:
            self._timer.stop()
            self._remove()
        else:
            self._on_changed()

    def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning("unsaved changes are not kept against a crash: %s", error)
            self.failed.emit(f"Unsaved changes are not kept against a crash: {error}. Save often.")


class LeftBehind:
    """A journal of a program that did not end as it should; while held, no other start offers it."""

    def __init__(self, path: Path, draft: Draft, lock: QLockFile) -> None:
        self.path, self.draft, self._lock = path, draft, lock

    def discard(self) -> None:
        """Give the work up, or put an end to the journal because the work is open again."""
        _unlink(self.path)
        self.release()

    def release(self) -> None:
        """Leave it for the next start."""
        self._lock.unlock()


def left_behind(folder: Path, catalog: Catalog, tell: Callable[[str], object] = lambda _: None) -> list[LeftBehind]:
    """The journals in `folder` that no running program writes, newest first.

    One whose work is saved already is removed; one that is no journal is set aside; one of a chip or a model that the
    catalogue lacks stays for a start with another catalogue. `tell` hears of what cannot be offered, and where it is.
    """
    found: list[tuple[float, LeftBehind]] = []
    for path in folder.glob(PATTERN):
        lock = QLockFile(str(_lock_path(path)))
        lock.setStaleLockTime(0)
        if not lock.tryLock(0):
            continue
        try:
            draft = read_draft(path, catalog)
            when = path.stat().st_mtime
        except UnknownRecordError as error:
            _cannot_be_offered(f"{path}: {error}; it stays there for a start with a catalogue that has it", tell)
            lock.unlock()
            continue
        except ExplorerError as error:
            _cannot_be_offered(f"{error}; it is kept as {_set_aside(path).name}", tell)
            lock.unlock()
            continue
        except OSError as error:
            _cannot_be_offered(str(error), tell)
            lock.unlock()
            continue
        one = LeftBehind(path, draft, lock)
        if _is_saved(draft, catalog):
            one.discard()
        else:
            found.append((when, one))
    return [one for _, one in sorted(found, key=lambda pair: -pair[0])]


def read_draft(path: Path, catalog: Catalog) -> Draft:
    """What a journal holds; raises OSError when it cannot be read, UnknownRecordError when the catalogue lacks its chip
    or model, another ExplorerError when it is no journal."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stated, dict) or stated.get("version") != VERSION:
            raise ScenarioFileError(str(path), (Problem("version", "is not a journal of this edition"),))
        scenario = Scenario.model_validate_json(stated["scenario"])
        baseline_of(scenario)
        place, text = stated["path"], stated["original_text"]
        if not all(one is None or isinstance(one, str) for one in (place, text)) or "\0" in (place or ""):
            raise TypeError("path and original_text must be texts")
        draft = Draft(scenario, None if place is None else Path(place), text, str(stated["written_at"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, ValidationError) as error:
        raise ScenarioFileError(str(path), (Problem("(file)", f"is not a journal: {error}"),)) from error
    for workload in scenario.workloads:
        catalog.model(workload.model.preset)
        for alternative in workload.alternatives:
            catalog.chip(alternative.chip)
    return draft


def _cannot_be_offered(reason: str, tell: Callable[[str], object]) -> None:
    log.warning("unsaved work cannot be offered: %s", reason)
    tell(f"Unsaved work cannot be offered: {reason}")


def _is_saved(draft: Draft, catalog: Catalog) -> bool:
    """True when the work's file holds the same already: the program ended between saving and tidying up."""
    if draft.path is None:
        return False
    try:
        saved = read_scenario(draft.path, catalog).scenario
    except ExplorerError:
        return False
    return _bare(saved) == _bare(draft.scenario)


def _bare(scenario: Scenario) -> Scenario:
    """Without what a save stamps on it."""
    stamps = {"app_version": "", "engine_version": "", "catalog_edition": "", "catalog": None}
    return scenario.model_copy(update=stamps)


def _lock_path(journal: Path) -> Path:
    return journal.with_suffix(".lock")


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be removed: %s", path, error)


def _set_aside(path: Path) -> Path:
    """Where it is afterwards."""
    aside = path.with_suffix(".unreadable")
    try:
        path.replace(aside)
    except OSError as error:
        log.warning("%s cannot be set aside: %s", path, error)
        return path
    return aside
