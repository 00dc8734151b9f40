"""Textures cut to what a cell shows: the same texels under every triangle."""

import io
from typing import Any

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.document import Accessor, Document, Image
from asset_pipeline.models.steps.cut_textures import BLOCK_PX, PictureCache, cut_textures
from asset_pipeline.models.steps.flatten import pieces_of
from asset_pipeline.models.steps.prune_materials import prune_materials
from asset_pipeline.models.steps.split_space import split_in_space
from asset_pipeline.models.steps.weld import weld
from tests.asset_pipeline.models.conftest import sheet

SHARES = np.array([[0.53, 0.36, 0.11], [0.23, 0.47, 0.3], [0.11, 0.08, 0.81]])


def picture(side_px: int, mode: str = "RGB", seed: int = 1) -> Image:
    """Noise: no two places look alike."""
    channels = len(mode)
    pixels = np.random.default_rng(seed).integers(0, 256, (side_px, side_px, channels), np.uint8)
    out = io.BytesIO()
    PIL.Image.fromarray(pixels.squeeze()).save(out, "PNG")
    return Image(out.getvalue(), "image/png")


def textured(side: int = 33, *, images: tuple[Image, ...] = (), **material: Any) -> Document:
    images = images or (picture(1024),)
    document = sheet(
        side,
        materials=[material or {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        textures=[{"source": number} for number in range(len(images))],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    return Document(document.json, document.accessors, images)


def with_uvs(document: Document, uvs: np.ndarray) -> Document:
    columns = list(document.accessors)
    columns[2] = Accessor(uvs.astype(np.float32), "VEC2")
    return Document(document.json, tuple(columns), document.images)


def texels(document: Document, image: int) -> dict[bytes, tuple[np.ndarray, np.ndarray]]:
    """By a triangle's corners in space: the texels under three points inside it, read without filtering, and
    which of the points lie clear of a texel's edge.
    """
    pixels = np.asarray(PIL.Image.open(io.BytesIO(document.images[image].body)))
    height, width = pixels.shape[:2]
    found = {}
    for _, geometry in pieces_of(document):
        assert geometry.indices is not None
        corners = geometry.indices.reshape(-1, 3)
        points = geometry.attributes["POSITION"].array[corners]
        uvs = geometry.attributes["TEXCOORD_0"].as_floats().astype(np.float64)[corners]
        for where, corner_uvs in zip(points, uvs, strict=True):
            place = SHARES @ corner_uvs * [width, height]
            is_clear = (np.abs(place - np.rint(place)) > 0.01).all(axis=1)
            columns, rows = place.astype(int).T
            found[where.tobytes()] = pixels[rows, columns], is_clear
    return found


def shows_the_same(before: Document, after: Document, image: int) -> bool:
    wanted, got = texels(before, image), texels(after, image)
    assert wanted.keys() == got.keys()
    assert np.mean([clear for _, clear in wanted.values()]) > 0.8
    return all(
        np.array_equal(pixels[clear], got[where][0][clear]) for where, (pixels, clear) in wanted.items()
    )


def scattered(document: Document, pieces: int = 4) -> Document:
    """UVs as an atlas has them: squares of the sheet lie anywhere in the picture."""
    primitive = document.json["meshes"][0]["primitives"][0]
    corners = document.accessors[primitive["indices"]].array[:, 0]
    points, uvs = document.accessors[0].array[corners], document.accessors[2].array[corners]
    square = np.minimum((points[:, [0, 2]].reshape(-1, 3, 2).mean(axis=1) * pieces).astype(int), pieces - 1)
    order = np.random.default_rng(5).permutation(pieces * pieces)
    place = order[square[:, 0] * pieces + square[:, 1]]
    to = np.stack([place // pieces, place % pieces], axis=1)
    inside = np.clip(uvs.reshape(-1, 3, 2) * pieces - square[:, None], 0, 1)
    moved = (to[:, None] + 0.1 + 0.8 * inside) / pieces
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    tree = {**document.json, "meshes": [{"primitives": [{"attributes": attributes, "material": 0}]}]}
    columns = (
        Accessor(points, "VEC3"),
        Accessor(document.accessors[1].array[corners], "VEC3"),
        Accessor(moved.reshape(-1, 2).astype(np.float32), "VEC2"),
    )
    return weld(Document(tree, columns, document.images))


@pytest.mark.parametrize("make", [lambda document: document, scattered])
def test_the_same_texels_lie_under_every_triangle(make: Any) -> None:
    document = make(weld(textured()))
    cache = PictureCache()
    pixels = 0
    for cell in split_in_space(document, max_triangles=150):
        cut = prune_materials(cut_textures(cell, cache))
        assert shows_the_same(cell, cut, 0)
        assert len(cut.images) == 1
        made = PIL.Image.open(io.BytesIO(cut.images[0].body))
        pixels += made.width * made.height
    assert pixels < 1024 * 1024 * 2  # 16 cells with aprons, instead of 16 whole pictures


def test_all_textures_of_a_material_are_cut_alike() -> None:
    """A colour of 1024 px and a normal map of 512 px stay on one set of UVs; names and alpha stay."""
    images = (picture(1024, "RGBA"), picture(512, seed=2))
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}},
        "normalTexture": {"index": 1, "scale": 0.5},
    }
    cell = split_in_space(weld(textured(images=images, **material)), max_triangles=150)[5]
    cut = prune_materials(cut_textures(cell, PictureCache()))
    assert cut.items("materials")[0]["normalTexture"] == {"index": 1, "scale": 0.5}
    sizes = [PIL.Image.open(io.BytesIO(image.body)).size for image in cut.images]
    assert sizes[0] == (sizes[1][0] * 2, sizes[1][1] * 2)
    assert sizes[0][0] % BLOCK_PX == 0
    for image in (0, 1):
        assert shows_the_same(cell, cut, image)


def test_a_texture_shown_whole_is_left_alone() -> None:
    document = weld(textured())
    (cell,) = split_in_space(document, max_triangles=10_000)
    cut = cut_textures(cell, PictureCache())
    assert cut.images == document.images
    assert cut.items("textures") == document.items("textures")


UNCUTTABLE = {
    "repeats": lambda: with_uvs(textured(), textured().accessors[2].array * 8),
    "transformed": lambda: textured(
        normalTexture={"index": 0, "extensions": {"KHR_texture_transform": {"scale": [2, 2]}}}
    ),
    "two UV sets": lambda: textured(
        normalTexture={"index": 0}, occlusionTexture={"index": 0, "texCoord": 1}
    ),
    "odd sides": lambda: textured(images=(picture(1000), picture(999)), normalTexture={"index": 1},
                                  emissiveTexture={"index": 0}),
    "small": lambda: textured(images=(picture(32),)),
    "KTX2": lambda: textured(images=(Image(b"\xabKTX 20\xbb\r\n\x1a\n", "image/ktx2"),)),
}  # fmt: skip


@pytest.mark.parametrize("name", UNCUTTABLE)
def test_what_cannot_be_cut_exactly_is_left_alone(name: str) -> None:
    cell = split_in_space(weld(UNCUTTABLE[name]()), max_triangles=150)[0]
    cut = cut_textures(cell, PictureCache())
    assert cut.images == cell.images
    assert all(np.array_equal(a.array, b.array) for a, b in zip(cut.accessors, cell.accessors, strict=True))


def test_the_cache_keeps_the_last_pictures_within_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asset_pipeline.models.steps.cut_textures.MAX_CACHE_PX", 2 * 64 * 64)
    cache = PictureCache()
    images = [picture(64, seed=seed) for seed in range(3)]
    for image in [*images, images[1]]:
        cache.open(image, "")
    assert list(cache.pictures) == [images[2].body, images[1].body]
