"""Masters of every format, spoiled by a number: the same number spoils the same file the same way."""

import json
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.random_gltf import RandomModel

FILES = {
    "glb": ("gltf/BoxInterleaved.glb", "gltf/house1-1.glb", "gltf/nested.glb",
            "gltf-compressed/Box_Draco.glb", "gltf-compressed/BoxMeshopt.glb"),
    "gltf": ("gltf/SimpleSparseAccessor/SimpleSparseAccessor.gltf", "gltf/UnlitTest/UnlitTest.gltf",
             "gltf-compressed/BoxDraco/BoxDraco.gltf", "gltf-compressed/DracoSparseMesh/DracoSparseMesh.gltf",
             "gltf-compressed/EXT_texture_webp/box-textured-embedded.gltf"),
    "obj": ("obj/edge_assimp/cube_with_vertexcolors.obj", "obj/edge/negative_indices.obj",
            "obj/edge/groups.obj", "obj/capsule/capsule.obj"),
    "ply": ("ply/edge/points_bin.ply", "ply/edge/points_ascii.ply", "ply/edge/multi.ply",
            "ply/edge_draco/test_pos_color_ascii.ply"),
    "stl": ("stl/multibody.stl", "stl/featuretype.STL", "stl/triangle_with_two_solids.stl"),
    "las": ("pointcloud/simple.las", "pointcloud/simple.copc.laz"),
    "xyz": ("pointcloud/points_agisoft.xyz",),
    "drc": ("gltf-compressed/pc_color.drc", "gltf-compressed/car.drc",
            "gltf-compressed/cube_att_sub_o_2.drc"),
}  # fmt: skip
SHARE_OF_KTX2 = 0.02  # each costs a start of Node
RANDOM_MODELS = 40
MAX_SIDE_BYTES = 400_000
HEADER_BYTES = 400  # where a changed byte does most
TEXT = {".obj", ".xyz", ".gltf", ".mtl"}
NUMBERS_32 = (
    0,
    1,
    2,
    3,
    0x7F,
    0xFF,
    0xFFFF,
    0x10000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    0x7F800000,
    0x7FC00000,
)
WORDS = (b"", b"0", b"-1", b"1", b"3", b"255", b"65536", b"2147483648", b"4294967295", b"9" * 20,
         b"1e309", b"-1e39", b"1e-320", b"nan", b"inf", b"0.5", b"x", b"1/1/1", b"\x00")  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 3, 7, 0.5, 1e39, 1e308, -0.5, 2**31, 2**32 - 1, 2**53, 10**30, "", "x", "SCALAR",
    "VEC3", "MAT4", "BLEND", [], {}, [0], [0, 0], [0, 1, 0], [0.0] * 4, [1e38] * 16, {"a": 1}, {"index": 0},
    "../x", "data:,", "data:image/ktx2;base64,q0tU", 5120, 5121, 5122, 5123, 5125, 5126,
)  # fmt: skip
EXTENSIONS: tuple[tuple[str, Any], ...] = (
    ("KHR_texture_transform", {"scale": [1e30, 0]}),
    ("KHR_texture_basisu", {"source": 0}),
    ("EXT_texture_webp", {"source": 0}),
    ("EXT_mesh_gpu_instancing", {"attributes": {"TRANSLATION": 0}}),
    ("KHR_draco_mesh_compression", {"bufferView": 0, "attributes": {"POSITION": 0}}),
    ("EXT_meshopt_compression",
     {"buffer": 0, "byteLength": 9, "byteStride": 12, "count": 3, "mode": "ATTRIBUTES"}),
    ("KHR_materials_variants", {"mappings": [{"material": 0, "variants": [9]}]}),
    ("KHR_mesh_quantization", {}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Master:
    """A file and what lies beside it, by relative name."""

    name: str
    files: dict[str, bytes]

    def write(self, folder: Path) -> Path:
        for name, body in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        return folder / self.name


def load_masters(shared: Path, scratch: Path) -> dict[str, list[Master]]:
    """The unspoiled ones, by kind. scratch: an empty folder, left with what random models wrote."""
    assets = shared / "assets"
    masters = {kind: [_with_side_files(assets / name) for name in names] for kind, names in FILES.items()}
    for seed in range(RANDOM_MODELS):
        folder = scratch / f"{seed}"
        folder.mkdir()
        path = RandomModel(seed + 7_000).write(folder)
        files = {
            str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()
        }
        masters[path.suffix[1:]].append(Master(path.name, files))
    plain = sheet(9)
    on_grid = quantize(plain, position_bits=14, uv_bits=12)
    packed = [
        write_glb(on_grid, WriteOptions(GeometryCodec.MESHOPT)),
        write_glb(plain, WriteOptions(GeometryCodec.DRACO)),
    ]
    masters["glb"] += [Master("packed.glb", {"packed.glb": body}) for body in packed]
    pictures = [assets / "gltf-compressed" / name for name in ("2d_etc1s.ktx2", "test.ktx2", "2d_bc7.ktx2")]
    masters["ktx2"] = [Master("ktx2.glb", {"ktx2.glb": _glb_showing(path.read_bytes())}) for path in pictures]
    return masters


def _with_side_files(path: Path) -> Master:
    if path.suffix not in (".gltf", ".obj"):
        return Master(path.name, {path.name: path.read_bytes()})
    named = path.read_text(encoding="utf-8", errors="replace")
    beside = [file for file in path.parent.iterdir() if file.name in named or file.suffix == ".mtl"]
    files = {file.name: file.read_bytes() for file in beside if file.stat().st_size <= MAX_SIDE_BYTES}
    return Master(path.name, {**files, path.name: path.read_bytes()})


def _glb_showing(ktx2: bytes) -> bytes:
    body = write_glb(sheet(3), WriteOptions(GeometryCodec.NONE))
    tree, binary = _taken_apart(body)
    tree["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(ktx2)})
    tree["images"] = [{"bufferView": len(tree["bufferViews"]) - 1, "mimeType": "image/ktx2"}]
    tree["textures"] = [{"extensions": {"KHR_texture_basisu": {"source": 0}}}]
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["KHR_texture_basisu"]
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    tree["meshes"][0]["primitives"][0]["material"] = 0
    binary += ktx2 + bytes(-len(ktx2) % 4)
    tree["buffers"][0]["byteLength"] = len(binary)
    return _put_together(tree, binary)


def spoiled(masters: dict[str, list[Master]], seed: int) -> tuple[str, Master]:
    """A kind and a master of it with one to three things changed."""
    random = np.random.default_rng(seed)
    kinds = [kind for kind in masters if kind != "ktx2"]
    kind = "ktx2" if random.random() < SHARE_OF_KTX2 else kinds[int(random.integers(len(kinds)))]
    master = masters[kind][int(random.integers(len(masters[kind])))]
    name = master.name
    if len(master.files) > 1 and random.random() < 0.15:
        name = sorted(master.files)[int(random.integers(len(master.files)))]
    body = master.files[name]
    for _ in range(int(random.choice([1, 1, 1, 2, 3]))):
        ways = _ways_of(Path(name).suffix.lower(), body)
        if body:
            body = ways[int(random.integers(len(ways)))](body, random)
    return kind, Master(master.name, {**master.files, name: body})


Way = Callable[[bytes, np.random.Generator], bytes]


def _ways_of(suffix: str, body: bytes) -> list[Way]:
    ways: list[Way] = [_change_bytes, _change_header, _cut, _double, _swap, _zero, _write_number]
    if suffix in (".glb", ".gltf"):
        ways += [_change_tree] * 12 + [_change_numbers] * 8
    if suffix in TEXT or body.startswith((b"ply\nformat ascii", b"solid")):
        ways += [_change_word] * 5 + [_change_lines] * 3
    elif suffix in (".ply", ".stl"):
        ways += [_change_word]
    return ways


def _change_bytes(body: bytes, random: np.random.Generator, within: int | None = None) -> bytes:
    spoilt = bytearray(body)
    for _ in range(int(random.integers(1, 7))):
        spoilt[int(random.integers(within or len(body)))] = int(random.integers(256))
    return bytes(spoilt)


def _change_numbers(body: bytes, random: np.random.Generator) -> bytes:
    """Bytes of the second half: numbers, pictures and packed parts rather than the tree."""
    half = len(body) // 2
    return body[:half] + _change_bytes(body[half:], random)


def _change_header(body: bytes, random: np.random.Generator) -> bytes:
    return _change_bytes(body, random, min(len(body), HEADER_BYTES))


def _cut(body: bytes, random: np.random.Generator) -> bytes:
    return body[: int(random.integers(len(body)))]


def _double(body: bytes, random: np.random.Generator) -> bytes:
    start, place, count = (int(random.integers(high)) for high in (len(body), len(body), 300))
    return body[:place] + body[start : start + count] + body[place:]


def _swap(body: bytes, random: np.random.Generator) -> bytes:
    a, b, c = sorted(int(place) for place in random.integers(0, len(body) + 1, 3))
    return body[:a] + body[b:c] + body[a:b] + body[c:]


def _zero(body: bytes, random: np.random.Generator) -> bytes:
    start, count = int(random.integers(len(body))), int(random.integers(1, 200))
    return body[:start] + bytes(min(count, len(body) - start)) + body[start + count :]


def _write_number(body: bytes, random: np.random.Generator) -> bytes:
    place = (
        int(random.integers(min(len(body), HEADER_BYTES if random.random() < 0.5 else len(body)))) // 2 * 2
    )
    number = NUMBERS_32[int(random.integers(len(NUMBERS_32)))]
    return body[:place] + struct.pack("<I", number) + body[place + 4 :]


def _change_word(body: bytes, random: np.random.Generator) -> bytes:
    found = list(re.finditer(rb"-?\d[\d.eE+-]*|\b[a-z_]+\b", body[:100_000]))
    if not found:
        return body
    word = found[int(random.integers(len(found)))]
    return body[: word.start()] + WORDS[int(random.integers(len(WORDS)))] + body[word.end() :]


def _change_lines(body: bytes, random: np.random.Generator) -> bytes:
    lines = body.split(b"\n")
    one, other = (int(random.integers(len(lines))) for _ in range(2))
    match int(random.integers(4)):
        case 0:
            del lines[one]
        case 1:
            lines[one], lines[other] = lines[other], lines[one]
        case 2:
            lines.insert(other, lines[one])
        case _:
            lines[one] += b" " + lines[other]
    return b"\n".join(lines)


def _change_tree(body: bytes, random: np.random.Generator) -> bytes:
    try:
        tree, binary = _taken_apart(body) if body.startswith(b"glTF") else (json.loads(body), None)
    except (ValueError, struct.error, RecursionError):
        return _change_bytes(body, random)
    top = list(tree) if isinstance(tree, dict) else []
    if not top:
        return body
    key = top[int(random.integers(len(top)))]
    places = _places(tree[key], (tree, key))
    owner, key = places[int(random.integers(len(places)))]
    value = owner[key]
    match int(random.integers(8)):
        case 0:
            del owner[key]
        case 1 | 2 if type(value) in (int, float):
            changes = (value + 1, value - 1, -value, value * 3, value * 1e6, 0, 2**31, 2**32 - 1, 2**53)
            owner[key] = changes[int(random.integers(len(changes)))]
        case 3 if isinstance(owner, list):
            owner.extend([value] * int(random.choice([1, 2, 1000])))
        case 4 if isinstance(value, dict) and isinstance(value.get("extensions", {}), dict):
            name, content = EXTENSIONS[int(random.integers(len(EXTENSIONS)))]
            owner[key] = {**value, "extensions": {**value.get("extensions", {}), name: content}}
        case 5:
            other_owner, other_key = places[int(random.integers(len(places)))]
            owner[key] = json.loads(json.dumps(other_owner[other_key]))
        case _:
            owner[key] = VALUES[int(random.integers(len(VALUES)))]
    return json.dumps(tree).encode() if binary is None else _put_together(tree, binary)


def _places(value: Any, place: tuple[Any, Any]) -> list[tuple[Any, Any]]:
    """Every (owner, key) below a place of a JSON tree, and the place."""
    found = [place]
    if isinstance(value, dict | list):
        for key, below in value.items() if isinstance(value, dict) else enumerate(value):
            found += _places(below, (value, key))
    return found


def _taken_apart(glb: bytes) -> tuple[Any, bytes]:
    (length,) = struct.unpack_from("<I", glb, 12)
    return json.loads(glb[20 : 20 + length]), glb[28 + length :]


def _put_together(tree: Any, binary: bytes) -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    chunks = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks
