"""Which grid each mesh's positions stand on: parts that touch must share one, or they crack apart.

Positions are in each mesh's own space, so only meshes that are shown under the same transforms can touch on
the same numbers. Those form a group with one grid, unless that leaves one of them fewer than
MIN_SHARED_STEPS of its own size (a statue beside a mountain). The largest group as it is shown has 2**bits
steps; the others have steps as large as those are in the world, for nobody sees finer ones beside them, but
at least MIN_STEPS of their own size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document, JsonObject
from asset_pipeline.models.transforms import Matrix, world_matrices

MIN_SHARED_STEPS = 64
MIN_STEPS = 256
TINY_M = 1e-20  # a mesh of one point has no size: callers leave it out
_SAME_TRANSFORM = 1e-6  # relative; parts exported from one program differ by less

Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Grid:
    """position = offset + step * whole numbers from 0 to 2**bits - 1."""

    offset: tuple[float, float, float]
    step: float
    bits: int

    @property
    def matrix(self) -> Matrix:
        """The way back from whole numbers."""
        matrix = np.eye(4) * [self.step, self.step, self.step, 1.0]
        matrix[:3, 3] = self.offset
        return matrix


def choose_grids(document: Document, bounds: Mapping[int, Bounds], *, bits: int) -> dict[int, Grid]:
    """Grid of at most 2**bits steps by mesh index, for the meshes whose bounds (low, high) are given."""
    groups = _groups(document, bounds, bits)
    scales = _scales(document)
    sizes = [_size_of(bounds, group) * scales[group[0]] for group in groups]
    finest = max(sizes, default=0.0) / (2**bits - 1)
    grids: dict[int, Grid] = {}
    for group in groups:
        low = np.min([bounds[index][0] for index in group], axis=0)
        high = np.max([bounds[index][1] for index in group], axis=0)
        least = min(_size_of(bounds, [index]) for index in group)
        grid = make_grid(low, high, bits=bits, step=min(finest / scales[group[0]], least / MIN_STEPS))
        grids |= dict.fromkeys(group, grid)
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


def make_grid(low: NDArray[np.float64], high: NDArray[np.float64], *, bits: int, step: float = 0.0) -> Grid:
    """A grid over a box with steps of at least `step` and at most 2**bits of them.

    The step is the same along each axis: normals are not bent.
    """
    offset = low.astype(np.float32)
    size = float((high - offset).max())
    if step > 0.0:
        bits = min(bits, max(1, int(np.ceil(np.log2(size / step + 1.0)))))
    least = float(np.float32(size / (2**bits - 1)))
    if least * (2**bits - 1) < size:
        least = float(np.nextafter(np.float32(least), np.float32(np.inf)))
    chosen = max(least, float(np.float32(step)))
    return Grid((float(offset[0]), float(offset[1]), float(offset[2])), chosen, bits)


def _groups(document: Document, bounds: Mapping[int, Bounds], bits: int) -> list[list[int]]:
    """Meshes that are to share a grid."""
    together: dict[object, list[int]] = {}
    for index, place in _placements(document).items():
        if index in bounds:
            together.setdefault(place, []).append(index)
    groups = []
    for group in together.values():
        step = _size_of(bounds, group) / (2**bits - 1)
        if any(_size_of(bounds, [index]) < step * MIN_SHARED_STEPS for index in group):
            groups += [[index] for index in group]
        else:
            groups.append(group)
    return groups


def _size_of(bounds: Mapping[int, Bounds], group: Sequence[int]) -> float:
    low = np.min([bounds[index][0] for index in group], axis=0)
    high = np.max([bounds[index][1] for index in group], axis=0)
    return float((high - low).max())


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


def _scales(document: Document) -> dict[int, float]:
    """By mesh index, how much larger it is shown than it is; 1 where that may change (animation, skins)."""
    scales = dict.fromkeys(range(len(document.items("meshes"))), 0.0)
    channels = [channel for animation in document.items("animations") for channel in animation["channels"]]
    may_change = any(channel["target"].get("path") not in ("weights", "translation") for channel in channels)
    world = world_matrices(document.items("nodes"))
    for index, node in enumerate(document.items("nodes")):
        if "mesh" in node and not may_change and "skin" not in node:
            found = float(np.linalg.norm(world[index][:3, :3], 2))
            scales[node["mesh"]] = max(scales[node["mesh"]], found)
    return {index: scale if 1e-12 < scale < np.inf else 1.0 for index, scale in scales.items()}
