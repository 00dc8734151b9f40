"""A place of its own in one texture for every triangle: UV for what is to be baked.

xatlas finds charts and packs them, in a process of its own that is stopped when its time is up. It takes the
mesh in pieces of PIECE_TRIANGLES neighbours: its time grows with the square of a mesh's size (measured on two
shared cores with the demo tower: 20,000 triangles 9 s whole, 3.3 s in pieces; 100,000 triangles 215 s whole,
22 s in pieces, for 17 % more charts). `grid_atlas` always works and takes no time, but cuts every edge.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.child import Returned, run_in_child

PIECE_TRIANGLES = 2000
MAX_TRIANGLES = 150_000  # about 40 s; masters are reduced first
MAX_MEMORY_BYTES = 3 * 1024**3  # of the process; 100,000 triangles took 0.4 GiB
PADDING_PX = 2  # between charts at PACKED_PX
PACKED_PX = 1024
MIN_CELL_PX = 5  # of `grid_atlas`: two triangles and the gap that keeps them apart

Points = NDArray[np.floating[Any]]
Triangles = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A mesh cut open.

    rows: (m,) the old vertex of each new one. uv: (m, 2) in 0 to 1. triangles: (t, 3) of new vertices, in the
    old order.
    """

    rows: NDArray[np.int64]
    uv: NDArray[np.float32]
    triangles: Triangles


def unwrap(meshes: Sequence[tuple[Points, Triangles]], *, time_limit_s: float) -> tuple[Patch, ...] | None:
    """A common atlas for meshes of (points (v, 3), triangles (t, 3)), texels spread evenly over them.

    None when it takes longer than time_limit_s, when xatlas fails, and above MAX_TRIANGLES. The same meshes
    give the same atlas.
    """
    if not time_limit_s > 0:
        raise ValueError(f"unwrap: want a positive time limit, got {time_limit_s} s")
    if sum(len(triangles) for _, triangles in meshes) > MAX_TRIANGLES:
        return None
    with tempfile.TemporaryDirectory(prefix="unwrap-") as folder:
        source, made = Path(folder) / "meshes.npz", Path(folder) / "atlas.npz"
        arrays: dict[str, Any] = {}
        for index, (points, triangles) in enumerate(meshes):
            places, place = np.unique(points.astype(np.float32), axis=0, return_inverse=True)
            arrays[f"points{index}"] = places
            arrays[f"triangles{index}"] = place.reshape(-1)[triangles].astype(np.uint32)
        np.savez(source, **arrays)
        outcome = run_in_child(
            unwrap_file,
            (str(source), str(made)),
            max_memory_bytes=MAX_MEMORY_BYTES,
            timeout_s=time_limit_s,
        )
        if not isinstance(outcome, Returned):
            return None
        with np.load(made, allow_pickle=False) as found:
            return tuple(
                _patch(triangles, found[f"uv{index}"], found[f"corners{index}"])
                for index, (_, triangles) in enumerate(meshes)
            )


def _patch(triangles: Triangles, uv: NDArray[np.float32], corners: NDArray[np.int64]) -> Patch:
    """New vertices where a corner's old vertex meets a place in the atlas for the first time."""
    pairs = triangles.reshape(-1).astype(np.int64) * (len(uv) + 1) + corners.reshape(-1)
    unique, place = np.unique(pairs, return_inverse=True)
    return Patch(
        unique // (len(uv) + 1),
        np.ascontiguousarray(uv[unique % (len(uv) + 1)], np.float32),
        place.reshape(-1, 3).astype(np.uint32),
    )


