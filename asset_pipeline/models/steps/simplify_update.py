"""Fewer triangles, and the vertices that stay are moved to where they fit best, with their attributes.

meshoptimizer's simplifyWithUpdate, from arrays to arrays; `simplify` describes the arguments and errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.steps.simplifier_module import Simplifier
from asset_pipeline.models.steps.simplify import LOCK_BORDER, NO_ERROR_LIMIT, PERMISSIVE
from asset_pipeline.models.steps.simplify_arrays import (
    Floats,
    Indices,
    check_fits,
    check_mesh,
    check_target,
    extent_m,
    without_unused,
)
from asset_pipeline.models.steps.used_rows import mark_used

ROUNDING_STEPS = 2  # float32 steps that a position which did not move may come back off by


@dataclass(frozen=True, slots=True, eq=False)
class Updated:
    """A mesh with fewer triangles over some of the vertices it had, and those vertices' new values.

    indices: (3 n,) uint32 into the vertices that came in. vertices: (u,) uint32, ascending, those that
    `indices` names. positions, attributes: (u, 3) and (u, k), the new values of `vertices`. error and error_m
    as in Simplified.
    """

    indices: Indices
    vertices: Indices
    positions: Floats
    attributes: Floats
    error: float
    error_m: float

    @property
    def triangles(self) -> int:
        """Number of triangles."""
        return self.indices.size // 3


def simplify_with_update(
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
) -> Updated:
    """As `simplify`, but vertices that stay may get other positions and attributes.

    Vertices on borders and seams, and locked ones, keep their positions; vertices with equal positions keep
    equal positions. Attributes come out as solved: normals are not unit vectors, colours may leave [0, 1].
    A weight of 0 leaves that attribute as it was: give what must follow a small one.
    """
    mesh = check_mesh(indices, positions, attributes, weights, vertex_lock)
    check_target(target_triangles, max_error)
    if target_triangles * 3 >= mesh.indices.size:
        vertices = _named(mesh.indices, len(mesh.positions))
        kept_as_is = mesh.positions[vertices], mesh.attributes[vertices]
        return Updated(mesh.indices, vertices, *kept_as_is, 0.0, 0.0)
    mesh, used = without_unused(mesh)
    count, width = mesh.indices.size, mesh.attributes.shape[1]
    check_fits(len(mesh.positions), count // 3, width)

    module = Simplifier()
    error_at, indices_at = module.allocate(4), module.copy_in(mesh.indices)
    positions_at, attributes_at = module.copy_in(mesh.positions), module.copy_in(mesh.attributes)
    kept = module.run(
        "meshopt_simplifyWithUpdate",
        indices_at, count, positions_at, len(mesh.positions), 12,
        attributes_at, width * 4, module.copy_in(np.asarray(weights, np.float32)), width,
        module.copy_in(mesh.vertex_lock) if mesh.vertex_lock is not None else 0,
        target_triangles * 3, float(min(max_error, NO_ERROR_LIMIT)),
        LOCK_BORDER * lock_border | PERMISSIVE * permissive, error_at,
    )  # fmt: skip
    kept_indices = module.copy_out(indices_at, kept, np.uint32)
    error = float(module.copy_out(error_at, 1, np.float32)[0])
    vertices = _named(kept_indices, len(mesh.positions))
    new_positions = _without_rounding(
        mesh.positions, vertices, module.copy_rows_out(positions_at, vertices, 3)
    )
    new_attributes = module.copy_rows_out(attributes_at, vertices, width)
    if used is not None:
        kept_indices, vertices = used[kept_indices], used[vertices]
    error_m = error * extent_m(mesh.positions)
    return Updated(kept_indices, vertices, new_positions, new_attributes, error, error_m)


def _without_rounding(old: Floats, vertices: Indices, new: Floats) -> Floats:
    """The new positions, but the old bits where a vertex did not move: the module scales all and back."""
    if not len(vertices):
        return new
    reach = float(max(-old.min(), old.max()))
    rounding_m = ROUNDING_STEPS * float(np.spacing(np.float32(max(reach, extent_m(old)))))
    before = old[vertices]
    is_same = (np.abs(new - before) <= rounding_m).all(axis=1)
    return np.where(is_same[:, None], before, new)


def _named(indices: Indices, vertices: int) -> Indices:
    """Which vertices the indices name, ascending."""
    return np.flatnonzero(mark_used(indices, vertices)).astype(np.uint32)
