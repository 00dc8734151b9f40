"""KHR_draco_mesh_compression: primitives' triangles and attributes as one compressed part each.

Positions are rounded to one grid per group of meshes (steps/position_grids.py), UVs per repeat of the
texture, normals octahedral. Colours, joints, weights and further UV sets go in as small whole numbers. What
Draco's encoder cannot take (tangents, own attributes) stays beside it in ordinary views, in Draco's order of
vertices.

Not compressed: points, lines, strips and fans, primitives with morph targets, and whatever the encoder
refuses. Meshes of those alone get positions on a grid of whole numbers instead. Triangles with two corners
in one point draw nothing and are dropped by Draco.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import DracoPy
import numpy as np

from asset_pipeline.models.document import TRIANGLES, Accessor, Array, Document, DocumentEditor, JsonObject
from asset_pipeline.models.geometry import Geometry, geometry_of, primitive_key, take_rows
from asset_pipeline.models.reading.decode_draco import MAX_FACES_PER_BYTE
from asset_pipeline.models.steps.position_grids import TINY_M, Bounds, Grid, choose_grids, mesh_bounds
from asset_pipeline.models.steps.quantize import quantize_small
from asset_pipeline.models.steps.quantize_positions import quantize_positions

DRACO = "KHR_draco_mesh_compression"
MAX_16_BIT_VERTICES = 65_535
MAX_UV_BITS = 20  # a UV set over more than 2**8 repeats at 12 bits each; beyond, floats are kept
LEVELS = (5, 7, 9, 10)  # which is smallest differs from mesh to mesh by some per cent
MANY_TRIANGLES = 300_000  # above, only the level that is best for large meshes is tried


@dataclass(frozen=True, slots=True)
class DracoBits:
    """Steps of the grids as powers of two. uv: per repeat of the texture."""

    position: int
    uv: int
    direction: int


@dataclass(frozen=True, slots=True, eq=False)
class DracoParts:
    """The model with the numbers as readers will decode them, and the compressed parts.

    bodies: what `KHR_draco_mesh_compression.bufferView` in the tree indexes, not yet views.
    inside: accessors that are stored only in those parts.
    """

    document: Document
    bodies: tuple[bytes, ...] = ()
    inside: frozenset[int] = field(default_factory=frozenset[int])


def encode_draco(document: Document, bits: DracoBits) -> DracoParts:
    """Compress every primitive that can be; primitives that share their numbers share the part."""
    fitting = _fitting_meshes(document)
    others = frozenset(range(len(document.items("meshes")))) - frozenset(fitting)
    document = quantize_positions(quantize_small(document), bits=min(bits.position, 16), only=others)
    bounds: dict[int, Bounds] = {}
    for index in fitting:
        found = mesh_bounds(document, document.items("meshes")[index])
        if found is not None and TINY_M < float((found[1] - found[0]).max()) < np.inf:
            bounds[index] = found
    grids = choose_grids(document, bounds, bits=bits.position)
    editor = document.edit()
    bodies: list[bytes] = []
    inside: set[int] = set()
    done: dict[tuple[object, ...], JsonObject | None] = {}
    for index, mesh in enumerate(editor.items("meshes")):
        for primitive in mesh["primitives"]:
            if index not in grids or not _fits(document, primitive):
                continue
            key = (grids[index], *primitive_key(primitive))
            if key not in done:
                done[key] = _store(editor, primitive, grids[index], bits, bodies, inside)
            stored = done[key]
            if stored is not None:
                primitive["indices"] = stored["indices"]
                primitive["attributes"] = dict(stored["attributes"])
                primitive.setdefault("extensions", {})[DRACO] = dict(stored["extension"])
    if bodies:
        editor.use_extension(DRACO, required=True)
    return DracoParts(editor.finish(), tuple(bodies), frozenset(inside))


def _fitting_meshes(document: Document) -> list[int]:
    found = {index for index, _, primitive in document.primitives() if _fits(document, primitive)}
    return sorted(found)


def _fits(document: Document, primitive: JsonObject) -> bool:
    number = primitive["attributes"].get("POSITION")
    if primitive.get("mode", TRIANGLES) != TRIANGLES or primitive.get("targets") or number is None:
        return False
    corners: int = document.accessors[primitive.get("indices", number)].count
    return corners >= 3 and corners % 3 == 0


def _store(
    editor: DocumentEditor,
    primitive: JsonObject,
    grid: Grid,
    bits: DracoBits,
    bodies: list[bytes],
    inside: set[int],
) -> JsonObject | None:
    """Add the part and its accessors to the model; what the primitive is to hold, None where it fails."""
    part = encode_geometry(geometry_of(editor, primitive), grid, bits)
    if part is None:
        return None
    bodies.append(part.body)
    attributes: dict[str, int] = {}
    for name, column in part.decoded.items():
        attributes[name] = editor.add_accessor(column)
        inside.add(attributes[name])
    for name, column in part.beside.items():
        attributes[name] = editor.add_accessor(column)
    indices = editor.add_accessor(part.indices)
    inside.add(indices)
    extension = {"bufferView": len(bodies) - 1, "attributes": dict(part.ids)}
    ordered = {name: attributes[name] for name in primitive["attributes"]}
    return {"indices": indices, "attributes": ordered, "extension": extension}


@dataclass(frozen=True, slots=True, eq=False)
class DracoPart:
    """One compressed primitive. decoded: columns as a reader gets them from `body`, by attribute name.

    beside: columns that are not in it, in the same order of vertices. ids: Draco's number by name.
    """

    body: bytes = field(repr=False)
    indices: Accessor
    decoded: Mapping[str, Accessor]
    beside: Mapping[str, Accessor]
    ids: Mapping[str, int]


def encode_geometry(geometry: Geometry, grid: Grid, bits: DracoBits) -> DracoPart | None:
    """The smallest part over the levels tried, or None where Draco cannot hold it."""
    geometry, faces = _used_rows(geometry)
    packed = {name: _packed(name, column) for name, column in geometry.attributes.items()}
    taken = {name: column for name, column in packed.items() if column is not None}
    arguments = _arguments(taken, grid, bits)
    levels = LEVELS if len(faces) <= MANY_TRIANGLES else LEVELS[-1:]
    bodies: list[bytes] = []
    for level in levels:
        found = _encode(faces, arguments, level)
        if found is None:
            return None
        bodies.append(found)
    body = min(bodies, key=len)
    mesh = DracoPy.decode(body)
    if max(len(mesh.faces), len(mesh.points)) > len(body) * MAX_FACES_PER_BYTE:
        return None  # so even that our own reader takes it for a bomb
    ids = _read_ids(mesh, taken)
    columns = {number["unique_id"]: number["data"] for number in mesh.attributes}
    decoded = {name: _as_column(columns[ids[name]], taken[name]) for name in taken}
    beside: dict[str, Accessor] = {}
    if len(taken) < len(packed):
        order = _order(faces, arguments, levels[bodies.index(body)], mesh)
        if order is None:
            return None
        beside = {
            name: take_rows(column, order)
            for name, column in geometry.attributes.items()
            if name not in taken
        }
    dtype = np.uint16 if len(mesh.points) <= MAX_16_BIT_VERTICES else np.uint32
    indices = Accessor(np.asarray(mesh.faces).astype(dtype).reshape(-1, 1), "SCALAR")
    return DracoPart(body, indices, decoded, beside, ids)


def _used_rows(geometry: Geometry) -> tuple[Geometry, Array]:
    """The geometry without rows nothing draws, and its triangles (n, 3)."""
    if geometry.indices is None:
        return geometry, np.arange(geometry.vertices, dtype=np.uint32).reshape(-1, 3)
    rows, faces = np.unique(geometry.indices, return_inverse=True)
    if len(rows) < geometry.vertices:
        geometry = geometry.take(rows)
    return geometry, faces.astype(np.uint32).reshape(-1, 3)


def _packed(name: str, column: Accessor) -> Accessor | None:
    """The column as Draco is to hold it; None for what stays beside it."""
    if name in ("POSITION", "NORMAL", "TEXCOORD_0"):
        return Accessor(column.as_floats(), column.type, name=column.name)
    kind = name.split("_")[0]
    if kind in ("COLOR", "JOINTS", "WEIGHTS", "TEXCOORD") and column.array.dtype in (np.uint8, np.uint16):
        return column
    if kind == "TEXCOORD":
        return _whole_uv(column)
    return None


def _whole_uv(column: Accessor) -> Accessor | None:
    """A further UV set in [0, 1] as uint16: DracoPy has one slot for UVs on a grid, others must be whole."""
    values = column.as_floats().astype(np.float64)
    if values.min(initial=0.0) < 0.0 or values.max(initial=0.0) > 1.0:
        return None
    return Accessor(np.rint(values * 65535.0).astype(np.uint16), "VEC2", True, column.name)


def _arguments(columns: Mapping[str, Accessor], grid: Grid, bits: DracoBits) -> dict[str, Any]:
    """What DracoPy.encode takes besides triangles and level."""
    arguments: dict[str, Any] = {
        "points": columns["POSITION"].array,
        "quantization_bits": grid.bits,
        "quantization_range": grid.step * (2**grid.bits - 1),
        "quantization_origin": np.array(grid.offset, np.float32),
    }
    if "NORMAL" in columns:
        arguments["normals"] = columns["NORMAL"].array.astype(np.float64)
        arguments["normal_quantization_bits"] = bits.direction
    if "TEXCOORD_0" in columns:
        arguments["tex_coord"] = columns["TEXCOORD_0"].array.astype(np.float64)
        arguments["tex_coord_quantization_bits"] = _uv_bits(columns["TEXCOORD_0"].array, bits.uv)
    generic = [name for name in sorted(columns) if name not in ("POSITION", "NORMAL", "TEXCOORD_0")]
    if generic:
        arguments["generic_attributes"] = {
            number: np.ascontiguousarray(columns[name].array) for number, name in enumerate(generic)
        }
    return arguments


def _uv_bits(uvs: Array, bits: int) -> int | None:
    """Draco spreads its steps over what the UVs span; more bits where that is several repeats, fewer for
    a part of one.
    """
    span = float((uvs.max(axis=0).astype(np.float64) - uvs.min(axis=0)).max())
    wanted = bits + int(np.ceil(np.log2(max(span, 2.0**-bits)) - 1e-6))
    return max(wanted, 1) if wanted <= MAX_UV_BITS else None


def _encode(faces: Array, arguments: Mapping[str, Any], level: int) -> bytes | None:
    try:
        return bytes(DracoPy.encode(faces=faces, compression_level=level, **arguments))
    except (DracoPy.EncodingFailedException, AssertionError, ValueError, RuntimeError):
        return None  # the writer stores the primitive in the ordinary way


_POSITION, _NORMAL, _TEXCOORD = 0, 1, 3  # Draco's kinds of attributes


def _read_ids(mesh: Any, columns: Mapping[str, Accessor]) -> dict[str, int]:
    """Draco's number of each attribute, read back from what was encoded."""
    by_kind = {attribute["attribute_type"]: attribute["unique_id"] for attribute in mesh.attributes}
    named = {"POSITION": _POSITION, "NORMAL": _NORMAL, "TEXCOORD_0": _TEXCOORD}
    generic = [name for name in sorted(columns) if name not in named]
    ids = {name: number for number, name in enumerate(generic)}
    for name, kind in named.items():
        if name in columns:
            ids[name] = by_kind[kind]
    return {name: ids[name] for name in columns}


def _as_column(data: Any, stored: Accessor) -> Accessor:
    array = np.ascontiguousarray(np.asarray(data).reshape(len(data), -1).astype(stored.array.dtype))
    return Accessor(array, stored.type, stored.normalized, stored.name)


def _order(faces: Array, arguments: Mapping[str, Any], level: int, mesh: Any) -> Array | None:
    """Which row each decoded vertex came from: the same triangles encoded once more, with row numbers."""
    generic = dict(arguments.get("generic_attributes", {}))
    number = len(generic)
    generic[number] = np.arange(len(arguments["points"]), dtype=np.uint32).reshape(-1, 1)
    body = _encode(faces, {**arguments, "generic_attributes": generic}, level)
    if body is None:
        return None
    numbered = DracoPy.decode(body)
    if not np.array_equal(numbered.faces, mesh.faces) or not np.array_equal(numbered.points, mesh.points):
        return None
    (rows,) = [found["data"] for found in numbered.attributes if found["unique_id"] == number]
    return np.asarray(rows).reshape(-1).astype(np.int64)
