"""Words beside a title: what gives way where there is no room for all."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from explorer.plots.lettering import heading_words, text_width

LONG, SHORT = "share of requests that take longer, time to first token (TTFT)", "time to first token"
NOTE = "simulation, 20,000 requests"


def test_that_the_meaning_gives_way_before_the_note_that_names_the_method(qtbot: QtBot) -> None:
    assert heading_words(2000.0, (LONG, SHORT), NOTE) == (LONG, NOTE)
    assert heading_words(text_width(LONG), (LONG, SHORT), NOTE) == (SHORT, NOTE)
    subtitle, note = heading_words(text_width(NOTE) + 60.0, (LONG, SHORT), NOTE)
    assert note == NOTE and subtitle.endswith("…")
    assert heading_words(text_width(NOTE), (LONG, SHORT), NOTE) == ("", NOTE)


def test_that_without_a_note_the_meaning_has_all_the_room(qtbot: QtBot) -> None:
    assert heading_words(text_width(LONG), (LONG, SHORT), "") == (LONG, "")
