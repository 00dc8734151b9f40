"""The pipeline's command line: `halong-xr optimize`. `content_api/cli.py` joins this app to the whole
command.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from asset_pipeline.model_options import UNITS_M, ModelOptions
from asset_pipeline.optimize import optimize as run_optimize
from asset_pipeline.page.page import PAGE_FILE, render_page
from asset_pipeline.progress import showing_progress
from asset_pipeline.recipes import RECIPE_NAMES, find_unknown
from asset_pipeline.report import Report, Result, Status
from asset_pipeline.tools import check_installed

app = typer.Typer(no_args_is_help=True, add_completion=False)

DEFAULT_OUT = Path("optimized")
MAX_PROBLEMS_SHOWN = 3  # per master, in the summary; the report holds them all


@app.command()
def optimize(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", help="Masters, or folders of them.")],
    out: Annotated[Path, typer.Option(help="Folder for the derivatives; made where absent.")] = DEFAULT_OUT,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help=f"Only this recipe; may be repeated. One of {', '.join(RECIPE_NAMES)}."),
    ] = None,
    html: Annotated[
        bool, typer.Option("--html", help=f"Write a page to look at: {PAGE_FILE} in the folder of --out.")
    ] = False,
    report: Annotated[Path | None, typer.Option(help="Write the report (JSON) to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report instead of the summary.")] = False,
    unit: Annotated[
        str | None, typer.Option(help=f"Unit of the models' lengths: {', '.join(UNITS_M)}.")
    ] = None,
    up: Annotated[str | None, typer.Option(help="Axis of the models that points up: y or z.")] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="LAT,LON,HEIGHT[,HEADING]",
            help="Where the models' origin stands: degrees, metres above the ellipsoid, degrees from north.",
        ),
    ] = None,
    search: Annotated[
        bool,
        typer.Option(
            help="Look for each model's smallest file that still looks right; without, fixed settings."
        ),
    ] = True,
    again: Annotated[bool, typer.Option("--again", help="Make anew what the folder holds already.")] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=64, help="Masters worked on at once; default: 2, or the CPUs.")
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Say what is done; show the log of what the pipeline failed on."),
    ] = False,
) -> None:
    """Make web, AR and VR derivatives of 3D models, panoramas and photos.

    Exit code: 0 done, 1 something refused (its sender can mend it), 2 wrong usage, 3 something failed.
    """
    check_installed()
    _check_usage(paths, out, recipe or [], report)
    options = _model_options(unit, up, at, search=search)
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR if verbose else logging.CRITICAL)
    with showing_progress(verbose=verbose and not as_json) as progress:
        made = run_optimize(
            paths,
            out,
            recipes=recipe or [],
            jobs=jobs,
            progress=progress.done,
            ignored=[report] if report is not None else [],
            model_options=options,
            again=again,
            on_stage=progress.stage,
        )
    if report is not None:
        write_whole(report, json.dumps(made.as_json(), ensure_ascii=False, indent=2) + "\n")
    if html:
        write_whole(out / PAGE_FILE, render_page(made))
    if as_json:
        typer.echo(json.dumps(made.as_json(), ensure_ascii=False, indent=2))
    else:
        typer.echo(summary(made))
        typer.echo(_where(made, out, html=html))
    raise typer.Exit(made.exit_code)


def summary(report: Report) -> str:
    """What happened, in lines for a person: what needs attention first, the counts last.

    A warning that several recipes of a master share is said once.
    """
    lines = list(dict.fromkeys(line for result in report.results for line in _summary_lines(result)))
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


def _model_options(unit: str | None, up: str | None, at: str | None, *, search: bool) -> ModelOptions:
    """Exit 2 for what is no unit, axis or place."""
    if at is not None:
        from asset_pipeline.models.tiles.placement import parse_placement

        try:
            parse_placement(at)
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--at") from error
    try:
        return ModelOptions(unit=unit, up=up, at=at, search=search, compare=True)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--unit, --up") from error


def _where(report: Report, out: Path, *, html: bool) -> str:
    """Where the files went; nothing where there are none."""
    lines = [f"files: {out}"] if any(result.derivatives for result in report.results) else []
    return "\n".join([*lines, f"page: {out / PAGE_FILE}"] if html else lines)


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a file. The folder is made where absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
