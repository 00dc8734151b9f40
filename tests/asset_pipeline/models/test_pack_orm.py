"""Occlusion, roughness and metal in one picture: the exact pixels, and every case that must be left alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.steps.pack_orm import pack_orm
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.textures import decode_texture, texture_info
from asset_pipeline.models.write_glb import write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate, sheet
from tests.asset_pipeline.models.test_textures import encoded

RNG = np.random.default_rng(8)
OCCLUSION = RNG.integers(0, 256, (16, 16, 3)).astype(np.uint8)
ROUGHNESS = RNG.integers(0, 256, (16, 16, 3)).astype(np.uint8)


def model(
    *, materials: list[dict[str, Any]], images: tuple[Image, ...] | None = None, **tree: Any
) -> Document:
    document = sheet(3, materials=materials, **tree)
    document.json.setdefault("textures", [{"source": 0}, {"source": 1}])
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    return Document(document.json, document.accessors, images or (encoded(OCCLUSION), encoded(ROUGHNESS)))


def material(
    occlusion: dict[str, Any] | None = None, roughness: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "occlusionTexture": {"index": 0, "strength": 0.25, **(occlusion or {})},
        "pbrMetallicRoughness": {
            "metallicRoughnessTexture": {"index": 1, **(roughness or {})},
            "roughnessFactor": 0.75,
            "metallicFactor": 0.5,
        },
    }


def test_the_three_numbers_stand_in_their_channels(tmp_path: Path, validate: Validate) -> None:
    after = prune(pack_orm(model(materials=[material()])))
    (image,) = after.images
    packed = decode_texture(image)
    assert np.array_equal(packed[:, :, 0], OCCLUSION[:, :, 0])
    assert np.array_equal(packed[:, :, 1:3], ROUGHNESS[:, :, 1:3])
    (found,) = after.items("materials")
    assert found["occlusionTexture"] == {"index": 0, "strength": 0.25}
    assert found["pbrMetallicRoughness"] == {
        "metallicRoughnessTexture": {"index": 0},
        "roughnessFactor": 0.75,
        "metallicFactor": 0.5,
    }
    path = tmp_path / "packed.glb"
    path.write_bytes(write_glb(after))
    assert validate([path])[path]["errors"] == []


def test_a_grey_picture_and_a_palette_are_packed_alike() -> None:
    images = (encoded(OCCLUSION[:, :, 0]), encoded(ROUGHNESS))
    packed = decode_texture(prune(pack_orm(model(materials=[material()], images=images))).images[0])
    assert np.array_equal(packed[:, :, 0], OCCLUSION[:, :, 0])


def test_the_smaller_picture_is_enlarged_and_the_larger_kept() -> None:
    small = np.repeat(np.repeat(OCCLUSION[:2, :2], 4, axis=0), 2, axis=1)  # 8 x 4, blocks of one colour
    images = (encoded(small), encoded(ROUGHNESS))
    packed = decode_texture(prune(pack_orm(model(materials=[material()], images=images))).images[0])
    assert packed.shape == (16, 16, 4)
    assert np.array_equal(packed[:, :, 1:3], ROUGHNESS[:, :, 1:3])
    assert packed[0, 0, 0] == small[0, 0, 0]
    assert packed[-1, -1, 0] == small[-1, -1, 0]


def test_what_is_too_large_is_scaled_down() -> None:
    after = prune(pack_orm(model(materials=[material()]), max_px=8))
    info = texture_info(after.images[0].body)
    assert (info.width_px, info.height_px) == (8, 8)
    with pytest.raises(ValueError, match="max_px"):
        pack_orm(after, max_px=0)


def test_materials_with_the_same_pair_share_one_picture_and_others_keep_theirs() -> None:
    alone = {"occlusionTexture": {"index": 0}}
    before = model(materials=[material(), material(), alone])
    before.json["meshes"][0]["primitives"] = [
        {**before.json["meshes"][0]["primitives"][0], "material": number} for number in range(3)
    ]
    after = prune(pack_orm(before))
    indices = [found["occlusionTexture"]["index"] for found in after.items("materials")]
    assert indices[0] == indices[1] != indices[2]
    assert len(after.images) == 2
    assert np.array_equal(decode_texture(after.images[1])[:, :, :3], OCCLUSION)


MOVED = {"extensions": {"KHR_texture_transform": {"offset": [0.5, 0.0]}}}
SAME = {"extensions": {"KHR_texture_transform": {"offset": [0.5, 0.0], "scale": [1.0, 1.0]}}}


def test_equal_ways_of_seeing_may_be_written_differently() -> None:
    before = model(
        materials=[material(MOVED, SAME)],
        samplers=[{}, {"wrapS": 10497, "wrapT": 10497}],
        textures=[{"source": 0, "sampler": 0}, {"source": 1, "sampler": 1}],
    )
    after = prune(pack_orm(before))
    assert len(after.images) == 1
    assert after.items("textures")[0]["sampler"] == 1
    assert after.items("materials")[0]["occlusionTexture"]["extensions"] == MOVED["extensions"]


@pytest.mark.parametrize(
    ("found", "tree"),
    [
        (material(MOVED), {}),
        (material({"texCoord": 1}), {}),
        (material({"extensions": {"KHR_texture_transform": {"texCoord": 1}}}), {}),
        (material({"index": 1}), {}),  # one picture already
        (material(), {"textures": [{"source": 1}, {"source": 1}]}),
        (
            material(),
            {"textures": [{"source": 0, "sampler": 0}, {"source": 1}], "samplers": [{"wrapS": 33071}]},
        ),
        (material(), {"textures": [{"source": 0, "extensions": {"X_own": {}}}, {"source": 1}]}),
        (material(), {"extensionsUsed": ["KHR_animation_pointer"]}),
        ({"occlusionTexture": {"index": 0}}, {}),
        ({"pbrMetallicRoughness": {"metallicRoughnessTexture": {"index": 1}}}, {}),
        ({}, {}),
    ],
)
def test_anything_else_is_left_as_it_is(found: dict[str, Any], tree: dict[str, Any]) -> None:
    before = model(materials=[found], **tree)
    assert pack_orm(before) is before


def test_a_damaged_picture_is_refused_with_its_place() -> None:
    cut = Image(encoded(OCCLUSION).body[:200], "image/png")
    with pytest.raises(Refused) as refusal:
        pack_orm(model(materials=[material()], images=(cut, encoded(ROUGHNESS))))
    assert refusal.value.problems[0].where == "/images/0"
