"""Leave out materials that no primitive wears, so that the textures they alone show can go too."""

from asset_pipeline.models.document import Document, JsonObject
from asset_pipeline.models.steps.prune import prune

_POINTERS = ("KHR_animation_pointer",)  # would still point at the old numbers


def prune_materials(document: Document) -> Document:
    """The same picture with dense materials, in order of first use, and without what only others used."""
    if any(name in document.json.get("extensionsUsed", []) for name in _POINTERS):
        return prune(document)
    editor = document.edit()
    numbers: dict[int, int] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            for owner in _wearers(primitive):
                owner["material"] = numbers.setdefault(owner["material"], len(numbers))
    if numbers:
        editor.json["materials"] = [editor.items("materials")[old] for old in numbers]
    else:
        editor.json.pop("materials", None)
    return prune(editor.finish())


def _wearers(primitive: JsonObject) -> list[JsonObject]:
    """The objects of a primitive that name a material."""
    variants = primitive.get("extensions", {}).get("KHR_materials_variants", {}).get("mappings", [])
    return [owner for owner in (primitive, *variants) if "material" in owner]
