"""Triangle meshes as one binary glTF 2.0 file: plain float32 attributes, no extension."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from content_api.demo.field import FloatArray

_FLOAT, _UINT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
_REPEAT, _CLAMP, _LINEAR, _LINEAR_MIPMAP_LINEAR = 10497, 33071, 9729, 9987


@dataclass(frozen=True, slots=True)
class Surface:
    """A matt or shiny material; with a picture, its colour multiplies the picture's."""

    name: str
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)  # linear
    roughness: float = 0.95
    picture_jpeg: bytes | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Metres, y up. Triangles are counter-clockwise seen from outside; v runs down the picture."""

    surface: Surface
    positions: FloatArray  # (n, 3)
    normals: FloatArray  # (n, 3) unit
    uvs: FloatArray | None  # (n, 2); none where the surface has no picture
    triangles: NDArray[np.uint32]  # (m, 3)

    def __post_init__(self) -> None:
        n = len(self.positions)
        if (self.uvs is None) != (self.surface.picture_jpeg is None):
            raise ValueError("want uvs exactly where the surface has a picture")
        shapes = [array.shape for array in (self.positions, self.normals, self.uvs) if array is not None]
        if shapes != [(n, 3), (n, 3), (n, 2)][: len(shapes)]:
            raise ValueError(f"want positions, normals and uvs of {n} vertices, got shapes {shapes}")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3 or int(self.triangles.max()) >= n:
            raise ValueError(f"want triangles as (m, 3) indices below {n}, got shape {self.triangles.shape}")


def glb_bytes(parts: Sequence[Part], *, name: str, asset_notes: Mapping[str, str]) -> bytes:
    """The file's bytes: one node and mesh, a primitive and material per part; notes go to asset.extras."""
    body = _Body()
    primitives = [_primitive(body, part, index) for index, part in enumerate(parts)]
    materials = [_material(body, part.surface) for part in parts]
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "halong-xr demo content", "extras": dict(asset_notes)},
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": primitives}],
        "materials": materials,
        "accessors": body.accessors,
        "bufferViews": body.views,
        "buffers": [{"byteLength": len(body.data)}],
    }
    if body.images:
        document["images"] = body.images
        document["textures"] = [{"sampler": 0, "source": index} for index in range(len(body.images))]
        document["samplers"] = [
            {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR, "wrapS": _REPEAT, "wrapT": _CLAMP}
        ]
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(body.data)
    head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
    return b"".join([head, text, struct.pack("<I4s", len(body.data), b"BIN\0"), bytes(body.data)])


class _Body:
    """The binary chunk as it grows, with the tables that describe it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []
        self.images: list[dict[str, Any]] = []

    def add_view(self, blob: bytes, target: int | None) -> int:
        """Append bytes, padded to four; the index of their view."""
        view = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(blob)}
        self.views.append(view if target is None else view | {"target": target})
        self.data += blob + b"\0" * (-len(blob) % 4)
        return len(self.views) - 1

    def add_accessor(self, blob: bytes, target: int, **facts: Any) -> int:
        """Append an array; the index of its accessor."""
        self.accessors.append({"bufferView": self.add_view(blob, target), **facts})
        return len(self.accessors) - 1


def _primitive(body: _Body, part: Part, material: int) -> dict[str, Any]:
    count = len(part.positions)
    bounds = {
        "min": [float(low) for low in part.positions.min(axis=0)],
        "max": [float(high) for high in part.positions.max(axis=0)],
    }
    vectors = {"componentType": _FLOAT, "count": count}
    attributes = {
        "POSITION": body.add_accessor(_floats(part.positions), _VERTICES, **vectors, type="VEC3", **bounds),
        "NORMAL": body.add_accessor(_floats(part.normals), _VERTICES, **vectors, type="VEC3"),
    }
    if part.uvs is not None:
        attributes["TEXCOORD_0"] = body.add_accessor(_floats(part.uvs), _VERTICES, **vectors, type="VEC2")
    indices = np.ascontiguousarray(part.triangles, "<u4").tobytes()
    index_facts = {"componentType": _UINT, "count": int(part.triangles.size), "type": "SCALAR"}
    accessor = body.add_accessor(indices, _INDICES, **index_facts)
    return {"attributes": attributes, "indices": accessor, "material": material}


def _material(body: _Body, surface: Surface) -> dict[str, Any]:
    look: dict[str, Any] = {
        "baseColorFactor": [*surface.colour, 1.0],
        "metallicFactor": 0.0,
        "roughnessFactor": surface.roughness,
    }
    if surface.picture_jpeg is not None:
        view = body.add_view(surface.picture_jpeg, None)
        body.images.append({"name": surface.name, "bufferView": view, "mimeType": "image/jpeg"})
        look["baseColorTexture"] = {"index": len(body.images) - 1}
    return {"name": surface.name, "pbrMetallicRoughness": look}


def _floats(array: FloatArray) -> bytes:
    return np.ascontiguousarray(array, "<f4").tobytes()
