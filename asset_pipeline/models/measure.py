"""Facts about a model, no opinion: what the report says and what budgets look at."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import POINTS, Document, JsonObject
from asset_pipeline.models.geometry import geometry_of, primitive_key
from asset_pipeline.models.references import accessor_places
from asset_pipeline.models.steps.reduce import drawn_triangles, skin_placement
from asset_pipeline.models.steps.textures import texture_info
from asset_pipeline.models.transforms import shown_nodes, world_matrices


@dataclass(frozen=True, slots=True)
class ModelMeasures:
    """triangles: in the file; triangles_drawn: a mesh counts once per node that shows it.

    gpu_bytes: textures uncompressed with mipmaps (KTX2 at a byte per pixel), and the decoded geometry.
    bounds_m: of the default scene in its rest pose; None when nothing is shown.
    """

    triangles: int
    triangles_drawn: int
    points: int
    vertices: int
    meshes: int
    nodes: int
    materials: int
    textures: int
    texture_px_max: int
    animations: int
    skins: int
    morph_targets: int
    gpu_bytes: int
    bounds_m: tuple[tuple[float, ...], tuple[float, ...]] | None

    def as_json(self) -> dict[str, Any]:
        """Flat JSON for the report."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "bounds_m"}
        if self.bounds_m is not None:
            low, high = self.bounds_m
            values["bounds_m"] = {"min": list(low), "max": list(high)}
        return values


def measure(document: Document) -> ModelMeasures:
    """Count and measure a model whose unused parts are pruned."""
    triangles = points = vertices = targets = 0
    seen: set[tuple[object, ...]] = set()
    for _, _, primitive in document.primitives():
        geometry = geometry_of(document, primitive)
        triangles += geometry.triangles
        points += geometry.vertices if geometry.mode == POINTS else 0
        targets = max(targets, len(geometry.targets))
        key = primitive_key(primitive)
        vertices += 0 if key in seen else geometry.vertices
        seen.add(key)
    infos = [texture_info(image.body) for image in document.images]
    used = {place.index for place in accessor_places(document.json)}
    numbers_bytes = sum(document.accessors[index].array.nbytes for index in used)
    return ModelMeasures(
        triangles=triangles,
        triangles_drawn=drawn_triangles(document),
        points=points,
        vertices=vertices,
        meshes=len(document.items("meshes")),
        nodes=len(document.items("nodes")),
        materials=len(document.items("materials")),
        textures=len(document.images),
        texture_px_max=max((max(info.width_px, info.height_px) for info in infos), default=0),
        animations=len(document.items("animations")),
        skins=len(document.items("skins")),
        morph_targets=targets,
        gpu_bytes=numbers_bytes + sum(info.gpu_bytes for info in infos),
        bounds_m=measure_bounds(document),
    )


def measure_bounds(document: Document) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """(lowest corner, highest corner) of what the default scene shows, node transforms applied."""
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for index in shown_nodes(document.json):
        node = nodes[index]
        if "mesh" not in node:
            continue
        matrix = skin_placement(document, node["skin"], world) if "skin" in node else world[index]
        for primitive in document.items("meshes")[node["mesh"]]["primitives"]:
            for points in _corners(document, primitive):
                placed = points @ matrix[:3, :3].T + matrix[:3, 3]
                low, high = np.minimum(low, placed.min(axis=0)), np.maximum(high, placed.max(axis=0))
    if not np.isfinite(low).all() or not np.isfinite(high).all():
        return None
    return tuple(round(float(value), 6) for value in low), tuple(round(float(value), 6) for value in high)


def _corners(document: Document, primitive: JsonObject) -> list[NDArray[np.float64]]:
    number = primitive["attributes"].get("POSITION")
    if number is None or not document.accessors[number].count:
        return []
    return [document.accessors[number].as_floats().astype(np.float64)]
