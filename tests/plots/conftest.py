"""Looking at what a plot has painted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

Holds = Callable[[QImage, QColor | str], int]


@pytest.fixture(scope="session")
def count_color() -> Holds:
    """How many pixels of an image are close to a colour."""

    def count(image: QImage, color: QColor | str, tolerance: int = 12) -> int:
        shown = image.convertToFormat(QImage.Format.Format_RGB888)
        lines = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
        pixels = lines[:, : 3 * shown.width()].reshape(shown.height(), shown.width(), 3).astype(int)
        wanted = QColor(color)
        distance = np.abs(pixels - np.array([wanted.red(), wanted.green(), wanted.blue()]))
        return int((distance.max(axis=2) <= tolerance).sum())

    return count
