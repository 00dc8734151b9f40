"""What a package says, value by value, for models made in code."""

import io
import math
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from pxr import Usd, UsdGeom, UsdShade

from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.usdz import check_usdz, write_usdz
from asset_pipeline.models.usdz.package import read_entries, write_package
from asset_pipeline.models.usdz.write_usdz import MAX_DEPTH
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.usdz.conftest import meshes_of, shown_triangles, textured_sheet
from tests.asset_pipeline.models.usdz.pictures import encoded, picture, png

Packed = Callable[[Document], Path]


def opened(path: Path) -> Any:
    assert check_usdz(path) == []
    return Usd.Stage.Open(str(path))


def inputs(stage: Any, name: str = "Surface", material: str = "Material") -> dict[str, Any]:
    """The values of a shader's inputs; a connection as (shader, output)."""
    shader = UsdShade.Shader.Get(stage, f"/Model/Materials/{material}/{name}")
    found = {}
    for entry in shader.GetInputs():
        if entry.HasConnectedSource():
            source = entry.GetConnectedSources()[0][0]
            found[entry.GetBaseName()] = (source.source.GetPrim().GetName(), source.sourceName)
        else:
            value = entry.Get()
            found[entry.GetBaseName()] = value if isinstance(value, str | float | int) else tuple_of(value)
    return found


def tuple_of(value: Any) -> Any:
    return value.path if hasattr(value, "path") else tuple(round(number, 6) for number in value)


