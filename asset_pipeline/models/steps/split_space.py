"""A large model cut into cells: every triangle (or point) in exactly one, neighbours in space together.

A k-d tree over the triangles' middles, halved along the longest side until a cell holds few enough. Cells at
the same height so hold about as many triangles, wherever the scan is dense, and the cut always ends. Two
halvings make one level of the tree (four children, two where that is enough): a scan is a surface, so a
quarter of the triangles over twice the length look alike.

Cells keep materials, columns and images as they are. Where two cells meet, their vertices are equal bit for
bit; `CUT` remembers where that is, so that they can be reduced without cracks (`reduce_cell`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import POINTS, Accessor, Document
from asset_pipeline.models.geometry import Geometry, Indices
from asset_pipeline.models.steps.equal_rows import group_equal_rows
from asset_pipeline.models.steps.flatten import Piece, document_of, flatten, pieces_of
from asset_pipeline.models.steps.weld import compact

CUT = "_CUT"
"""Own attribute of the vertices of cells: the lowest and highest leaf that has a vertex at this place."""

Floats = NDArray[np.float32]


def split_in_space(document: Document, *, max_triangles: int) -> list[Document]:
    """Flat documents (`flatten`) of at most `max_triangles` triangles or points each; the model itself,
    flattened, where it has no more. Raises ValueError for a model that cannot be flattened.
    """
    plan = plan_split(document, max_triangles=max_triangles)
    return [without_cuts(plan.cell(leaf, leaf + 1)) for leaf in range(plan.leaves)]


@dataclass(frozen=True, slots=True)
class Node:
    """A cell of the tree: leaves `first` to `end - 1`, and the cells it is cut into (none: it is a leaf)."""

    first: int
    end: int
    children: tuple["Node", ...] = ()

    @property
    def height(self) -> int:
        """0 for a leaf, else one more than the highest child's."""
        return 1 + max(child.height for child in self.children) if self.children else 0


@dataclass(frozen=True, slots=True, eq=False)
class SplitPlan:
    """How a model is cut. `cell` makes the cells, one at a time, so that they need not all be in memory.

    order: all elements (triangles and points of all primitives, in that order), leaf by leaf; bounds:
    (leaves + 1,) where each leaf starts in it; boxes: (leaves, 2, 3) lowest and highest corner in metres.
    """

    flat: Document
    root: Node
    order: NDArray[np.int64]
    bounds: NDArray[np.int64]
    boxes: Floats

    @property
    def leaves(self) -> int:
        """Number of leaves."""
        return len(self.bounds) - 1

    def elements(self, first: int, end: int) -> int:
        """Triangles and points of these leaves."""
        return int(self.bounds[end] - self.bounds[first])

    def longest_m(self, first: int, end: int) -> float:
        """The longest side of these leaves' box."""
        boxes = self.boxes[first:end].astype(np.float64)
        return float((boxes[:, 1].max(axis=0) - boxes[:, 0].min(axis=0)).max())

    def cell(self, first: int, end: int) -> Document:
        """The part of the model in leaves `first` to `end - 1`, with CUT."""
        chosen = np.sort(self.order[self.bounds[first] : self.bounds[end]])
        pieces: list[Piece] = []
        start = 0
        for bare, geometry in pieces_of(self.flat):
            count = _elements(geometry)
            low, high = np.searchsorted(chosen, (start, start + count))
            if high > low:
                pieces.append((bare, _only(geometry, chosen[low:high] - start)))
            start += count
        return document_of(self.flat, pieces)


def plan_split(document: Document, *, max_triangles: int) -> SplitPlan:
    """As `split_in_space`, before any cell is made."""
    if max_triangles < 1:
        raise ValueError(f"max_triangles: want at least 1, got {max_triangles}")
    flat = flatten(document)
    geometries = [geometry for _, geometry in pieces_of(flat)]
    middles = np.concatenate([np.empty((0, 3), np.float32), *(_middles(part) for part in geometries)])
    leaves: list[NDArray[np.int64]] = []
    root = _cut(middles, np.arange(len(middles), dtype=np.int64), max_triangles, leaves)
    del middles
    bounds = np.cumsum([0, *(len(leaf) for leaf in leaves)], dtype=np.int64)
    order = np.concatenate(leaves)
    boxes = _boxes(geometries, leaves)
    return SplitPlan(_with_cuts(flat, geometries, order, bounds), root, order, bounds, boxes)


def without_cuts(document: Document) -> Document:
    """The same cell without CUT, to be written."""
    pieces = []
    for bare, geometry in pieces_of(document):
        attributes = {name: column for name, column in geometry.attributes.items() if name != CUT}
        pieces.append((bare, Geometry(geometry.mode, geometry.indices, attributes)))
    return document_of(document, pieces)


