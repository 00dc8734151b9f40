"""Parts of a mesh that look alike become one part: equal materials are one, and so is what wears them.

Each part of its own costs half a kilobyte of JSON, a stream of its own in the codec and a border that
reduction must hold. Nodes and meshes stay as they are, with their names and animations. Not joined:
primitives with morph targets or extensions. Names of materials make no difference; their extras do. For files
that are delivered; an archive keeps everything.
"""

import json
from collections.abc import Sequence

import numpy as np

from asset_pipeline.models.document import Accessor, Document, JsonObject
from asset_pipeline.models.geometry import Geometry, geometry_of, primitive_key, put_geometry
from asset_pipeline.models.steps.prune_materials import prune_materials
from asset_pipeline.models.steps.weld import as_triangles

_VARIANTS = "KHR_materials_variants"
_POINTERS = "KHR_animation_pointer"


def join_primitives(document: Document) -> Document:
    """The same picture with fewer parts. Indices become 32 bits wide; triangle strips and fans, triangles."""
    if _POINTERS in document.json.get("extensionsUsed", []):
        return document
    return prune_materials(_join(_with_equal_materials(document)))


def _with_equal_materials(document: Document) -> Document:
    """Primitives wear the first of several equal materials."""
    first: dict[str, int] = {}
    number_of = [
        first.setdefault(_look_of(material), index)
        for index, material in enumerate(document.items("materials"))
    ]
    if len(first) == len(number_of):
        return document
    editor = document.edit()
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            mappings = primitive.get("extensions", {}).get(_VARIANTS, {}).get("mappings", [])
            for owner in (primitive, *mappings):
                if "material" in owner:
                    owner["material"] = number_of[owner["material"]]
    return editor.finish()


def _look_of(material: JsonObject) -> str:
    return json.dumps({key: value for key, value in material.items() if key != "name"}, sort_keys=True)


def _join(document: Document) -> Document:
    """Per mesh, one primitive in place of those that can be drawn in one go."""
    editor = document.edit()
    users = _uses_of_numbers(document)
    for mesh in editor.items("meshes"):
        groups: dict[object, list[JsonObject]] = {}
        for index, primitive in enumerate(mesh["primitives"]):
            groups.setdefault(_group_of(document, primitive, index, users), []).append(primitive)
        if len(groups) < len(mesh["primitives"]):
            for group in groups.values():
                if len(group) > 1:
                    joined = [as_triangles(geometry_of(document, primitive)) for primitive in group]
                    put_geometry(editor, group[0], _concatenated(joined))
            mesh["primitives"] = [group[0] for group in groups.values()]
    return editor.finish()


def _uses_of_numbers(document: Document) -> dict[tuple[object, ...], int]:
    """How many primitives draw the same numbers: shared ones are stored once, and stay so."""
    uses: dict[tuple[object, ...], int] = {}
    for _, _, primitive in document.primitives():
        key = primitive_key(primitive)
        uses[key] = uses.get(key, 0) + 1
    return uses


def _group_of(
    document: Document, primitive: JsonObject, index: int, uses: dict[tuple[object, ...], int]
) -> object:
    """Equal for primitives that can be one."""
    geometry = geometry_of(document, primitive)
    if (
        primitive.get("targets")
        or primitive.get("extensions")
        or not as_triangles(geometry).triangles
        or uses[primitive_key(primitive)] > 1
    ):
        return index
    columns = sorted(
        (name, column.type, column.array.dtype.str, column.normalized)
        for name, column in geometry.attributes.items()
    )
    extras = json.dumps(primitive.get("extras"), sort_keys=True)
    return primitive.get("material", -1), tuple(columns), extras


def _concatenated(parts: Sequence[Geometry]) -> Geometry:
    first = parts[0]
    starts = np.cumsum([0, *(part.vertices for part in parts)])
    shifted = [
        part.indices + np.uint32(start)
        for part, start in zip(parts, starts, strict=False)
        if part.indices is not None
    ]
    attributes = {
        name: Accessor(
            np.concatenate([part.attributes[name].array for part in parts]), column.type, column.normalized
        )
        for name, column in first.attributes.items()
    }
    return Geometry(first.mode, np.concatenate(shifted), attributes)
