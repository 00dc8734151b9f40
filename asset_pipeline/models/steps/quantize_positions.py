"""Positions on a grid of whole numbers; the way back (offset and step) goes into nodes and skins.

Meshes shown under the same transforms share a grid, so that parts which touch still touch (see
position_grids.py).

Left as float: models with KHR_animation_pointer (a pointer may drive what we would change), meshes with
EXT_mesh_gpu_instancing or KHR_materials_volume (both measure in the mesh's own units), and meshes no node
shows.
"""

from collections.abc import Set

import numpy as np

from asset_pipeline.models.document import Accessor, Document, DocumentEditor, JsonObject
from asset_pipeline.models.steps.position_grids import TINY_M, Grid, choose_grids, mesh_bounds
from asset_pipeline.models.transforms import rotation_matrix


def quantize_positions(document: Document, *, bits: int, only: Set[int] | None = None) -> Document:
    """Positions as uint16 of `bits` bits, morph targets as int16; what is whole numbers already stays.

    only: the meshes to do so for; None: all.
    """
    grids = _choose_grids(document, bits, only)
    if not grids:
        return document
    editor = document.edit()
    _rewrite_meshes(editor, grids)
    _rewrite_skins(editor, grids)
    _rewrite_nodes(editor, grids)
    return editor.finish()


def _choose_grids(document: Document, bits: int, only: Set[int] | None) -> dict[int, Grid]:
    """Grid by mesh index, for the meshes that get one."""
    if "KHR_animation_pointer" in document.json.get("extensionsUsed", []):
        return {}
    shown: set[int] = set()
    kept: set[int] = set()
    for node in document.items("nodes"):
        if "mesh" in node:
            shown.add(node["mesh"])
            if "EXT_mesh_gpu_instancing" in node.get("extensions", {}):
                kept.add(node["mesh"])
    bounds = {}
    wanted = shown - kept if only is None else (shown - kept) & only
    for index in sorted(wanted):
        mesh = document.items("meshes")[index]
        if not _has_volume(document, mesh) and _has_floats(document, mesh):
            found = mesh_bounds(document, mesh)
            if found is not None and TINY_M < float((found[1] - found[0]).max()) < np.inf:
                bounds[index] = found
    return choose_grids(document, bounds, bits=bits)


def _has_volume(document: Document, mesh: JsonObject) -> bool:
    materials = document.items("materials")
    for primitive in mesh["primitives"]:
        mappings = primitive.get("extensions", {}).get("KHR_materials_variants", {}).get("mappings", [])
        used = {primitive.get("material"), *(mapping["material"] for mapping in mappings)} - {None}
        if any("KHR_materials_volume" in materials[index].get("extensions", {}) for index in used):
            return True
    return False


def _has_floats(document: Document, mesh: JsonObject) -> bool:
    numbers = [primitive["attributes"].get("POSITION") for primitive in mesh["primitives"]]
    return any(n is not None and document.accessors[n].array.dtype == np.float32 for n in numbers)


def _rewrite_meshes(editor: DocumentEditor, grids: dict[int, Grid]) -> None:
    done: dict[tuple[int, Grid, str], int] = {}
    for index, grid in grids.items():
        for primitive in editor.items("meshes")[index]["primitives"]:
            if "POSITION" not in primitive["attributes"]:
                continue
            places = [(primitive["attributes"], "base")]
            places += [(target, "delta") for target in primitive.get("targets", []) if "POSITION" in target]
            for owner, kind in places:
                key = (owner["POSITION"], grid, kind)
                if key not in done:
                    column = editor.accessors[owner["POSITION"]]
                    made = _on_grid(column, grid) if kind == "base" else _delta_on_grid(column, grid)
                    done[key] = editor.add_accessor(made)
                owner["POSITION"] = done[key]


def _on_grid(column: Accessor, grid: Grid) -> Accessor:
    steps = np.rint((column.as_floats().astype(np.float64) - grid.offset) / grid.step)
    return Accessor(np.clip(steps, 0, 2**grid.bits - 1).astype(np.uint16), "VEC3", name=column.name)


