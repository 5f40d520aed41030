"""The window looks as its reference pictures do; `python -m tests.pictures.renew` paints them anew after a change."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from tests.pictures.album import FOLDER, Picture, by_name, difference, paint, same

NAMES = sorted(by_name)


@pytest.fixture
def reference() -> QImage:
    """One picture to try the comparison on."""
    return QImage(str(by_name["changed-light"].path)).convertToFormat(QImage.Format.Format_RGB32)


@pytest.mark.parametrize("name", NAMES)
def test_that_the_window_looks_as_in_its_picture(qtbot: QtBot, name: str) -> None:
    picture: Picture = by_name[name]
    assert picture.path.exists(), "no reference: python -m tests.pictures.renew"
    now = paint(picture)
    kept = QImage(str(picture.path))
    mean, strong = difference(now, kept)
    assert same(now, kept), (
        f"{name}: mean difference {mean:.2f} of 255, {100 * strong:.2f} % of the pixels differ strongly; look at both, "
        f"then python -m tests.pictures.renew {name}"
    )


def test_that_no_picture_is_without_a_test_and_all_are_small() -> None:
    files = set(FOLDER.glob("*.png"))
    assert files == {picture.path for picture in by_name.values()}
    assert sum(path.stat().st_size for path in files) < 10e6


def test_that_a_missing_widget_does_not_pass(reference: QImage) -> None:
    painter = QPainter(reference)
    painter.fillRect(QRect(812, 125, 226, 358), QColor("white"))
    painter.end()
    assert not same(reference, QImage(str(by_name["changed-light"].path)))


def test_that_a_line_of_text_laid_over_the_plots_does_not_pass(reference: QImage) -> None:
    painter = QPainter(reference)
    for line in range(4):
        painter.fillRect(QRect(340, 200 + 40 * line, 460, 12), QColor("black"))
    painter.end()
    assert not same(reference, QImage(str(by_name["changed-light"].path)))


def test_that_a_window_moved_by_a_line_does_not_pass(reference: QImage) -> None:
    moved = QImage(reference.size(), QImage.Format.Format_RGB32)
    moved.fill(QColor("white"))
    painter = QPainter(moved)
    painter.drawImage(0, 12, reference)
    painter.end()
    assert not same(moved, reference)


def test_that_another_theme_or_size_does_not_pass() -> None:
    light, dark = (QImage(str(by_name[f"changed-{name}"].path)) for name in ("light", "dark"))
    assert not same(light, dark)
    assert difference(light, light.scaled(640, 360)) == (255.0, 1.0)


def test_that_a_hair_of_difference_passes(reference: QImage) -> None:
    # Text drawn half a pixel aside, as another font renderer may do, within one tile.
    soft = reference.copy()
    painter = QPainter(soft)
    painter.setOpacity(0.3)
    painter.drawImage(QRect(251, 40, 130, 70), reference, QRect(250, 40, 130, 70))
    painter.end()
    assert same(soft, reference)
