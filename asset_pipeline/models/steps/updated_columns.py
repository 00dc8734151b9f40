"""What a simplifier moved, brought back from the joined mesh in the world to each part's own columns.

Rows that did not change keep their stored numbers bit for bit.
"""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor
from asset_pipeline.models.geometry import Geometry, Indices
from asset_pipeline.models.steps.equal_rows import group_equal_rows
from asset_pipeline.models.steps.joined_mesh import Block, JoinedMesh, uv_divisor
from asset_pipeline.models.steps.model_parts import Part, unit_rows
from asset_pipeline.models.steps.simplify_update import Updated

SAME_NORMAL = 4096.0  # normals that agree to 1/4096 were one smooth surface, whatever rounding placed them


def updated_geometries(
    parts: list[Part], mesh: JoinedMesh, updated: Updated, split: list[Indices]
) -> list[Geometry]:
    """Each part with the triangles `split` gives it, over only the vertices they use, with new values."""
    attributes = _closed_seams(mesh, updated)
    bounds = np.searchsorted(updated.vertices, mesh.starts)
    geometries = []
    for index, (part, kept) in enumerate(zip(parts, split, strict=True)):
        here = slice(bounds[index], bounds[index + 1])
        rows = updated.vertices[here] - np.uint32(mesh.starts[index])
        if not len(rows):  # the part lost every triangle, and keeps its largest as it was
            rows = np.unique(kept)
            geometries.append(part.geometry.take(rows).with_indices(_renumbered(kept, rows)))
            continue
        old = mesh.points[updated.vertices[here]], mesh.attributes[updated.vertices[here]]
        new = updated.positions[here], attributes[here]
        taken = part.geometry.take(rows).with_indices(_renumbered(kept, rows))
        geometries.append(_with_values(part, taken, mesh.blocks, old, new))
    return geometries


_Values = tuple[NDArray[np.float32], NDArray[np.float32]]  # positions, attributes


def _closed_seams(mesh: JoinedMesh, updated: Updated) -> NDArray[np.float32]:
    """The new attributes, where vertices at one place agreed before made to agree again.

    The simplifier solves each side of a seam alone; a normal that was smooth across it would get an edge.
    """
    attributes = updated.attributes.copy()
    old_points = mesh.points[updated.vertices] + np.float32(0.0)
    first, place = group_equal_rows(old_points)
    shared = np.flatnonzero(np.bincount(place, minlength=len(first))[place] > 1)
    if not len(shared):
        return attributes
    old = mesh.attributes[updated.vertices[shared]]
    for block in mesh.blocks:
        values = old[:, block.columns]
        if block.name == "NORMAL":
            values = np.rint(values * np.float32(SAME_NORMAL))
        values = values + np.float32(0.0)
        kinds, group = group_equal_rows(place[shared].reshape(-1, 1), values)
        counts = np.bincount(group, minlength=len(kinds))
        for column in range(block.start, block.start + block.width):
            sums = np.bincount(group, attributes[shared, column], minlength=len(kinds))
            mean = (sums / counts)[group].astype(np.float32)
            attributes[shared, column] = np.where(counts[group] > 1, mean, attributes[shared, column])
    return attributes


def _renumbered(indices: Indices, rows: Indices) -> Indices:
    return np.searchsorted(rows, indices).astype(np.uint32)


def _with_values(
    part: Part, taken: Geometry, blocks: tuple[Block, ...], old: _Values, new: _Values
) -> Geometry:
    columns = dict(taken.attributes)
    is_moved = (old[0] != new[0]).any(axis=1)
    columns["POSITION"] = _own_positions(part, columns["POSITION"], new[0], is_moved)
    for block in (block for block in blocks if block.name in columns):
        column, values = columns[block.name], new[1][:, block.columns]
        is_changed = (old[1][:, block.columns] != values).any(axis=1)
        if block.name == "NORMAL":
            columns["NORMAL"] = _own_normals(part, column, values, is_changed)
        elif block.name.startswith("TEXCOORD_"):
            divisor = uv_divisor(part.geometry.attributes[block.name])
            columns[block.name] = _as_float_column(column, values.astype(np.float64) * divisor, is_changed)
        elif block.name.startswith("COLOR_"):
            columns[block.name] = _own_colours(column, values, is_changed)
    tangents = next((block for block in blocks if block.name == "TANGENT"), None)
    if tangents is not None and "TANGENT" in columns:
        columns["TANGENT"] = _own_tangents(columns, new[1][:, tangents.columns])
    return Geometry(taken.mode, taken.indices, columns, taken.targets)


def _own_positions(
    part: Part, column: Accessor, world: NDArray[np.float32], is_moved: NDArray[np.bool_]
) -> Accessor:
    own: NDArray[np.float64] = world.astype(np.float64)
    if not part.is_at_origin:
        own = (own - part.placed[:3, 3]) @ np.linalg.inv(part.placed[:3, :3]).T
    return _as_float_column(column, own, is_moved)


def _own_normals(
    part: Part, column: Accessor, world: NDArray[np.float32], is_changed: NDArray[np.bool_]
) -> Accessor:
    own = unit_rows(unit_rows(world.astype(np.float64)) @ part.placed[:3, :3])
    return _as_float_column(column, own, is_changed & (np.abs(own).max(axis=1) > 0.5))


def _own_colours(column: Accessor, values: NDArray[np.float32], is_changed: NDArray[np.bool_]) -> Accessor:
    """In the column's own type; alpha only where the column has one."""
    array = column.array.copy()
    own = np.clip(values[:, : column.components], 0.0, 1.0)
    if array.dtype != np.float32:
        own = np.rint(own * np.float32(np.iinfo(array.dtype).max))
    array[is_changed] = own[is_changed].astype(array.dtype)
    return Accessor(array, column.type, column.normalized, column.name)


def _own_tangents(columns: dict[str, Accessor], values: NDArray[np.float32]) -> Accessor:
    """Unit length and square to the new normals; handedness as it was."""
    column = columns["TANGENT"]
    tangents = values.astype(np.float64)
    if "NORMAL" in columns:
        normals = columns["NORMAL"].as_floats().astype(np.float64)
        tangents -= normals * (tangents * normals).sum(axis=1, keepdims=True)
    own = unit_rows(tangents)
    array = column.as_floats().copy()
    is_good = (np.abs(values).max(axis=1) > 0.1) & (np.abs(own).max(axis=1) > 0.5)
    array[is_good, :3] = own[is_good]
    return Accessor(array, column.type, name=column.name)


def _as_float_column(
    column: Accessor, values: NDArray[np.float64], is_changed: NDArray[np.bool_]
) -> Accessor:
    """The column with new values where they changed; as float32, so that nothing is rounded to old steps."""
    if not is_changed.any():
        return column
    array = column.as_floats().copy()
    array[is_changed] = values[is_changed]
    return Accessor(array, column.type, name=column.name)
