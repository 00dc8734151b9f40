"""Fewer triangles: the whole model simplified as one mesh, as it stands in the world, so that nothing tears.

All primitives go into one call: the budget flows to where it is needed, equal positions stay together across
materials and meshes. Only indices change, so skin weights, morph
targets and every UV set stay right. Points and lines are left as they are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import TRIANGLES, Document, JsonObject
from asset_pipeline.models.geometry import (
    Geometry,
    Indices,
    geometry_of,
    primitive_key,
    put_geometry,
    share_geometry,
)
from asset_pipeline.models.steps.simplify import simplify, simplify_sloppy
from asset_pipeline.models.steps.weld import compact
from asset_pipeline.models.transforms import Matrix, world_matrices

NORMAL_WEIGHT = (
    0.5  # a normal turned by 1 radian weighs like a shift of half the model; tuned on held renders
)
UV_WEIGHT = 1.0
COLOUR_WEIGHT = 0.5
MAX_UV_SPAN = 4.0  # UV that repeat more often are scaled down, or they would outweigh the form

ROUNDS = 5  # meshes drawn several times count several times, so the target may need another try
CLOSE_ENOUGH = 0.95  # of the budget used is as good as all of it


def reduce_triangles(document: Document, *, max_triangles: int) -> Document:
    """At most `max_triangles` drawn, if the model's form allows; ask `drawn_triangles` of the result.

    The document must be welded. Within the budget already: comes back as it is.
    """
    parts = _parts_of(document)
    if drawn_triangles(document) <= max_triangles or not parts:
        return document
    mesh = _one_mesh(parts)
    for permissive in (False, True):
        split = _collapse(parts, mesh, max_triangles, permissive=permissive)
        if split is not None:
            return _with_indices(document, parts, split)
    return _with_indices(document, parts, _merge_roughly(parts, max_triangles))


def shown_corners(document: Document) -> NDArray[np.float64]:
    """(triangles, 3 corners, 3) in metres: what `reduce_triangles` works on, each primitive once."""
    corners = [
        _placed_points(part).astype(np.float64)[part.geometry.indices.reshape(-1, 3)]
        for part in _parts_of(document)
        if part.geometry.indices is not None
    ]
    return np.concatenate(corners) if corners else np.empty((0, 3, 3))


def drawn_triangles(document: Document) -> int:
    """Triangles on the screen: a mesh counts once per node that shows it (once if none does)."""
    instances = _instances(document)
    return sum(
        geometry_of(document, primitive).triangles * instances[mesh_index]
        for mesh_index, _, primitive in document.primitives()
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One primitive with triangles, seen from the world."""

    key: tuple[object, ...]
    geometry: Geometry
    instances: int
    placed: Matrix


def _instances(document: Document) -> list[int]:
    counts = [0] * len(document.items("meshes"))
    for node in document.items("nodes"):
        if "mesh" in node:
            counts[node["mesh"]] += _instanced(document, node)
    return [max(count, 1) for count in counts]


def _instanced(document: Document, node: JsonObject) -> int:
    attributes = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
    return max((document.accessors[number].count for number in attributes.values()), default=1)


def _parts_of(document: Document) -> list[_Part]:
    placed = _placements(document)
    instances = _instances(document)
    parts: dict[tuple[object, ...], _Part] = {}
    for mesh_index, _, primitive in document.primitives():
        key = primitive_key(primitive)
        if primitive.get("mode", TRIANGLES) != TRIANGLES or "POSITION" not in primitive["attributes"]:
            continue
        if key in parts:
            known = parts[key]
            parts[key] = _Part(key, known.geometry, known.instances + instances[mesh_index], known.placed)
            continue
        geometry = geometry_of(document, primitive)
        if geometry.indices is not None and geometry.triangles:
            parts[key] = _Part(key, geometry, instances[mesh_index], placed[mesh_index])
    return list(parts.values())


def _placements(document: Document) -> list[Matrix]:
    """Where each mesh stands: by the node that shows it largest; skinned ones by their first joint."""
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
        if size > sizes[node["mesh"]]:
            placed[node["mesh"]], sizes[node["mesh"]] = matrix, size
    return placed


