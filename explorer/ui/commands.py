"""Everything the window can do, by name: what the command palette offers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QToolButton

from explorer.catalog.model import parameter_count
from explorer.plots.tokens import MAX_CHIPS
from explorer.scenario.quantity import QUANTITIES
from explorer.ui.command_words import NOT_NOW, SLIDER_WORDS, WHY_NOT, action_words
from explorer.ui.controls.choice_row import ChoiceRow
from explorer.ui.controls.parameter_slider import ParameterSlider
from explorer.ui.example_questions import example_questions
from explorer.ui.groups.group import FoldedGroup, Group

if TYPE_CHECKING:
    from explorer.ui.main_window import MainWindow


@dataclass(frozen=True)
class Command:
    """One thing to do. With `slider` a value is asked for first; `note` stands at the right.

    One that `changes` the scenario at once is not found by initials alone: Enter would do it before it is read. One
    that cannot be had now says `why_not`.
    """

    title: str
    note: str
    run: Callable[[], object]
    words: str = ""
    slider: Callable[[], ParameterSlider | None] | None = None
    changes: bool = False
    why_not: str = ""


def commands(window: MainWindow) -> list[Command]:
    """What can be done now: actions, sliders, choices, files, then models and chips of the catalogue."""
    return [
        *_actions(window),
        *_sliders(window),
        *_choices(window),
        *_files(window),
        *_chips(window),
        *_models(window),
    ]


def _actions(window: MainWindow) -> Iterator[Command]:
    chosen = window.panel.open_figures.workload_outcome(window.document.outcome).chosen
    figures = [figure.figure for figure in chosen.open_figures]
    for name, action in window.actions_by_name.items():
        if not name.startswith(("example.", "palette", "recent.")):
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            why_not = "" if action.isEnabled() else WHY_NOT.get(name, NOT_NOW)
            yield Command(_plain(action), keys, action.trigger, action_words(name, figures), why_not=why_not)


def _plain(action: QAction) -> str:
    return action.text().replace("&", "").removesuffix(" …")


def _sliders(window: MainWindow) -> Iterator[Command]:
    for group in window.panel.findChildren(Group):
        for slider in group.findChildren(ParameterSlider):
            if group is not window.panel.open_figures:
                yield _setting(window, group, slider.objectName(), slider.title, slider.meaning)
    figures = window.panel.open_figures
    for figure in figures.workload_outcome(window.document.outcome).chosen.open_figures:
        yield _setting(window, figures, f"open.{figure.figure}", figure.title, f"open figure {figure.reason}")


def _setting(window: MainWindow, group: Group, name: str, title: str, words: str) -> Command:
    def find() -> ParameterSlider | None:
        _show(window, group)
        found = window.panel.findChildren(ParameterSlider, name)
        return found[-1] if found else None

    # "P99 first token" keeps its capital, "Batch size" loses it.
    word = title if title[1:2].isupper() or title[1:2].isdigit() else f"{title[:1].lower()}{title[1:]}"
    further = f"{words} {SLIDER_WORDS.get(name, '')}"
    return Command(f"Set {word} …", group.subject, lambda: None, further, find)


def _choices(window: MainWindow) -> Iterator[Command]:
    for group in window.panel.findChildren(Group):
        for row in group.findChildren(ChoiceRow):
            for button in row.buttons:
                if not button.isChecked() and not row.isHidden():

                    def choose(button: QToolButton = button, group: Group = group) -> None:
                        _show(window, group)
                        button.click()

                    meaning = button.accessibleDescription()
                    why_not = "" if button.isEnabled() else NOT_NOW
                    title = f"{row.title}: {button.text()}"
                    yield Command(title, group.subject, choose, meaning, changes=True, why_not=why_not)


def _show(window: MainWindow, group: Group) -> None:
    window.show_desk()
    if isinstance(group, FoldedGroup):
        group.frame.set_open(True)


def _files(window: MainWindow) -> Iterator[Command]:
    for example in example_questions():
        opening = partial(window.open_after_guard, example.path)
        words = f"{example.title} {example.remark}"
        yield Command(f"Open: {example.question}", example.path.name, opening, words, changes=True)
    for path in window.recent_paths():
        opening = partial(window.open_after_guard, path)
        yield Command(f"Open: {path.name}", str(path.parent), opening, changes=True)


def _chips(window: MainWindow) -> Iterator[Command]:
    group, document = window.panel.chips, window.document
    compared = [one.chip for one in document.workload.alternatives]
    for chip in sorted(document.catalog.chips.values(), key=lambda one: one.name.lower()):
        words = f"chip {chip.id} {chip.vendor}"
        if chip.id not in compared:

            def add(chip_id: str = chip.id) -> None:
                window.show_desk()
                group.add_chip(chip_id)

            full = f"{MAX_CHIPS} are compared, no more fit" if len(compared) >= MAX_CHIPS else ""
            yield Command(f"Compare {chip.name} as well", chip.evidence_grade, add, words, changes=True, why_not=full)
        if chip.id != document.alternative.chip:

            def change(chip_id: str = chip.id) -> None:
                window.show_desk()
                group.change_chip(document.alternative_index, chip_id)

            yield Command(f"Change the chip to {chip.name}", chip.evidence_grade, change, words, changes=True)


def _models(window: MainWindow) -> Iterator[Command]:
    present = window.document.workload.model.preset
    for model in window.document.catalog.models.values():
        if model.id != present:

            def serve(preset: str = model.id) -> None:
                window.show_desk()
                window.panel.model.picker.picked.emit(preset)

            size = QUANTITIES["parameters"].format(parameter_count(model))
            yield Command(f"Serve {model.name}", size, serve, f"model {model.id} {model.family}", changes=True)
