"""A release: an immutable, published snapshot, named by what it holds."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from heritage_sites.asset import check_media_type, check_path
from heritage_sites.checks import sha256_hex, unique


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of a release, in memory; `path` is relative to the release."""

    path: str
    media_type: str
    body: bytes

    def __post_init__(self) -> None:
        check_path("path", self.path)
        check_media_type("media_type", self.media_type)

    @property
    def sha256(self) -> str:
        """SHA-256 of the body, in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Release:
    """The files of a release; `release_id` is the SHA-256 of its manifest's bytes."""

    release_id: str
    files: tuple[ReleaseFile, ...]

    def __post_init__(self) -> None:
        sha256_hex("release_id", self.release_id)
        unique("files", (file.path for file in self.files))


def canonical_json(value: Any) -> bytes:
    """The value as JSON that is the same bytes for equal values: sorted keys, no spaces, UTF-8, no NaN.

    ValueError for NaN and infinities, TypeError for what is not JSON.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
