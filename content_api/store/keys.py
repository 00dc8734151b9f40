"""Keys of the store: which are allowed, which are public, what type and caching they mean."""

import re

from content_api.store.base import KeyInvalid

MASTERS = "masters/"
DERIVATIVES = "derivatives/"
RELEASES = "releases/"
METADATA = "metadata/"
PRIVATE = "private/"

PUBLIC_PREFIXES = (DERIVATIVES, RELEASES, METADATA)  # anyone may read these; masters and private never

MAX_KEY_BYTES = 900  # S3 allows 1024; the rest is room for a bucket prefix
MAX_KEY_PART_BYTES = 250  # file systems end at 255; temporary names need none of it, they are short
_PART = re.compile(r"[a-z0-9][a-z0-9._-]*")  # no upper case: some file systems do not tell A from a
_PREFIX = re.compile(r"[a-z0-9._/-]*")

OCTETS = "application/octet-stream"
JSON = "application/json"
_MEDIA_TYPES = {
    "avif": "image/avif",
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "glb": "model/gltf-binary",
    "gltf": "model/gltf+json",
    "gpx": "application/gpx+xml",
    "graphql": "application/graphql",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "json": JSON,
    "ktx2": "image/ktx2",
    "m4a": "audio/mp4",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "ogg": "audio/ogg",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "txt": "text/plain; charset=utf-8",
    "usdz": "model/vnd.usdz+zip",
    "vtt": "text/vtt; charset=utf-8",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "zip": "application/zip",
}

FOREVER = "public, max-age=31536000, immutable"
REVALIDATE = "public, max-age=5, must-revalidate"  # metadata: what names the current release
NEVER = "private, no-store"


def check_key(key: str) -> str:
    """The key itself. KeyInvalid unless it is parts of a-z 0-9 . _ - joined by single slashes.

    No part starts with a dot, so there is no `..`, and a folder store may give its temporary files dot names.
    """
    if len(key) > MAX_KEY_BYTES:
        raise KeyInvalid(key[:80] + "...", f"key of {len(key)} bytes, at most {MAX_KEY_BYTES} are allowed")
    for part in key.split("/"):
        if not _PART.fullmatch(part):
            raise KeyInvalid(key, f"part {part!r}: want a-z 0-9 . _ - and a letter or digit first")
        if len(part) > MAX_KEY_PART_BYTES:
            raise KeyInvalid(key, f"part of {len(part)} bytes, at most {MAX_KEY_PART_BYTES} are allowed")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself. KeyInvalid when no key could start with it."""
    if not _PREFIX.fullmatch(prefix):
        raise KeyInvalid(prefix, "prefix: want only a-z 0-9 . _ - /")
    *folders, _last = prefix.split("/")
    if any(not _PART.fullmatch(part) for part in folders):
        raise KeyInvalid(prefix, "prefix: a folder in it is empty or starts with . _ or -")
    return prefix


def media_type_of(key: str) -> str:
    """The media type which the key's suffix means; application/octet-stream for others and for none."""
    name = key.rpartition("/")[2]
    _stem, dot, suffix = name.rpartition(".")
    return _MEDIA_TYPES.get(suffix, OCTETS) if dot else OCTETS


def check_media_type(key: str, media_type: str) -> str:
    """The media type itself; ValueError when it is not the one of the key's suffix."""
    if media_type != media_type_of(key):
        raise ValueError(f"media_type of {key}: want {media_type_of(key)!r}, got {media_type!r}")
    return media_type


def is_public(key: str) -> bool:
    """Whether anyone may read the object."""
    return key.startswith(PUBLIC_PREFIXES)


def cache_control_of(key: str) -> str:
    """How long a browser or CDN may keep the object: for ever, unless it names the current release."""
    if not is_public(key):
        return NEVER
    return REVALIDATE if key.startswith(METADATA) else FOREVER
