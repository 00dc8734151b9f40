"""The USDZ container: a ZIP whose entries are stored and start at multiples of 64 bytes.

Written by hand, because bytes must be the same every time and no ZIP library aligns. Source of the rules: the
USDZ file format specification, "zip constraints" and "layout".
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asset_pipeline.outcome import refuse

ALIGNMENT_BYTES = 64  # data can then be used where it lies in a mapped file
MAX_PACKAGE_BYTES = 2**32 - 2**20  # of the container itself: a plain ZIP counts in 32 bits
MAX_ENTRIES = 10_000

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_PADDING_ID = 0x1986  # the extra field that USD's own tools pad with
_DATE = 0x0021  # 1980-01-01, the first day a ZIP knows
_END_BYTES = 22


class NotAPackage(ValueError):
    """The file's ZIP structure cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in a package. start: of its data, in bytes from the file's beginning. method 0: stored."""

    name: str
    method: int
    is_encrypted: bool
    start: int
    stored_bytes: int
    crc32: int


def write_package(files: Sequence[tuple[str, bytes]], path: Path) -> None:
    """Write the files in this order. Names must be ASCII. Refused past what a plain ZIP can hold."""
    if sum(len(body) for _, body in files) > MAX_PACKAGE_BYTES or len(files) > MAX_ENTRIES:
        raise refuse(
            "The model is too large for a USDZ package (4 GB).",
            advice="Use smaller textures or fewer triangles.",
        )
    central = b""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as out:
        for name, body in files:
            encoded = name.encode("ascii")
            offset = out.tell()
            padding = _padding(offset + 30 + len(encoded))
            sizes = struct.pack("<IIIHH", zlib.crc32(body), len(body), len(body), len(encoded), len(padding))
            out.write(_LOCAL + struct.pack("<HHHHH", 20, 0, 0, 0, _DATE) + sizes + encoded + padding)
            out.write(body)
            central += _CENTRAL + struct.pack("<HHHHHH", 20, 20, 0, 0, 0, _DATE)
            central += struct.pack("<IIIHH", zlib.crc32(body), len(body), len(body), len(encoded), 0)
            central += struct.pack("<HHHII", 0, 0, 0, 0, offset) + encoded
        start = out.tell()
        out.write(central)
        out.write(_END + struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(central), start, 0))
    part.replace(path)


def _padding(position: int) -> bytes:
    """An extra field that moves what follows `position` to the alignment; empty if it is there already."""
    missing = -position % ALIGNMENT_BYTES
    if missing == 0:
        return b""
    if missing < 4:  # the field's own head needs four bytes
        missing += ALIGNMENT_BYTES
    return struct.pack("<HH", _PADDING_ID, missing - 4) + bytes(missing - 4)


def read_entries(body: bytes) -> list[Entry]:
    """The entries as the local headers place them, in the order of their data.

    Raises NotAPackage for what is no plain ZIP, has too many entries, or whose entries lie outside the file.
    """
    end = body.rfind(_END, max(0, len(body) - _END_BYTES - 65_535))
    if end < 0 or end + _END_BYTES > len(body):
        raise NotAPackage("it has no ZIP directory at its end")
    count, size, start = struct.unpack_from("<HII", body, end + 10)
    if count > MAX_ENTRIES:
        raise NotAPackage(f"it has {count} entries, more than {MAX_ENTRIES}")
    entries, place = [], start
    for _ in range(count):
        if place + 46 > min(len(body), start + size) or body[place : place + 4] != _CENTRAL:
            raise NotAPackage("its ZIP directory is damaged")
        flags, method = struct.unpack_from("<HH", body, place + 8)
        crc32, stored, _, name_length, extra_length, comment_length = struct.unpack_from(
            "<IIIHHH", body, place + 16
        )
        local = struct.unpack_from("<I", body, place + 42)[0]
        name = body[place + 46 : place + 46 + name_length].decode("utf-8", "replace")
        place += 46 + name_length + extra_length + comment_length
        if local + 30 > len(body) or body[local : local + 4] != _LOCAL:
            raise NotAPackage(f"the entry {name!r} points to nothing")
        data = local + 30 + sum(struct.unpack_from("<HH", body, local + 26))
        if data + stored > len(body):
            raise NotAPackage(f"the entry {name!r} ends outside the file")
        entries.append(Entry(name, method, bool(flags & 1), data, stored, crc32))
    return sorted(entries, key=lambda entry: entry.start)