def skin_placement(document: Document, skin_index: int, world: list[Matrix]) -> Matrix:
    """Where a skin puts the mesh in its rest pose, told by its first joint."""
    skin = document.items("skins")[skin_index]
    joint: Matrix = world[skin["joints"][0]]
    if "inverseBindMatrices" not in skin:
        return joint
    first = document.accessors[skin["inverseBindMatrices"]].array[0]
    placement: Matrix = joint @ np.asarray(first, np.float64).reshape(4, 4).T
    return placement


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """All parts as one mesh, in the world.

    attributes: (v, k) of normal, UV and colour, without what no part has. seams: 2 where parts touch, else 0.
    """

    indices: Indices
    points: NDArray[np.float32]
    attributes: NDArray[np.float32]
    weights: list[float]
    seams: NDArray[np.uint8] | None


def _one_mesh(parts: list[_Part]) -> _Mesh:
    present = {name for part in parts for name in part.geometry.attributes}
    points = np.concatenate([_placed_points(part) for part in parts])
    blocks: list[NDArray[np.float32]] = []
    weights: list[float] = []
    if "NORMAL" in present:
        blocks.append(np.concatenate([_placed_normals(part) for part in parts]))
        weights += [NORMAL_WEIGHT] * 3
    if "TEXCOORD_0" in present:
        blocks.append(np.concatenate([_uvs(part) for part in parts]))
        weights += [UV_WEIGHT] * 2
    if "COLOR_0" in present:
        blocks.append(np.concatenate([_column(part, "COLOR_0", 3) for part in parts]))
        weights += [COLOUR_WEIGHT] * 3
    attributes = np.concatenate(blocks, axis=1) if blocks else np.empty((len(points), 0), np.float32)
    return _Mesh(_joined_indices(parts), points, attributes, weights, _shared_places(parts, points))


