"""Points with colours, as LAS, XYZ, PLY and Draco give them, and the glTF Document of POINTS made of them.

A cloud is shown as what it is, points; nothing here makes a surface of it.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import POINTS, Accessor, Array, Document, JsonObject
from asset_pipeline.models.reading.local_origin import Source, with_source
from asset_pipeline.models.reading.surfaces import Floats, linear_of_srgb, unit_normals
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

MAX_POINTS = 10_000_000  # kept of a cloud: 180 MB of positions and colours, twenty times what a phone draws
LARGEST_COORDINATE = 1e30  # past it 32-bit floats end; no place on Earth needs it
GREY = 0.6  # linear light, for points without colour; as for meshes


@dataclass(frozen=True, slots=True, eq=False)
class PointCloud:
    """positions: (n, 3) float32, metres, y up. colors: (n, 3 or 4) linear, float32 or normalized uint16.

    source: see `local_origin`.
    """

    positions: Floats
    colors: Array | None = None
    normals: Floats | None = None
    source: Source = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, column in (("colors", self.colors), ("normals", self.normals)):
            if column is not None and len(column) != len(self.positions):
                raise ValueError(f"{name}: want {len(self.positions)} rows, got {len(column)}")


def document_of_points(cloud: PointCloud, name: str) -> Document:
    """One node with one mesh of one POINTS primitive.

    Without normals it has no light to catch: the material says unlit, as glTF recommends for such points.
    """
    accessors = [Accessor(np.ascontiguousarray(cloud.positions, np.float32), "VEC3")]
    attributes: JsonObject = {"POSITION": 0}
    material: JsonObject = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}
    json: JsonObject = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": [{"attributes": attributes, "material": 0, "mode": POINTS}]}],
        "materials": [material],
    }
    if cloud.normals is None:
        material["extensions"] = {"KHR_materials_unlit": {}}
        json["extensionsUsed"] = ["KHR_materials_unlit"]
    else:
        attributes["NORMAL"] = len(accessors)
        accessors.append(Accessor(unit_normals(cloud.normals), "VEC3"))
    if cloud.colors is None:
        material["pbrMetallicRoughness"]["baseColorFactor"] = [GREY, GREY, GREY, 1.0]
    else:
        attributes["COLOR_0"] = len(accessors)
        is_whole = cloud.colors.dtype == np.uint16
        colors = np.ascontiguousarray(cloud.colors)
        accessors.append(Accessor(colors, f"VEC{colors.shape[1]}", normalized=is_whole))
    return with_source(Document(json, tuple(accessors)), cloud.source)


def shown_as_points(points: int) -> Problem:
    """What every cloud's sender is told."""
    return warn(
        f"The file holds {points:,} points and no triangles: it is shown as points.",
        advice="For a surface, make a mesh of it first (surface reconstruction in MeshLab or CloudCompare).",
    )


def kept_rows(points: int, start: int, stop: int) -> NDArray[np.int64] | None:
    """Which of the points start to stop (of `points` in all) are kept, counted from start; None for all.

    Evenly spread over the file's order, the same on every run, `MAX_POINTS` in all.
    """
    if points <= MAX_POINTS:
        return None
    first = -(-start * MAX_POINTS // points)
    last = -(-stop * MAX_POINTS // points)
    kept = np.arange(first, last, dtype=np.int64)
    return kept * points // MAX_POINTS - start


def thinned_warning(points: int) -> list[Problem]:
    """The warning about `kept_rows`, where there is something to tell."""
    if points <= MAX_POINTS:
        return []
    message = f"Of {points:,} points {MAX_POINTS:,} were kept, evenly spread: more are not taken."
    return [warn(message, advice="Thin the cloud out by distance, or split it, to choose them yourself.")]


def drop_broken(cloud: PointCloud) -> tuple[PointCloud, list[Problem]]:
    """Without the points whose coordinates are not finite. Refused where none is left."""
    good: NDArray[np.bool_] = np.all(np.abs(cloud.positions) < LARGEST_COORDINATE, axis=1)
    if good.all():
        return cloud, []
    if not good.any():
        raise refuse(
            f"None of the {len(good):,} points has coordinates that are numbers.",
            advice="Export the cloud again.",
        )
    left = replace(
        cloud,
        positions=cloud.positions[good],
        colors=None if cloud.colors is None else cloud.colors[good],
        normals=None if cloud.normals is None else cloud.normals[good],
    )
    message = (
        f"{int((~good).sum()):,} of {len(good):,} points have a coordinate that is not a number or is "
        "infinite; they were left out."
    )
    return left, [warn(message)]


def colors_of_bytes(colors: NDArray[np.uint8] | NDArray[np.uint16], *, bits: int) -> NDArray[np.uint16]:
    """sRGB whole numbers of 8 or 16 bits as linear light in normalized uint16."""
    steps = 2**bits
    table = np.rint(linear_of_srgb(np.arange(steps) / (steps - 1)).astype(np.float64) * 65535)
    return table.astype(np.uint16)[colors]


def greys_of_intensity(intensity: NDArray[Any]) -> NDArray[np.uint16] | None:
    """Grey levels from a scanner's intensities: 0 black, the brightest but 1 % white; None for no contrast.

    Scanners write intensities on scales of their own, so no absolute level is right.
    """
    values = np.asarray(intensity, np.float32)
    values = np.where(np.isfinite(values), values, 0)
    low, high = min(float(values.min()), 0.0), float(np.percentile(values, 99))
    if high <= low or float(values.min()) == float(values.max()):
        return None
    levels = np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return np.repeat(colors_of_bytes(levels, bits=8)[:, None], 3, axis=1)
