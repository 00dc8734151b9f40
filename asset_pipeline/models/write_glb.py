"""Write a Document as one GLB: geometry with EXT_meshopt_compression or Draco, images as they are, the same
bytes every time.

Columns of one kind (all positions, all normals, ...) lie in one buffer view: they compress better together.
Compressed views point to a fallback buffer that has a length but no data, as the extension wants; a reader
must know it.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import meshopt
import numpy as np

from asset_pipeline.models.document import (
    COMPONENT_TYPE_OF_DTYPE,
    TRIANGLES,
    Accessor,
    Array,
    Document,
    JsonObject,
    copy_tree,
)
from asset_pipeline.models.reading.containers import CHUNK_BIN, CHUNK_JSON, GLB_MAGIC
from asset_pipeline.models.references import Place, accessor_places, image_places
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.write_draco import DRACO, DracoBits, DracoParts, encode_draco

MESHOPT = "EXT_meshopt_compression"
GENERATOR = "halong-xr"
MAX_16_BIT_VERTICES = 65_535  # the last number means "primitive restart"

_SOURCE_EXTENSIONS = {
    "image/webp": "EXT_texture_webp",
    "image/avif": "EXT_texture_avif",
    "image/ktx2": "KHR_texture_basisu",
}
_VERTEX_TARGET, _INDEX_TARGET = 34962, 34963


class GeometryCodec(StrEnum):
    """How numbers are stored. NONE: in plain buffers, exactly as they come."""

    NONE = "none"
    MESHOPT = "meshopt"
    DRACO = "draco"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """geometry: DRACO takes the primitives it can hold; the file's others are written as with MESHOPT.

    position_bits, uv_bits: DRACO's grids, from a model with float attributes; the other codecs store numbers
    as they come (`quantize` puts them on grids). uv_bits are per repeat of the texture.
    direction_bits: of normals and tangents stored octahedral; with MESHOPT 8 (4 bytes a vertex) or up to
    16 (8 bytes). NONE keeps them as they are.
    """

    geometry: GeometryCodec = GeometryCodec.MESHOPT
    position_bits: int = 14
    uv_bits: int = 12
    direction_bits: int = 8

    def __post_init__(self) -> None:
        for name, low, high in (("position_bits", 8, 20), ("uv_bits", 8, 16), ("direction_bits", 4, 16)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: want {low} to {high}, got {value}")


def write_glb(document: Document, options: WriteOptions = WriteOptions()) -> bytes:
    """The model as GLB bytes. What nothing points to (accessors, images, textures) is left out."""
    parts = DracoParts(prune(document))
    if options.geometry is GeometryCodec.DRACO:
        bits = DracoBits(options.position_bits, options.uv_bits, options.direction_bits)
        parts = encode_draco(parts.document, bits)
    document = parts.document
    writer = _Writer(copy_tree(document.json), options)
    writer.store_draco(parts)
    writer.store_accessors(document, parts.inside)
    writer.store_images(document)
    return writer.finish()


@dataclass(slots=True, eq=False)
class _Stream:
    """Rows of several accessors that share a buffer view."""

    mode: str  # ATTRIBUTES, TRIANGLES, INDICES or RAW
    stride: int
    filter: str
    target: int | None
    shows_stride: bool
    rows: list[Array] = field(default_factory=list)
    count: int = 0


class _Writer:
    def __init__(self, tree: JsonObject, options: WriteOptions) -> None:
        self.tree = tree
        self.options = options
        self.compress = options.geometry is not GeometryCodec.NONE
        self.binary = bytearray()
        self.fallback_bytes = 0
        self.views: list[JsonObject] = []
        self.accessors: list[JsonObject] = []
        self.streams: dict[tuple[object, ...], _Stream] = {}

    def store_draco(self, parts: DracoParts) -> None:
        """Each compressed part as a buffer view; primitives that share one share the view."""
        views = []
        for body in parts.bodies:
            self.views.append(self._append(body))
            views.append(len(self.views) - 1)
        for mesh in self.tree.get("meshes", []):
            for primitive in mesh["primitives"]:
                extension = primitive.get("extensions", {}).get(DRACO)
                if extension is not None:
                    extension["bufferView"] = views[extension["bufferView"]]

    def store_accessors(self, document: Document, inside: Set[int]) -> None:
        """Sort every accessor into its stream, then write the streams out. inside: those that a Draco part
        holds, which are described only.
        """
        known: dict[tuple[object, ...], int] = {}
        stored: list[tuple[JsonObject, tuple[object, ...] | None]] = []
        for place, use in _uses(self.tree):
            accessor = document.accessors[place.index]
            if use.indexed is not None:
                accessor = _narrow(accessor, use.vertices(document))
            key = (place.index, use.kind, accessor.array.dtype)
            if key not in known:
                known[key] = len(stored)
                described = (_describe(accessor, accessor.array, use), None)
                stored.append(described if place.index in inside else self._place(accessor, use))
            place.put(known[key])
        view_of = {key: self._write_stream(stream) for key, stream in self.streams.items()}
        for description, stream_key in stored:
            view = {} if stream_key is None else {"bufferView": view_of[stream_key]}
            self.accessors.append({**view, **description})

    def _place(self, accessor: Accessor, use: "_Use") -> tuple[JsonObject, tuple[object, ...]]:
        array, rows, filter_name, accessor = self._rows(accessor, use)
        stride = rows.shape[1]
        mode = use.mode if self.compress and (use.mode != "ATTRIBUTES" or stride % 4 == 0) else "RAW"
        if stride > 256:
            mode = "RAW"
        key = (mode, stride, filter_name, use.target, use.kind if use.target == _VERTEX_TARGET else "")
        stream = self.streams.setdefault(
            key, _Stream(mode, stride, filter_name, use.target, use.target == _VERTEX_TARGET)
        )
        description = _describe(accessor, array, use)
        if stream.count:
            description = {"byteOffset": stream.count * stride, **description}
        stream.rows.append(rows)
        stream.count += len(rows)
        return description, key

    def _rows(self, accessor: Accessor, use: "_Use") -> tuple[Array, Array, str, Accessor]:
        """(numbers as a reader sees them for bounds and type, rows of bytes to store, filter, accessor as
        declared).
        """
        if use.is_direction and accessor.count and self.compress:
            return self._direction_rows(accessor)
        array = np.ascontiguousarray(accessor.array)
        raw = array.view(np.uint8).reshape(accessor.count, -1)
        if accessor.type in ("MAT2", "MAT3") and array.dtype.itemsize < 4:
            raw = _padded_columns(accessor)
        if use.target == _VERTEX_TARGET and raw.shape[1] % 4:
            raw = np.pad(raw, ((0, 0), (0, -raw.shape[1] % 4)))
        return array, raw, "NONE", accessor

    def _direction_rows(self, accessor: Accessor) -> tuple[Array, Array, str, Accessor]:
        bits = self.options.direction_bits
        stride = 4 if bits <= 8 else 8
        values = np.zeros((accessor.count, 4), np.float32)
        values[:, : accessor.components] = accessor.as_floats()
        encoded = meshopt.encode_filter_oct(values, stride, bits)
        dtype = np.dtype(np.int8 if stride == 4 else np.int16)
        declared = Accessor(
            np.zeros((accessor.count, accessor.components), dtype), accessor.type, True, accessor.name
        )
        return declared.array, np.asarray(encoded).view(np.uint8), "OCTAHEDRAL", declared

    def _write_stream(self, stream: _Stream) -> int:
        rows = np.concatenate(stream.rows) if len(stream.rows) > 1 else stream.rows[0]
        rows = np.ascontiguousarray(rows)
        view: JsonObject
        if stream.mode == "RAW":
            view = self._append(rows.tobytes())
        else:
            view = self._write_compressed(stream, rows)
        if stream.shows_stride:
            view["byteStride"] = stream.stride
        if stream.target is not None:
            view["target"] = stream.target
        self.views.append(view)
        return len(self.views) - 1

    def _write_compressed(self, stream: _Stream, rows: Array) -> JsonObject:
        if stream.mode == "ATTRIBUTES":
            body = meshopt.encode_gltf_buffer(rows, "ATTRIBUTES", 0)
        else:
            dtype = np.uint16 if stream.stride == 2 else np.uint32
            body = meshopt.encode_gltf_buffer(rows.reshape(-1).view(dtype), stream.mode)
        place = self._append(body)
        length = stream.count * stream.stride
        extension = {**place, "byteStride": stream.stride, "count": stream.count, "mode": stream.mode}
        if stream.filter != "NONE":
            extension["filter"] = stream.filter
        view: JsonObject = {"buffer": 1, "byteLength": length, "extensions": {MESHOPT: extension}}
        if self.fallback_bytes:
            view["byteOffset"] = self.fallback_bytes
        self.fallback_bytes += (length + 3) // 4 * 4
        return view

    def _append(self, body: bytes) -> JsonObject:
        view: JsonObject = {"buffer": 0, "byteLength": len(body)}
        if self.binary:
            view["byteOffset"] = len(self.binary)
        self.binary += body
        self.binary += bytes(-len(self.binary) % 4)
        return view

    def store_images(self, document: Document) -> None:
        """Images as buffer views; each texture's source moved to the extension its type asks for."""
        images = []
        for image in document.images:
            self.views.append(self._append(image.body))
            stored: JsonObject = {"bufferView": len(self.views) - 1, "mimeType": image.media_type}
            if image.name:
                stored["name"] = image.name
            images.append(stored)
        if images:
            self.tree["images"] = images
        for place in list(image_places(self.tree)):
            name = _SOURCE_EXTENSIONS.get(document.images[place.index].media_type)
            if name is not None and "/extensions/" not in place.where:
                texture = place.owner
                texture.setdefault("extensions", {})[name] = {"source": texture.pop("source")}
                self._declare(name)

    def finish(self) -> bytes:
        """The container around it all."""
        if self.accessors:
            self.tree["accessors"] = self.accessors
        if self.views:
            self.tree["bufferViews"] = self.views
        if self.binary:
            self.tree["buffers"] = [{"byteLength": len(self.binary)}]
        if self.fallback_bytes:
            self.tree["buffers"].append(
                {"byteLength": self.fallback_bytes, "extensions": {MESHOPT: {"fallback": True}}}
            )
            self._declare(MESHOPT)
        if _needs_quantization(self.tree):
            self._declare("KHR_mesh_quantization")
        self.tree["asset"] = {**self.tree["asset"], "version": "2.0", "generator": GENERATOR}
        self.tree["asset"].pop("minVersion", None)
        return _container(self.tree, bytes(self.binary))

    def _declare(self, name: str) -> None:
        for key in ("extensionsUsed", "extensionsRequired"):
            names = self.tree.setdefault(key, [])
            if name not in names:
                names.append(name)


