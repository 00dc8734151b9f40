"""Normal maps baked from the master: the viewer's arithmetic arrives at the master's normals again."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.judge import Judge, JudgeUnavailable, ViewPlan
from asset_pipeline.models.steps.bake_normals import bake_normals
from asset_pipeline.models.steps.bake_normals_frame import gradients, in_tangent_frame
from asset_pipeline.models.steps.colour_to_texture import colour_to_texture
from asset_pipeline.models.steps.colour_to_texture_base import sample_bilinear
from asset_pipeline.models.steps.reduce import reduce_triangles
from asset_pipeline.models.usdz import check_usdz, write_usdz
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from tests.asset_pipeline.models.conftest import sheet
from tests.conftest import missing


def bumpy(side: int, *, uv_scale: float = 1.0, **tree: Any) -> Document:
    """The wavy sheet with small waves on it: 8 mm high on 1 m, 157 mm long in x and 209 mm in z."""
    document = sheet(side, **tree)
    positions, _, uvs, indices = (column.array for column in document.accessors)
    x, z = positions[:, 0].astype(np.float64), positions[:, 2].astype(np.float64)
    height = 0.03 * np.sin(7 * x) * np.cos(5 * z) + 0.008 * np.sin(40 * x) * np.sin(30 * z)
    moved = np.stack([x, height, z], axis=1)
    columns = (
        Accessor(moved.astype(np.float32), "VEC3"),
        Accessor(normal_at(moved).astype(np.float32), "VEC3"),
        Accessor(uvs * np.float32(uv_scale), "VEC2"),
        Accessor(indices, "SCALAR"),
    )
    return Document(document.json, columns)


def normal_at(points: np.ndarray) -> np.ndarray:
    """The master's normal over x and z, by calculus."""
    x, z = points[:, 0], points[:, 2]
    along_x = 0.21 * np.cos(7 * x) * np.cos(5 * z) + 0.32 * np.cos(40 * x) * np.sin(30 * z)
    along_z = -0.15 * np.sin(7 * x) * np.sin(5 * z) + 0.24 * np.sin(40 * x) * np.cos(30 * z)
    normals = np.stack([-along_x, np.ones(len(x)), -along_z], axis=1)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def shown_normals(document: Document) -> tuple[np.ndarray, np.ndarray]:
    """(points, normals) in the middle of each triangle, as a viewer without TANGENT works them out."""
    (primitive,) = (primitive for _, _, primitive in document.primitives())
    geometry = geometry_of(document, primitive)
    info = document.items("materials")[primitive["material"]]["normalTexture"]
    source = document.items("textures")[info["index"]]["source"]
    pixels = np.asarray(PIL.Image.open(io.BytesIO(document.images[source].body)), np.float32)
    corners = geometry.indices.reshape(-1, 3)
    points = geometry.attributes["POSITION"].as_floats()[corners].astype(np.float64)
    normals = geometry.attributes["NORMAL"].as_floats()[corners].mean(axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    uv = geometry.attributes[f"TEXCOORD_{info.get('texCoord', 0)}"].as_floats()[corners].astype(np.float64)
    texel = sample_bilinear(pixels, uv.mean(axis=1).astype(np.float32)) / 127.5 - 1
    # three.js, perturbNormal2Arb, with the triangle's edges in place of the screen's derivatives
    q0, q1 = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    st0, st1 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    t = np.cross(q1, normals) * st0[:, :1] + np.cross(normals, q0) * st1[:, :1]
    b = np.cross(q1, normals) * st0[:, 1:] + np.cross(normals, q0) * st1[:, 1:]
    longest = np.sqrt(np.maximum((t**2).sum(axis=1), (b**2).sum(axis=1)))[:, None]
    bent = t / longest * texel[:, :1] - b / longest * texel[:, 1:2] + normals * texel[:, 2:]
    return points.mean(axis=1), bent / np.linalg.norm(bent, axis=1, keepdims=True)


def degrees_off(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((found * wanted).sum(axis=1), -1, 1)))


@pytest.mark.parametrize("uv_scale", [1.0, 3.0])  # into its own UV, and into an atlas
def test_a_viewer_arrives_at_the_masters_normals(uv_scale: float) -> None:
    master = bumpy(129, uv_scale=uv_scale)
    reduced = reduce_triangles(master, max_triangles=400)
    baked = bake_normals(reduced, master, max_px=512, time_limit_s=60)
    points, normals = shown_normals(baked)
    off = degrees_off(normals, normal_at(points))
    geometry = geometry_of(reduced, reduced.json["meshes"][0]["primitives"][0])
    corners = geometry.indices.reshape(-1, 3)
    smooth = geometry.attributes["NORMAL"].as_floats()[corners].mean(axis=1)
    before = degrees_off(smooth / np.linalg.norm(smooth, axis=1, keepdims=True), normal_at(points))
    assert before.mean() > 3
    assert off.mean() < 0.7
    assert np.percentile(off, 95) < 2


