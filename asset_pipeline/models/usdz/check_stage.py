"""The rules a USDZ's scene must keep: the stage itself, what it refers to, and the sum of its meshes.

[spec], [arkit], [wwdc], [ufg]: see `check_usdz`.
"""

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asset_pipeline.models.usdz.check_materials import find_material_problems
from asset_pipeline.models.usdz.check_meshes import count_triangles, find_mesh_problems
from asset_pipeline.models.usdz.limits import UsdzLimits
from asset_pipeline.models.usdz.usd import quiet_usd
from heritage_sites.problem import Problem

_UNDRAWN = ("Points", "BasisCurves", "NurbsCurves", "NurbsPatch", "PointInstancer", "TetMesh", "Volume")


def find_stage_problems(path: Path, files: set[str], limits: UsdzLimits) -> list[Problem]:
    """Open the package with USD and look at every prim. files: the names in the package."""
    from pxr import Tf, Usd

    with quiet_usd():
        try:
            stage: Any = Usd.Stage.Open(str(path))
        except Tf.ErrorException:
            return [_problem("stage", "USD cannot open the file's first layer.")]
        return [
            *_stage_rules(stage, limits),
            *_reference_rules(stage, files),
            *_prim_rules(stage, limits),
        ]


def _stage_rules(stage: Any, limits: UsdzLimits) -> Iterator[Problem]:
    from pxr import UsdGeom

    if not stage.GetDefaultPrim():  # [arkit]
        yield _problem("stage", "it has no default prim.")
    elif not stage.GetDefaultPrim().IsA(UsdGeom.Xformable):
        yield _problem("stage", "its default prim has no place in space: want an Xform.")
    if not stage.HasAuthoredMetadata("upAxis") or UsdGeom.GetStageUpAxis(stage) != UsdGeom.Tokens.y:
        yield _problem("stage", "its up axis is not Y.")  # [arkit]
    if not UsdGeom.StageHasAuthoredMetersPerUnit(stage):
        yield _problem("stage", "it does not say its unit; USD's default is the centimetre.")
    elif (
        UsdGeom.GetStageMetersPerUnit(stage) != 1.0
    ):  # ours: our models are in metres, so anything else is 100 x off
        yield _problem("stage", f"its unit is {UsdGeom.GetStageMetersPerUnit(stage):g} m, want 1 m.")
    if stage.HasAuthoredTimeCodeRange():
        length_s = (stage.GetEndTimeCode() - stage.GetStartTimeCode()) / stage.GetTimeCodesPerSecond()
        if not length_s <= limits.animation_s:  # [wwdc]
            yield _problem(
                "stage", f"its animation takes {length_s:g} s; {limits.animation_s:g} s are taken."
            )


def _reference_rules(stage: Any, files: set[str]) -> Iterator[Problem]:
    """[spec] a package holds all it uses: no path may lead out of it or to nothing."""
    from pxr import Sdf

    layer = stage.GetRootLayer()
    for other in sorted(set(layer.GetCompositionAssetDependencies())):
        yield _problem("stage", f"it is composed with another file: {other}.")
    for prim in stage.TraverseAll():
        for attribute in prim.GetAuthoredAttributes():
            value = attribute.Get()
            paths = [value] if isinstance(value, Sdf.AssetPath) else []
            if isinstance(value, Sdf.AssetPathArray):
                paths = list(value)
            for found in paths:
                name = posixpath.normpath(found.path) if found.path else ""
                if name not in files:
                    yield _problem(str(attribute.GetPath()), f"the package has no file {found.path!r}.")


def _prim_rules(stage: Any, limits: UsdzLimits) -> Iterator[Problem]:
    from pxr import Usd, UsdGeom

    triangles = skeletons = meshes = 0
    checked: set[str] = set()
    for prim in stage.Traverse(Usd.TraverseInstanceProxies(Usd.PrimDefaultPredicate)):
        kind, where = prim.GetTypeName(), str(prim.GetPath())
        if kind == "Skeleton":
            skeletons += 1
        if kind in _UNDRAWN:  # [arkit] no PointInstancers; [ufg] triangles only
            yield _problem(where, f"{kind} is not drawn by AR Quick Look.")
        if not prim.IsA(UsdGeom.Mesh):
            continue
        meshes += 1
        mesh = UsdGeom.Mesh(prim)
        triangles += count_triangles(mesh)
        yield from find_mesh_problems(mesh)
        yield from find_material_problems(mesh, checked)
    if not meshes:
        yield _problem("stage", "it shows no mesh.")
    if triangles > limits.triangles:  # [wwdc]
        yield _problem("stage", f"it has {triangles} triangles; at most {limits.triangles} are taken.")
    if skeletons > 1:  # [ufg]
        yield _problem("stage", f"it has {skeletons} skeletons; AR Quick Look shows one.")


def _problem(where: str, message: str) -> Problem:
    return Problem(file="", where=where, message=message)
