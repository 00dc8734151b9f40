"""Surfaces of formats that promise nothing about winding (OBJ, PLY, STL), wound alike and outwards.

Before normals are computed, because mixed winding makes them cancel out.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.reading.surfaces import Floats, Surface, unique_points
from asset_pipeline.models.steps.repair import MIN_TURNED_SHARE, agreement, face_normals
from asset_pipeline.models.steps.repair_winding import MAX_ORIENTED_TRIANGLES, Winding, repair_winding
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem


def orient(surfaces: Sequence[Surface]) -> tuple[list[Surface], list[Problem]]:
    """All surfaces of a model together: a body may be of several materials.

    Left as they are: more than MAX_ORIENTED_TRIANGLES, parts whose edges belong to three triangles or more,
    open parts that agree with themselves.
    """
    lengths = [len(surface.triangles) for surface in surfaces]
    finite = all(np.isfinite(surface.positions).all() for surface in surfaces)
    if not 0 < sum(lengths) <= MAX_ORIENTED_TRIANGLES or not finite:
        return list(surfaces), []
    points, place = unique_points(np.concatenate([surface.positions for surface in surfaces]))
    first = np.cumsum([0, *(len(surface.positions) for surface in surfaces)])
    triangles = np.concatenate(
        [
            place[surface.triangles.astype(np.int64) + start]
            for surface, start in zip(surfaces, first, strict=False)
        ]
    )
    exact = points.astype(np.float64)
    faces = face_normals(exact, triangles)
    winding = repair_winding(exact, triangles, _outward(surfaces, faces))
    if not winding.flipped.any():
        return list(surfaces), []
    ends = np.cumsum([0, *lengths])
    turned = [
        _flip(surface, winding, faces, slice(start, end))
        for surface, start, end in zip(surfaces, ends[:-1], ends[1:], strict=True)
    ]
    return turned, _warnings(winding, len(triangles))


def _outward(surfaces: Sequence[Surface], faces: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """`repair_winding`'s outward, from the normals that came with the file."""
    if not any(surface.normals is not None for surface in surfaces):
        return None
    signed = np.zeros(len(faces))
    start = 0
    for surface in surfaces:
        end = start + len(surface.triangles)
        if surface.normals is not None:
            signed[start:end] = agreement(faces[start:end], surface.normals, surface.triangles)
        start = end
    return np.nan_to_num(signed)


def _flip(surface: Surface, winding: Winding, faces: NDArray[np.float64], rows: slice) -> Surface:
    """The surface with its wrong triangles turned, and the normals of parts that agreed with them."""
    flipped = winding.flipped[rows]
    triangles = surface.triangles.copy()
    triangles[flipped] = triangles[flipped][:, [0, 2, 1]]
    if surface.normals is None:
        return replace(surface, triangles=triangles)
    now = np.where(flipped[:, None], -faces[rows], faces[rows])
    signed = np.nan_to_num(agreement(now, surface.normals, triangles))
    part = winding.part[rows]
    against = np.bincount(part, np.maximum(-signed, 0))
    total = np.bincount(part, np.abs(signed))
    wrong = (against > MIN_TURNED_SHARE * total)[part] & flipped
    return replace(surface, triangles=triangles, normals=_negated(surface.normals, triangles[wrong]))


def _negated(normals: Floats, triangles: NDArray[np.uint32]) -> Floats:
    result = normals.copy()
    used = np.unique(triangles)
    result[used] *= -1
    return result


def _warnings(winding: Winding, triangles: int) -> list[Problem]:
    said = []
    if winding.against_neighbours:
        message = (
            f"{winding.against_neighbours:,} of {triangles:,} triangles faced the other way than their "
            "neighbours; they were turned round."
        )
        said.append(
            warn(message, advice="If a side is missing or dark now, unify the normals in a 3D program.")
        )
    if winding.inside_out:
        bodies = (
            "A closed body was" if winding.inside_out == 1 else f"{winding.inside_out:,} closed bodies were"
        )
        message = f"{bodies} inside out, its faces turned inwards; that was turned round."
        said.append(
            warn(message, advice="If it is a room to stand in, send it as GLB: its faces stay as they are.")
        )
    return said