def pictures_in(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as package:
        return {
            name: np.asarray(PIL.Image.open(io.BytesIO(package.read(name))))
            for name in package.namelist()
            if name != "model.usdc"
        }


def test_the_stage_says_unit_axis_kind_and_default_prim(packed: Packed) -> None:
    stage = opened(packed(sheet()))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    root = stage.GetDefaultPrim()
    assert (root.GetPath(), root.GetTypeName(), Usd.ModelAPI(root).GetKind()) == (
        "/Model",
        "Xform",
        "component",
    )
    assert not stage.HasAuthoredTimeCodeRange()


def test_a_mesh_holds_the_documents_numbers_with_v_flipped(packed: Packed) -> None:
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    stage = opened(packed(document))  # kept: its prims end with it
    mesh = next(meshes_of(stage))
    points, normals, uvs, indices = (column.array for column in document.accessors)
    assert np.array_equal(mesh.GetPointsAttr().Get(), points)
    assert np.array_equal(mesh.GetFaceVertexIndicesAttr().Get(), indices[:, 0])
    assert np.allclose(mesh.GetNormalsAttr().Get(), normals, atol=1e-6)
    assert mesh.GetNormalsInterpolation() == "vertex"
    st = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")
    assert (st.GetInterpolation(), st.GetTypeName()) == ("vertex", "texCoord2f[]")
    assert np.allclose(st.Get(), uvs * [1, -1] + [0, 1], atol=1e-6)
    assert np.array_equal(mesh.GetExtentAttr().Get(), [points.min(axis=0), points.max(axis=0)])
    assert mesh.GetDoubleSidedAttr().Get() is False


def test_faces_without_normals_become_flat(packed: Packed) -> None:
    document = sheet(3, meshes=[{"primitives": [{"attributes": {"POSITION": 0}, "indices": 3}]}])
    stage = opened(packed(document))  # kept: its prims end with it
    mesh = next(meshes_of(stage))
    corners = np.array(mesh.GetPointsAttr().Get()).reshape(-1, 3, 3)
    assert len(corners) == 8
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    wanted = across / np.linalg.norm(across, axis=1, keepdims=True)
    assert np.allclose(np.array(mesh.GetNormalsAttr().Get()).reshape(-1, 3, 3), wanted[:, None], atol=1e-6)


def test_every_texture_and_factor_has_its_place(packed: Packed) -> None:
    document = textured_sheet(
        name="Đá vôi",
        pbrMetallicRoughness={
            "baseColorFactor": [0.5, 0.25, 1, 1],
            "baseColorTexture": {"index": 0},
            "metallicFactor": 0.5,
            "roughnessFactor": 0.25,
            "metallicRoughnessTexture": {"index": 1},
        },
        normalTexture={"index": 2},
        occlusionTexture={"index": 1, "strength": 0.75},
        emissiveTexture={"index": 3},
        emissiveFactor=[1, 0.5, 0],
        doubleSided=True,
    )
    path = packed(document)
    stage = opened(path)
    name = "___v_i"
    assert stage.GetPrimAtPath(f"/Model/Materials/{name}").GetDisplayName() == "Đá vôi"
    assert inputs(stage, material=name) == {
        "diffuseColor": ("baseColor", "rgb"),
        "metallic": ("metallicRoughness", "b"),
        "roughness": ("metallicRoughness", "g"),
        "normal": ("normal", "rgb"),
        "occlusion": ("occlusion", "r"),
        "emissiveColor": ("emissive", "rgb"),
    }
    common = {"wrapS": "repeat", "wrapT": "repeat", "st": ("st", "result")}
    assert inputs(stage, "baseColor", name) == {
        "file": "textures/0.png",
        "sourceColorSpace": "sRGB",
        "scale": (0.5, 0.25, 1, 1),
        **common,
    }
    assert inputs(stage, "metallicRoughness", name) == {
        "file": "textures/1.png",
        "sourceColorSpace": "raw",
        "scale": (1, 0.25, 0.5, 1),
        **common,
    }
    assert inputs(stage, "normal", name) == {
        "file": "textures/2.png",
        "sourceColorSpace": "raw",
        "scale": (2, 2, 2, 1),
        "bias": (-1, -1, -1, 0),
        **common,
    }
    assert inputs(stage, "occlusion", name) == {
        "file": "textures/1.png",
        "sourceColorSpace": "raw",
        "scale": (0.75, 1, 1, 1),
        "bias": (0.25, 0, 0, 0),
        **common,
    }
    assert inputs(stage, "emissive", name) == {
        "file": "textures/3.png",
        "sourceColorSpace": "sRGB",
        "scale": (1, 0.5, 0, 1),
        **common,
    }
    assert inputs(stage, "st", name) == {"varname": "st"}
    assert next(meshes_of(stage)).GetDoubleSidedAttr().Get() is True
    with zipfile.ZipFile(path) as package:
        assert package.namelist() == ["model.usdc", *(f"textures/{index}.png" for index in range(4))]
        for index, image in enumerate(document.images):
            assert package.read(f"textures/{index}.png") == image.body


def test_a_material_without_textures_is_all_numbers(packed: Packed) -> None:
    extensions = {
        "KHR_materials_ior": {"ior": 1.25},
        "KHR_materials_emissive_strength": {"emissiveStrength": 4},
        "KHR_materials_clearcoat": {"clearcoatFactor": 0.5, "clearcoatRoughnessFactor": 0.125},
    }
    core = {"baseColorFactor": [0.5, 0.25, 0.125, 0.75], "metallicFactor": 0, "roughnessFactor": 0.5}
    document = textured_sheet(
        pbrMetallicRoughness=core, emissiveFactor=[0.25, 0, 0], alphaMode="BLEND", extensions=extensions
    )
    stage = opened(packed(document))
    assert inputs(stage) == {
        "diffuseColor": (0.5, 0.25, 0.125),
        "opacity": 0.75,
        "metallic": 0,
        "roughness": 0.5,
        "emissiveColor": (1, 0, 0),
        "clearcoat": 0.5,
        "clearcoatRoughness": 0.125,
        "ior": 1.25,
    }
    assert not UsdGeom.PrimvarsAPI(next(meshes_of(stage))).HasPrimvar("st")


def test_the_default_material_is_gltfs(packed: Packed) -> None:
    assert inputs(opened(packed(sheet()))) == {"diffuseColor": (1, 1, 1), "metallic": 1, "roughness": 1}


def test_unlit_shines_by_itself(packed: Packed) -> None:
    stage = opened(
        packed(
            textured_sheet(
                pbrMetallicRoughness={"baseColorTexture": {"index": 0}},
                normalTexture={"index": 2},
                extensions={"KHR_materials_unlit": {}},
            )
        )
    )
    assert inputs(stage) == {
        "diffuseColor": (0, 0, 0),
        "roughness": 1,
        "metallic": 0,
        "emissiveColor": ("baseColor", "rgb"),
    }


@pytest.mark.parametrize(
    ("alpha", "wanted"),
    [
        ({}, {}),
        ({"alphaMode": "BLEND"}, {"opacity": ("baseColor", "a")}),
        ({"alphaMode": "MASK"}, {"opacity": ("baseColor", "a"), "opacityThreshold": 0.5}),
        (
            {"alphaMode": "MASK", "alphaCutoff": 0.25},
            {"opacity": ("baseColor", "a"), "opacityThreshold": 0.25},
        ),
        ({"alphaMode": "MASK", "alphaCutoff": 0}, {}),
    ],
)
def test_alpha_modes(packed: Packed, alpha: dict[str, Any], wanted: dict[str, Any]) -> None:
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}}, **alpha)
    clear = Image(png(8, 8, channels=4), "image/png")
    stage = opened(packed(document.replace_images([clear, *document.images[1:]])))
    found = {name: value for name, value in inputs(stage).items() if name.startswith("opacity")}
    assert found == wanted


