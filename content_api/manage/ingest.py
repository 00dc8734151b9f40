"""Ingest a folder: manifest.csv and masters in, derivatives in the store and drafts out.

1. The whole manifest is read and every file opened and digested; any error stops here, with nothing written.
2. Each row on its own: the pipeline runs, then the master, what was made of it and the draft are stored, in
   this order. A master which the pipeline refuses is a Problem in the report; the other rows go on.

Every write is create-only under a digest, or the same row again. So an ingest may be killed anywhere and
repeated, and nothing is there twice.
"""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from asset_pipeline.place import sha256_of, work_folder
from asset_pipeline.recipes import MasterKind, choose_recipes, versioned_name
from asset_pipeline.report import Result, Status
from content_api.manage.deliver import put_derivative, put_master
from content_api.manage.drafts import Clock, Draft, Drafts, draft_id_of, utc_now
from content_api.manage.manifest import ManifestRow, read_manifest
from content_api.manage.manifest_cells import MANIFEST_NAME
from content_api.publish.whole import find_incomplete
from content_api.store.base import ContentChanged, Store
from heritage_sites.anchor import Anchor, AnchorKind, GeoPose
from heritage_sites.asset import Derivative, MediaItem, MediaRole
from heritage_sites.catalogue_rules import Catalogue
from heritage_sites.experience import Experience
from heritage_sites.problem import Problem, Severity
from heritage_sites.site import Site
from heritage_sites.trigger import Trigger, TriggerKind

Progress = Callable[[int, int, str], None]  # rows done, rows in all, the file just done


class RunMaster(Protocol):
    """`asset_pipeline.optimize.run_master`, or what a test puts in its place."""

    def __call__(self, path: Path, *, name: str, out: Path, kind: str | None) -> Sequence[Result]:
        """All recipes of the kind on one master; derivatives lie in out/{derivative_id}."""


class ItemStatus(StrEnum):
    """What became of a row. checked: sound, and it was a dry run. failed: a fault of ours."""

    CHECKED = "checked"
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class IngestItem:
    """One row and its draft, which exists unless the row was refused, failed or only checked."""

    row: int
    file: str
    draft_id: str
    status: ItemStatus

    def as_json(self) -> dict[str, Any]:
        """The item in a report."""
        return {"row": self.row, "file": self.file, "draft": self.draft_id, "status": self.status.value}


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of every row, and every Problem. No items: the manifest stopped it, nothing was written."""

    items: tuple[IngestItem, ...]
    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        """0 done, 1 Problems in the input, 3 something failed."""
        if any(item.status is ItemStatus.FAILED for item in self.items):
            return 3
        return 1 if _has_error(self.problems) else 0

    def as_json(self) -> dict[str, Any]:
        """The whole report."""
        return {
            "items": [item.as_json() for item in self.items],
            "problems": [problem.as_json() for problem in self.problems],
        }


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A sound row and the digest of its master."""

    row: ManifestRow
    sha256: str

    @property
    def draft_id(self) -> str:
        return draft_id_of(self.row.site.id, self.row.kind.value, self.sha256)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the pipeline made of a delivery: derivatives, all in the store, or a refusal."""

    derivatives: tuple[Derivative, ...] = ()
    refused: ItemStatus | None = None
    problems: tuple[Problem, ...] = ()


def ingest(
    folder: Path,
    store: Store,
    drafts: Drafts,
    *,
    catalogue: Catalogue,
    run_master: RunMaster,
    work: Path,
    dry_run: bool = False,
    jobs: int = 1,
    clock: Clock = utc_now,
    progress: Progress | None = None,
) -> IngestReport:
    """Read the folder's manifest, store its masters and derivatives, save its drafts.

    work: a folder for the pipeline's files while it runs; what is left of it afterwards is removed.
    dry_run: all checks, nothing written anywhere.
    Raises StoreUnavailable or DraftsFailed when it had to stop; what was done until then stays, and a
    repetition goes on from there.
    """
    rows, problems = read_manifest(folder, catalogue)
    deliveries = _digest_masters(rows, problems)
    if _has_error(problems):
        return IngestReport((), tuple(problems))
    if dry_run:
        return IngestReport(tuple(_item(one, ItemStatus.CHECKED) for one in deliveries), tuple(problems))
    items = []
    with closing(_run_all(deliveries, store, drafts, run_master, work, jobs)) as outcomes:
        for done, (delivery, outcome) in enumerate(zip(deliveries, outcomes, strict=True), 1):
            problems += outcome.problems
            status = outcome.refused or _save(delivery, outcome.derivatives, drafts, clock)
            items.append(_item(delivery, status))
            if progress is not None:
                progress(done, len(deliveries), delivery.row.file)
    return IngestReport(tuple(items), tuple(problems))


def _digest_masters(rows: list[ManifestRow], problems: list[Problem]) -> list[_Delivery]:
    """Read every file once, whole; notes files that cannot be read and rows that mean the same draft."""
    deliveries: list[_Delivery] = []
    digests: dict[Path, str] = {}
    rows_of: dict[str, int] = {}
    for row in rows:
        try:
            sha256 = digests.setdefault(row.path, "") or sha256_of(row.path)
        except OSError as error:
            message = f"The file cannot be read: {error.strerror}."
            problems.append(Problem(MANIFEST_NAME, f"{row.where}, file", message, "Check its permissions."))
            continue
        digests[row.path] = sha256
        delivery = _Delivery(row, sha256)
        first = rows_of.setdefault(delivery.draft_id, row.number)
        if first != row.number:
            message = f"The file holds the same as that of row {first}, for the same site and kind."
            problems.append(Problem(MANIFEST_NAME, f"{row.where}, file", message, "Remove one of the rows."))
        deliveries.append(delivery)
    return deliveries


def _run_all(
    deliveries: list[_Delivery], store: Store, drafts: Drafts, run_master: RunMaster, work: Path, jobs: int
) -> Generator[_Outcome, None, None]:
    """The outcomes in the rows' order, `jobs` masters at a time."""
    known = [drafts.find(delivery.draft_id) for delivery in deliveries]  # drafts are for this thread alone
    work.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as pool:
        runs = [
            pool.submit(_run_one, delivery, store, draft, run_master, work)
            for delivery, draft in zip(deliveries, known, strict=True)
        ]
        try:
            for run in runs:
                yield run.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _run_one(
    delivery: _Delivery, store: Store, draft: Draft | None, run_master: RunMaster, work: Path
) -> _Outcome:
    """Run the pipeline, store the master and what was made of it; all of it may be there already."""
    row = delivery.row
    if draft is not None and _is_up_to_date(draft, store):
        return _Outcome(draft.derivatives)
    with work_folder(work) as out:
        results = run_master(row.path, name=row.file, out=out, kind=row.kind.value)
        problems = tuple(_in_row(row, problem) for result in results for problem in result.problems)
        if any(result.status is Status.FAILED for result in results):
            return _Outcome((), ItemStatus.FAILED, problems)
        if any(result.status is Status.REFUSED for result in results):
            return _Outcome((), ItemStatus.REFUSED, problems)
        derivatives = tuple(derivative for result in results for derivative in result.derivatives)
        if not derivatives:
            return _refused(row, f"There is no recipe which makes a {row.kind} of this file.")
        is_same = all(result.master_sha256 == delivery.sha256 for result in results)
        if not (is_same and _put_same_master(delivery, store)):
            advice = "Deliver it again when it is complete."
            return _refused(row, "The file changed while it was read.", advice)
        for derivative in derivatives:
            put_derivative(store, derivative, out / derivative.derivative_id)
    return _Outcome(derivatives, None, problems)