def test_geometry_and_uv_stay_when_the_uv_will_do() -> None:
    master = bumpy(65)
    reduced = reduce_triangles(master, max_triangles=400)
    baked = bake_normals(reduced, master, max_px=256, time_limit_s=60)
    first, second = (
        geometry_of(document, document.json["meshes"][0]["primitives"][0]) for document in (reduced, baked)
    )
    assert sorted(second.attributes) == ["NORMAL", "POSITION", "TEXCOORD_0"]
    for name, column in first.attributes.items():
        assert np.array_equal(column.array, second.attributes[name].array)
    assert baked.json["materials"] == [{"normalTexture": {"index": 0}}]
    (image,) = baked.images
    picture = PIL.Image.open(io.BytesIO(image.body))
    assert (picture.size, picture.mode) == ((256, 256), "RGB")
    length = np.linalg.norm(np.asarray(picture, np.float64) / 127.5 - 1, axis=2)
    assert np.abs(length - 1).max() < 0.02
    assert np.asarray(picture)[:, :, 2].min() > 127  # every normal looks out


def test_an_atlas_stands_beside_the_uv_that_other_textures_read() -> None:
    master = bumpy(65, uv_scale=3)
    baked = bake_normals(reduce_triangles(master, max_triangles=400), master, max_px=256, time_limit_s=60)
    attributes = baked.json["meshes"][0]["primitives"][0]["attributes"]
    assert sorted(attributes) == ["NORMAL", "POSITION", "TEXCOORD_0", "TEXCOORD_1"]
    assert baked.json["materials"] == [{"normalTexture": {"index": 0, "texCoord": 1}}]


def test_colours_first_then_normals_share_one_uv_set_as_quick_look_wants(tmp_path: Path) -> None:
    master = bumpy(65, uv_scale=3)
    reduced = reduce_triangles(master, max_triangles=400)
    primitive = reduced.json["meshes"][0]["primitives"][0]
    points = reduced.accessors[primitive["attributes"]["POSITION"]].as_floats()
    attributes = {**primitive["attributes"], "COLOR_0": len(reduced.accessors)}
    colours = Accessor(np.clip(points + np.array([0, 0.5, 0], np.float32), 0, 1), "VEC3")
    tree = {**reduced.json, "meshes": [{"primitives": [{**primitive, "attributes": attributes}]}]}
    coloured = replace(reduced, json=tree, accessors=(*reduced.accessors, colours))
    painted, problems = colour_to_texture(coloured, max_px=256, time_limit_s=60)
    baked = bake_normals(painted, master, max_px=256, time_limit_s=60)
    assert problems == ()
    assert len(baked.images) == 2
    attributes = baked.json["meshes"][0]["primitives"][0]["attributes"]
    assert sorted(attributes) == ["NORMAL", "POSITION", "TEXCOORD_0"]
    assert write_usdz(baked, tmp_path / "m.usdz") == ()
    assert check_usdz(tmp_path / "m.usdz") == []


