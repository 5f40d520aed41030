"""A plot handed on holds what the plot shows, in every form."""

from __future__ import annotations

import csv
import io
import math
import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from explorer.errors import ExplorerError
from explorer.plots.concentration import ConcentrationPlot
from explorer.plots.memory_fit import MemoryFitPlot
from explorer.plots.tail_axes import tick_text
from explorer.plots.tail_latency import TailLatencyPlot
from explorer.plots.tail_ticks import ticks_in
from explorer.plots.tokens import DARK, LIGHT
from explorer.report.export import Plot, csv_text, plot_csv, plot_png, plot_svg, save_png
from tests.sample_outcome import sample_outcome

KINDS = pytest.mark.parametrize("kind", [TailLatencyPlot, MemoryFitPlot, ConcentrationPlot])
TODAY = date(2026, 3, 1)


def shown(qtbot: QtBot, kind: type[Plot], **sample: object) -> Plot:
    """A plot that shows the sample, as nobody has looked at it yet."""
    plot = kind()
    qtbot.addWidget(plot)
    plot.resize(420, 360)
    plot.show_outcome(sample_outcome(**sample), 0, sample_outcome(selected=1, latency_factor=1.5))  # type: ignore[arg-type]
    return plot


def table(plot: Plot) -> tuple[list[str], list[dict[str, str]]]:
    """Comment lines and rows by header."""
    lines = csv_text(plot, TODAY).splitlines()
    notes = [line for line in lines if line.startswith("# ")]
    return notes, list(csv.DictReader(io.StringIO("\n".join(lines[len(notes) :]))))


def colors(image: QImage) -> set[str]:
    """The colours of every third pixel."""
    places = ((x, y) for x in range(0, image.width(), 3) for y in range(0, image.height(), 3))
    return {image.pixelColor(x, y).name().upper() for x, y in places}


@KINDS
def test_that_a_picture_has_the_size_asked_for_and_its_own_ground(qtbot: QtBot, kind: type[Plot]) -> None:
    plot = shown(qtbot, kind)
    image = plot_png(plot, QSize(600, 400), 1.5)
    assert (image.width(), image.height()) == (900, 600)
    assert image.pixelColor(2, 2) == QColor(LIGHT.panel)
    mark = LIGHT.suppliers[0] if kind is ConcentrationPlot else LIGHT.chips[0]
    assert mark.upper() in colors(image)
    plot.set_tokens(DARK)
    assert plot_png(plot, QSize(600, 400)).pixelColor(2, 2) == QColor(DARK.panel)


@KINDS
def test_that_a_picture_leaves_the_plot_as_it_was(qtbot: QtBot, kind: type[Plot]) -> None:
    plot = shown(qtbot, kind)
    plot.show()
    before = plot.grab().toImage()
    plot_png(plot, QSize(900, 300))
    assert plot.size() == QSize(420, 360)
    assert plot.grab().toImage() == before


def test_that_the_tail_picture_keeps_metric_and_axes_but_not_the_switch(qtbot: QtBot, tmp_path: Path) -> None:
    plot, path = shown(qtbot, TailLatencyPlot), tmp_path / "plot.svg"
    assert isinstance(plot, TailLatencyPlot)
    plot.set_metric("e2e")
    ticks = {tick_text(tick) for tick in ticks_in(plot.values().axes, plot.area).latency}
    plot_svg(plot, path, QSize(700, 300))
    space = "{http://www.w3.org/2000/svg}"
    texts = {(element.text or "").strip() for element in ElementTree.parse(path).getroot().iter(f"{space}text")}
    assert any(text.startswith("end-to-end time") for text in texts)
    assert ticks & texts and "baseline" in texts
    # How sure it is stands in the heading, and the words of the switch nowhere.
    assert plot._content is not None and plot._content.words.notes[-1] in texts
    assert "Per token" not in texts


@KINDS
def test_that_a_drawing_holds_text_lines_and_the_plot_in_words(qtbot: QtBot, tmp_path: Path, kind: type[Plot]) -> None:
    plot, path = shown(qtbot, kind), tmp_path / "plot.svg"
    plot_svg(plot, path, QSize(640, 420))
    root = ElementTree.parse(path).getroot()
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text or "" for element in root.iter(f"{space}text")]
    assert any(plot.title in text for text in texts)
    assert root.findtext(f"{space}desc") == plot.text_summary()
    assert root.get("viewBox") == "0 0 640 420"
    if kind is TailLatencyPlot:
        assert {"promise 50 ms", "AI200 ×2", "your traffic, 12/s"} <= {text.strip() for text in texts}
        assert not list(root.iter(f"{space}image"))


