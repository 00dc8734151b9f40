"""Texture coordinates as uint16. Those in [0, 1] need no way back; others get one in KHR_texture_transform.

That transform stands on the material, so all primitives of a material (and of all materials a variant may put
in its place) share one grid per UV set. Left as float: UVs with more than MAX_TILES repeats, with a rotated
transform, with morph targets, in models with KHR_animation_pointer, and under extensions of a primitive that
we do not know.
"""

from dataclasses import dataclass

import numpy as np

from asset_pipeline.models.document import Accessor, Array, Document, DocumentEditor, JsonObject
from asset_pipeline.models.references import texture_coordinate_set, texture_infos

MAX_TILES = 32  # 65536 steps over 32 repeats are 2048 per repeat: half a texel of a 1024 px texture
SLACK = 1e-6  # exporters write 1.0000001; such UVs count as 1

Slot = tuple[int, str]  # material index (-1: none), attribute name


@dataclass(frozen=True, slots=True)
class UvGrid:
    """uv = offset + scale * (whole number / 65535)."""

    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)


IDENTITY = UvGrid()


def quantize_uvs(document: Document, *, bits: int) -> Document:
    """UVs in `bits` steps per repeat, where that is safe."""
    if "KHR_animation_pointer" in document.json.get("extensionsUsed", []):
        return document
    slots = _joined_slots(document)
    grids = _choose_grids(document, slots)
    editor = document.edit()
    done: dict[tuple[int, UvGrid], int] = {}
    for primitive in (primitive for mesh in editor.items("meshes") for primitive in mesh["primitives"]):
        for name in _float_uv_sets(document, primitive):
            grid = grids.get(slots[_slots_of(primitive, name)[0]])
            if grid is None:
                continue
            number = primitive["attributes"][name]
            if (number, grid) not in done:
                done[(number, grid)] = editor.add_accessor(_on_grid(editor.accessors[number], grid, bits))
            primitive["attributes"][name] = done[(number, grid)]
    for (material_index, name), root in slots.items():
        grid = grids.get(root)
        if material_index >= 0 and grid is not None and grid != IDENTITY:
            _compose(editor, material_index, name, grid)
    return editor.finish()


def _float_uv_sets(document: Document, primitive: JsonObject) -> list[str]:
    return sorted(
        name
        for name, number in primitive["attributes"].items()
        if name.startswith("TEXCOORD_") and document.accessors[number].array.dtype == np.float32
    )


def _slots_of(primitive: JsonObject, name: str) -> list[Slot]:
    mappings = primitive.get("extensions", {}).get("KHR_materials_variants", {}).get("mappings", [])
    return [(primitive.get("material", -1), name), *((mapping["material"], name) for mapping in mappings)]


def _joined_slots(document: Document) -> dict[Slot, Slot]:
    """For each slot the one that speaks for its group: those that a primitive needs to agree are one."""
    parent: dict[Slot, Slot] = {}

    def root(slot: Slot) -> Slot:
        parent.setdefault(slot, slot)
        while parent[slot] != slot:
            parent[slot] = parent[parent[slot]]
            slot = parent[slot]
        return slot

    for _, _, primitive in document.primitives():
        for name in sorted(primitive["attributes"]):
            if name.startswith("TEXCOORD_"):
                first, *others = _slots_of(primitive, name)
                for other in others:
                    parent[root(other)] = root(first)
                root(first)
    return {slot: root(slot) for slot in list(parent)}


def _choose_grids(document: Document, slots: dict[Slot, Slot]) -> dict[Slot, UvGrid]:
    """Grid by group; groups that must stay float are missing."""
    low: dict[Slot, Array] = {}
    high: dict[Slot, Array] = {}
    only_identity: set[Slot] = {slots[slot] for slot in slots if slot[0] == -1}
    excluded: set[Slot] = set()
    for _, _, primitive in document.primitives():
        unknown = set(primitive.get("extensions", {})) - {"KHR_materials_variants"}
        for name in sorted(name for name in primitive["attributes"] if name.startswith("TEXCOORD_")):
            group = slots[_slots_of(primitive, name)[0]]
            column = document.accessors[primitive["attributes"][name]]
            if any(name in target for target in primitive.get("targets", [])):
                excluded.add(group)
            if column.array.dtype != np.float32 or unknown:
                only_identity.add(group)  # whole numbers stay as they came, so nobody may need a way back
            if column.array.dtype == np.float32:
                low[group] = np.minimum(low.get(group, np.inf), column.array.min(axis=0))
                high[group] = np.maximum(high.get(group, -np.inf), column.array.max(axis=0))
    for (material_index, name), group in slots.items():
        if material_index >= 0 and _has_rotation(document.items("materials")[material_index], name):
            only_identity.add(group)
    grids = {}
    for group in low:
        grid = _grid(low[group], high[group])
        if group not in excluded and grid is not None and (grid == IDENTITY or group not in only_identity):
            grids[group] = grid
    return grids


def _has_rotation(material: JsonObject, name: str) -> bool:
    return any(
        info.get("extensions", {}).get("KHR_texture_transform", {}).get("rotation", 0.0) != 0.0
        for _, info, _ in texture_infos(material)
        if f"TEXCOORD_{texture_coordinate_set(info)}" == name
    )


def _grid(low: Array, high: Array) -> UvGrid | None:
    if (low >= -SLACK).all() and (high <= 1 + SLACK).all():
        return IDENTITY
    size = high.astype(np.float64) - low.astype(np.float64)
    if not np.isfinite(size).all() or size.max() > MAX_TILES:
        return None
    scale = np.maximum(size, 1e-6)
    return UvGrid((float(low[0]), float(low[1])), (float(scale[0]), float(scale[1])))


def _on_grid(column: Accessor, grid: UvGrid, bits: int) -> Accessor:
    values = (column.array.astype(np.float64) - grid.offset) / grid.scale
    repeats = float(max(grid.scale))
    levels = 2.0 ** min(16, bits + max(0, int(np.ceil(np.log2(repeats))))) - 1
    steps = np.rint(np.rint(np.clip(values, 0.0, 1.0) * levels) * (65535.0 / levels))
    return Accessor(steps.astype(np.uint16), "VEC2", True, column.name)


def _compose(editor: DocumentEditor, material_index: int, name: str, grid: UvGrid) -> None:
    """Each texture of the material that reads this set first takes the way back, then its own transform."""
    for _, info, _ in list(texture_infos(editor.items("materials")[material_index])):
        if f"TEXCOORD_{texture_coordinate_set(info)}" != name:
            continue
        transform = info.setdefault("extensions", {}).setdefault("KHR_texture_transform", {})
        scale = transform.get("scale", [1.0, 1.0])
        offset = transform.get("offset", [0.0, 0.0])
        transform["offset"] = [offset[axis] + scale[axis] * grid.offset[axis] for axis in (0, 1)]
        transform["scale"] = [scale[axis] * grid.scale[axis] for axis in (0, 1)]
        editor.use_extension("KHR_texture_transform", required=True)