@dataclass(frozen=True, slots=True)
class _Use:
    """What an accessor is for; one accessor with two uses is stored twice."""

    kind: str
    mode: str
    target: int | None
    bounds: bool = False
    is_direction: bool = False
    indexed: JsonObject | None = None

    def vertices(self, document: Document) -> int:
        """Rows of the primitive these indices point into; only for indices."""
        assert self.indexed is not None
        return max(
            (document.accessors[number].count for number in self.indexed["attributes"].values()), default=0
        )


def _uses(tree: JsonObject) -> Iterator[tuple[Place, _Use]]:
    """Every place that points to an accessor, primitives' indices first (their attributes are not renumbered
    yet).
    """
    primitives = [primitive for mesh in tree.get("meshes", []) for primitive in mesh["primitives"]]
    for primitive in primitives:
        if "indices" in primitive:
            mode = "TRIANGLES" if primitive.get("mode", TRIANGLES) == TRIANGLES else "INDICES"
            yield Place(primitive, "indices", ""), _Use(mode, mode, _INDEX_TARGET, indexed=primitive)
    for primitive in primitives:
        for name in sorted(primitive["attributes"]):
            yield (
                Place(primitive["attributes"], name, ""),
                _Use(
                    name,
                    "ATTRIBUTES",
                    _VERTEX_TARGET,
                    bounds=name == "POSITION",
                    is_direction=name in ("NORMAL", "TANGENT"),
                ),
            )
        for target in primitive.get("targets", []):
            for name in sorted(target):
                use = _Use(f"{name} delta", "ATTRIBUTES", _VERTEX_TARGET, bounds=name == "POSITION")
                yield Place(target, name, ""), use
    for place in accessor_places(tree):
        if not place.where.startswith("/meshes/"):
            is_input = place.key == "input"
            yield place, _Use("input" if is_input else "data", "ATTRIBUTES", None, bounds=is_input)


