"""How far a texture slid: the UV at points of a reduced surface against the UV of the master right there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.surface import Surface, spread_points, textured_surface

SAMPLES = 4096  # points on the reduced surface, the same ones every run
DRIFTED_UV = 0.02  # of a texture's width: 20 px of 1024, plain to see on straight lines
SLACK = 1e-3  # of the model's size: master triangles so little further than the nearest count as nearest too


@dataclass(frozen=True, slots=True)
class UvDrift:
    """Mean distance in UV, and the share of points that are off by more than DRIFTED_UV (0 to 1)."""

    mean: float
    share_over_0_02: float


def measure_uv_drift(master: Document, reduced: Document) -> UvDrift | None:
    """Of the first UV set; None where either model has none.

    Distance modulo whole tiles: (1.25, 0) is where (0.25, 0) is. At seams a point lies as near to one side as
    to the other: of all master triangles within SLACK of the nearest, the one whose UV fits best counts.
    """
    first, second = textured_surface(master), textured_surface(reduced)
    if first is None or second is None:
        return None
    drift = _drift(first, second)
    return UvDrift(float(drift.mean()), float((drift > DRIFTED_UV).mean()))


def _drift(master: Surface, reduced: Surface) -> NDArray[np.float64]:
    """Distance in UV per point."""
    from asset_pipeline.models.nearest_triangles import NearestTriangles, closest_shares

    spread = spread_points(reduced, SAMPLES)
    index = NearestTriangles(master)
    distances = index.distances(spread.points)
    size_m = float(np.ptp(master.points, axis=0).max())
    who, where = index.near_pairs(spread.points, distances, size_m * SLACK)
    there = _uvs_at(master, where, closest_shares(spread.points[who], master.corners(where)))
    here = _uvs_at(reduced, spread.triangles, spread.shares)
    away = here[who] - there
    away -= np.rint(away)  # whole tiles
    drift = np.full(len(distances), np.inf)
    np.minimum.at(drift, who, np.sqrt((away**2).sum(axis=1)))
    return drift


def _uvs_at(
    surface: Surface, triangles: NDArray[np.intp], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    assert surface.uvs is not None
    corners = surface.uvs[surface.triangles[triangles]].astype(np.float64)
    uvs: NDArray[np.float64] = (corners * shares[:, :, None]).sum(axis=1)
    return uvs