def test_surfaces_that_lost_nothing_get_no_map() -> None:
    """A flat floor beside the bumpy sheet stays out of the atlas."""
    rough, flat = bumpy(65, uv_scale=3), sheet(9)
    floor = [
        Accessor(flat.accessors[0].array * np.array([1, 0, 1], np.float32), "VEC3"),
        Accessor(np.tile(np.array([[0, 1, 0]], np.float32), (81, 1)), "VEC3"),
        *flat.accessors[2:],
    ]
    both = Document(
        {
            **rough.json,
            "nodes": [{"mesh": 0}, {"mesh": 1, "translation": [0, -1, 0]}],
            "scenes": [{"nodes": [0, 1]}],
            "meshes": [
                {"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3}]},
                {"primitives": [{"attributes": {"POSITION": 4, "NORMAL": 5, "TEXCOORD_0": 6}, "indices": 7}]},
            ],
        },
        (*rough.accessors, *floor),
    )
    baked = bake_normals(reduce_triangles(both, max_triangles=500), both, max_px=128, time_limit_s=60)
    first, second = (primitive for _, _, primitive in baked.primitives())
    assert first["material"] == 0
    assert "material" not in second


@pytest.mark.parametrize(
    "change",
    [
        {"materials": [{"normalTexture": {"index": 0}}]},
        {"meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 2}, "indices": 3}]}]},
    ],
    ids=["a normal map is there", "there are no normals"],
)
def test_what_cannot_be_baked_comes_back_as_it_is(change: dict[str, Any]) -> None:
    master = bumpy(65)
    reduced = reduce_triangles(master, max_triangles=400)
    other = replace(reduced, json={**reduced.json, **change})
    assert bake_normals(other, master, max_px=256, time_limit_s=60) is other


def test_a_model_that_was_not_reduced_comes_back_as_it_is() -> None:
    master = bumpy(17)
    assert bake_normals(master, master, max_px=256, time_limit_s=60) is master


def test_when_time_is_up_the_model_comes_back_as_it_is() -> None:
    master = bumpy(129, uv_scale=3)
    reduced = reduce_triangles(master, max_triangles=400)
    assert bake_normals(reduced, master, max_px=1024, time_limit_s=0.001) is reduced


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="want max_px >= 64"):
        bake_normals(sheet(), sheet(), max_px=32, time_limit_s=1)
    with pytest.raises(ValueError, match="positive time"):
        bake_normals(sheet(), sheet(), max_px=64, time_limit_s=0)


def test_the_same_model_gives_the_same_picture() -> None:
    master = bumpy(65, uv_scale=3)
    reduced = reduce_triangles(master, max_triangles=400)
    first, second = (bake_normals(reduced, master, max_px=128, time_limit_s=60) for _ in range(2))
    assert first is not reduced
    assert first.images == second.images


def test_a_moved_turned_and_scaled_model_gives_the_same_picture() -> None:
    pictures = []
    master = bumpy(65)
    reduced = reduce_triangles(master, max_triangles=400)
    turned = {"mesh": 0, "scale": [4, 4, 4], "translation": [5, 6, 7], "rotation": [0.5, 0.5, 0.5, 0.5]}
    for node in ({"mesh": 0}, turned):
        first, second = (
            replace(document, json={**document.json, "nodes": [node]}) for document in (reduced, master)
        )
        (image,) = bake_normals(first, second, max_px=128, time_limit_s=60).images
        pictures.append(np.asarray(PIL.Image.open(io.BytesIO(image.body)), np.int32))
    assert np.percentile(np.abs(pictures[0] - pictures[1]), 99) <= 3


def test_the_frame_on_a_plain_triangle() -> None:
    """u along x and v along z (down in the picture), normal up: red is x, green is -z, blue is y."""
    corners = np.array([[[0, 0, 0], [0, 0, 1], [1, 0, 0]]], np.float32)
    uv = np.array([[[0, 0], [0, 1], [1, 0]]], np.float32)
    up = np.array([[0, 1, 0]], np.float32)
    along_u, along_v = gradients(up, corners, uv)
    assert np.allclose(along_u, [[1, 0, 0]])
    assert np.allclose(along_v, [[0, 0, 1]])
    leaning = np.array([[0.36, 0.8, 0.48]], np.float32)
    assert np.allclose(in_tangent_frame(leaning, up, corners, uv), [[0.36, -0.48, 0.8]], atol=1e-6)
    flat = np.zeros_like(uv)
    assert np.allclose(in_tangent_frame(leaning, up, corners, flat), [[0, 0, 1]])


def test_the_judge_sees_the_relief_again(tmp_path: Path) -> None:
    """Lit pictures of the reduced sheet come nearer to the master's with the map than without."""
    master = bumpy(257)
    reduced = reduce_triangles(master, max_triangles=400)
    baked = bake_normals(reduced, master, max_px=512, time_limit_s=60)
    files = {}
    for name, document in (("master", master), ("reduced", reduced), ("baked", baked)):
        files[name] = tmp_path / f"{name}.glb"
        files[name].write_bytes(write_glb(document, WriteOptions(geometry=GeometryCodec.NONE)))
    try:
        with Judge.open(files["master"], ViewPlan(192)) as judge:
            before, after = judge.compare(files["reduced"]), judge.compare(files["baked"])
    except JudgeUnavailable as reason:
        missing(str(reason))
    assert after.ssim_lit > before.ssim_lit + 0.02  # the outline is as coarse as it was
    assert after.psnr_lit_db > before.psnr_lit_db + 1.5
    assert after.ssim_unlit == before.ssim_unlit
