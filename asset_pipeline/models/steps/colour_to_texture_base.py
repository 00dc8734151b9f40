"""A material's base colour: its factor and texture, read as linear light, and replaced by a baked one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document, JsonObject, copy_tree
from asset_pipeline.models.references import texture_coordinate_set
from asset_pipeline.models.steps.textures import decode_texture
from asset_pipeline.models.uv_transform import transformed_uv

GLOSSY = "KHR_materials_pbrSpecularGlossiness"
_REPEAT, _CLAMP, _MIRROR = 10497, 33071, 33648

Colours = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BaseColour:
    """What stands for the base colour in a material, in either workflow.

    info: the textureInfo, None without a texture. factor: linear RGBA.
    """

    material: JsonObject
    info: JsonObject | None
    factor: tuple[float, float, float, float]

    @property
    def uv_set(self) -> int:
        """The UV set the texture reads; 0 without a texture."""
        return texture_coordinate_set(self.info or {})

    @property
    def texture_key(self) -> str:
        """The key the texture stands under."""
        return _copied(self.material)[3]

    @property
    def is_opaque(self) -> bool:
        """Whether opacity means nothing."""
        return bool(self.material.get("alphaMode", "OPAQUE") == "OPAQUE")

    def moved(self, uv: NDArray[Any]) -> NDArray[np.float32]:
        """Where the texture is read for these UV."""
        return transformed_uv(uv, self.info or {}).astype(np.float32)

    def with_factor(self, factor: Sequence[float]) -> JsonObject:
        """The material with another factor."""
        material, owner, factor_key, _ = _copied(self.material)
        owner[factor_key] = list(factor)
        return material

    def with_texture(self, info: JsonObject) -> JsonObject:
        """The material with another texture."""
        material, owner, _, texture_key = _copied(self.material)
        owner[texture_key] = info
        return material


def base_colour_of(material: JsonObject) -> BaseColour:
    """The base colour, or the diffuse colour of the specular-glossiness workflow."""
    _, owner, factor_key, texture_key = _copied(material)
    return BaseColour(material, owner.get(texture_key), tuple(owner.get(factor_key, (1.0, 1.0, 1.0, 1.0))))


def _copied(material: JsonObject) -> tuple[JsonObject, JsonObject, str, str]:
    """(a copy, the object in it that holds factor and texture, the factor's key, the texture's key)."""
    copy: JsonObject = copy_tree(material)
    if GLOSSY in copy.get("extensions", {}):
        return copy, copy["extensions"][GLOSSY], "diffuseFactor", "diffuseTexture"
    return copy, copy.setdefault("pbrMetallicRoughness", {}), "baseColorFactor", "baseColorTexture"


class TextureReader:
    """Textures of a document as linear light, each decoded once."""

    def __init__(self, document: Document, max_px: int) -> None:
        self.document = document
        self.max_px = max_px
        self._light: dict[int, Colours] = {}

    def light(self, info: JsonObject) -> Colours:
        """(height, width, 4): linear light and opacity, 0 to 1."""
        index = int(self.document.items("textures")[info["index"]]["source"])
        if index not in self._light:
            image = self.document.images[index]
            pixels = decode_texture(image, max_px=self.max_px, where=f"/images/{index}")
            light = np.empty(pixels.shape, np.float32)
            light[:, :, :3] = _LINEAR_OF_SRGB[pixels[:, :, :3]]
            light[:, :, 3] = pixels[:, :, 3] / np.float32(255)
            self._light[index] = light
        return self._light[index]

    def sample(self, info: JsonObject, uv: NDArray[np.float32]) -> Colours:
        """(n, 4) at UV (n, 2), already moved; bilinear, wrapped as the sampler says."""
        texture = self.document.items("textures")[info["index"]]
        sampler = self.document.items("samplers")[texture["sampler"]] if "sampler" in texture else {}
        return sample_bilinear(
            self.light(info), uv, sampler.get("wrapS", _REPEAT), sampler.get("wrapT", _REPEAT)
        )


def sample_bilinear(
    picture: NDArray[np.float32], uv: NDArray[np.float32], wrap_s: int = _CLAMP, wrap_t: int = _CLAMP
) -> NDArray[np.float32]:
    """Values (n, k) of a picture (height, width, k) at UV (n, 2)."""
    height, width = picture.shape[:2]
    x, y = uv[:, 0] * np.float32(width) - np.float32(0.5), uv[:, 1] * np.float32(height) - np.float32(0.5)
    left, top = np.floor(x), np.floor(y)
    across, down = (x - left)[:, None], (y - top)[:, None]
    columns = [_wrapped(left + step, width, wrap_s) for step in (0, 1)]
    rows = [_wrapped(top + step, height, wrap_t) for step in (0, 1)]
    above = picture[rows[0], columns[0]] * (1 - across) + picture[rows[0], columns[1]] * across
    below = picture[rows[1], columns[0]] * (1 - across) + picture[rows[1], columns[1]] * across
    values: NDArray[np.float32] = above * (1 - down) + below * down
    return values


def _wrapped(places: NDArray[Any], size: int, wrap: int) -> NDArray[np.int64]:
    whole = np.nan_to_num(places).astype(np.int64)
    if wrap == _CLAMP:
        return np.asarray(np.clip(whole, 0, size - 1), np.int64)
    if wrap == _MIRROR:
        turned = whole % (2 * size)
        return np.asarray(np.where(turned < size, turned, 2 * size - 1 - turned), np.int64)
    return np.asarray(whole % size, np.int64)


def srgb_bytes(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear light 0 to 1 as 8-bit sRGB."""
    clipped = np.clip(light, 0, 1)
    srgb = np.where(
        clipped <= 0.0031308, clipped * 12.92, 1.055 * np.maximum(clipped, 1e-9) ** (1 / 2.4) - 0.055
    )
    return np.asarray(np.rint(srgb * 255), np.uint8)


_STEPS = np.arange(256) / 255
_LINEAR_OF_SRGB = np.where(_STEPS <= 0.04045, _STEPS / 12.92, ((_STEPS + 0.055) / 1.055) ** 2.4).astype(
    np.float32
)
