"""What the window remembers from one start to the next: size, folded groups, theme and scale, in one JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from explorer.scenario.saving import write_whole
from explorer.ui.log import log
from explorer.ui.theme import Choice

FILE = "settings.json"
VERSION = 1
SCALES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
THEMES: tuple[Choice, ...] = ("system", "light", "dark")
LARGEST = 16_384


@dataclass(frozen=True, slots=True)
class Settings:
    """The remembered layout; `size` in logical pixels, `unfolded` names the open groups of the panel."""

    theme: Choice = "system"
    scale: float = 1.0
    size: tuple[int, int] = (1440, 900)
    maximized: bool = False
    presenter: bool = False
    presenter_scale: float = 1.0
    toured: bool = False
    enlarged: bool = False
    """Whether pages take the room of the plots."""
    unfolded: tuple[str, ...] = ("traffic", "open_figures")


def read_settings(folder: Path) -> Settings:
    """The settings kept in `folder`; what is missing or unusable is as on the first start, with a line in the log."""
    path = folder / FILE
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s is not read, the layout is as on the first start: %s", path, error)
        return Settings()
    if not isinstance(stated, dict) or stated.get("version") != VERSION:
        log.warning("%s is not read: it is not of version %d", path, VERSION)
        return Settings()
    settings = Settings()
    for key, value in stated.items():
        if key == "version":
            continue
        try:
            settings = replace(settings, **{key: _checked(key, value)})
        except (TypeError, ValueError) as error:
            log.warning("%s: %s is not used: %s", path, key, error)
    return settings


def write_settings(folder: Path, settings: Settings) -> None:
    """Keep settings in `folder`, whole or not at all; a folder that cannot be written to is logged."""
    content = json.dumps({"version": VERSION, **asdict(settings)}, indent=1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / FILE, content.encode("utf-8"))
    except OSError as error:
        log.warning("the layout is not remembered: %s", error)


def _checked(key: str, value: Any) -> Any:
    """A value as its field takes it; TypeError or ValueError says what is allowed."""
    if key == "theme" and value in THEMES:
        return value
    if key in ("scale", "presenter_scale") and value in SCALES and not isinstance(value, bool):
        return float(value)
    if key in ("maximized", "presenter", "toured", "enlarged") and isinstance(value, bool):
        return value
    if key == "size" and _is_size(value):
        return tuple(value)
    if key == "unfolded" and isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ValueError(f"{value!r} is no value of it")


def _is_size(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(side, int) and not isinstance(side, bool) and 0 < side <= LARGEST for side in value)
    )
