"""Which triangle covers which texel: the ground that colours and normals are baked on.

Texel (x, y) has its centre at u = (x + 0.5) / width, v = (y + 0.5) / height, as GPUs sample. Numbers are
worked out for all texels of many triangles at once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_CELLS_AT_ONCE = 1 << 21  # texels of bounding boxes tried together; bounds the memory to about 150 MB
MAX_CELLS = 1 << 28  # of all boxes together: slivers that cross a large texture; past that nothing is baked
USABLE_GRID_PX = 512  # the grid on which UV are looked at for overlaps
MAX_OVERLAP_SHARE = 0.002  # of the covered texels: charts that touch by a rounding
MIN_COVERED_SHARE = 0.1  # UV that use less of the texture would spoil what is baked into them
MAX_FLAT_SHARE = 0.01  # of the surface: triangles without area in UV can show no texture
EDGE_SLACK = 1e-3  # UV this far outside 0 to 1 still count as inside

Floats = NDArray[np.float64]


class TooManyTexels(ValueError):
    """The triangles' boxes cover more texels than can be worked through."""


@dataclass(frozen=True, slots=True, eq=False)
class Texels:
    """Covered texels.

    place: (n,) row * width + column, each once. triangle: (n,). weights: (n, 3) of its corners.
    """

    width_px: int
    height_px: int
    place: NDArray[np.int64]
    triangle: NDArray[np.int64]
    weights: NDArray[np.float32]

    def interpolate(self, values: NDArray[Any], corners: NDArray[Any]) -> NDArray[np.float32]:
        """Values of vertices (v, k) at every texel (n, k). corners: (triangles, 3) rows of `values`."""
        result = np.zeros((len(self.place), values.shape[1]), np.float32)
        for corner in range(3):
            rows = corners[self.triangle, corner]
            result += self.weights[:, corner, None] * values[rows].astype(np.float32)
        return result


def rasterize_uv(corners_uv: NDArray[Any], width_px: int, height_px: int) -> Texels:
    """The texels whose centres lie in triangles; where these overlap, the first one wins.

    corners_uv: (t, 3, 2).
    Raises TooManyTexels past MAX_CELLS.
    """
    hits = _hits(corners_uv, width_px, height_px, inset_px=0.0)
    _, first = np.unique(hits.place, return_index=True)
    return Texels(width_px, height_px, hits.place[first], hits.triangle[first], hits.weights[first])


def is_usable_uv(corners_uv: NDArray[Any], areas: NDArray[Any]) -> bool:
    """Whether each point of the surface has a place of its own in the texture, large enough to bake into.

    corners_uv: (t, 3, 2); areas: (t,) of the triangles in space.
    """
    if not len(corners_uv) or not np.isfinite(corners_uv).all():
        return False
    if corners_uv.min() < -EDGE_SLACK or corners_uv.max() > 1 + EDGE_SLACK:
        return False
    a, b, c = (corners_uv[:, corner].astype(np.float64) for corner in range(3))
    doubled = np.abs(_cross(b - a, c - a))
    total = float(areas.sum())
    if total <= 0 or float(areas[doubled < 1e-12].sum()) > MAX_FLAT_SHARE * total:
        return False
    if doubled.sum() / 2 > 2:  # more than twice the texture: they must overlap
        return False
    try:
        hits = _hits(corners_uv, USABLE_GRID_PX, USABLE_GRID_PX, inset_px=0.05)
    except TooManyTexels:
        return False
    covered = len(np.unique(hits.place))
    is_large = covered >= MIN_COVERED_SHARE * USABLE_GRID_PX**2
    return is_large and len(hits.place) - covered <= MAX_OVERLAP_SHARE * covered


@dataclass(slots=True, eq=False)
class _Hits:
    place: NDArray[np.int64]
    triangle: NDArray[np.int64]
    weights: NDArray[np.float32]


