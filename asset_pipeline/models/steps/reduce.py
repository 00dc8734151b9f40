"""Fewer triangles: the whole model simplified as one mesh, as it stands in the world, so that nothing tears.

All primitives go into one call: the budget flows to where it is needed, equal positions stay together across
materials and meshes. In the modes PLAIN and PERMISSIVE only indices change, so skin weights, morph targets
and every UV set stay right. UPDATE gives the vertices that stay new positions, normals, tangents, UVs and
colours; those on seams, on open borders and where parts touch keep their positions. Points and lines are left
as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.geometry import (
    Geometry,
    Indices,
    replace_geometries,
)
from asset_pipeline.models.steps.equal_rows import group_equal_rows
from asset_pipeline.models.steps.joined_mesh import (
    JoinedMesh,
    choose_blocks,
    join_parts,
    largest_triangle,
    split_triangles,
    touching_seams,
)
from asset_pipeline.models.steps.model_parts import (
    Part,
    drawn_triangles,
    parts_of,
    placed_points,
    skin_placement,
)
from asset_pipeline.models.steps.simplify import SimplifyMode, simplify, simplify_sloppy
from asset_pipeline.models.steps.simplify_arrays import MAX_ATTRIBUTES
from asset_pipeline.models.steps.simplify_update import Updated, simplify_with_update
from asset_pipeline.models.steps.updated_columns import updated_geometries
from asset_pipeline.models.steps.weld import compact

__all__ = ["drawn_triangles", "reduce_triangles", "shown_corners", "simplify_modes", "skin_placement"]

ROUNDS = 5  # meshes drawn several times count several times, so the target may need another try
CLOSE_ENOUGH = 0.95  # of the budget used is as good as all of it
MAX_SQUASH = 1e6  # a placement that scales one side so much more than another cannot be undone in float32

_CARRIED = ("POSITION", "NORMAL", "TANGENT", "TEXCOORD_", "COLOR_")
_OWN = "_"  # the sender's own attributes, such as ids: they stay with their vertex


def reduce_triangles(
    document: Document, *, max_triangles: int, mode: SimplifyMode = SimplifyMode.PLAIN
) -> Document:
    """At most `max_triangles` drawn, if the model's form allows; ask `drawn_triangles` of the result.

    The document must be welded. Within the budget already: comes back as it is. Where seams stop the mode
    above the budget, seams are crossed next, and triangles merged by a grid last. Raises ValueError for a
    mode that `simplify_modes` does not list; PERMISSIVE always works.
    """
    parts = parts_of(document)
    if mode.moves_vertices and not _may_update(parts):
        raise ValueError(f"reduce_triangles: mode {mode} would spoil this model (see simplify_modes)")
    if drawn_triangles(document) <= max_triangles or not parts:
        return document
    mesh = join_parts(parts, carry=mode.moves_vertices)
    for permissive in (True,) if mode.crosses_seams else (False, True):
        collapsed = _collapse(parts, mesh, max_triangles, permissive=permissive, update=mode.moves_vertices)
        if collapsed is not None:
            return _replaced(document, parts, _geometries(parts, mesh, collapsed))
    del mesh
    rough = _Collapsed(_merge_roughly(parts, max_triangles), None)
    return _replaced(document, parts, _geometries(parts, None, rough))


def simplify_modes(document: Document) -> tuple[SimplifyMode, ...]:
    """The modes worth trying on this model, PLAIN first.

    UPDATE: not with skins or morph targets, whose numbers would no longer fit a vertex that moved, and not
    where a placement cannot be undone. PERMISSIVE: only where a part has seams, else it does the same.
    UPDATE_PERMISSIVE: where both stand.
    """
    parts = parts_of(document)
    modes = [SimplifyMode.PLAIN]
    if parts and _may_update(parts):
        modes.append(SimplifyMode.UPDATE)
    if any(_has_seams(part) for part in parts):
        modes.append(SimplifyMode.PERMISSIVE)
        if SimplifyMode.UPDATE in modes:
            modes.append(SimplifyMode.UPDATE_PERMISSIVE)
    return tuple(modes)


def shown_corners(document: Document) -> NDArray[np.float32]:
    """(triangles, 3 corners, 3) in metres: what `reduce_triangles` works on, each primitive once."""
    corners = [placed_points(part)[part.indices.reshape(-1, 3)] for part in parts_of(document)]
    return np.concatenate(corners) if corners else np.empty((0, 3, 3), np.float32)


def _may_update(parts: list[Part]) -> bool:
    for part in parts:
        if part.geometry.targets or not np.linalg.cond(part.placed[:3, :3]) < MAX_SQUASH:
            return False
        if not all(name.startswith((*_CARRIED, _OWN)) for name in part.geometry.attributes):
            return False
    return sum(block.width for block in choose_blocks(parts, carry=True)) <= MAX_ATTRIBUTES


def _has_seams(part: Part) -> bool:
    points = part.geometry.attributes["POSITION"].as_floats()
    return len(group_equal_rows(points + np.float32(0.0))[0]) < len(points)


@dataclass(frozen=True, slots=True, eq=False)
class _Collapsed:
    """Indices per part, and new values of the vertices they name (None: as they were)."""

    split: list[Indices]
    updated: Updated | None


def _collapse(
    parts: list[Part], mesh: JoinedMesh, max_triangles: int, *, permissive: bool, update: bool
) -> _Collapsed | None:
    """At most max_triangles drawn, or None where the form does not let them."""
    unique = sum(part.geometry.triangles for part in parts)
    drawn = sum(part.geometry.triangles * part.instances for part in parts)
    best: _Collapsed | None = None
    enough, too_much = 0, unique
    target = unique * max_triangles // drawn
    seams = touching_seams(mesh) if permissive else None
    for _ in range(ROUNDS):
        work = simplify_with_update if update else simplify
        simplified = work(
            mesh.indices,
            mesh.points,
            mesh.attributes,
            mesh.weights,
            target_triangles=target,
            permissive=permissive,
            vertex_lock=seams,
        )
        split = split_triangles(parts, mesh, simplified.indices)
        if split is None:
            return best
        drawn = sum(len(kept) // 3 * part.instances for part, kept in zip(parts, split, strict=True))
        if drawn <= max_triangles:
            best = _Collapsed(split, simplified if isinstance(simplified, Updated) else None)
            enough = target
            if drawn >= max_triangles * CLOSE_ENOUGH or all(part.instances == 1 for part in parts):
                return best
        else:
            too_much = target
            if simplified.triangles > target * 1.02 + 16:
                return best  # the form stops it: another target will not help
        target = min(max(target * max_triangles // drawn, enough + 1), (enough + 3 * too_much) // 4)
        if not enough < target < too_much:
            return best
    return best


def _merge_roughly(parts: list[Part], max_triangles: int) -> list[Indices]:
    """The last resort, primitive by primitive: triangles merged by a grid, across seams and topology."""
    counts = [part.geometry.triangles * part.instances for part in parts]
    left, waiting = max_triangles, sum(counts)
    split: list[Indices] = [np.empty(0, np.uint32)] * len(parts)
    for index in sorted(range(len(parts)), key=lambda place: counts[place]):
        part = parts[index]
        kept = part.indices
        target = max(1, int(left * counts[index] / max(waiting, 1) / part.instances))
        if part.geometry.triangles > target:
            rough = simplify_sloppy(kept, placed_points(part), target_triangles=target)
            kept = rough.indices if len(rough.indices) else largest_triangle(part.geometry)
        split[index] = kept
        waiting -= counts[index]
        left -= len(kept) // 3 * part.instances
    return split


def _geometries(parts: list[Part], mesh: JoinedMesh | None, collapsed: _Collapsed) -> list[Geometry]:
    if collapsed.updated is not None and mesh is not None:
        return updated_geometries(parts, mesh, collapsed.updated, collapsed.split)
    pairs = zip(parts, collapsed.split, strict=True)
    return [compact(part.geometry.with_indices(kept)) for part, kept in pairs]


def _replaced(document: Document, parts: list[Part], geometries: list[Geometry]) -> Document:
    new = {part.key: geometry for part, geometry in zip(parts, geometries, strict=True)}
    return replace_geometries(document, new)
