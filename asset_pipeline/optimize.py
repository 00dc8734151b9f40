"""Masters in, derivatives and a report out: each master in a child process, one bad master never stops the
others.
"""

import logging
import os
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

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
from asset_pipeline.discover import FoundMaster, find_masters
from asset_pipeline.outcome import RecipeOutcome, Refused, refuse, with_file
from asset_pipeline.place import place_derivative, sha256_of, work_folder
from asset_pipeline.recipes import INSPECT, MasterKind, choose_recipes
from asset_pipeline.report import Report, Result, Status, without_duplicates
from asset_pipeline.run_recipes import MasterRun, parse_run, refuse_kind, run_recipes
from asset_pipeline.sniff import FileType, Route, sniff
from asset_pipeline.tools import tool_versions
from heritage_sites.problem import Problem

log = logging.getLogger("halong_xr.asset_pipeline")

MIB = 1024 * 1024
IMAGE_MEMORY_BYTES = 1536 * MIB  # the largest allowed progressive JPEG keeps 1 GiB of coefficients
IMAGE_TIMEOUT_S = (
    300.0  # a 32k panorama takes 22 CPU-seconds on a desktop core; slow machines get ten times that
)
MODEL_MEMORY_BYTES = 4096 * MIB  # a scan of some million triangles with 8k textures
MODEL_MEMORY_PER_BYTE = 8  # large scans: parsed, simplified and packed copies of what the file holds
MODEL_TIMEOUT_S = 900.0
DEFAULT_JOBS = 2  # two children at once; more memory is rarely there

Progress = Callable[[int, int, str], None]  # masters done, masters in all, the name of the one just done


def optimize(
    paths: Sequence[Path],
    out: Path,
    recipes: Sequence[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
    *,
    ignored: Sequence[Path] = (),
) -> Report:
    """Run the recipes (all, where none is named) on every master under the paths; derivatives go into `out`.

    ignored: what is no master although it lies in a folder given; `out` itself is always passed by.

    The report's order is the walk's order, whatever the number of jobs. Raises ValueError for jobs below 1.
    """
    workers = jobs if jobs is not None else min(DEFAULT_JOBS, os.cpu_count() or 1)
    if workers < 1:
        raise ValueError(f"jobs: want at least 1, got {workers}")
    masters = find_masters(paths, ignored=[out, *ignored])
    with ThreadPoolExecutor(max_workers=workers) as pool:
        runs = {pool.submit(_run_found, master, out, recipes): master for master in masters}
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
    path: Path, *, name: str, out: Path, recipes: Sequence[str] = (), kind: str | None = None
) -> list[Result]:
    """Run the recipes on one master, in one child process; `name` is what the report calls it.

    kind: "model", "panorama" or "photo" where the sender says so; None lets the content decide. Empty where
    no wanted recipe fits the master. Raises ValueError for an unknown kind.
    """
    forced = MasterKind(kind) if kind is not None else None
    digest = ""
    try:
        file_type = sniff(path)
        _check_route(file_type, forced)
        if not _recipes_that_may_run(file_type, forced, recipes):
            return []
        digest = sha256_of(path)
    except OSError as error:
        refusal = refuse(f"The file cannot be read: {error.strerror}.", advice="Check its permissions.")
        return [_refused(name, digest, INSPECT, refusal.problems)]
    except Refused as refusal:
        return [_refused(name, _digest_or_nothing(path), INSPECT, refusal.problems)]
    with work_folder(out) as work:
        outcome = _run_in_limits(path, file_type, forced, recipes, work)
        return _results(outcome, name, digest, out, work)


def _run_found(master: FoundMaster, out: Path, recipes: Sequence[str]) -> list[Result]:
    return run_master(master.path, name=master.name, out=out, recipes=recipes)


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


def _run_in_limits(
    path: Path, file_type: FileType, forced: MasterKind | None, recipes: Sequence[str], work: Path
) -> ChildOutcome:
    is_model = file_type.route is Route.MODEL
    memory_bytes = IMAGE_MEMORY_BYTES
    if is_model:
        memory_bytes = max(MODEL_MEMORY_BYTES, MODEL_MEMORY_PER_BYTE * path.stat().st_size)
    return run_in_child(
        run_recipes,
        [str(path.absolute()), str(file_type.route), str(forced or ""), list(recipes), str(work.absolute())],
        max_memory_bytes=memory_bytes,
        timeout_s=MODEL_TIMEOUT_S if is_model else IMAGE_TIMEOUT_S,
    )


def _results(outcome: ChildOutcome, name: str, digest: str, out: Path, work: Path) -> list[Result]:
    match outcome:
        case Returned(value):
            try:
                return _placed(parse_run(value, work), name, digest, out)
            except (
                OSError,
                ValueError,
                KeyError,
                TypeError,
            ) as error:  # a full disk, or data of a wrong form
                return [_failed(name, digest, f"{type(error).__name__}: {error}", traceback.format_exc())]
        case MemoryExceeded(limit_bytes):
            problem = Problem(
                file=name,
                where="",
                message=f"Working on this file needs more than {limit_bytes // MIB} MiB of memory.",
                advice="Give a smaller version of it: fewer triangles, or fewer pixels.",
            )
            return [_refused(name, digest, INSPECT, (problem,))]
        case TimeExceeded(limit_s):
            problem = Problem(
                file=name,
                where="",
                message=f"Working on this file takes longer than {limit_s:.0f} s.",
                advice="Give a smaller version of it: fewer triangles, or fewer pixels.",
            )
            return [_refused(name, digest, INSPECT, (problem,))]
        case Raised(summary, text) | Crashed(summary, text):
            return [_failed(name, digest, summary, text)]


def _placed(run: MasterRun, name: str, digest: str, out: Path) -> list[Result]:
    if run.refusal:
        return [_refused(name, digest, INSPECT, run.refusal)]
    return [_placed_outcome(outcome, name, digest, out) for outcome in run.outcomes]


def _placed_outcome(outcome: RecipeOutcome, name: str, digest: str, out: Path) -> Result:
    if outcome.refused:
        return _refused(name, digest, outcome.recipe, outcome.problems)
    derivatives = tuple(
        place_derivative(draft, out=out, recipe=outcome.recipe, master_sha256=digest)
        for draft in outcome.drafts
    )
    problems = without_duplicates(with_file(outcome.problems, name))
    return Result(name, digest, outcome.recipe, Status.OK, problems, derivatives)


def _refused(name: str, digest: str, recipe: str, problems: Sequence[Problem]) -> Result:
    return Result(name, digest, recipe, Status.REFUSED, without_duplicates(with_file(problems, name)))


def _failed(name: str, digest: str, summary: str, text: str) -> Result:
    """A fault of ours: one sentence in the report, the traceback in the log only."""
    log.error("%s: %s\n%s", name, summary, text)
    problem = Problem(
        file=name,
        where="",
        message=f"The pipeline failed on this file: {summary.splitlines()[0]}.",
        advice="This is a fault of the pipeline. Report it with the log (--verbose).",
    )
    return Result(name, digest, INSPECT, Status.FAILED, (problem,))


def _digest_or_nothing(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""
