"""Numbers on grids: where every vertex, UV and weight ends up after a reader has undone it."""

from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.references import texture_infos
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.transforms import local_matrix, world_matrices
from asset_pipeline.models.write_glb import write_glb
from tests.asset_pipeline.models.conftest import Validate, grid_mesh, sheet


def on_grid(document: Document, *, position_bits: int = 14, uv_bits: int = 12) -> Document:
    return quantize(document, position_bits=position_bits, uv_bits=uv_bits)


def placed(document: Document) -> list[np.ndarray]:
    """World positions of every primitive that a node shows."""
    world = world_matrices(document.items("nodes"))
    found = []
    for index, node in enumerate(document.items("nodes")):
        if "mesh" in node and "skin" not in node:
            for primitive in document.items("meshes")[node["mesh"]]["primitives"]:
                points = (
                    document.accessors[primitive["attributes"]["POSITION"]].as_floats().astype(np.float64)
                )
                found.append(points @ world[index][:3, :3].T + world[index][:3, 3])
    return found


def sorted_by_start(parts: list[np.ndarray]) -> list[np.ndarray]:
    return sorted(parts, key=lambda part: tuple(part[0].round(2)))


TURNED = {
    "translation": [3.0, -2.0, 5.0],
    "rotation": [0.5, 0.5, 0.5, 0.5],
    "scale": [2.0, 0.5, -1.5],
}


@pytest.mark.parametrize(
    "node",
    [
        {},
        TURNED,
        {"matrix": [2, 0, 0, 0, 0, 0, 3, 0, 0, -1, 0, 0, 7, 8, 9, 1]},
        {**TURNED, "children": [1]},
        {**TURNED, "camera": 0},
        {**TURNED, "extensions": {"KHR_lights_punctual": {"light": 0}}},
    ],
)
def test_vertices_stay_where_they_are(node: dict[str, Any]) -> None:
    nodes = [{"mesh": 0, **node}, {"mesh": 0, "translation": [50.0, 0.0, 0.0]}]
    scene = [0] if "children" in node else [0, 1]
    before = sheet(9, nodes=nodes, scenes=[{"nodes": scene}])
    after = on_grid(before)
    accessor = after.accessors[after.items("meshes")[0]["primitives"][0]["attributes"]["POSITION"]]
    assert accessor.array.dtype == np.uint16
    for wanted, got in zip(sorted_by_start(placed(before)), sorted_by_start(placed(after)), strict=True):
        assert np.abs(wanted - got).max() < 3.0 / 2**14  # half a step of a 1 m sheet, times the scale of 2
    kept = [{key: value for key, value in node.items() if key in ("camera", "extensions")}]
    assert [
        {key: value for key, value in after.items("nodes")[0].items() if key in ("camera", "extensions")}
    ] == kept


def test_an_animated_node_keeps_its_own_transform_and_weights_follow_the_mesh() -> None:
    times = Accessor(np.array([[0.0], [1.0]], np.float32), "SCALAR")
    moves = Accessor(np.array([[0, 0, 0], [0, 5, 0]], np.float32), "VEC3")
    weights = Accessor(np.array([[0.0], [1.0]], np.float32), "SCALAR")
    document = sheet(9)
    delta = Accessor(np.full((81, 3), 0.25, np.float32), "VEC3")
    document = Document(
        {
            **document.json,
            "nodes": [{"mesh": 0, "name": "boat", "weights": [0.5]}],
            "meshes": [
                {
                    "primitives": [
                        {**document.json["meshes"][0]["primitives"][0], "targets": [{"POSITION": 4}]}
                    ],
                    "weights": [0.0],
                }
            ],
            "animations": [
                {
                    "channels": [
                        {"sampler": 0, "target": {"node": 0, "path": "translation"}},
                        {"sampler": 1, "target": {"node": 0, "path": "weights"}},
                    ],
                    "samplers": [{"input": 5, "output": 6}, {"input": 5, "output": 7}],
                }
            ],
        },
        (*document.accessors, delta, times, moves, weights),
    )
    after = on_grid(document)
    boat, child = after.items("nodes")
    assert (boat["name"], boat["children"], "mesh" in boat, "scale" in boat) == ("boat", [1], False, False)
    assert (child["mesh"], child["weights"]) == (0, [0.5])
    targets = [channel["target"] for channel in after.items("animations")[0]["channels"]]
    assert targets == [{"node": 0, "path": "translation"}, {"node": 1, "path": "weights"}]
    morph = after.accessors[after.items("meshes")[0]["primitives"][0]["targets"][0]["POSITION"]]
    assert morph.array.dtype == np.int16
    assert morph.array[0, 0] * child["scale"][0] == pytest.approx(0.25, abs=1e-4)


