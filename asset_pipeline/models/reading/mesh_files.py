"""What scanners and modelling programs send that is not glTF, to a Document: OBJ with MTL, PLY, STL, bare
Draco, and point clouds as LAS, LAZ, PLY, OBJ, Draco or text.

Each format has a reader of its own here; LAS goes through laspy, Draco through DracoPy.
What is refused: nothing to show, indices that point nowhere, headers that promise more than the file holds,
textures outside the master's folder.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.local_origin import Source, with_source
from asset_pipeline.models.reading.orient import orient
from asset_pipeline.models.reading.point_cloud import PointCloud, document_of_points, shown_as_points
from asset_pipeline.models.reading.read_draco import read_draco
from asset_pipeline.models.reading.read_las import read_las
from asset_pipeline.models.reading.read_mtl import Folder, load_materials
from asset_pipeline.models.reading.read_obj import parse_obj
from asset_pipeline.models.reading.read_ply import parse_ply
from asset_pipeline.models.reading.read_stl import read_stl
from asset_pipeline.models.reading.read_xyz import read_xyz
from asset_pipeline.models.reading.source_frame import UNSTATED_FRAME, SourceFrame
from asset_pipeline.models.reading.surfaces import (
    PLAIN,
    Surface,
    SurfaceMaterial,
    document_of,
)
from asset_pipeline.models.reading.uris import MasterFolder
from asset_pipeline.outcome import warn
from asset_pipeline.sniff import sniff
from heritage_sites.problem import Problem


@dataclass(frozen=True, slots=True)
class LoadedMesh:
    """A Document, warnings about what was left out or moved, and what the file says about its numbers."""

    document: Document
    problems: tuple[Problem, ...]
    frame: SourceFrame = UNSTATED_FRAME


def load_mesh_file(path: Path) -> LoadedMesh:
    """The model in a file that is not glTF, told apart by content, not by name. Raises Refused."""
    kind = sniff(path).name
    if kind == "las":
        cloud, frame, problems = read_las(path)
        return _loaded_cloud(cloud, problems, path.stem, frame)
    if kind == "xyz":
        return _loaded_cloud(*read_xyz(path), path.stem)
    folder = MasterFolder(path)
    body = folder.read_master(path)
    if kind == "draco":
        document, found = read_draco(body, path.stem)
        return LoadedMesh(document, tuple(found))
    if kind == "ply":
        return _load_ply(body, folder, path.stem)
    if kind == "stl":
        return _loaded_surfaces([read_stl(body)], [], path.stem, {})
    return _load_obj(body, folder, path.stem)


def _loaded_cloud(
    cloud: PointCloud, problems: list[Problem], name: str, frame: SourceFrame = UNSTATED_FRAME
) -> LoadedMesh:
    document = document_of_points(cloud, name)
    return LoadedMesh(document, (shown_as_points(len(cloud.positions)), *problems), frame)


def _loaded_surfaces(
    surfaces: list[Surface], problems: list[Problem], name: str, source: Source
) -> LoadedMesh:
    oriented, turned = orient(surfaces)
    return LoadedMesh(with_source(document_of(oriented, name), source), (*problems, *turned))


def _load_ply(body: bytes, folder: Folder, name: str) -> LoadedMesh:
    ply = parse_ply(body)
    if isinstance(ply.content, PointCloud):
        return _loaded_cloud(ply.content, list(ply.problems), name)
    surface = ply.content
    material = SurfaceMaterial() if surface.colors is not None else PLAIN
    problems: list[Problem] = []
    if ply.texture_name and surface.uv is not None:
        texture, problems = load_texture(ply.texture_name, folder)
        material = texture or material
    return _loaded_surfaces(
        [replace(surface, material=material)], [*ply.problems, *problems], name, ply.source
    )


def load_texture(name: str, folder: Folder) -> tuple[SurfaceMaterial | None, list[Problem]]:
    """A material of nothing but the picture that a PLY names, by the rules for MTL textures."""

    class OneLine:
        def read_uri(self, uri: str, where: str) -> bytes:
            return f"newmtl ply\nmap_Kd {name}\n".encode() if uri == "PLY" else folder.read_uri(uri, where)

    materials, problems = load_materials(("PLY",), OneLine())
    material = materials["ply"]
    return (material if material.base_color_image is not None else None), problems


def _load_obj(body: bytes, folder: Folder, name: str) -> LoadedMesh:
    obj = parse_obj(body)
    if obj.cloud is not None:
        return _loaded_cloud(obj.cloud, list(obj.problems), name)
    materials, problems = load_materials(obj.libraries, folder)
    surfaces = []
    for used, surface in obj.surfaces.items():
        material = materials.get(used)
        if material is None:
            material = replace(PLAIN if surface.colors is None else SurfaceMaterial(), name=used)
            if used and materials:
                problems.append(warn(f"The material {used!r} is in no material file; it is shown in grey."))
        elif material.base_color_image is not None and surface.uv is None:
            problems.append(
                warn(
                    f"The material {used!r} has a texture, but its faces have no texture coordinates for it."
                )
            )
            material = replace(material, base_color_image=None)
        if surface.uv is None or surface.normals is None:
            material = replace(material, normal_image=None if surface.uv is None else material.normal_image)
        surfaces.append(replace(surface, material=material))
    return _loaded_surfaces(surfaces, [*obj.problems, *problems], name, obj.source)
