"""Files made to harm whoever reads them: each by its name, written into a folder when asked for."""

import base64
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from asset_pipeline.models.document import Document
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.asset_pipeline.models.conftest import sheet

Maker = Callable[[Path], Path]
LARGE = 2**31
BIG_PX = 30_000


def data_uri(body: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64," + base64.b64encode(body).decode()


def triangle(**accessor: Any) -> dict[str, Any]:
    """One triangle whose POSITION accessor can be spoiled."""
    body = np.eye(3, dtype=np.float32).tobytes()
    return {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", **accessor}],
        "bufferViews": [{"buffer": 0, "byteLength": len(body)}],
        "buffers": [{"uri": data_uri(body), "byteLength": len(body)}],
    }


def with_body(tree: dict[str, Any], body: bytes) -> int:
    """The number of a new buffer view of these bytes."""
    tree["buffers"].append({"uri": data_uri(body), "byteLength": len(body)})
    tree["bufferViews"].append({"buffer": len(tree["buffers"]) - 1, "byteLength": len(body)})
    return len(tree["bufferViews"]) - 1


def _gltf(tree: dict[str, Any] | str) -> Maker:
    def write(folder: Path) -> Path:
        path = folder / "model.gltf"
        path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
        return path

    return write


def _file(name: str, body: Callable[[], bytes]) -> Maker:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(body())
        return path

    return write


def _nodes_in_a_ring() -> dict[str, Any]:
    count = 100_000
    return triangle() | {"nodes": [{"mesh": 0, "children": [(index + 1) % count]} for index in range(count)]}


def _nodes_deep() -> dict[str, Any]:
    count = 100_000
    return triangle() | {"nodes": [{"children": [index + 1]} for index in range(count - 1)] + [{"mesh": 0}]}


def _many_primitives() -> dict[str, Any]:
    return triangle() | {"meshes": [{"primitives": [{"attributes": {"POSITION": 0}}] * 100_000}]}


def _sparse_bomb() -> dict[str, Any]:
    tree = triangle(count=LARGE - 1)
    del tree["accessors"][0]["bufferView"]
    view = with_body(tree, struct.pack("<I", LARGE - 2) + bytes(12))
    tree["accessors"][0]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": view, "componentType": 5125},
        "values": {"bufferView": view, "byteOffset": 4},
    }
    return tree


def _sparse_crowd() -> dict[str, Any]:
    """Many accessors without a byte, each just below what one may claim."""
    tree = triangle()
    tree["accessors"] += [{"componentType": 5126, "count": 2_000_000, "type": "MAT4"} for _ in range(500)]
    tree["meshes"][0]["primitives"] = [
        {"attributes": {"POSITION": 0, "_A": index}} for index in range(1, 501)
    ]
    return tree


