"""What a store promises, whatever it is made of: objects under keys, put whole or not at all.

StoreError
  StoreRefused:      NotFound, KeyInvalid, TooLarge, RangeInvalid, ContentChanged   (a retry is pointless)
  StoreUnavailable                                                     (we could not; a retry may help)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from heritage_sites.problem import Problem


class StoreError(Exception):
    """Anything that goes wrong with a store."""


class StoreRefused(StoreError):
    """The request itself is not acceptable; repeating it gives the same answer."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key


class NotFound(StoreRefused):
    """There is no object under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "no such object in the store")


class KeyInvalid(StoreRefused):
    """The key is not one a store may hold; see `keys.check_key`."""


class TooLarge(StoreRefused):
    """The object is larger than the reader allowed."""

    def __init__(self, key: str, *, limit_bytes: int, actual_bytes: int) -> None:
        super().__init__(key, f"object of {actual_bytes} bytes, at most {limit_bytes} were allowed")
        self.limit_bytes = limit_bytes
        self.actual_bytes = actual_bytes


class RangeInvalid(StoreRefused):
    """The range starts at or behind the object's end."""


class ContentChanged(StoreRefused):
    """A file's bytes are not those of the digest it was announced with."""


class StoreUnavailable(StoreError):
    """The store did not do it: no connection, no permission, no space."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Facts about one object. `etag` is opaque: equal tags mean equal bytes under one key."""

    bytes: int
    media_type: str
    etag: str


class Store(Protocol):
    """Objects under keys. Every method raises KeyInvalid for a bad key, StoreUnavailable when it
    could not.

    A reader sees an object whole or not at all, also while it is replaced and after its writer was killed.
    `media_type` must be the one of the key's suffix (`keys.media_type_of`), because a folder knows no other;
    anything else is a ValueError.
    """

    def put(self, key: str, body: bytes, *, media_type: str) -> None:
        """Store `body`, replacing what was there. For the few keys that change; all else is `put_new`."""

    def replace(self, key: str, body: bytes, *, media_type: str, etag: str | None) -> bool:
        """Store `body` if the object is still the one of that tag (None: still missing). False: it is not.

        For a pointer which several writers move: read its tag and value, decide, replace, else begin again.
        """

    def put_new(self, key: str, body: bytes, *, media_type: str) -> bool:
        """Store `body` unless the key exists. True: this call made it; of many at once only one gets it."""

    def put_file_new(self, key: str, path: Path, *, media_type: str, sha256: str | None = None) -> bool:
        """`put_new` of a file of any size, read in pieces.

        With `sha256` (hex) the bytes are checked on the way; when the file is another one by now,
        ContentChanged is raised and nothing stored. When the key exists, the file need not be read.
        """

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """The whole object. NotFound; TooLarge when it has more than `max_bytes`."""

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """At most `length` bytes (> 0) from offset `start` (>= 0), fewer at the end.

        NotFound; RangeInvalid when `start` is not inside the object.
        """

    def head(self, key: str) -> ObjectInfo | None:
        """Facts about the object, None when there is none."""

    def exists(self, key: str) -> bool:
        """Whether there is an object under the key."""

    def list(self, prefix: str) -> Iterator[str]:
        """Keys that start with `prefix` (any string of key characters, or ""), in byte order."""

    def delete(self, key: str) -> None:
        """Remove the object; nothing happens when there is none."""

    def public_url(self, key: str) -> str | None:
        """Where anyone may read the object over HTTP; None when the store itself serves nobody."""

    def make_public_readable(self) -> tuple[Problem, ...]:
        """Let anyone read what is public, and nothing else. What could not be done comes back as warnings."""
