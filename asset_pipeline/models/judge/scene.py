"""A Document as things to draw: which primitive stands where, skinned and morphed into its rest pose."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor, Document, JsonObject
from asset_pipeline.models.geometry import Geometry, Indices, geometry_of
from asset_pipeline.models.transforms import Matrix, compose, shown_nodes, world_matrices

INSTANCING = "EXT_mesh_gpu_instancing"
VISIBILITY = "KHR_node_visibility"

_CHUNK_ROWS = 1 << 17
_MAX_PLACED_CORNERS = 4_000_000  # of a primitive with many instances; beyond, its box stands for it

Floats = NDArray[np.float32]
Bounds = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """One primitive, and where it stands: (k, 4, 4) float64 world matrices, all turning the same way.

    skin: its skin, which puts it in the world itself (the matrices are then one unit matrix).
    weights: of its morph targets.
    """

    primitive: JsonObject
    matrices: NDArray[np.float64]
    mirrored: bool
    skin: int | None = None
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A primitive's numbers as they are drawn. positions, normals: (n, 3), tangents, colors: (n, 4)."""

    mode: int
    indices: Indices | None
    positions: Floats
    normals: Floats | None
    tangents: Floats | None
    uvs: dict[int, Floats]
    colors: Floats | None


def placements(document: Document) -> list[Placement]:
    """What the default scene shows, in the file's order; a primitive at several nodes is one placement."""
    nodes, meshes = document.items("nodes"), document.items("meshes")
    world = world_matrices(nodes)
    hidden = _hidden_nodes(nodes)
    found: dict[tuple[int, int, int | None, tuple[float, ...], bool], list[Matrix]] = {}
    for index in shown_nodes(document.json):
        node = nodes[index]
        if "mesh" not in node or index in hidden:
            continue
        mesh, skin = meshes[node["mesh"]], node.get("skin")
        weights = tuple(float(weight) for weight in node.get("weights") or mesh.get("weights") or ())
        standing = _standing(document, node, world, world[index])
        for number, primitive in enumerate(mesh["primitives"]):
            if "POSITION" in primitive["attributes"]:
                for matrix, mirrored in standing:
                    found.setdefault((node["mesh"], number, skin, weights, mirrored), []).append(matrix)
    return [
        Placement(meshes[mesh]["primitives"][number], np.array(matrices), mirrored, skin, weights)
        for (mesh, number, skin, weights, mirrored), matrices in found.items()
    ]


def shape_of(document: Document, placement: Placement) -> Shape:
    """The numbers of a placement, decoded to float32, morphed and skinned."""
    geometry = geometry_of(document, placement.primitive)
    columns = geometry.attributes
    positions = _morphed(geometry, "POSITION", placement.weights)
    normals = _morphed(geometry, "NORMAL", placement.weights) if "NORMAL" in columns else None
    tangents = columns["TANGENT"].as_floats() if "TANGENT" in columns and normals is not None else None
    if placement.skin is not None and "JOINTS_0" in columns:
        joints = _joint_matrices(document, placement.skin, world_matrices(document.items("nodes")))
        positions, normals, tangents = _skinned(geometry, joints, positions, normals, tangents)
    uvs = {
        number: columns[f"TEXCOORD_{number}"].as_floats()
        for number in range(8)
        if f"TEXCOORD_{number}" in columns
    }
    colors = _with_alpha(columns["COLOR_0"].as_floats()) if "COLOR_0" in columns else None
    return Shape(geometry.mode, geometry.indices, positions, normals, tangents, uvs, colors)


def bounding_sphere(document: Document) -> tuple[NDArray[np.float64], float] | None:
    """Middle of the scene's box, and the distance of the furthest corner from it; None for an empty scene."""
    shown = placements(document)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for placement in shown:
        for corners in _placed_corners(document, placement):
            low, high = np.minimum(low, corners.min(axis=0)), np.maximum(high, corners.max(axis=0))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return None
    middle = (low + high) / 2
    square = 0.0
    for placement in shown:
        for corners in _placed_corners(document, placement):
            square = max(square, float(((corners - middle) ** 2).sum(axis=1).max()))
    return middle, float(np.sqrt(square))


def _placed_corners(document: Document, placement: Placement) -> Iterator[NDArray[np.float64]]:
    geometry = geometry_of(document, placement.primitive)
    if not geometry.vertices:
        return
    positions = (
        shape_of(document, placement).positions
        if placement.skin is not None
        else _morphed(geometry, "POSITION", placement.weights)
    )
    if len(positions) * len(placement.matrices) > max(_MAX_PLACED_CORNERS, len(positions)):
        low, high = positions.min(axis=0), positions.max(axis=0)
        positions = np.array([[(low, high)[bit >> axis & 1][axis] for axis in range(3)] for bit in range(8)])
    for matrix in placement.matrices:
        for start in range(0, len(positions), _CHUNK_ROWS):
            part = positions[start : start + _CHUNK_ROWS].astype(np.float64)
            yield part @ matrix[:3, :3].T + matrix[:3, 3]


