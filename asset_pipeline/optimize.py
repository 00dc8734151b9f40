"""Masters in, derivatives and a report out: each master in a child process, one bad master never stops the
others.
"""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asset_pipeline.child import (
    ChildOutcome,
    Crashed,
    MemoryExceeded,
    Raised,
    Returned,
    TimeExceeded,
    run_in_child,
    stop_children,
)
from asset_pipeline.discover import find_masters
from asset_pipeline.master_limits import MIB, limits_of
from asset_pipeline.model_options import NO_OPTIONS, ModelOptions
from asset_pipeline.outcome import RecipeOutcome, Refused, refuse, with_file
from asset_pipeline.parts import digest_whole
from asset_pipeline.place import place_derivative, place_stills, sha256_of, work_folder
from asset_pipeline.recipes import INSPECT, MasterKind, choose_recipes
from asset_pipeline.report import Report, Result, Status, without_duplicates
from asset_pipeline.reuse import find_kept, keep, run_key
from asset_pipeline.run_recipes import MasterRun, parse_run, read_finished, refuse_kind, run_recipes
from asset_pipeline.sniff import FileType, Route, sniff
from asset_pipeline.stages import Stage
from asset_pipeline.tools import tool_versions
from heritage_sites.problem import Problem, Severity

log = logging.getLogger("halong_xr.asset_pipeline")

DEFAULT_JOBS = 2  # two children at once; more memory is rarely there
PICTURES = ("poster", "turntable")  # without OpenGL there are none, which is no reason to refuse a model

Progress = Callable[[int, int, str], None]  # masters done, masters in all, the name of the one just done
OnStage = Callable[[str, Stage], None]  # the master's name, what is done with it now; from several threads


