"""What each image of a glTF is for: colour, normals or other data, and what its alpha means.

Found by walking each material whole, extensions included, for objects under a key that ends in "Texture". So
every material extension counts, also one that is not in the tables below: its texture is then data, the
careful guess, unless its name says colour or normal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class TextureRole(StrEnum):
    """How an image's numbers are to be read, from the most careful to the least when an image has several."""

    NORMAL = "normal"
    DATA = "data"
    COLOR = "color"


class AlphaUse(StrEnum):
    """What the fourth channel means."""

    NONE = "none"
    OPACITY = "opacity"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class TextureUse:
    """What an image is for, over all materials that use it."""

    role: TextureRole
    alpha: AlphaUse


_COLOR_KEYS = frozenset(
    {"baseColorTexture", "emissiveTexture", "diffuseTexture", "specularGlossinessTexture"}
)
_OPACITY_KEYS = frozenset({"baseColorTexture", "diffuseTexture"})
_ALPHA_DATA_KEYS = frozenset(
    {"specularTexture", "sheenRoughnessTexture", "specularGlossinessTexture", "diffuseTransmissionTexture"}
)
_CAREFUL_FIRST = list(TextureRole)
_ALPHA_ORDER = [AlphaUse.DATA, AlphaUse.OPACITY, AlphaUse.NONE]


def collect_texture_roles(json: Mapping[str, Any]) -> dict[int, TextureUse]:
    """Use by image index. An image that no material uses is not in it, and is to be left as it is."""
    uses: dict[int, TextureUse] = {}
    textures = json.get("textures", [])
    for material in json.get("materials", []):
        is_opaque = material.get("alphaMode", "OPAQUE") == "OPAQUE"
        for key, texture_index in _textures_in(material):
            use = _use_of(key, is_opaque=is_opaque)
            for image_index in _images_of(textures, texture_index):
                uses[image_index] = _combine(uses.get(image_index, use), use)
    return uses


def _textures_in(value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "extras":
                continue
            if key.endswith("Texture") and isinstance(inner, Mapping) and isinstance(inner.get("index"), int):
                yield key, inner["index"]
            yield from _textures_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _textures_in(inner)


def _images_of(textures: Any, texture_index: int) -> Iterator[int]:
    """The image of a texture and those its extensions (WebP, AVIF, KTX2) offer in its place."""
    if not 0 <= texture_index < len(textures):
        return
    texture = textures[texture_index]
    for holder in (texture, *texture.get("extensions", {}).values()):
        if isinstance(holder, Mapping) and isinstance(holder.get("source"), int):
            yield holder["source"]


def _use_of(key: str, *, is_opaque: bool) -> TextureUse:
    if key.lower().endswith("normaltexture"):
        role = TextureRole.NORMAL
    elif key in _COLOR_KEYS or key.endswith("ColorTexture"):
        role = TextureRole.COLOR
    else:
        role = TextureRole.DATA
    if key in _ALPHA_DATA_KEYS:
        return TextureUse(role, AlphaUse.DATA)
    if key in _OPACITY_KEYS and not is_opaque:
        return TextureUse(role, AlphaUse.OPACITY)
    known = key in _COLOR_KEYS or key in _KNOWN_WITHOUT_ALPHA or role is not TextureRole.DATA
    return TextureUse(role, AlphaUse.NONE if known else AlphaUse.DATA)


_KNOWN_WITHOUT_ALPHA = frozenset(
    {
        "metallicRoughnessTexture",
        "occlusionTexture",
        "clearcoatTexture",
        "clearcoatRoughnessTexture",
        "transmissionTexture",
        "thicknessTexture",
        "iridescenceTexture",
        "iridescenceThicknessTexture",
        "anisotropyTexture",
    }
)


def _combine(first: TextureUse, second: TextureUse) -> TextureUse:
    return TextureUse(
        min(first.role, second.role, key=_CAREFUL_FIRST.index),
        min(first.alpha, second.alpha, key=_ALPHA_ORDER.index),
    )