@KINDS
def test_that_a_saved_picture_reads_back_with_its_title(qtbot: QtBot, tmp_path: Path, kind: type[Plot]) -> None:
    plot, path = shown(qtbot, kind), tmp_path / "plot.png"
    save_png(plot, path, QSize(300, 240))
    image = QImage(str(path))
    assert (image.width(), image.height()) == (600, 480)
    assert image.text("Title").startswith(plot.title)
    assert image.dotsPerMeterX() == pytest.approx(2 * 96 / 0.0254, abs=1)


@KINDS
def test_that_values_say_what_they_are_and_of_which_edition(qtbot: QtBot, kind: type[Plot]) -> None:
    plot = shown(qtbot, kind)
    notes, rows = table(plot)
    assert notes[0].startswith(f"# {plot.title}")
    assert "# date: 2026-03-01" in notes
    assert f"# catalogue edition: {sample_outcome().catalog_edition}" in notes
    assert rows
    words = {cell for row in rows for cell in row.values()}
    assert not words & {"inf", "nan", "None", "True", "False"}


def test_that_tail_values_are_the_curves_in_si_units(qtbot: QtBot) -> None:
    outcome = sample_outcome()
    notes, rows = table(shown(qtbot, TailLatencyPlot))
    assert "# promise (s): 0.05" in notes
    one = outcome.workloads[0].alternatives[0]
    mine = [row for row in rows if row["alternative"] == one.label and row["role"] == "curve"]
    assert [float(row["request rate (requests/s)"]) for row in mine] == one.rates.tolist()
    written = [float(row["P99 (s)"]) if row["P99 (s)"] else math.inf for row in mine]
    assert written == one.curves["tpot"].p99.tolist()
    point = next(row for row in rows if row["role"] == "operating point")
    found = one.latency["tpot"].p99
    assert found is not None and float(point["P99 (s)"]) == found.value
    assert any(row["role"] == "baseline" for row in rows)


def test_that_memory_values_are_bytes_of_one_chip(qtbot: QtBot) -> None:
    _, rows = table(shown(qtbot, MemoryFitPlot, infeasible=(1,)))
    memory = sample_outcome(infeasible=(1,)).workloads[0].alternatives[1].memory
    assert len(rows) == 4
    assert float(rows[1]["weights (bytes)"]) == memory.weights
    assert (rows[0]["fits"], rows[1]["fits"]) == ("yes", "no")
    assert float(rows[1]["shortfall (bytes)"]) == memory.shortfall > 0


def test_that_concentration_values_hold_every_tier_and_supplier(qtbot: QtBot) -> None:
    _, rows = table(shown(qtbot, ConcentrationPlot))
    fleet = sample_outcome().fleet
    assert len(rows) == sum(len(tier.suppliers) for tier in fleet.tiers)
    nvidia = next(row for row in rows if (row["tier"], row["supplier"]) == ("Chip designer", "Nvidia"))
    assert float(nvidia["share (fraction)"]) == pytest.approx(0.66)
    assert {row["counts"] for row in rows} == {"yes", "no"}


def test_that_a_plot_without_an_outcome_has_a_picture_but_no_values(qtbot: QtBot, tmp_path: Path) -> None:
    for kind in (TailLatencyPlot, MemoryFitPlot, ConcentrationPlot):
        plot = kind()
        qtbot.addWidget(plot)
        assert not plot_png(plot, QSize(300, 200)).isNull()
        with pytest.raises(ExplorerError, match="no values yet"):
            plot_csv(plot, tmp_path / "values.csv")
    assert not list(tmp_path.iterdir())


def test_that_a_place_that_cannot_be_written_is_named(qtbot: QtBot, tmp_path: Path) -> None:
    plot, path = shown(qtbot, MemoryFitPlot), tmp_path / "missing" / "plot"
    for save in (save_png, plot_svg, plot_csv):
        with pytest.raises(ExplorerError, match=r"missing.*choose another place"):
            save(plot, path)


@pytest.mark.parametrize(("size", "scale"), [((10, 200), 2.0), ((200, 24), 2.0), ((200, 200), 0.0), ((200, 200), -1.0)])
def test_that_a_picture_of_nothing_is_refused(qtbot: QtBot, size: tuple[int, int], scale: float) -> None:
    with pytest.raises(ExplorerError, match="no picture of"):
        plot_png(shown(qtbot, MemoryFitPlot), QSize(*size), scale)
