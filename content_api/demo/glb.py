"""One textured triangle mesh as a binary glTF 2.0 file: plain float32 attributes, no extension."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from content_api.demo.field import FloatArray

_FLOAT, _UINT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
_REPEAT, _CLAMP, _LINEAR, _LINEAR_MIPMAP_LINEAR = 10497, 33071, 9729, 9987


@dataclass(frozen=True, slots=True)
class TexturedMesh:
    """Metres, y up. Triangles are counter-clockwise seen from outside; v runs down the picture."""

    positions: FloatArray  # (n, 3)
    normals: FloatArray  # (n, 3) unit
    uvs: FloatArray  # (n, 2)
    triangles: NDArray[np.uint32]  # (m, 3)
    texture_jpeg: bytes

    def __post_init__(self) -> None:
        n = len(self.positions)
        shapes = (self.positions.shape, self.normals.shape, self.uvs.shape)
        if shapes != ((n, 3), (n, 3), (n, 2)):
            raise ValueError(f"want positions, normals and uvs of {n} vertices, got shapes {shapes}")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3 or int(self.triangles.max()) >= n:
            raise ValueError(f"want triangles as (m, 3) indices below {n}, got shape {self.triangles.shape}")


def glb_bytes(mesh: TexturedMesh, *, name: str, asset_notes: Mapping[str, str]) -> bytes:
    """The file's bytes. `asset_notes` go to asset.extras."""
    blobs = [
        (np.ascontiguousarray(mesh.positions, "<f4").tobytes(), _VERTICES),
        (np.ascontiguousarray(mesh.normals, "<f4").tobytes(), _VERTICES),
        (np.ascontiguousarray(mesh.uvs, "<f4").tobytes(), _VERTICES),
        (np.ascontiguousarray(mesh.triangles, "<u4").tobytes(), _INDICES),
        (mesh.texture_jpeg, None),
    ]
    views, body = [], bytearray()
    for blob, target in blobs:
        view = {"buffer": 0, "byteOffset": len(body), "byteLength": len(blob)}
        views.append(view if target is None else view | {"target": target})
        body += blob + b"\0" * (-len(blob) % 4)
    vertices = len(mesh.positions)
    document = {
        "asset": {"version": "2.0", "generator": "halong-xr demo content", "extras": dict(asset_notes)},
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [
            {
                "name": name,
                "primitives": [
                    {"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}
                ],
            }
        ],
        "materials": [
            {
                "name": "limestone and shrubs",
                "pbrMetallicRoughness": {
                    "baseColorTexture": {"index": 0},
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.95,
                },
            }
        ],
        "textures": [{"sampler": 0, "source": 0}],
        "samplers": [
            {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR, "wrapS": _REPEAT, "wrapT": _CLAMP}
        ],
        "images": [{"name": "base colour", "bufferView": 4, "mimeType": "image/jpeg"}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": _FLOAT,
                "count": vertices,
                "type": "VEC3",
                "min": [float(low) for low in mesh.positions.min(axis=0)],
                "max": [float(high) for high in mesh.positions.max(axis=0)],
            },
            {"bufferView": 1, "componentType": _FLOAT, "count": vertices, "type": "VEC3"},
            {"bufferView": 2, "componentType": _FLOAT, "count": vertices, "type": "VEC2"},
            {"bufferView": 3, "componentType": _UINT, "count": int(mesh.triangles.size), "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": len(body)}],
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(body)
    head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON")
    return b"".join([head, text, struct.pack("<I4s", len(body), b"BIN\0"), bytes(body)])
