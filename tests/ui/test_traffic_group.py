"""How requests arrive, chosen in the window: gaps, bursts, a shipped trace or a file of one's own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from explorer.ui.main_window import MainWindow
from tests.ui.hands import slider, type_value


def press(window: MainWindow, kind: str) -> None:
    button = window.panel.traffic.arrivals.button_for(kind)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    QApplication.processEvents()


def test_that_each_kind_of_arrivals_brings_its_own_controls(window: MainWindow) -> None:
    burstiness, bursts, prompts = (slider(window, name) for name in ("arrival_cv", "burst_s", "prompt_tokens"))
    assert burstiness.isVisible() and not bursts.isVisible() and prompts.isVisible()
    press(window, "on_off")
    assert window.document.workload.traffic.arrivals == "on_off"
    assert not burstiness.isVisible() and bursts.isVisible() and prompts.isVisible()
    type_value(bursts, "2 min")
    assert window.document.workload.traffic.burst_s == 120.0
    press(window, "trace")
    assert not bursts.isVisible() and not prompts.isVisible() and window.panel.traffic.trace.isVisible()
    assert not slider(window, "prompt_cv").isVisible()
    press(window, "gamma")
    assert window.document.workload.traffic.trace is None and burstiness.isVisible()


def test_that_a_trace_is_one_undo_step_and_says_what_it_holds(window: MainWindow) -> None:
    before = window.document.scenario
    press(window, "trace")
    rows = window.panel.traffic.trace
    assert window.document.workload.traffic.trace is not None
    assert "19,366 requests" in rows.note.text() and "azure-2023-conversation" in rows.choose.text()
    assert "azure-2023-conversation" in window.panel.traffic.frame.header.summary
    rows.picker.picked.emit("mooncake-conversation")
    QApplication.processEvents()
    assert "12,031 requests" in rows.note.text()
    window.document.undo_stack.undo()
    window.document.undo_stack.undo()
    assert window.document.scenario == before


def test_that_a_file_with_bad_rows_is_refused_by_line_and_taken_without_them_when_asked(
    window: MainWindow, tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("time,prompt,output\n0,900,90\n1,x,90\n2,1100,110\n")
    press(window, "trace")
    rows = window.panel.traffic.trace
    rows.take(file)
    assert "line 3" in window.messages.text and "'x'" in window.messages.text
    assert rows.go_on.isVisible()
    trace = window.document.workload.traffic.trace
    assert trace is not None and trace.name == "azure-2023-conversation"
    QTest.mouseClick(rows.go_on, Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    trace = window.document.workload.traffic.trace
    assert trace is not None and trace.file == str(file) and trace.skip_bad_rows
    assert not rows.go_on.isVisible() and "2 requests" in rows.note.text()


def test_that_a_reset_of_the_group_takes_the_trace_back(window: MainWindow) -> None:
    press(window, "trace")
    window.panel.traffic.reset(window.document.filed)
    traffic = window.document.workload.traffic
    assert traffic.arrivals == "gamma" and traffic.trace is None


def test_that_a_closed_loop_turns_the_batch_into_users_and_hides_the_rate(window: MainWindow) -> None:
    press(window, "on_off")
    QTest.mouseClick(window.panel.traffic.mode.button_for("closed_loop"), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    traffic = window.document.workload.traffic
    assert traffic.mode == "closed_loop" and traffic.arrivals == "gamma"
    assert not slider(window, "request_rate_per_s").isVisible() and not slider(window, "arrival_cv").isVisible()
    users = slider(window, "batch_size")
    assert users.title == "Users of each replica" and "Users of each replica" in users.track.accessibleName()
    type_value(users, "32")
    QApplication.processEvents()
    assert window.document.outcome.workloads[0].chosen.users == 32
    assert "32 users" in window.tail.text_summary()
    rate = window.document.outcome.workloads[0].chosen.request_rate
    window.tail.request_rate_dragged.emit(5.0)
    assert "comes of its users" in window.messages.text
    assert window.document.outcome.workloads[0].chosen.request_rate == rate
    QTest.mouseClick(window.panel.traffic.mode.button_for("open_loop"), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert users.title == "Batch size, at most" and slider(window, "request_rate_per_s").isVisible()
