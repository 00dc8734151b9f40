"""Leave out vertex attributes that no material reads: they hold vertices apart that look the same.

Without them more vertices are equal, seams that nobody sees are gone, and reduction has a freer hand. For
files that are delivered; an archive keeps everything. Untouched: primitives with extensions we cannot read UV
sets out of, models whose animations point into materials, and the sender's own attributes (`_NAME`).
"""

from collections.abc import Iterable

from asset_pipeline.models.document import Document, JsonObject
from asset_pipeline.models.references import texture_coordinate_set, texture_infos
from asset_pipeline.models.steps.prune import prune

_VARIANTS = "KHR_materials_variants"
_POINTERS = "KHR_animation_pointer"


def drop_unread(document: Document) -> Document:
    """The same picture without UV sets that no texture uses, tangents without a normal map, white colours."""
    if _POINTERS in document.json.get("extensionsUsed", []):
        return document
    editor = document.edit()
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            if set(primitive.get("extensions", {})) - {_VARIANTS}:
                continue
            materials = [document.items("materials")[index] for index in _materials_of(primitive)]
            for name in list(primitive["attributes"]):
                if not _is_read(document, primitive, name, materials):
                    del primitive["attributes"][name]
                    for target in primitive.get("targets", []):
                        target.pop(name, None)
    return prune(editor.finish())


def _materials_of(primitive: JsonObject) -> Iterable[int]:
    mappings = primitive.get("extensions", {}).get(_VARIANTS, {}).get("mappings", [])
    found = {mapping["material"] for mapping in mappings}
    return sorted(found | {primitive["material"]} if "material" in primitive else found)


def _is_read(document: Document, primitive: JsonObject, name: str, materials: list[JsonObject]) -> bool:
    if name.startswith("TEXCOORD_"):
        number = int(name.removeprefix("TEXCOORD_"))
        return any(texture_coordinate_set(info) == number for _, info in _textures_of(materials))
    if name == "TANGENT":
        return any(_needs_tangents(key) for key, _ in _textures_of(materials)) or any(
            "anisotropy" in extension.lower()
            for material in materials
            for extension in material.get("extensions", {})
        )
    if name.startswith("COLOR_"):
        is_morphed = any(name in target for target in primitive.get("targets", []))
        return is_morphed or not bool(
            (document.accessors[primitive["attributes"][name]].as_floats() == 1).all()
        )
    return True


def _textures_of(materials: list[JsonObject]) -> list[tuple[str, JsonObject]]:
    return [(key, info) for material in materials for key, info, _ in texture_infos(material)]


def _needs_tangents(key: str) -> bool:
    return "normal" in key.lower() or "anisotropy" in key.lower()
