"""The reference pictures of the window: which there are, how one is painted, kept small, and compared."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from explorer.catalog.catalog import Catalog, load_catalog
from explorer.plots.tokens import THEMES
from explorer.scenario.baseline import baseline_of, with_baseline
from explorer.scenario.file import read_scenario
from explorer.scenario.path import replace
from explorer.scenario.schema import Scenario
from explorer.study.studies import StudyAnswer
from explorer.ui import theme
from explorer.ui.application import Unhurried, application_object
from explorer.ui.document import Document
from explorer.ui.main_window import MainWindow
from explorer.ui.pages.break_even_page import BreakEvenPage
from explorer.ui.pages.claims_page import WAITING, ClaimsPage
from explorer.ui.pages.cost_page import CostPage
from explorer.ui.pages.fleet_page import FleetPage
from explorer.ui.pages.matters_feed import MattersFeed
from explorer.ui.pages.tail_page import TailPage
from explorer.ui.pages.win_map_page import WinMapPage

FOLDER = Path(__file__).resolve().parent
SCENARIOS = FOLDER.parent.parent / "scenarios"
SIZES = ((1280, 720, 1.0), (1440, 900, 1.0), (1280, 720, 2.0))
WITH_PAGE = (1440, 900)
"""The size at which a page has the height it needs beneath the plots."""
LIGHT_ONLY = {"own_benchmark", "own_evidence", "cost-small", "fleet-enlarged", "fleet-terms", "scaling"}
"""States whose parts are all seen in dark in another picture: references are kept small."""
COLOURS = 255
SETTLED = 8
"""Rounds of events until layouts within layouts have all been laid out."""

LONGEST_STUDY_S = 120.0
MEAN_LIMIT = 1.5
"""Mean absolute difference of two blurred pictures that is still the same picture, of 255."""
STRONG = 40
STRONG_LIMIT = 0.008
"""Share of pixels that may differ by more than STRONG: some figures, but no moved or missing widget."""

Prepare = Callable[[MainWindow], None]


@dataclass(frozen=True)
class Picture:
    """One picture: a scenario, a theme, logical size and scale, and what is done before it is taken."""

    name: str
    scenario: str
    theme: str
    width: int = 1280
    height: int = 720
    scale: float = 1.0
    prepare: Prepare | None = None

    @property
    def path(self) -> Path:
        """The file of the reference."""
        return FOLDER / f"{self.name}.png"


def _start_page(window: MainWindow) -> None:
    window.show_start([Path("scenarios/llama-70b-chat.toml"), Path("plans/next-year.toml")])


def _changed(window: MainWindow) -> None:
    document = window.document
    document.pin_baseline()
    document.change_several(
        {
            document.workload_path("traffic.request_rate_per_s"): 18.0,
            document.workload_path("model.weight_precision"): "bf16",
            "overrides.qcom-ai200.memory_bandwidth": {"belief": 0.9, "reason": "asked the vendor"},
        }
    )


def _scenarios(window: MainWindow) -> None:
    _changed(window)
    window.compare.show_mode("scenarios")
    view = window.compare.scenarios
    for name in ("nvidia-only-fleet", "llama-70b-chat"):
        view.add(SCENARIOS / f"{name}.toml")
    QApplication.processEvents()
    view.refresh()


def _figures(window: MainWindow) -> None:
    _changed(window)
    window.panel.traffic.frame.set_open(False)
    window.panel.open_figures.sliders["qcom-ai200.peak_fp8"].set_locked(True)


def _hopeless(window: MainWindow) -> None:
    document = window.document
    document.change_several({document.workload_path("model.size_billion"): 9000.0})
    QApplication.processEvents()
    window.messages.show_message("question.toml, line 12: request_rate_per_s must be above 0\nallowed: 0 to 1,000,000")


def _studied(key: str, there: Callable[[MainWindow], bool], *, workload: int = 0) -> Prepare:
    """A page that asks for a study, once the answer is on it."""

    def prepare(window: MainWindow) -> None:
        window.document.select_workload(workload)
        window.show_page(key)
        until = time.monotonic() + LONGEST_STUDY_S
        while not there(window):
            if time.monotonic() > until:
                raise TimeoutError(f"no answer on page {key} within {LONGEST_STUDY_S} s")
            QApplication.processEvents()
            time.sleep(0.005)

    return prepare


def _matters_known(window: MainWindow) -> bool:
    feed = window.findChild(MattersFeed)
    return feed is not None and feed.is_current and feed.found is not None


def _map_drawn(window: MainWindow) -> bool:
    page = window.findChild(WinMapPage)
    return page is not None and page.plot.found is not None and page.plot.found.done


def _value_found(window: MainWindow) -> bool:
    page = window.findChild(BreakEvenPage)
    return page is not None and page.found is not None and page.found.curve is not None


def _tail_simulated(window: MainWindow) -> bool:
    page = window.findChild(TailPage)
    return page is not None and not page.notice.text()


def _claims_judged(window: MainWindow) -> bool:
    page = window.findChild(ClaimsPage)
    if page is None:
        return False
    model = page.table.model()
    verdicts = [model.index(at, 1).data() for at in range(model.rowCount())]
    return bool(verdicts) and WAITING not in verdicts


def _enlarged(prepare: Prepare) -> Prepare:
    """The page with the room of the plots."""

    def enlarge(window: MainWindow) -> None:
        window.enlarge_page(True)
        prepare(window)

    return enlarge


def _terms(window: MainWindow) -> None:
    window.show_page("fleet")
    page = window.findChild(FleetPage)
    assert page is not None
    page.tables.setCurrentWidget(page.terms)


def _cost(window: MainWindow) -> None:
    window.show_page("cost")


def _fleet(window: MainWindow) -> None:
    window.show_page("fleet")


def _evidence(window: MainWindow) -> None:
    window.show_page("evidence")


def _scaling(window: MainWindow) -> None:
    window.show_page("cost")
    page = window.book.page("cost")
    assert isinstance(page, CostPage)
    page.show_view("scaling")


def _own_benchmark(window: MainWindow) -> None:
    runs = ((1, 0.0215, 0.0221, 45.4), (8, 0.0264, 0.0302, 292), (16, 0.0339, 0.04, 451), (32, 0.0521, 0.0603, 588))
    rows = [
        {
            "place": f"line {at}", "concurrency": users, "prompt_tokens": 1155, "output_tokens": 211,
            "tpot_mean_s": mean, "tpot_p99_s": tail, "output_tokens_per_s": tokens,
        }
        for at, (users, mean, tail, tokens) in enumerate(runs, 2)
    ]  # fmt: skip
    run = {
        "name": "pilot", "workload": "70B chat", "alternative": "AI200", "chip": "qcom-ai200", "model": "llama-3.1-70b",
        "kv_precision": "fp8", "tp": 2, "format": "CSV table", "file": "pilot.csv", "rows": rows,
    }  # fmt: skip
    window.document.change("benchmarks", [run])
    window.tail.set_metric("tpot")


def _own_evidence(window: MainWindow) -> None:
    _own_benchmark(window)
    window.show_page("evidence")


def album() -> Iterator[Picture]:
    """Every example scenario in both themes and all sizes, then the states that no example shows."""
    for path in sorted(SCENARIOS.glob("*.toml")):
        for name in THEMES:
            for width, height, scale in SIZES:
                label = f"{path.stem}-{name}-{width}x{height}" + (f"@{scale:g}" if scale != 1 else "")
                yield Picture(label, path.name, name, width, height, scale)
    states: tuple[tuple[str, Prepare], ...] = (
        ("start", _start_page),
        ("changed", _changed),
        ("scenarios", _scenarios),
        ("figures", _figures),
        ("hopeless", _hopeless),
        ("own_benchmark", _own_benchmark),
        ("cost-small", _cost),
        ("fleet-enlarged", _enlarged(_fleet)),
    )
    for label, prepare in states:
        for name in THEMES if label not in LIGHT_ONLY else ("light",):
            yield Picture(f"{label}-{name}", "ai200-on-aws.toml", name, prepare=prepare)
    pages: tuple[tuple[str, Prepare], ...] = (
        ("cost", _cost),
        ("fleet", _fleet),
        ("evidence", _evidence),
        ("fleet-terms", _terms),
        ("scaling", _scaling),
        ("own_evidence", _own_evidence),
    )
    for label, prepare in pages:
        for name in THEMES if label not in LIGHT_ONLY else ("light",):
            yield Picture(f"{label}-{name}", "ai200-on-aws.toml", name, *WITH_PAGE, prepare=prepare)
    studied: tuple[tuple[str, str, Prepare], ...] = (
        ("matters", "ai200-on-aws", _studied("matters", _matters_known)),
        ("ask-first", "ai200-on-aws", _studied("ask_first", _matters_known)),
        ("win-map", "ai200-on-aws", _studied("win_map", _map_drawn, workload=1)),
        ("tail", "ai200-on-aws", _studied("tail", _tail_simulated)),
        ("break-even", "ai200-on-aws", _studied("break_even", _value_found, workload=1)),
        ("claims", "claims-of-the-brief", _studied("claims", _claims_judged)),
    )
    for label, scenario, prepare in studied:
        for name in THEMES:
            yield Picture(f"{label}-{name}", f"{scenario}.toml", name, *WITH_PAGE, prepare=prepare)


@cache
def _known() -> Catalog:
    return load_catalog()


class Remembering(Unhurried):
    """Studies each question once: both themes show the same answer."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self._known: dict[tuple[str, str, str], StudyAnswer] = {}

    def study(self, kind: str, scenario: Scenario, question: Any = None) -> int:
        """Study at once, or remember."""
        key = (kind, scenario.model_dump_json(), repr(question))
        if key not in self._known:
            super().study(kind, scenario, question)
            self._known[key] = self._studied[-1]
            return self._number
        self._number += 1
        self._studied.append(dataclasses.replace(self._known[key], number=self._number))
        return self._number


