"""The master's relief on a reduced model: a tangent-space normal map, baked from the full surface.

For each texel the nearest point of the master's surface is looked up, and the master's normal there is
written in the tangent frame that viewers work out from the UV themselves (three.js, model-viewer, Babylon:
the gradients of u and v across the triangle, the interpolated normal). So no TANGENT is written: it would
cost bytes at every vertex, and one made by MikkTSpace differs from that frame by less than the charts bend.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor, Document, DocumentEditor, Image, JsonObject, copy_tree
from asset_pipeline.models.geometry import Geometry
from asset_pipeline.models.steps.bake_normals_frame import in_tangent_frame
from asset_pipeline.models.steps.bake_normals_master import MasterSurface, TimeIsUp
from asset_pipeline.models.steps.colour_to_texture import png_bytes
from asset_pipeline.models.steps.model_parts import Part, parts_of, placed_normals, placed_points
from asset_pipeline.models.steps.rasterize_uv import (
    Texels,
    TooManyTexels,
    fill_gaps,
    is_usable_uv,
    rasterize_uv,
)
from asset_pipeline.models.steps.unwrap import unwrap
from asset_pipeline.models.steps.unwrap_surfaces import Surface, add_texture, collect_surfaces, put_surface

MIN_TEXTURE_PX = 64
TEXELS_PER_MASTER_TRIANGLE = 3  # more texels than that hold nothing the master has
MIN_LOSS = 1.5  # times as many triangles in the master; with fewer there is nothing to bake back
LOOKS = 2000
MIN_RELIEF = 5e-4  # mean of 1 - cosine; a surface that is 2 degrees off everywhere gets no map
UNWRAP_SHARE = 0.5  # of the time may go into unwrapping
TEXELS_AT_ONCE = 1 << 18


def bake_normals(reduced: Document, master: Document, *, max_px: int, time_limit_s: float) -> Document:
    """The reduced model with a normal map of at most max_px that shows the master's relief.

    Surfaces keep their UV where these give every point a place of its own; others are cut open into one
    atlas, beside the UV their other textures read. Skinned models are baked in their rest pose.

    Comes back as it is: when it has normal maps already or no normals, when the master has hardly more
    triangles, and when the time is up. Whether the map is worth its bytes is for the caller to judge.
    """
    if max_px < MIN_TEXTURE_PX or not time_limit_s > 0:
        raise ValueError(
            f"bake_normals: want max_px >= {MIN_TEXTURE_PX} and a positive time, got {max_px}, {time_limit_s}"
        )
    deadline = time.monotonic() + time_limit_s
    source, target = parts_of(master), parts_of(reduced)
    lost = _triangles(source) >= MIN_LOSS * max(_triangles(target), 1)
    if not lost or not _can_bake(reduced):
        return reduced
    try:
        return _baked(reduced, source, max_px, deadline)
    except (TimeIsUp, TooManyTexels):
        return reduced


def _triangles(parts: Sequence[Part]) -> int:
    return sum(part.geometry.triangles for part in parts)


def _can_bake(document: Document) -> bool:
    """No normal maps, normals everywhere, and no tangents that belong to other UV."""
    if any("normalTexture" in material for material in document.items("materials")):
        return False
    primitives = [primitive for _, _, primitive in document.primitives() if primitive.get("mode", 4) >= 4]
    return bool(primitives) and all("NORMAL" in primitive["attributes"] for primitive in primitives)


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A surface with the UV it is baked in. points, normals: as they stand in the world."""

    surface: Surface
    geometry: Geometry
    uv: NDArray[np.float32]
    uv_set: int
    points: NDArray[np.float32]
    normals: NDArray[np.float32]

    @property
    def triangles(self) -> NDArray[np.uint32]:
        assert self.geometry.indices is not None
        return self.geometry.indices.reshape(-1, 3)


def _baked(reduced: Document, source: Sequence[Part], max_px: int, deadline: float) -> Document:
    editor = reduced.edit()
    master = MasterSurface(source, deadline)
    surfaces = [surface for surface in collect_surfaces(reduced, editor) if _lacks_relief(surface, master)]
    targets = (_own_uv(surfaces) or _atlas(surfaces, deadline)) if surfaces else None
    if targets is None:
        return reduced
    texels = rasterize_uv(
        np.concatenate([target.uv[target.triangles] for target in targets]), *_size(source, max_px)
    )
    picture = _paint(targets, texels, master)
    editor.images.append(Image(png_bytes(picture), "image/png", "normals"))
    texture = add_texture(editor, len(editor.images) - 1)
    _put(reduced, editor, targets, texture)
    return editor.finish()


