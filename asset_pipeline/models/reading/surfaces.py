"""Triangles with one material each, as OBJ, PLY and STL give them, and the glTF Document made of them.

Coordinates stay as they are: these formats name neither an up axis nor a unit, so y is taken as up and 1 as a
metre (docs/ say so to editors). Materials are two-sided and not metallic: the formats do not promise outward
faces.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor, Document, Image, JsonObject
from asset_pipeline.outcome import refuse

SMOOTH_BELOW_DEG = 35.0  # normals are made smooth if nine edges of ten bend less than this
SMOOTH_SHARE = 0.9
ARRAY_BUFFER_ATTRIBUTES = ("POSITION", "NORMAL", "TEXCOORD_0", "COLOR_0")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SurfaceMaterial:
    """A material before it is glTF. base_color and emissive: linear light, 0 to 1; base_color with
    opacity."""

    name: str = ""
    base_color: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    emissive: tuple[float, float, float] = (0.0, 0.0, 0.0)
    roughness: float = 0.9
    metallic: float = 0.0
    base_color_image: Image | None = None
    normal_image: Image | None = None


PLAIN = SurfaceMaterial(base_color=(0.6, 0.6, 0.6, 1.0))  # for what comes without colour: light grey, linear


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """An indexed triangle mesh. triangles: (n, 3). uv has its origin at the top left, as glTF. colors:
    linear."""

    positions: Floats
    triangles: NDArray[np.uint32]
    normals: Floats | None = None
    uv: Floats | None = None
    colors: Floats | None = None
    material: SurfaceMaterial = field(default_factory=SurfaceMaterial)


def document_of(surfaces: Sequence[Surface], name: str) -> Document:
    """One node with one mesh, a primitive per surface. Raises Refused for numbers that are not finite."""
    accessors: list[Accessor] = []
    images: list[Image] = []
    materials: list[JsonObject] = []
    primitives: list[JsonObject] = []
    for surface in surfaces:
        check_finite(surface.positions)
        normals = surface.normals if surface.normals is not None else smooth_normals(surface)
        columns = {
            "POSITION": (surface.positions, "VEC3"),
            "NORMAL": (None if normals is None else unit_normals(normals), "VEC3"),
            "TEXCOORD_0": (surface.uv, "VEC2"),
            "COLOR_0": (surface.colors, f"VEC{0 if surface.colors is None else surface.colors.shape[1]}"),
        }
        attributes: JsonObject = {}
        for attribute in ARRAY_BUFFER_ATTRIBUTES:
            array, kind = columns[attribute]
            if array is not None:
                attributes[attribute] = len(accessors)
                accessors.append(Accessor(np.ascontiguousarray(array, np.float32), kind))
        materials.append(_material_json(surface.material, images))
        primitives.append(
            {"attributes": attributes, "indices": len(accessors), "material": len(materials) - 1, "mode": 4}
        )
        accessors.append(Accessor(surface.triangles.astype(np.uint32).reshape(-1, 1), "SCALAR"))
    json: JsonObject = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": primitives}],
        "materials": materials,
    }
    if images:
        json["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
        json["textures"] = [{"sampler": 0, "source": index} for index in range(len(images))]
    return Document(json, tuple(accessors), tuple(images))


def check_finite(positions: NDArray[Any]) -> None:
    """Raises Refused for a coordinate that is no number, infinite, or past what 32-bit floats hold."""
    bad = ~(np.abs(positions) < 1e30).all(axis=1)
    if bad.any():
        raise refuse(
            f"{int(bad.sum())} of {len(bad)} points have a coordinate that is not a number or is infinite.",
            where=f"point {int(np.argmax(bad)) + 1}",
            advice="Open the model in its program, delete loose or broken points and export it again.",
        )


def smooth_normals(surface: Surface) -> Floats | None:
    """Normals weighted by area, where the mesh is mostly smooth (a scan); None where it is not (a part, a
    box).

    Without normals a viewer shades each triangle flat, which is right for what has mostly sharp edges.
    """
    corners = surface.positions[surface.triangles].astype(np.float64)
    areas = np.asarray(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), np.float64)
    points, point = unique_points(surface.positions)
    shared = point[surface.triangles]  # so that seams of UV and material stay smooth
    if not _is_smooth(shared, areas):
        return None
    sums = np.zeros((len(points), 3))
    for corner in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(shared[:, corner], areas[:, axis], len(sums))
    return sums[point].astype(np.float32)


def unique_points(points: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The different points, in a fixed order, and for each point its place among them.

    Sorts 64-bit hashes, five times as fast as sorting rows; where two points share a hash, it does sort rows.
    """
    bits = (points + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0 makes -0 the same as 0
    with np.errstate(over="ignore"):
        mixed = bits @ np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
        mixed ^= mixed >> np.uint64(29)
    _, first, place = np.unique(mixed, return_index=True, return_inverse=True)
    different = points[first]
    if (different[place] != points).any():
        different, place = np.unique(points, axis=0, return_inverse=True)
    return different, place.reshape(-1).astype(np.int64)


def _is_smooth(triangles: NDArray[Any], areas: NDArray[np.float64]) -> bool:
    """Whether most edges between two triangles bend little."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1).astype(np.int64)
    key = edges[:, 0] << 32 | edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    first, second = order[:-1][same] // 3, order[1:][same] // 3
    if first.size == 0:
        return False
    product = np.linalg.norm(areas[first], axis=1) * np.linalg.norm(areas[second], axis=1)
    cosine = (areas[first] * areas[second]).sum(axis=1) / np.maximum(product, 1e-300)
    return bool((cosine > np.cos(np.radians(SMOOTH_BELOW_DEG))).mean() >= SMOOTH_SHARE)


def unit_normals(normals: Floats) -> Floats:
    """Normals of length 1; one that has no direction points up, because glTF allows no zero."""
    finite = np.where(np.isfinite(normals), normals, 0).astype(np.float64)
    length = np.linalg.norm(finite, axis=1, keepdims=True)
    unit = np.where(length > 1e-30, finite / np.maximum(length, 1e-30), [0.0, 1.0, 0.0])
    return unit.astype(np.float32)


def _material_json(material: SurfaceMaterial, images: list[Image]) -> JsonObject:
    pbr: JsonObject = {"metallicFactor": material.metallic, "roughnessFactor": material.roughness}
    if material.base_color != (1.0, 1.0, 1.0, 1.0):
        pbr["baseColorFactor"] = list(material.base_color)
    if material.base_color_image is not None:
        pbr["baseColorTexture"] = {"index": _place_of(material.base_color_image, images)}
    result: JsonObject = {"pbrMetallicRoughness": pbr, "doubleSided": True}
    if material.name:
        result["name"] = material.name
    if material.normal_image is not None:
        result["normalTexture"] = {"index": _place_of(material.normal_image, images)}
    if any(material.emissive):
        result["emissiveFactor"] = list(material.emissive)
    if material.base_color[3] < 1:
        result["alphaMode"] = "BLEND"
    return result


def _place_of(image: Image, images: list[Image]) -> int:
    for index, other in enumerate(images):
        if other.body == image.body:
            return index
    images.append(image)
    return len(images) - 1


def linear_of_srgb(colors: NDArray[Any]) -> Floats:
    """Colours as files write them (sRGB, 0 to 1) in the linear light that glTF's factors and COLOR_0 hold."""
    srgb = np.clip(np.asarray(colors, np.float64), 0, 1)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def as_float32(values: NDArray[Any]) -> Floats:
    """Narrowed without a warning; what does not fit becomes infinite and is refused later."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