def _describe(accessor: Accessor, array: Array, use: _Use) -> JsonObject:
    """The accessor's object without its place. array: the numbers as a reader sees them."""
    description: JsonObject = {
        "componentType": COMPONENT_TYPE_OF_DTYPE[array.dtype],
        "count": len(array),
        "type": accessor.type,
    }
    if accessor.normalized:
        description["normalized"] = True
    if accessor.name:
        description["name"] = accessor.name
    if use.bounds:
        description["min"] = [_plain(value) for value in array.min(axis=0)]
        description["max"] = [_plain(value) for value in array.max(axis=0)]
    return description


def _narrow(accessor: Accessor, vertices: int) -> Accessor:
    dtype = np.uint16 if vertices <= MAX_16_BIT_VERTICES else np.uint32
    return Accessor(accessor.array.astype(dtype), "SCALAR", name=accessor.name)


def _padded_columns(accessor: Accessor) -> Array:
    rows = 2 if accessor.type == "MAT2" else 3
    itemsize = accessor.array.dtype.itemsize
    padded = (rows * itemsize + 3) // 4 * 4 // itemsize
    wide = np.zeros((accessor.count, rows, padded), accessor.array.dtype)
    wide[:, :, :rows] = accessor.array.reshape(accessor.count, rows, rows)
    return wide.view(np.uint8).reshape(accessor.count, -1)


