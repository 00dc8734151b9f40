"""Mend what is wrong with a model's surface: normals that point against the way its triangles are wound."""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import TRIANGLES, Accessor, Document
from asset_pipeline.models.geometry import Geometry, geometry_of, primitive_key, put_geometry, share_geometry
from asset_pipeline.models.steps.weld import as_triangles
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

MIN_TURNED_SHARE = (
    0.9  # of a primitive's area; below, some normals are odd, but they are not all turned round
)


def repair(document: Document) -> tuple[Document, tuple[Problem, ...]]:
    """The model with normals on the side that its triangles face, and a WARNING where some were turned.

    glTF lights and shows the side from which a triangle's corners run counter-clockwise; normals on the other
    side make it dark. Degenerate triangles are dropped by `weld`, numbers that are none by the readers.
    """
    editor = document.edit()
    warnings: list[Problem] = []
    done: dict[tuple[object, ...], int] = {}
    places = [primitive for _, _, primitive in document.primitives()]
    changed = [primitive for mesh in editor.items("meshes") for primitive in mesh["primitives"]]
    for index, (mesh, place, primitive) in enumerate(document.primitives()):
        key = primitive_key(primitive)
        if key in done:
            share_geometry(changed[done[key]], changed[index])
            continue
        done[key] = index
        geometry = geometry_of(document, places[index])
        share = turned_share(geometry)
        if share > MIN_TURNED_SHARE:
            put_geometry(editor, changed[index], _with_normals_turned(geometry))
            message = (
                f"The normals point away from the side that the triangles face, on {share:.0%} of the area; "
                "they were turned round."
            )
            warnings.append(warn(message, where=f"/meshes/{mesh}/primitives/{place}"))
    return (editor.finish(), tuple(warnings)) if warnings else (document, ())


def turned_share(geometry: Geometry) -> float:
    """The share of the area whose normals point against the winding; 0 without triangles or normals."""
    if "NORMAL" not in geometry.attributes or "POSITION" not in geometry.attributes:
        return 0.0
    geometry = as_triangles(geometry)
    if geometry.mode != TRIANGLES or geometry.indices is None or not len(geometry.indices):
        return 0.0
    corners = geometry.indices.reshape(-1, 3)
    positions = geometry.attributes["POSITION"].as_floats().astype(np.float64)
    normals = geometry.attributes["NORMAL"].as_floats()
    return _share_against(face_normals(positions, corners), normals, corners)


def face_normals(positions: NDArray[np.float64], corners: NDArray[np.integer]) -> NDArray[np.float64]:
    """Per triangle, the direction it faces, as long as twice its area."""
    a, b, c = (positions[corners[:, corner]] for corner in range(3))
    return np.asarray(np.cross(b - a, c - a), np.float64)


def agreement(
    faces: NDArray[np.float64], normals: NDArray[np.float32], corners: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Per triangle: its area where its corners' normals lie on the side it faces, minus its area where they
    lie on the other.
    """
    sums = normals[corners[:, 0]].astype(np.float64) + normals[corners[:, 1]] + normals[corners[:, 2]]
    sizes = np.sqrt((faces**2).sum(axis=1)) / 2
    return np.asarray(np.sign((faces * sums).sum(axis=1)) * sizes, np.float64)


def _share_against(
    faces: NDArray[np.float64], normals: NDArray[np.float32], corners: NDArray[np.integer]
) -> float:
    signed = agreement(faces, normals, corners)
    total = float(np.abs(signed).sum())
    return float(-signed[signed < 0].sum()) / total if total > 0 else 0.0


def _with_normals_turned(geometry: Geometry) -> Geometry:
    """Normals the other way; tangents keep their direction and their bitangents."""
    attributes = dict(geometry.attributes)
    attributes["NORMAL"] = _negated(attributes["NORMAL"])
    if "TANGENT" in attributes:
        tangents = attributes["TANGENT"].as_floats().copy()
        tangents[:, 3] *= -1
        attributes["TANGENT"] = Accessor(tangents, "VEC4", name=attributes["TANGENT"].name)
    targets = tuple(
        {name: _negated(column) if name == "NORMAL" else column for name, column in target.items()}
        for target in geometry.targets
    )
    return Geometry(geometry.mode, geometry.indices, attributes, targets)


def _negated(column: Accessor) -> Accessor:
    return Accessor(-column.as_floats(), column.type, name=column.name)
