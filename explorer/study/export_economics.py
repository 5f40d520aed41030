"""The economics of an outcome as plain data for `evaluate --json`: SI units and USD, null where there is no answer."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from explorer.study.economics import Economics


def economics_data(economics: Economics) -> dict[str, Any]:
    """The economics; every number finite or null, records as tables, arrays as lists."""
    plain: dict[str, Any] = plain_data(economics)
    # thousands of mixes make a picture; a file wants the edge
    for cloud in ("usd_per_month", "n1_loss", "effective_suppliers"):
        del plain["frontier"][cloud]
    plain["frontier"]["mixes"] = int(economics.frontier.usd_per_month.size)
    return plain


def plain_data(value: Any) -> Any:
    """Records as tables, arrays as lists, numbers that are not finite as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return plain_data(value.tolist())
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
