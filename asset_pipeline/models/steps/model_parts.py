"""A model's triangles as they stand in the world: one part per primitive, however often it is shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import TRIANGLES, Document, JsonObject
from asset_pipeline.models.geometry import Geometry, Indices, geometry_of, primitive_key
from asset_pipeline.models.transforms import Matrix, world_matrices

ROUNDING = 1e-4  # of a placement's size: a file's grids and its node that undoes them change that much


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One primitive with triangles, seen from the world.

    key: see `primitive_key`. instances: how often it is drawn. placed: from its own space to the world.
    """

    key: tuple[object, ...]
    geometry: Geometry
    instances: int
    placed: Matrix

    @property
    def indices(self) -> Indices:
        """The corners of its triangles; a part always has them."""
        assert self.geometry.indices is not None
        return self.geometry.indices

    @property
    def is_at_origin(self) -> bool:
        """Whether its own space is the world."""
        return np.array_equal(self.placed, np.eye(4))


def parts_of(document: Document) -> list[Part]:
    """All primitives of indexed triangles, those that share their numbers as one, in the tree's order."""
    placed = mesh_placements(document)
    instances = mesh_instances(document)
    parts: dict[tuple[object, ...], Part] = {}
    for mesh_index, _, primitive in document.primitives():
        key = primitive_key(primitive)
        if primitive.get("mode", TRIANGLES) != TRIANGLES or "POSITION" not in primitive["attributes"]:
            continue
        if key in parts:
            known = parts[key]
            parts[key] = Part(key, known.geometry, known.instances + instances[mesh_index], known.placed)
            continue
        geometry = geometry_of(document, primitive)
        if geometry.indices is not None and geometry.triangles:
            parts[key] = Part(key, geometry, instances[mesh_index], placed[mesh_index])
    return list(parts.values())


def drawn_triangles(document: Document) -> int:
    """Triangles on the screen: a mesh counts once per node that shows it (once if none does)."""
    instances = mesh_instances(document)
    return sum(
        geometry_of(document, primitive).triangles * instances[mesh_index]
        for mesh_index, _, primitive in document.primitives()
    )


def mesh_instances(document: Document) -> list[int]:
    """How often each mesh is drawn: once per node that shows it (once if none does), times its instances."""
    counts = [0] * len(document.items("meshes"))
    for node in document.items("nodes"):
        if "mesh" in node:
            counts[node["mesh"]] += _instanced(document, node)
    return [max(count, 1) for count in counts]


def placed_points(part: Part) -> NDArray[np.float32]:
    """(v, 3) its positions in the world; the stored array itself where nothing moves it."""
    points = part.geometry.attributes["POSITION"].as_floats()
    if part.is_at_origin:
        return points
    linear, shift = part.placed[:3, :3], part.placed[:3, 3]
    placed = np.empty(points.shape, np.float32)
    for rows in _slices(len(points)):
        placed[rows] = np.nan_to_num(points[rows].astype(np.float64) @ linear.T + shift)
    return placed


def placed_normals(part: Part) -> NDArray[np.float32]:
    """(v, 3) its normals turned as they stand in the world, unit length; zeros where it has none."""
    column = part.geometry.attributes.get("NORMAL")
    if column is None:
        return np.zeros((part.geometry.vertices, 3), np.float32)
    normals = column.as_floats()
    linear = part.placed[:3, :3]
    if np.array_equal(linear, np.eye(3)):
        return normals
    inverse = np.linalg.pinv(linear)  # inverse transpose, as rows
    turned = np.empty(normals.shape, np.float32)
    for rows in _slices(len(normals)):
        turned[rows] = unit_rows(normals[rows].astype(np.float64) @ inverse)
    return turned


def unit_rows(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row divided by its length; zeros stay zeros."""
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = vectors / np.maximum(lengths, 1e-30)
    return unit


def skin_placement(document: Document, skin_index: int, world: list[Matrix]) -> Matrix:
    """Where a skin puts the mesh in its rest pose, told by its first joint."""
    skin = document.items("skins")[skin_index]
    joint: Matrix = world[skin["joints"][0]]
    if "inverseBindMatrices" not in skin:
        return joint
    first = document.accessors[skin["inverseBindMatrices"]].array[0]
    placement: Matrix = joint @ np.asarray(first, np.float64).reshape(4, 4).T
    return placement


_ROWS_AT_ONCE = 1 << 18  # float64 copies are made of so many rows at a time


def _slices(rows: int) -> list[slice]:
    return [slice(start, start + _ROWS_AT_ONCE) for start in range(0, rows, _ROWS_AT_ONCE)]


def _instanced(document: Document, node: JsonObject) -> int:
    attributes = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
    return max((document.accessors[number].count for number in attributes.values()), default=1)


def mesh_placements(document: Document) -> list[Matrix]:
    """Where each mesh stands: by the node that shows it largest, the first of those that are alike but for
    rounding; skinned ones by their first joint.
    """
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    placed: list[Matrix] = [np.eye(4)] * len(document.items("meshes"))
    sizes = [-1.0] * len(placed)
    for index, node in enumerate(nodes):
        if "mesh" not in node:
            continue
        matrix = world[index]
        if "skin" in node:
            matrix = skin_placement(document, node["skin"], world)
        size = abs(float(np.linalg.det(matrix[:3, :3])))
        if size > sizes[node["mesh"]] * (1 + ROUNDING) or sizes[node["mesh"]] < 0:
            placed[node["mesh"]], sizes[node["mesh"]] = matrix, size
    return placed
