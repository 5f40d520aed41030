"""Pages end where a reader can stop: rows stay whole, headings stay with their text, heads of tables are repeated."""

from __future__ import annotations

import itertools

from pytestqt.qtbot import QtBot

from explorer.report.pages import set_on_paper
from explorer.report.pagination import Page, Part, Strip, paginate


def strips(*heights: float) -> list[Strip]:
    ends = list(itertools.accumulate(heights, initial=0.0))
    return [Strip(top, bottom) for top, bottom in itertools.pairwise(ends)]


def test_that_what_does_not_fit_goes_to_the_next_page_whole() -> None:
    one, two, three = strips(60, 30, 30)
    pages = paginate([Part(one), Part(two), Part(three)], 100)
    assert pages == (Page(Strip(0, 90)), Page(Strip(90, 120)))


def test_that_headings_go_along_with_what_they_head() -> None:
    text, heading, under, row = strips(60, 20, 15, 10)
    pages = paginate([Part(text), Part(heading, True), Part(under, True), Part(row)], 100)
    assert pages == (Page(Strip(0, 60)), Page(Strip(60, 105)))


def test_that_the_head_of_a_table_is_repeated_and_takes_its_room() -> None:
    head, *rows = strips(20, 40, 40, 40, 40)
    parts = [Part(head, True), *(Part(row, head=head) for row in rows)]
    assert paginate(parts, 100) == (Page(Strip(0, 100)), Page(Strip(100, 180), head))


def test_that_a_part_higher_than_a_page_is_cut_and_nothing_of_it_is_lost() -> None:
    small, huge = strips(10, 250)
    pages = paginate([Part(small), Part(huge)], 100)
    assert [page.place for page in pages] == [Strip(0, 10), Strip(10, 110), Strip(110, 210), Strip(210, 260)]


def test_that_a_page_is_begun_where_the_text_says_so() -> None:
    one, two = strips(10, 10)
    assert len(paginate([Part(one), Part(two, begins_page=True)], 100)) == 2
    assert paginate([], 100) == ()


def test_that_a_long_text_set_on_paper_keeps_rows_and_headings_whole(qtbot: QtBot) -> None:
    row = "<tr><td>row</td><td>" + "a few words more than fit on one line of the cell " * 3 + "</td></tr>"
    html = "".join(
        f"<h2>Part {number}</h2><p>Words.</p><h3>Table</h3><table width='100%'><thead><tr><th>A</th><th>B</th></tr>"
        f"</thead>{row * (3 + number)}</table>"
        for number in range(12)
    )
    paper = set_on_paper(html, "long")
    room = paper.size.height()
    assert len(paper.pages) > 3
    for before, after in itertools.pairwise(paper.pages):
        assert before.place.bottom <= after.place.top + 1e-6
        height = before.place.height + (0.0 if before.head is None else before.head.height)
        assert height <= room
    # what stands last on a page is no heading
    layout = paper.document.documentLayout()
    block = paper.document.begin()
    while block.isValid():
        if block.blockFormat().headingLevel():
            box = layout.blockBoundingRect(block)
            page = next(one for one in paper.pages if one.place.top <= box.top() < one.place.bottom)
            assert page.place.bottom > box.bottom() + 10
        block = block.next()
