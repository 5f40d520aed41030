"""What a refused value is told: the reason, and the values allowed, read off the scenario's own records."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from explorer.scenario.quantity import number_text
from explorer.scenario.schema import Record, Scenario

Step = str | int

_KINDS: Mapping[str, str] = {
    "missing": "is required and missing",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "finite_number": "must be a finite number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
}
_BOUNDS: Mapping[str, str] = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length}, has {actual_length}",
    "too_long": "holds at most {max_length}, has {actual_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
}


def fields_of(record: type[Record]) -> tuple[str, ...]:
    """The keys a record knows, in their order in the file."""
    return tuple(record.model_fields)


def annotation_at(path: Sequence[Step], root: type[Record] = Scenario) -> Any | None:
    """The declared type at a path of keys and list positions, None where nothing is declared."""
    kind: Any = root
    for step in path:
        kind = _below(kind, step)
        if kind is None:
            return None
    return kind


@cache
def record_at(path: tuple[Step, ...], root: type[Record] = Scenario) -> type[Record] | None:
    """The record type at a path, None where something else stands there."""
    return next((part for part in _parts(annotation_at(path, root)) if _is_record(part)), None)


@cache
def allowed_at(path: tuple[Step, ...]) -> str:
    """The values allowed at a path, in words; empty where anything of a table's shape is."""
    return " or ".join(dict.fromkeys(text for text in _described(annotation_at(path)) if text))


def declared_path(location: Iterable[Step]) -> tuple[Step, ...]:
    """An error's location without the marks that name a branch of a union."""
    path: list[Step] = []
    kind: Any = Scenario
    for step in location:
        below = _below(kind, step)
        if below is None and kind is not None and not _is_open(kind):
            if isinstance(step, str) and _names_branch(kind, step):
                continue
            kind = None
        else:
            kind = below
        path.append(step)
    return tuple(path)


@dataclass(frozen=True, slots=True)
class Fault:
    """One refused value: its path, the reason, and what is allowed there."""

    path: tuple[Step, ...]
    reason: str
    allowed: str


def faults(error: ValidationError, above: Sequence[Step] = ()) -> tuple[Fault, ...]:
    """Every refused value of a record that stands at `above`: one fault each, however many branches of a
    union were tried."""
    found = [(declared_path([*above, *e["loc"]]), e) for e in error.errors(include_url=False)]
    kept: list[Fault] = []
    for path, details in found:
        if details["type"] == "literal_error":
            # Of a choice such as "auto" or a number, speak of the branch that the value was meant for.
            text = isinstance(details["input"], str)
            if any(
                other[: len(path)] == path and (len(other) > len(path) or not text)
                for other, e in found
                if e is not details
            ):
                continue
        elif any(other == path and e["type"] == "literal_error" and isinstance(e["input"], str) for other, e in found):
            continue
        if details["type"] == "too_short" and any(
            len(other) > len(path) and other[: len(path)] == path for other, _ in found
        ):
            # The list is not short: pydantic counts only the items that could be read.
            continue
        kept.append(_fault(path, details))
    return tuple(kept)


def _fault(path: tuple[Step, ...], error: ErrorDetails) -> Fault:
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "refused":
        return Fault((*path, context["key"]), context["reason"], context["allowed"])
    if kind in _BOUNDS:
        reason = _BOUNDS[kind].format(
            **{key: number_text(one, 7) if key in ("gt", "ge", "lt", "le") else one for key, one in context.items()}
        )
    elif kind == "literal_error":
        reason = "is not one of the known values"
    else:
        reason = _KINDS.get(kind, error["msg"][:1].lower() + error["msg"][1:])
    value = error.get("input")
    if kind != "missing" and isinstance(value, bool | int | float | str):
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        reason += f"; is {shown if len(shown) <= 60 else shown[:57] + '...'}"
    return Fault(path, reason, allowed_at(path))


def written(path: Iterable[Step]) -> str:
    """A path as one text: "workloads.0.traffic.request_rate_per_s"; keys with a dot are quoted."""
    return ".".join(f'"{step}"' if isinstance(step, str) and "." in step else str(step) for step in path)


def _is_record(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Record)


