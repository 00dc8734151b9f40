"""The rules a mesh's material must keep. [spec], [arkit], [wwdc], [ufg]: see `check_usdz`."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from heritage_sites.problem import Problem

_SHADERS = frozenset({"UsdPreviewSurface", "UsdUVTexture", "UsdPrimvarReader_float2"})
_COLOURS = ("diffuseColor", "emissiveColor")
_NORMAL_SCALE, _NORMAL_BIAS = (2.0, 2.0, 2.0), (-1.0, -1.0, -1.0)


def find_material_problems(mesh: Any, checked: set[str]) -> Iterator[Problem]:
    """The rules of one mesh's material; a material is looked into once (`checked` holds paths)."""
    from pxr import UsdShade

    where = str(mesh.GetPath())
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    surface = material.ComputeSurfaceSource()[0] if material else None
    if not surface or surface.GetShaderId() != "UsdPreviewSurface":
        yield _problem(where, "its material is no UsdPreviewSurface.")  # [arkit]
        yield from _vertex_colours(mesh, where, None)
        return
    if str(material.GetPath()) not in checked:
        checked.add(str(material.GetPath()))
        yield from _shaders(material)
        yield from _textures(surface)
    names = _uv_names(material)
    if len(names) > 1:  # [ufg]
        yield _problem(str(material.GetPath()), f"it reads {len(names)} UV sets; AR Quick Look reads one.")
    yield from _missing_uv(mesh, where, names)
    yield from _vertex_colours(mesh, where, surface)


def _shaders(material: Any) -> Iterator[Problem]:
    """[arkit] only these shaders; UsdTransform2d is refused there too, and Quick Look gets it wrong."""
    for shader in _shaders_in(material):
        if shader.GetShaderId() not in _SHADERS:
            yield _problem(str(shader.GetPath()), f"the shader {shader.GetShaderId()} is not shown.")


def _textures(surface: Any) -> Iterator[Problem]:
    """How each texture must be read: colours as sRGB, all else raw; [arkit] normals spread to -1 to 1."""
    for entry in surface.GetInputs():
        source = entry.GetConnectedSources()[0] if entry.HasConnectedSource() else []
        for info in source:
            from pxr import UsdShade

            texture = UsdShade.Shader(info.source.GetPrim())
            if texture.GetShaderId() != "UsdUVTexture":
                continue
            where, name = str(texture.GetPath()), entry.GetBaseName()
            if texture.GetInput("file").Get() is None:
                yield _problem(where, "the texture names no file.")
            space = _value(texture, "sourceColorSpace", "auto")
            wanted = "sRGB" if name in (*_COLOURS, "opacity") else "raw"
            if space != wanted:
                yield _problem(where, f"it is read as {space} for {name}, want {wanted}.")
            if name == "normal" and (
                tuple(_value(texture, "scale", (1, 1, 1, 1)))[:3] != _NORMAL_SCALE
                or tuple(_value(texture, "bias", (0, 0, 0, 0)))[:3] != _NORMAL_BIAS
            ):
                yield _problem(where, "normals want scale (2, 2, 2) and bias (-1, -1, -1).")


def _uv_names(material: Any) -> list[str]:
    names = {
        str(_value(shader, "varname", ""))
        for shader in _shaders_in(material)
        if shader.GetShaderId() == "UsdPrimvarReader_float2"
    }
    return sorted(names)


def _missing_uv(mesh: Any, where: str, names: list[str]) -> Iterator[Problem]:
    from pxr import UsdGeom

    for name in names:
        if not UsdGeom.PrimvarsAPI(mesh).GetPrimvar(name).HasAuthoredValue():
            yield _problem(where, f"its material reads the UV set {name!r}, which it does not have.")


def _vertex_colours(mesh: Any, where: str, surface: Any) -> Iterator[Problem]:
    """[ufg], model-viewer #1596: colours that only vertices carry are not shown."""
    colours = mesh.GetDisplayColorAttr().Get()
    values = np.asarray(colours if colours is not None else [])
    if len(values) < 2 or (values == values[0]).all():
        return
    diffuse = surface.GetInput("diffuseColor") if surface is not None else None
    if not diffuse or not diffuse.HasConnectedSource():
        yield _problem(where, "its colours stand at the vertices only; AR Quick Look does not show them.")


def _shaders_in(material: Any) -> Iterator[Any]:
    from pxr import Usd, UsdShade

    for prim in Usd.PrimRange(material.GetPrim()):
        if prim.IsA(UsdShade.Shader):
            yield UsdShade.Shader(prim)


def _value(shader: Any, name: str, usual: Any) -> Any:
    found = shader.GetInput(name)
    value = found.Get() if found else None
    return usual if value is None else value


def _problem(where: str, message: str) -> Problem:
    return Problem(file="", where=where, message=message)
