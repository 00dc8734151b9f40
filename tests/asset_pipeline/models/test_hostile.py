"""Files made to harm: refused early, in bounded time and memory, in words that say why."""

import base64
import json
import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.document import Document
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.prepare import prepare
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.run import run_model
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.write_glb import write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.hostile_files import data_uri, triangle


@pytest.fixture
def gltf(tmp_path: Path) -> Callable[[Any], Path]:
    def write(tree: Any, name: str = "model.gltf") -> Path:
        path = tmp_path / name
        path.write_text(tree if isinstance(tree, str) else json.dumps(tree))
        return path

    return write


def refusal(path: Path, *, within_s: float = 5.0, peak_bytes: int = 64 << 20) -> str:
    """What the refusal says; the time and memory it may take are part of the promise."""
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(Refused) as refused:
        load_gltf(path)
    assert time.monotonic() - start < within_s
    assert tracemalloc.get_traced_memory()[1] < peak_bytes
    tracemalloc.stop()
    return str(refused.value)


def test_the_plain_triangle_is_read(gltf: Callable[[Any], Path]) -> None:
    document, warnings = load_gltf(gltf(triangle()))
    assert (document.accessors[0].array.tolist(), warnings) == (np.eye(3).tolist(), ())


@pytest.mark.parametrize("count", [4, 2**31, 2**53])
def test_more_elements_than_bytes(gltf: Callable[[Any], Path], count: int) -> None:
    said = refusal(gltf(triangle(count=count)))
    assert "the buffer view has 36" in said or "far more than the file holds" in said


def test_a_sparse_accessor_over_nothing(gltf: Callable[[Any], Path]) -> None:
    tree = triangle(count=2**31)
    del tree["accessors"][0]["bufferView"]
    assert "far more than the file holds" in refusal(gltf(tree))


