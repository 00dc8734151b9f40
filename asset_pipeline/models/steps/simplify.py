"""Fewer triangles for the same look: meshoptimizer's edge collapse, from arrays to arrays.

What comes in is one indexed triangle mesh; what goes out are new indices over the *same* vertices, so every
other attribute (skin weights, morph targets, second UV set) stays valid. Drop the vertices no longer used
afterwards.

Vertices must be shared between triangles (weld first). Vertices with equal positions and different attributes
are seams: they are kept together, and move only along the seam. Fully split input (STL) is all seam and
hardly shrinks unless it is welded or `permissive` is set.

Costs on one shared x86-64 core: 1,000,000 triangles with normals and UV to 100,000 in 1.5 s; the module then
peaks at 192 MiB (`estimated_peak_bytes`), so that 20 million triangles are about the most it can take. See
`simplifier_module` for why a process that runs this is limited by RLIMIT_DATA and not by RLIMIT_AS.

Raises ValueError for arrays that are not a mesh, Refused for a mesh past the 4 GiB that 32-bit WebAssembly
can address, SimplifierFailed where the module is missing or stops. The same input gives the same output, bit
for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.steps.simplifier_module import MAX_MEMORY_BYTES, Simplifier, too_large

Indices = NDArray[np.uint32]
Floats = NDArray[np.float32]

MAX_ATTRIBUTES = 32  # meshoptimizer's own limit
NO_ERROR_LIMIT = 1e30  # relative; far past any mesh, small enough that its square fits a double

# meshoptimizer.h, meshopt_SimplifyX
_LOCK_BORDER = 1
_PERMISSIVE = 32

# Peak of the module's memory with its copies of the arrays, fitted to measured runs and held by a test.
PEAK_BYTES_PER_VERTEX = 152
PEAK_BYTES_PER_INDEX = 23
PEAK_BYTES_PER_ATTRIBUTE = 24  # of each vertex


@dataclass(frozen=True, slots=True, eq=False)
class Simplified:
    """A mesh with fewer triangles, over the vertices it had.

    indices: (3 n,) uint32. error: deviation relative to the mesh's longest side (`extent_m`), attributes
    included. error_m: the same in the unit of the positions, which for glTF is metres.
    """

    indices: Indices
    error: float
    error_m: float

    @property
    def triangles(self) -> int:
        """Number of triangles."""
        return self.indices.size // 3


def simplify(
    indices: NDArray[Any],
    positions: NDArray[Any],
    attributes: NDArray[Any] | None = None,
    weights: Sequence[float] = (),
    *,
    target_triangles: int,
    max_error: float = NO_ERROR_LIMIT,
    lock_border: bool = False,
    vertex_lock: NDArray[Any] | None = None,
    permissive: bool = False,
) -> Simplified:
    """Collapse edges, cheapest first, until `target_triangles` is reached or the error would pass
    `max_error`.

    indices: (3 n,) or (n, 3). positions: (v, 3). attributes: (v, k), k <= 32, with one weight each (a unit of
    attribute counts like `weight` times the mesh's longest side); 0.5 for normals and 1 for UV look best.
    target_triangles: at most so many come out where the mesh's form allows; seams, borders and locks may stop
    it above (ask `.triangles`), then `permissive` or `simplify_sloppy` go further. max_error: relative to the
    mesh's longest side, 0.01 is 1 %. lock_border: keep open edges (chunks that must meet their neighbours).
    vertex_lock: (v,) of 0 free, 1 locked, 2 keep this seam even if `permissive`. permissive: may cross seams,
    for models that are nearly all seam.
    """
    mesh = _checked(indices, positions, vertex_lock)
    values = _checked_attributes(attributes, weights, len(positions))
    if target_triangles < 0 or not max_error >= 0:
        raise ValueError(
            f"simplify: want target_triangles >= 0 and max_error >= 0, got {target_triangles}, {max_error}"
        )
    if target_triangles * 3 >= mesh.indices.size:
        return Simplified(mesh.indices, 0.0, 0.0)
    mesh, values, used = _compact(mesh, values)
    count, width = mesh.indices.size, values.shape[1]
    if estimated_peak_bytes(len(mesh.positions), count // 3, width) > MAX_MEMORY_BYTES:
        raise too_large()
    options = _LOCK_BORDER * lock_border | _PERMISSIVE * permissive

    module = Simplifier()
    error_at, result_at = module.allocate(4), module.allocate(count * 4)
    arguments = [
        result_at, module.copy_in(mesh.indices), count,
        module.copy_in(mesh.positions), len(mesh.positions), 12,
        module.copy_in(values), width * 4, module.copy_in(np.asarray(weights, np.float32)), width,
        module.copy_in(mesh.vertex_lock) if mesh.vertex_lock is not None else 0,
        target_triangles * 3, float(min(max_error, NO_ERROR_LIMIT)), options, error_at,
    ]  # fmt: skip
    kept = module.run("meshopt_simplifyWithAttributes", *arguments)
    return _result(module, mesh, used, kept, result_at, error_at)


def simplify_sloppy(
    indices: NDArray[Any],
    positions: NDArray[Any],
    *,
    target_triangles: int,
    max_error: float = NO_ERROR_LIMIT,
    vertex_lock: NDArray[Any] | None = None,
) -> Simplified:
    """Merge vertices by a grid: reaches nearly any target, at the cost of seams, topology and detail.

    The last resort, for a thumbnail of a mesh that `simplify` cannot bring down. Arguments as in `simplify`;
    vertex_lock knows 0 and 1. The result never has more than `target_triangles`, and may have none.
    """
    mesh = _checked(indices, positions, vertex_lock)
    if target_triangles < 0 or not max_error >= 0:
        raise ValueError(
            f"simplify: want target_triangles >= 0 and max_error >= 0, got {target_triangles}, {max_error}"
        )
    if target_triangles * 3 >= mesh.indices.size:
        return Simplified(mesh.indices, 0.0, 0.0)
    mesh, _, used = _compact(mesh, np.empty((len(mesh.positions), 0), np.float32))
    count = mesh.indices.size

    module = Simplifier()
    error_at, result_at = module.allocate(4), module.allocate(count * 4)
    kept = module.run(
        "meshopt_simplifySloppy",
        result_at, module.copy_in(mesh.indices), count,
        module.copy_in(mesh.positions), len(mesh.positions), 12,
        module.copy_in(mesh.vertex_lock) if mesh.vertex_lock is not None else 0,
        target_triangles * 3, float(min(max_error, NO_ERROR_LIMIT)), error_at,
    )  # fmt: skip
    return _result(module, mesh, used, kept, result_at, error_at)


def extent_m(positions: NDArray[Any]) -> float:
    """Longest side of the bounding box, by which `error` is relative; 0 for no points."""
    if len(positions) == 0:
        return 0.0
    return float((positions.max(axis=0) - positions.min(axis=0)).max())


def estimated_peak_bytes(vertices: int, triangles: int, attributes: int) -> int:
    """Memory the module needs at its peak, arrays included."""
    per_vertex = PEAK_BYTES_PER_VERTEX + PEAK_BYTES_PER_ATTRIBUTE * attributes
    return vertices * per_vertex + 3 * triangles * PEAK_BYTES_PER_INDEX


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    indices: Indices
    positions: Floats
    vertex_lock: NDArray[np.uint8] | None


def _checked(indices: NDArray[Any], positions: NDArray[Any], vertex_lock: NDArray[Any] | None) -> _Mesh:
    """The arrays in the types the module reads. ValueError for what would make it read out of bounds."""
    flat = np.asarray(indices).reshape(-1)
    points = np.ascontiguousarray(positions, np.float32)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ValueError(f"positions: want (v, 3), got {points.shape}")
    if flat.size % 3 or (flat.size and flat.dtype.kind not in "iu"):
        raise ValueError(f"indices: want whole numbers in threes, got {flat.size} of {flat.dtype}")
    if flat.size and (flat.min() < 0 or flat.max() >= len(points)):
        raise ValueError(f"indices: want 0 to {len(points) - 1}, got {flat.min()} to {flat.max()}")
    if not np.isfinite(points).all():
        raise ValueError("positions: want finite numbers, got NaN or infinity")
    locks = None
    if vertex_lock is not None:
        locks = np.ascontiguousarray(vertex_lock, np.uint8)
        if locks.shape != (len(points),):
            raise ValueError(f"vertex_lock: want ({len(points)},), got {locks.shape}")
    return _Mesh(flat.astype(np.uint32), points, locks)


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
    if not np.isfinite(values).all() or not all(0 <= weight < np.inf for weight in weights):
        raise ValueError("attributes and weights: want finite numbers and weights >= 0")
    return values


def _compact(mesh: _Mesh, values: Floats) -> tuple[_Mesh, Floats, Indices | None]:
    """The mesh without triangles that name a vertex twice, over the vertices it uses, and where those stood.

    The third value is None when it uses all. Unused vertices would cost memory and would count in the extent
    that errors are relative to; triangles without area would never be collapsed.
    """
    triangles = mesh.indices.reshape(-1, 3)
    first, second, third = triangles.T
    is_flat = (first == second) | (second == third) | (third == first)
    if is_flat.any():
        mesh = _Mesh(triangles[~is_flat].reshape(-1), mesh.positions, mesh.vertex_lock)
    is_used = np.zeros(len(mesh.positions), bool)
    is_used[mesh.indices] = True
    if is_used.all():
        return mesh, values, None
    used = np.flatnonzero(is_used).astype(np.uint32)
    place = np.zeros(len(mesh.positions), np.uint32)
    place[used] = np.arange(used.size, dtype=np.uint32)
    locks = None if mesh.vertex_lock is None else mesh.vertex_lock[used]
    return _Mesh(place[mesh.indices], mesh.positions[used], locks), values[used], used


def _result(
    module: Simplifier, mesh: _Mesh, used: Indices | None, kept: int, result_at: int, error_at: int
) -> Simplified:
    kept_indices = module.copy_out(result_at, kept, np.uint32)
    error = float(module.copy_out(error_at, 1, np.float32)[0])
    if used is not None:
        kept_indices = used[kept_indices]
    return Simplified(kept_indices, error, error * extent_m(mesh.positions))
