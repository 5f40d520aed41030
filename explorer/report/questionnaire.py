"""The audit questionnaire written out: HTML and PDF from one template, and Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.report.pages import html_page, pdf_of, save
from explorer.study.questionnaire import Questionnaire

SUFFIXES = (".html", ".md", ".pdf")
HEADINGS = ("Question, and how it is measured", "Believed", "Number to beat", "Your answer")
WIDTHS = ("40%", "20%", "24%", "16%")


def write_questionnaires(sheets: Sequence[Questionnaire], path: Path) -> None:
    """Write questionnaires into one file, in the form of its suffix; ExplorerError for another or when it fails."""
    form = path.suffix.lower()
    if form not in SUFFIXES:
        raise ExplorerError(f"{path}: cannot tell the form of the questionnaire; end the name in {', '.join(SUFFIXES)}")
    if not sheets:
        raise ExplorerError(f"{path}: nothing to ask: every figure of the chips compared is disclosed")
    if form == ".html":
        content = questionnaire_html(sheets).encode("utf-8")
    elif form == ".md":
        content = questionnaire_markdown(sheets).encode("utf-8")
    else:
        content = questionnaire_pdf(sheets)
    save(path, content)


def questionnaire_html(sheets: Sequence[Questionnaire]) -> str:
    """Questionnaires as one page that needs nothing else; texts escaped."""
    title = sheets[0].title if len(sheets) == 1 else "Audit questionnaires"
    return html_page("questionnaire.html", title=title, headings=HEADINGS, widths=WIDTHS, sheets=sheets)


def questionnaire_markdown(sheets: Sequence[Questionnaire]) -> str:
    """Questionnaires as Markdown with a table for each section."""
    lines: list[str] = []
    for sheet in sheets:
        lines += [f"# {_plain(sheet.title)}", "", f"## {_plain(sheet.workload)}", "", _plain(sheet.introduction), ""]
        for section in sheet.sections:
            lines += [f"### {_plain(section.title)}", ""]
            lines += [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
            for one in section.questions:
                question = f"**{_plain(one.ask)}** {_plain(one.how)} {_plain(one.why)}"
                cells = (question, _plain(one.believed), _plain(one.beat))
                lines.append(f"| {' | '.join(cells)} | |")
            lines.append("")
        lines += [f"- {_plain(note)}" for note in sheet.notes]
        lines.append("")
    return "\n".join(lines)


def questionnaire_pdf(sheets: Sequence[Questionnaire]) -> bytes:
    """Questionnaires as a PDF, A4; needs no window, but starts Qt's fonts where nothing has yet."""
    return pdf_of(questionnaire_html(sheets), sheets[0].title)


def _plain(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    for sign in ("\\", "|", "*", "_", "<", "`", "[", "#"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
