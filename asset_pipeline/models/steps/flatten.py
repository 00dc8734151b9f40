"""A still model as one mesh in the world: what can be cut anywhere and joined again."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from asset_pipeline.models.document import (
    POINTS,
    TRIANGLE_FAN,
    TRIANGLE_STRIP,
    TRIANGLES,
    Accessor,
    Array,
    Document,
    DocumentEditor,
    JsonObject,
)
from asset_pipeline.models.geometry import Geometry, geometry_of, put_geometry
from asset_pipeline.models.steps.weld import as_triangles
from asset_pipeline.models.transforms import Matrix, shown_nodes, world_matrices

_KEPT_LISTS = ("asset", "materials", "textures", "samplers")
_VARIANTS = "KHR_materials_variants"
_INSTANCING = "EXT_mesh_gpu_instancing"

Piece = tuple[JsonObject, Geometry]  # a primitive without its numbers, and its numbers


def why_not_flat(document: Document) -> str | None:
    """Why a model cannot be flattened without a loss or a blow-up; None if it can."""
    if document.items("animations") or document.items("skins"):
        return "it is animated"
    nodes = document.items("nodes")
    if any(_INSTANCING in node.get("extensions", {}) for node in nodes):
        return "it shows a mesh many times"
    shown = [nodes[index]["mesh"] for index in shown_nodes(document.json) if "mesh" in nodes[index]]
    if len(shown) != len(set(shown)):
        return "it shows a mesh many times"
    for _, _, primitive in document.primitives():
        if primitive.get("targets"):
            return "it has morph targets"
        if primitive.get("mode", TRIANGLES) not in (POINTS, TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN):
            return "it has lines"
    return None


def flatten(document: Document) -> Document:
    """What the default scene shows as one mesh of one node, in metres of the world.

    One primitive per material and layout of columns. Materials, textures and images stay as and where they
    are; nodes, names, lights, cameras and what is not shown are gone. Raises ValueError for a model of which
    `why_not_flat` has something to say.
    """
    reason = why_not_flat(document)
    if reason is not None:
        raise ValueError(f"flatten: {reason}")
    return document_of(document, list(_placed_pieces(document)))


def pieces_of(document: Document) -> list[Piece]:
    """The primitives of a flat document."""
    return [(_bare(primitive), geometry_of(document, primitive)) for _, _, primitive in document.primitives()]


def document_of(source: Document, pieces: Sequence[Piece]) -> Document:
    """A flat document of these pieces, with the materials and images of `source`. Pieces that look alike and
    have the same columns become one.
    """
    tree: JsonObject = {key: source.json[key] for key in _KEPT_LISTS if key in source.json}
    if _VARIANTS in source.json.get("extensions", {}):
        tree["extensions"] = {_VARIANTS: source.json["extensions"][_VARIANTS]}
    groups: dict[str, list[Piece]] = {}
    for bare, geometry in pieces:
        groups.setdefault(_look(bare, geometry), []).append((bare, geometry))
    editor = Document(tree, (), source.images).edit()
    primitives = []
    for group in groups.values():
        primitive = dict(group[0][0])
        put_geometry(editor, primitive, _concatenated([geometry for _, geometry in group]))
        primitives.append(primitive)
    if primitives:
        editor.json["meshes"] = [{"primitives": primitives}]
        editor.json["nodes"] = [{"mesh": 0}]
        editor.json["scenes"] = [{"nodes": [0]}]
    else:
        editor.json["scenes"] = [{}]
    editor.json["scene"] = 0
    _declare_used(editor, source)
    return editor.finish()


def _placed_pieces(document: Document) -> Iterator[Piece]:
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    for index in shown_nodes(document.json):
        if "mesh" not in nodes[index]:
            continue
        for primitive in document.items("meshes")[nodes[index]["mesh"]]["primitives"]:
            geometry = as_triangles(geometry_of(document, primitive))
            if "POSITION" in geometry.attributes and _draws(geometry):
                yield _bare(primitive), _placed(geometry, world[index])


def _draws(geometry: Geometry) -> bool:
    corners = geometry.vertices if geometry.indices is None else len(geometry.indices)
    return corners >= (3 if geometry.mode == TRIANGLES else 1)


def _placed(geometry: Geometry, matrix: Matrix) -> Geometry:
    attributes = dict(geometry.attributes)
    position = attributes["POSITION"]
    if not np.array_equal(matrix, np.eye(4)) or position.array.dtype != np.float32:
        linear, shift = matrix[:3, :3], matrix[:3, 3]
        points = position.as_floats().astype(np.float64) @ linear.T + shift
        attributes["POSITION"] = Accessor(np.nan_to_num(points).astype(np.float32), "VEC3")
        if "NORMAL" in attributes:
            attributes["NORMAL"] = _turned(
                attributes["NORMAL"], np.asarray(np.linalg.pinv(linear).T, np.float64)
            )
        if "TANGENT" in attributes:
            attributes["TANGENT"] = _turned(attributes["TANGENT"], linear)
    indices = geometry.indices
    if np.linalg.det(matrix[:3, :3]) < 0 and geometry.mode == TRIANGLES and indices is not None:
        indices = np.ascontiguousarray(indices.reshape(-1, 3)[:, ::-1]).reshape(-1)
        if "TANGENT" in attributes:
            tangent = attributes["TANGENT"].as_floats().copy()
            tangent[:, 3] *= -1
            attributes["TANGENT"] = Accessor(tangent, "VEC4")
    return Geometry(geometry.mode, indices, attributes)


def _turned(column: Accessor, linear: Matrix) -> Accessor:
    """Directions turned and made unit length; a tangent keeps its sign."""
    values = column.as_floats().copy()
    turned = values[:, :3].astype(np.float64) @ linear.T
    lengths = np.sqrt((turned**2).sum(axis=1, keepdims=True))
    values[:, :3] = turned / np.maximum(lengths, 1e-30)
    return Accessor(values, column.type)


def _bare(primitive: JsonObject) -> JsonObject:
    return {key: value for key, value in primitive.items() if key not in ("attributes", "indices", "mode")}


def _look(bare: JsonObject, geometry: Geometry) -> str:
    columns = [
        (name, column.type, column.array.dtype.str, column.normalized)
        for name, column in sorted(geometry.attributes.items())
    ]
    return json.dumps([geometry.mode, geometry.indices is None, bare, columns], sort_keys=True)


def _concatenated(parts: list[Geometry]) -> Geometry:
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    attributes = {
        name: Accessor(
            np.concatenate([part.attributes[name].array for part in parts]), column.type, column.normalized
        )
        for name, column in first.attributes.items()
    }
    if first.indices is None:
        return Geometry(first.mode, None, attributes)
    starts = np.cumsum([0, *(part.vertices for part in parts)])
    shifted: list[Array] = []
    for part, start in zip(parts, starts, strict=False):
        assert part.indices is not None
        shifted.append(part.indices + np.uint32(start))
    return Geometry(first.mode, np.concatenate(shifted), attributes)


def _declare_used(editor: DocumentEditor, source: Document) -> None:
    """extensionsUsed and extensionsRequired of the source, without what is no longer there."""
    found = set(_extension_names(editor.json))
    for key in ("extensionsUsed", "extensionsRequired"):
        names = [name for name in source.json.get(key, []) if name in found]
        if names:
            editor.json[key] = names


def _extension_names(value: Any) -> Iterator[str]:
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, dict):
            yield from here.get("extensions", {})
            pending.extend(here.values())
        elif isinstance(here, list):
            pending.extend(here)
