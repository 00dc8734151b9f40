"""`halong-xr`: the commands of the system, joined from its parts.

Each command imports what it needs when it runs, so that `halong-xr optimize` works with the pipeline extra
alone and `halong-xr catalogue check` with neither.

Exit codes: 0 done, 1 problems in the input, 2 wrong usage, 3 failed.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from asset_pipeline.cli import app as pipeline_app

if TYPE_CHECKING:
    from content_api.publish.publish import ListedRelease, Published
    from content_api.settings import Settings
    from content_api.store import Store
    from heritage_sites import Problem

PROBLEMS, WRONG_USAGE, FAILED = 1, 2, 3
DEMO_FOLDER = Path("build/demo")

app = typer.Typer(
    name="halong-xr",
    help="Heritage sites in 3D, AR and VR: optimize masters, ingest, approve, publish, serve.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(pipeline_app)  # light: what the pipeline needs loads in its child processes
catalogue_app = typer.Typer(help="The catalogue of sites and tours.", no_args_is_help=True)
app.add_typer(catalogue_app, name="catalogue")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

EXTRA_OF_MODULE = {
    **dict.fromkeys(("boto3", "botocore", "graphene", "graphql", "orjson", "starlette", "uvicorn"), "api"),
    **dict.fromkeys(
        ("cv2", "DracoPy", "meshopt", "numpy", "PIL", "pyvips", "trimesh", "wasmtime"), "pipeline"
    ),
}


def main() -> None:
    """The console script: runs a command and turns what is refused or fails into words and an exit code."""
    try:
        app()
    except ModuleNotFoundError as missing:
        extra = EXTRA_OF_MODULE.get((missing.name or "").partition(".")[0])
        if extra is None:
            raise
        leave(f"this command needs the {extra!r} extra: pip install 'halong-xr[{extra}]'", code=WRONG_USAGE)
    except KeyboardInterrupt:
        leave("stopped", code=FAILED)
    except Exception as error:
        problems = getattr(error, "problems", None)
        if problems:  # a refusal, whichever part it comes from
            print_problems(problems)
            sys.exit(PROBLEMS)
        if not is_ours(error):
            raise
        leave(str(error), code=FAILED)


def is_ours(error: Exception) -> bool:
    """Whether an error is one of our packages' own, whose text is written for people."""
    return type(error).__module__.partition(".")[0] in ("content_api", "asset_pipeline", "heritage_sites")


def leave(message: str, *, code: int) -> NoReturn:
    """Say why on stderr and leave."""
    typer.echo(f"halong-xr: {message}", err=True)
    sys.exit(code)