def test_an_opaque_picture_gives_no_opacity_texture(packed: Packed) -> None:
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}}, alphaMode="BLEND")
    assert inputs(opened(packed(document)))["opacity"] == 1


def test_wrap_modes_are_the_samplers(packed: Packed) -> None:
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    tree = {
        **document.json,
        "samplers": [{"wrapS": 33071, "wrapT": 33648}],
        "textures": [{"source": 0, "sampler": 0}],
    }
    found = inputs(opened(packed(replace(document, json=tree))), "baseColor")
    assert (found["wrapS"], found["wrapT"]) == ("clamp", "mirror")


def test_a_texture_transform_is_worked_into_st(packed: Packed) -> None:
    """One corner by hand, by the sense viewers turn: at 90 degrees, u' = v and v' = -u, scaled before."""
    transform = {"offset": [0.25, 0.5], "rotation": math.pi / 2, "scale": [2, 3]}
    info = {"index": 0, "extensions": {"KHR_texture_transform": transform}}
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": info})
    uv = document.accessors[2].array.astype(np.float64)
    stage = opened(packed(document))
    st = np.array(UsdGeom.PrimvarsAPI(next(meshes_of(stage))).GetPrimvar("st").Get())
    u, v = 0.25 + 3 * uv[:, 1], 0.5 - 2 * uv[:, 0]
    assert np.allclose(st, np.stack([u, 1 - v], axis=1), atol=1e-6)
    assert np.allclose(st[1], [0.25, 1.0], atol=1e-6)  # uv (0.25, 0)


def test_textures_that_need_another_uv_are_left_out_and_named(packed: Packed, tmp_path: Path) -> None:
    moved = {"extensions": {"KHR_texture_transform": {"offset": [0.5, 0]}}}
    document = textured_sheet(
        pbrMetallicRoughness={"baseColorTexture": {"index": 0, **moved}},
        normalTexture={"index": 2},
        occlusionTexture={"index": 1, **moved},
    )
    path = tmp_path / "m.usdz"
    (warning,) = write_usdz(document, path)
    assert "(normal)" in warning.message
    assert set(inputs(opened(path))) == {"diffuseColor", "metallic", "roughness", "occlusion"}


def test_two_uv_sets_with_equal_numbers_are_one(packed: Packed, tmp_path: Path) -> None:
    document = textured_sheet(
        pbrMetallicRoughness={"baseColorTexture": {"index": 0}}, normalTexture={"index": 2, "texCoord": 1}
    )
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2, "TEXCOORD_1": 2}
    tree = {
        **document.json,
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
    }
    path = tmp_path / "m.usdz"
    assert write_usdz(replace(document, json=tree), path) == ()
    assert "normal" in inputs(opened(path))


def test_the_scale_of_normals_is_worked_into_the_picture(packed: Packed) -> None:
    document = textured_sheet(normalTexture={"index": 2, "scale": 0.5})
    flat = np.zeros((4, 4, 3), np.uint8) + np.array([255, 128, 128], np.uint8)  # leaning fully to x
    slope = np.zeros((4, 4, 3), np.uint8) + np.array([218, 128, 218], np.uint8)  # 45 degrees
    body = encoded(np.concatenate([flat, slope]), "PNG")
    images = [Image(body if index == 2 else b"", "image/png") for index in range(4)]
    path = packed(document.replace_images(images))
    assert inputs(opened(path), "normal")["scale"] == (2, 2, 2, 1)
    (pixels,) = pictures_in(path).values()
    normals = pixels / 127.5 - 1
    assert np.allclose(normals[0, 0], [1, 0, 0], atol=0.02)
    assert np.allclose(normals[4, 0], [0.447, 0, 0.894], atol=0.01)  # tan 26.6 = 0.5


