"""The triangles of a surface nearest to given points: exact distances, through k-d trees of their middles.

A triangle is no further from a point than its middle is, and at most its radius nearer. Triangles of like
size share a tree, so that a few large ones do not make every point look at thousands of small ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from asset_pipeline.models.surface import Surface

FIRST_LOOKS = 8  # triangles with the nearest middles: they bound the distance before the exact search
SIZE_CLASSES = 8  # trees at most; each holds radii within a factor of 4, the last one all that are smaller
MAX_PAIRS = 4_000_000  # point and triangle, looked at in one search: about 5 s
MIN_POINTS = 64  # are answered whatever it costs in pairs per point ...
MAX_PAIRS_OF_POINT = (
    65_536  # ... up to this; beyond it (bundles of needles) a distance may come out too large
)
_PAIRS_AT_ONCE = 1 << 16

Points = NDArray[np.float64]  # (n, 3)
Distances = NDArray[np.float64]  # (n,)


@dataclass(frozen=True, slots=True, eq=False)
class _SizeClass:
    rows: NDArray[np.intp]
    radius: float
    tree: cKDTree


class NearestTriangles:
    """An index over one surface, which must have a triangle."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self._classes = _size_classes(surface)

    def distances(self, points: Points) -> Distances:
        """Distance of each point to the surface. In surfaces of very many long thin triangles only the first
        points are answered, at least MIN_POINTS: the result may be shorter than `points`.
        """
        best = self._bounds(points)
        answered = self._affordable(points, np.sqrt(best))
        best = best[:answered]
        for who, where in self._near_pairs(points[:answered], np.sqrt(best)):
            squared = _squared_distances(points[who], self.surface.corners(where))
            np.minimum.at(best, who, squared)
        found: Distances = np.sqrt(best)
        return found

    def near_pairs(
        self, points: Points, distances: Distances, slack_m: float
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs (point, triangle) in which the triangle is at most `slack_m` further than the nearest one.

        distances: what `distances` gave for these points.
        """
        points = points[: len(distances)]
        pairs = [(np.empty(0, np.intp), np.empty(0, np.intp))]
        for who, where in self._near_pairs(points, distances + slack_m):
            near = np.sqrt(_squared_distances(points[who], self.surface.corners(where)))
            is_near = near <= distances[who] + slack_m
            pairs.append((who[is_near], where[is_near]))
        return np.concatenate([who for who, _ in pairs]), np.concatenate([where for _, where in pairs])

    def _bounds(self, points: Points) -> Distances:
        """Squared distances that are at least the true ones, and mostly are the true ones."""
        best = np.full(len(points), np.inf)
        for size in self._classes:
            _, places = size.tree.query(points, k=min(FIRST_LOOKS, len(size.rows)))
            places = np.asarray(places).reshape(len(points), -1)
            for column in places.T:
                corners = self.surface.corners(size.rows[column])
                np.minimum(best, _squared_distances(points, corners), out=best)
        return best

    def _affordable(self, points: Points, reach: Distances) -> int:
        """How many of the points can be looked at within MAX_PAIRS."""
        pairs = np.zeros(len(points), np.int64)
        for size in self._classes:
            radius = _with_margin(reach + size.radius)
            pairs += np.asarray(size.tree.query_ball_point(points, radius, return_length=True), np.int64)
        fits = int(np.searchsorted(np.cumsum(pairs), MAX_PAIRS, side="right"))
        return min(len(points), max(fits, MIN_POINTS))

    def _near_pairs(
        self, points: Points, reach: Distances
    ) -> "list[tuple[NDArray[np.intp], NDArray[np.intp]]]":
        """Blocks of pairs in which the triangle may lie within reach of the point."""
        blocks = []
        for size in self._classes:
            found = size.tree.query_ball_point(points, _with_margin(reach + size.radius), return_sorted=True)
            lists = [np.asarray(places[:MAX_PAIRS_OF_POINT], np.intp) for places in found]
            who = np.repeat(np.arange(len(points)), [len(places) for places in lists])
            where = size.rows[np.concatenate(lists)] if lists else np.empty(0, np.intp)
            for start in range(0, len(who), _PAIRS_AT_ONCE):
                end = start + _PAIRS_AT_ONCE
                blocks.append((who[start:end], where[start:end]))
        return blocks


def closest_shares(points: Points, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 3): the point of triangle i nearest to points[i], as shares of its three corners."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    shares = _shares_over(points, a, b, c)
    outside = ~(shares >= 0).all(axis=1)
    if outside.any():
        best = np.full(int(outside.sum()), np.inf)
        p, clamped = points[outside], np.zeros((len(best), 3))
        for start, end in ((0, 1), (1, 2), (2, 0)):
            from_, to = corners[outside, start], corners[outside, end]
            t = _along(p, from_, to)
            squared = ((p - from_ - (to - from_) * t[:, None]) ** 2).sum(axis=1)
            nearer = squared < best
            best[nearer] = squared[nearer]
            clamped[nearer] = 0.0
            clamped[nearer, start], clamped[nearer, end] = 1 - t[nearer], t[nearer]
        shares[outside] = clamped
    return shares


def _size_classes(surface: Surface) -> list[_SizeClass]:
    count = len(surface.triangles)
    middles, radii = np.empty((count, 3)), np.empty(count)
    for rows in surface.slices():
        corners = surface.corners(rows)
        middles[rows] = corners.mean(axis=1)
        radii[rows] = np.sqrt(((corners - middles[rows][:, None]) ** 2).sum(axis=2).max(axis=1))
    largest = max(float(radii.max()), 1e-300)
    steps = np.floor(np.log2(largest / np.maximum(radii, largest * 4.0**-SIZE_CLASSES)) / 2)
    steps = np.minimum(steps, SIZE_CLASSES - 1).astype(np.int8)
    classes = []
    for step in np.unique(steps):
        rows_of = np.flatnonzero(steps == step)
        points = middles if len(rows_of) == count else middles[rows_of]
        tree = cKDTree(points, leafsize=32, balanced_tree=False, compact_nodes=False)
        classes.append(_SizeClass(rows_of, float(radii[rows_of].max()), tree))
    return classes


def _with_margin(radius: Distances) -> Distances:
    return radius * (1 + 1e-9)  # rounding must not lose a triangle that just touches


def _squared_distances(p: Points, corners: NDArray[np.float64]) -> Distances:
    """Squared distance of p[i] to triangle i: to its plane if p lies over it, else to the nearest edge."""
    shares = closest_shares(p, corners)
    squared: Distances = ((p - (corners * shares[:, :, None]).sum(axis=1)) ** 2).sum(axis=1)
    return squared


def _shares_over(p: Points, a: Points, b: Points, c: Points) -> NDArray[np.float64]:
    """Shares of the corners in p's foot on the plane; one is below 0 (or NaN) where that is outside."""
    u, v, w = b - a, c - a, p - a
    uu, uv, vv = (u * u).sum(axis=1), (u * v).sum(axis=1), (v * v).sum(axis=1)
    wu, wv = (w * u).sum(axis=1), (w * v).sum(axis=1)
    square = uu * vv - uv * uv
    # needles and points have no plane worth the name: their edges are asked
    whole = np.where(square > 1e-12 * uu * vv, square, np.nan)
    second, third = (vv * wu - uv * wv) / whole, (uu * wv - uv * wu) / whole
    return np.stack([1 - second - third, second, third], axis=1)


def _along(p: Points, start: Points, end: Points) -> Distances:
    """Where on the edge p's nearest point is, 0 to 1."""
    edge = end - start
    length = (edge * edge).sum(axis=1)
    t = ((p - start) * edge).sum(axis=1) / np.where(length > 0, length, 1.0)
    clipped: Distances = np.clip(t, 0.0, 1.0)
    return clipped
