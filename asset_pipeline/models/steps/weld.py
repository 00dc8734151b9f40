"""Merge vertices that are equal in every byte of every column, and draw plain triangles by index."""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import TRIANGLE_FAN, TRIANGLE_STRIP, TRIANGLES, Document
from asset_pipeline.models.geometry import Geometry, Indices, map_geometry
from asset_pipeline.models.steps.equal_rows import group_equal_rows
from asset_pipeline.models.steps.used_rows import mark_used


def weld(document: Document) -> Document:
    """The same picture with no vertex twice and none unused; strips and fans become triangles.

    Points and lines keep their vertices. Triangles without area by their indices are dropped.
    """
    return map_geometry(document, weld_geometry)


def weld_geometry(geometry: Geometry) -> Geometry:
    """`weld` for one primitive."""
    geometry = as_triangles(geometry)
    if geometry.mode != TRIANGLES or geometry.indices is None or not geometry.attributes:
        return geometry
    source, place = group_equal_rows(*(column.array for column in geometry.columns))
    is_same = len(source) == geometry.vertices
    corners = (geometry.indices if is_same else place[geometry.indices]).reshape(-1, 3)
    drawn = (
        (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    )
    if not drawn.all() and drawn.any():
        corners = corners[drawn]
    if is_same:
        return compact(geometry.with_indices(_flat(corners))) if not drawn.all() else geometry
    return compact(geometry.take(source).with_indices(_flat(corners)))


def as_triangles(geometry: Geometry) -> Geometry:
    """Strips, fans and unindexed triangles as indexed triangles; a rest of one or two corners is dropped."""
    if geometry.mode not in (TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN):
        return geometry
    corners = geometry.indices
    if corners is None:
        corners = np.arange(geometry.vertices, dtype=np.uint32)
    if len(corners) < 3:
        return geometry
    if geometry.mode == TRIANGLE_STRIP:
        rows = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
        rows[1::2] = rows[1::2][:, [1, 0, 2]]
        corners = _flat(rows)
    elif geometry.mode == TRIANGLE_FAN:
        hub = np.broadcast_to(corners[:1], len(corners) - 2)
        corners = _flat(np.stack([corners[1:-1], corners[2:], hub], axis=1))
    return geometry.with_indices(corners[: len(corners) // 3 * 3], TRIANGLES)


def compact(geometry: Geometry) -> Geometry:
    """The same drawing without the vertices no index points to; their order is kept."""
    if geometry.indices is None:
        return geometry
    used = mark_used(geometry.indices, geometry.vertices)
    if used.all():
        return geometry
    place = np.cumsum(used, dtype=np.uint32) - 1
    return geometry.take(np.flatnonzero(used)).with_indices(place[geometry.indices].astype(np.uint32))


def _flat(corners: NDArray[np.uint32]) -> Indices:
    return np.ascontiguousarray(corners, np.uint32).reshape(-1)
