"""Which grid each mesh's positions stand on: parts that touch must share one, or they crack apart.

Positions are in each mesh's own space, so only meshes that are shown under the same transforms can touch on
the same numbers. Those form a group with one grid, unless that leaves one of them fewer than MIN_STEPS of
its own size (a statue beside a mountain).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document, JsonObject
from asset_pipeline.models.transforms import Matrix, world_matrices

MIN_STEPS = 64
_SAME_TRANSFORM = 1e-6  # relative; parts exported from one program differ by less

Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Grid:
    """position = offset + step * whole numbers."""

    offset: tuple[float, float, float]
    step: float

    @property
    def matrix(self) -> Matrix:
        """The way back from whole numbers."""
        matrix = np.eye(4) * [self.step, self.step, self.step, 1.0]
        matrix[:3, 3] = self.offset
        return matrix


def choose_grids(document: Document, bounds: Mapping[int, Bounds], *, bits: int) -> dict[int, Grid]:
    """Grid of 2**bits steps by mesh index, for the meshes whose bounds (low, high) are given."""
    groups: dict[object, list[int]] = {}
    for index, place in _placements(document).items():
        if index in bounds:
            groups.setdefault(place, []).append(index)
    grids: dict[int, Grid] = {}
    for members in groups.values():
        low = np.min([bounds[index][0] for index in members], axis=0)
        high = np.max([bounds[index][1] for index in members], axis=0)
        shared = make_grid(low, high, bits)
        least = min(float((bounds[index][1] - bounds[index][0]).max()) for index in members)
        for index in members:
            alone = len(members) > 1 and least < shared.step * MIN_STEPS
            grids[index] = make_grid(*bounds[index], bits) if alone else shared
    return grids


def mesh_bounds(document: Document, mesh: JsonObject) -> Bounds | None:
    """(low, high) of a mesh's positions; None without any."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for primitive in mesh["primitives"]:
        number = primitive["attributes"].get("POSITION")
        if number is not None and document.accessors[number].count:
            points = document.accessors[number].as_floats()
            low = np.minimum(low, points.min(axis=0))
            high = np.maximum(high, points.max(axis=0))
    return (low, high) if np.isfinite(low).all() and np.isfinite(high).all() else None


def make_grid(low: NDArray[np.float64], high: NDArray[np.float64], bits: int) -> Grid:
    """The grid of 2**bits steps over a box, the step the same along each axis: normals are not bent."""
    offset = low.astype(np.float32)
    size = float((high - offset).max())
    step = float(np.float32(size / (2**bits - 1)))
    if step * (2**bits - 1) < size:
        step = float(np.nextafter(np.float32(step), np.float32(np.inf)))
    return Grid((float(offset[0]), float(offset[1]), float(offset[2])), step)


def _placements(document: Document) -> dict[int, object]:
    """By mesh index, equal values for meshes shown under the same transforms (by the same skins)."""
    world = world_matrices(document.items("nodes"))
    places: dict[int, set[object]] = {index: set() for index in range(len(document.items("meshes")))}
    for index, node in enumerate(document.items("nodes")):
        if "mesh" in node:
            place = node["skin"] if "skin" in node else _rounded(world[index])
            places[node["mesh"]].add(place)
    return {index: frozenset(found) or ("unseen", index) for index, found in places.items()}


def _rounded(matrix: Matrix) -> tuple[float, ...]:
    """A transform as a key, its last digits dropped."""
    size = float(np.abs(matrix).max()) or 1.0
    steps = np.rint(matrix[:3].reshape(-1) / (size * _SAME_TRANSFORM))
    return (float(f"{size:.5e}"), *(float(step) + 0.0 for step in steps))