@catalogue_app.command("check")
def catalogue_check(
    folder: Annotated[
        Path | None, typer.Argument(help="Catalogue folder; the seed catalogue without.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Look for Problems in the catalogue and report every one, with file and place."""
    from heritage_sites.catalogue_files import SEED_FOLDER, check_catalogue, load_catalogue

    folder = folder or SEED_FOLDER
    if not folder.is_dir():
        leave(f"{folder} is not a folder", code=WRONG_USAGE)
    problems = check_catalogue(folder)
    if as_json:
        print_json({"problems": [problem.as_json() for problem in problems]})
    else:
        print_problems(problems)
        if not problems:
            catalogue = load_catalogue(folder)
            typer.echo(f"{len(catalogue.sites)} sites and {len(catalogue.tours)} tours, no problems")
    raise typer.Exit(1 if problems else 0)


@app.command()
def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder with manifest.csv and the masters it names.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    search: Annotated[
        bool,
        typer.Option(
            help="Look for each model's smallest file that still looks right; without, fixed settings."
        ),
    ] = True,
    as_json: JsonFlag = False,
) -> None:
    """Take a folder of masters in: check the manifest, keep the masters, make derivatives, write drafts."""
    from content_api.actions import ingest_folder
    from content_api.manage.drafts import Drafts

    settings = load_settings_or_leave()
    if not folder.is_dir():
        leave(f"{folder} is not a folder", code=WRONG_USAGE)

    def tell(done: int, total: int, file: str) -> None:
        typer.echo(f"{done}/{total} {file}", err=True)

    with Drafts(settings.database) as held:
        report = ingest_folder(
            folder,
            settings,
            open_store_of(settings),
            held,
            dry_run=dry_run,
            search=search,
            progress=None if as_json else tell,
        )
    if as_json:
        print_json(report.as_json())
    else:
        print_problems(report.problems)
        for item in report.items:
            typer.echo(f"{item.draft_id}: {item.status}")
        if dry_run and report.items:
            typer.echo("nothing was written: it was a dry run")
    raise typer.Exit(report.exit_code)


@app.command()
def drafts(as_json: JsonFlag = False) -> None:
    """List the drafts and who approved them."""
    from content_api.manage.drafts import Drafts

    with Drafts(load_settings_or_leave().database) as held:
        rows = held.list_all()
    if as_json:
        print_json({"drafts": [row.as_json() for row in rows]})
        return
    for row in rows:
        typer.echo(
            f"{row.id}: " + (f"approved by {row.approved_by}" if row.approved_by else "waits for approval")
        )
    if not rows:
        typer.echo("no drafts yet: halong-xr ingest FOLDER")


@app.command()
def approve(
    by: Annotated[str, typer.Option(help="Name of the person who answers for it.")],
    draft_ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Drafts to approve.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every draft that waits for approval.")] = False,
) -> None:
    """Approve drafts in a person's name; only approved drafts are published."""
    from content_api.manage.approve import approve as run_approve
    from content_api.manage.drafts import Drafts, DraftStatus

    if bool(draft_ids) == everything:
        leave("give the drafts' ids, or --all", code=WRONG_USAGE)
    with Drafts(load_settings_or_leave().database) as held:
        waiting = [row.id for row in held.list_all(DraftStatus.DRAFT)]
        for draft_id in waiting if everything else draft_ids or []:
            approval = run_approve(held, draft_id, by=by)
            already = "" if approval.is_new else " before; that approval stands"
            typer.echo(f"{draft_id}: approved by {approval.draft.approved_by}{already}")
    if everything and not waiting:
        typer.echo("no draft waits for approval")


@app.command()
def publish(as_json: JsonFlag = False) -> None:
    """Compile the catalogue and all approved drafts into a release and make it the current one."""
    from content_api.actions import publish_approved
    from content_api.manage.drafts import Drafts

    settings = load_settings_or_leave()
    with Drafts(settings.database) as held:
        published = publish_approved(open_store_of(settings), held)
    print_published(published, as_json=as_json, verb="published")


@app.command()
def releases(as_json: JsonFlag = False) -> None:
    """List what was published, the newest last; a star marks the current one."""
    from content_api.publish.publish import list_releases

    listed = list_releases(open_store_of(load_settings_or_leave()))
    if as_json:
        print_json({"releases": [release_line(line) for line in listed]})
        return
    for line in listed:
        mark = "*" if line.is_current else " "
        typer.echo(f"{mark} {line.record.sequence:>6}  {line.record.release_id}")
    if not listed:
        typer.echo("nothing is published yet: halong-xr publish")


@app.command()
def rollback(
    release_id: Annotated[
        str, typer.Argument(metavar="ID", help="The release to go back to, or its first characters.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Publish an earlier release's content again, under a higher sequence."""
    from content_api.actions import roll_back

    store = open_store_of(load_settings_or_leave())
    print_published(roll_back(store, release_id), as_json=as_json, verb="rolled back to")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[str | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="For developers: introspection open, said so.")
    ] = False,
    store: Annotated[str | None, typer.Option(help="A folder, or s3://bucket/prefix.")] = None,
    media_url: Annotated[
        str | None, typer.Option(help="Address before derivatives/..., such as a CDN's.")
    ] = None,
    release_poll_s: Annotated[
        str | None, typer.Option(help="Seconds between looks for a new release.")
    ] = None,
) -> None:
    """Serve the current release: the page at /, GraphQL at /graphql; follows new releases by itself.

    An option stands before the setting of its name (docs/settings.md).
    """
    from content_api.public.app import serve as run_serve

    given = {
        "HALONG_XR_HOST": host,
        "HALONG_XR_PORT": port,
        "HALONG_XR_SANDBOX": "true" if sandbox else None,
        "HALONG_XR_STORE": store,
        "HALONG_XR_MEDIA_URL": media_url,
        "HALONG_XR_RELEASE_POLL_S": release_poll_s,
    }
    run_serve(load_settings_or_leave({name: value for name, value in given.items() if value is not None}))


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page and the API.")] = 8000,
    once: Annotated[bool, typer.Option("--once", help="Stop when the visitor got everything.")] = False,
    folder: Annotated[
        Path, typer.Option(help="Where the demo's store and downloads go; emptied first.")
    ] = DEMO_FOLDER,
) -> None:
    """Make an illustrated bay, publish it, serve it and walk a visitor past three sites."""
    from content_api.demo.story import DemoFailed, run_demo

    try:
        run_demo(port=port, once=once, folder=folder)
    except DemoFailed as reason:
        leave(f"the demo did not work: {reason}", code=FAILED)


@app.command()
def doctor(as_json: JsonFlag = False) -> None:
    """Check this installation: settings, catalogue, store and current release; say what to do."""
    from content_api.publish.doctor import check_store
    from heritage_sites.catalogue_files import check_catalogue

    problems = [*check_catalogue(), *check_store(open_store_of(load_settings_or_leave()))]
    if as_json:
        print_json({"problems": [problem.as_json() for problem in problems]})
    else:
        print_problems(problems)
        if not problems:
            typer.echo("all is well")
    raise typer.Exit(PROBLEMS if any(problem.severity == "error" for problem in problems) else 0)


def load_settings_or_leave(given: Mapping[str, str] | None = None) -> "Settings":
    """The settings, `given` before the environment; where they are wrong, every Problem and exit code 2."""
    from content_api.settings import SettingsInvalid, load_settings

    try:
        return load_settings({**os.environ, **(given or {})})
    except SettingsInvalid as error:
        print_problems(error.problems)
        leave("the settings above are wrong (docs/settings.md)", code=WRONG_USAGE)


def open_store_of(settings: "Settings") -> "Store":
    """The store that the settings name."""
    from content_api.store import open_store

    return open_store(settings.store, os.environ)


def release_line(line: "ListedRelease") -> dict[str, object]:
    """A published release as JSON."""
    return {
        "release_id": line.record.release_id,
        "sequence": line.record.sequence,
        "published_at": line.record.published_at.isoformat(),
        "current": line.is_current,
    }


def print_published(published: "Published", *, as_json: bool, verb: str) -> None:
    """What a publish or rollback did."""
    if as_json:
        print_json({
            "release_id": published.release_id, "sequence": published.sequence, "is_new": published.is_new,
            "warnings": [warning.as_json() for warning in published.warnings],
        })  # fmt: skip
        return
    print_problems(published.warnings)
    already = "" if published.is_new else " (it was current already; nothing changed)"
    typer.echo(f"{verb} release {published.release_id} as number {published.sequence}{already}")


def print_problems(problems: "Iterable[Problem]") -> None:
    """Every Problem on a line of its own, on stderr."""
    for problem in problems:
        typer.echo(f"{problem.severity}: {problem}", err=True)


def print_json(value: object) -> None:
    """A JSON document for programs, on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
