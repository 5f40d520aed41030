"""The report written out: one HTML file that needs nothing else, a PDF of A4 pages, every text escaped."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QByteArray, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from explorer.catalog import Catalog, load_catalog
from explorer.errors import ExplorerError
from explorer.report.board import SIZES, draw_picture, paper_html, report_html, report_pdf, write_report
from explorer.report.pages import set_on_paper
from explorer.study.board.compose import board_report
from explorer.study.board.records import BoardReport
from explorer.study.economics import evaluate_with_economics
from tests.study.asking import alternative, fleet, scenario, workload

WICKED = '<script>alert(1)</script> & "quotes" {{ 7 * 7 }}'
VOID = {"meta", "br", "img", "rect", "path", "line", "polyline", "circle", "ellipse", "stop", "use", "image"}


class Page(HTMLParser):
    """Reads a page: tags opened and not closed, cells of tables, all text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def report() -> BoardReport:
    """A report on a scenario whose names are not meant kindly."""
    catalog: Catalog = load_catalog()
    asked = scenario(
        workload(alternative("qcom-ai200", name=f"AI {WICKED}"), alternative("nv-h200"), name=f"chat {WICKED}"),
        fleet=fleet(H200=0.6, AI200=0.4),
    ).model_copy(update={"title": f"title {WICKED}", "question": f"why {WICKED}?"})
    return board_report(asked, catalog, evaluate_with_economics(asked, catalog), [None])


@pytest.fixture(scope="module")
def page(report: BoardReport) -> str:
    return report_html(report)


def test_that_a_page_is_well_formed_and_needs_nothing_from_elsewhere(page: str) -> None:
    read = Page()
    read.feed(page)
    assert read.open == []
    assert read.tags.count("svg") == 3
    assert not {"script", "link", "iframe", "object", "img"} & set(read.tags)
    assert not re.findall(r'(?:src|href)\s*=\s*"(?!#)', page)
    assert "url(" not in page.replace("url(#", "")
    assert "@import" not in page


def test_that_every_text_of_a_scenario_is_escaped(page: str) -> None:
    assert "<script" not in page
    read = Page()
    read.feed(page)
    for said in (f"title {WICKED}", f"why {WICKED}?", f"chat {WICKED}", f"AI {WICKED}"):
        assert said in read.text


def test_that_no_name_stands_twice_in_a_page(page: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(names)


def test_that_the_drawings_are_lines_that_can_be_drawn(page: str, qtbot: QtBot) -> None:
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        assert "<polyline" in drawing and "<text" in drawing and "base64" not in drawing
        renderer = QSvgRenderer(QByteArray(drawing.encode()))
        assert renderer.isValid()
        assert renderer.viewBox().width() == 672


def test_that_the_verdict_table_can_be_read_back(page: str, report: BoardReport) -> None:
    read = Page()
    read.feed(page)
    rows = [row for row in read.rows if len(row) == 9]
    assert rows[0][0] == "Alternative" and rows[0][-1] == "Known by"
    assert [row[0].removeprefix("● ")[:2] for row in rows[1:]] == ["AI", "H2"]


def test_that_the_pdf_has_the_pages_that_were_set(report: BoardReport, qtbot: QtBot) -> None:
    content = report_pdf(report)
    assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
    paper = set_on_paper(paper_html(report), report.title, lambda *place: draw_picture(report, *place))
    assert len(paper.pages) > 3
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", content)) == len(paper.pages)
    box = re.search(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", content)
    assert box is not None
    assert (float(box[1]), float(box[2])) == pytest.approx((595, 842), abs=1.5)
    # drawn as lines, not put in as a picture
    assert b"/Subtype /Image" not in content


def test_that_nothing_is_drawn_beyond_the_margins(report: BoardReport, qtbot: QtBot) -> None:
    paper = set_on_paper(paper_html(report), report.title, lambda *place: draw_picture(report, *place))
    assert paper.document.size().width() <= paper.size.width() + 1.5
    assert all(width <= paper.size.width() for width, _ in SIZES.values())
    margin = 40
    ground = QSize(round(paper.size.width()) + 2 * margin, round(paper.size.height()) + 2 * margin)
    for number in range(len(paper.pages)):
        image = QImage(ground, QImage.Format.Format_Grayscale8)
        image.fill(255)
        painter = QPainter(image)
        painter.translate(margin, margin)
        paper.paint(painter, number)
        painter.end()
        ink = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        ink = ink[:, : image.width()] < 250
        assert ink.any()
        inside = np.zeros_like(ink)
        inside[margin - 1 : -margin + 1, margin - 1 : -margin + 1] = True
        assert not (ink & ~inside).any()


def test_that_an_unknown_form_and_a_missing_folder_are_refused(report: BoardReport, tmp_path: Path) -> None:
    with pytest.raises(ExplorerError, match=r"\.html or \.pdf"):
        write_report(report, tmp_path / "report.docx")
    with pytest.raises(ExplorerError, match="cannot be written"):
        write_report(report, tmp_path / "no such folder" / "report.html")
    assert list(tmp_path.iterdir()) == []