def _delta_on_grid(column: Accessor, grid: Grid) -> Accessor:
    steps = column.as_floats().astype(np.float64) / grid.step
    if float(np.abs(steps).max(initial=0)) > 32767:
        return Accessor(steps.astype(np.float32), "VEC3", name=column.name)
    return Accessor(np.rint(steps).astype(np.int16), "VEC3", name=column.name)


def _rewrite_skins(editor: DocumentEditor, grids: dict[int, Grid]) -> None:
    """A skinned mesh hangs on its joints, not its node: the way back goes into the inverse bind matrices."""
    users: dict[int, list[tuple[JsonObject, Grid | None]]] = {}
    for node in editor.items("nodes"):
        if "skin" in node:
            users.setdefault(node["skin"], []).append((node, grids.get(node["mesh"])))
    for skin_index in sorted(users):
        skin = editor.items("skins")[skin_index]
        wanted = list(dict.fromkeys(grid for _, grid in users[skin_index]))
        number_of: dict[Grid | None, int] = {wanted[0]: skin_index}
        for grid in wanted[1:]:
            editor.items("skins").append(dict(skin))
            number_of[grid] = len(editor.items("skins")) - 1
        for grid in wanted:
            if grid is not None:
                own = editor.items("skins")[number_of[grid]]
                own["inverseBindMatrices"] = editor.add_accessor(_bound_to(editor, skin, grid))
        for node, grid in users[skin_index]:
            node["skin"] = number_of[grid]


def _bound_to(editor: DocumentEditor, skin: JsonObject, grid: Grid) -> Accessor:
    count = len(skin["joints"])
    inverse = np.broadcast_to(np.eye(4), (count, 4, 4))
    if "inverseBindMatrices" in skin:
        stored = editor.accessors[skin["inverseBindMatrices"]].array[:count].astype(np.float64)
        inverse = stored.reshape(count, 4, 4).transpose(0, 2, 1)
    bound = (inverse @ grid.matrix).transpose(0, 2, 1).reshape(count, 16).astype(np.float32)
    bound[:, 3::4] = (0.0, 0.0, 0.0, 1.0)
    return Accessor(bound, "MAT4")


def _rewrite_nodes(editor: DocumentEditor, grids: dict[int, Grid]) -> None:
    driven = {
        channel["target"]["node"]
        for animation in editor.items("animations")
        for channel in animation["channels"]
        if "node" in channel["target"] and channel["target"]["path"] != "weights"
    }
    joints = {
        joint for skin in editor.items("skins") for joint in (*skin["joints"], skin.get("skeleton", -1))
    }
    moved: dict[int, int] = {}
    for index, node in enumerate(list(editor.items("nodes"))):
        if "mesh" not in node or "skin" in node or node["mesh"] not in grids:
            continue
        grid = grids[node["mesh"]]
        is_alone = not any(key in node for key in ("children", "camera", "extensions"))
        if is_alone and index not in driven and index not in joints:
            _absorb(node, grid)
        else:
            moved[index] = _hang_below(editor, node, grid)
    for animation in editor.items("animations"):
        for channel in animation["channels"]:
            target = channel["target"]
            if target["path"] == "weights" and target.get("node") in moved:
                target["node"] = moved[target["node"]]


def _absorb(node: JsonObject, grid: Grid) -> None:
    """node = node * grid, in the form the node has."""
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T @ grid.matrix
        node["matrix"] = [float(value) for value in matrix.T.reshape(-1)]
        return
    scale = np.array(node.get("scale", (1.0, 1.0, 1.0)), np.float64)
    turn = rotation_matrix(node.get("rotation", (0.0, 0.0, 0.0, 1.0)))
    shift = np.array(node.get("translation", (0.0, 0.0, 0.0)), np.float64) + turn @ (scale * grid.offset)
    node["translation"] = [float(value) for value in shift]
    node["scale"] = [float(value) for value in scale * grid.step]


def _hang_below(editor: DocumentEditor, node: JsonObject, grid: Grid) -> int:
    """The mesh moves to a new child that carries the grid; the node's own transform stays what it was."""
    child: JsonObject = {"mesh": node.pop("mesh"), "translation": list(grid.offset), "scale": [grid.step] * 3}
    if "weights" in node:
        child["weights"] = node.pop("weights")
    editor.items("nodes").append(child)
    number = len(editor.items("nodes")) - 1
    node["children"] = [*node.get("children", []), number]
    return number
