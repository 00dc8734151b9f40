"""Fewer triangles in one cell of a larger model, its cut edges left as they are: neighbours still meet."""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.geometry import Geometry, Indices, primitive_key
from asset_pipeline.models.steps.flatten import Piece, document_of, pieces_of
from asset_pipeline.models.steps.joined_mesh import JoinedMesh, join_parts, split_triangles, touching_seams
from asset_pipeline.models.steps.model_parts import Part, parts_of
from asset_pipeline.models.steps.reduce_points import reduce_points
from asset_pipeline.models.steps.simplify import simplify, simplify_sloppy
from asset_pipeline.models.steps.split_space import CUT, Node
from asset_pipeline.models.steps.weld import compact, weld

NEAR_ENOUGH = 1.25  # times the target: locked edges and seams cost triangles
LOCKED = 1


def join_cells(cells: list[Document]) -> Document:
    """Cells of one plan as one cell, its inner cuts healed."""
    pieces = [piece for cell in cells for piece in pieces_of(cell)]
    return weld(document_of(cells[0], pieces))


def reduce_cell(cell: Document, node: Node, *, max_triangles: int) -> Document:
    """About `max_triangles`, and about as many points, where the form allows: vertices that lie on a cut
    towards leaves outside `node` are kept as they are. Seams are crossed where they stop it, triangles merged
    by a grid where that does too.
    """
    cell = reduce_points(cell, max_points=max_triangles)
    pieces = pieces_of(cell)
    parts = parts_of(cell)
    triangles = sum(part.geometry.triangles for part in parts)
    reduced: dict[tuple[object, ...], Geometry] = {}
    if triangles > max_triangles:
        reduced = _reduced_parts(parts, node, max_triangles)
    made: list[Piece] = []
    for (bare, geometry), (_, _, primitive) in zip(pieces, cell.primitives(), strict=True):
        made.append((bare, reduced.get(primitive_key(primitive), geometry)))
    return document_of(cell, made)


def _reduced_parts(parts: list[Part], node: Node, target: int) -> dict[tuple[object, ...], Geometry]:
    mesh = join_parts(parts, carry=False)
    cuts = np.concatenate([part.geometry.attributes[CUT].array for part in parts])
    is_locked = (cuts[:, 0] < node.first) | (cuts[:, 1] >= node.end)
    best: list[Indices] = [part.indices for part in parts]
    for attempt in (_collapsed, _collapsed_across_seams, _merged):
        found = attempt(parts, mesh, is_locked, target)
        if found is not None and _corner_count(found) < _corner_count(best):
            best = found
        if _corner_count(best) <= 3 * target * NEAR_ENOUGH:
            break
    pairs = zip(parts, best, strict=True)
    return {part.key: compact(part.geometry.with_indices(kept)) for part, kept in pairs}


def _corner_count(split: list[Indices]) -> int:
    return sum(len(kept) for kept in split)


def _collapsed(
    parts: list[Part], mesh: JoinedMesh, is_locked: NDArray[np.bool_], target: int
) -> list[Indices] | None:
    locks = is_locked.astype(np.uint8) * np.uint8(LOCKED)
    simplified = simplify(
        mesh.indices, mesh.points, mesh.attributes, mesh.weights, target_triangles=target, vertex_lock=locks
    )
    return split_triangles(parts, mesh, simplified.indices)


def _collapsed_across_seams(
    parts: list[Part], mesh: JoinedMesh, is_locked: NDArray[np.bool_], target: int
) -> list[Indices] | None:
    seams = touching_seams(mesh)
    locks = np.zeros(len(mesh.points), np.uint8) if seams is None else seams
    simplified = simplify(
        mesh.indices, mesh.points, mesh.attributes, mesh.weights,
        target_triangles=target, permissive=True, vertex_lock=np.where(is_locked, LOCKED, locks),
    )  # fmt: skip
    return split_triangles(parts, mesh, simplified.indices)


def _merged(
    parts: list[Part], mesh: JoinedMesh, is_locked: NDArray[np.bool_], target: int
) -> list[Indices] | None:
    """Part by part, for soups of triangles that share no vertices."""
    whole = len(mesh.indices)
    split = []
    for part, start, end in zip(parts, mesh.starts, mesh.starts[1:], strict=False):
        wanted = max(1, target * len(part.indices) // whole)
        rough = simplify_sloppy(
            part.indices,
            mesh.points[start:end],
            target_triangles=wanted,
            vertex_lock=is_locked[start:end].astype(np.uint8),
        )
        split.append(rough.indices if len(rough.indices) else part.indices[:3])
    return split
