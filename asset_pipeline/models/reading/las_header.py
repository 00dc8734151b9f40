"""The header of a LAS or LAZ file, read and checked before a library touches the file.

Every count in it is held against the length of the file, so that a header that lies costs nothing.
"""

import math
import struct
from dataclasses import dataclass
from typing import BinaryIO

from asset_pipeline.models.reading.laz_chunks import check_laz
from asset_pipeline.outcome import Refused, refuse

MIN_HEADER_BYTES = 227  # LAS 1.0 to 1.2
HEADER_BYTES_1_4 = 375
VLR_HEADER_BYTES = 54
EVLR_HEADER_BYTES = 60
MAX_VLRS = 10_000  # real files have a handful
MAX_KEPT_VLR_BYTES = 65_536  # of those looked at here: coordinate systems are some kilobytes of text
FEWEST_RECORD_BYTES = (20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67)  # by point format
_LASZIP = ("laszip encoded", 22204)
_CUT_OFF = "The file was probably cut off while it was copied; send it again."


@dataclass(frozen=True, slots=True)
class Vlr:
    """A record beside the points: who defined it, its number, its bytes (at most MAX_KEPT_VLR_BYTES)."""

    user_id: str
    record_id: int
    body: bytes


@dataclass(frozen=True, slots=True)
class LasHeader:
    """What the file says about itself, checked. scales and offsets: coordinate = whole number * scale +
    offset.
    """

    points: int
    point_format: int
    record_bytes: int
    is_compressed: bool
    scales: tuple[float, float, float]
    offsets: tuple[float, float, float]
    vlrs: tuple[Vlr, ...]


def parse_las_header(file: BinaryIO, size_bytes: int) -> LasHeader:
    """The header and the records beside the points. Raises Refused for what cannot be true."""
    head = file.read(HEADER_BYTES_1_4)
    if len(head) < MIN_HEADER_BYTES or head[:4] != b"LASF":
        raise _damaged("it ends inside its header")
    major, minor = head[24], head[25]
    if major != 1 or minor > 4:
        raise refuse(
            f"This is LAS version {major}.{minor}; versions 1.0 to 1.4 are read.",
            advice="Save it as LAS 1.4 or LAZ.",
        )
    header_bytes, first_point, vlr_count, kind, record_bytes, points = struct.unpack_from("<HIIBHI", head, 94)
    if minor == 4 and len(head) == HEADER_BYTES_1_4:
        points = struct.unpack_from("<Q", head, 247)[0] or points
    is_compressed, point_format = bool(kind & 0x80), kind & 0x3F
    if point_format >= len(FEWEST_RECORD_BYTES):
        raise _damaged(f"its points are of the unknown format {point_format}")
    if record_bytes < FEWEST_RECORD_BYTES[point_format]:
        raise _damaged(f"{record_bytes} bytes are too few for a point of format {point_format}")
    if not header_bytes <= first_point <= size_bytes or header_bytes < MIN_HEADER_BYTES:
        raise _damaged("its points would begin outside the file")
    if points == 0:
        raise refuse("The point cloud holds no points.", advice="Check that the export was not empty.")
    numbers = struct.unpack_from("<6d", head, 131)
    if not all(map(math.isfinite, numbers)) or 0.0 in numbers[:3]:
        raise _damaged("its scale or offset is not a usable number")
    vlrs = _read_vlrs(file, header_bytes, first_point, vlr_count)
    if minor == 4 and len(head) == HEADER_BYTES_1_4:
        evlr_start, evlr_count = struct.unpack_from("<QI", head, 235)
        vlrs += _read_evlrs(file, evlr_start, evlr_count, size_bytes)
    if is_compressed:
        _check_compression(file, vlrs, points, record_bytes, first_point, size_bytes)
    elif points * record_bytes > size_bytes - first_point:
        raise refuse(
            f"The LAS header announces {points:,} points of {record_bytes} bytes, "
            f"but the file has only {size_bytes - first_point:,} bytes of points.",
            advice=_CUT_OFF,
        )
    return LasHeader(
        points, point_format, record_bytes, is_compressed, numbers[:3], numbers[3:], tuple(vlrs)
    )  # fmt: skip


def _read_vlrs(file: BinaryIO, start: int, end: int, count: int) -> list[Vlr]:
    if count > MAX_VLRS or count * VLR_HEADER_BYTES > end - start:
        raise _damaged(f"it announces {count:,} records before its points")
    found = []
    place = start
    for _ in range(count):
        file.seek(place)
        head = file.read(VLR_HEADER_BYTES)
        length = struct.unpack_from("<H", head, 20)[0] if len(head) == VLR_HEADER_BYTES else end
        if place + VLR_HEADER_BYTES + length > end:
            raise _damaged("a record before its points is longer than there is room")
        found.append(_vlr(head, file.read(length)))
        place += VLR_HEADER_BYTES + length
    return found


def _read_evlrs(file: BinaryIO, start: int, count: int, size_bytes: int) -> list[Vlr]:
    if not count:
        return []
    if count > MAX_VLRS or start + count * EVLR_HEADER_BYTES > size_bytes:
        raise _damaged(f"it announces {count:,} records behind its points")
    found = []
    place = start
    for _ in range(count):
        file.seek(place)
        head = file.read(EVLR_HEADER_BYTES)
        length = struct.unpack_from("<Q", head, 20)[0] if len(head) == EVLR_HEADER_BYTES else size_bytes
        if place + EVLR_HEADER_BYTES + length > size_bytes:
            raise _damaged("a record behind its points is longer than the file")
        if length <= MAX_KEPT_VLR_BYTES:
            found.append(_vlr(head, file.read(length)))
        place += EVLR_HEADER_BYTES + length
    return found


def _vlr(head: bytes, body: bytes) -> Vlr:
    user_id = head[2:18].split(b"\0")[0].decode("ascii", "replace")
    return Vlr(user_id, int(struct.unpack_from("<H", head, 18)[0]), body)


def _check_compression(
    file: BinaryIO, vlrs: list[Vlr], points: int, record_bytes: int, first_point: int, size_bytes: int
) -> None:
    description = next((vlr.body for vlr in vlrs if (vlr.user_id, vlr.record_id) == _LASZIP), None)
    if description is None:
        raise _damaged("it is compressed, but does not say how")
    check_laz(
        file, description, points=points, record_bytes=record_bytes, first_point=first_point,
        size_bytes=size_bytes,
    )  # fmt: skip


def _damaged(why: str) -> Refused:
    return refuse(f"The point cloud is damaged: {why}.", advice="Export it again as LAS 1.4 or LAZ.")
