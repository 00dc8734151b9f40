"""What the commands and the demo both do: the parts, joined with the seed catalogue and the clock."""

from functools import partial
from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.optimize import run_master
from asset_pipeline.tools import check_installed
from content_api.manage.drafts import Drafts, utc_now
from content_api.manage.ingest import IngestReport, Progress, ingest
from content_api.public.sdl import print_sdl
from content_api.publish.approved import load_publish_input
from content_api.publish.compile import compile_release
from content_api.publish.publish import Published, publish_release, rollback
from content_api.settings import Settings
from content_api.store import Store
from heritage_sites.catalogue_files import load_catalogue


def ingest_folder(
    folder: Path,
    settings: Settings,
    store: Store,
    drafts: Drafts,
    *,
    dry_run: bool = False,
    search: bool = True,
    progress: Progress | None = None,
) -> IngestReport:
    """Take a folder of masters in, for sites of the seed catalogue.

    search: False makes models' files with fixed settings, which is quicker.
    """
    check_installed()
    return ingest(
        folder,
        store,
        drafts,
        catalogue=load_catalogue(),
        run_master=partial(run_master, model_options=ModelOptions(search=search, compare=True)),
        work=settings.cache / "ingest",
        dry_run=dry_run,
        jobs=settings.jobs,
        progress=progress,
    )


def publish_approved(store: Store, drafts: Drafts) -> Published:
    """Compile the seed catalogue with every approved draft, and make that release the current one."""
    content = load_publish_input(store, drafts, load_catalogue())
    return publish_release(compile_release(content, print_sdl()), store, clock=utc_now)


def roll_back(store: Store, release_id: str) -> Published:
    """Publish an earlier release's content again, under a higher sequence."""
    return rollback(store, release_id, clock=utc_now)
