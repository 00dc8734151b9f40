"""GLB files as the benchmark looks at them: counts and sizes from the JSON, and a plain writer of its own.

The plain writer makes the file that every tool reads: floats as they are, no extension, images byte for byte.
It is not the product's writer, so that the source owes nothing to the code under test.
"""

import gzip
import json
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from asset_pipeline.models.document import COMPONENT_TYPE_OF_DTYPE, Document, copy_tree
from asset_pipeline.models.references import accessor_places

TRIANGLES = 4
GZIP_LEVEL = 9


def write_plain_glb(document: Document) -> bytes:
    """The document as one GLB of plain buffers. PNG and JPEG images only."""
    tree = copy_tree(document.json)
    binary = bytearray()
    views: list[dict[str, Any]] = []

    def append(body: bytes, **more: Any) -> int:
        binary.extend(bytes(-len(binary) % 4))
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(body), **more})
        binary.extend(body)
        return len(views) - 1

    bounded = {place.index for place in accessor_places(tree) if place.key in ("POSITION", "input")}
    accessors = []
    for index, accessor in enumerate(document.accessors):
        array = np.ascontiguousarray(accessor.array)
        stride = array.itemsize * accessor.components
        more: dict[str, Any] = {}
        if stride % 4 and accessor.type != "SCALAR":
            padded = np.zeros((accessor.count, -(-stride // 4) * 4), np.uint8)
            padded[:, :stride] = array.view(np.uint8).reshape(accessor.count, stride)
            array, more = padded, {"byteStride": padded.shape[1]}
        stored = {
            "bufferView": append(array.tobytes(), **more),
            "componentType": COMPONENT_TYPE_OF_DTYPE[accessor.array.dtype],
            "count": accessor.count, "type": accessor.type,
        }  # fmt: skip
        if accessor.normalized:
            stored["normalized"] = True
        if index in bounded:
            stored["min"] = [value.item() for value in accessor.array.min(axis=0)]
            stored["max"] = [value.item() for value in accessor.array.max(axis=0)]
        accessors.append(stored)
    images = [{"bufferView": append(image.body), "mimeType": image.media_type} for image in document.images]
    for key, values in (("accessors", accessors), ("images", images), ("bufferViews", views)):
        if values:
            tree[key] = values
    binary.extend(bytes(-len(binary) % 4))
    if binary:
        tree["buffers"] = [{"byteLength": len(binary)}]
    return container(tree, bytes(binary))


def container(tree: dict[str, Any], binary: bytes) -> bytes:
    """JSON and binary as a GLB."""
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text
    if binary:
        chunks += struct.pack("<II", len(binary), 0x004E4942) + binary
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


@cache
def json_of(glb: Path) -> dict[str, Any]:
    """The JSON of a GLB file; files under one path must not change while the benchmark runs."""
    with glb.open("rb") as file:
        (length,) = struct.unpack_from("<I", file.read(20), 12)
        found: dict[str, Any] = json.loads(file.read(length))
        return found


def count_triangles(glb: Path) -> int:
    """Triangles on the screen: a mesh counts once per node (and instance) that shows it."""
    tree = json_of(glb)
    instances = [0] * len(tree.get("meshes", []))
    for node in tree.get("nodes", []):
        if "mesh" in node:
            instancing = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
            counts = [tree["accessors"][number]["count"] for number in instancing.values()]
            instances[node["mesh"]] += max(counts, default=1)
    return sum(
        _primitive_triangles(tree, primitive) * max(count, 1)
        for mesh, count in zip(tree.get("meshes", []), instances, strict=True)
        for primitive in mesh["primitives"]
    )


def _primitive_triangles(tree: dict[str, Any], primitive: dict[str, Any]) -> int:
    number = primitive.get("indices", primitive["attributes"].get("POSITION"))
    mode = primitive.get("mode", TRIANGLES)
    if number is None or mode < TRIANGLES:
        return 0
    count = int(tree["accessors"][number]["count"])
    return count // 3 if mode == TRIANGLES else max(count - 2, 0)


def image_bytes(glb: Path) -> int:
    """Bytes of the images inside the file."""
    tree = json_of(glb)
    views = {image["bufferView"] for image in tree.get("images", []) if "bufferView" in image}
    return sum(tree["bufferViews"][view]["byteLength"] for view in views)


def geometry_bytes(glb: Path) -> int:
    """Size of the file less its images: geometry, animation and JSON."""
    return glb.stat().st_size - image_bytes(glb)


def geometry_gzip_bytes(glb: Path) -> int:
    """The same after gzip, images cut out before."""
    body = glb.read_bytes()
    tree = json_of(glb)
    (length,) = struct.unpack_from("<I", body, 12)
    start = 20 + length + 8
    views = {image["bufferView"] for image in tree.get("images", []) if "bufferView" in image}
    kept = bytearray(body)
    for view in sorted(views, key=lambda view: -tree["bufferViews"][view].get("byteOffset", 0)):
        at = start + tree["bufferViews"][view].get("byteOffset", 0)
        del kept[at : at + tree["bufferViews"][view]["byteLength"]]
    return len(gzip.compress(bytes(kept), GZIP_LEVEL, mtime=0))


def total_gzip_bytes(glb: Path) -> int:
    """The whole file after gzip."""
    return len(gzip.compress(glb.read_bytes(), GZIP_LEVEL, mtime=0))


def codec_of(glb: Path) -> str:
    """How the geometry is stored: "meshopt EXT v0", "meshopt KHR v1", "Draco" or "plain"."""
    used = json_of(glb).get("extensionsUsed", [])
    if "KHR_draco_mesh_compression" in used:
        return "Draco"
    for name, words in (("EXT_meshopt_compression", "EXT v0"), ("KHR_meshopt_compression", "KHR v1")):
        if name in used:
            return f"meshopt {words}"
    return "plain"
