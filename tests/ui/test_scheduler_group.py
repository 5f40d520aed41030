"""The scheduler of an alternative, chosen in the window."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.ui.main_window import MainWindow
from tests.ui.hands import slider, type_value


def press(window: MainWindow, kind: str) -> None:
    QTest.mouseClick(window.panel.scheduler.kind.button_for(kind), Qt.MouseButton.LeftButton)
    QApplication.processEvents()


def test_that_each_scheduler_brings_its_own_controls_and_leaves_none_behind(window: MainWindow) -> None:
    group = window.panel.scheduler
    routing = group.findChild(QWidget, "routing")
    assert isinstance(routing, QWidget)
    assert not slider(window, "prefill_instances").isVisible() and routing.isVisible()
    before = window.document.alternative
    press(window, "disaggregated")
    assert slider(window, "prefill_instances").isVisible() and not routing.isVisible()
    type_value(slider(window, "decode_instances"), "3")
    group.link.box.setText("50 GB/s")
    group.link.box.setModified(True)
    group.link.box.editingFinished.emit()
    chosen = window.document.alternative
    assert (chosen.scheduler, chosen.decode_instances, chosen.kv_transfer_gb_per_s) == ("disaggregated", 3, 50.0)
    assert "1 prefill + 3 decode" in group.frame.header.summary
    press(window, "static")
    assert not slider(window, "token_budget").isVisible()
    assert group.frame.header.summary == "static batching"
    press(window, "chunked")
    assert window.document.alternative == before
    assert slider(window, "token_budget").isVisible()


def test_that_a_scheduler_is_of_one_alternative_until_it_is_applied_to_all(window: MainWindow) -> None:
    press(window, "prefill_first")
    kinds = [one.scheduler for one in window.document.workload.alternatives]
    assert kinds == ["prefill_first", "chunked", "chunked", "chunked"]
    QTest.mouseClick(window.panel.scheduler.to_all, Qt.MouseButton.LeftButton)
    assert {one.scheduler for one in window.document.workload.alternatives} == {"prefill_first"}
    window.document.undo_stack.undo()
    assert [one.scheduler for one in window.document.workload.alternatives] == kinds


def test_that_figures_without_the_scheduler_in_them_are_marked_in_the_table(window: MainWindow) -> None:
    press(window, "static")
    assert "not simulated yet" in window.compare.as_text()


def test_that_a_scheduler_that_a_closed_loop_cannot_have_is_refused_and_told(window: MainWindow) -> None:
    QTest.mouseClick(window.panel.traffic.mode.button_for("closed_loop"), Qt.MouseButton.LeftButton)
    press(window, "disaggregated")
    assert window.document.alternative.scheduler == "chunked"
    assert "closed loop" in window.messages.text
    assert window.panel.scheduler.kind.value == "chunked"


def test_that_drafts_have_their_figures_while_they_are_on(window: MainWindow) -> None:
    group = window.panel.scheduler
    accepted = slider(window, "acceptance")
    assert not accepted.isVisible()
    QTest.mouseClick(group.drafts.button_for(True), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert accepted.isVisible() and accepted.value == 0.7
    type_value(accepted, "80 %")
    chosen = window.document.alternative.speculation
    assert chosen is not None and chosen.acceptance == 0.8
    assert "speculative" in group.frame.header.summary
    QTest.mouseClick(group.drafts.button_for(False), Qt.MouseButton.LeftButton)
    QApplication.processEvents()
    assert window.document.alternative.speculation is None and not accepted.isVisible()
