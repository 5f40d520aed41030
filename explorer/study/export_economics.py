"""The economics of an outcome as plain data for `evaluate --json`: SI units and USD, null where there is no answer."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from explorer.study.economics import Economics


def economics_data(economics: Economics) -> dict[str, Any]:
    """The economics; every number finite or null, records as tables, arrays as lists."""
    plain: dict[str, Any] = _plain(economics)
    return plain


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
