"""What importing a file would mean: whose benchmark it is, which rows are good, and what it does to the answer."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from explorer.catalog import Catalog
from explorer.errors import ExplorerError
from explorer.scenario.benchmark import Benchmark, BenchmarkRow, Framework
from explorer.scenario.benchmarks.records import BenchmarkFile, ReadRun
from explorer.scenario.schema import LayoutChoice, Scenario, Workload
from explorer.study.benchmarks.calibrated import step_update
from explorer.study.benchmarks.judged import JudgedRow, judged_rows
from explorer.study.benchmarks.overlay import own_evidence
from explorer.study.evidence.names import Names
from explorer.study.evidence.rows import framework_of, precision_of
from explorer.study.outcome import Layout, OwnEvidence

_IN_NAME = re.compile(r"nvfp4|mxfp4|fp4|fp8|int4|int8|awq|gptq|w8a8|w4a16", re.IGNORECASE)
_TRUE = frozenset({"true", "yes", "on", "1"})
_NO_SPECULATION = frozenset({"", "false", "no", "none", "off", "0"})


class ImportChoiceError(ExplorerError):
    """A choice under which a file cannot be imported: what, and what is allowed."""


@dataclass(frozen=True, slots=True)
class ImportChoices:
    """Whose benchmark a file is: what a preview shows, and what its user may correct."""

    workload: str
    alternative: str
    model: str
    weight_precision: str
    kv_precision: str
    framework: str
    tp: int
    pp: int
    dp: int
    ep: int
    replicas: int
    prompt_tokens: float | None = None
    output_tokens: float | None = None
    """For rows that do not say."""


@dataclass(frozen=True, slots=True)
class ProposedRow:
    """A row of the file: `kept` tells whether it would be imported, `judged` what the engine says of it."""

    place: str
    run: ReadRun | None
    judged: JudgedRow | None
    reason: str
    """Why it is left out, or kept without counting."""

    @property
    def kept(self) -> bool:
        """Whether the row would be imported."""
        return self.judged is not None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What importing would give; `benchmark` is None where no row is good."""

    file: BenchmarkFile
    choices: ImportChoices
    benchmark: Benchmark | None
    rows: tuple[ProposedRow, ...]
    remarks: tuple[str, ...]
    effect: OwnEvidence | None
    """The step times with all benchmarks of the chip, this one among them; None where none would count."""

    @property
    def sentence(self) -> str:
        """The import in one sentence."""
        kept = sum(row.kept for row in self.rows)
        counts = sum(row.judged is not None and row.judged.counts and not row.reason for row in self.rows)
        out = len(self.rows) - kept
        left = f", {out} left out" if out else ""
        if not kept:
            return f"{self.file.format}: no row can be used{left}"
        rows = f"{kept} row{'' if kept == 1 else 's'} kept, {counts} of them used for the step time{left}"
        return f"{self.file.format}: {rows}"


def suggested(
    catalog: Catalog, scenario: Scenario, file: BenchmarkFile, workload: str, layouts: Mapping[str, Layout]
) -> ImportChoices:
    """The likeliest owner of a file: by the chip and model it names, else the selected alternative of `workload`.

    `layouts` are those that alternatives of that workload have now, by name, for what the file does not say.
    """
    says: dict[str, str] = {}
    for run in file.runs:
        for subject, text in run.says.items():
            says.setdefault(subject, text)
    names = Names(catalog)
    chip = names.chip(says["chip"]) if "chip" in says else None
    model = names.model(says["model"]) if "model" in says else None
    at = next(one for one in scenario.workloads if one.name == workload)
    if model is not None and at.model.preset != model.id:
        at = next((one for one in scenario.workloads if catalog.model(one.model.preset).id == model.id), at)
    named = next((one for one in at.alternatives if chip is not None and one.chip == chip.id), None)
    chosen = named or next(one for one in at.alternatives if one.name == at.selected)
    layout = _layout_of(file, chosen.layout, chosen.parallelism_degree, layouts.get(chosen.name))
    chips = next((run.chips for run in file.runs if run.chips), None)
    replicas = chips / layout.chips if chips else 1.0
    preset = model.id if model is not None else at.model.preset
    weights = _weights(says, at)
    cache = says.get("cache", "").casefold()
    return ImportChoices(
        workload=at.name,
        alternative=chosen.name,
        model=preset,
        weight_precision=weights,
        kv_precision=("fp8" if "8" in cache else "bf16") if cache else at.model.kv_precision,
        framework=_framework(file, says),
        tp=layout.tp,
        pp=layout.pp,
        dp=layout.dp,
        ep=layout.ep,
        replicas=int(replicas) if replicas >= 1 and replicas == int(replicas) else 1,
    )


