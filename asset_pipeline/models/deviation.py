"""How far two surfaces lie apart: exact distances from points spread over each one to the other.

Symmetric: what the second lacks counts as much as what it has too much. The points follow a fixed sequence
(see `spread_points`), so they are the same in every run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.steps.model_parts import Part, mesh_placements, placed_points
from asset_pipeline.models.surface import Surface, shown_surface, spread_points
from asset_pipeline.models.uv_drift import UvDrift, measure_uv_drift

__all__ = [
    "Deviation",
    "UvDrift",
    "measure_corner_deviation",
    "measure_deviation",
    "measure_document_deviation",
    "measure_surface_deviation",
    "measure_uv_drift",
]

SAMPLES = 4096  # per direction; the mean is then good to about 2 %, the maximum is a lower bound
ROWS_AT_ONCE = 1 << 20  # of a large cloud, in one tree

Corners = NDArray[np.floating]  # (n, 3 corners, 3)


@dataclass(frozen=True, slots=True)
class Deviation:
    """Largest and mean distance found, in the unit of the points (metres)."""

    max_m: float
    mean_m: float


def measure_deviation(first: Corners, second: Corners) -> Deviation:
    """Between two sets of triangles, given by their corners; zero if either is empty."""
    return measure_surface_deviation(_surface_of(first), _surface_of(second))


def measure_document_deviation(master: Document, reduced: Document) -> Deviation:
    """Between all that two models show, each primitive once; nothing of the size of the master is copied."""
    return measure_surface_deviation(shown_surface(master), shown_surface(reduced))


def measure_surface_deviation(first: Surface, second: Surface) -> Deviation:
    """Between two surfaces; zero if either is empty."""
    if not len(first.triangles) or not len(second.triangles):
        return Deviation(0.0, 0.0)
    there, back = _distances(first, second), _distances(second, first)
    return Deviation(float(max(there.max(), back.max())), float((there.mean() + back.mean()) / 2))


def measure_corner_deviation(master: Document, written: Document) -> Deviation:
    """Between the points that two models draw or span triangles with: for models with the same triangles, and
    for point clouds. Zero if either has none.
    """
    first, second = _drawn_points(master), _drawn_points(written)
    if not len(first) or not len(second):
        return Deviation(0.0, 0.0)
    there, back = _point_distances(first, second), _point_distances(second, first)
    return Deviation(float(max(there.max(), back.max())), float((there.mean() + back.mean()) / 2))


def _drawn_points(document: Document) -> NDArray[np.float32]:
    """(n, 3) metres: of every primitive once, without rows that nothing draws."""
    placed = mesh_placements(document)
    found = [np.empty((0, 3), np.float32)]
    for mesh_index, _, primitive in document.primitives():
        if "POSITION" not in primitive["attributes"]:
            continue
        geometry = geometry_of(document, primitive)
        points = placed_points(Part((), geometry, 1, placed[mesh_index]))
        found.append(points if geometry.indices is None else points[np.unique(geometry.indices)])
    return np.concatenate(found)


def _point_distances(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """From some of the one, evenly chosen, to the nearest of the other."""
    from scipy.spatial import cKDTree

    chosen = source[:: max(1, len(source) // SAMPLES)].astype(np.float64)
    nearest = np.full(len(chosen), np.inf)
    for start in range(0, len(target), ROWS_AT_ONCE):
        tree = cKDTree(target[start : start + ROWS_AT_ONCE].astype(np.float64))
        nearest = np.minimum(nearest, tree.query(chosen)[0])
    return nearest


def _distances(source: Surface, target: Surface) -> NDArray[np.float64]:
    """From points of the one to the other."""
    from asset_pipeline.models.nearest_triangles import NearestTriangles  # SciPy takes 0.3 s to load

    return NearestTriangles(target).distances(spread_points(source, SAMPLES).points)


def _surface_of(corners: Corners) -> Surface:
    return Surface(corners.reshape(-1, 3), np.arange(len(corners) * 3).reshape(-1, 3))