@pytest.mark.parametrize(
    ("kind", "channels", "suffix"), [("WEBP", 3, "jpg"), ("WEBP", 4, "png"), ("AVIF", 3, "jpg")]
)
def test_other_pictures_become_jpeg_or_png(packed: Packed, kind: str, channels: int, suffix: str) -> None:
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    pixels = np.full((16, 16, channels), 200, np.uint8)
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95}
    image = Image(encoded(pixels, kind, **options), f"image/{kind.lower()}")
    path = packed(document.replace_images([image, *document.images[1:]]))
    assert inputs(opened(path), "baseColor")["file"] == f"textures/0.{suffix}"
    (found,) = pictures_in(path).values()
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - pixels).max() <= 2


def test_a_ktx2_texture_becomes_jpeg(packed: Packed, shared: Path) -> None:
    body = (shared / "assets" / "gltf-compressed" / "2d_etc1s.ktx2").read_bytes()
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    path = packed(document.replace_images([Image(body, "image/ktx2"), *document.images[1:]]))
    assert check_usdz(path) == []
    ((name, pixels),) = pictures_in(path).items()
    assert name.startswith("textures/0.")
    assert pixels.std() > 5  # a picture, not one colour


def test_a_picture_nobody_can_open_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    document = textured_sheet(pbrMetallicRoughness={"baseColorTexture": {"index": 0}})
    broken = Image(encoded(picture(8, 8), "WEBP")[:40], "image/webp")
    with pytest.raises(Refused, match="damaged"):
        write_usdz(document.replace_images([broken, *document.images[1:]]), tmp_path / "m.usdz")
    assert list(tmp_path.iterdir()) == []


def test_nodes_keep_their_tree_names_and_transforms(packed: Packed) -> None:
    nodes = [
        {"name": "Hang Sửng Sốt", "children": [1, 2], "translation": [1, 2, 3]},
        {"name": "wall", "mesh": 0, "rotation": [0, 0, math.sqrt(0.5), math.sqrt(0.5)], "scale": [2, 2, 2]},
        {"name": "wall", "mesh": 0, "matrix": [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 9, 0, 0, 1]},
        {"name": "empty"},
    ]
    document = sheet(3, nodes=nodes, scenes=[{"nodes": [0, 3]}])
    stage = opened(packed(document))
    prims = {str(prim.GetPath()): prim.GetTypeName() for prim in stage.Traverse()}
    assert {path: kind for path, kind in prims.items() if "Materials" not in path} == {
        "/Model": "Xform",
        "/Model/Hang_S_ng_S_t": "Xform",
        "/Model/Hang_S_ng_S_t/wall": "Xform",
        "/Model/Hang_S_ng_S_t/wall/Mesh": "Mesh",
        "/Model/Hang_S_ng_S_t/wall_1": "Xform",
        "/Model/Hang_S_ng_S_t/wall_1/Mesh": "Mesh",
    }
    assert stage.GetPrimAtPath("/Model/Hang_S_ng_S_t").GetDisplayName() == "Hang Sửng Sốt"
    points = document.accessors[0].array.astype(np.float64)
    corners = document.accessors[3].array.reshape(-1, 3)
    turned = points[:, [1, 0, 2]] * [-2, 2, 2] + [1, 2, 3]
    wanted = np.concatenate([turned[corners], points[corners] + np.array([10, 2, 3])])
    assert np.allclose(shown_triangles(stage), wanted, atol=1e-6)


def test_a_mirrored_mesh_faces_outwards_without_a_mirroring_transform(packed: Packed) -> None:
    document = sheet(3, nodes=[{"mesh": 0, "scale": [1, -2, 1]}])
    stage = opened(packed(document))
    mesh = next(meshes_of(stage))
    matrix = np.array(UsdGeom.XformCache().GetLocalToWorldTransform(mesh.GetPrim()))
    assert np.linalg.det(matrix[:3, :3]) > 0
    points = document.accessors[0].array.astype(np.float64) * [1, -2, 1]
    corners = document.accessors[3].array.reshape(-1, 3)
    assert np.allclose(shown_triangles(stage), points[corners][:, [0, 2, 1]], atol=1e-6)
    normals = np.array(mesh.GetNormalsAttr().Get()) @ np.linalg.inv(matrix[:3, :3]).T
    wanted = document.accessors[1].array * [1, -0.5, 1]
    assert np.allclose(normals, wanted, atol=1e-6)