def _layout_of(file: BenchmarkFile, fixed: LayoutChoice | str, degree: int | str, present: Layout | None) -> Layout:
    stated = next((run.row for run in file.runs if run.row.tp is not None), None)
    if stated is not None:
        return Layout(stated.tp or 1, stated.pp or 1, stated.dp or 1, stated.ep or 1)
    if isinstance(fixed, LayoutChoice):
        return Layout(fixed.tp, fixed.pp, fixed.dp, fixed.ep)
    if present is not None:
        return present
    return Layout(degree if isinstance(degree, int) else 1, 1, 1, 1)


def _weights(says: Mapping[str, str], workload: Workload) -> str:
    stated = says.get("weights", "")
    if not stated and (found := _IN_NAME.search(says.get("model", ""))):
        stated = found.group()
    own = workload.model.weight_precision
    return precision_of(stated.casefold().replace("w8a8", "int8").replace("w4a16", "int4"), own) or own


def _framework(file: BenchmarkFile, says: Mapping[str, str]) -> Framework:
    stated = says.get("framework", "")
    if stated:
        # a client's "openai" or "openai-chat" names the interface, not the engine behind it
        found = framework_of(stated)
        return "vllm" if found == "other" and "openai" in stated.casefold() else found
    if file.format.startswith("SGLang"):
        return "sglang"
    return "other" if file.format.startswith("MLPerf") else "vllm"


def propose(
    catalog: Catalog, scenario: Scenario, file: BenchmarkFile, choices: ImportChoices, folder: Path | None = None
) -> Proposal:
    """The import of a file under some choices; `folder` is the scenario's, to which the file's path is relative.

    ImportChoiceError names a choice that cannot be; UnknownRecordError an unknown model.
    """
    chip_id = _chip_of(scenario, choices)
    model = catalog.model(choices.model)
    names = Names(catalog)
    fates: list[tuple[str, ReadRun | None, str]] = [
        (run.row.place, run, _out_of_place(run, names, chip_id, model.id)) for run in file.runs
    ]
    fates += [(bad.place, None, f"{bad.key}: {bad.reason}" if bad.key else bad.reason) for bad in file.bad]
    whole = _benchmark(scenario, file, choices, chip_id, [run.row for run in file.runs], folder)
    overrides = scenario.overrides.get(chip_id, {})
    judged = dict(zip((id(run) for run in file.runs), judged_rows(whole, catalog, overrides), strict=True))
    at = next(one for one in scenario.workloads if one.name == choices.workload)
    aside = ""
    if (catalog.model(at.model.preset).experts > 0) != (model.experts > 0):
        aside = "a model of the other kind (dense, with routed experts): shown, not used"
    rows: list[ProposedRow] = []
    for place, run, reason in fates:
        one = None if run is None or reason else judged[id(run)]
        if one is not None and (one.ruled_out or _does_not_run(one)):
            rows.append(ProposedRow(place, run, None, one.reason))
        else:
            rows.append(ProposedRow(place, run, one, reason if one is None else one.reason or aside))
    rows.sort(key=lambda row: _in_order(row.place))
    good = [row.run.row for row in rows if row.kept and row.run is not None]
    benchmark = _benchmark(scenario, file, choices, chip_id, good, folder) if good else None
    effect = _effect(catalog, scenario, benchmark)
    remarks = _remarks(file, names, choices)
    served = catalog.model(at.model.preset)
    if served.id != model.id and not aside:
        carried = f"{at.name} serves {served.name}: from {model.name} only the chip's step time carries over"
        remarks = (carried, *remarks)
    return Proposal(file, choices, benchmark, tuple(rows), remarks, effect)


def _does_not_run(row: JudgedRow) -> bool:
    """A row under whose choices the engine says nothing although a time per token was measured."""
    timed = row.row.latency("tpot", "mean") or row.row.latency("tpot", "p50") or row.row.output_tokens_per_s
    return row.residual is None and bool(timed) and row.row.request_rate_per_s is None


