"""KHR_draco_mesh_compression: a primitive's compressed part back as indices and attributes."""

from dataclasses import dataclass
from typing import Any

import DracoPy
import numpy as np

from asset_pipeline.models.document import DTYPE_OF_COMPONENT_TYPE, Accessor, Array, JsonObject
from asset_pipeline.models.reading.read_accessors import components_of
from asset_pipeline.outcome import Refused, refuse

EXTENSION = "KHR_draco_mesh_compression"
MAX_FACES_PER_BYTE = 200  # real meshes need at least a bit per face; more is a lie about the count
MAX_COUNT = 20_000_000  # of faces or points: as many triangles as a model may have
_EDGEBREAKER = 1
_METADATA_FLAG = 0x8000


@dataclass(frozen=True, slots=True)
class DracoHeader:
    """What the part says about itself, read before anything is decoded."""

    faces: int
    points: int


def parse_draco_header(body: memoryview, where: str) -> DracoHeader:
    """Face and point count of a Draco mesh or cloud (bitstream 2.x). Refused: other versions, damage."""
    if len(body) < 12 or bytes(body[:5]) != b"DRACO" or body[5] != 2:
        raise _damaged(where, "or of an unknown version")
    minor, geometry, method = body[6], body[7], body[8]
    if geometry > 1:
        raise _damaged(where, "or of an unknown version")
    offset = 11
    if (body[9] | body[10] << 8) & _METADATA_FLAG:
        offset = _skip_metadata(body, offset, where)
    if geometry == 0:
        return DracoHeader(0, *_uint32s(body, offset, 1, where))
    if method == _EDGEBREAKER:
        offset += 1  # which traversal
    if minor < 2:
        first, second = _uint32s(body, offset, 2, where)
    else:
        first, offset = _varint(body, offset, where)
        second, _ = _varint(body, offset, where)
    return DracoHeader(second, first) if method == _EDGEBREAKER else DracoHeader(first, second)


def _uint32s(body: memoryview, offset: int, count: int, where: str) -> tuple[int, ...]:
    if len(body) < offset + 4 * count:
        raise _damaged(where)
    return tuple(int(number) for number in np.frombuffer(body[offset : offset + 4 * count], "<u4"))


def _skip_metadata(body: memoryview, offset: int, where: str) -> int:
    """The place behind the names and values that may stand before the counts. Ends, because each step reads
    at least a byte and there is none past the end.
    """
    attributes, offset = _varint(body, offset, where)
    for _ in range(attributes):
        _, offset = _varint(body, offset, where)  # the attribute's number
        offset = _skip_table(body, offset, where)
    return _skip_table(body, offset, where)  # of the geometry itself


def _skip_table(body: memoryview, offset: int, where: str) -> int:
    """Entries of name and value, then named tables of the same form below."""
    pending = [1]  # tables still to come, level by level
    while pending:
        if not pending[-1]:
            pending.pop()
            continue
        pending[-1] -= 1
        if len(pending) > 1:
            offset = _skip_name(body, offset)
        entries, offset = _varint(body, offset, where)
        for _ in range(entries):
            length, offset = _varint(body, _skip_name(body, offset), where)
            offset += length
        below, offset = _varint(body, offset, where)
        pending.append(below)
    return offset


def _skip_name(body: memoryview, offset: int) -> int:
    return offset + 1 + (body[offset] if offset < len(body) else 0)


def _varint(body: memoryview, offset: int, where: str) -> tuple[int, int]:
    value = shift = 0
    while offset < len(body) and shift < 35:
        byte = body[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if not byte & 0x80:
            return value, offset
    raise _damaged(where)


def decode_draco(body: memoryview, where: str, *, points_too: bool = False) -> Any:
    """DracoPy's DracoMesh, or its DracoPointCloud where points are wanted too. Refused: damage, a count that
    so few bytes cannot hold.
    """
    header = parse_draco_header(body, where)
    if max(header.faces, header.points) > min(len(body) * MAX_FACES_PER_BYTE, MAX_COUNT):
        raise _damaged(where, "or lies: it claims more data than it can hold")
    try:
        decoded = DracoPy.decode(bytes(body))
    except (ValueError, RuntimeError, TypeError, DracoPy.FileTypeException, MemoryError) as error:
        raise _damaged(where) from error
    if not points_too and not hasattr(decoded, "faces"):
        raise refuse("a Draco-compressed part holds points, not a mesh.", where=where)
    rows = {len(attribute["data"]) for attribute in decoded.attributes}
    corners = np.asarray(decoded.faces) if hasattr(decoded, "faces") else np.empty(0)
    if len(rows) > 1 or (
        corners.size and not 0 <= int(corners.min()) <= int(corners.max()) < max(rows, default=0)
    ):
        raise _damaged(where)  # the decoder takes the file's word for where its faces point
    return decoded


def decode_primitive(
    body: memoryview, ids: dict[str, int], accessors: dict[str, JsonObject], where: str
) -> tuple[Array, dict[str, Accessor]]:
    """(indices (n, 1) uint32, accessor per attribute name).

    ids: Draco's unique id per attribute name; accessors: the tree's accessor objects per attribute name.
    """
    mesh = decode_draco(body, where)
    found: dict[int, Any] = {attribute["unique_id"]: attribute for attribute in mesh.attributes}
    columns: dict[str, Accessor] = {}
    for name, unique_id in ids.items():
        if unique_id not in found:
            raise refuse(f"the Draco-compressed part lacks the attribute {name}.", where=where)
        columns[name] = _column(found[unique_id]["data"], accessors[name], name, where)
    indices = np.asarray(mesh.faces, np.uint32).reshape(-1, 1)
    return indices, columns


def _damaged(where: str, also: str = "") -> Refused:
    said = "a Draco-compressed part is damaged"
    return refuse(
        f"{said} {also}".strip() + ".", where=where, advice="Export the model again, or send it again."
    )


def _column(data: Any, accessor: JsonObject, name: str, where: str) -> Accessor:
    values = np.asarray(data)
    if values.ndim == 1:
        values = values.reshape(-1, 1)
    components = components_of(accessor, where)
    if values.shape[1] != components:
        raise refuse(
            f"the Draco-compressed {name} has {values.shape[1]} components, the accessor {components}.",
            where=where,
        )
    dtype = DTYPE_OF_COMPONENT_TYPE[accessor["componentType"]]
    if values.dtype.kind == "f" and dtype.kind != "f":
        values = np.rint(values)
    return Accessor(
        np.ascontiguousarray(values.astype(dtype)),
        accessor["type"],
        bool(accessor.get("normalized")),
        accessor.get("name", ""),
    )