def _showing(picture: bytes, kind: str = "image/png", copies: int = 1) -> dict[str, Any]:
    tree = triangle()
    uvs = with_body(tree, bytes(24))
    tree["accessors"].append({"bufferView": uvs, "componentType": 5126, "count": 3, "type": "VEC2"})
    tree["meshes"][0]["primitives"][0] = {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "material": 0}
    tree["images"] = [{"uri": data_uri(picture, kind)} for _ in range(copies)]
    if kind == "image/ktx2":
        tree["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
        tree["extensionsUsed"] = tree["extensionsRequired"] = ["KHR_texture_basisu"]
    elif kind == "image/webp":
        tree["textures"] = [{"extensions": {"EXT_texture_webp": {"source": 0}}}]
        tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_texture_webp"]
    else:
        tree["textures"] = [{"source": index} for index in range(copies)]
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    return tree


def _png(width_px: int, height_px: int, rows: bytes) -> bytes:
    """A PNG whose pixels are these bytes, packed."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 6, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(rows, 9))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + packed + chunk(b"IEND", b"")


def _png_with_a_bomb_inside() -> bytes:
    """A small picture by its header whose packed part is 300 MB of zeros; and a profile of as many."""
    return _png(8, 8, bytes(300_000_000))


def _webp_of(side_px: int) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", (16, 16)).save(out, "WEBP", lossless=True)
    body = bytearray(out.getvalue())
    assert body[12:16] == b"VP8L"
    bits = (side_px - 1) | (side_px - 1) << 14
    body[21:25] = struct.pack("<I", (struct.unpack_from("<I", body, 21)[0] & 0xF0000000) | bits & 0xFFFFFFF)
    return bytes(body)


def _ktx2_of(side_px: int, levels: int) -> bytes:
    head = b"\xabKTX 20\xbb\r\n\x1a\n"
    header = struct.pack("<9I", 0, 1, side_px, side_px, 0, 0, 1, levels, 1)
    index = struct.pack("<4I2Q", 104, 44, 0, 0, 0, 0)
    entries = b"".join(struct.pack("<3Q", 200, 2**40, 2**40) for _ in range(min(levels, 20)))
    return head + header + index + entries + bytes(400)


def _meshopt_garbage() -> dict[str, Any]:
    tree = triangle(count=1_000_000)
    body = b"\xa0" + np.random.default_rng(1).bytes(4_000_000)
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    packed = {
        "buffer": 1, "byteLength": len(body), "byteStride": 12, "count": 1_000_000, "mode": "ATTRIBUTES",
    }  # fmt: skip
    tree["bufferViews"][0] = {
        "buffer": 0, "byteLength": 12_000_000, "extensions": {"EXT_meshopt_compression": packed},
    }  # fmt: skip
    fallback = {"EXT_meshopt_compression": {"fallback": True}}
    tree["buffers"] = [
        {"byteLength": 12_000_000, "extensions": fallback},
        {"uri": data_uri(body), "byteLength": len(body)},
    ]
    return tree


def _draco_garbage() -> dict[str, Any]:
    tree = triangle(count=150_000)
    del tree["accessors"][0]["bufferView"]
    good = write_glb(sheet(40), WriteOptions(GeometryCodec.DRACO))
    start = good.index(b"DRACO")
    body = good[start : start + 60] + np.random.default_rng(2).bytes(1_000_000)
    view = with_body(tree, body)
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    tree["meshes"][0]["primitives"][0]["extensions"] = {
        "KHR_draco_mesh_compression": {"bufferView": view, "attributes": {"POSITION": 0}}
    }
    return tree


def _instances() -> dict[str, Any]:
    """A thousand million copies of a triangle, without a byte for where they stand."""
    tree = triangle() | {"extensionsUsed": ["EXT_mesh_gpu_instancing"]}
    tree["accessors"].append({"componentType": 5126, "count": 10**9, "type": "VEC3"})
    tree["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 1}}}
    return tree


def _animation() -> dict[str, Any]:
    tree = triangle()
    tree["accessors"] += [
        {"componentType": 5126, "count": LARGE, "type": "SCALAR", "min": [0], "max": [1]},
        {"componentType": 5126, "count": LARGE, "type": "VEC3"},
    ]
    channel = {"sampler": 0, "target": {"node": 0, "path": "translation"}}
    tree["animations"] = [{"channels": [channel], "samplers": [{"input": 1, "output": 2}]}]
    return tree


def _extension_bomb() -> dict[str, Any]:
    names = [f"ACME_{index}" for index in range(100_000)]
    return triangle() | {"extensionsUsed": names, "extensionsRequired": names}


def _skin() -> dict[str, Any]:
    tree = triangle()
    tree["nodes"] = [{"mesh": 0, "skin": 0}, *({} for _ in range(100_000))]
    tree["skins"] = [{"joints": list(range(1, 100_001))} for _ in range(40)]
    return tree


def _las(points: int, record_bytes: int) -> bytes:
    head = bytearray(375)
    head[0:4] = b"LASF"
    head[24:26] = b"\x01\x04"
    struct.pack_into("<HII", head, 94, 375, 375, 0)
    head[104] = 6
    struct.pack_into("<HI", head, 105, record_bytes, 0)
    struct.pack_into("<12d", head, 131, *([1e-3] * 3), *([0.0] * 3), 1.0, 0.0, 1.0, 0.0, 1.0, 0.0)
    struct.pack_into("<Q", head, 247, points)
    return bytes(head) + bytes(3000)


def _stl(triangles: int) -> bytes:
    return bytes(80) + struct.pack("<I", triangles) + bytes(50 * 20)


def _ply(kind: str, elements: str) -> bytes:
    return f"ply\nformat {kind} 1.0\n{elements}end_header\n".encode() + bytes(4000)


_XYZ = "property float x\nproperty float y\nproperty float z\n"
_FACE = "property list uint int vertex_indices\n"


def _groups() -> bytes:
    corners = b"v 0 0 0\nv 1 0 0\nv 0 1 0\n"
    return corners + b"".join(b"g %d\nusemtl m%d\nf 1 2 3\n" % (n, n) for n in range(1_000_000))


def _long_face() -> bytes:
    return b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf" + b" 1 2 3" * 2_000_000 + b"\n"


def _deep_glb() -> bytes:
    text = ('{"asset":{"version":"2.0"},"extras":' + "[" * 100_000 + "]" * 100_000 + "}").encode()
    text += b" " * (-len(text) % 4)
    return b"glTF" + struct.pack("<IIII", 2, 20 + len(text), len(text), 0x4E4F534A) + text


def _many_chunks() -> bytes:
    body = b"".join(struct.pack("<I4s", 0, b"ABCD") for _ in range(1_000_000))
    return b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body


def _crowd_of_nodes() -> Document:
    document = sheet(9, nodes=[{"mesh": 0, "name": f"stone {index}"} for index in range(150_000)])
    document.json["scenes"] = [{"nodes": list(range(150_000))}]
    return document


HOSTILE: dict[str, Maker] = {
    "nodes in a ring": lambda folder: _gltf(_nodes_in_a_ring())(folder),
    "node that is its own child": _gltf(triangle() | {"nodes": [{"mesh": 0, "children": [0]}]}),
    "2^31 vertices": _gltf(triangle(count=LARGE)),
    "2^53 vertices": _gltf(triangle(count=2**53)),
    "2^31 vertices without bytes": lambda folder: _gltf(_sparse_bomb())(folder),
    "500 accessors without bytes": lambda folder: _gltf(_sparse_crowd())(folder),
    "PNG of 30000 px": _gltf(_showing(_png(BIG_PX, BIG_PX, bytes(100)))),
    "PNG with 300 MB inside": lambda folder: _gltf(_showing(_png_with_a_bomb_inside()))(folder),
    "WebP of 16000 px": _gltf(_showing(_webp_of(16_000), "image/webp")),
    "KTX2 of 30000 px": _gltf(_showing(_ktx2_of(BIG_PX, 15), "image/ktx2")),
    "KTX2 with 2^32 levels": _gltf(_showing(_ktx2_of(64, 2**32 - 1), "image/ktx2")),
    "KTX2 of noise": _gltf(
        _showing(b"\xabKTX 20\xbb\r\n\x1a\n" + np.random.default_rng(3).bytes(99_000), "image/ktx2")
    ),
    "meshopt of noise": lambda folder: _gltf(_meshopt_garbage())(folder),
    "Draco of noise": lambda folder: _gltf(_draco_garbage())(folder),
    "10^9 instances": _gltf(_instances()),
    "2^31 keys": _gltf(_animation()),
    "100000 extensions": lambda folder: _gltf(_extension_bomb())(folder),
    "4 million joints": lambda folder: _gltf(_skin())(folder),
    "JSON nested 100000 deep": lambda folder: _gltf("[" * 100_000)(folder),
    "JSON in a GLB nested 100000 deep": _file("model.glb", _deep_glb),
    "a million GLB chunks": _file("model.glb", _many_chunks),
    "JSON of one long number": lambda folder: _gltf('{"asset":{"version":' + "9" * 3_000_000 + "}}")(folder),
    "LAS of 2^60 points": _file("model.las", lambda: _las(2**60, 30)),
    "LAS of 2^31 points": _file("model.las", lambda: _las(LARGE, 30)),
    "LAS of empty records": _file("model.las", lambda: _las(LARGE, 0)),
    "STL of 2^31 triangles": _file("model.stl", lambda: _stl(LARGE)),
    "STL of 2^32 - 1 triangles": _file("model.stl", lambda: _stl(2**32 - 1)),
    "PLY of 2^31 points": _file(
        "model.ply", lambda: _ply("binary_little_endian", f"element vertex {LARGE}\n{_XYZ}")
    ),
    "text PLY of 2^31 points": _file("model.ply", lambda: _ply("ascii", f"element vertex {LARGE}\n{_XYZ}")),
    "PLY of 2^31 faces": _file(
        "model.ply",
        lambda: _ply("binary_little_endian", f"element vertex 3\n{_XYZ}element face {LARGE}\n{_FACE}"),
    ),
    "PLY of 2^31 things without properties": _file(
        "model.ply", lambda: _ply("binary_little_endian", f"element void {LARGE}\nelement vertex 3\n{_XYZ}")
    ),
    "PLY of a million properties": _file(
        "model.ply",
        lambda: _ply(
            "ascii", "element vertex 3\n" + _XYZ + "".join(f"property int p{n}\n" for n in range(10**6))
        ),
    ),
    "Draco file of noise": _file(
        "model.drc", lambda: b"DRACO\x02\x02\x01\x01\x00\x00" + np.random.default_rng(4).bytes(500_000)
    ),
}
COSTLY: dict[str, Maker] = {  # the same, of such a length or depth that looking at them takes seconds
    "100000 nodes deep": lambda folder: _gltf(_nodes_deep())(folder),
    "100000 primitives": lambda folder: _gltf(_many_primitives())(folder),
    "150000 nodes": lambda folder: _file(
        "model.glb", lambda: write_glb(_crowd_of_nodes(), WriteOptions(GeometryCodec.NONE))
    )(folder),
    "OBJ of a million groups and materials": _file("model.obj", _groups),
    "OBJ face of six million corners": _file("model.obj", _long_face),
    "data URI of 100 MB": lambda folder: _gltf(
        triangle() | {"buffers": [{"uri": data_uri(bytes(100_000_000)), "byteLength": 36}]}
    )(folder),
    "JSON of 100 MB": lambda folder: _gltf('{"a":[' + "0," * 50_000_000 + "0]}")(folder),
    "JSON text of 100 MB": lambda folder: _gltf('{"a":"' + "\\u0061" * 16_000_000 + '"}')(folder),
    "STL text of 100 MB without a triangle": _file(
        "model.stl", lambda: b"solid x\n" + b"facet normal 0 0 1\n" * 5_000_000
    ),
}  # fmt: skip
