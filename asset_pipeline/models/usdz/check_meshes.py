"""The rules each mesh of a USDZ must keep. [spec], [arkit], [wwdc], [ufg]: see `check_usdz`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heritage_sites.problem import Problem

EXTENT_SHARE = 1e-4  # of the mesh's size; a phone places and scales the model by its extents


def count_triangles(mesh: Any) -> int:
    """Triangles the mesh is drawn with."""
    counts = _array(mesh.GetFaceVertexCountsAttr().Get(), 0)
    return int(np.maximum(counts - 2, 0).sum())


def find_mesh_problems(mesh: Any) -> Iterator[Problem]:
    """Every rule one UsdGeom.Mesh breaks."""
    where = str(mesh.GetPath())
    points = _array(mesh.GetPointsAttr().Get(), 3)
    corners = _array(mesh.GetFaceVertexIndicesAttr().Get(), 0)
    counts = _array(mesh.GetFaceVertexCountsAttr().Get(), 0)
    if mesh.GetSubdivisionSchemeAttr().Get() != "none":
        # USD's default is Catmull-Clark, which would round every edge of a triangle mesh
        yield _problem(where, "its subdivision scheme is not `none`.")
    if not len(points) or not len(corners):
        yield _problem(where, "the mesh is empty.")
        return
    if int(counts.sum()) != len(corners) or corners.min() < 0 or corners.max() >= len(points):
        yield _problem(where, "its faces point to vertices that are not there.")
    if not np.isfinite(points).all():
        yield _problem(where, "points are not finite numbers.")
        return
    yield from _extent(mesh, where, points)
    yield from _normals(mesh, where, len(points), len(corners))
    yield from _primvars(mesh, where, len(points), len(corners))


def _extent(mesh: Any, where: str, points: NDArray[Any]) -> Iterator[Problem]:
    """[arkit] "gprims have extents", and right ones."""
    if not mesh.GetExtentAttr().HasAuthoredValue():
        yield _problem(where, "it has no extent.")
        return
    extent = _array(mesh.GetExtentAttr().Get(), 3)
    right = np.array([points.min(axis=0), points.max(axis=0)])
    slack = EXTENT_SHARE * float(np.ptp(right, axis=0).max())
    if extent.shape != (2, 3) or not np.allclose(extent, right, rtol=0, atol=max(slack, 1e-9)):
        yield _problem(where, "its extent is not that of its points.")


def _normals(mesh: Any, where: str, points: int, corners: int) -> Iterator[Problem]:
    """Ours: without normals each viewer makes its own, flat or smooth."""
    normals = mesh.GetNormalsAttr()
    if not normals.HasAuthoredValue():
        yield _problem(where, "it has no normals.")
        return
    values = _array(normals.Get(), 3)
    interpolation = mesh.GetNormalsInterpolation()
    wanted = {"vertex": points, "varying": points, "faceVarying": corners}.get(interpolation)
    if len(values) != wanted:
        yield _problem(
            where, f"it has {len(values)} normals at interpolation {interpolation}, want {wanted}."
        )
    if not np.isfinite(values).all():
        yield _problem(where, "normals are not finite numbers.")


def _primvars(mesh: Any, where: str, points: int, corners: int) -> Iterator[Problem]:
    from pxr import UsdGeom

    for primvar in UsdGeom.PrimvarsAPI(mesh).GetPrimvarsWithAuthoredValues():
        if primvar.GetTypeName() not in ("texCoord2f[]", "float2[]", "texCoord2d[]", "texCoord2h[]"):
            continue
        values = _array(primvar.ComputeFlattened(), 2)
        wanted = {"vertex": points, "varying": points, "faceVarying": corners}.get(primvar.GetInterpolation())
        if len(values) != wanted:
            yield _problem(where, f"{primvar.GetPrimvarName()} has {len(values)} values, want {wanted}.")
        if not np.isfinite(values).all():
            yield _problem(where, f"{primvar.GetPrimvarName()} holds what is no finite number.")


def _array(value: Any, width: int) -> NDArray[Any]:
    """A USD array as numpy; empty where there is none."""
    if value is None or not len(value):
        return np.zeros((0, width) if width else 0)
    return np.asarray(value, np.float64 if width else np.int64)


def _problem(where: str, message: str) -> Problem:
    return Problem(file="", where=where, message=message)
