"""STL, text and binary, to a Surface: triangles whose equal corners are joined, so that it can be simplified.

trimesh reads binary files. Text is read here: trimesh's words of a large file take many times its length.

The normals in the file are not read: they are the triangles' own, or wrong. Neither are the colours that some
programs hide in the spare bytes of a triangle, for they mean something else in each.
"""

import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from trimesh.exchange.stl import load_stl_binary

from asset_pipeline.models.reading.surfaces import (
    PLAIN,
    Floats,
    Surface,
    as_float32,
    check_finite,
    unique_points,
)
from asset_pipeline.models.reading.text_numbers import parse_floats
from asset_pipeline.outcome import Refused, refuse

HEADER_BYTES = 84
TRIANGLE_BYTES = 50
BLOCK_BYTES = 8 * 1024 * 1024  # of a text file at a time; its words take many times their length
_NAMES = re.compile(rb"(?im)^[ \t]*(?:end)?solid\b[^\r\n]*")
_VERTEX = re.compile(rb"(?i)\bvertex\s+(\S+\s+\S+\s+\S+)")


def read_stl(body: bytes) -> Surface:
    """Raises Refused for files cut off, without triangles, or with corners that are no numbers."""
    start = body[:1024].lstrip().lower()
    is_text = start.startswith(b"solid") and b"\0" not in start
    corners = _read_text(body) if is_text else _read_binary(body)
    if not len(corners):
        raise refuse("The STL file holds no triangles.", advice="Check that the export was not empty.")
    check_finite(corners)
    positions, place = unique_points(corners)
    return Surface(positions, place.reshape(-1, 3).astype(np.uint32), material=PLAIN)


def _read_binary(body: bytes) -> Floats:
    """A binary STL says how many triangles it has; its length must agree."""
    count = int.from_bytes(body[80:84], "little")
    expected = HEADER_BYTES + count * TRIANGLE_BYTES
    if len(body) != expected:
        raise refuse(
            f"The STL file announces {count} triangles ({expected} bytes), but has {len(body)} bytes.",
            advice="The file was probably cut off while it was copied; send it again.",
        )
    if not count:
        return np.empty((0, 3), np.float32)
    loaded: Any = load_stl_binary(io.BytesIO(body))
    return np.ascontiguousarray(loaded["vertices"], np.float32).reshape(-1, 3)


def _read_text(body: bytes) -> Floats:
    parts: list[NDArray[np.float64]] = []
    place = 0
    while place < len(body):
        block = body[place : place + BLOCK_BYTES]
        if place + len(block) < len(body):
            cut = block.lower().rfind(b"facet")  # one triangle is never cut in two
            if cut <= 0:
                raise _damaged()
            block = block[:cut]
        place += len(block)
        try:
            parts.append(parse_floats(b" ".join(_VERTEX.findall(_NAMES.sub(b"", block)))))
        except ValueError as error:
            raise _damaged() from error
    numbers = np.concatenate(parts)
    if numbers.size % 9:
        raise _damaged()
    return as_float32(numbers).reshape(-1, 3)


def _damaged() -> Refused:
    return refuse(
        "The STL file is cut off or damaged.", advice="Export the model again, best as binary STL or GLB."
    )
