"""The size of a texel on the surface, and what it does to the errors viewers go by."""

import json
from pathlib import Path

import numpy as np
import pytest

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.cut_textures import _padded
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.retexture import retexture
from asset_pipeline.models.steps.texture_options import TextureOptions
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.tiles.check_tileset import check_tileset
from asset_pipeline.models.tiles.detail import measure_detail_m
from asset_pipeline.models.tiles.twin import make_twin
from asset_pipeline.models.write_glb import write_glb
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.tiles.test_cut_textures import picture

SIZE_M = 10.0


def wall(side: int = 65, **columns: Accessor) -> Document:
    """A flat, painted wall."""
    document = sheet(
        side,
        size_m=SIZE_M,
        materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        textures=[{"source": 0}],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    document.accessors[0].array[:, 1] = 0.0
    document.accessors[1].array[:] = (0.0, 1.0, 0.0)
    return weld(Document(document.json, document.accessors, (picture(1024),)))


def coloured(document: Document) -> Document:
    """The same with colours at its vertices instead of a texture."""
    primitive = document.json["meshes"][0]["primitives"][0]
    count = document.accessors[primitive["attributes"]["POSITION"]].count
    colours = np.random.default_rng(2).integers(0, 255, (count, 4), np.uint8)
    attributes = {**primitive["attributes"], "COLOR_0": len(document.accessors)}
    tree = {
        **document.json,
        "materials": [{}],
        "meshes": [{"primitives": [{**primitive, "attributes": attributes}]}],
    }
    return Document(tree, (*document.accessors, Accessor(colours, "VEC4", True)))


def test_a_texel_of_a_wall() -> None:
    assert measure_detail_m(wall()) == pytest.approx(SIZE_M / 1024, rel=1e-6)
    twice = wall()
    twice.json["nodes"][0]["scale"] = [2.0, 2.0, 2.0]
    assert measure_detail_m(twice) == pytest.approx(2 * SIZE_M / 1024, rel=1e-6)


def test_a_texel_of_the_file_is_that_of_the_wall(tmp_path: Path) -> None:
    """UVs on a grid with a transform to undo it, WebP behind an extension."""
    document = retexture(wall(), TextureOptions.of_color_quality(256, 60), {})
    path = tmp_path / "wall.glb"
    path.write_bytes(write_glb(quantize(document, position_bits=14, uv_bits=12)))
    assert measure_detail_m(load_gltf(path)[0]) == pytest.approx(SIZE_M / 256, rel=1e-3)


def test_coloured_vertices_are_what_is_seen() -> None:
    assert measure_detail_m(coloured(wall(33))) == pytest.approx(SIZE_M / 33, rel=1e-6)


def test_even_colours_have_no_detail() -> None:
    assert measure_detail_m(sheet(9)) == 0.0


def test_a_flat_painted_wall_is_refined_for_its_paint(tmp_path: Path) -> None:
    """Its form needs two triangles; textures half as large per level show when a texel spans 2 of 16 px."""

    def body(document: Document, height: int) -> bytes:
        options = TextureOptions.of_color_quality(1024 >> height, 80)
        return write_glb(quantize(retexture(document, options, {}), position_bits=14, uv_bits=12))

    facts = make_twin(wall(), tmp_path, placement=None, make_body=body)
    assert facts.levels == 2
    assert facts.deviation_m < 0.001
    assert facts.geometric_error_m == pytest.approx(8 * SIZE_M / 512, rel=1e-3)
    root = json.loads((tmp_path / "tileset.json").read_bytes())["root"]
    assert root["extras"]["detail_m"] == pytest.approx(SIZE_M / 512, rel=1e-3)
    assert root["children"][0]["geometricError"] == 0.0
    assert check_tileset(tmp_path) == []


def test_textures_of_one_size_do_not_count(tmp_path: Path) -> None:
    """Where all levels show the same texels, only the form tells them apart: here nothing does."""

    def body(document: Document, height: int) -> bytes:
        return write_glb(quantize(document, position_bits=14, uv_bits=12))

    facts = make_twin(wall(), tmp_path, placement=None, make_body=body)
    assert facts.geometric_error_m < 0.001
    assert len(facts.warnings) <= 1


@pytest.mark.parametrize(
    ("needed", "padded"),
    [
        ((66, 66), (66, 66)),
        ((66, 64), (66, 66)),
        ((66, 33), (66, 33)),
        ((67, 33), (68, 34)),
        ((5, 40), (5, 40)),
        ((5, 41), (6, 48)),
    ],
)
def test_cut_pictures_have_sides_that_scale_down_alike(
    needed: tuple[int, int], padded: tuple[int, int]
) -> None:
    assert _padded(*needed) == padded
