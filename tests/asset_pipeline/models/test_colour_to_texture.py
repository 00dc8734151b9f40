"""Vertex colours in a texture: the same light at every place of the surface, read back by our sampling."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.colour_to_texture import colour_to_texture
from asset_pipeline.models.steps.colour_to_texture_base import (
    TextureReader,
    base_colour_of,
    sample_bilinear,
)
from asset_pipeline.models.steps.retexture import settle_sources
from asset_pipeline.models.usdz import check_usdz, write_usdz
from tests.asset_pipeline.models.conftest import sheet

ATTRIBUTES = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2, "COLOR_0": 4}


def colour_at(points: np.ndarray) -> np.ndarray:
    """Linear light that runs straight over x and z, so that interpolation keeps it exactly."""
    return np.stack([0.1 + 0.8 * points[:, 0], 0.9 - 0.8 * points[:, 2], np.full(len(points), 0.25)], axis=1)


def coloured_sheet(side: int = 9, *, uv_scale: float = 1.0, alpha: bool = False, **material: Any) -> Document:
    """The wavy sheet coloured by `colour_at`; uv_scale 3 makes its UV repeat. alpha: opacity x."""
    document = sheet(
        side,
        meshes=[{"primitives": [{"attributes": ATTRIBUTES, "indices": 3, "material": 0}]}],
        materials=[{"name": "rock", **material}],
    )
    positions, normals, uvs, indices = document.accessors
    colours = colour_at(positions.array)
    if alpha:
        colours = np.concatenate([colours, positions.array[:, :1]], axis=1)
    column = Accessor(colours.astype(np.float32), f"VEC{colours.shape[1]}")
    uvs = Accessor(uvs.array * np.float32(uv_scale), "VEC2")
    return replace(document, accessors=(positions, normals, uvs, indices, column))


def picture(pixels: np.ndarray) -> Image:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, "PNG")
    return Image(out.getvalue(), "image/png")


def shown_light(document: Document) -> tuple[np.ndarray, np.ndarray]:
    """(points, linear RGBA) at four places in every triangle: what base colour texture and factor show."""
    reader = TextureReader(document, 8192)
    spots = np.array([[1 / 3, 1 / 3, 1 / 3], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]], np.float32)
    points, lights = [], []
    for _, _, primitive in document.primitives():
        geometry = geometry_of(document, primitive)
        assert "COLOR_0" not in geometry.attributes
        corners = geometry.indices.reshape(-1, 3)
        base = base_colour_of(document.items("materials")[primitive["material"]])
        at = geometry.attributes["POSITION"].as_floats()[corners]
        uv = geometry.attributes[f"TEXCOORD_{base.uv_set}"].as_floats()[corners]
        points.append(np.einsum("sc,tck->tsk", spots, at).reshape(-1, 3))
        places = np.einsum("sc,tck->tsk", spots, uv).reshape(-1, 2)
        lights.append(reader.sample(base.info, base.moved(places)) * np.float32(base.factor))
    return np.concatenate(points), np.concatenate(lights)


def assert_shows_the_colours(document: Document, *, times: Any = 1.0, tolerance: float = 0.012) -> None:
    points, light = shown_light(document)
    error = np.abs(light[:, :3] - colour_at(points) * times)
    assert np.percentile(error, 99) < tolerance
    assert error.max() < 3 * tolerance


def test_uv_that_give_each_point_its_place_are_kept() -> None:
    document = coloured_sheet()
    baked, problems = colour_to_texture(document, max_px=256, time_limit_s=60)
    assert problems == ()
    primitive = baked.json["meshes"][0]["primitives"][0]
    geometry = geometry_of(baked, primitive)
    assert sorted(geometry.attributes) == ["NORMAL", "POSITION", "TEXCOORD_0"]
    assert np.array_equal(geometry.attributes["TEXCOORD_0"].array, document.accessors[2].array)
    assert np.array_equal(geometry.indices, document.accessors[3].array[:, 0])
    assert baked.json["materials"][primitive["material"]] == {
        "name": "rock",
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}},
    }
    (image,) = baked.images
    assert PIL.Image.open(io.BytesIO(image.body)).size == (64, 64)  # 128 triangles of 16 texels are fewer
    assert PIL.Image.open(io.BytesIO(image.body)).mode == "RGB"
    assert_shows_the_colours(baked)
    assert document.json["meshes"][0]["primitives"][0]["attributes"] == ATTRIBUTES  # the input is as it was


def test_uv_that_repeat_make_way_for_an_atlas() -> None:
    baked, problems = colour_to_texture(coloured_sheet(uv_scale=3), max_px=512, time_limit_s=60)
    assert problems == ()
    geometry = geometry_of(baked, baked.json["meshes"][0]["primitives"][0])
    assert sorted(geometry.attributes) == ["NORMAL", "POSITION", "TEXCOORD_0"]
    assert geometry.triangles == 128
    uv = geometry.attributes["TEXCOORD_0"].array
    assert uv.min() >= 0
    assert uv.max() <= 1
    assert_shows_the_colours(baked)


def test_without_time_each_triangle_gets_its_own_piece() -> None:
    baked, (warning,) = colour_to_texture(coloured_sheet(uv_scale=3), max_px=256, time_limit_s=0.001)
    assert warning.message.startswith("Unwrapping took too long")
    assert geometry_of(baked, baked.json["meshes"][0]["primitives"][0]).vertices == 3 * 128
    assert_shows_the_colours(baked)


def test_what_no_grid_holds_keeps_its_colours_with_a_warning() -> None:
    document = coloured_sheet(32, uv_scale=3)  # 1922 triangles need 32 x 32 squares of 5 px
    baked, (warning,) = colour_to_texture(document, max_px=128, time_limit_s=0.001)
    assert warning.message.startswith("Vertex colours stayed")
    assert baked.json == document.json
    assert baked.images == ()


def test_the_texture_beneath_is_multiplied_in() -> None:
    """A picture of two halves, shifted by half its width: the colours double as its light says."""
    pixels = np.full((64, 64, 3), 255, np.uint8)
    pixels[:, 32:] = 188  # half the light
    info = {"index": 0, "extensions": {"KHR_texture_transform": {"offset": [0.5, 0]}}}
    document = coloured_sheet(
        pbrMetallicRoughness={"baseColorTexture": info, "baseColorFactor": [1, 0.5, 1, 1]}
    )
    tree = {**document.json, "textures": [{"source": 0}]}
    document = replace(document, json=tree, images=(picture(pixels),))
    baked, problems = colour_to_texture(document, max_px=512, time_limit_s=60)
    assert problems == ()
    points, light = shown_light(baked)
    inner = np.abs(points[:, 0] % 0.5 - 0.25) < 0.2  # away from where the halves meet
    half = np.where(points[:, 0] < 0.5, 0.5029, 1.0)[:, None]  # u + 0.5 lies in the right half
    wanted = colour_at(points) * half * np.array([1, 0.5, 1])
    assert np.abs(light[inner, :3] - wanted[inner]).max() < 0.03


def test_a_texture_that_fits_keeps_its_transform_and_size() -> None:
    info = {
        "index": 0,
        "extensions": {"KHR_texture_transform": {"scale": [0.5, 0.5], "offset": [0.25, 0.25]}},
    }
    document = coloured_sheet(uv_scale=2, pbrMetallicRoughness={"baseColorTexture": info})
    tree = {**document.json, "textures": [{"source": 0}]}
    white = picture(np.full((128, 128, 3), 255, np.uint8))
    document = replace(document, json=tree, images=(white,))
    document = replace(
        document,
        accessors=(
            *document.accessors[:2],
            Accessor(document.accessors[2].array * np.float32(0.5), "VEC2"),
            *document.accessors[3:],
        ),
    )
    baked, _ = colour_to_texture(document, max_px=512, time_limit_s=60)
    primitive = baked.json["meshes"][0]["primitives"][0]
    found = baked.json["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorTexture"]
    assert found == {**info, "index": 1}
    assert PIL.Image.open(io.BytesIO(baked.images[1].body)).size == (128, 128)
    assert_shows_the_colours(baked)


def test_other_textures_keep_the_uv_they_read() -> None:
    document = coloured_sheet(uv_scale=3, normalTexture={"index": 0})
    tree = {**document.json, "textures": [{"source": 0}]}
    document = replace(document, json=tree, images=(picture(np.full((8, 8, 3), 128, np.uint8)),))
    baked, _ = colour_to_texture(document, max_px=512, time_limit_s=60)
    primitive = baked.json["meshes"][0]["primitives"][0]
    material = baked.json["materials"][primitive["material"]]
    assert material["normalTexture"] == {"index": 0}
    assert material["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 1, "texCoord": 1}
    kept = geometry_of(baked, primitive).attributes["TEXCOORD_0"].array
    assert kept.max() == 3
    assert_shows_the_colours(baked)


@pytest.mark.parametrize(("mode", "channels"), [("OPAQUE", 3), ("BLEND", 4)])
def test_opacity_is_baked_where_it_means_something(mode: str, channels: int) -> None:
    baked, _ = colour_to_texture(coloured_sheet(alpha=True, alphaMode=mode), max_px=256, time_limit_s=60)
    pixels = np.asarray(PIL.Image.open(io.BytesIO(baked.images[0].body)))
    assert pixels.shape[2] == channels
    points, light = shown_light(baked)
    wanted = points[:, 0] if mode == "BLEND" else 1.0
    assert np.abs(light[:, 3] - wanted).max() < 0.02
    assert_shows_the_colours(baked)


def test_one_colour_for_all_becomes_a_factor() -> None:
    document = coloured_sheet(pbrMetallicRoughness={"baseColorFactor": [0.5, 1, 1, 1]})
    even = Accessor(np.tile(np.array([[51, 102, 255, 255]], np.uint8), (81, 1)), "VEC4", normalized=True)
    baked, problems = colour_to_texture(
        replace(document, accessors=(*document.accessors[:4], even)), max_px=256, time_limit_s=60
    )
    assert problems == ()
    assert baked.images == ()
    primitive = baked.json["meshes"][0]["primitives"][0]
    assert "COLOR_0" not in primitive["attributes"]
    factor = baked.json["materials"][primitive["material"]]["pbrMetallicRoughness"]["baseColorFactor"]
    assert factor == pytest.approx([0.1, 0.4, 1, 1])


def test_white_just_goes() -> None:
    document = coloured_sheet()
    white = Accessor(np.ones((81, 3), np.float32), "VEC3")
    baked, _ = colour_to_texture(
        replace(document, accessors=(*document.accessors[:4], white)), max_px=256, time_limit_s=60
    )
    assert baked.json["materials"] == document.json["materials"]
    assert "COLOR_0" not in baked.json["meshes"][0]["primitives"][0]["attributes"]


def test_several_materials_share_one_atlas() -> None:
    document = coloured_sheet(uv_scale=3)
    primitive = {"attributes": ATTRIBUTES, "indices": 3}
    meshes = [{"primitives": [{**primitive, "material": 0}, {**primitive, "material": 1}, primitive]}]
    tree = {**document.json, "meshes": meshes, "materials": [{"name": "a"}, {"name": "b"}]}
    baked, problems = colour_to_texture(replace(document, json=tree), max_px=512, time_limit_s=60)
    assert problems == ()
    assert len(baked.images) == 1
    used = [primitive["material"] for _, _, primitive in baked.primitives()]
    assert [baked.json["materials"][index].get("name") for index in used] == ["a", "b", None]
    assert_shows_the_colours(baked)


def test_a_mesh_drawn_twice_is_baked_once() -> None:
    document = coloured_sheet(uv_scale=3)
    mesh = document.json["meshes"][0]
    tree = {**document.json, "meshes": [mesh, mesh], "nodes": [{"mesh": 0}, {"mesh": 1}]}
    baked, _ = colour_to_texture(replace(document, json=tree), max_px=512, time_limit_s=60)
    first, second = (primitive for _, _, primitive in baked.primitives())
    assert first == second


def test_variants_lose_the_colours_with_a_warning() -> None:
    document = coloured_sheet()
    extensions = {"KHR_materials_variants": {"mappings": [{"material": 0, "variants": [0]}]}}
    primitive = {**document.json["meshes"][0]["primitives"][0], "extensions": extensions}
    tree = {**document.json, "meshes": [{"primitives": [primitive]}]}
    _, (warning,) = colour_to_texture(replace(document, json=tree), max_px=256, time_limit_s=60)
    assert "variants" in warning.message


def test_without_colours_nothing_changes() -> None:
    document = sheet()
    assert colour_to_texture(document, max_px=256, time_limit_s=1) == (document, ())


def test_points_keep_their_colours() -> None:
    document = coloured_sheet()
    attributes = {"POSITION": 0, "COLOR_0": 4}
    tree = {**document.json, "meshes": [{"primitives": [{"attributes": attributes, "mode": 0}]}]}
    points = replace(document, json=tree)
    assert colour_to_texture(points, max_px=256, time_limit_s=1)[0] is points


def test_the_same_model_gives_the_same_bytes() -> None:
    first, second = (
        colour_to_texture(coloured_sheet(20, uv_scale=3), max_px=512, time_limit_s=60)[0] for _ in range(2)
    )
    assert first.images == second.images
    assert [a.array.tobytes() for a in first.accessors] == [b.array.tobytes() for b in second.accessors]


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="want max_px >= 64"):
        colour_to_texture(sheet(), max_px=32, time_limit_s=1)
    with pytest.raises(ValueError, match="positive time"):
        colour_to_texture(sheet(), max_px=64, time_limit_s=0)


def test_a_shared_model_with_vertex_colours_becomes_fit_for_quick_look(shared: Path, tmp_path: Path) -> None:
    document, _ = load_gltf(shared / "assets" / "gltf" / "VertexColorTest" / "VertexColorTest.gltf")
    document = settle_sources(document)
    (warning,) = write_usdz(document, tmp_path / "before.usdz")
    assert "Vertex colours were left out" in warning.message
    baked, problems = colour_to_texture(document, max_px=1024, time_limit_s=60)
    assert problems == ()
    assert write_usdz(baked, tmp_path / "after.usdz") == ()
    assert check_usdz(tmp_path / "after.usdz") == []


def test_sampling_wraps_as_the_sampler_says() -> None:
    row = np.array([[[0.0], [1.0]]], np.float32)
    uv = np.array([[0.25, 0.5], [0.5, 0.5], [1.0, 0.5], [1.25, 0.5], [-0.25, 0.5]], np.float32)
    assert sample_bilinear(row, uv, 33071, 33071)[:, 0].tolist() == [0, 0.5, 1, 1, 0]
    assert sample_bilinear(row, uv, 10497, 10497)[:, 0].tolist() == [0, 0.5, 0.5, 0, 1]
    assert sample_bilinear(row, uv, 33648, 33648)[:, 0].tolist() == [0, 0.5, 1, 1, 0]