def _put_same_master(delivery: _Delivery, store: Store) -> bool:
    """Store the master; False when its file, or one that it refers to, changed in the meantime."""
    try:
        put_master(store, delivery.row.path, delivery.sha256)
    except ContentChanged:
        return False
    return True


def _is_up_to_date(draft: Draft, store: Store) -> bool:
    """Whether today's recipes made the draft's derivatives, and all of them are whole in the store."""
    kind = MasterKind(draft.experience.kind.value)
    wanted = {versioned_name(recipe) for recipe in choose_recipes(kind, ())}
    if {derivative.recipe for derivative in draft.derivatives} != wanted:
        return False
    return not find_incomplete(store, [derivative.derivative_id for derivative in draft.derivatives])


def _save(
    delivery: _Delivery, derivatives: tuple[Derivative, ...], drafts: Drafts, clock: Clock
) -> ItemStatus:
    saved = drafts.save(_experience(delivery, derivatives), delivery.sha256, at=clock())
    return ItemStatus(saved.value)


def _experience(delivery: _Delivery, derivatives: tuple[Derivative, ...]) -> Experience:
    row = delivery.row
    return Experience(
        id=delivery.draft_id,
        site_id=row.site.id,
        kind=row.kind,
        title=row.title,
        summary=row.summary,
        attribution=row.attribution,
        triggers=_triggers(row.site),
        anchor=_anchor(row),
        media=(MediaItem(MediaRole(row.kind.value), derivatives, row.alt),),
        illustration=row.illustration,
    )


def _triggers(site: Site) -> tuple[Trigger, ...]:
    """On entering the site's own area, if it has one: a site without position has no geofence."""
    area = f"{site.id}-area"
    has_area = any(geofence.id == area for geofence in site.geofences)
    return (Trigger(TriggerKind.ENTER, area),) if has_area else ()


def _anchor(row: ManifestRow) -> Anchor | None:
    """On the ground at the given point, for a manifest knows no height. It never makes a geofence live."""
    return None if row.position is None else Anchor(AnchorKind.GROUND, GeoPose(row.position))


def _item(delivery: _Delivery, status: ItemStatus) -> IngestItem:
    return IngestItem(delivery.row.number, delivery.row.file, delivery.draft_id, status)


def _refused(row: ManifestRow, message: str, advice: str = "") -> _Outcome:
    return _Outcome((), ItemStatus.REFUSED, (Problem(row.file, row.where, message, advice),))


def _in_row(row: ManifestRow, problem: Problem) -> Problem:
    return replace(problem, where=", ".join(filter(None, (row.where, problem.where))))


def _has_error(problems: Sequence[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)
