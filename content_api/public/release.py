"""Open the release that a store names as current, and believe nothing that its digests do not vouch for.

1. `metadata/current.json` names a release id and a sequence. (It is not signed: who may write it is trusted.)
2. The SHA-256 of the manifest's bytes must be the release id.
3. Every file that the manifest lists must have the listed length and SHA-256.
4. `content.json` must hold a catalogue whose parts speak only of what is there.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from content_api.public.errors import ReleaseCorrupt, ReleaseMissing
from content_api.public.open_release import OpenRelease, open_catalogue
from content_api.store.base import NotFound, Store, StoreRefused
from heritage_sites.asset import check_path
from heritage_sites.catalogue_rules import Catalogue
from heritage_sites.codec import JsonInvalid, from_json, parse_json

CURRENT_KEY = "metadata/current.json"
CONTENT_FILE = "content.json"
FORMAT = 1

MAX_CURRENT_BYTES = 4096  # an id and a number
MAX_MANIFEST_BYTES = 16 * 1024 * 1024  # 100,000 derivatives at 67 bytes each, and as much again
MAX_FILES = 1000  # of a release itself, without derivatives
MAX_FILE_BYTES = 128 * 1024 * 1024  # content.json of some 20,000 experiences; held in memory once

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CurrentRelease:
    """What the store names as current."""

    release_id: str
    sequence: int


def load_release(store: Store) -> OpenRelease:
    """The current release, verified and indexed.

    Raises ReleaseMissing (nothing published yet), ReleaseCorrupt (not what was published), StoreUnavailable.
    """
    return open_release(store, read_current(store))


def read_current(store: Store) -> CurrentRelease:
    """What the store names as current now. Raises as load_release."""
    try:
        body = store.get(CURRENT_KEY, max_bytes=MAX_CURRENT_BYTES)
    except NotFound as missing:
        raise ReleaseMissing("nothing has been published into this store yet") from missing
    except StoreRefused as refused:
        raise ReleaseCorrupt(str(refused)) from refused
    current = _parse(body, CURRENT_KEY)
    release_id, sequence = current.get("release_id"), current.get("sequence")
    if not isinstance(release_id, str) or not _SHA256.fullmatch(release_id):
        raise ReleaseCorrupt(f"{CURRENT_KEY}: release_id is not a SHA-256")
    if type(sequence) is not int or not 1 <= sequence < 2**31:
        raise ReleaseCorrupt(f"{CURRENT_KEY}: sequence is not a number from 1")
    return CurrentRelease(release_id, sequence)


def open_release(store: Store, current: CurrentRelease) -> OpenRelease:
    """A named release, verified and indexed. Raises as load_release."""
    folder = f"releases/{current.release_id}/"
    manifest_bytes = _read(store, f"{folder}manifest.json", MAX_MANIFEST_BYTES)
    if hashlib.sha256(manifest_bytes).hexdigest() != current.release_id:
        raise ReleaseCorrupt("the manifest's SHA-256 is not the release id")
    content: bytes | None = None
    for path, length, sha256 in _listed_files(_parse(manifest_bytes, "manifest.json")):
        body = _read(store, folder + path, length)
        if len(body) != length or hashlib.sha256(body).hexdigest() != sha256:
            raise ReleaseCorrupt(f"{path} is not the file that the manifest lists")
        if path == CONTENT_FILE:
            content = body
    if content is None:
        raise ReleaseCorrupt(f"the manifest lists no {CONTENT_FILE}")
    catalogue = _parse_content(content)
    return open_catalogue(catalogue, release_id=current.release_id, sequence=current.sequence)


def _listed_files(manifest: dict[str, Any]) -> list[tuple[str, int, str]]:
    """Path, length and SHA-256 of each listed file."""
    _check_format(manifest, "manifest.json")
    files = manifest.get("files")
    if not isinstance(files, list) or len(files) > MAX_FILES:
        raise ReleaseCorrupt(f"manifest.json: want a list of at most {MAX_FILES} files")
    return [_listed_file(file) for file in files]


def _listed_file(file: Any) -> tuple[str, int, str]:
    if not isinstance(file, dict):
        raise ReleaseCorrupt("manifest.json: a file is no object")
    path, length, sha256 = file.get("path"), file.get("bytes"), file.get("sha256")
    try:
        check_path("path", path)  # type: ignore[arg-type]  # refuses what is no text
    except ValueError as problem:
        raise ReleaseCorrupt(f"manifest.json: {problem}") from problem
    if type(length) is not int or not 0 <= length <= MAX_FILE_BYTES:
        raise ReleaseCorrupt(f"manifest.json: {path} has no length up to {MAX_FILE_BYTES}")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ReleaseCorrupt(f"manifest.json: {path} has no SHA-256")
    return str(path), length, sha256


def _parse_content(body: bytes) -> Catalogue:
    content = _parse(body, CONTENT_FILE)
    _check_format(content, CONTENT_FILE)
    if "licences" not in content or "experiences" not in content:
        raise ReleaseCorrupt(f"{CONTENT_FILE}: licences or experiences are missing")
    try:
        return from_json(Catalogue, content, strict=False)  # a newer version may have written more
    except JsonInvalid as invalid:
        raise ReleaseCorrupt(f"{CONTENT_FILE}: {invalid}") from invalid


def _check_format(document: dict[str, Any], name: str) -> None:
    if document.get("format") != FORMAT:
        raise ReleaseCorrupt(f"{name}: want format {FORMAT}")


def _parse(body: bytes, name: str) -> dict[str, Any]:
    try:
        document = parse_json(body)
    except JsonInvalid as invalid:
        raise ReleaseCorrupt(f"{name}: {invalid}") from invalid
    if not isinstance(document, dict):
        raise ReleaseCorrupt(f"{name}: want an object")
    return document


def _read(store: Store, key: str, max_bytes: int) -> bytes:
    try:
        return store.get(key, max_bytes=max_bytes)
    except (
        StoreRefused
    ) as refused:  # missing or longer than listed; StoreUnavailable passes: a retry may help
        raise ReleaseCorrupt(str(refused)) from refused
