"""Steps that leave out what no one sees: unread attributes, and parts that look alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.steps.drop_unread import drop_unread
from asset_pipeline.models.steps.join_primitives import join_primitives
from asset_pipeline.models.steps.model_parts import drawn_triangles
from asset_pipeline.models.steps.reduce import shown_corners
from asset_pipeline.models.steps.weld import weld

POSITIONS, NORMALS, TANGENTS, UV_0, UV_1, WHITE, INDICES, OTHER_POSITIONS = range(8)


def triangle(materials: list[dict[str, Any]], primitives: list[dict[str, Any]], **more: Any) -> Document:
    """One mesh of single triangles, all columns at hand."""
    columns = [
        Accessor(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32), "VEC3"),
        Accessor(np.array([[0, 0, 1]] * 3, np.float32), "VEC3"),
        Accessor(np.array([[1, 0, 0, 1]] * 3, np.float32), "VEC4"),
        Accessor(np.array([[0, 0], [1, 0], [0, 1]], np.float32), "VEC2"),
        Accessor(np.array([[0, 0], [1, 0], [0, 1]], np.float32), "VEC2"),
        Accessor(np.ones((3, 4), np.float32), "VEC4"),
        Accessor(np.array([[0], [1], [2]], np.uint32), "SCALAR"),
        Accessor(np.array([[5, 0, 0], [6, 0, 0], [5, 1, 0]], np.float32), "VEC3"),
    ]
    tree = {
        "asset": {"version": "2.0"}, "materials": materials, "meshes": [{"primitives": primitives}],
        "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}], "scene": 0, **more,
    }  # fmt: skip
    return Document(tree, tuple(columns))


def every_attribute() -> dict[str, int]:
    return {
        "POSITION": POSITIONS, "NORMAL": NORMALS, "TANGENT": TANGENTS,
        "TEXCOORD_0": UV_0, "TEXCOORD_1": UV_1, "COLOR_0": WHITE,
    }  # fmt: skip


def names_after(material: dict[str, Any], **primitive: Any) -> list[str]:
    document = triangle([material], [{"attributes": every_attribute(), "material": 0, **primitive}])
    return sorted(drop_unread(document).json["meshes"][0]["primitives"][0]["attributes"])


@pytest.mark.parametrize(
    ("material", "kept"),
    [
        ({}, []),
        ({"emissiveTexture": {"index": 0}}, ["TEXCOORD_0"]),
        ({"occlusionTexture": {"index": 0, "texCoord": 1}}, ["TEXCOORD_1"]),
        ({"normalTexture": {"index": 0}}, ["TANGENT", "TEXCOORD_0"]),
        (
            {"emissiveTexture": {"index": 0, "extensions": {"KHR_texture_transform": {"texCoord": 1}}}},
            ["TEXCOORD_1"],
        ),
        ({"extensions": {"KHR_materials_anisotropy": {"anisotropyStrength": 1}}}, ["TANGENT"]),
        (
            {"extensions": {"KHR_materials_clearcoat": {"clearcoatNormalTexture": {"index": 0}}}},
            ["TANGENT", "TEXCOORD_0"],
        ),
    ],
)
def test_only_what_a_material_reads_stays(material: dict[str, Any], kept: list[str]) -> None:
    assert names_after(material) == sorted(["POSITION", "NORMAL", *kept])


def test_attributes_of_every_variant_stay() -> None:
    mapping = {"KHR_materials_variants": {"mappings": [{"material": 1, "variants": [0]}]}}
    primitive = {"attributes": every_attribute(), "material": 0, "extensions": mapping}
    document = triangle([{}, {"emissiveTexture": {"index": 0, "texCoord": 1}}], [primitive])
    (after,) = drop_unread(document).json["meshes"][0]["primitives"]
    assert sorted(after["attributes"]) == ["NORMAL", "POSITION", "TEXCOORD_1"]


def test_all_stay_beside_an_extension_that_may_read_them() -> None:
    assert names_after({}, extensions={"EXT_mesh_features": {}}) == sorted(every_attribute())


def test_colours_stay_that_are_not_white() -> None:
    document = triangle([], [{"attributes": {"POSITION": POSITIONS, "COLOR_0": TANGENTS}}])
    (after,) = drop_unread(document).json["meshes"][0]["primitives"]
    assert sorted(after["attributes"]) == ["COLOR_0", "POSITION"]


def test_morph_targets_lose_what_their_mesh_loses() -> None:
    primitive = {
        "attributes": {"POSITION": POSITIONS, "TEXCOORD_0": UV_0},
        "targets": [{"POSITION": OTHER_POSITIONS, "TEXCOORD_0": UV_1}],
    }
    (after,) = drop_unread(triangle([], [primitive])).json["meshes"][0]["primitives"]
    assert [sorted(after["attributes"]), sorted(after["targets"][0])] == [["POSITION"], ["POSITION"]]


def test_parts_with_equal_materials_become_one() -> None:
    materials = [{"name": "a", "doubleSided": True}, {"name": "b", "doubleSided": True}, {"name": "c"}]
    primitives = [
        {"attributes": {"POSITION": POSITIONS}, "indices": INDICES, "material": 0},
        {"attributes": {"POSITION": OTHER_POSITIONS}, "material": 1},
        {"attributes": {"POSITION": NORMALS}, "material": 2},
    ]
    joined = join_primitives(triangle(materials, primitives))
    assert [material["name"] for material in joined.items("materials")] == ["a", "c"]
    first, second = joined.json["meshes"][0]["primitives"]
    assert (first["material"], second["material"]) == (0, 1)
    assert joined.accessors[first["indices"]].array[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert joined.accessors[first["attributes"]["POSITION"]].array[:, 0].tolist() == [0, 1, 0, 5, 6, 5]


@pytest.mark.parametrize(
    "other",
    [
        {"attributes": {"POSITION": OTHER_POSITIONS, "NORMAL": NORMALS}},
        {"attributes": {"POSITION": OTHER_POSITIONS}, "mode": 0},
        {"attributes": {"POSITION": OTHER_POSITIONS}, "targets": [{"POSITION": NORMALS}]},
        {"attributes": {"POSITION": OTHER_POSITIONS}, "extras": {"part": 7}},
        {"attributes": {"POSITION": OTHER_POSITIONS}, "extensions": {"EXT_mesh_features": {}}},
    ],
)
def test_parts_that_differ_stay_apart(other: dict[str, Any]) -> None:
    document = triangle([], [{"attributes": {"POSITION": POSITIONS}}, other])
    assert len(join_primitives(document).json["meshes"][0]["primitives"]) == 2


def test_pirate_of_seven_equal_greys_becomes_one_part_without_seams(shared: Path) -> None:
    before = weld(load_mesh_file(shared / "assets/obj/pirate.obj").document)
    after = weld(join_primitives(drop_unread(before)))
    (primitive,) = after.json["meshes"][0]["primitives"]
    assert sorted(primitive["attributes"]) == ["NORMAL", "POSITION"]
    assert after.accessors[primitive["attributes"]["POSITION"]].count == 2887
    assert drawn_triangles(after) == drawn_triangles(before) == 5010
    first, second = (np.sort(shown_corners(one).reshape(-1, 9), axis=0) for one in (before, after))
    assert np.array_equal(first, second)