def _lacks_relief(surface: Surface, master: MasterSurface) -> bool:
    """Whether the master's normals differ from the surface's own in the middle of some triangles."""
    target = _target(surface, surface.geometry, np.zeros((surface.geometry.vertices, 2), np.float32), 0)
    corners = target.triangles[:: max(1, len(target.triangles) // LOOKS)]
    normals = target.normals[corners].mean(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.float32(1e-20))
    wanted = master.normals_at(target.points[corners].mean(axis=1), normals)
    return float((1 - (wanted * normals).sum(axis=1)).mean()) > MIN_RELIEF


def _size(source: Sequence[Part], max_px: int) -> tuple[int, int]:
    px = MIN_TEXTURE_PX
    while px * 2 <= max_px and px * px < TEXELS_PER_MASTER_TRIANGLE * _triangles(source):
        px *= 2
    return px, px


def _own_uv(surfaces: Sequence[Surface]) -> list[_Target] | None:
    """All surfaces in the UV they have, if together they give each point its own place."""
    uvs = [surface.uv(0) for surface in surfaces]
    kept = [uv for uv in uvs if uv is not None]
    if len(kept) != len(surfaces):
        return None
    corners = np.concatenate([uv[surface.triangles] for uv, surface in zip(kept, surfaces, strict=True)])
    if not is_usable_uv(corners, np.concatenate([surface.areas for surface in surfaces])):
        return None
    return [_target(surface, surface.geometry, uv, 0) for surface, uv in zip(surfaces, kept, strict=True)]


def _atlas(surfaces: Sequence[Surface], deadline: float) -> list[_Target] | None:
    left_s = (deadline - time.monotonic()) * UNWRAP_SHARE
    patches = unwrap([surface.mesh for surface in surfaces], time_limit_s=left_s) if left_s > 0 else None
    if patches is None:
        return None
    targets = []
    for surface, patch in zip(surfaces, patches, strict=True):
        number = 0
        while f"TEXCOORD_{number}" in surface.geometry.attributes:
            number += 1
        cut = surface.geometry.take(patch.rows).with_indices(patch.triangles.reshape(-1))
        columns = {**cut.attributes, f"TEXCOORD_{number}": Accessor(patch.uv, "VEC2")}
        columns.pop("TANGENT", None)
        geometry = Geometry(cut.mode, cut.indices, columns, cut.targets)
        targets.append(_target(surface, geometry, patch.uv, number))
    return targets


def _target(surface: Surface, geometry: Geometry, uv: NDArray[np.float32], uv_set: int) -> _Target:
    placed = Part((), geometry, 1, surface.placed)
    return _Target(surface, geometry, uv, uv_set, placed_points(placed), placed_normals(placed))


def _paint(targets: Sequence[_Target], texels: Texels, master: MasterSurface) -> NDArray[np.uint8]:
    """(height, width, 3): normals as colours."""
    points, normals, uvs, corners, start = [], [], [], [], 0
    for target in targets:
        points.append(target.points)
        normals.append(target.normals)
        uvs.append(target.uv)
        corners.append(target.triangles.astype(np.int64) + start)
        start += len(target.points)
    mesh = _Joined(
        np.concatenate(points), np.concatenate(normals), np.concatenate(uvs), np.concatenate(corners)
    )
    picture = np.zeros((texels.height_px * texels.width_px, 3), np.float32)
    for first in range(0, len(texels.place), TEXELS_AT_ONCE):
        rows = slice(first, first + TEXELS_AT_ONCE)
        part = Texels(
            texels.width_px, texels.height_px, texels.place[rows], texels.triangle[rows], texels.weights[rows]
        )
        normal = part.interpolate(mesh.normals, mesh.corners)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.float32(1e-20))
        wanted = master.normals_at(part.interpolate(mesh.points, mesh.corners), normal)
        picture[part.place] = in_tangent_frame(
            wanted, normal, mesh.points[mesh.corners[part.triangle]], mesh.uv[mesh.corners[part.triangle]]
        )
    is_covered = np.zeros(len(picture), bool)
    is_covered[texels.place] = True
    shape = (texels.height_px, texels.width_px)
    filled = fill_gaps(picture.reshape(*shape, 3), is_covered.reshape(shape))
    return np.rint(filled * 127.5 + 127.5).clip(0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Joined:
    """All targets as one mesh."""

    points: NDArray[np.float32]
    normals: NDArray[np.float32]
    uv: NDArray[np.float32]
    corners: NDArray[np.int64]


def _put(document: Document, editor: DocumentEditor, targets: Sequence[_Target], texture: int) -> None:
    """Draw the targets, each material once per UV set with the normal map added."""
    materials: dict[tuple[Any, ...], int] = {}
    for target in targets:
        number = target.surface.material
        key = (number, target.uv_set)
        if key not in materials:
            material: JsonObject = {} if number is None else copy_tree(document.items("materials")[number])
            info: JsonObject = {"index": texture}
            if target.uv_set:
                info["texCoord"] = target.uv_set
            material["normalTexture"] = info
            editor.json.setdefault("materials", []).append(material)
            materials[key] = len(editor.json["materials"]) - 1
        columns = {name: column for name, column in target.geometry.attributes.items() if name != "TANGENT"}
        geometry = Geometry(target.geometry.mode, target.geometry.indices, columns, target.geometry.targets)
        put_surface(editor, target.surface, geometry, materials[key])
