"""Draco: what our own reader gets back, how far it moved, what stays beside it; touching parts stay shut."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import TRIANGLES, Accessor, Document
from asset_pipeline.models.geometry import Geometry, geometry_of
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.asset_pipeline.models.conftest import Validate, glb_json, grid_mesh, sheet
from tests.asset_pipeline.models.random_gltf import RandomModel
from tests.asset_pipeline.models.test_quantize import placed

DRACO = "KHR_draco_mesh_compression"


def written(document: Document, folder: Path, **options: Any) -> tuple[dict[str, Any], Document, Path]:
    path = folder / "draco.glb"
    path.write_bytes(write_glb(document, WriteOptions(GeometryCodec.DRACO, **options)))
    found, warnings = load_gltf(path)
    assert warnings == ()
    return glb_json(path), found, path


def triangles(document: Document, number: int = 0) -> np.ndarray:
    """(n, 3, columns): every corner's numbers side by side, in an order of our own."""
    primitive = [primitive for _, _, primitive in document.primitives()][number]
    geometry = geometry_of(document, primitive)
    rows = np.concatenate([geometry.attributes[name].as_floats() for name in sorted(geometry.attributes)], 1)
    indices = np.arange(geometry.vertices) if geometry.indices is None else geometry.indices
    corners = rows[indices].reshape(-1, 3, rows.shape[1])
    return sorted_corners(corners)


def sorted_corners(corners: np.ndarray) -> np.ndarray:
    coarse = np.rint(corners[:, :, -3:] * 512)  # TEXCOORD_0 and the first numbers before it are steady keys
    first = np.array([np.lexsort(corner.T)[0] for corner in coarse])
    turned = np.stack([np.roll(corner, -start, axis=0) for corner, start in zip(corners, first, strict=True)])
    keys = np.rint(turned[:, :, -3:] * 512).reshape(len(turned), -1)
    found: np.ndarray = turned[np.lexsort(keys.T)]
    return found


def test_the_triangles_come_back_within_the_grids(tmp_path: Path) -> None:
    before = sheet(17, size_m=3.0)
    tree, after, _ = written(before, tmp_path, position_bits=12, uv_bits=11, direction_bits=10)
    assert tree["extensionsRequired"] == [DRACO]
    assert all("bufferView" not in accessor for accessor in tree["accessors"])
    wanted, got = triangles(before), triangles(after)
    assert wanted.shape == got.shape == (512, 3, 8)  # NORMAL, POSITION, TEXCOORD_0
    assert np.abs(wanted - got)[:, :, :3].max() < 0.005
    assert np.abs(wanted - got)[:, :, 3:6].max() <= 3.0 / 4095 / 2 * 1.001
    assert np.abs(wanted - got)[:, :, 6:].max() <= 1.0 / 2047 / 2 * 1.001


def test_bounds_are_those_of_the_decoded_positions(tmp_path: Path) -> None:
    tree, after, _ = written(sheet(9, size_m=3.0), tmp_path, position_bits=8)
    primitive = tree["meshes"][0]["primitives"][0]
    declared = tree["accessors"][primitive["attributes"]["POSITION"]]
    number = after.items("meshes")[0]["primitives"][0]["attributes"]["POSITION"]
    positions = after.accessors[number].array
    assert declared["min"] == positions.min(axis=0).tolist()
    assert declared["max"] == positions.max(axis=0).tolist()
    assert declared["count"] == len(positions)


def side_by_side(**nodes: Any) -> Document:
    """Two sheets in one space that share an edge, as two meshes."""
    first = sheet(9)
    moved = first.accessors[0].array + np.array([1.0, 0.0, 0.0], np.float32)
    moved[first.accessors[0].array[:, 0] == 0] = first.accessors[0].array[first.accessors[0].array[:, 0] == 1]
    moved[:, 1] *= 0.731
    edge = first.accessors[0].array[:, 0] == 0
    moved[edge] = first.accessors[0].array[first.accessors[0].array[:, 0] == 1]
    tree = {
        **first.json,
        "nodes": [{"mesh": 0, **nodes}, {"mesh": 1, **nodes}],
        "scenes": [{"nodes": [0, 1]}],
        "meshes": [
            *first.json["meshes"],
            {"primitives": [{"attributes": {"POSITION": 4}, "indices": 3}]},
        ],
    }
    return Document(tree, (*first.accessors, Accessor(moved, "VEC3")))


@pytest.mark.parametrize("bits", [8, 14])
def test_parts_that_touch_do_not_crack(tmp_path: Path, bits: int) -> None:
    _, after, _ = written(side_by_side(translation=[3.0, 1.0, 2.0]), tmp_path, position_bits=bits)
    left, right = (
        {
            tuple(row)
            for row in after.accessors[mesh["primitives"][0]["attributes"]["POSITION"]].array.tolist()
        }
        for mesh in after.items("meshes")
    )
    assert len(left & right) == 9  # the shared edge, to the last bit