def test_gpu_instances_are_drawn_out(packed: Packed) -> None:
    instancing = {"EXT_mesh_gpu_instancing": {"attributes": {"TRANSLATION": 4, "SCALE": 5}}}
    document = sheet(3, nodes=[{"mesh": 0, "extensions": instancing}])
    extra = (
        Accessor(np.array([[0, 0, 0], [5, 0, 0]], np.float32), "VEC3"),
        Accessor(np.array([[1, 1, 1], [2, 2, 2]], np.float32), "VEC3"),
    )
    stage = opened(packed(replace(document, accessors=document.accessors + extra)))
    first, second = np.split(shown_triangles(stage), 2)
    assert np.allclose(second, first * 2 + [5, 0, 0], atol=1e-6)


def test_morph_targets_rest_at_their_weights_with_a_warning(tmp_path: Path) -> None:
    primitive = {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 3, "targets": [{"POSITION": 4}]}
    document = sheet(3, meshes=[{"primitives": [primitive], "weights": [0.5]}])
    up = Accessor(np.tile(np.array([[0, 2, 0]], np.float32), (9, 1)), "VEC3")
    path = tmp_path / "m.usdz"
    (warning,) = write_usdz(replace(document, accessors=(*document.accessors, up)), path)
    assert warning.message.startswith("Morph targets were left out")
    stage = opened(path)  # kept: its prims end with it
    mesh = next(meshes_of(stage))
    assert np.allclose(mesh.GetPointsAttr().Get(), document.accessors[0].array + np.array([0, 1, 0]))


@pytest.mark.parametrize(
    ("mode", "values", "at_half_s"),
    [("LINEAR", [[0, 0, 0], [2, 0, 0]], 1.0), ("STEP", [[0, 0, 0], [2, 0, 0]], 0.0)],
)
def test_a_moving_node_is_sampled(
    packed: Packed, mode: str, values: list[list[float]], at_half_s: float
) -> None:
    document = moving_sheet(values, [0, 1], mode)
    stage = opened(packed(document))
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode(), stage.GetTimeCodesPerSecond()) == (0, 30, 30)
    rest = shown_triangles(stage, 0)
    assert np.allclose(shown_triangles(stage, 15) - rest, [at_half_s, 0, 0], atol=1e-6)
    assert np.allclose(shown_triangles(stage, 30) - rest, [2, 0, 0], atol=1e-6)


def test_cubic_splines_are_followed(packed: Packed) -> None:
    """Tangents of 0 give the smooth step: 0.15625 of the way at a quarter of the time."""
    zero = [0.0, 0, 0]
    document = moving_sheet([zero, zero, zero, zero, [2, 0, 0], zero], [0, 1], "CUBICSPLINE")
    stage = opened(packed(document))
    moved = shown_triangles(stage, 7.5) - shown_triangles(stage, 0)
    assert moved[0, 0, 0] == pytest.approx(2 * 0.15625, abs=0.01)


def test_the_slopes_of_cubic_splines_are_followed(packed: Packed) -> None:
    """Points 0 and 0, leaving at 4 m/s and arriving at -4 m/s: a parabola, 1 m high in the middle."""
    zero, up, down = [0.0, 0, 0], [4.0, 0, 0], [-4.0, 0, 0]
    document = moving_sheet([zero, zero, up, down, zero, zero], [0, 1], "CUBICSPLINE")
    stage = opened(packed(document))
    moved = shown_triangles(stage, 15) - shown_triangles(stage, 0)
    assert moved[0, 0, 0] == pytest.approx(1.0, abs=1e-6)


def test_rotations_turn_the_short_way_at_even_speed(packed: Packed) -> None:
    """From 0 to 120 degrees about y, the second quaternion written with the other sign."""
    half = math.radians(60)
    turn = [[0.0, 0.0, 0.0, 1.0], [0.0, -math.sin(half), 0.0, -math.cos(half)]]
    document = moving_sheet(turn, [0, 1], "LINEAR", path="rotation")
    stage = opened(packed(document))
    rest, third = shown_triangles(stage, 0), shown_triangles(stage, 10)
    c, s = math.cos(math.radians(40)), math.sin(math.radians(40))
    wanted = rest @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    assert np.allclose(third, wanted, atol=1e-6)


