"""Publish a release, in an order that is never wrong halfway, and roll back to one.

1. every derivative it shows is whole in the store (ingest put them there)
2. its files, each under the release's own id
3. its manifest, whose digest is the id
4. a record that takes the next sequence, made once
5. the pointer that readers follow

Stopped anywhere, readers have the old release or the new one, whole; repeated, it goes on where it was.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from content_api.publish.compile import MANIFEST_FILE, derivative_ids_of
from content_api.publish.errors import PublishRefused
from content_api.publish.pointer import (
    Clock,
    Current,
    ReleaseRecord,
    list_records,
    move_pointer,
    read_current,
    take_sequence,
)
from content_api.publish.whole import find_incomplete
from content_api.store.base import NotFound, Store, StoreRefused
from content_api.store.keys import RELEASES
from heritage_sites.catalogue_rules import Catalogue
from heritage_sites.codec import JsonInvalid, parse_json
from heritage_sites.problem import Problem
from heritage_sites.release import Release

MAX_MANIFEST_BYTES = 16 << 20  # what readers accept


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a publish or a rollback.

    is_new: False when the release was current already and nothing was written. warnings: what visitors may
    not reach although it is published, such as a bucket that refused our rule for public reading.
    """

    release_id: str
    sequence: int
    is_new: bool
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """A line of `halong-xr releases`."""

    record: ReleaseRecord
    is_current: bool


def publish_release(release: Release, store: Store, *, clock: Clock) -> Published:
    """Make the release the one that readers see. Raises PublishRefused when a derivative is not whole.

    PublishFailed or StoreUnavailable: it was not done; readers keep what they have; it may be repeated.
    """
    manifest = next(file for file in release.files if file.path == MANIFEST_FILE)
    if hashlib.sha256(manifest.body).hexdigest() != release.release_id:
        raise ValueError("release_id: want the SHA-256 of the manifest")
    current = read_current(store)
    if current is not None and current.release_id == release.release_id:
        return Published(current.release_id, current.sequence, is_new=False)
    _check_derivatives(store, _derivatives_in(manifest.body))  # 1 PublishRefused
    warnings = store.make_public_readable()
    for file in (*(file for file in release.files if file is not manifest), manifest):  # 2, 3
        store.put_new(_key(release.release_id, file.path), file.body, media_type=file.media_type)
    record = _make_current(store, release.release_id, clock)  # 4, 5
    return Published(release.release_id, record.sequence, is_new=True, warnings=warnings)


def rollback(store: Store, release_id: str, *, clock: Clock) -> Published:
    """Publish an earlier release again, under a higher sequence. PublishRefused for one never published.

    release_id may be shortened to its first 8 or more digits, as long as it means one release.
    """
    release_id = _find_release(store, release_id)
    current = read_current(store)
    if current is not None and current.release_id == release_id:
        return Published(release_id, current.sequence, is_new=False)
    _check_derivatives(store, _derivatives_in(_stored_manifest(store, release_id)))
    record = _make_current(store, release_id, clock)
    return Published(release_id, record.sequence, is_new=True)


def list_releases(store: Store) -> list[ListedRelease]:
    """Every release that was made current, oldest first."""
    current = read_current(store)
    return [
        ListedRelease(record, current == Current(record.release_id, record.sequence))
        for record in list_records(store)
    ]


def find_publish_problems(store: Store, catalogue: Catalogue) -> list[Problem]:
    """A Problem for each experience with a derivative that is not whole in the store."""
    incomplete = set(find_incomplete(store, derivative_ids_of(catalogue)))
    return [
        Problem(
            file=f"experiences/{experience.id}.json",
            where=f"{derivative.usage}/{derivative.quality}",
            message=f"The derivative {derivative.derivative_id} is not whole in the store.",
            advice="Ingest its folder again.",
        )
        for experience in catalogue.experiences
        for medium in experience.media
        for derivative in medium.derivatives
        if derivative.derivative_id in incomplete
    ]


def _make_current(store: Store, release_id: str, clock: Clock) -> ReleaseRecord:
    record = take_sequence(store, release_id, clock)  # 4
    move_pointer(store, record)  # 5
    return record


def _check_derivatives(store: Store, derivative_ids: Iterable[str]) -> None:
    incomplete = find_incomplete(store, derivative_ids)
    if incomplete:
        raise PublishRefused(
            Problem(
                "", derivative_id, "This derivative is not whole in the store.", "Ingest its folder again."
            )
            for derivative_id in incomplete
        )


def _derivatives_in(manifest: bytes) -> list[str]:
    return [str(derivative_id) for derivative_id in parse_json(manifest)["derivatives"]]


def _find_release(store: Store, wanted: str) -> str:
    ids = list(dict.fromkeys(record.release_id for record in list_records(store)))
    found = [release_id for release_id in ids if release_id == wanted or _is_start(wanted, release_id)]
    if len(found) == 1:
        return found[0]
    if found:
        problem = Problem("", wanted, f"{len(found)} releases begin with this.", "Give more of its digits.")
    else:
        known = ", ".join(release_id[:12] for release_id in ids[-5:])
        advice = f"The latest are {known}." if ids else "Nothing has been published yet."
        problem = Problem("", wanted[:64], "There is no release with this id.", advice)
    raise PublishRefused([problem])


def _is_start(wanted: str, release_id: str) -> bool:
    return len(wanted) >= 8 and release_id.startswith(wanted)


def _stored_manifest(store: Store, release_id: str) -> bytes:
    """The manifest of a stored release, whose files are all there. PublishRefused when it is damaged."""
    try:
        manifest = store.get(_key(release_id, MANIFEST_FILE), max_bytes=MAX_MANIFEST_BYTES)
        whole = hashlib.sha256(manifest).hexdigest() == release_id
        for file in parse_json(manifest)["files"] if whole else ():
            body = store.get(_key(release_id, file["path"]), max_bytes=file["bytes"])
            whole = whole and hashlib.sha256(body).hexdigest() == file["sha256"]
    except (NotFound, StoreRefused, JsonInvalid):
        whole = False
    if not whole:
        raise PublishRefused([Problem("", release_id, "This release is damaged in the store.")])
    return manifest


def _key(release_id: str, path: str) -> str:
    return f"{RELEASES}{release_id}/{path}"
