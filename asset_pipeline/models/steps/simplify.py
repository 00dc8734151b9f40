"""Fewer triangles for the same look: meshoptimizer's edge collapse, from arrays to arrays.

What comes in is one indexed triangle mesh; what goes out are new indices over the *same* vertices, so every
other attribute (skin weights, morph targets, second UV set) stays valid. Drop the vertices no longer used
afterwards. `simplify_update` moves vertices too.

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
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.steps.simplifier_module import Simplifier
from asset_pipeline.models.steps.simplify_arrays import (
    Indices,
    MeshArrays,
    check_fits,
    check_mesh,
    check_target,
    extent_m,
    without_unused,
)

NO_ERROR_LIMIT = 1e30  # relative; far past any mesh, small enough that its square fits a double

# meshoptimizer.h, meshopt_SimplifyX
LOCK_BORDER = 1
PERMISSIVE = 32


class SimplifyMode(StrEnum):
    """How triangles are taken away. Which one looks best depends on the model: try, and keep the better.

    PLAIN keeps a part of the vertices as they are. UPDATE also moves the vertices that stay, with their
    normals, UVs and colours, to where they fit best: for smooth scans. PERMISSIVE lets edges collapse across
    seams of normals and UVs (never across parts): for models with many seams. UPDATE_PERMISSIVE does both.
    """

    PLAIN = "plain"
    UPDATE = "update"
    PERMISSIVE = "permissive"
    UPDATE_PERMISSIVE = "update_permissive"

    @property
    def moves_vertices(self) -> bool:
        """Whether vertices get new values, and not only indices change."""
        return self in (SimplifyMode.UPDATE, SimplifyMode.UPDATE_PERMISSIVE)

    @property
    def crosses_seams(self) -> bool:
        """Whether edges may collapse across seams from the start."""
        return self in (SimplifyMode.PERMISSIVE, SimplifyMode.UPDATE_PERMISSIVE)


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
    mesh = check_mesh(indices, positions, attributes, weights, vertex_lock)
    check_target(target_triangles, max_error)
    if target_triangles * 3 >= mesh.indices.size:
        return Simplified(mesh.indices, 0.0, 0.0)
    mesh, used = without_unused(mesh)
    count, width = mesh.indices.size, mesh.attributes.shape[1]
    check_fits(len(mesh.positions), count // 3, width)

    module = Simplifier()
    error_at, result_at = module.allocate(4), module.allocate(count * 4)
    arguments = [
        result_at, module.copy_in(mesh.indices), count,
        module.copy_in(mesh.positions), len(mesh.positions), 12,
        module.copy_in(mesh.attributes), width * 4, module.copy_in(np.asarray(weights, np.float32)), width,
        module.copy_in(mesh.vertex_lock) if mesh.vertex_lock is not None else 0,
        target_triangles * 3, float(min(max_error, NO_ERROR_LIMIT)),
        LOCK_BORDER * lock_border | PERMISSIVE * permissive, error_at,
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
    mesh = check_mesh(indices, positions, None, (), vertex_lock)
    check_target(target_triangles, max_error)
    if target_triangles * 3 >= mesh.indices.size:
        return Simplified(mesh.indices, 0.0, 0.0)
    mesh, used = without_unused(mesh)
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


def _result(
    module: Simplifier, mesh: MeshArrays, used: Indices | None, kept: int, result_at: int, error_at: int
) -> Simplified:
    kept_indices = module.copy_out(result_at, kept, np.uint32)
    error = float(module.copy_out(error_at, 1, np.float32)[0])
    if used is not None:
        kept_indices = used[kept_indices]
    return Simplified(kept_indices, error, error * extent_m(mesh.positions))
