"""How far two surfaces lie apart: exact distances from points spread over each one to the other.

Symmetric: what the second lacks counts as much as what it has too much. The points are the same in every run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLES = 512  # per direction; the mean is then good to about 5 %, the maximum is a lower bound
MIN_CLUSTER = 16  # triangles that share a box
MAX_CLUSTERS = 16_384  # more boxes would cost more than they spare
FIRST_LOOKS = 6

Points = NDArray[np.float64]  # (n, 3)
Corners = NDArray[np.float64]  # (n, 3 corners, 3)


@dataclass(frozen=True, slots=True)
class Deviation:
    """Largest and mean distance found, in the unit of the points (metres)."""

    max_m: float
    mean_m: float


def measure_deviation(first: Corners, second: Corners) -> Deviation:
    """Between two sets of triangles; zero if either is empty."""
    if not len(first) or not len(second):
        return Deviation(0.0, 0.0)
    there = _distances(_spread_points(first), second)
    back = _distances(_spread_points(second), first)
    return Deviation(float(max(there.max(), back.max())), float((there.mean() + back.mean()) / 2))


def _spread_points(corners: Corners) -> Points:
    """SAMPLES points spread evenly over the area, by a low-discrepancy sequence (R3, Roberts 2018)."""
    edges = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.sqrt((edges**2).sum(axis=1))
    ends = np.cumsum(areas)
    if not ends[-1] > 0:
        return corners[:SAMPLES, 0]
    place = np.arange(1, SAMPLES + 1)[:, None] * np.array([0.8191725134, 0.6710436067, 0.5497004779]) % 1.0
    chosen = np.minimum(np.searchsorted(ends, place[:, 0] * ends[-1], side="right"), len(corners) - 1)
    root = np.sqrt(place[:, 1:2])
    u, v = 1 - root, place[:, 2:] * root
    a, b, c = corners[chosen, 0], corners[chosen, 1], corners[chosen, 2]
    points: Points = a * u + b * (1 - u - v) + c * v
    return points


def _distances(points: Points, corners: Corners) -> NDArray[np.float64]:
    """Distance of each point to the nearest triangle, exact."""
    clusters = _clusters(corners)
    low, high = clusters.min(axis=(1, 2)), clusters.max(axis=(1, 2))
    best = np.full(len(points), np.inf)
    rows = max(1, 2_000_000 // len(clusters))
    for start in range(0, len(points), rows):
        part = points[start : start + rows]
        to_box = np.zeros((len(part), len(clusters)))
        for axis in range(3):
            coordinate = part[:, axis, None]
            outside = np.maximum(low[:, axis] - coordinate, coordinate - high[:, axis])
            np.maximum(outside, 0.0, out=outside)
            outside *= outside
            to_box += outside
        rows_here = np.arange(len(part))
        found = np.full(len(part), np.inf)
        for _ in range(FIRST_LOOKS):  # near boxes first: they leave few others to look into
            nearest = to_box.argmin(axis=1)
            found = _to_clusters(part, rows_here, nearest, clusters, found)
            to_box[rows_here, nearest] = np.inf
        who, where = np.nonzero(to_box < found[:, None])
        best[start : start + rows] = _to_clusters(part, who, where, clusters, found)
    distances: NDArray[np.float64] = np.sqrt(best)
    return distances


def _clusters(corners: Corners) -> Corners:
    """(clusters, triangles, 3, 3): triangles near each other, by their middle along a Z curve."""
    middle = corners.mean(axis=1)
    low, size = middle.min(axis=0), np.maximum(np.ptp(middle, axis=0).max(), 1e-300)
    cells = np.clip((middle - low) / size * 1023, 0, 1023).astype(np.uint64)
    key = np.zeros(len(corners), np.uint64)
    for bit in range(10):
        for axis in range(3):
            key |= (cells[:, axis] >> np.uint64(bit) & np.uint64(1)) << np.uint64(3 * bit + axis)
    order = np.argsort(key, kind="stable")
    size_of_cluster = max(MIN_CLUSTER, -(-len(order) // MAX_CLUSTERS))
    padding = -len(order) % size_of_cluster
    order = np.concatenate([order, np.repeat(order[-1:], padding)])
    grouped: Corners = corners[order].reshape(-1, size_of_cluster, 3, 3)
    return grouped


def _to_clusters(
    points: Points,
    who: NDArray[np.intp],
    where: NDArray[np.intp],
    clusters: Corners,
    best: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Squared distances after looking at the pairs (point who[i], cluster where[i])."""
    best = best.copy()
    share = clusters.shape[1]
    for start in range(0, len(who), 4096):
        pair, place = who[start : start + 4096], where[start : start + 4096]
        triangles = clusters[place].reshape(-1, 3, 3)
        squared = _point_triangle(np.repeat(points[pair], share, axis=0), triangles).reshape(-1, share)
        np.minimum.at(best, pair, squared.min(axis=1))
    return best


def _point_triangle(p: Points, corners: Corners) -> NDArray[np.float64]:
    """Squared distance of p[i] to triangle i: to its plane if p lies over it, else to the nearest edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    best = np.minimum(np.minimum(_point_edge(p, a, b), _point_edge(p, b, c)), _point_edge(p, c, a))
    normal = np.cross(b - a, c - a)
    square = (normal**2).sum(axis=1)
    over = square > 0
    for start, end in ((a, b), (b, c), (c, a)):
        over &= (np.cross(end - start, p - start) * normal).sum(axis=1) >= 0
    height = ((p - a) * normal).sum(axis=1) ** 2 / np.where(square > 0, square, 1.0)
    return np.where(over, np.minimum(height, best), best)


def _point_edge(p: Points, start: Points, end: Points) -> NDArray[np.float64]:
    along = end - start
    length = (along**2).sum(axis=1)
    t = np.clip(((p - start) * along).sum(axis=1) / np.where(length > 0, length, 1.0), 0.0, 1.0)
    squared: NDArray[np.float64] = ((p - start - along * t[:, None]) ** 2).sum(axis=1)
    return squared