def _hits(corners_uv: NDArray[Any], width_px: int, height_px: int, *, inset_px: float) -> _Hits:
    """Every (texel, triangle) pair whose centre lies in the triangle, at least inset_px from its edges."""
    size = np.array([width_px, height_px], np.float64)
    corners = corners_uv.astype(np.float64) * size
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5 - 1e-9), 0, size).astype(np.int64)
    high = np.clip(np.floor(corners.max(axis=1) - 0.5 + 1e-9) + 1, 0, size).astype(np.int64)
    spans = np.maximum(high - low, 0)
    cells = spans[:, 0] * spans[:, 1]
    if int(cells.sum()) > MAX_CELLS:
        raise TooManyTexels(f"want at most {MAX_CELLS} texels to try, got {int(cells.sum())}")
    ends = np.cumsum(cells)
    found: list[_Hits] = []
    start = 0
    while start < len(cells):
        before = int(ends[start - 1]) if start else 0
        stop = max(int(np.searchsorted(ends, before + MAX_CELLS_AT_ONCE, side="right")), start + 1)
        part = np.arange(start, stop)
        found.append(_hits_of(part, corners, low, spans, cells, width_px, inset_px))
        start = stop
    return _Hits(
        np.concatenate([hit.place for hit in found] or [np.empty(0, np.int64)]),
        np.concatenate([hit.triangle for hit in found] or [np.empty(0, np.int64)]),
        np.concatenate([hit.weights for hit in found] or [np.empty((0, 3), np.float32)]),
    )


def _hits_of(
    part: NDArray[np.int64],
    corners: Floats,
    low: NDArray[np.int64],
    spans: NDArray[np.int64],
    cells: NDArray[np.int64],
    width_px: int,
    inset_px: float,
) -> _Hits:
    """Weights are linear in x and y, so three numbers a corner and triangle give those of every texel."""
    counts = cells[part]
    owner = np.repeat(np.arange(len(part)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    row, column = np.divmod(within, np.maximum(spans[part, 0], 1)[owner])
    x, y = low[part, 0][owner] + column, low[part, 1][owner] + row
    slopes, least = _weight_slopes(corners[part], inset_px)
    weights = np.empty((len(owner), 3))
    inside = np.ones(len(owner), bool)
    for corner in range(3):
        along_x, along_y, start = (slopes[:, corner, term][owner] for term in range(3))
        weights[:, corner] = along_x * x + along_y * y + start
        inside &= weights[:, corner] >= least[:, corner][owner]
    return _Hits((y * width_px + x)[inside], part[owner[inside]], weights[inside].astype(np.float32))


def _weight_slopes(corners: Floats, inset_px: float) -> tuple[Floats, Floats]:
    """(t, 3, 3): weight of corner k at texel (x, y) is [k] . (x, y, 1); (t, 3): what it must at least be."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    doubled = _cross(b - a, c - a)
    flat = doubled == 0
    slopes = np.zeros((len(corners), 3, 3))
    least = np.full((len(corners), 3), -1e-9)
    for corner, (start, end) in enumerate(((b, c), (c, a), (a, b))):
        edge = end - start
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes[:, corner, 0] = -edge[:, 1] / doubled
            slopes[:, corner, 1] = edge[:, 0] / doubled
            slopes[:, corner, 2] = (_cross(start, end) + 0.5 * (edge[:, 0] - edge[:, 1])) / doubled
            if inset_px:
                least[:, corner] = inset_px * np.sqrt((edge**2).sum(axis=1)) / np.abs(doubled)
    slopes[flat], least[flat] = 0.0, 1.0  # nothing lies in a triangle without area
    return slopes, least


def _cross(a: Floats, b: Floats) -> Floats:
    result: Floats = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return result


def fill_gaps(pixels: NDArray[Any], is_covered: NDArray[np.bool_]) -> NDArray[Any]:
    """The picture with every other texel like the nearest covered one: filters and mipmaps see no gaps."""
    from scipy import ndimage

    if is_covered.all() or not is_covered.any():
        return pixels
    rows, columns = ndimage.distance_transform_edt(~is_covered, return_distances=False, return_indices=True)
    filled: NDArray[Any] = pixels[rows, columns]
    return filled