def test_what_draco_cannot_hold_is_written_beside_it(tmp_path: Path, validate: Validate) -> None:
    before = sheet(9)
    rng = np.random.default_rng(3)
    count = before.accessors[0].count
    tangents = np.tile(np.array([1, 0, 0, 1], np.float32), (count, 1))
    tangents[:, 3] = np.where(rng.random(count) < 0.5, -1, 1)
    own = np.arange(count, dtype=np.float32).reshape(-1, 1)
    colors = rng.random((count, 4)).astype(np.float32)
    second = rng.random((count, 2)).astype(np.float32)
    before.json["meshes"][0]["primitives"][0]["attributes"] |= {
        "TANGENT": 4,
        "_OWN": 5,
        "COLOR_0": 6,
        "TEXCOORD_1": 7,
    }
    before = Document(
        before.json,
        (
            *before.accessors,
            Accessor(tangents, "VEC4"),
            Accessor(own, "SCALAR"),
            Accessor(colors, "VEC4"),
            Accessor(second, "VEC2"),
        ),
    )
    tree, after, path = written(before, tmp_path)
    inside = tree["meshes"][0]["primitives"][0]["extensions"][DRACO]["attributes"]
    assert set(inside) == {"POSITION", "NORMAL", "TEXCOORD_0", "COLOR_0", "TEXCOORD_1"}
    assert validate([path])[path]["errors"] == []
    attributes = after.items("meshes")[0]["primitives"][0]["attributes"]
    rows = after.accessors[attributes["_OWN"]].array[:, 0].astype(int)
    assert sorted(rows.tolist()) == list(range(count))
    close = {"TANGENT": 0.01, "COLOR_0": 0.002, "TEXCOORD_1": 1e-5, "POSITION": 1e-4}
    for name, tolerance in close.items():
        wanted = before.accessors[before.json["meshes"][0]["primitives"][0]["attributes"][name]].as_floats()
        assert np.abs(after.accessors[attributes[name]].as_floats() - wanted[rows]).max() < tolerance, name


def test_points_and_morph_targets_stay_outside(tmp_path: Path, validate: Validate) -> None:
    document = sheet(5)
    attributes = document.json["meshes"][0]["primitives"][0]["attributes"]
    document.json["meshes"][0]["primitives"] += [
        {"attributes": {"POSITION": 0}, "mode": 0},
        {"attributes": {"POSITION": 0}, "indices": 3, "targets": [{"POSITION": 0}]},
        {"attributes": attributes, "indices": 3},
    ]
    document.json["meshes"] = [
        {"primitives": [document.json["meshes"][0]["primitives"][number]]} for number in (0, 1, 2, 3)
    ]
    document.json["nodes"] = [{"mesh": number} for number in range(4)]
    document.json["scenes"] = [{"nodes": [0, 1, 2, 3]}]
    tree, after, path = written(document, tmp_path)
    uses = [DRACO in mesh["primitives"][0].get("extensions", {}) for mesh in tree["meshes"]]
    assert uses == [True, False, False, True]
    parts = [tree["meshes"][number]["primitives"][0] for number in (0, 3)]
    assert parts[0] == parts[1]  # shared numbers stay shared
    wanted = {DRACO, "EXT_meshopt_compression", "KHR_mesh_quantization"}
    assert set(tree["extensionsRequired"]) == wanted
    assert validate([path])[path]["errors"] == []
    assert [geometry_of(after, primitive).mode for _, _, primitive in after.primitives()] == [4, 0, 4, 4]


def test_uvs_over_many_repeats_keep_their_step(tmp_path: Path) -> None:
    before = sheet(9)
    uvs = before.accessors[2].array * 37.0 - 5.0
    before = Document(before.json, (*before.accessors[:2], Accessor(uvs, "VEC2"), before.accessors[3]))
    _, after, _ = written(before, tmp_path, uv_bits=12)
    number = after.items("meshes")[0]["primitives"][0]["attributes"]["TEXCOORD_0"]
    found = np.unique(after.accessors[number].array[:, 0])
    assert np.abs(found - np.unique(uvs[:, 0])).max() <= 0.5 / 4095


def test_rows_nothing_draws_are_left_out(tmp_path: Path) -> None:
    before = sheet(9)
    few = Accessor(before.accessors[3].array[:6], "SCALAR")
    before = Document(before.json, (*before.accessors[:3], few))
    tree, _, _ = written(before, tmp_path)
    assert tree["accessors"][tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]["count"] <= 6


def test_the_same_model_gives_the_same_bytes_and_fewer_than_meshopt() -> None:
    document = sheet(33)
    draco = write_glb(document, WriteOptions(GeometryCodec.DRACO))
    assert draco == write_glb(document, WriteOptions(GeometryCodec.DRACO))
    assert len(draco) < 0.5 * len(write_glb(document))


