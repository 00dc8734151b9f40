"""The tower scan: closed, well formed, valid, and the same every time."""

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from content_api.demo.glb import Part, Surface, glb_bytes
from content_api.demo.karst import TowerForm, grow_tower
from content_api.demo.masters import DemoMasters
from content_api.demo.tower import FULL_COLUMNS, FULL_ROWS, SCAN_FORM, tower_glb, tower_part

VALIDATE = """
const validator = require(process.argv[1]), fs = require('fs');
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[2])), {maxIssues: 0})
  .then(report => console.log(JSON.stringify(report)));
"""


@pytest.fixture(scope="module")
def part() -> Part:
    return tower_part(grow_tower(SCAN_FORM, 128, 128), 64, 33, Surface("rock", picture_jpeg=b"jpeg"))


def document_of(glb: bytes) -> dict:
    magic, version, length, json_length, kind = struct.unpack("<4sIII4s", glb[:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(glb), b"JSON")
    return json.loads(glb[20 : 20 + json_length])


def test_the_full_scan_has_more_than_a_million_triangles() -> None:
    assert 2 * FULL_COLUMNS * (FULL_ROWS - 1) == 1_054_720


def test_triangle_count_follows_the_grid(part: Part) -> None:
    assert len(part.triangles) == 2 * 64 * 32
    assert len(part.positions) == 65 * 33 + 1


def test_it_stands_on_the_sea_at_the_origin(part: Part) -> None:
    low, high = part.positions.min(axis=0), part.positions.max(axis=0)
    assert low[1] == 0.0
    assert 40 < high[1] < 90
    assert low[0] < -15 < 15 < high[0]
    assert low[2] < -15 < 15 < high[2]


def test_it_is_closed_but_for_the_texture_seam(part: Part) -> None:
    _, same = np.unique(part.positions, axis=0, return_inverse=True)
    corners = same.ravel()[part.triangles]
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    forward = {tuple(edge) for edge in edges.tolist()}
    assert {(b, a) for a, b in forward} == forward


def test_triangles_face_outwards(part: Part) -> None:
    a, b, c = (part.positions[part.triangles[:, corner]].astype(np.float64) for corner in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert 40_000 < volume < 200_000  # cubic metres; negative if turned inside out


def test_normals_are_unit_and_uvs_in_range(part: Part) -> None:
    assert np.abs(np.linalg.norm(part.normals, axis=1) - 1).max() < 1e-4
    assert part.uvs is not None
    assert part.uvs.min() >= 0
    assert part.uvs.max() <= 1


def test_the_same_tower_at_another_resolution() -> None:
    fine, coarse = grow_tower(SCAN_FORM, 256, 256), grow_tower(SCAN_FORM, 128, 128)
    averaged = fine.reach.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    assert np.median(np.abs(averaged - coarse.reach)) < 0.35


def test_forms_are_checked() -> None:
    with pytest.raises(ValueError, match="positive size"):
        TowerForm(seed=1, height_m=0, radius_m=10)
    with pytest.raises(ValueError, match="squareness: want 2 to 8, got 9"):
        TowerForm(seed=1, height_m=50, radius_m=10, squareness=9)


def test_parts_are_checked(part: Part) -> None:
    with pytest.raises(ValueError, match="uvs exactly where the surface has a picture"):
        Part(Surface("plain"), part.positions, part.normals, part.uvs, part.triangles)
    with pytest.raises(ValueError, match="indices below 2146"):
        Part(part.surface, part.positions, part.normals, part.uvs, part.triangles + np.uint32(1))


def test_same_bytes_every_time() -> None:
    assert tower_glb(32, 17, 128) == tower_glb(32, 17, 128)


def test_the_file_says_it_is_an_illustration(small_masters: DemoMasters) -> None:
    document = document_of(small_masters.tower.read_bytes())
    assert document["asset"]["extras"]["description"] == "Illustration, computer-generated"
    assert "extensionsUsed" not in document
    assert document["buffers"] == [{"byteLength": document["buffers"][0]["byteLength"]}]


def test_it_passes_the_khronos_validator(small_masters: DemoMasters, node: Path) -> None:
    validator = Path(__file__).parents[3] / "node_modules" / "gltf-validator"
    told = subprocess.run(
        [node, "-e", VALIDATE, str(validator), str(small_masters.tower)],
        capture_output=True,
        text=True,
        check=True,
    )
    report = json.loads(told.stdout)
    assert [report["issues"][key] for key in ("numErrors", "numWarnings", "numInfos")] == [0, 0, 0]
    assert report["info"]["totalTriangleCount"] == 2 * 64 * 32 + 2 * 256 * 71


def test_parts_without_a_picture_have_no_texture() -> None:
    plain = Part(
        Surface("plain", colour=(0.1, 0.2, 0.3), roughness=0.5),
        np.float32([[0, 0, 0], [1, 0, 0], [0, 0, -1]]),
        np.float32([[0, 1, 0]] * 3),
        None,
        np.uint32([[0, 1, 2]]),
    )
    document = document_of(glb_bytes([plain], name="one", asset_notes={}))
    assert "textures" not in document
    assert document["materials"] == [
        {
            "name": "plain",
            "pbrMetallicRoughness": {
                "baseColorFactor": [0.1, 0.2, 0.3, 1.0],
                "metallicFactor": 0.0,
                "roughnessFactor": 0.5,
            },
        }
    ]
