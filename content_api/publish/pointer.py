"""What names the current release: a record per sequence, made once, and one pointer that only moves up.

metadata/releases/00000007.json   {"published_at", "release_id", "sequence"}: who came seventh; never changed
metadata/current.json             {"release_id", "sequence"}: what readers open

The record decides a race between publishers, the pointer follows. Neither is signed yet.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from content_api.publish.errors import PublishFailed
from content_api.store.base import NotFound, Store
from content_api.store.keys import JSON, METADATA
from heritage_sites.codec import JsonInvalid, parse_json
from heritage_sites.release import canonical_json

Clock = Callable[[], datetime]  # aware, UTC

CURRENT_KEY = f"{METADATA}current.json"
RECORDS = f"{METADATA}releases/"
MAX_RECORD_BYTES = 4096  # an id, a number and a time
MAX_ATTEMPTS = 50  # races lost in a row before we give up; each means that another publisher got through

_RECORD_KEY = re.compile(re.escape(RECORDS) + r"([0-9]{8})\.json")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """A release at its place in the sequence. Several records may name one release: it was rolled back to."""

    release_id: str
    sequence: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Current:
    """What readers are told to open."""

    release_id: str
    sequence: int


def read_current(store: Store) -> Current | None:
    """The current release, None before the first. Raises PublishFailed when the pointer is damaged."""
    try:
        body = store.get(CURRENT_KEY, max_bytes=MAX_RECORD_BYTES)
    except NotFound:
        return None
    document = _parse(CURRENT_KEY, body)
    return Current(_id_in(document, CURRENT_KEY), _sequence_in(document, CURRENT_KEY))


def list_records(store: Store) -> list[ReleaseRecord]:
    """Every release by its sequence, oldest first."""
    return [_read_record(store, key) for key in _record_keys(store)]


def take_sequence(store: Store, release_id: str, clock: Clock) -> ReleaseRecord:
    """The release's place: a new highest sequence, or the highest there is if it names this release already.

    The latter is a publish that was stopped between its record and the pointer: it goes on where it was.
    """
    for _attempt in range(MAX_ATTEMPTS):
        keys = _record_keys(store)
        last = _read_record(store, keys[-1]) if keys else None
        if last is not None and last.release_id == release_id:
            return last
        record = ReleaseRecord(release_id, last.sequence + 1 if last else 1, clock())
        if store.put_new(_record_key(record.sequence), _encode(record), media_type=JSON):
            return record
    raise PublishFailed(f"{MAX_ATTEMPTS} times another publisher took the next sequence; try again later")


def move_pointer(store: Store, record: ReleaseRecord) -> None:
    """Make the release current, unless one of a higher sequence is: the sequence never falls."""
    body = canonical_json({"release_id": record.release_id, "sequence": record.sequence})
    for _attempt in range(MAX_ATTEMPTS):
        before = store.head(CURRENT_KEY)  # the tag first: what is read after it is as new or newer
        current = read_current(store) if before else None
        if current is not None and current.sequence >= record.sequence:
            return
        if store.replace(CURRENT_KEY, body, media_type=JSON, etag=before.etag if before else None):
            return
    raise PublishFailed(f"{CURRENT_KEY} changed {MAX_ATTEMPTS} times under our hands; try again later")


def _record_keys(store: Store) -> list[str]:
    return [key for key in store.list(RECORDS) if _RECORD_KEY.fullmatch(key)]


def _record_key(sequence: int) -> str:
    return f"{RECORDS}{sequence:08d}.json"


def _encode(record: ReleaseRecord) -> bytes:
    return canonical_json(
        {
            "release_id": record.release_id,
            "sequence": record.sequence,
            "published_at": record.published_at.astimezone(UTC).isoformat(timespec="seconds"),
        }
    )


def _read_record(store: Store, key: str) -> ReleaseRecord:
    document = _parse(key, store.get(key, max_bytes=MAX_RECORD_BYTES))
    sequence = _sequence_in(document, key)
    if _record_key(sequence) != key:
        raise PublishFailed(f"{key}: names the sequence {sequence}")
    try:
        published_at = datetime.fromisoformat(document["published_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise PublishFailed(f"{key}: has no published_at") from error
    return ReleaseRecord(_id_in(document, key), sequence, published_at)


def _parse(key: str, body: bytes) -> dict[str, Any]:
    try:
        document = parse_json(body)
    except JsonInvalid as error:
        raise PublishFailed(f"{key}: {error}") from error
    if not isinstance(document, dict):
        raise PublishFailed(f"{key}: want an object")
    return document


def _id_in(document: dict[str, Any], key: str) -> str:
    release_id = document.get("release_id")
    if not isinstance(release_id, str) or not _SHA256.fullmatch(release_id):
        raise PublishFailed(f"{key}: release_id is not a SHA-256")
    return release_id


def _sequence_in(document: dict[str, Any], key: str) -> int:
    sequence = document.get("sequence")
    if type(sequence) is not int or not 1 <= sequence < 10**8:
        raise PublishFailed(f"{key}: sequence is not a number from 1")
    return sequence
