"""Surfaces of a document that are to be baked on: their numbers, a place for each in a texture, and back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import (
    TRIANGLE_FAN,
    TRIANGLE_STRIP,
    TRIANGLES,
    Document,
    DocumentEditor,
    JsonObject,
)
from asset_pipeline.models.geometry import Geometry, geometry_of, primitive_key, put_geometry, share_geometry
from asset_pipeline.models.references import texture_coordinate_set, texture_infos
from asset_pipeline.models.steps.model_parts import Part, parts_of, placed_points
from asset_pipeline.models.steps.unwrap import Triangles
from asset_pipeline.models.steps.weld import as_triangles, compact
from asset_pipeline.models.transforms import Matrix

LINEAR, LINEAR_MIPMAPS, CLAMP = 9729, 9987, 33071


@dataclass(slots=True, eq=False)
class Surface:
    """One geometry with one material, and the places in the tree that draw it."""

    geometry: Geometry
    material: int | None
    placed: Matrix  # from its own space to the world, where it is shown largest
    places: list[JsonObject] = field(default_factory=list[JsonObject])

    @property
    def triangles(self) -> Triangles:
        """(t, 3) rows of its vertices."""
        assert self.geometry.indices is not None
        return self.geometry.indices.reshape(-1, 3)

    @property
    def points(self) -> NDArray[np.float32]:
        """(v, 3) in the world."""
        return placed_points(Part((), self.geometry, 1, self.placed))

    @property
    def mesh(self) -> tuple[NDArray[np.float32], Triangles]:
        """As `unwrap` wants it."""
        return self.points, self.triangles

    @property
    def areas(self) -> NDArray[np.float64]:
        """(t,) of its triangles."""
        corners = self.points.astype(np.float64)[self.triangles]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        result: NDArray[np.float64] = np.linalg.norm(across, axis=1) / 2
        return result

    def uv(self, number: int) -> NDArray[np.float32] | None:
        """(v, 2) of a UV set."""
        column = self.geometry.attributes.get(f"TEXCOORD_{number}")
        return None if column is None else column.as_floats()


def collect_surfaces(document: Document, editor: DocumentEditor) -> list[Surface]:
    """Every primitive of triangles, those with equal numbers and material as one; places in the editor."""
    placed = {part.key: part.placed for part in parts_of(document)}
    found: dict[tuple[object, ...], Surface] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            if primitive.get("mode", TRIANGLES) not in (TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN):
                continue
            own = primitive_key(primitive)
            key = (own, primitive.get("material"))
            if key not in found:
                geometry = as_triangles(geometry_of(document, primitive))
                if geometry.mode != TRIANGLES or geometry.indices is None or not geometry.triangles:
                    continue
                if "POSITION" not in geometry.attributes:
                    continue
                whole = geometry.indices[: len(geometry.indices) // 3 * 3]
                found[key] = Surface(
                    compact(geometry.with_indices(whole)),
                    primitive.get("material"),
                    placed.get(own, np.eye(4)),
                )
            found[key].places.append(primitive)
    return list(found.values())


def without_attributes(geometry: Geometry, *names: str) -> Geometry:
    """The geometry with these columns left out."""
    kept = {name: column for name, column in geometry.attributes.items() if name not in names}
    targets = tuple(
        {name: column for name, column in target.items() if name not in names} for target in geometry.targets
    )
    return Geometry(geometry.mode, geometry.indices, kept, targets)


def put_surface(editor: DocumentEditor, surface: Surface, geometry: Geometry, material: int | None) -> None:
    """Draw this geometry with this material wherever the surface was drawn."""
    first = surface.places[0]
    put_geometry(editor, first, geometry)
    for place in surface.places:
        if place is not first:
            share_geometry(first, place)
        if material is not None:
            place["material"] = material


def free_uv_set(geometry: Geometry) -> int:
    """The first UV set number the geometry does not use."""
    number = 0
    while f"TEXCOORD_{number}" in geometry.attributes:
        number += 1
    return number


def used_uv_sets(material: JsonObject, *, but: str = "") -> set[int]:
    """The UV sets a material's textures read, leaving out textures under the key `but`."""
    return {texture_coordinate_set(info) for key, info, _ in texture_infos(material) if key != but}


def add_texture(editor: DocumentEditor, image_index: int) -> int:
    """A texture of an image, clamped: what is baked fills 0 to 1 once. Returns its index."""
    samplers = editor.json.setdefault("samplers", [])
    sampler = {"magFilter": LINEAR, "minFilter": LINEAR_MIPMAPS, "wrapS": CLAMP, "wrapT": CLAMP}
    if sampler not in samplers:
        samplers.append(sampler)
    textures: list[Any] = editor.json.setdefault("textures", [])
    textures.append({"sampler": samplers.index(sampler), "source": image_index})
    return len(textures) - 1