def optimize(
    paths: Sequence[Path],
    out: Path,
    recipes: Sequence[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
    *,
    ignored: Sequence[Path] = (),
    model_options: ModelOptions = NO_OPTIONS,
    again: bool = False,
    on_stage: OnStage | None = None,
) -> Report:
    """Run the recipes (all, where none is named) on every master under the paths; derivatives go into `out`.

    ignored: what is no master although it lies in a folder given; `out` itself is always passed by.
    model_options: what the sender says of every model among them. again: make anew what `out` holds already.

    The report's order is the walk's order, whatever the number of jobs. Raises ValueError for jobs below 1.
    """
    workers = jobs if jobs is not None else min(DEFAULT_JOBS, os.cpu_count() or 1)
    if workers < 1:
        raise ValueError(f"jobs: want at least 1, got {workers}")
    masters = find_masters(paths, ignored=[out, *ignored])
    with ThreadPoolExecutor(max_workers=workers) as pool:
        runs = {}
        for master in masters:
            run = pool.submit(
                run_master,
                master.path,
                name=master.name,
                out=out,
                recipes=recipes,
                model_options=model_options,
                again=again,
                on_stage=on_stage,
            )
            runs[run] = master
        try:
            for done, run in enumerate(as_completed(runs), start=1):
                run.result()  # raises what only a fault of the frame itself can raise
                if progress is not None:
                    progress(done, len(masters), runs[run].name)
        except BaseException:  # Ctrl-C, most likely: nothing new is begun, and nobody waits for what runs
            pool.shutdown(wait=False, cancel_futures=True)
            stop_children()
            raise
    return Report(tuple(result for run in runs for result in run.result()), tool_versions())


def run_master(
    path: Path,
    *,
    name: str,
    out: Path,
    recipes: Sequence[str] = (),
    kind: str | None = None,
    model_options: ModelOptions = NO_OPTIONS,
    again: bool = False,
    on_stage: OnStage | None = None,
) -> list[Result]:
    """Run the recipes on one master, in one child process; `name` is what the report calls it.

    kind: "model", "panorama" or "photo" where the sender says so; None lets the content decide. What `out`
    holds already is taken from there, unless `again`. Empty where no wanted recipe fits the master. Raises
    ValueError for an unknown kind.
    """
    forced = MasterKind(kind) if kind is not None else None
    digest = ""
    try:
        file_type = sniff(path)
        _check_route(file_type, forced)
        wanted = _recipes_that_may_run(file_type, forced, recipes)
        if not wanted:
            return []
        digest = sha256_of(path)
        whole = digest_whole(path, digest)
    except OSError as error:
        refusal = refuse(f"The file cannot be read: {error.strerror}.", advice="Check its permissions.")
        return [_refused(name, digest, INSPECT, refusal.problems)]
    except Refused as refusal:
        return [_refused(name, _digest_or_nothing(path), INSPECT, refusal.problems)]
    is_model = file_type.route is Route.MODEL
    said = {"kind": str(forced or ""), **(model_options.as_json() if is_model else {})}
    keys = {recipe: run_key(whole.whole_sha256, recipe, said) for recipe in wanted}
    kept = [] if again else _find_kept(out, keys, name)
    done = {result.recipe for result in kept}
    left = [recipe for recipe in wanted if recipe not in done]
    if not left or (kept and not is_model):  # a picture is a panorama or a photo, never both
        return kept
    with work_folder(out) as work:
        child = _Job(path, name, digest, out, work, left if is_model else list(recipes))
        outcome = run_in_child(
            run_recipes,
            [
                str(path.absolute()), str(file_type.route), str(forced or ""), child.recipes,
                str(work.absolute()), model_options.as_json(),
            ],
            **_limits(file_type.route, whole.size_bytes),
            on_stage=None if on_stage is None else lambda stage: on_stage(name, stage),
        )  # fmt: skip
        made = _results(outcome, child, is_model=is_model)
        for result in made:
            if result.status is Status.OK:
                keep(out, keys[result.recipe], result, work)
    return _joined(kept, made, wanted)


@dataclass(frozen=True, slots=True)
class _Job:
    """One child's work, as its results are told."""

    path: Path
    name: str
    digest: str
    out: Path
    work: Path
    recipes: list[str]


def _check_route(file_type: FileType, forced: MasterKind | None) -> None:
    if file_type.route is Route.NONE:
        article = "an" if file_type.title[:1].lower() in "aeiou" else "a"
        raise refuse(f"This is {article} {file_type.title}, which is not accepted.", advice=file_type.advice)
    if forced is not None and (forced is MasterKind.MODEL) != (file_type.route is Route.MODEL):
        raise refuse_kind(forced, file_type.title)


def _recipes_that_may_run(
    file_type: FileType, forced: MasterKind | None, wanted: Sequence[str]
) -> tuple[str, ...]:
    if forced is not None:
        return choose_recipes(forced, wanted)
    if file_type.route is Route.MODEL:
        return choose_recipes(MasterKind.MODEL, wanted)
    return (*choose_recipes(MasterKind.PANORAMA, wanted), *choose_recipes(MasterKind.PHOTO, wanted))


def _limits(route: Route, size_bytes: int) -> dict[str, Any]:
    limits = limits_of(route, size_bytes)
    return {
        "max_memory_bytes": limits.max_memory_bytes,
        "timeout_s": limits.timeout_s,
        "first_look": limits.first_look,
    }


def _find_kept(out: Path, keys: Mapping[str, str], name: str) -> list[Result]:
    found = (find_kept(out, key, name=name) for key in keys.values())
    return [result for result in found if result is not None]


def _joined(kept: Sequence[Result], made: Sequence[Result], wanted: Sequence[str]) -> list[Result]:
    """Both in the recipes' order, a refusal of the whole master last.

    A picture that could not be drawn is a warning of a model that was kept, as it is of one just made.
    """
    lacking = [one for one in made if one.recipe in PICTURES and one.status is Status.REFUSED]
    if kept and lacking:
        warnings = [replace(one, severity=Severity.WARNING) for result in lacking for one in result.problems]
        told = replace(kept[0], problems=without_duplicates([*kept[0].problems, *warnings]))
        kept = [told, *kept[1:]]
        made = [one for one in made if one not in lacking]
    order = {recipe: place for place, recipe in enumerate(wanted)}
    return sorted([*kept, *made], key=lambda result: order.get(result.recipe, len(order)))


def _results(outcome: ChildOutcome, job: _Job, *, is_model: bool) -> list[Result]:
    """What the child made, and where it died, what it had finished before, the rest by name."""
    try:
        if isinstance(outcome, Returned):
            return _placed(parse_run(outcome.value, job.work), job)
        finished = read_finished(job.work)
        placed = [_placed_outcome(one, job) for one in finished]
    except (OSError, ValueError, KeyError, TypeError) as error:  # a full disk, or data of a wrong form
        log.exception("%s: what the child left does not fit", job.name)
        return [_failed(job, INSPECT, f"{type(error).__name__}: {error}")]
    if isinstance(outcome, Raised | Crashed):
        log.error("%s: %s\n%s", job.name, outcome.summary, outcome.log)
    done = {result.recipe for result in placed}
    rest = [recipe for recipe in job.recipes if recipe not in done] if is_model and done else [INSPECT]
    return [*placed, *(_ended(outcome, job, recipe) for recipe in rest)]


def _ended(outcome: MemoryExceeded | TimeExceeded | Raised | Crashed, job: _Job, recipe: str) -> Result:
    match outcome:
        case MemoryExceeded(limit_bytes, _, in_first_look):
            amount = f"needs more than {limit_bytes // MIB} MiB of memory"
        case TimeExceeded(limit_s, _, in_first_look):
            amount = f"takes longer than {limit_s:.0f} s"
        case Raised(summary) | Crashed(summary):
            return _failed(job, recipe, summary)
    work = "Reading and checking" if in_first_look else "Working on"
    advice = "Give a smaller version of it: fewer triangles, or fewer pixels."
    refusal = refuse(f"{work} this file {amount}.", advice=advice)
    return _refused(job.name, job.digest, recipe, refusal.problems)


def _placed(run: MasterRun, job: _Job) -> list[Result]:
    if run.refusal:
        return [_refused(job.name, job.digest, INSPECT, run.refusal)]
    return [_placed_outcome(outcome, job) for outcome in run.outcomes]


def _placed_outcome(outcome: RecipeOutcome, job: _Job) -> Result:
    if outcome.refused:
        return _refused(job.name, job.digest, outcome.recipe, outcome.problems)
    derivatives, stills = [], {}
    for draft in outcome.drafts:
        derivative = place_derivative(draft, out=job.out, recipe=outcome.recipe, master_sha256=job.digest)
        derivatives.append(derivative)
        paths = place_stills(draft.stills, out=job.out, derivative_id=derivative.derivative_id)
        if paths:
            stills[derivative.derivative_id] = paths
    problems = without_duplicates(with_file(outcome.problems, job.name))
    return Result(job.name, job.digest, outcome.recipe, Status.OK, problems, tuple(derivatives), stills)


def _refused(name: str, digest: str, recipe: str, problems: Sequence[Problem]) -> Result:
    return Result(name, digest, recipe, Status.REFUSED, without_duplicates(with_file(problems, name)))


def _failed(job: _Job, recipe: str, summary: str) -> Result:
    """A fault of ours: one sentence in the report; the traceback is for the log only."""
    problem = Problem(
        file=job.name,
        where="",
        message=f"The pipeline failed on this file: {summary.splitlines()[0]}.",
        advice="This is a fault of the pipeline. Report it with the log (--verbose).",
    )
    return Result(job.name, job.digest, recipe, Status.FAILED, (problem,))


def _digest_or_nothing(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""