def _plain(value: Any) -> int | float:
    return int(value) if isinstance(value, np.integer) else float(value)


def _needs_quantization(tree: JsonObject) -> bool:
    """Whether a base attribute or morph target has a type that core glTF does not allow."""
    core = {
        "POSITION": {(5126, False)},
        "NORMAL": {(5126, False)},
        "TANGENT": {(5126, False)},
        "TEXCOORD": {(5126, False), (5121, True), (5123, True)},
    }
    accessors = tree.get("accessors", [])

    def types_of(owner: JsonObject) -> Iterable[tuple[str, tuple[int, bool]]]:
        for name, number in owner.items():
            accessor = accessors[number]
            yield name.split("_")[0], (accessor["componentType"], accessor.get("normalized", False))

    for mesh in tree.get("meshes", []):
        for primitive in mesh["primitives"]:
            for owner in (primitive["attributes"], *primitive.get("targets", [])):
                if any(kind in core and found not in core[kind] for kind, found in types_of(owner)):
                    return True
    return False


def _container(tree: JsonObject, binary: bytes) -> bytes:
    ordered = {key: tree[key] for key in sorted(tree, key=lambda key: (key != "asset", key))}
    text = json.dumps(ordered, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), CHUNK_JSON) + text
    if binary:
        chunks += struct.pack("<II", len(binary), CHUNK_BIN) + binary
    return GLB_MAGIC + struct.pack("<II", 2, 12 + len(chunks)) + chunks
