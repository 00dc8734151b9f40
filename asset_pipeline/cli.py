"""The pipeline's command line: `halong-xr optimize`. `content_api/cli.py` joins this app to the whole
command.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from asset_pipeline.optimize import Progress
from asset_pipeline.optimize import optimize as run_optimize
from asset_pipeline.recipes import RECIPE_NAMES, find_unknown
from asset_pipeline.report import Report, Result, Status
from asset_pipeline.tools import check_installed

app = typer.Typer(no_args_is_help=True, add_completion=False)

EXIT_WRONG_USAGE = 2
MAX_PROBLEMS_SHOWN = 3  # per master, in the summary; the report holds them all


@app.command()
def optimize(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Masters, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the derivatives; made where absent.")],
    recipe: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this recipe; may be repeated. One of {', '.join(RECIPE_NAMES)}."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report (JSON) to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report instead of the summary.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=64, help="Masters worked on at once; default: 2, or the CPUs.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the log of masters on which the pipeline failed.")
    ] = False,
) -> None:
    """Make web, AR and VR derivatives of 3D models, panoramas and photos.

    Exit code: 0 done, 1 something refused (its sender can mend it), 2 wrong usage, 3 something failed.
    """
    check_installed()
    _check_usage(paths, out, recipe or [], report)
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR if verbose else logging.CRITICAL)
    with _progress_bar() as progress:
        ignored = [report] if report is not None else []
        made = run_optimize(paths, out, recipes=recipe or [], jobs=jobs, progress=progress, ignored=ignored)
    if report is not None:
        _write_report(made, report)
    if as_json:
        typer.echo(json.dumps(made.as_json(), ensure_ascii=False, indent=2))
    else:
        typer.echo(summary(made))
    raise typer.Exit(made.exit_code)


def summary(report: Report) -> str:
    """What happened, in lines for a person: what needs attention first, the counts last."""
    lines = [line for result in report.results for line in _summary_lines(result)]
    derivatives = [derivative for result in report.results for derivative in result.derivatives]
    size_mb = sum(file.bytes for derivative in derivatives for file in derivative.files) / 1e6
    masters = len({result.master for result in report.results})
    lines.append(
        f"{masters} masters: {report.count(Status.OK)} recipes done ({len(derivatives)} derivatives, "
        f"{size_mb:.1f} MB), {report.count(Status.REFUSED)} refused, {report.count(Status.FAILED)} failed"
    )
    return "\n".join(lines)


def _summary_lines(result: Result) -> Iterator[str]:
    if result.status is not Status.OK:
        yield f"{result.master}: {result.status} ({result.recipe})"
    shown = result.problems[:MAX_PROBLEMS_SHOWN]
    for problem in shown:
        mark = f"{result.master}: {problem.severity}: " if result.status is Status.OK else "  "
        place = f"{problem.where}: " if problem.where else ""
        yield f"{mark}{place}{problem.message} {problem.advice}".rstrip()
    if len(result.problems) > len(shown):
        yield f"  ... and {len(result.problems) - len(shown)} more (see --report)"


def _check_usage(paths: list[Path], out: Path, recipes: list[str], report: Path | None) -> None:
    """Exit 2 with a sentence where the command itself is wrong, before anything is done."""
    for path in paths:
        if not path.exists():
            raise typer.BadParameter(f"{path} does not exist", param_hint="PATH")
    if out.exists() and not out.is_dir():
        raise typer.BadParameter(f"{out} is a file; want a folder", param_hint="--out")
    if report is not None and not report.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder of {report} does not exist", param_hint="--report")
    for problem in find_unknown(recipes):
        raise typer.BadParameter(f"{problem.message} {problem.advice}", param_hint="--recipe")


@contextmanager
def _progress_bar() -> Iterator[Progress | None]:
    """A bar on standard error where that is a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking for masters", total=None)

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total, description=name[-60:])

        yield show


def _write_report(report: Report, path: Path) -> None:
    """Whole or not at all: a reader never sees half a report."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    part.replace(path)
