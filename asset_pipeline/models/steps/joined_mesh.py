"""All parts of a model as one mesh in the world, and triangles of that mesh back to the parts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor
from asset_pipeline.models.geometry import Geometry, Indices
from asset_pipeline.models.steps.equal_rows import group_equal_rows
from asset_pipeline.models.steps.model_parts import Part, placed_normals, placed_points
from asset_pipeline.models.steps.simplify_arrays import extent_m

NORMAL_WEIGHT = (
    0.5  # a normal turned by 1 radian weighs like a shift of half the model; tuned on held renders
)
UV_WEIGHT = 1.0
COLOUR_WEIGHT = 0.5
CARRIED_WEIGHT = 0.01  # what only has to follow its vertex: enough to be solved for, too little to steer
MEETING_CELL = 2.0**-20  # of the model's longest side: eight times what float32 rounds
MAX_UV_SPAN = 4.0  # UV that repeat more often are scaled down, or they would outweigh the form


@dataclass(frozen=True, slots=True)
class Block:
    """Columns `start` to `start + width` of the joined attributes: one attribute of the parts."""

    name: str
    start: int
    width: int
    weight: float

    @property
    def columns(self) -> slice:
        """Where it stands."""
        return slice(self.start, self.start + self.width)


@dataclass(frozen=True, slots=True, eq=False)
class JoinedMesh:
    """All parts as one mesh, in the world.

    indices: (3 n,). points: (v, 3). attributes: (v, k), told by `blocks`. starts: (parts + 1,) the first row
    of each part, and the end.
    """

    indices: Indices
    points: NDArray[np.float32]
    attributes: NDArray[np.float32]
    blocks: tuple[Block, ...]
    starts: NDArray[np.int64]

    @property
    def weights(self) -> list[float]:
        """One weight per column."""
        return [block.weight for block in self.blocks for _ in range(block.width)]


def join_parts(parts: list[Part], *, carry: bool) -> JoinedMesh:
    """The parts as one mesh, with what steers (normals, first UV set, first colour), and with `carry` all
    else that has to follow a vertex that moves.
    """
    starts = np.cumsum([0, *(part.geometry.vertices for part in parts)], dtype=np.int64)
    blocks = choose_blocks(parts, carry=carry)
    width = sum(block.width for block in blocks)
    attributes = np.empty((int(starts[-1]), width), np.float32)
    for block in blocks:
        for part, start, end in zip(parts, starts, starts[1:], strict=False):
            attributes[start:end, block.columns] = block_values(part, block)
    return JoinedMesh(
        _joined_indices(parts, starts),
        _joined_points(parts, starts),
        attributes,
        blocks,
        starts,
    )


def choose_blocks(parts: list[Part], *, carry: bool) -> tuple[Block, ...]:
    """Which attributes go along, in which columns."""
    present = {name for part in parts for name in part.geometry.attributes}
    wanted = [("NORMAL", 3, NORMAL_WEIGHT), ("TEXCOORD_0", 2, UV_WEIGHT), ("COLOR_0", 3, COLOUR_WEIGHT)]
    if carry:
        has_alpha = any(
            part.geometry.attributes["COLOR_0"].components == 4
            for part in parts
            if "COLOR_0" in part.geometry.attributes
        )
        wanted[2] = ("COLOR_0", 4 if has_alpha else 3, COLOUR_WEIGHT)
        others = sorted(present - {name for name, _, _ in wanted})
        wanted += [(name, 2, UV_WEIGHT) for name in others if name.startswith("TEXCOORD_")]
        wanted += [(name, 4, CARRIED_WEIGHT) for name in others if name.startswith("COLOR_")]
        wanted += [(name, 3, CARRIED_WEIGHT) for name in others if name == "TANGENT"]
    blocks: list[Block] = []
    for name, width, weight in wanted:
        if name in present:
            start = blocks[-1].start + blocks[-1].width if blocks else 0
            blocks.append(Block(name, start, width, weight))
    return tuple(blocks)


def block_values(part: Part, block: Block) -> NDArray[np.float32]:
    """(v, width) what a part puts into a block; zeros where it has nothing."""
    if block.name == "NORMAL":
        return placed_normals(part)
    column = part.geometry.attributes.get(block.name)
    if column is None:
        return np.zeros((part.geometry.vertices, block.width), np.float32)
    values = column.as_floats()[:, : block.width]
    if block.name.startswith("TEXCOORD_"):
        divisor = uv_divisor(column)
        return values if divisor == 1.0 else values / np.float32(divisor)
    if values.shape[1] < block.width:  # colour without alpha among colours with it
        opaque = np.ones((len(values), block.width - values.shape[1]), np.float32)
        return np.concatenate([values, opaque], axis=1)
    return values


def uv_divisor(column: Accessor) -> float:
    """By what a part's UVs are divided so that they do not outweigh its form."""
    span = extent_m(column.as_floats())
    return span / MAX_UV_SPAN if span > MAX_UV_SPAN else 1.0