def _parts(kind: Any) -> list[Any]:
    """The branches of a union, with the wrappers of constraints taken off."""
    if get_origin(kind) is Annotated:
        return _parts(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [part for branch in get_args(kind) for part in _parts(branch)]
    return [kind]


def _below(kind: Any, step: Step) -> Any | None:
    for part in _parts(kind):
        if _is_record(part):
            field = part.model_fields.get(step) if isinstance(step, str) else None
            if field is not None:
                # The bounds of a plain field live beside its annotation.
                return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        elif get_origin(part) is tuple and isinstance(step, int):
            return get_args(part)[0]
        elif get_origin(part) is dict and isinstance(step, str):
            return get_args(part)[1]
    return None


def _is_open(kind: Any) -> bool:
    return any(part is Any or get_origin(part) is dict for part in _parts(kind))


def _names_branch(kind: Any, step: str) -> bool:
    """Whether an undeclared step is a union's branch or a validator's name, not a key of the file."""
    if "[" in step or step in {"int", "float", "str", "bool"}:
        return True
    return any(_is_record(part) and part.__name__ == step for part in _parts(kind))


def _described(kind: Any, bounds: Sequence[Any] = ()) -> list[str]:
    origin = get_origin(kind)
    if origin is Annotated:
        return _described(get_args(kind)[0], [*get_args(kind)[1:], *bounds])
    if origin in (Union, types.UnionType):
        return [text for branch in get_args(kind) for text in _described(branch, bounds)]
    if origin is Literal:
        return [", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in get_args(kind))]
    if kind in (float, int):
        return [_number_text("a whole number" if kind is int else "a number", bounds)]
    if kind is bool:
        return ["true, false"]
    if kind is str:
        return ["text"]
    if origin is tuple:
        item = _described(get_args(kind)[0])
        return [f"a list of {item[0].removeprefix('a ')}s" if item and item[0] == "a table" else "a list"]
    return ["a table"] if _is_record(kind) or origin is dict else []


def _number_text(what: str, bounds: Sequence[Any]) -> str:
    """ "a number above 0, at most 1e+06", from whatever bounds stand in the declaration."""
    texts = [
        f"{word} {limit:.10g}"
        for bound in _flat(bounds)
        for name, word in (("gt", "above"), ("ge", "at least"), ("lt", "below"), ("le", "at most"))
        if (limit := getattr(bound, name, None)) is not None
    ]
    return " ".join([what, " and ".join(texts)]).strip()


def _flat(bounds: Sequence[Any]) -> list[Any]:
    flat: list[Any] = []
    for bound in bounds:
        flat.extend(getattr(bound, "metadata", None) or [bound])
    return flat


@dataclass(frozen=True, slots=True)
class NumberRange:
    """What a numeric setting may be: bounds (None where there is none; `open_low`, `open_high` where a bound is
    excluded), and whether only whole numbers count."""

    low: float | None
    high: float | None
    open_low: bool
    open_high: bool
    whole: bool

    def holds(self, value: float) -> bool:
        """Whether a number lies within the bounds."""
        above = self.low is None or value > self.low or (value == self.low and not self.open_low)
        return above and (self.high is None or value < self.high or (value == self.high and not self.open_high))

    def words(self, write: Callable[[float], str]) -> str:
        """The bounds as people read them: "between 100M and 20T", "more than 0 s"."""
        low = None if self.low is None else write(self.low)
        high = None if self.high is None else write(self.high)
        if low is not None and high is not None and not self.open_low and not self.open_high:
            return f"between {low} and {high}"
        parts = [f"{'more than' if self.open_low else 'at least'} {low}"] if low is not None else []
        parts += [f"{'less than' if self.open_high else 'at most'} {high}"] if high is not None else []
        return " and ".join(parts)


def number_range_at(path: Sequence[Step]) -> NumberRange | None:
    """The range of the number at a path, read off the records; None where no number can stand."""
    return _number_range(annotation_at(path), [])


def _number_range(kind: Any, bounds: Sequence[Any]) -> NumberRange | None:
    origin = get_origin(kind)
    if origin is Annotated:
        return _number_range(get_args(kind)[0], [*get_args(kind)[1:], *bounds])
    if origin in (Union, types.UnionType):
        found = (_number_range(branch, bounds) for branch in get_args(kind))
        return next((one for one in found if one is not None), None)
    if kind not in (float, int):
        return None
    stated = {
        name: float(limit)
        for bound in _flat(bounds)
        for name in ("gt", "ge", "lt", "le")
        if (limit := getattr(bound, name, None)) is not None
    }
    low = stated.get("gt", stated.get("ge"))
    return NumberRange(low, stated.get("lt", stated.get("le")), "gt" in stated, "lt" in stated, kind is int)
