"""Edits and saves a scenario without end, until it is killed: run by the test of the journal in a process of its own.

Arguments: scenario file, state folder, ledger. Each change is written to the ledger after it was made, as
"change NUMBER TIME", each save before and after it as "saving NUMBER TIME" and "saved NUMBER TIME".
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer

from explorer.catalog.catalog import load_catalog
from explorer.scenario.file import read_scenario
from explorer.study.live import LiveEvaluator
from explorer.ui.document import Document
from explorer.ui.journal import Journal, left_behind

RATE = "workloads.0.traffic.request_rate_per_s"
EVERY_MS = 20
SAVE_EACH = 37


def main(path: Path, state: Path, ledger: Path) -> None:
    """Take up what was left behind, then edit and save."""
    application = QCoreApplication(sys.argv[:1])
    catalog = load_catalog()
    document = Document(catalog, LiveEvaluator(catalog), read_scenario(path, catalog).scenario)
    document.open(path)
    journal = Journal(document, state)
    found = left_behind(state, catalog)
    if found:
        document.resume(found[0].draft.scenario, found[0].draft.original())
        journal.write()
        found[0].discard()
    # No worker: its starting and stopping is not what is asked here.
    document.answers.refine_timer.blockSignals(True)
    book = ledger.open("a", encoding="utf-8")

    def note(word: str, number: float) -> None:
        book.write(f"{word} {number:.0f} {time.time():.6f}\n")
        book.flush()
        os.fsync(book.fileno())

    def edit() -> None:
        number = document.workload.traffic.request_rate_per_s + 1
        document.change(RATE, number, "requests per second")
        note("change", number)
        if number % SAVE_EACH == 0:
            note("saving", number)
            document.save()
            note("saved", number)

    timer = QTimer(interval=EVERY_MS)
    timer.timeout.connect(edit)
    timer.start()
    note("started", document.workload.traffic.request_rate_per_s)
    application.exec()


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
