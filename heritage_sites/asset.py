"""What the pipeline makes of a master: derivatives, and the media that experiences show."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from heritage_sites.checks import FieldInvalid, set_field, sha256_hex, unique, whole_number, word
from heritage_sites.frozen import freeze
from heritage_sites.text import LocalisedText

MAX_FILE_BYTES = 2**40  # 1 TiB; a larger number is a broken one
MAX_PATH_CHARS = 200  # with its prefix it stays under the 255 bytes of file systems and the 1024 of S3

_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*(?:; ?charset=utf-8)?")
_RECIPE = re.compile(r"[a-z][a-z0-9_-]*@[0-9]+(?:\.[0-9]+)*")
_MEASURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Usage(StrEnum):
    """What a derivative is for (the words of Smithsonian Voyager; the last four are ours)."""

    WEB_3D = "Web3D"
    APP_3D = "App3D"
    IOS_APP_3D = "iOSApp3D"
    IMAGE_2D = "Image2D"
    PANORAMA = "Panorama"
    TURNTABLE = "Turntable"  # stills around a model
    TILES_3D = "Tiles3D"  # 3D Tiles, for the city's digital twin
    ARCHIVE_3D = "Archive3D"  # the whole model in the plainest form, for those who come after us


class Quality(StrEnum):
    """How much of the master a derivative keeps (the words of Smithsonian Voyager)."""

    THUMB = "Thumb"
    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"
    HIGHEST = "Highest"
    AR = "AR"


@dataclass(frozen=True, slots=True)
class DerivativeFile:
    """One file of a derivative; `path` is relative to the derivative, plain ASCII with forward slashes."""

    path: str
    media_type: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        check_path("path", self.path)
        check_media_type("media_type", self.media_type)
        whole_number("bytes", self.bytes, 0, MAX_FILE_BYTES)
        sha256_hex("sha256", self.sha256)


@dataclass(frozen=True, slots=True)
class Derivative:
    """A file set made from a master. Its id is the SHA-256 of its canonical file list.

    recipe: `name@version`. measures: flat JSON with units in the names (triangles, texture_px_max, ...);
    lists in it become tuples.
    """

    derivative_id: str
    usage: Usage
    quality: Quality
    files: tuple[DerivativeFile, ...]
    recipe: str
    measures: Mapping[str, Any]
    master_sha256: str

    def __post_init__(self) -> None:
        set_field(self, "usage", word("usage", Usage, self.usage))
        set_field(self, "quality", word("quality", Quality, self.quality))
        if not self.files:
            raise FieldInvalid("files", "want at least one file")
        unique("files", (file.path for file in self.files))
        set_field(self, "files", tuple(sorted(self.files, key=lambda file: file.path)))
        sha256_hex("derivative_id", self.derivative_id)
        if self.derivative_id != derivative_id_of(self.files):
            raise FieldInvalid(
                "derivative_id", f"want the files' {derivative_id_of(self.files)}, got {self.derivative_id}"
            )
        if not _RECIPE.fullmatch(self.recipe):
            raise FieldInvalid("recipe", f"want name@version, got {self.recipe!r}")
        check_json("measures", self.measures)
        set_field(self, "measures", freeze(dict(self.measures)))
        sha256_hex("master_sha256", self.master_sha256)


def canonical_file_list(files: Iterable[DerivativeFile]) -> bytes:
    """The file list, the same bytes for the same files: what `files.json` holds and what the id digests."""
    rows = [
        {"bytes": file.bytes, "media_type": file.media_type, "path": file.path, "sha256": file.sha256}
        for file in sorted(files, key=lambda file: file.path)
    ]
    return json.dumps(rows, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def derivative_id_of(files: Iterable[DerivativeFile]) -> str:
    """SHA-256, in hexadecimal, of the canonical file list."""
    return hashlib.sha256(canonical_file_list(files)).hexdigest()


class MediaRole(StrEnum):
    """What a medium is to its experience."""

    MODEL = "model"
    PANORAMA = "panorama"
    PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class MediaItem:
    """One medium of an experience in all its derivatives, with words for those who cannot see it."""

    role: MediaRole
    derivatives: tuple[Derivative, ...]
    alt: LocalisedText

    def __post_init__(self) -> None:
        set_field(self, "role", word("role", MediaRole, self.role))
        set_field(self, "derivatives", tuple(self.derivatives))
        # not by id alone: two recipes may make the same bytes of a tiny master, for two uses
        unique("derivatives", (f"{one.derivative_id} {one.usage} {one.quality}" for one in self.derivatives))


def check_path(field: str, path: str) -> None:
    """ValueError unless the path is relative, ASCII, and cannot leave its folder or hide in it."""
    if not isinstance(path, str) or len(path) > MAX_PATH_CHARS or not _PATH.fullmatch(path):
        raise FieldInvalid(field, f"want a relative path of letters, digits and ._-/, got {str(path)[:60]!r}")


def check_media_type(field: str, media_type: str) -> None:
    """ValueError unless it looks like model/gltf-binary."""
    if not isinstance(media_type, str) or len(media_type) > 100 or not _MEDIA_TYPE.fullmatch(media_type):
        raise FieldInvalid(field, f"want a media type such as image/jpeg, got {str(media_type)[:60]!r}")


def check_json(field: str, value: Any, depth: int = 0) -> None:
    """ValueError unless the value is plain JSON: no NaN, no odd types, at most 8 levels deep."""
    if depth > 8:
        raise FieldInvalid(field, "want at most 8 levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str) or not _MEASURE.fullmatch(key):
                raise FieldInvalid(field, f"want plain names, got {str(key)[:60]!r}")
            check_json(f"{field}.{key}" if depth < 2 else field, item, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            check_json(field, item, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise FieldInvalid(field, f"want a finite number, got {value}")
    elif not (value is None or isinstance(value, (bool, int, float, str))):
        raise FieldInvalid(field, f"want JSON, got a {type(value).__name__}")
