"""The window of the tests of the window, and the shipped catalogue."""

from __future__ import annotations

from tests.ui.conftest import catalog, document, make_document, scenario_file, window

__all__ = ["catalog", "document", "make_document", "scenario_file", "window"]
