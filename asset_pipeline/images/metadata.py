"""The little that is read of a picture's metadata: which way is up, and the XMP packet.

Nothing of it is ever written again: derivatives carry pixels only.
"""

import binascii
import re
from pathlib import Path
from typing import Any

from PIL.Image import Exif

MAX_XMP_BYTES = 256 * 1024  # a panorama's packet has 2 kB; editing histories grow to some hundred
MAX_EXIF_BYTES = 1024 * 1024
MAX_AVIF_HEAD_BYTES = 64 * 1024  # the boxes before the coded picture
ORIENTATION_TAG = 0x0112

_XMP_ORIENTATION = re.compile(rb"tiff:Orientation(?:=\"|='|>)\s*([1-8])\b")
_RAW_PROFILE = re.compile(r"png-comment-\d+-Raw profile type (exif|APP1|xmp)")


def orientation_of(pixels: Any, format_name: str) -> int:
    """EXIF orientation 1 to 8 of the stored pixels; 1 where none, or no valid one, is given.

    AVIF turns pictures in its container, which the decoder has already obeyed. PNG may carry it in three
    places.
    """
    if format_name == "avif":
        return 1
    if pixels.get_typeof("orientation"):
        value = int(pixels.get("orientation"))
        return value if 1 <= value <= 8 else 1
    for kind, data in _raw_profiles(pixels):
        if kind != "xmp" and (found := _exif_orientation(data)):
            return found
    match = _XMP_ORIENTATION.search(xmp_of(pixels))
    return int(match.group(1)) if match else 1


def xmp_of(pixels: Any) -> bytes:
    """The XMP packet, or b"" where there is none or it is longer than `MAX_XMP_BYTES`."""
    if pixels.get_typeof("xmp-data"):
        data = bytes(pixels.get("xmp-data"))
        return data if len(data) <= MAX_XMP_BYTES else b""
    return next((data for kind, data in _raw_profiles(pixels) if kind == "xmp"), b"")


def coded_colour_of(path: Path) -> tuple[int, int] | None:
    """Primaries and transfer curve (ITU-T H.273 numbers) of an AVIF that names them instead of a profile."""
    with path.open("rb") as file:
        head = file.read(MAX_AVIF_HEAD_BYTES)
    at = head.find(b"colrnclx")
    if at < 0 or at + 12 > len(head):
        return None
    return int.from_bytes(head[at + 8 : at + 10], "big"), int.from_bytes(head[at + 10 : at + 12], "big")


def _raw_profiles(pixels: Any) -> list[tuple[str, bytes]]:
    """EXIF and XMP as ImageMagick writes them into PNG text: a name, a length, hexadecimal digits."""
    found: list[tuple[str, bytes]] = []
    try:
        fields = pixels.get_fields()
    except UnicodeDecodeError:
        return found  # a PNG text with a broken name: nothing of it can be read through pyvips
    for field in fields:
        match = _RAW_PROFILE.fullmatch(field)
        if not match:
            continue
        try:
            text = str(pixels.get(field))
            if len(text) <= 4 * MAX_EXIF_BYTES:
                found.append((match.group(1), binascii.unhexlify("".join(text.split()[2:]))))
        except ValueError:
            continue  # not such a profile after all, or no text
    return found


def _exif_orientation(data: bytes) -> int:
    exif = Exif()
    try:
        exif.load(data)
        value = exif.get(ORIENTATION_TAG, 0)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError):
        return 0  # damaged EXIF says nothing
    return value if isinstance(value, int) and 1 <= value <= 8 else 0