def test_a_skin_takes_the_grid_into_its_matrices(validate: Validate, tmp_path: Any) -> None:
    positions, _normals, _uvs, indices = grid_mesh(9, size_m=40.0)
    rng = np.random.default_rng(5)
    weights = rng.random((81, 4)).astype(np.float32)
    weights /= weights.sum(axis=1, keepdims=True)
    joints = np.tile(np.array([[0, 1, 2, 0]], np.uint16), (81, 1))
    inverse = np.stack(
        [local_matrix({"translation": [-float(k), 1.0, 0.5], "rotation": [0, 0, 0.6, 0.8]}) for k in range(3)]
    )
    stored = inverse.transpose(0, 2, 1).reshape(3, 16).astype(np.float32)
    document = Document(
        {
            "asset": {"version": "2.0"},
            "scenes": [{"nodes": [0, 1]}],
            "nodes": [
                {"mesh": 0, "skin": 0},
                {"children": [2, 3], "translation": [1.0, 2.0, 3.0]},
                {"rotation": [0.0, 0.6, 0.0, 0.8]},
                {"scale": [2.0, 2.0, 2.0]},
            ],
            "meshes": [
                {"primitives": [{"attributes": {"POSITION": 0, "JOINTS_0": 1, "WEIGHTS_0": 2}, "indices": 3}]}
            ],
            "skins": [{"joints": [1, 2, 3], "inverseBindMatrices": 4}],
        },
        (
            Accessor(positions, "VEC3"),
            Accessor(joints, "VEC4"),
            Accessor(weights, "VEC4"),
            Accessor(indices, "SCALAR"),
            Accessor(stored, "MAT4"),
        ),
    )
    after = on_grid(document)
    wanted, got = skinned(document), skinned(after)
    assert np.abs(wanted - got).max() < 0.4  # weights in 1/255 steps over a 40 m sheet move it a little
    whole = after.accessors[after.items("meshes")[0]["primitives"][0]["attributes"]["WEIGHTS_0"]].array
    assert (whole.dtype, set(whole.sum(axis=1).tolist())) == (np.uint8, {255})
    assert "scale" not in after.items("nodes")[0]
    path = tmp_path / "skin.glb"
    path.write_bytes(write_glb(after))
    assert validate([path])[path]["errors"] == []


def skinned(document: Document) -> np.ndarray:
    world = world_matrices(document.items("nodes"))
    skin = document.items("skins")[document.items("nodes")[0]["skin"]]
    inverse = document.accessors[skin["inverseBindMatrices"]].array.reshape(-1, 4, 4).transpose(0, 2, 1)
    attributes = document.items("meshes")[0]["primitives"][0]["attributes"]
    points = document.accessors[attributes["POSITION"]].as_floats()
    points = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    joints = document.accessors[attributes["JOINTS_0"]].array
    weights = document.accessors[attributes["WEIGHTS_0"]].as_floats()
    matrices = np.stack([world[joint] @ inverse[place] for place, joint in enumerate(skin["joints"])])
    return np.einsum("vk,vkij,vj->vi", weights, matrices[joints], points)[:, :3]


def textured(uvs: np.ndarray, **info: Any) -> Document:
    positions, _normals, _, indices = grid_mesh(9)
    return Document(
        {
            "asset": {"version": "2.0"},
            "scenes": [{"nodes": [0]}],
            "nodes": [{"mesh": 0}],
            "meshes": [
                {
                    "primitives": [
                        {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}
                    ]
                }
            ],
            "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, **info}}}],
            "textures": [{}],
        },
        (Accessor(positions, "VEC3"), Accessor(uvs.astype(np.float32), "VEC2"), Accessor(indices, "SCALAR")),
    )


