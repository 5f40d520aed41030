"""The shipped font loads in Qt, is what its README says, and has numerals that stand in columns."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF
from PySide6.QtWidgets import QApplication

FACES = {"Inter-Regular.ttf": "Regular", "Inter-SemiBold.ttf": "SemiBold", "Inter-Italic.ttf": "Italic"}


@pytest.fixture(scope="session")
def fonts_folder(repository: Path) -> Path:
    return repository / "resources" / "fonts"


@pytest.mark.parametrize("file", FACES)
def test_that_each_font_file_loads_as_inter(file: str, fonts_folder: Path, qapp: QApplication) -> None:
    handle = QFontDatabase.addApplicationFont(str(fonts_folder / file))
    assert handle != -1
    assert "Inter" in QFontDatabase.applicationFontFamilies(handle)
    assert FACES[file] in QFontDatabase.styles("Inter")


def test_that_tabular_numerals_are_equally_wide_and_proportional_ones_are_not(
    fonts_folder: Path, qapp: QApplication
) -> None:
    QFontDatabase.addApplicationFont(str(fonts_folder / "Inter-Regular.ttf"))
    font = QFont("Inter", 12)

    def widths() -> set[float]:
        metrics = QFontMetricsF(font)
        return {metrics.horizontalAdvance(digit * 10) for digit in "0123456789"}

    assert len(widths()) > 1
    font.setFeature(QFont.Tag("tnum"), 1)
    assert len(widths()) == 1


def test_that_the_readme_names_the_checksum_of_every_font_file(fonts_folder: Path) -> None:
    table = (fonts_folder / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"\| (\S+\.ttf) \|[^|]*\| ([0-9a-f]{64}) \|", table))
    fonts = fonts_folder.glob("*.ttf")
    shipped = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in fonts}
    assert listed == shipped