def test_many_accessors_over_the_same_bytes(gltf: Callable[[Any], Path]) -> None:
    body = bytes(12 << 20)
    tree = triangle(count=len(body) // 12)
    tree["bufferViews"][0]["byteLength"] = tree["buffers"][0]["byteLength"] = len(body)
    tree["buffers"][0]["uri"] = "zeros.bin"
    tree["accessors"] *= 100
    tree["meshes"] = [{"primitives": [{"attributes": {"POSITION": index}} for index in range(100)]}]
    path = gltf(tree)
    (path.parent / "zeros.bin").write_bytes(body)
    assert "far more than the file holds" in refusal(path)


@pytest.mark.parametrize("offset", [1, 2**31, 2**53])
def test_offsets_past_the_end(gltf: Callable[[Any], Path], offset: int) -> None:
    assert "the buffer view has 36" in refusal(gltf(triangle(byteOffset=offset)))


def test_a_negative_offset(gltf: Callable[[Any], Path]) -> None:
    assert "/accessors/0/byteOffset: want 0 to" in refusal(gltf(triangle(byteOffset=-4)))


def test_sparse_indices_past_the_end_or_falling(gltf: Callable[[Any], Path]) -> None:
    for places in ([0, 3], [1, 1], [2, 0]):
        body = np.array(places, "<u2").tobytes() + bytes(24)
        tree = triangle(
            sparse={
                "count": 2,
                "indices": {"bufferView": 1, "componentType": 5123},
                "values": {"bufferView": 1, "byteOffset": 4},
            }
        )
        tree["buffers"].append({"uri": data_uri(body), "byteLength": 28})
        tree["bufferViews"].append({"buffer": 1, "byteLength": 28})
        assert "sparse accessor's indices" in refusal(gltf(tree))


def test_nested_json(gltf: Callable[[Any], Path]) -> None:
    assert "nested" in refusal(gltf("[" * 1_000_000))
    assert "nested" in refusal(gltf('{"asset":{"version":"2.0"},"extras":' + "[" * 97 + "]" * 97 + "}"))
    load_gltf(gltf('{"asset":{"version":"2.0"},"extras":' + "[" * 95 + "]" * 95 + "}"))


def test_json_of_too_many_values(gltf: Callable[[Any], Path]) -> None:
    assert "more than 2000000 values" in refusal(gltf('{"a":[' + "0," * 2_000_001 + "0]}"))


@pytest.mark.parametrize(
    "text", ['{"asset":{"version":"2.0"},"x":NaN}', "\x00\x01", "[]", '"glTF"', "9" * 5000]
)
def test_json_that_is_none(gltf: Callable[[Any], Path], text: str) -> None:
    assert "JSON" in refusal(gltf(text))


def test_a_node_chain_of_thirty_thousand(gltf: Callable[[Any], Path], tmp_path: Path) -> None:
    count = 30_000
    tree = triangle()
    tree["nodes"] = [{"children": [index + 1]} for index in range(count - 1)] + [{"mesh": 0}]
    document = quantize(prepare(gltf(tree), ModelOptions()).document, position_bits=14, uv_bits=12)
    assert measure_bounds(document) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert len(write_glb(document)) > count * len('{"children":[9]}')


def test_nodes_in_a_ring_and_with_two_parents(gltf: Callable[[Any], Path]) -> None:
    tree = triangle()
    tree["nodes"] = [{"mesh": 0}, {"children": [2]}, {"children": [3]}, {"children": [1]}]
    assert "its own descendant" in refusal(gltf(tree))
    tree["nodes"] = [{"children": [2]}, {"children": [2]}, {"mesh": 0}]
    assert "a child of two nodes" in refusal(gltf(tree))


@pytest.mark.parametrize(
    "uri",
    [
        "../secret.bin", "%2e%2e/secret.bin", "..%2fsecret.bin", "sub/../../secret.bin", "/etc/passwd",
        "file:///etc/passwd", "http://example.com/a.bin", "HTTPS://example.com/a.bin", "//example.com/a.bin",
        "C:\\secret.bin", "..\\secret.bin", "link.bin", "folder", "nul%00.bin", "", "%66ile:///etc/passwd",
        "a" * 5000, "missing.bin", "data:", "data:application/octet-stream;;base64,AA==", "pipe",
    ],
)  # fmt: skip
def test_uris_that_lead_elsewhere(gltf: Callable[[Any], Path], tmp_path: Path, uri: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    (inside / "link.bin").symlink_to(tmp_path / "secret.bin")
    (inside / "folder").mkdir()
    os.mkfifo(inside / "pipe")
    tree = triangle()
    tree["buffers"][0]["uri"] = uri
    said = refusal(gltf(tree, "inside/model.gltf"))
    assert said.startswith("/buffers/0/uri:")


def test_a_file_beside_the_master_is_read(gltf: Callable[[Any], Path], tmp_path: Path) -> None:
    (tmp_path / "sub dir").mkdir()
    (tmp_path / "sub dir" / "a b.bin").write_bytes(np.eye(3, dtype=np.float32).tobytes())
    tree = triangle()
    tree["buffers"][0]["uri"] = "sub%20dir/a%20b.bin"
    assert load_gltf(gltf(tree))[0].accessors[0].count == 3


def test_indices_and_joints_out_of_range(gltf: Callable[[Any], Path]) -> None:
    tree = triangle()
    tree["buffers"].append({"uri": data_uri(bytes([0, 1, 3, 0])), "byteLength": 4})
    tree["bufferViews"].append({"buffer": 1, "byteLength": 4})
    tree["accessors"].append({"bufferView": 1, "componentType": 5121, "count": 3, "type": "SCALAR"})
    tree["meshes"][0]["primitives"][0]["indices"] = 1
    assert "points to vertex 3, but there are 3 vertices" in refusal(gltf(tree))


def test_a_position_that_is_no_number(gltf: Callable[[Any], Path]) -> None:
    tree = triangle()
    body = np.array([np.nan] + [0.0] * 8, np.float32).tobytes()
    tree["buffers"][0]["uri"] = data_uri(body)
    assert "1 vertices have a position that is infinite" in refusal(gltf(tree))


def compressed(extension: dict[str, Any], body: bytes) -> dict[str, Any]:
    tree = triangle(count=extension["count"])
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    length = extension["count"] * extension["byteStride"]
    full = {"buffer": 0, "byteLength": len(body), "mode": "ATTRIBUTES", **extension}
    tree["bufferViews"][0] = {
        "buffer": 1, "byteLength": length, "extensions": {"EXT_meshopt_compression": full},
    }  # fmt: skip
    tree["buffers"] = [
        {"uri": data_uri(body), "byteLength": len(body)},
        {"byteLength": length, "extensions": {"EXT_meshopt_compression": {"fallback": True}}},
    ]
    return tree


@pytest.mark.parametrize(
    ("count", "stride", "body", "word"),
    [
        (2**31, 12, b"\xa0" + bytes(40), "far more"),
        (100_000, 12, b"\xa0" + bytes(40), "claims more data"),
        (3, 12, b"\xa0" + bytes(3), "damaged"),
        (3, 12, b"\x00" * 60, "damaged"),
        (3, 13, b"\xa0" + bytes(60), "wrong for ATTRIBUTES"),
        (3, 12, b"\xa0" + b"\xff" * 60, "damaged"),
    ],
)
def test_meshopt_that_lies(
    gltf: Callable[[Any], Path], count: int, stride: int, body: bytes, word: str
) -> None:
    assert word in refusal(gltf(compressed({"count": count, "byteStride": stride}, body)))


def test_draco_that_lies(gltf: Callable[[Any], Path]) -> None:
    def varint(value: int) -> bytes:
        out = b""
        while value > 127:
            out, value = out + bytes([value & 127 | 128]), value >> 7
        return out + bytes([value])

    bombs = [
        b"DRACO\x02\x02\x01\x00\x00\x00" + varint(2**30) + varint(2**30) + bytes(40),
        b"DRACO\x02\x02\x01\x01\x00\x00\x00" + varint(2**30) + varint(2**30) + bytes(40),
        b"DRACO\x02\x02\x00\x00\x00\x00" + bytes(40),
        b"DRACO",
        b"DRACO\x02\x02\x01\x01\x00\x00\x00" + b"\x03\x01" + os.urandom(60),
    ]
    for body in bombs:
        tree = triangle()
        tree["extensionsUsed"] = ["KHR_draco_mesh_compression"]
        tree["buffers"] = [{"uri": data_uri(body), "byteLength": len(body)}]
        tree["bufferViews"] = [{"buffer": 0, "byteLength": len(body)}]
        del tree["accessors"][0]["bufferView"]
        tree["meshes"][0]["primitives"][0]["extensions"] = {
            "KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}
        }
        assert "Draco-compressed part" in refusal(gltf(tree))


def test_an_image_that_lies_about_its_size(gltf: Callable[[Any], Path], tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + bytes(64)
    tree = triangle()
    tree["images"] = [{"uri": "data:image/png;base64," + base64.b64encode(png).decode()}]
    tree["textures"] = [{"source": 0}]
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    uvs = np.zeros((3, 2), np.float32).tobytes()
    tree["buffers"].append({"uri": data_uri(uvs), "byteLength": len(uvs)})
    tree["bufferViews"].append({"buffer": 1, "byteLength": len(uvs)})
    tree["accessors"].append({"bufferView": 1, "componentType": 5126, "count": 3, "type": "VEC2"})
    tree["meshes"][0]["primitives"][0].update(material=0, attributes={"POSITION": 0, "TEXCOORD_0": 1})
    path = gltf(tree)
    with pytest.raises(Refused, match="60000 x 60000 pixels; at most"):
        run_model(path, recipes=["thumb"], workdir=tmp_path / "work", options=ModelOptions(search=False))


def test_an_unknown_required_extension_is_named(gltf: Callable[[Any], Path]) -> None:
    tree = triangle() | {"extensionsUsed": ["ACME_x"], "extensionsRequired": ["ACME_x"]}
    assert "needs the extension ACME_x" in refusal(gltf(tree))


def test_unknown_optional_extensions_stay_unless_they_point_to_data(gltf: Callable[[Any], Path]) -> None:
    tree = triangle() | {"extensionsUsed": ["ACME_plain", "ACME_data"]}
    tree["extensions"] = {"ACME_plain": {"era": "Nguyen"}, "ACME_data": {"bufferView": 0}}
    document, warnings = load_gltf(gltf(tree))
    assert document.json["extensions"] == {"ACME_plain": {"era": "Nguyen"}}
    assert document.json["extensionsUsed"] == ["ACME_plain"]
    assert ["ACME_data" in str(problem) for problem in warnings] == [True]


def test_every_fault_is_reported_not_just_the_first(gltf: Callable[[Any], Path]) -> None:
    tree = triangle(count="three")
    tree["nodes"][0]["mesh"] = 7
    tree["buffers"][0]["byteLength"] = -1
    with pytest.raises(Refused) as refused:
        load_gltf(gltf(tree))
    assert {problem.where for problem in refused.value.problems} == {
        "/accessors/0/count", "/nodes/0/mesh", "/buffers/0/byteLength",
    }  # fmt: skip


def test_a_model_no_rung_can_make_fit_is_refused_with_limit_and_actual(
    plain_glb: Callable[[Document], Path], tmp_path: Path
) -> None:
    """Three thousand nodes of JSON alone are more than a thumbnail may weigh."""
    document = sheet(9, nodes=[{"mesh": 0, "name": f"stone number {index}"} for index in range(3_000)])
    document.json["scenes"] = [{"nodes": list(range(3_000))}]
    outcomes = run_model(
        plain_glb(document),
        recipes=["thumb", "high"],
        workdir=tmp_path / "work",
        options=ModelOptions(search=False),
    )
    assert [(outcome.recipe, outcome.refused) for outcome in outcomes] == [("thumb", True), ("high", False)]
    said = [str(problem) for problem in outcomes[0].problems]
    assert any("at most 200000 bytes are allowed" in line for line in said)
    assert not (tmp_path / "work" / "thumb").exists()
