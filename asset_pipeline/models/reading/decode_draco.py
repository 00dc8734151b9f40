"""KHR_draco_mesh_compression: a primitive's compressed part back as indices and attributes."""

from dataclasses import dataclass
from typing import Any

import DracoPy
import numpy as np

from asset_pipeline.models.document import DTYPE_OF_COMPONENT_TYPE, Accessor, Array, JsonObject
from asset_pipeline.models.reading.read_accessors import components_of
from asset_pipeline.outcome import refuse

EXTENSION = "KHR_draco_mesh_compression"
MAX_FACES_PER_BYTE = 200  # real meshes need at least a bit per face; more is a lie about the count
_EDGEBREAKER = 1


@dataclass(frozen=True, slots=True)
class DracoHeader:
    """What the part says about itself, read before anything is decoded."""

    faces: int
    points: int


def parse_draco_header(body: memoryview, where: str) -> DracoHeader:
    """Face and point count of a Draco mesh (bitstream 2.x). Refused: point clouds, other versions, damage."""
    if len(body) < 12 or bytes(body[:5]) != b"DRACO" or body[5] != 2:
        raise refuse("a Draco-compressed part is damaged or of an unknown version.", where=where)
    minor, geometry, method = body[6], body[7], body[8]
    if geometry != 1:
        raise refuse("a Draco-compressed part holds points, not a mesh.", where=where)
    flags = body[9] | body[10] << 8
    if flags & 0x8000:
        return DracoHeader(-1, -1)  # metadata stands first; the counts lie behind it
    offset = 12 if method == _EDGEBREAKER else 11
    if minor < 2:
        numbers = np.frombuffer(body[offset : offset + 8], "<u4") if len(body) >= offset + 8 else None
        if numbers is None:
            raise refuse("a Draco-compressed part is damaged.", where=where)
        first, second = int(numbers[0]), int(numbers[1])
    else:
        first, offset = _varint(body, offset, where)
        second, _ = _varint(body, offset, where)
    return DracoHeader(second, first) if method == _EDGEBREAKER else DracoHeader(first, second)


def _varint(body: memoryview, offset: int, where: str) -> tuple[int, int]:
    value = shift = 0
    while offset < len(body) and shift < 35:
        byte = body[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if not byte & 0x80:
            return value, offset
    raise refuse("a Draco-compressed part is damaged.", where=where)


def decode_primitive(
    body: memoryview, ids: dict[str, int], accessors: dict[str, JsonObject], where: str
) -> tuple[Array, dict[str, Accessor]]:
    """(indices (n, 1) uint32, accessor per attribute name).

    ids: Draco's unique id per attribute name; accessors: the tree's accessor objects per attribute name.
    """
    header = parse_draco_header(body, where)
    if max(header.faces, header.points) > len(body) * MAX_FACES_PER_BYTE:
        raise refuse("a Draco-compressed part claims more data than it can hold.", where=where)
    try:
        mesh = DracoPy.decode(bytes(body))
    except (ValueError, RuntimeError, TypeError, DracoPy.FileTypeException, MemoryError) as error:
        raise refuse("a Draco-compressed part is damaged.", where=where) from error
    if not hasattr(mesh, "faces"):
        raise refuse("a Draco-compressed part holds points, not a mesh.", where=where)
    found: dict[int, Any] = {attribute["unique_id"]: attribute for attribute in mesh.attributes}
    columns: dict[str, Accessor] = {}
    for name, unique_id in ids.items():
        if unique_id not in found:
            raise refuse(f"the Draco-compressed part lacks the attribute {name}.", where=where)
        columns[name] = _column(found[unique_id]["data"], accessors[name], name, where)
    indices = np.asarray(mesh.faces, np.uint32).reshape(-1, 1)
    return indices, columns


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
