"""Primitives as USD meshes: plain triangles with a normal at every vertex, and one `st` for all textures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import TRIANGLES, Document, JsonObject
from asset_pipeline.models.geometry import Geometry, geometry_of
from asset_pipeline.models.steps.weld import as_triangles, compact
from asset_pipeline.models.usdz.materials import material_of, textures_of
from asset_pipeline.models.usdz.texture_mapping import Floats, st_of

SAME_UV = 1e-5  # two mappings that differ by less are one: a fiftieth of a texel of a 2048 px texture


@dataclass(frozen=True, slots=True, eq=False)
class MeshNumbers:
    """What one UsdGeom.Mesh holds. slots: the textures that lie on `st`; left_out: those that do not."""

    points: Floats
    normals: Floats
    triangles: NDArray[np.int32]  # (n, 3)
    st: Floats | None
    slots: tuple[str, ...]
    left_out: tuple[str, ...]
    geometry: Geometry  # the rows the other columns come from

    def mirrored(self) -> "MeshNumbers":
        """The same mesh mirrored in x, faces turned so that they look outwards again."""
        flip = np.array([-1, 1, 1], np.float32)
        return MeshNumbers(
            self.points * flip,
            self.normals * flip,
            self.triangles[:, [0, 2, 1]],
            self.st,
            self.slots,
            self.left_out,
            self.geometry,
        )


def numbers_of(
    document: Document, primitive: JsonObject, weights: Sequence[float] = ()
) -> MeshNumbers | None:
    """The primitive's triangles, morph targets applied with these weights; None for points and lines."""
    geometry = as_triangles(geometry_of(document, primitive))
    if geometry.mode != TRIANGLES or geometry.indices is None or "POSITION" not in geometry.attributes:
        return None
    corners = geometry.indices[: len(geometry.indices) // 3 * 3]
    if not len(corners):
        return None
    has_normals = "NORMAL" in geometry.attributes
    if not has_normals:  # glTF then wants flat faces: every corner becomes a vertex of its own
        geometry = geometry.take(corners).with_indices(np.arange(len(corners), dtype=np.uint32))
    else:
        geometry = compact(geometry.with_indices(corners))
    assert geometry.indices is not None
    triangles = geometry.indices.reshape(-1, 3).astype(np.int32)
    points = _posed(geometry, weights, "POSITION")
    normals = _unit(_posed(geometry, weights, "NORMAL")) if has_normals else _flat_normals(points)
    st, slots, left_out = _mapping(geometry, material_of(document, primitive))
    return MeshNumbers(points, normals, triangles, st, slots, left_out, geometry)


def _posed(geometry: Geometry, weights: Sequence[float], name: str) -> Floats:
    """A column with the morph targets added: ARKit shows none."""
    values = geometry.attributes[name].as_floats()
    for target, weight in zip(geometry.targets, weights, strict=False):
        if weight and name in target:
            values = values + np.float32(weight) * target[name].as_floats()
    return np.ascontiguousarray(values, np.float32)


def _unit(normals: Floats) -> Floats:
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    unit: Floats = np.where(length > 0, normals / np.maximum(length, 1e-30), np.array([0, 1, 0], np.float32))
    return unit.astype(np.float32)


def _flat_normals(points: Floats) -> Floats:
    corners = points.reshape(-1, 3, 3).astype(np.float64)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    normals = np.where(length > 0, across / np.maximum(length, 1e-300), [0.0, 1.0, 0.0])
    return np.repeat(normals, 3, axis=0).astype(np.float32)


def _mapping(
    geometry: Geometry, material: JsonObject
) -> tuple[Floats | None, tuple[str, ...], tuple[str, ...]]:
    """(st, slots that use it, slots that would need another one): Quick Look reads a single UV set."""
    st: Floats | None = None
    slots, left_out = [], []
    for slot, info in textures_of(material).items():
        found = st_of(geometry, info)
        if found is None or (st is not None and not np.allclose(found, st, rtol=0, atol=SAME_UV)):
            left_out.append(slot)
            continue
        if st is None:
            st = found
        slots.append(slot)
    return st, tuple(slots), tuple(left_out)


def write_mesh(stage: Any, path: str, numbers: MeshNumbers, *, is_double_sided: bool) -> Any:
    """Define the UsdGeom.Mesh; the material is bound by the caller."""
    from pxr import Gf, Sdf, UsdGeom, Vt

    types: Any = Sdf.ValueTypeNames
    arrays: Any = Vt
    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(is_double_sided)
    mesh.CreatePointsAttr(arrays.Vec3fArray.FromNumpy(np.ascontiguousarray(numbers.points)))
    low, high = numbers.points.min(axis=0), numbers.points.max(axis=0)
    mesh.CreateExtentAttr([Gf.Vec3f(*map(float, low)), Gf.Vec3f(*map(float, high))])
    counts = np.full(len(numbers.triangles), 3, np.int32)
    mesh.CreateFaceVertexCountsAttr(arrays.IntArray.FromNumpy(counts))
    corners = np.ascontiguousarray(numbers.triangles.reshape(-1), np.int32)
    mesh.CreateFaceVertexIndicesAttr(arrays.IntArray.FromNumpy(corners))
    mesh.CreateNormalsAttr(arrays.Vec3fArray.FromNumpy(np.ascontiguousarray(numbers.normals)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    if numbers.st is not None:
        st = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar("st", types.TexCoord2fArray, UsdGeom.Tokens.vertex)
        st.Set(arrays.Vec2fArray.FromNumpy(np.ascontiguousarray(numbers.st)))
    return mesh