def _elements(geometry: Geometry) -> int:
    if geometry.mode != POINTS:
        return geometry.triangles
    return geometry.vertices if geometry.indices is None else len(geometry.indices)


def _corners(geometry: Geometry) -> Indices:
    """(elements, 3) of triangles, (elements, 1) of points."""
    corners = geometry.indices
    if corners is None:
        corners = np.arange(geometry.vertices, dtype=np.uint32)
    return corners.reshape(-1, 1 if geometry.mode == POINTS else 3)


def _middles(geometry: Geometry) -> Floats:
    points = geometry.attributes["POSITION"].as_floats()
    corners = _corners(geometry)
    middles = points[corners[:, 0]]
    for column in range(1, corners.shape[1]):
        middles += points[corners[:, column]]
    middles /= np.float32(corners.shape[1])
    return middles


def _boxes(geometries: list[Geometry], leaves: list[NDArray[np.int64]]) -> Floats:
    """(leaves, 2, 3) lowest and highest corner of each leaf."""
    boxes = np.empty((len(leaves), 2, 3), np.float32)
    boxes[:, 0], boxes[:, 1] = np.inf, -np.inf
    start = 0
    for geometry in geometries:
        points, corners = geometry.attributes["POSITION"].as_floats(), _corners(geometry)
        for box, leaf in zip(boxes, leaves, strict=True):
            own = corners[leaf[(leaf >= start) & (leaf < start + len(corners))] - start].reshape(-1)
            box[0] = np.minimum(box[0], points[own].min(axis=0, initial=np.inf))
            box[1] = np.maximum(box[1], points[own].max(axis=0, initial=-np.inf))
        start += len(corners)
    return boxes


def _only(geometry: Geometry, elements: NDArray[np.int64]) -> Geometry:
    corners = _corners(geometry)[elements]
    kept = compact(geometry.with_indices(np.ascontiguousarray(corners).reshape(-1)))
    if geometry.mode == POINTS and geometry.indices is None:
        return kept.with_indices(None)  # points in their order: `compact` keeps it
    return kept


def _cut(middles: Floats, elements: NDArray[np.int64], most: int, leaves: list[NDArray[np.int64]]) -> Node:
    first = len(leaves)
    if len(elements) <= most:
        leaves.append(elements)
        return Node(first, first + 1)
    parts: list[NDArray[np.int64]] = []
    for half in _halves(middles, elements):
        parts.extend(_halves(middles, half) if len(elements) > 2 * most else (half,))
    children = tuple(_cut(middles, part, most, leaves) for part in parts)
    return Node(first, len(leaves), children)


def _halves(middles: Floats, elements: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Cut at the median along the longest side; equal middles go left and right in their order."""
    here = middles[elements]
    axis = int(np.argmax(here.max(axis=0) - here.min(axis=0)))
    keys = here[:, axis]
    middle = len(keys) // 2
    pivot = np.partition(keys, middle)[middle]
    is_left = keys < pivot
    missing = middle - int(is_left.sum())
    is_left[np.flatnonzero(keys == pivot)[:missing]] = True
    yield elements[is_left]
    yield elements[~is_left]


def _with_cuts(
    flat: Document, geometries: list[Geometry], order: NDArray[np.int64], bounds: NDArray[np.int64]
) -> Document:
    """The flat document with CUT on every vertex."""
    if not geometries:
        return flat
    leaf_of = np.empty(len(order), np.uint32)
    leaf_of[order] = np.repeat(np.arange(len(bounds) - 1, dtype=np.uint32), np.diff(bounds))
    points = [geometry.attributes["POSITION"].as_floats() + np.float32(0.0) for geometry in geometries]
    first, place = group_equal_rows(np.concatenate(points))  # one place for vertices that meet
    del points
    lowest = np.full(len(first), np.iinfo(np.uint32).max, np.uint32)
    highest = np.zeros(len(first), np.uint32)
    starts = np.cumsum([0, *(geometry.vertices for geometry in geometries)])
    element = 0
    for geometry, start in zip(geometries, starts, strict=False):
        leaf = leaf_of[element : element + _elements(geometry)]
        element += len(leaf)
        for corner in _corners(geometry).T:
            np.minimum.at(lowest, place[start + corner], leaf)
            np.maximum.at(highest, place[start + corner], leaf)
    pieces: list[Piece] = []
    for (bare, geometry), start in zip(pieces_of(flat), starts, strict=False):
        here = place[start : start + geometry.vertices]
        cuts = Accessor(np.stack([lowest[here], highest[here]], axis=1), "VEC2")
        pieces.append((bare, Geometry(geometry.mode, geometry.indices, {**geometry.attributes, CUT: cuts})))
    return document_of(flat, pieces)