def _hidden_nodes(nodes: list[JsonObject]) -> set[int]:
    """Nodes that KHR_node_visibility hides, with everything below them."""
    hidden: set[int] = set()
    pending = [
        index
        for index, node in enumerate(nodes)
        if node.get("extensions", {}).get(VISIBILITY, {}).get("visible", True) is False
    ]
    while pending:
        index = pending.pop()
        if index not in hidden:
            hidden.add(index)
            pending.extend(nodes[index].get("children", []))
    return hidden


def _standing(
    document: Document, node: JsonObject, world: list[Matrix], own: Matrix
) -> list[tuple[Matrix, bool]]:
    """Where a node's mesh stands, and whether that turns it inside out. A skin places it, not the node."""
    if "skin" in node:
        return [(np.eye(4), _is_mirrored(_joint_matrices(document, node["skin"], world)[0]))]
    return [(matrix, _is_mirrored(matrix)) for matrix in _instances(document, node, own)]


def _instances(document: Document, node: JsonObject, world: Matrix) -> list[Matrix]:
    attributes = node.get("extensions", {}).get(INSTANCING, {}).get("attributes")
    if attributes is None:
        return [world]
    columns = {name: document.accessors[number].as_floats().tolist() for name, number in attributes.items()}
    count = max(len(column) for column in columns.values())
    moves = columns.get("TRANSLATION", [(0.0, 0.0, 0.0)] * count)
    turns = columns.get("ROTATION", [(0.0, 0.0, 0.0, 1.0)] * count)
    sizes = columns.get("SCALE", [(1.0, 1.0, 1.0)] * count)
    return [world @ compose(*place) for place in zip(moves, turns, sizes, strict=True)]


def _is_mirrored(matrix: Matrix) -> bool:
    return bool(np.linalg.det(matrix[:3, :3]) < 0)


def _morphed(geometry: Geometry, name: str, weights: tuple[float, ...]) -> Floats:
    values = geometry.attributes[name].as_floats()
    for weight, target in zip(weights, geometry.targets, strict=False):
        if weight and name in target:
            values = values + np.float32(weight) * target[name].as_floats()
    return values


def _with_alpha(colors: Floats) -> Floats:
    if colors.shape[1] == 4:
        return colors
    return np.hstack([colors, np.ones((len(colors), 1), np.float32)])


# Skins: the position of each joint in the world, and the bones' shares of each vertex.


def _joint_matrices(document: Document, skin: int, world: list[Matrix]) -> NDArray[np.float64]:
    bones = document.items("skins")[skin]
    return np.array([world[joint] for joint in bones["joints"]]) @ _inverse_binds(document, bones)


def _inverse_binds(document: Document, bones: JsonObject) -> NDArray[np.float64]:
    count = len(bones["joints"])
    if "inverseBindMatrices" not in bones:
        return np.tile(np.eye(4), (count, 1, 1))
    columns = document.accessors[bones["inverseBindMatrices"]].array[:count].astype(np.float64)
    matrices: NDArray[np.float64] = columns.reshape(-1, 4, 4).transpose(0, 2, 1)
    return matrices


def _skinned(
    geometry: Geometry,
    joints: NDArray[np.float64],
    positions: Floats,
    normals: Floats | None,
    tangents: Floats | None,
) -> tuple[Floats, Floats | None, Floats | None]:
    pairs = _bone_shares(geometry.attributes)
    placed = np.empty((len(positions), 3), np.float32)
    turned = None if normals is None else np.empty_like(placed)
    along = None if tangents is None else tangents.copy()
    for start in range(0, len(positions), _CHUNK_ROWS):
        rows = slice(start, start + _CHUNK_ROWS)
        blend = np.zeros((len(positions[rows]), 4, 4))
        total = np.zeros(len(blend))
        for bones, shares in pairs:
            for column in range(bones.shape[1]):
                share = shares[rows, column].astype(np.float64)
                blend += share[:, None, None] * joints[np.minimum(bones[rows, column], len(joints) - 1)]
                total += share
        blend /= np.where(total > 0, total, 1.0)[:, None, None]
        placed[rows] = np.einsum("nij,nj->ni", blend[:, :3, :3], positions[rows]) + blend[:, :3, 3]
        if normals is not None and turned is not None:
            turned[rows] = np.einsum("nij,nj->ni", _cofactors(blend[:, :3, :3]), normals[rows])
        if tangents is not None and along is not None:
            along[rows, :3] = np.einsum("nij,nj->ni", blend[:, :3, :3], tangents[rows, :3])
    return placed, turned, along


def _bone_shares(columns: Mapping[str, Accessor]) -> list[tuple[NDArray[np.int64], Floats]]:
    pairs = []
    for number in range(4):
        bones, shares = columns.get(f"JOINTS_{number}"), columns.get(f"WEIGHTS_{number}")
        if bones is not None and shares is not None:
            pairs.append((bones.array.astype(np.int64), shares.as_floats()))
    return pairs


def _cofactors(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse transpose times the determinant: what turns normals, also where a matrix is singular."""
    x, y, z = matrices[:, :, 0], matrices[:, :, 1], matrices[:, :, 2]
    cofactors = np.stack([np.cross(y, z), np.cross(z, x), np.cross(x, y)], axis=2)
    sign = np.where(np.linalg.det(matrices) < 0, -1.0, 1.0)
    result: NDArray[np.float64] = cofactors * sign[:, None, None]
    return result