def unwrap_file(source: str, made: str) -> None:
    """In the child: points and triangles in; per mesh, places in the atlas (n, 2) and each corner's out."""
    import xatlas

    atlas: Any = xatlas.Atlas()
    owners: list[tuple[int, NDArray[np.int64]]] = []
    counts: list[int] = []
    with np.load(source, allow_pickle=False) as arrays:
        for index in range(len(arrays.files) // 2):
            points, triangles = arrays[f"points{index}"], arrays[f"triangles{index}"]
            counts.append(len(triangles))
            for chosen in _pieces(points, triangles):
                rows, local = np.unique(triangles[chosen], return_inverse=True)
                atlas.add_mesh(points[rows], local.reshape(-1, 3).astype(np.uint32))
                owners.append((index, chosen))
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_iterations = 1
    packing.resolution, packing.padding, packing.bilinear = PACKED_PX, PADDING_PX, True
    atlas.generate(charts, packing)
    if atlas.atlas_count != 1:
        raise RuntimeError(f"xatlas made {atlas.atlas_count} atlases, want 1")
    result: dict[str, Any] = {}
    for index, count in enumerate(counts):
        corners = np.zeros((count, 3), np.int64)
        uvs, total = [], 0
        for piece, (owner, chosen) in enumerate(owners):
            if owner == index:
                _, places, uv = atlas[piece]
                corners[chosen] = places.reshape(-1, 3).astype(np.int64) + total
                uvs.append(uv.astype(np.float32))
                total += len(uv)
        result[f"uv{index}"] = np.concatenate(uvs) if uvs else np.zeros((0, 2), np.float32)
        result[f"corners{index}"] = corners
    np.savez(made, **result)


def _pieces(points: Points, triangles: Triangles) -> list[NDArray[np.int64]]:
    order = z_order(points[triangles].mean(axis=1))
    return [order[start : start + PIECE_TRIANGLES] for start in range(0, len(order), PIECE_TRIANGLES)]


def z_order(places: Points) -> NDArray[np.int64]:
    """Rows of places (n, 3) along a curve that keeps neighbours together."""
    if not len(places):
        return np.empty(0, np.int64)
    low, size = places.min(axis=0), max(float(np.ptp(places, axis=0).max()), 1e-300)
    cells = np.clip((places - low) / size * 1023, 0, 1023).astype(np.uint64)
    key = np.zeros(len(places), np.uint64)
    for bit in range(10):
        for axis in range(3):
            key |= (cells[:, axis] >> np.uint64(bit) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return np.argsort(key, kind="stable")


def grid_atlas(meshes: Sequence[tuple[Points, Triangles]], *, texture_px: int) -> tuple[Patch, ...] | None:
    """Two triangles in each square of a grid, near in space near in the grid; None where they do not fit.

    Corners lie on texel centres and a free diagonal parts the two triangles, so that bilinear sampling never
    mixes them.
    """
    counts = [len(triangles) for _, triangles in meshes]
    pairs = -(-sum(counts) // 2)
    across = 1
    while across * across < pairs:
        across *= 2  # a power of two, for the curve
    if not pairs or across * MIN_CELL_PX > texture_px:
        return None
    cell = texture_px // across
    middles = np.concatenate([points[triangles].mean(axis=1) for points, triangles in meshes])
    turn = np.empty(len(middles), np.int64)
    turn[z_order(middles)] = np.arange(len(middles))
    corner = np.stack(_unwoven(turn // 2), axis=1)[:, None, :] * cell
    near = np.array([[0.5, 0.5], [cell - 2.5, 0.5], [0.5, cell - 2.5]])
    far = np.array([[cell - 0.5, cell - 0.5], [1.5, cell - 0.5], [cell - 0.5, 1.5]])
    uv = (corner + np.where((turn % 2 == 0)[:, None, None], near, far)) / texture_px
    patches, start = [], 0
    for (_, triangles), count in zip(meshes, counts, strict=True):
        patches.append(
            Patch(
                triangles.reshape(-1).astype(np.int64),
                uv[start : start + count].reshape(-1, 2).astype(np.float32),
                np.arange(count * 3, dtype=np.uint32).reshape(-1, 3),
            )
        )
        start += count
    return tuple(patches)


def _unwoven(number: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(x, y) of a place along the Z curve."""
    x, y = np.zeros_like(number), np.zeros_like(number)
    for bit in range(16):
        x |= (number >> (2 * bit) & 1) << bit
        y |= (number >> (2 * bit + 1) & 1) << bit
    return x, y
