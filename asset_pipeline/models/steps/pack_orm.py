"""Occlusion (r), roughness (g) and metal (b) in one picture, where a material has them in two.

glTF reads the three numbers from three channels on purpose: one picture costs one texture less of the GPU's
memory and one download less. Packed are a material's occlusionTexture and metallicRoughnessTexture if they
are different pictures seen in the same way: same UV set, same transform, same sampler. Strengths and factors
stay. Left alone: models with KHR_animation_pointer (a pointer may move one of the two), textures with
extensions.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from asset_pipeline.models.document import Document, DocumentEditor, Image, JsonObject
from asset_pipeline.models.references import texture_coordinate_set
from asset_pipeline.models.steps.texture_codecs import encode_png_quickly
from asset_pipeline.models.steps.texture_pixels import Pixels
from asset_pipeline.models.steps.texture_roles import TextureRole
from asset_pipeline.models.steps.textures import decode_texture

MAX_PACKED_PX = 4096  # per side; what is larger is scaled down to keep memory small
_WRAP_REPEAT = 10497


def pack_orm(document: Document, *, max_px: int = MAX_PACKED_PX) -> Document:
    """The model with such pairs packed; itself if there are none. Pictures no longer shown are for `prune`.

    Raises Refused for a damaged picture.
    """
    if max_px < 1:
        raise ValueError(f"pack_orm: want max_px of at least 1, got {max_px}")
    if "KHR_animation_pointer" in document.json.get("extensionsUsed", []):
        return document
    pairs = [_pair_of(document, material) for material in document.items("materials")]
    if not any(pairs):
        return document
    editor = document.edit()
    packed: dict[_Pair, int] = {}
    for material, pair in zip(editor.items("materials"), pairs, strict=True):
        if pair is None:
            continue
        if pair not in packed:
            packed[pair] = _add_texture(editor, pair, max_px)
        material["occlusionTexture"]["index"] = packed[pair]
        material["pbrMetallicRoughness"]["metallicRoughnessTexture"]["index"] = packed[pair]
    return editor.finish()


@dataclass(frozen=True, slots=True)
class _Pair:
    """What makes two packed pictures equal: the images, and the texture whose sampler is taken over."""

    occlusion_image: int
    roughness_image: int
    sampler: int | None


def _pair_of(document: Document, material: JsonObject) -> _Pair | None:
    """The pair a material has to pack, or None."""
    occlusion = material.get("occlusionTexture")
    roughness = material.get("pbrMetallicRoughness", {}).get("metallicRoughnessTexture")
    if occlusion is None or roughness is None or _way_of(occlusion) != _way_of(roughness):
        return None
    textures = document.items("textures")
    first, second = textures[occlusion["index"]], textures[roughness["index"]]
    if first.get("extensions") or second.get("extensions"):
        return None
    if "source" not in first or "source" not in second or first["source"] == second["source"]:
        return None
    if _sampler_of(document, first) != _sampler_of(document, second):
        return None
    return _Pair(first["source"], second["source"], second.get("sampler"))


def _way_of(info: JsonObject) -> tuple[Any, ...]:
    """How a texture is seen: UV set and transform, written out."""
    extensions = dict(info.get("extensions", {}))
    transform = extensions.pop("KHR_texture_transform", {})
    return (
        texture_coordinate_set(info),
        tuple(transform.get("offset", (0.0, 0.0))),
        tuple(transform.get("scale", (1.0, 1.0))),
        transform.get("rotation", 0.0),
        repr(sorted(extensions.items())),
    )


def _sampler_of(document: Document, texture: JsonObject) -> tuple[Any, ...]:
    sampler = document.items("samplers")[texture["sampler"]] if "sampler" in texture else {}
    return (
        sampler.get("wrapS", _WRAP_REPEAT),
        sampler.get("wrapT", _WRAP_REPEAT),
        sampler.get("minFilter"),
        sampler.get("magFilter"),
    )


def _add_texture(editor: DocumentEditor, pair: _Pair, max_px: int) -> int:
    roughness = _channels(editor, pair.roughness_image, (1, 2), max_px)
    occlusion = _channels(editor, pair.occlusion_image, (0,), max_px)
    height = max(roughness.shape[0], occlusion.shape[0])
    width = max(roughness.shape[1], occlusion.shape[1])
    pixels = np.dstack([_enlarged(occlusion, width, height), _enlarged(roughness, width, height)])
    name = editor.images[pair.roughness_image].name
    editor.images.append(Image(encode_png_quickly(pixels).body, "image/png", name))
    texture: JsonObject = {"source": len(editor.images) - 1}
    if pair.sampler is not None:
        texture["sampler"] = pair.sampler
    editor.items("textures").append(texture)
    return len(editor.items("textures")) - 1


def _channels(editor: DocumentEditor, image: int, wanted: tuple[int, ...], max_px: int) -> Pixels:
    decoded = decode_texture(
        editor.images[image], max_px=max_px, role=TextureRole.DATA, where=f"/images/{image}"
    )
    return np.ascontiguousarray(decoded[:, :, list(wanted)])


def _enlarged(pixels: Pixels, width: int, height: int) -> Pixels:
    """As a GPU would show the smaller of the two beside the larger."""
    if pixels.shape[:2] == (height, width):
        return pixels
    larger = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(larger, np.uint8).reshape(height, width, -1)