def test_a_long_animation_is_cut_with_a_warning(tmp_path: Path) -> None:
    document = moving_sheet([[0, 0, 0], [12, 0, 0]], [0, 12], "LINEAR")
    path = tmp_path / "m.usdz"
    (warning,) = write_usdz(document, path)
    assert "cut to 10 s" in warning.message
    stage = opened(path)
    assert stage.GetEndTimeCode() == 300
    assert np.allclose(shown_triangles(stage, 300) - shown_triangles(stage, 0), [10, 0, 0], atol=1e-5)


def moving_sheet(
    values: list[list[float]], times: list[float], mode: str, path: str = "translation"
) -> Document:
    sampler = {"input": 4, "output": 5, "interpolation": mode}
    channel = {"sampler": 0, "target": {"node": 0, "path": path}}
    document = sheet(3, animations=[{"samplers": [sampler], "channels": [channel]}])
    extra = (
        Accessor(np.array(times, np.float32).reshape(-1, 1), "SCALAR"),
        Accessor(np.array(values, np.float32), f"VEC{len(values[0])}"),
    )
    return replace(document, accessors=document.accessors + extra)


def test_points_beside_triangles_are_left_out_with_a_warning(tmp_path: Path) -> None:
    attributes = {"POSITION": 0, "NORMAL": 1}
    primitives = [{"attributes": attributes, "indices": 3}, {"attributes": {"POSITION": 0}, "mode": 0}]
    path = tmp_path / "m.usdz"
    (warning,) = write_usdz(sheet(3, meshes=[{"primitives": primitives}]), path)
    assert warning.message.startswith("1 parts made of points or lines were left out")
    assert len(list(meshes_of(opened(path)))) == 1


def test_hidden_nodes_are_not_written(packed: Packed) -> None:
    hidden = {"mesh": 0, "extensions": {"KHR_node_visibility": {"visible": False}}}
    document = sheet(3, nodes=[{"mesh": 0}, hidden], scenes=[{"nodes": [0, 1]}])
    assert len(list(meshes_of(opened(packed(document))))) == 1


def test_a_tree_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    def chain(depth: int) -> Document:
        nodes: list[dict[str, Any]] = [{"children": [index + 1]} for index in range(depth - 1)]
        return sheet(3, nodes=[*nodes, {"mesh": 0}])

    path = tmp_path / "m.usdz"
    assert write_usdz(chain(MAX_DEPTH), path) == ()
    assert check_usdz(path) == []
    path.unlink()
    with pytest.raises(Refused, match=f"stand {MAX_DEPTH + 1} deep"):
        write_usdz(chain(MAX_DEPTH + 1), path)
    assert not path.exists()


def test_too_many_parts_are_refused(tmp_path: Path) -> None:
    document = sheet(3, nodes=[{"mesh": 0}] * 10_001, scenes=[{"nodes": list(range(10_001))}])
    with pytest.raises(Refused, match="20002 nodes and meshes"):
        write_usdz(document, tmp_path / "m.usdz")


def test_entries_are_stored_aligned_and_in_order(tmp_path: Path) -> None:
    files = [("model.usdc", b"x" * 61), ("t/1.png", b""), ("t/22.png", b"y" * 64), ("t/333.png", b"z")]
    path = tmp_path / "m.usdz"
    write_package(files, path)
    entries = read_entries(path.read_bytes())
    assert [entry.name for entry in entries] == [name for name, _ in files]
    assert [entry.start % 64 for entry in entries] == [0] * 4
    with zipfile.ZipFile(path) as package:
        assert package.testzip() is None
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert [(info.filename, package.read(info), info.compress_type) for info in package.infolist()] == [
            (name, body, 0) for name, body in files
        ]


@pytest.mark.parametrize("length", range(1, 70))
def test_any_name_length_is_aligned(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.usdz"
    write_package([("n" * length, b"abc")], path)
    (entry,) = read_entries(path.read_bytes())
    assert (entry.start % 64, entry.stored_bytes) == (0, 3)