def _chip_of(scenario: Scenario, choices: ImportChoices) -> str:
    at = next((one for one in scenario.workloads if one.name == choices.workload), None)
    if at is None:
        known = ", ".join(one.name for one in scenario.workloads)
        raise ImportChoiceError(f"there is no workload '{choices.workload}' (there are: {known})")
    chosen = next((one for one in at.alternatives if one.name == choices.alternative), None)
    if chosen is None:
        known = ", ".join(one.name for one in at.alternatives)
        raise ImportChoiceError(f"{at.name} has no alternative '{choices.alternative}' (it has: {known})")
    return chosen.chip


def _out_of_place(run: ReadRun, names: Names, chip: str, model: str) -> str:
    """Why a row is not of the chosen deployment, by what the file says; empty where nothing speaks against it."""
    says = run.says
    other = names.chip(says["chip"]) if "chip" in says else None
    if other is not None and other.id != chip:
        return f"measured on {other.name}, the alternative is another chip"
    served = names.model(says["model"]) if "model" in says else None
    if served is not None and served.id != model:
        return f"measured with {served.name}, another model than the one chosen"
    if says.get("speculation", "").casefold() not in _NO_SPECULATION:
        return f"speculative decoding ({says['speculation']}): a step gives more than one token"
    if says.get("disaggregated", "").casefold() in _TRUE:
        return "prompts and answers on different machines: not one replica"
    return ""


def _benchmark(
    scenario: Scenario,
    file: BenchmarkFile,
    choices: ImportChoices,
    chip: str,
    rows: list[BenchmarkRow],
    folder: Path | None,
) -> Benchmark:
    cells: dict[str, Any] = {
        "name": _free_name(scenario, Path(file.path).stem[:70] or "benchmark"),
        "workload": choices.workload,
        "alternative": choices.alternative,
        "chip": chip,
        "model": choices.model,
        "weight_precision": choices.weight_precision,
        "kv_precision": choices.kv_precision,
        "framework": choices.framework,
        "tp": choices.tp,
        "pp": choices.pp,
        "dp": choices.dp,
        "ep": choices.ep,
        "replicas": choices.replicas,
        "prompt_tokens": choices.prompt_tokens,
        "output_tokens": choices.output_tokens,
        "format": file.format,
        "file": relative_to(Path(file.path), folder),
        "sha256": file.sha256,
        "notice": file.notice,
        "rows": tuple(rows),
    }
    try:
        return Benchmark.model_validate({key: value for key, value in cells.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        context = first.get("ctx", {})
        raise ImportChoiceError(f"{context.get('key', where) or 'layout'}: {first['msg']}") from None


def relative_to(path: Path, folder: Path | None) -> str:
    """A path as a scenario in `folder` keeps it: relative, with forward slashes; the bare name without a folder."""
    if folder is None:
        return path.name
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:
        # another drive
        return path.name


def _free_name(scenario: Scenario, wanted: str) -> str:
    taken = {one.name for one in scenario.benchmarks}
    return next(name for name in (wanted, *(f"{wanted} {n}" for n in range(2, 1000))) if name not in taken)


def _remarks(file: BenchmarkFile, names: Names, choices: ImportChoices) -> tuple[str, ...]:
    found: list[str] = []
    for subject, look_up in (("chip", names.chip), ("model", names.model)):
        for label in dict.fromkeys(run.says[subject] for run in file.runs if subject in run.says):
            if look_up(label) is None:
                taken = choices.alternative if subject == "chip" else choices.model
                found.append(f"{subject} '{label}' is not known by that name: taken as {taken}")
    found.extend(dict.fromkeys(text for run in file.runs for text in run.reading))
    if file.notice:
        found.append(file.notice)
    return tuple(found)


def _effect(catalog: Catalog, scenario: Scenario, benchmark: Benchmark | None) -> OwnEvidence | None:
    if benchmark is None:
        return None
    then = scenario.model_copy(update={"benchmarks": (*scenario.benchmarks, benchmark)})
    at = next(one for one in then.workloads if one.name == benchmark.workload)
    update = step_update(catalog, then, at, benchmark.chip)
    return None if update is None else own_evidence(update)


def _in_order(place: str) -> tuple[int, str]:
    number = re.search(r"\d+", place)
    return (int(number.group()) if number else 0, place)


def corrected(choices: ImportChoices, **changes: Any) -> ImportChoices:
    """The choices with those that were made by hand."""
    return replace(choices, **{key: value for key, value in changes.items() if value is not None})
