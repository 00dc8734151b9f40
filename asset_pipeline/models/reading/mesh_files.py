"""OBJ with MTL, PLY and STL to a Document: what scanners and modelling programs send that is not glTF.

PLY and OBJ have readers of their own here (`read_ply`, `read_obj`, `read_mtl`); STL goes through trimesh.
What is refused: no triangles, points without faces, coordinates that are no numbers, indices that point
nowhere, headers that promise more than the file holds, textures outside the master's folder.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from trimesh.exchange.stl import HeaderError, load_stl

from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.read_mtl import Folder, load_materials
from asset_pipeline.models.reading.read_obj import parse_obj
from asset_pipeline.models.reading.read_ply import parse_ply
from asset_pipeline.models.reading.surfaces import (
    Surface,
    SurfaceMaterial,
    as_float32,
    check_finite,
    document_of,
    unique_points,
)
from asset_pipeline.models.reading.uris import MasterFolder
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

STL_HEADER_BYTES = 84
STL_TRIANGLE_BYTES = 50
PLAIN = SurfaceMaterial(base_color=(0.6, 0.6, 0.6, 1.0))  # for what comes without colour: light grey, linear


@dataclass(frozen=True, slots=True)
class LoadedMesh:
    """A Document, and warnings about what was left out."""

    document: Document
    problems: tuple[Problem, ...]


def load_mesh_file(path: Path) -> LoadedMesh:
    """The model in an OBJ, PLY or STL file, told apart by content, not by name. Raises Refused."""
    folder = MasterFolder(path)
    body = folder.read_master(path)
    kind = mesh_kind(body[:4096])
    if kind == "ply":
        surfaces, problems = _load_ply(body, folder)
    elif kind == "stl" or (kind is None and path.suffix.lower() == ".stl"):
        surfaces, problems = [_load_stl(body)], []
    else:
        surfaces, problems = _load_obj(body, folder)
    return LoadedMesh(document_of(surfaces, path.stem), tuple(problems))


def mesh_kind(start: bytes) -> str | None:
    """ "ply" or "stl" where the first bytes say so; None otherwise (OBJ and binary STL have no magic
    number)."""
    if start.startswith((b"ply\n", b"ply\r")):
        return "ply"
    if start.lstrip().lower().startswith(b"solid") and b"facet" in start.lower():
        return "stl"
    return None


def _load_ply(body: bytes, folder: Folder) -> tuple[list[Surface], list[Problem]]:
    ply = parse_ply(body)
    surface = ply.surface
    material = SurfaceMaterial() if surface.colors is not None else PLAIN
    if not ply.texture_name or surface.uv is None:
        return [replace(surface, material=material)], []
    texture, problems = load_texture(ply.texture_name, folder)
    return [replace(surface, material=texture or material)], problems


def load_texture(name: str, folder: Folder) -> tuple[SurfaceMaterial | None, list[Problem]]:
    """A material of nothing but the picture that a PLY names, by the rules for MTL textures."""

    class OneLine:
        def read_uri(self, uri: str, where: str) -> bytes:
            return f"newmtl ply\nmap_Kd {name}\n".encode() if uri == "PLY" else folder.read_uri(uri, where)

    materials, problems = load_materials(("PLY",), OneLine())
    material = materials["ply"]
    return (material if material.base_color_image is not None else None), problems


def _load_obj(body: bytes, folder: Folder) -> tuple[list[Surface], list[Problem]]:
    obj = parse_obj(body)
    materials, problems = load_materials(obj.libraries, folder)
    surfaces = []
    for name, surface in obj.surfaces.items():
        material = materials.get(name)
        if material is None:
            material = replace(PLAIN if surface.colors is None else SurfaceMaterial(), name=name)
            if name and materials:
                problems.append(warn(f"The material {name!r} is in no material file; it is shown in grey."))
        elif material.base_color_image is not None and surface.uv is None:
            problems.append(
                warn(
                    f"The material {name!r} has a texture, but its faces have no texture coordinates for it."
                )
            )
            material = replace(material, base_color_image=None)
        if surface.uv is None or surface.normals is None:
            material = replace(material, normal_image=None if surface.uv is None else material.normal_image)
        surfaces.append(replace(surface, material=material))
    return surfaces, [*obj.problems, *problems]


def _load_stl(body: bytes) -> Surface:
    """STL repeats each corner in every triangle; equal ones are joined, so that it can be simplified."""
    _check_stl_count(body)
    try:
        loaded = load_stl(io.BytesIO(body))
    except (HeaderError, ValueError, IndexError, TypeError) as error:
        raise refuse(
            "The STL file is cut off or damaged.", advice="Export the model again, best as binary STL or GLB."
        ) from error
    parts: list[Any] = list(loaded["geometry"].values()) if "geometry" in loaded else [loaded]
    corners: list[NDArray[Any]] = [np.asarray(part["vertices"]) for part in parts if len(part["vertices"])]
    if not corners:
        raise refuse("The STL file holds no triangles.", advice="Check that the export was not empty.")
    points = as_float32(np.concatenate(corners).reshape(-1, 3))
    check_finite(points)
    positions, place = unique_points(points)
    return Surface(positions, place.reshape(-1, 3).astype(np.uint32), material=PLAIN)


def _check_stl_count(body: bytes) -> None:
    """A binary STL says how many triangles it has; its length must agree."""
    start = body[:1024].lstrip().lower()
    if start.startswith(b"solid") and b"\0" not in start:
        return  # ASCII, which announces nothing
    count = int.from_bytes(body[80:84], "little")
    expected = STL_HEADER_BYTES + count * STL_TRIANGLE_BYTES
    if len(body) != expected:
        raise refuse(
            f"The STL file announces {count} triangles ({expected} bytes), but has {len(body)} bytes.",
            advice="The file was probably cut off while it was copied; send it again.",
        )