@cache
def _answers(scenario: str) -> Unhurried:
    # One for each scenario: it keeps what it has answered, and every size and theme asks the same.
    return Remembering(_known())


@cache
def _scenario(scenario: str) -> Scenario:
    # in closed form: the simulation has tests of its own and takes seconds
    read = replace(read_scenario(SCENARIOS / scenario, _known()).scenario, "simulation.method", "closed_form")
    pinned = baseline_of(read)
    return read if pinned is None else with_baseline(read, replace(pinned, "simulation.method", "closed_form"))


def paint(picture: Picture) -> QImage:
    """The picture as the window is now."""
    application = application_object()
    theme.apply(application, THEMES[picture.theme])
    document = Document(_known(), _answers(picture.scenario), _scenario(picture.scenario))
    window = MainWindow(document)
    try:
        window.panel.unfold("traffic", "open_figures")
        window.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        window.setFixedSize(QSize(picture.width, picture.height))
        window.show()
        application.processEvents()
        if picture.prepare is not None:
            picture.prepare(window)
            for _ in range(SETTLED):
                application.processEvents()
        image = QImage(window.size() * picture.scale, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(picture.scale)
        image.fill(window.palette().window().color())
        window.render(image, QPoint())
        return image
    finally:
        document.undo_stack.setClean()
        window.close()
        window.deleteLater()
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def pixels(image: QImage) -> NDArray[np.uint8]:
    """Red, green and blue, shape (height, width, 3)."""
    plain = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(plain.constBits(), np.uint8).reshape(plain.height(), plain.bytesPerLine())
    return rows[:, : 3 * plain.width()].reshape(plain.height(), plain.width(), 3).copy()


def keep(picture: Picture, image: QImage) -> int:
    """Write the reference with the commonest colours only, a quarter of the size; returns its bytes."""
    seen = pixels(image)
    packed = (seen[..., 0].astype(np.uint32) << 16) | (seen[..., 1].astype(np.uint32) << 8) | seen[..., 2]
    colours, place, count = np.unique(packed, return_inverse=True, return_counts=True)
    chosen = colours[np.argsort(-_spread(colours, count))[:COLOURS]]
    nearest = np.argmin(_distances(colours, chosen), axis=1).astype(np.uint8)
    indexed = np.ascontiguousarray(nearest[place].reshape(packed.shape))
    small = QImage(
        indexed.data, packed.shape[1], packed.shape[0], packed.shape[1], QImage.Format.Format_Indexed8
    )  # fmt: skip
    small.setColorTable([int(colour) | 0xFF000000 for colour in chosen])
    if not small.save(str(picture.path), "PNG", 0):
        raise OSError(f"cannot write {picture.path}")
    return picture.path.stat().st_size


def _channels(colours: NDArray[np.uint32]) -> NDArray[np.float32]:
    return np.stack([(colours >> shift & 0xFF) for shift in (16, 8, 0)], axis=1).astype(np.float32)


def _distances(colours: NDArray[np.uint32], chosen: NDArray[np.uint32]) -> NDArray[np.float32]:
    a, b = _channels(colours), _channels(chosen)
    return np.sum(a * a, axis=1)[:, None] - 2 * a @ b.T + np.sum(b * b, axis=1)[None, :]


def _spread(colours: NDArray[np.uint32], count: NDArray[np.intp]) -> NDArray[np.float64]:
    """How much a colour is needed: its pixels, but only the commonest of each small cube of like colours in full."""
    cube = (_channels(colours) // 12).astype(np.int64) @ np.array([10_000, 100, 1])
    order = np.lexsort((-count, cube))
    first = np.r_[True, cube[order][1:] != cube[order][:-1]]
    weight = count.astype(np.float64)
    weight[order[~first]] *= 0.02
    return weight


def difference(image: QImage, other: QImage) -> tuple[float, float]:
    """Mean absolute difference (of 255) and share of strongly differing pixels, after a slight blur."""
    if image.size() != other.size():
        return 255.0, 1.0
    a, b = (pixels(_blurred(one)) for one in (image, other))
    apart = np.abs(a.astype(np.int16) - b).max(axis=2)
    return float(apart.mean()), float((apart > STRONG).mean())


def _blurred(image: QImage) -> QImage:
    """Half the size, smoothly: what a hair of antialiasing changes does not count."""
    half = image.size() / 2
    return image.scaled(half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)


def same(image: QImage, other: QImage) -> bool:
    """Whether two pictures pass as one."""
    mean, strong = difference(image, other)
    return mean <= MEAN_LIMIT and strong <= STRONG_LIMIT


by_name = {picture.name: picture for picture in album()}
