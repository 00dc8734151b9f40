"""3D models against the tools people use for them today: bytes at equal rendered quality, time and memory.

    python tests/benchmarks/bench_models.py [--short] [--runs N] [--input FOLDER] [--only NAME ...] [--page]

gltfpack and gltf-transform come from npm into build/bench/peers. Every tool starts from the same GLB. Each
peer's file is drawn from 12 sides beside the source; our lightest file that is at least as good, lit and
unlit, is searched for, and bytes are compared. Models: tests/benchmarks/models/sets.py; --input (or INPUT=)
takes anyone's folder instead. --page writes docs/comparison-models.md from the results.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.harness import OUT_FOLDER, Row, print_table, write_report
from tests.benchmarks.models.costs import time_rows, whole_rows
from tests.benchmarks.models.page import PICTURES, write_page
from tests.benchmarks.models.peers import install_peers
from tests.benchmarks.models.rows import rows_of
from tests.benchmarks.models.runner import Task, end_with_parent, gathered, left_out, run_task
from tests.benchmarks.models.sets import COST_LARGE, COST_MID, HELD_OUT, SHORT, TUNING
from tests.benchmarks.models.sources import find_original, make_source, models_in
from tests.benchmarks.models.stills import write_stills

SHORT_RATIOS = (0.25,)
LARGE = ("karst-tower", "flight-helmet")  # compared last: each trial takes long
KEPT = OUT_FOLDER / "models" / "last-run.json"


def main(arguments: Sequence[str]) -> int:
    """Run, print the table, write build/bench/models.json. Exit code 0; a missed goal is printed, not an
    error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="five models at one ratio, small costs only")
    parser.add_argument("--runs", type=int, default=3, help="of each command whose time is taken")
    parser.add_argument(
        "--input", type=Path, default=os.environ.get("INPUT") or None, help="a folder of models, or one model"
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these models of the sets")
    parser.add_argument("--workers", type=int, default=2, help="models compared at the same time")
    parser.add_argument("--no-totals", action="store_true", help="compare geometry only")
    parser.add_argument("--gather", action="store_true", help="take earlier runs' results, compare nothing")
    parser.add_argument("--minutes", type=float, default=25, help="begin no model after so many")
    parser.add_argument("--page", action="store_true", help="write docs/comparison-models.md")
    parser.add_argument("--page-only", action="store_true", help="write it from the last run's figures")
    options = parser.parse_args(arguments)
    if options.page_only:
        last = json.loads(KEPT.read_text(encoding="utf-8"))
        write_stills(last["results"], PICTURES)
        print(f"written: {write_page(last['results'], last['rows'], last['absent'])}")
        return 0
    started = time.perf_counter()
    install_peers()
    tasks, absent = _tasks(options)
    for name, reason in absent:
        print(f"MISSING: {name}: {reason}", file=sys.stderr)
    results = gathered(tasks) if options.gather else _compare(tasks, options.workers, options.minutes)
    rows = rows_of([result for result in results if "problem" not in result])
    rows += _cost_rows(tasks, options)
    print_table(rows)
    print(f"written: {write_report('models', rows)} ({time.perf_counter() - started:.0f} s)")
    kept = {"results": results, "rows": [row.as_json() for row in rows], "absent": absent}
    KEPT.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    if options.page:
        write_stills(results, PICTURES)
        print(f"written: {write_page(results, kept['rows'], absent)}")
    return 0


def _tasks(options: argparse.Namespace) -> tuple[list[Task], list[tuple[str, str]]]:
    """What to compare, and what is not on this machine with the reason."""
    if options.input is not None:
        path = Path(options.input).resolve()
        found = [Task(name, "yours", file, {"origin": "yours"}) for name, file in models_in(path)]
        return found, [] if found else [(str(path), "no model in it")]
    tasks, absent = [], []
    for set_name, models in (("held-out", HELD_OUT), ("tuning", TUNING)):
        for model in models:
            if (options.short and model.name not in SHORT) or (
                options.only and model.name not in options.only
            ):
                continue
            original = find_original(model)
            if original is None:
                absent.append((model.name, f"{model.origin} {model.path} is not here (see docs)"))
                continue
            described = {name: str(getattr(model, name)) for name in ("origin", "path", "tests", "licence")}
            short = (
                {
                    "ratios": SHORT_RATIOS,
                }
                if options.short
                else {}
            )
            tasks.append(
                Task(
                    model.name, set_name, original, described, **short,
                    with_totals=not options.short and not options.no_totals,
                )
            )  # fmt: skip
    return tasks, absent


def _compare(tasks: Sequence[Task], workers: int, minutes: float) -> list[dict[str, Any]]:
    """Results in the order of the tasks; what is not begun after so many minutes is left out, and says so."""
    order = sorted(tasks, key=lambda task: (task.name in LARGE, task.set_name, task.name))
    ends_at = time.monotonic() + minutes * 60
    found: dict[str, dict[str, Any]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        jobs = {pool.submit(run_task, task): task for task in order}
        for job in as_completed(jobs):
            task = jobs[job]
            if job.cancelled():
                found[task.name] = left_out(task, f"not begun within {minutes:g} minutes")
                continue
            found[task.name] = job.result()
            told = f"{task.name}: {found[task.name].get('problem', '')} {found[task.name]['seconds']} s"
            print(told, file=sys.stderr, flush=True)
            if time.monotonic() > ends_at:
                for waiting in jobs:
                    waiting.cancel()
    return [found[task.name] for task in tasks]


def _cost_rows(tasks: Sequence[Task], options: argparse.Namespace) -> list[Row]:
    """Time and memory, alone on the machine after the comparisons."""
    runs = 1 if options.short else options.runs
    by_name = {task.name: task for task in tasks}
    if options.input is not None:
        sources = [make_source(task.name, task.path) for task in tasks]
        largest = max(sources, key=lambda source: source.triangles, default=None)
        if largest is None:
            return []
        return [*time_rows(largest, runs=runs, has_goal=True), *whole_rows(largest, runs=1, has_goal=True)]
    rows: list[Row] = []
    for model, has_goal in _cost_models():
        if options.only and model.name not in by_name:
            continue
        original = find_original(model)
        if original is None:
            continue
        source = make_source(model.name, original)
        rows += time_rows(source, runs=runs, has_goal=has_goal)
        if not options.short or not has_goal:
            rows += whole_rows(source, runs=1, has_goal=True)
    return rows


def _cost_models() -> Iterator[tuple[Any, bool]]:
    for model in (*TUNING, *HELD_OUT):
        if model.name in (COST_LARGE, COST_MID):
            yield model, model.name == COST_LARGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
