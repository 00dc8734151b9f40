"""A model's triangles as one surface in the world, points spread over it, and memory kept in bounds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.steps.model_parts import Part, parts_of, placed_points

ROWS_AT_ONCE = 1 << 18  # float64 copies of a large surface are made of so many triangles at a time

# R3 of Martin Roberts, "The Unreasonable Effectiveness of Quasirandom Sequences" (2018): it has no seed
_R3 = np.array([0.8191725134, 0.6710436067, 0.5497004779])


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Triangles that stand in the world.

    points: (v, 3) float32 or float64, metres. triangles: (n, 3) whole numbers into `points`. uvs: (v, 2)
    float32, or None where the surface carries none.
    """

    points: NDArray[np.floating]
    triangles: NDArray[np.integer]
    uvs: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 3:
            raise ValueError(f"surface points: want (v, 3), got {self.points.shape}")
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            raise ValueError(f"surface triangles: want (n, 3), got {self.triangles.shape}")
        if self.uvs is not None and self.uvs.shape != (len(self.points), 2):
            raise ValueError(f"surface uvs: want ({len(self.points)}, 2), got {self.uvs.shape}")

    def corners(self, rows: slice | NDArray[np.integer]) -> NDArray[np.float64]:
        """(rows, 3 corners, 3) of some triangles."""
        corners: NDArray[np.float64] = self.points[self.triangles[rows]].astype(np.float64)
        return corners

    def slices(self) -> list[slice]:
        """All triangles, so many at a time."""
        return [slice(start, start + ROWS_AT_ONCE) for start in range(0, len(self.triangles), ROWS_AT_ONCE)]


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Points on a surface. triangles: (n,) which one each lies in; shares: (n, 3) of its three corners."""

    triangles: NDArray[np.intp]
    shares: NDArray[np.float64]
    points: NDArray[np.float64]


def shown_surface(document: Document) -> Surface:
    """Every primitive of triangles once, as `reduce_triangles` sees it; without UVs."""
    return _joined([(part, None) for part in parts_of(document)])


def textured_surface(document: Document) -> Surface | None:
    """The primitives that have a first UV set, with it; None if none has."""
    pairs: list[tuple[Part, NDArray[np.float32] | None]] = [
        (part, part.geometry.attributes["TEXCOORD_0"].as_floats())
        for part in parts_of(document)
        if "TEXCOORD_0" in part.geometry.attributes
    ]
    return _joined(pairs) if pairs else None


def spread_points(surface: Surface, count: int) -> Spread:
    """`count` points spread evenly over the area, by a low-discrepancy sequence; the same ones every run.

    The surface must have a triangle. Without any area, all lie on first corners.
    """
    areas = np.empty(len(surface.triangles))
    for rows in surface.slices():
        corners = surface.corners(rows)
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas[rows] = np.sqrt((cross**2).sum(axis=1))
    ends = np.cumsum(areas, out=areas)
    place = np.arange(1, count + 1)[:, None] * _R3 % 1.0
    if ends[-1] > 0:
        chosen = np.minimum(np.searchsorted(ends, place[:, 0] * ends[-1], side="right"), len(ends) - 1)
    else:
        chosen = np.arange(count) % len(ends)
        place[:, 1] = 0.0
    root = np.sqrt(place[:, 1])
    v = place[:, 2] * root
    shares = np.stack([1 - root, root - v, v], axis=1)
    return Spread(chosen, shares, (surface.corners(chosen) * shares[:, :, None]).sum(axis=1))


def _joined(pairs: list[tuple[Part, NDArray[np.float32] | None]]) -> Surface:
    if not pairs:
        return Surface(np.empty((0, 3), np.float32), np.empty((0, 3), np.uint32))
    if len(pairs) == 1:
        part, uvs = pairs[0]
        return Surface(placed_points(part), part.indices.reshape(-1, 3), uvs)
    starts = np.cumsum([0, *(part.geometry.vertices for part, _ in pairs)])
    triangles = [part.indices + np.uint32(start) for (part, _), start in zip(pairs, starts, strict=False)]
    all_uvs = [uvs for _, uvs in pairs if uvs is not None]
    return Surface(
        np.concatenate([placed_points(part) for part, _ in pairs]),
        np.concatenate(triangles).reshape(-1, 3),
        np.concatenate(all_uvs) if all_uvs else None,
    )