@pytest.mark.parametrize(
    ("name", "value"), [("position_bits", 7), ("position_bits", 21), ("uv_bits", 17), ("direction_bits", 3)]
)
def test_limits_of_the_grids(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name}: want"):
        WriteOptions(GeometryCodec.DRACO, **{name: value})


def test_shared_masters_pass_the_validator_and_draw_the_same(
    shared: Path, validate: Validate, tmp_path: Path
) -> None:
    names = ("gltf/Ingenuity.glb", "gltf/CesiumMilkTruck.glb", "gltf/Fox/Fox.gltf", "gltf/atoncube.glb")
    paths = []
    for name in names:
        before = weld(load_gltf(shared / "assets" / name)[0])
        folder = tmp_path / Path(name).stem
        folder.mkdir()
        _, after, path = written(before, folder)
        paths.append(path)
        for (_, _, old), (_, _, new) in zip(before.primitives(), after.primitives(), strict=True):
            wanted, got = geometry_of(before, old), geometry_of(after, new)
            assert (wanted.triangles, set(wanted.attributes)) == (got.triangles, set(got.attributes))
    reports = validate(paths)
    assert {path: report["errors"] for path, report in reports.items() if report["errors"]} == {}


def test_grid_mesh_is_what_these_tests_think() -> None:
    positions, _, _, indices = grid_mesh(9)
    assert (len(positions), len(indices)) == (81, 384)


def test_a_mesh_of_one_point_is_written_plainly_and_parts_no_others(
    tmp_path: Path, validate: Validate
) -> None:
    document = side_by_side()
    document.json["meshes"].append({"primitives": [{"attributes": {"POSITION": 5}, "indices": 3}]})
    document.json["nodes"].append({"mesh": 2})
    document.json["scenes"] = [{"nodes": [0, 1, 2]}]
    point = Accessor(np.full_like(document.accessors[0].array, 0.5), "VEC3")
    tree, after, path = written(Document(document.json, (*document.accessors, point)), tmp_path)
    uses = [DRACO in mesh["primitives"][0].get("extensions", {}) for mesh in tree["meshes"]]
    assert uses == [True, True, False]
    assert validate([path])[path]["errors"] == []
    left, right = (
        {
            tuple(row)
            for row in after.accessors[mesh["primitives"][0]["attributes"]["POSITION"]].array.tolist()
        }
        for mesh in after.items("meshes")[:2]
    )
    assert len(left & right) == 9


def test_points_beside_draco_stand_on_a_grid_of_whole_numbers(tmp_path: Path) -> None:
    document = side_by_side()
    document.json["meshes"][1]["primitives"][0] = {"attributes": {"POSITION": 4}, "mode": 0}
    tree, after, _ = written(document, tmp_path, position_bits=12)
    assert [DRACO in mesh["primitives"][0].get("extensions", {}) for mesh in tree["meshes"]] == [True, False]
    number = after.items("meshes")[1]["primitives"][0]["attributes"]["POSITION"]
    assert after.accessors[number].array.dtype == np.uint16
    wanted, got = placed(document)[1], placed(after)[1]
    assert np.abs(wanted - got).max() <= 0.5 / 4095 * 1.01
    assert "scale" not in after.items("nodes")[0]  # Draco needs no way back


def visible(geometry: Geometry) -> int:
    """Triangles with three corners apart: Draco drops the others, which draw nothing."""
    if geometry.mode != TRIANGLES:
        return 0
    indices = np.arange(geometry.vertices) if geometry.indices is None else geometry.indices
    corners = geometry.attributes["POSITION"].as_floats()[indices[: len(indices) // 3 * 3]].reshape(-1, 3, 3)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    return int(((a != b).any(axis=1) & (b != c).any(axis=1) & (a != c).any(axis=1)).sum())


def test_random_models_are_valid_and_draw_the_same(tmp_path: Path, validate: Validate) -> None:
    paths = []
    for seed in range(40):
        folder = tmp_path / f"{seed}"
        folder.mkdir()
        before = weld(load_gltf(RandomModel(seed).write(folder))[0])
        paths.append(folder / "draco.glb")
        paths[-1].write_bytes(write_glb(before, WriteOptions(GeometryCodec.DRACO)))
        after, _ = load_gltf(paths[-1])
        for (_, _, old), (_, _, new) in zip(before.primitives(), after.primitives(), strict=True):
            wanted, got = geometry_of(before, old), geometry_of(after, new)
            assert visible(wanted) <= got.triangles <= wanted.triangles, seed
            assert (wanted.mode, set(wanted.attributes)) == (got.mode, set(got.attributes)), seed
            assert len(wanted.targets) == len(got.targets), seed
    reports = validate(paths)
    assert {path: report["errors"] for path, report in reports.items() if report["errors"]} == {}
