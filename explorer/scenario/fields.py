"""What every record of a scenario is made of: the base record, and numbers that are neither texts nor truth values."""

from __future__ import annotations

import os
from typing import Annotated, Literal

# No plugin of another program has a say in these records, and looking for one takes a tenth of the start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError


def refused(key: str, reason: str, allowed: str) -> PydanticCustomError:
    """A record whose values do not go together: which key to look at, why, and what would."""
    return PydanticCustomError("refused", "{reason}", {"key": key, "reason": reason, "allowed": allowed})


def _only_a_number(value: object) -> object:
    """Refuse texts and truth values that could be read as numbers: `rate = "12"` is a mistake, not a 12."""
    if isinstance(value, str | bool):
        kind = "text" if isinstance(value, str) else "true or false"
        raise PydanticCustomError("not_a_number", "must be a number, not {kind}", {"kind": kind})
    return value


WeightPrecision = Literal["bf16", "fp8", "int8", "fp4", "int4"]
KvPrecision = Literal["bf16", "fp8"]
Number = Annotated[float, BeforeValidator(_only_a_number)]
Whole = Annotated[int, BeforeValidator(_only_a_number)]
Flag = Annotated[bool, Strict()]
LARGEST = 1e12
"""More than any amount of money, time or goods that a scenario may speak of; what is computed of it stays finite."""
Positive = Annotated[Number, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[Number, Field(ge=0, le=LARGEST)]
Share = Annotated[Number, Field(ge=0, le=1)]


class Record(BaseModel):
    """Base of all scenario records: frozen, unknown keys kept (and reported by `check`)."""

    model_config = ConfigDict(frozen=True, extra="allow", validate_default=True, allow_inf_nan=False)