def seen_uvs(document: Document) -> np.ndarray:
    (info,) = [info for _, info, _ in texture_infos(document.items("materials")[0])]
    transform = info.get("extensions", {}).get("KHR_texture_transform", {})
    uvs = document.accessors[
        document.items("meshes")[0]["primitives"][0]["attributes"]["TEXCOORD_0"]
    ].as_floats()
    return uvs * transform.get("scale", [1, 1]) + transform.get("offset", [0, 0])


@pytest.mark.parametrize(
    ("low", "high", "transform", "grows"),
    [
        (0.0, 1.0, None, False),
        (0.0, 1.0, {"scale": [3.0, 3.0], "offset": [0.5, 0.0]}, False),
        (-1.5, 2.5, None, True),
        (1.0, 2.0, {"scale": [0.5, 0.25], "offset": [0.1, 0.2]}, True),
    ],
)
def test_uvs_are_seen_as_before(low: float, high: float, transform: Any, grows: bool) -> None:
    _, _, uvs, _ = grid_mesh(9)
    info = {"extensions": {"KHR_texture_transform": transform}} if transform else {}
    before = textured(uvs * (high - low) + low, **info)
    after = on_grid(before)
    stored = after.accessors[after.items("meshes")[0]["primitives"][0]["attributes"]["TEXCOORD_0"]]
    assert (stored.array.dtype, stored.normalized) == (np.uint16, True)
    assert np.abs(seen_uvs(after) - seen_uvs(before)).max() < 3.0 / 4096
    assert ("KHR_texture_transform" in after.json.get("extensionsRequired", [])) is grows


def test_uvs_that_cannot_be_undone_safely_stay_float() -> None:
    _, _, uvs, _ = grid_mesh(9)
    turned = {"extensions": {"KHR_texture_transform": {"rotation": 0.5}}}
    for document in (textured(uvs * 100), textured(uvs * 3, **turned)):
        after = on_grid(document)
        number = after.items("meshes")[0]["primitives"][0]["attributes"]["TEXCOORD_0"]
        assert after.accessors[number].array.dtype == np.float32


def test_variants_that_share_a_mesh_agree_on_one_grid() -> None:
    _, _, uvs, _ = grid_mesh(9)
    document = textured(uvs * 2)
    material = document.json["materials"][0]
    document.json["materials"] = [material, {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    document.json["meshes"][0]["primitives"][0]["extensions"] = {
        "KHR_materials_variants": {"mappings": [{"variants": [0], "material": 1}]}
    }
    after = on_grid(document)
    transforms = [
        info["extensions"]["KHR_texture_transform"]
        for found in after.items("materials")
        for _, info, _ in texture_infos(found)
    ]
    assert transforms == [{"offset": [0.0, 0.0], "scale": [2.0, 2.0]}] * 2


def test_instanced_meshes_and_volumes_and_pointers_keep_float_positions() -> None:
    instancing = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 0}}}
    volume = [{"extensions": {"KHR_materials_volume": {"thicknessFactor": 0.1}}}]
    glass = sheet(9, materials=volume)
    glass.json["meshes"][0]["primitives"][0]["material"] = 0
    for document in (
        sheet(9, nodes=[{"mesh": 0, "extensions": instancing}]),
        glass,
        sheet(9, extensionsUsed=["KHR_animation_pointer"]),
    ):
        after = on_grid(document)
        number = after.items("meshes")[0]["primitives"][0]["attributes"]["POSITION"]
        assert after.accessors[number].array.dtype == np.float32


def test_a_small_part_beside_a_large_one_gets_a_grid_of_its_own() -> None:
    """One grid over 1 km leaves a 1 m statue sixteen steps; over 2 m it leaves enough."""
    for size, shared in ((1000.0, False), (2.0, True)):
        small = sheet(9)
        large = grid_mesh(9, size_m=size)[0]
        attributes = {"POSITION": 4}
        tree = {
            **small.json,
            "nodes": [{"mesh": 0}, {"mesh": 1}],
            "scenes": [{"nodes": [0, 1]}],
            "meshes": [*small.json["meshes"], {"primitives": [{"attributes": attributes, "indices": 3}]}],
        }
        after = on_grid(Document(tree, (*small.accessors, Accessor(large, "VEC3"))))
        first, second = after.items("nodes")
        assert (first["scale"] == second["scale"]) is shared


