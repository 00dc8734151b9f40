"""What every call of the simplifier needs: arrays checked, in the types the module reads, without waste."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.steps.simplifier_module import MAX_MEMORY_BYTES, too_large
from asset_pipeline.models.steps.used_rows import mark_used

Indices = NDArray[np.uint32]
Floats = NDArray[np.float32]

MAX_ATTRIBUTES = 32  # meshoptimizer's own limit

# Peak of the module's memory with its copies of the arrays, fitted to measured runs and held by a test.
PEAK_BYTES_PER_VERTEX = 152
PEAK_BYTES_PER_INDEX = 23
PEAK_BYTES_PER_ATTRIBUTE = 24  # of each vertex


@dataclass(frozen=True, slots=True, eq=False)
class MeshArrays:
    """One mesh as the module reads it: (3 n,) uint32, (v, 3) float32, (v, k) float32, (v,) uint8."""

    indices: Indices
    positions: Floats
    attributes: Floats
    vertex_lock: NDArray[np.uint8] | None


def check_mesh(
    indices: NDArray[Any],
    positions: NDArray[Any],
    attributes: NDArray[Any] | None,
    weights: Sequence[float],
    vertex_lock: NDArray[Any] | None,
) -> MeshArrays:
    """The arrays in the types the module reads; nothing is copied that has its type already.

    Raises ValueError for what would make the module read out of bounds or never end.
    """
    points = np.ascontiguousarray(positions, np.float32)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"positions: want (v, 3), got {points.shape}")
    flat = _checked_indices(indices, len(points))
    if not _is_finite(points):
        raise ValueError("positions: want finite numbers, got NaN or infinity")
    locks = None
    if vertex_lock is not None:
        locks = np.ascontiguousarray(vertex_lock, np.uint8)
        if locks.shape != (len(points),):
            raise ValueError(f"vertex_lock: want ({len(points)},), got {locks.shape}")
    return MeshArrays(flat, points, _checked_attributes(attributes, weights, len(points)), locks)


def check_target(target_triangles: int, max_error: float) -> None:
    """ValueError for a target or an error limit below 0, or NaN."""
    if target_triangles < 0 or not max_error >= 0:
        raise ValueError(
            f"simplify: want target_triangles >= 0 and max_error >= 0, got {target_triangles}, {max_error}"
        )


def check_fits(vertices: int, triangles: int, attributes: int) -> None:
    """Refused for a mesh past the 4 GiB that the module can address, before anything is copied."""
    if estimated_peak_bytes(vertices, triangles, attributes) > MAX_MEMORY_BYTES:
        raise too_large()


def estimated_peak_bytes(vertices: int, triangles: int, attributes: int) -> int:
    """Memory the module needs at its peak, arrays included."""
    per_vertex = PEAK_BYTES_PER_VERTEX + PEAK_BYTES_PER_ATTRIBUTE * attributes
    return vertices * per_vertex + 3 * triangles * PEAK_BYTES_PER_INDEX


def without_unused(mesh: MeshArrays) -> tuple[MeshArrays, Indices | None]:
    """The mesh without triangles that name a vertex twice, over the vertices it uses, and where those stood.

    The second value is None when it uses all. Unused vertices would cost memory and would count in the extent
    that errors are relative to; triangles without area would never be collapsed.
    """
    triangles = mesh.indices.reshape(-1, 3)
    first, second, third = triangles.T
    is_flat = first == second
    is_flat |= second == third
    is_flat |= third == first
    indices = triangles[~is_flat].reshape(-1) if is_flat.any() else mesh.indices
    is_used = mark_used(indices, len(mesh.positions))
    if is_used.all():
        return MeshArrays(indices, mesh.positions, mesh.attributes, mesh.vertex_lock), None
    used = np.flatnonzero(is_used).astype(np.uint32)
    place = np.zeros(len(mesh.positions), np.uint32)
    place[used] = np.arange(used.size, dtype=np.uint32)
    locks = None if mesh.vertex_lock is None else mesh.vertex_lock[used]
    return MeshArrays(place[indices], mesh.positions[used], mesh.attributes[used], locks), used


def extent_m(positions: NDArray[Any]) -> float:
    """Longest side of the bounding box, by which `error` is relative; 0 for no points."""
    if len(positions) == 0:
        return 0.0
    return max(float(column.max()) - float(column.min()) for column in positions.T)  # faster than by axis


def _checked_indices(indices: NDArray[Any], vertices: int) -> Indices:
    flat = np.asarray(indices).reshape(-1)
    if flat.size % 3 or (flat.size and flat.dtype.kind not in "iu"):
        raise ValueError(f"indices: want whole numbers in threes, got {flat.size} of {flat.dtype}")
    if flat.size and (flat.min() < 0 or flat.max() >= vertices):
        raise ValueError(f"indices: want 0 to {vertices - 1}, got {flat.min()} to {flat.max()}")
    return np.ascontiguousarray(flat, np.uint32)


def _checked_attributes(attributes: NDArray[Any] | None, weights: Sequence[float], vertices: int) -> Floats:
    values = (
        np.empty((vertices, 0), np.float32)
        if attributes is None
        else np.ascontiguousarray(attributes, np.float32)
    )
    if values.shape != (vertices, len(weights)) or len(weights) > MAX_ATTRIBUTES:
        raise ValueError(
            f"attributes: want ({vertices}, {len(weights)}) for {len(weights)} weights "
            f"(at most {MAX_ATTRIBUTES}), got {values.shape}"
        )
    if not _is_finite(values) or not all(0 <= weight < np.inf for weight in weights):
        raise ValueError("attributes and weights: want finite numbers and weights >= 0")
    return values


def _is_finite(values: Floats) -> bool:
    """Whether all are finite; smallest and largest tell, without an array of answers."""
    return not values.size or bool(np.isfinite(values.min()) and np.isfinite(values.max()))
