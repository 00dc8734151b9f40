"""A glTF material as the judge's shader takes it. What it does not know is left out; base colour always
shows.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from asset_pipeline.models.document import Document, JsonObject

_SPECULAR_GLOSSINESS = "KHR_materials_pbrSpecularGlossiness"
_SOURCE_EXTENSIONS = (
    "EXT_texture_avif",
    "EXT_texture_webp",
    "KHR_texture_basisu",
)  # the first there is shown
_REPEAT, _CLAMP, _MIRROR = 10497, 33071, 33648
_NEAREST = 9728


class Slot(StrEnum):
    """What a texture is for; also its name in the shader."""

    BASE = "base"
    METAL = "metal"
    NORMAL = "normal"
    OCCLUSION = "occlusion"
    EMISSIVE = "emissive"


class Wrap(StrEnum):
    """What stands beside a texture."""

    REPEAT = "repeat"
    CLAMP = "clamp"
    MIRROR = "mirror"


COLOR_SLOTS = frozenset({Slot.BASE, Slot.EMISSIVE})  # sRGB-encoded; the others hold plain numbers


@dataclass(frozen=True, slots=True)
class TextureUse:
    """One texture of a surface. rows: KHR_texture_transform as two rows of 3: uv' = rows @ (u, v, 1)."""

    image: int
    uv_set: int
    rows: tuple[tuple[float, float, float], tuple[float, float, float]]
    wrap: tuple[Wrap, Wrap]
    is_nearest: bool


@dataclass(frozen=True, slots=True)
class Surface:
    """Factors and textures of one material, with glTF's defaults."""

    base: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    metallic: float = 1.0
    roughness: float = 1.0
    emissive: tuple[float, ...] = (0.0, 0.0, 0.0)
    normal_scale: float = 1.0
    occlusion_strength: float = 1.0
    alpha_mode: str = "OPAQUE"
    alpha_cutoff: float = 0.5
    is_double_sided: bool = False
    is_unlit: bool = False
    textures: dict[Slot, TextureUse] = field(default_factory=dict)


def surfaces_of(document: Document) -> list[Surface]:
    """One per material of the document."""
    return [_surface(document, material) for material in document.items("materials")]


def _surface(document: Document, material: JsonObject) -> Surface:
    extensions = material.get("extensions", {})
    pbr = material.get("pbrMetallicRoughness", {})
    base_info, metal_info = pbr.get("baseColorTexture"), pbr.get("metallicRoughnessTexture")
    base = pbr.get("baseColorFactor", (1.0, 1.0, 1.0, 1.0))
    metallic, roughness = pbr.get("metallicFactor", 1.0), pbr.get("roughnessFactor", 1.0)
    glossy = extensions.get(_SPECULAR_GLOSSINESS)
    if glossy is not None:  # the older model: its colour is shown, its highlights are guessed
        base_info, metal_info = glossy.get("diffuseTexture"), None
        base = glossy.get("diffuseFactor", (1.0, 1.0, 1.0, 1.0))
        metallic, roughness = 0.0, 1.0 - glossy.get("glossinessFactor", 1.0)
    infos = {
        Slot.BASE: base_info,
        Slot.METAL: metal_info,
        Slot.NORMAL: material.get("normalTexture"),
        Slot.OCCLUSION: material.get("occlusionTexture"),
        Slot.EMISSIVE: material.get("emissiveTexture"),
    }
    uses = {slot: _use(document, info) for slot, info in infos.items() if info is not None}
    strength = extensions.get("KHR_materials_emissive_strength", {}).get("emissiveStrength", 1.0)
    return Surface(
        base=tuple(float(value) for value in base),
        metallic=float(metallic),
        roughness=float(roughness),
        emissive=tuple(float(value) * strength for value in material.get("emissiveFactor", (0.0, 0.0, 0.0))),
        normal_scale=float((material.get("normalTexture") or {}).get("scale", 1.0)),
        occlusion_strength=float((material.get("occlusionTexture") or {}).get("strength", 1.0)),
        alpha_mode=material.get("alphaMode", "OPAQUE"),
        alpha_cutoff=float(material.get("alphaCutoff", 0.5)),
        is_double_sided=bool(material.get("doubleSided", False)),
        is_unlit="KHR_materials_unlit" in extensions,
        textures={slot: use for slot, use in uses.items() if use is not None},
    )


def _use(document: Document, info: JsonObject) -> TextureUse | None:
    texture = document.items("textures")[info["index"]]
    image = _image_of(texture)
    if image is None:
        return None
    sampler = document.items("samplers")[texture["sampler"]] if "sampler" in texture else {}
    moved = info.get("extensions", {}).get("KHR_texture_transform", {})
    return TextureUse(
        image=image,
        uv_set=int(moved.get("texCoord", info.get("texCoord", 0))),
        rows=_rows(moved),
        wrap=(_wrap(sampler.get("wrapS", _REPEAT)), _wrap(sampler.get("wrapT", _REPEAT))),
        is_nearest=sampler.get("magFilter") == _NEAREST,
    )


def _image_of(texture: JsonObject) -> int | None:
    extensions = texture.get("extensions", {})
    for name in _SOURCE_EXTENSIONS:
        if "source" in extensions.get(name, {}):
            return int(extensions[name]["source"])
    return int(texture["source"]) if "source" in texture else None


def _rows(moved: dict[str, Any]) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Translation * rotation * scale, as the extension's text has it."""
    (x, y), (width, height) = moved.get("offset", (0.0, 0.0)), moved.get("scale", (1.0, 1.0))
    turn = float(moved.get("rotation", 0.0))
    cosine, sine = math.cos(turn), math.sin(turn)
    return (cosine * width, sine * height, float(x)), (-sine * width, cosine * height, float(y))


def _wrap(number: int) -> Wrap:
    return {_CLAMP: Wrap.CLAMP, _MIRROR: Wrap.MIRROR}.get(number, Wrap.REPEAT)