def _collapse(
    parts: list[_Part], mesh: _Mesh, max_triangles: int, *, permissive: bool
) -> list[Indices] | None:
    """Indices per part with at most max_triangles drawn, or None where the form does not let them."""
    unique = sum(part.geometry.triangles for part in parts)
    drawn = sum(part.geometry.triangles * part.instances for part in parts)
    best: list[Indices] | None = None
    enough, too_much = 0, unique
    target = unique * max_triangles // drawn
    for _ in range(ROUNDS):
        simplified = simplify(
            mesh.indices,
            mesh.points,
            mesh.attributes,
            mesh.weights,
            target_triangles=target,
            permissive=permissive,
            vertex_lock=mesh.seams if permissive else None,
        )
        split = _split(parts, simplified.indices)
        if split is None:
            return best
        drawn = sum(len(kept) // 3 * part.instances for part, kept in zip(parts, split, strict=True))
        if drawn <= max_triangles:
            best, enough = split, target
            if drawn >= max_triangles * CLOSE_ENOUGH or all(part.instances == 1 for part in parts):
                return best
        else:
            too_much = target
            if simplified.triangles > target * 1.02 + 16:
                return best  # the form stops it: another target will not help
        target = min(max(target * max_triangles // drawn, enough + 1), (enough + 3 * too_much) // 4)
        if not enough < target < too_much:
            return best
    return best


def _placed_points(part: _Part) -> NDArray[np.float32]:
    points = part.geometry.attributes["POSITION"].as_floats()
    matrix = part.placed
    if np.array_equal(matrix, np.eye(4)):
        return points
    placed = points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return np.nan_to_num(placed).astype(np.float32)


def _placed_normals(part: _Part) -> NDArray[np.float32]:
    normals = _column(part, "NORMAL", 3)
    linear = part.placed[:3, :3]
    if np.array_equal(linear, np.eye(3)):
        return normals
    turned = normals.astype(np.float64) @ np.linalg.pinv(linear)  # inverse transpose, as rows
    lengths = np.sqrt((turned**2).sum(axis=1, keepdims=True))
    unit: NDArray[np.float32] = (turned / np.maximum(lengths, 1e-30)).astype(np.float32)
    return unit


def _uvs(part: _Part) -> NDArray[np.float32]:
    uvs = _column(part, "TEXCOORD_0", 2)
    span = float((uvs.max(axis=0) - uvs.min(axis=0)).max()) if len(uvs) else 0.0
    return uvs / np.float32(span / MAX_UV_SPAN) if span > MAX_UV_SPAN else uvs


def _column(part: _Part, name: str, width: int) -> NDArray[np.float32]:
    column = part.geometry.attributes.get(name)
    if column is None:
        return np.zeros((part.geometry.vertices, width), np.float32)
    return column.as_floats()[:, :width]


def _joined_indices(parts: list[_Part]) -> Indices:
    starts = np.cumsum([0, *(part.geometry.vertices for part in parts)])
    joined = []
    for part, start in zip(parts, starts, strict=False):
        assert part.geometry.indices is not None
        joined.append(part.geometry.indices + np.uint32(start))
    return np.concatenate(joined)


def _shared_places(parts: list[_Part], points: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """2 (keep this seam) where parts touch, so that no triangle comes to span two of them."""
    if len(parts) == 1:
        return None
    owner = np.repeat(np.arange(len(parts)), [part.geometry.vertices for part in parts])
    rows = np.ascontiguousarray(points + np.float32(0.0)).view(np.dtype((np.void, 12))).reshape(-1)
    _, place = np.unique(rows, return_inverse=True)
    place = place.reshape(-1)
    count = int(place.max(initial=-1)) + 1
    lowest = np.full(count, len(parts))
    highest = np.full(count, -1)
    np.minimum.at(lowest, place, owner)
    np.maximum.at(highest, place, owner)
    return np.where(lowest[place] < highest[place], 2, 0).astype(np.uint8)


def _split(parts: list[_Part], indices: Indices) -> list[Indices] | None:
    """Triangles back to the primitive whose vertices they use; each keeps at least its largest triangle.

    None if a triangle spans two primitives: it could not be drawn with one material.
    """
    starts = np.cumsum([0, *(part.geometry.vertices for part in parts)])
    corners = indices.reshape(-1, 3)
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
        split.append(kept if len(kept) else _largest_triangle(part.geometry))
    return split


def _largest_triangle(geometry: Geometry) -> Indices:
    assert geometry.indices is not None
    corners = geometry.indices.reshape(-1, 3)
    p = geometry.attributes["POSITION"].as_floats().astype(np.float64)[corners]
    areas = (np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]) ** 2).sum(axis=1)
    return np.ascontiguousarray(corners[int(np.argmax(areas))])


def _merge_roughly(parts: list[_Part], max_triangles: int) -> list[Indices]:
    """The last resort, primitive by primitive: triangles merged by a grid, across seams and topology."""
    counts = [part.geometry.triangles * part.instances for part in parts]
    left, waiting = max_triangles, sum(counts)
    split: list[Indices] = [np.empty(0, np.uint32)] * len(parts)
    for index in sorted(range(len(parts)), key=lambda place: counts[place]):
        part = parts[index]
        assert part.geometry.indices is not None
        kept = part.geometry.indices
        target = max(1, int(left * counts[index] / max(waiting, 1) / part.instances))
        if part.geometry.triangles > target:
            rough = simplify_sloppy(kept, _placed_points(part), target_triangles=target)
            kept = rough.indices if len(rough.indices) else _largest_triangle(part.geometry)
        split[index] = kept
        waiting -= counts[index]
        left -= len(kept) // 3 * part.instances
    return split


def _with_indices(document: Document, parts: list[_Part], split: list[Indices]) -> Document:
    new = {part.key: (part.geometry, kept) for part, kept in zip(parts, split, strict=True)}
    editor = document.edit()
    done: dict[tuple[object, ...], JsonObject] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            key = primitive_key(primitive)
            if key in done:
                share_geometry(done[key], primitive)
            elif key in new:
                geometry, kept = new[key]
                put_geometry(editor, primitive, compact(geometry.with_indices(kept)))
                done[key] = primitive
    return editor.finish()
