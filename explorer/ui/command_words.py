"""Further words by which commands are found: what the field calls the things that the window calls otherwise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

_LINK = "interconnect nvlink fabric bandwidth"
_MEMORY = "hbm vram memory bandwidth"

ACTION_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "copy_table": "export report csv table spreadsheet",
        "fleet": "supplier suppliers vendor lock-in dependence concentration region",
        "cost": "price money bill tco",
        "evidence": "sources figures",
        "change_chip": "gpu accelerator",
        "add_chip": "gpu accelerator",
        "alternatives": "table",
        "tail": "latency",
        "theme.dark": "dark mode night",
        "theme.light": "light mode day",
        "presenter": "full screen fullscreen zoom large",
        "keys": "help shortcuts manual",
        "tour": "help introduction",
        "import_benchmark": "csv measurement log",
    }
)
"""By the name of an action."""

SLIDER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "ttft_p99_s": "ttft slo promise latency objective",
        "tpot_p99_s": "tpot slo promise latency objective",
        "itl_p99_s": "itl tbt slo promise latency objective",
        "e2e_p99_s": "e2e end-to-end slo promise latency objective",
        "batch_size": "concurrency sequences",
        "request_rate_per_s": "throughput qps rps load traffic",
        "parallelism_degree": "tp pp ep tensor pipeline gpus",
        "open.memory_bandwidth": _MEMORY,
        "open.link_bandwidth": _LINK,
        "open.scaleout_bandwidth": "network ethernet infiniband",
    }
)
"""By the name of a slider."""

WHY_NOT: Mapping[str, str] = MappingProxyType(
    {
        "undo": "there is nothing to undo",
        "redo": "there is nothing to redo",
        "theme.system": "this window keeps its theme",
        "theme.light": "this window keeps its theme",
        "theme.dark": "this window keeps its theme",
    }
)
"""Why an action cannot be had, by its name."""
NOT_NOW = "not with the present settings"


def action_words(name: str, open_figures: Collection[str] = ()) -> str:
    """What an action is found by besides its title: every scale is a zoom, and a figure that is not among the
    `open_figures`, and so has no slider, is found as evidence."""
    own = "zoom size of text" if name.startswith("scale.") else ACTION_WORDS.get(name, "")
    if name == "evidence":
        settled = [
            words
            for slider, words in SLIDER_WORDS.items()
            if slider.startswith("open.") and slider.removeprefix("open.") not in open_figures
        ]
        own = " ".join([own, *settled])
    return f"{name.replace('_', ' ')} {own}"