def touching_seams(mesh: JoinedMesh) -> NDArray[np.uint8] | None:
    """(v,) 2 (keep this seam) where parts touch, so that no triangle comes to span two of them; else 0."""
    parts = len(mesh.starts) - 1
    if parts == 1:
        return None
    owner = np.repeat(np.arange(parts, dtype=np.int32), np.diff(mesh.starts))
    first, place = group_equal_rows(mesh.points + np.float32(0.0))  # -0 and 0 are one place
    is_other = owner != owner[first][place]
    is_shared = np.zeros(len(first), bool)
    is_shared[place[is_other]] = True
    return np.where(is_shared[place], 2, 0).astype(np.uint8)


def split_triangles(parts: list[Part], mesh: JoinedMesh, indices: Indices) -> list[Indices] | None:
    """Triangles back to the primitive whose vertices they use; each keeps at least its largest triangle.

    None if a triangle spans two primitives: it could not be drawn with one material.
    """
    starts = mesh.starts
    corners = indices.reshape(-1, 3)
    if len(parts) == 1:
        return [indices if len(indices) else largest_triangle(parts[0].geometry)]
    owners = np.searchsorted(starts, corners, side="right") - 1
    if not (owners == owners[:, :1]).all():
        return None
    owner = owners[:, 0]
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(len(parts) + 1))
    split = []
    for index, part in enumerate(parts):
        own = corners[order[bounds[index] : bounds[index + 1]]]
        kept = (own - np.uint32(starts[index])).astype(np.uint32).reshape(-1)
        split.append(kept if len(kept) else largest_triangle(part.geometry))
    return split


def largest_triangle(geometry: Geometry) -> Indices:
    """The three corners of a primitive's largest triangle."""
    assert geometry.indices is not None
    corners = geometry.indices.reshape(-1, 3)
    p = geometry.attributes["POSITION"].as_floats().astype(np.float64)[corners]
    areas = (np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]) ** 2).sum(axis=1)
    return np.ascontiguousarray(corners[int(np.argmax(areas))])


def _joined_points(parts: list[Part], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    points = [placed_points(part) for part in parts]
    if len(points) == 1:
        return points[0]
    joined = np.concatenate(points)
    if all(np.array_equal(part.placed, parts[0].placed) for part in parts):
        return joined
    return _meeting(joined, starts)


def _meeting(points: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Vertices of different parts that stand at one place but for rounding, at exactly one place.

    Each part's own placement rounds in its own way; the simplifier holds together only what is equal. Eight
    grids, shifted by half a cell, so that no two such vertices lie on two sides of a cell's wall in all.
    """
    size = float(np.ptp(points, axis=0).max())
    if not size > 0:
        return points
    owner = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    cells = (points.astype(np.float64) - points.min(axis=0)) / (size * MEETING_CELL)
    met = points.copy()
    for shift in np.ndindex(2, 2, 2):
        first, place = group_equal_rows(np.floor(cells + np.array(shift) / 2).astype(np.int32))
        is_joint = np.zeros(len(first), bool)
        is_joint[place[owner != owner[first][place]]] = True
        rows = np.flatnonzero(is_joint[place])
        met[rows] = met[first[place[rows]]]
    return met


def _joined_indices(parts: list[Part], starts: NDArray[np.int64]) -> Indices:
    if len(parts) == 1:
        return parts[0].indices
    pairs = zip(parts, starts, strict=False)
    return np.concatenate([part.indices + np.uint32(start) for part, start in pairs])
