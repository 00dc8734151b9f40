"""What an image is and how large, from its first bytes: nothing is decoded, so a bomb costs nothing here.

Knows PNG, JPEG, WebP, AVIF and KTX2, which a glTF may hold, and names others it meets (GIF, BMP, TIFF, KTX,
DDS) so that a refusal can say what was found. Raises ImageUnreadable for bytes that end or contradict
themselves.
"""

import struct
from dataclasses import dataclass

MAX_BOXES = 500  # boxes of an AVIF read before giving up; a real file has about 30
MAX_SEGMENTS = 2000  # segments of a JPEG before its frame; a real file has under 100


class ImageUnreadable(Exception):
    """The bytes are not a whole header of an image we know; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Media type and size. Both sizes are 0 for a type that is only named, not read (see `is_measured`)."""

    media_type: str
    width_px: int
    height_px: int

    @property
    def is_measured(self) -> bool:
        """Whether the size was read from the header."""
        return self.width_px > 0


def parse_image_header(body: bytes) -> ImageHeader:
    """The header of an encoded image. Raises ImageUnreadable."""
    try:
        header = _parse(body)
    except (struct.error, IndexError) as error:
        raise ImageUnreadable("the file ends inside its header") from error
    if header.media_type in _MEASURED and not header.is_measured:
        raise ImageUnreadable("its header says that it has no pixels")
    return header


_MEASURED = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif", "image/ktx2"})


def _parse(body: bytes) -> ImageHeader:
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        if body[12:16] != b"IHDR":
            raise ImageUnreadable("a PNG that does not begin with its size")
        return ImageHeader("image/png", *struct.unpack_from(">II", body, 16))
    if body.startswith(b"\xff\xd8\xff"):
        return ImageHeader("image/jpeg", *_jpeg_size(body))
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return ImageHeader("image/webp", *_webp_size(body))
    if body.startswith(b"\xabKTX 20\xbb\r\n\x1a\n"):
        width, height = struct.unpack_from("<II", body, 20)
        return ImageHeader("image/ktx2", width, height)
    if body[4:8] == b"ftyp":
        brands = body[8 : min(struct.unpack_from(">I", body)[0], 200)]
        if b"avif" in brands or b"avis" in brands:
            return ImageHeader("image/avif", *_avif_size(body))
        return ImageHeader("image/heic", 0, 0)
    for magic, media_type in _NAMED:
        if body.startswith(magic):
            return ImageHeader(media_type, 0, 0)
    raise ImageUnreadable("the file is empty" if not body else "it is not an image of a kind we know")


_NAMED = (
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\xabKTX 11\xbb", "image/ktx"),
    (b"DDS ", "image/vnd-ms.dds"),
)


def _jpeg_size(body: bytes) -> tuple[int, int]:
    offset = 2
    for _ in range(MAX_SEGMENTS):
        while body[offset] == 0xFF and body[offset + 1] == 0xFF:  # fill bytes
            offset += 1
        if body[offset] != 0xFF:
            raise ImageUnreadable("a JPEG with damaged segments")
        marker = body[offset + 1]
        (length,) = struct.unpack_from(">H", body, offset + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", body, offset + 5)
            return width, height
        if marker in (0xD9, 0xDA) or length < 2:
            raise ImageUnreadable("a JPEG whose picture has no size")
        offset += 2 + length
    raise ImageUnreadable("a JPEG with too many segments before its picture")


def _webp_size(body: bytes) -> tuple[int, int]:
    chunk = body[12:16]
    if chunk == b"VP8X":
        width, height = body[24:27], body[27:30]
        if len(height) < 3:
            raise IndexError
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ImageUnreadable("a WebP without a picture")


def _avif_size(body: bytes) -> tuple[int, int]:
    """The largest `ispe` property: a grid's whole size is larger than its tiles'."""
    sizes = [(0, 0)]
    spans = [(0, len(body))]
    for _ in range(MAX_BOXES):
        if not spans:
            break
        start, end = spans.pop()
        if start + 8 > end:
            continue
        length, kind = struct.unpack_from(">I4s", body, start)
        first = start + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", body, first)
            first += 8
        stop = end if length == 0 else start + length
        if stop > end or stop < first:
            raise ImageUnreadable("an AVIF with damaged parts")
        spans.append((stop, end))
        if kind == b"ispe":
            sizes.append(struct.unpack_from(">II", body, first + 4))
        elif kind == b"meta":
            spans.append((first + 4, stop))
        elif kind in (b"iprp", b"ipco"):
            spans.append((first, stop))
    return max(sizes, key=lambda size: size[0] * size[1])
