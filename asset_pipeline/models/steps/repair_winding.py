"""Which triangles of a mesh are wound the wrong way: against their neighbours, or in a body all inwards.

Works on plain arrays, for formats that promise nothing about winding (STL, PLY, OBJ). Neighbours are
triangles that share an edge which no third one shares. Where they cannot be made to agree (a Möbius strip)
nothing is changed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

MAX_ORIENTED_TRIANGLES = 5_000_000  # 7 s and 0.9 GiB on one shared core; larger scans keep their winding
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Winding:
    """flipped: per triangle. part: per triangle, which connected part it belongs to.

    against_neighbours: triangles flipped to agree with the rest of their part. inside_out: parts that were
    closed bodies wound inwards.
    """

    flipped: NDArray[np.bool_]
    part: NDArray[np.int32]
    against_neighbours: int = 0
    inside_out: int = 0


def repair_winding(
    points: NDArray[np.float64], triangles: NDArray[np.int64], outward: NDArray[np.float64] | None = None
) -> Winding:
    """points: (n, 3), each place once. triangles: (m, 3) into them.

    outward: per triangle, how far the file's own normals agree with its winding, by area, from -area to area;
    decides for open parts with mixed winding, where else the larger area does.
    """
    first, second, same_way, is_open = _neighbours(triangles)
    count = len(triangles)
    parts, part = _components(count, first, second)
    flips = np.zeros(count, bool)
    if same_way.any():
        flips = _agreeing(count, first, second, same_way, part)
    torn = _any_of(part[first], same_way ^ flips[first] ^ flips[second], parts)  # no way of winding fits
    areas, volumes = _areas_and_volumes(points, triangles)
    signs = np.where(flips, -1.0, 1.0)
    closed = ~_any_of(part, is_open, parts)
    mixed = _any_of(part, flips, parts)
    by_area = np.bincount(part, signs * (areas if outward is None else outward), parts)
    if outward is not None:  # where the normals say nothing, the larger area decides
        by_area = np.where(by_area == 0, np.bincount(part, signs * areas, parts), by_area)
    volume = np.bincount(part, signs * volumes, parts)
    size = np.bincount(part, areas, parts) ** 1.5
    has_volume = closed & (np.abs(volume) > 1e-9 * size)  # a closed sheet folded flat has none
    has_volume &= ~torn
    turned = np.where(has_volume, volume < 0, mixed & (by_area < 0))
    inverted = has_volume & ~mixed & (volume < 0)
    inner = inverted & _lie_within_another(points, triangles, part, parts, has_volume & (np.abs(volume) > 0))
    turned &= ~inner  # the wall of a hollow faces inwards, and rightly
    flips ^= turned[part]
    return Winding(flips, part, int((flips & mixed[part]).sum()), int((inverted & ~inner).sum()))


def _neighbours(triangles: NDArray[np.int64]) -> tuple[Ids, Ids, NDArray[np.bool_], NDArray[np.bool_]]:
    """(one triangle, the other, whether both run along their edge the same way; per triangle: is an edge of
    it without exactly one neighbour?). Triangles with a corner twice have no neighbours.
    """
    count = len(triangles)
    degenerate = (triangles == np.roll(triangles, 1, axis=1)).any(axis=1)
    start = triangles.reshape(-1)
    end = np.roll(triangles, -1, axis=1).reshape(-1)
    forward = start < end
    key = np.where(forward, start << 32 | end, end << 32 | start)
    key[np.repeat(degenerate, 3)] = -1 - np.arange(3 * int(degenerate.sum()))  # equal to no other
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    same = ordered[1:] == ordered[:-1]
    padded = np.concatenate([[False], same, [False]])
    alone = ~padded[:-2] & same & ~padded[2:]  # pairs, but not the pairs within three or more
    first, second = order[:-1][alone], order[1:][alone]
    twins = forward[first] == forward[second]
    if twins.any():  # a triangle drawn twice is no neighbour of itself
        sets = [np.sort(triangles[sides[twins] // 3], axis=1) for sides in (first, second)]
        twins[twins] = (sets[0] == sets[1]).all(axis=1)
        first, second = first[~twins], second[~twins]
    paired = np.zeros(3 * count, bool)
    paired[first] = paired[second] = True
    is_open = ~paired.reshape(-1, 3).all(axis=1) & ~degenerate
    return first // 3, second // 3, forward[first] == forward[second], is_open


def _components(count: int, first: Ids, second: Ids) -> tuple[int, NDArray[np.int32]]:
    graph = coo_array((np.ones(len(first), np.int8), (first, second)), (count, count))
    parts, part = connected_components(graph, directed=False)
    return int(parts), part


def _agreeing(
    count: int, first: Ids, second: Ids, same_way: NDArray[np.bool_], part: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Which triangles to flip so that neighbours run along their edge in opposite ways.

    Patches whose triangles agree already are taken as one; patches that do not agree with each other are
    flipped by turns, outwards from the first of each part.
    """
    patches, patch = _components(count, first[~same_way], second[~same_way])
    left, right = patch[first[same_way]], patch[second[same_way]]
    _, start = np.unique(part, return_index=True)
    top = np.full(len(start), patches)
    rows = np.concatenate([left, right, top])
    columns = np.concatenate([right, left, patch[start]])
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), (patches + 1, patches + 1)).tocsr()
    _, parent = breadth_first_order(graph, patches, directed=True, return_predecessors=True)
    parent = parent.astype(np.int64)
    odd: NDArray[np.bool_] = (parent != patches) & (parent >= 0)
    parent[parent < 0] = patches
    while (parent != patches).any():  # each round doubles the length of the way looked back
        odd = odd ^ (odd[parent] & (parent != patches))
        parent = np.where(parent == patches, patches, parent[parent])
    failed = np.zeros(int(part.max()) + 1, bool)
    failed[part[first[same_way][odd[left] == odd[right]]]] = True
    return np.asarray(odd[patch] & ~failed[part], bool)


def _areas_and_volumes(
    points: NDArray[np.float64], triangles: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area of each triangle, and the signed volume between it and the middle of all."""
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    a, b, c = (points[triangles[:, corner]] - middle for corner in range(3))
    cross = np.cross(b - a, c - a)
    areas = np.sqrt((cross**2).sum(axis=1)) / 2
    return areas, (a * cross).sum(axis=1) / 6


def _any_of(part: NDArray[np.int32], flags: NDArray[np.bool_], parts: int) -> NDArray[np.bool_]:
    found = np.zeros(parts, bool)
    found[part[flags]] = True
    return found


def _lie_within_another(
    points: NDArray[np.float64],
    triangles: NDArray[np.int64],
    part: NDArray[np.int32],
    parts: int,
    closed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Per part: does its box lie inside the box of a closed part? The 1,000 largest count as outer ones."""
    low, high = np.full((parts, 3), np.inf), np.full((parts, 3), -np.inf)
    for corner in range(3):
        np.minimum.at(low, part, points[triangles[:, corner]])
        np.maximum.at(high, part, points[triangles[:, corner]])
    outer = np.flatnonzero(closed)
    outer = outer[np.argsort(-(high[outer] - low[outer]).prod(axis=1), kind="stable")][:1000]
    inside = np.zeros(parts, bool)
    for index in outer:
        inside |= (low > low[index]).all(axis=1) & (high < high[index]).all(axis=1)
    return inside