def test_whole_numbers_stay_as_they_came() -> None:
    document = sheet(9)
    whole = Accessor((document.accessors[0].array * 500 + 100).astype(np.uint16), "VEC3")
    before = Document(document.json, (whole, *document.accessors[1:]))
    after = on_grid(before)
    number = after.items("meshes")[0]["primitives"][0]["attributes"]["POSITION"]
    assert np.array_equal(after.accessors[number].array, whole.array)
    assert after.items("nodes") == before.items("nodes")


@pytest.mark.parametrize(("bits", "accepted"), [(7, False), (8, True), (16, True), (17, False)])
def test_grid_limits(bits: int, accepted: bool) -> None:
    if accepted:
        on_grid(sheet(3), position_bits=bits)
    else:
        with pytest.raises(ValueError, match="want 8 to 16"):
            on_grid(sheet(3), position_bits=bits)


def two_parts(*, small_scale: float, **tree: Any) -> Document:
    """A sheet of 1 m, and one of 0.25 m in another place that is shown `small_scale` times as large."""
    first = sheet(9)
    second = grid_mesh(9, size_m=0.25)[0]
    nodes = [{"mesh": 0}, {"mesh": 1, "translation": [9.0, 0.0, 0.0], "scale": [small_scale] * 3}]
    part = {"primitives": [{"attributes": {"POSITION": 4}, "indices": 3}]}
    json_tree = {
        **first.json,
        "nodes": nodes,
        "scenes": [{"nodes": [0, 1]}],
        "meshes": [*first.json["meshes"], part],
        **tree,
    }
    return Document(json_tree, (*first.accessors, Accessor(second, "VEC3")))


@pytest.mark.parametrize("small_scale", [1.0, 2.0, 4.0])
def test_steps_are_equally_large_where_they_are_seen(small_scale: float) -> None:
    after = on_grid(two_parts(small_scale=small_scale), position_bits=12)
    first, second = after.items("nodes")
    assert first["scale"][0] == pytest.approx(1 / 4095, rel=1e-5)
    assert second["scale"][0] == pytest.approx(1 / 4095, rel=1e-5)
    number = after.items("meshes")[1]["primitives"][0]["attributes"]["POSITION"]
    assert after.accessors[number].array.max() == pytest.approx(0.25 * small_scale * 4095, abs=1)


def test_the_largest_part_as_it_is_seen_has_all_the_steps() -> None:
    after = on_grid(two_parts(small_scale=40.0), position_bits=12)
    first, second = after.items("nodes")
    assert second["scale"][0] == pytest.approx(10 / 4095, rel=1e-5)
    assert first["scale"][0] == pytest.approx(1 / 409.5, rel=2e-3)  # 10 m over 4095 steps


def test_a_speck_keeps_a_grid_of_its_own_size() -> None:
    after = on_grid(two_parts(small_scale=0.001), position_bits=12)
    number = after.items("meshes")[1]["primitives"][0]["attributes"]["POSITION"]
    assert after.accessors[number].array.max() == pytest.approx(256, abs=1)


def test_parts_that_may_grow_are_not_given_fewer_steps() -> None:
    times = Accessor(np.array([[0.0], [1.0]], np.float32), "SCALAR")
    sizes = Accessor(np.array([[0, 0, 0], [1, 1, 1]], np.float32), "VEC3")
    growing = {
        "channels": [{"sampler": 0, "target": {"node": 1, "path": "scale"}}],
        "samplers": [{"input": 5, "output": 6}],
    }
    before = two_parts(small_scale=0.001, animations=[growing])
    after = on_grid(Document(before.json, (*before.accessors, times, sizes)), position_bits=12)
    number = after.items("meshes")[1]["primitives"][0]["attributes"]["POSITION"]
    assert after.accessors[number].array.max() == pytest.approx(0.25 * 4095, abs=1)  # as if it were shown 1:1
