"""Merge vertices that are equal in every byte of every column, and draw plain triangles by index."""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import TRIANGLE_FAN, TRIANGLE_STRIP, TRIANGLES, Document
from asset_pipeline.models.geometry import Geometry, Indices, map_geometry

_ODD_FACTOR = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio; its powers scatter bits well


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
    source, place = _equal_rows(geometry)
    corners = place[geometry.indices].reshape(-1, 3)
    drawn = (
        (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    )
    if not drawn.all() and drawn.any():
        corners = corners[drawn]
    if len(source) == geometry.vertices:
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
    used = np.zeros(geometry.vertices, bool)
    used[geometry.indices] = True
    if used.all():
        return geometry
    place = np.cumsum(used, dtype=np.uint32) - 1
    return geometry.take(np.flatnonzero(used)).with_indices(place[geometry.indices].astype(np.uint32))


def _flat(corners: NDArray[np.uint32]) -> Indices:
    return np.ascontiguousarray(corners, np.uint32).reshape(-1)


def _equal_rows(geometry: Geometry) -> tuple[NDArray[np.intp], Indices]:
    """(rows to keep, in order of first use; for each old row its place among them)."""
    words = _as_words(geometry)
    hashes = np.zeros(len(words), np.uint64)
    for column in range(words.shape[1]):
        hashes += words[:, column].astype(np.uint64) * np.uint64(_ODD_FACTOR ** (column + 1) % 2**64)
        hashes ^= hashes >> np.uint64(29)
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    if not (words[first[group]] == words).all():  # two different rows with one hash: compare whole rows
        rows = np.ascontiguousarray(words).view(np.dtype((np.void, words.shape[1] * 4))).reshape(-1)
        _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), np.uint32)
    rank[order] = np.arange(len(order), dtype=np.uint32)
    return first[order], rank[group.reshape(-1)]


def _as_words(geometry: Geometry) -> NDArray[np.uint32]:
    """All columns of a row side by side as 32-bit words, short ones padded with zeros."""
    parts = []
    for column in geometry.columns:
        raw = np.ascontiguousarray(column.array).view(np.uint8).reshape(column.count, -1)
        if raw.shape[1] % 4:
            raw = np.pad(raw, ((0, 0), (0, -raw.shape[1] % 4)))
        parts.append(np.ascontiguousarray(raw).view(np.uint32))
    return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
