"""The compressed parts (chunks) of a LAZ file, held against the file's length before they are decoded.

In the layered compression of point formats 6 and up each chunk says how long its layers are, and the decoder
takes that much memory at once: 33 kB can ask for 3 GB. So every such length is read here first.
"""

import struct
from typing import BinaryIO

import lazrs

from asset_pipeline.outcome import Refused, refuse

MAX_POINTS_PER_BYTE = 4  # of a scan 1 is very good; more is a file made to keep a decoder busy
FEW_POINTS = 10_000_000  # so many may be as small as they like; they take about 4 s
MAX_CHUNKS = 1_000_000  # usual are 50,000 points in each
_LAYERED = 3  # kind of compression
_LAYERS_OF_ITEM = {10: 9, 11: 1, 12: 2, 13: 1}  # 14, extra bytes: one for each byte
_EXTRA_BYTES = 14
_FIRST_LAYERED = 10
_CUT_OFF = "The file was probably cut off while it was copied; send it again."


def check_laz(
    file: BinaryIO, description: bytes, *, points: int, record_bytes: int, first_point: int, size_bytes: int
) -> None:
    """Raises Refused where the parts do not fill the file exactly.

    description: the body of the record in which the file says how it is compressed.
    """
    if points > max(FEW_POINTS, MAX_POINTS_PER_BYTE * size_bytes):
        raise refuse(
            f"The LAZ header announces {points:,} points, which {size_bytes:,} bytes cannot hold.",
            advice=_CUT_OFF,
        )
    items = _items(description)
    if sum(size for _, size in items) != record_bytes:
        raise _damaged("its points are not as long as it says")
    table = _table_place(file, first_point, size_bytes)
    file.seek(table)
    chunks = struct.unpack("<II", file.read(8))[1]
    if not 0 < chunks <= min(MAX_CHUNKS, points, size_bytes // record_bytes):
        raise _damaged(f"it announces {chunks:,} parts")
    parts = _chunks(file, description, first_point)
    lengths = [length for _, length in parts]
    if len(parts) != chunks or sum(lengths) != table - first_point - 8 or min(lengths) < record_bytes:
        raise _damaged("its parts do not fill it")
    held = sum(count for count, _ in parts)
    if not held - parts[-1][0] < points <= held:  # past the last part a decoder would read what is no part
        raise _damaged(f"its parts hold {held:,} points, its header announces {points:,}")
    if struct.unpack_from("<H", description)[0] == _LAYERED or any(
        kind >= _FIRST_LAYERED for kind, _ in items
    ):
        layers = sum(size if kind == _EXTRA_BYTES else _LAYERS_OF_ITEM.get(kind, 0) for kind, size in items)
        _check_layers(file, first_point + 8, lengths, record_bytes, layers)


def _items(description: bytes) -> list[tuple[int, int]]:
    """(kind, bytes of a point) of what is compressed apart from each other."""
    count = struct.unpack_from("<H", description, 32)[0] if len(description) >= 34 else 0
    if len(description) < 34 + 6 * count:
        raise _damaged("it does not say how it is compressed")
    items = [struct.unpack_from("<HH", description, 34 + 6 * index) for index in range(count)]
    return [(int(kind), int(size)) for kind, size in items]


def _table_place(file: BinaryIO, first_point: int, size_bytes: int) -> int:
    file.seek(first_point)
    place = file.read(8)
    table = struct.unpack("<q", place)[0] if len(place) == 8 else size_bytes
    if table == -1:  # written as a stream: the place of the table stands at the very end
        file.seek(size_bytes - 8)
        table = struct.unpack("<q", file.read(8))[0]
    if not first_point + 8 <= table <= size_bytes - 8:
        raise refuse("The LAZ file is cut off: its table of parts is missing.", advice=_CUT_OFF)
    return int(table)


def _chunks(file: BinaryIO, description: bytes, first_point: int) -> list[tuple[int, int]]:
    """(points, bytes) of each; the last may hold fewer points than it says."""
    file.seek(first_point)
    try:
        table = lazrs.read_chunk_table(file, lazrs.LazVlr(description))
        return [(int(points), int(length)) for points, length in table]
    except (lazrs.LazrsError, ValueError, OverflowError, OSError) as error:
        raise _damaged("its table of parts cannot be read") from error


def _check_layers(file: BinaryIO, place: int, lengths: list[int], record_bytes: int, layers: int) -> None:
    """Each chunk: its first point plain, a count, the length of each layer, the layers."""
    head_bytes = record_bytes + 4 + 4 * layers
    for length in lengths:
        file.seek(place + record_bytes + 4)
        sizes = struct.unpack(f"<{layers}I", file.read(4 * layers).ljust(4 * layers, b"\0"))
        if head_bytes + sum(sizes) != length:
            raise _damaged("a part is not as long as its layers")
        place += length


def _damaged(why: str) -> Refused:
    return refuse(f"The point cloud is damaged: {why}.", advice="Export it again as LAS 1.4 or LAZ.")
