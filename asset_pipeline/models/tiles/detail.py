"""How fine the colours of a tile are: the size on the surface of a texel, or between coloured vertices."""

from collections.abc import Iterator

import numpy as np

from asset_pipeline.models.document import TRIANGLES, Array, Document, JsonObject
from asset_pipeline.models.geometry import Geometry, geometry_of
from asset_pipeline.models.references import texture_coordinate_set
from asset_pipeline.models.steps.textures import texture_info
from asset_pipeline.models.transforms import Matrix, shown_nodes, world_matrices


def measure_detail_m(document: Document) -> float:
    """Side of the square of surface that one texel of the base colour (or one coloured vertex) covers, over
    all triangles shown; 0 where nothing but even colours is shown.
    """
    surface = samples = 0.0
    for primitive, geometry, matrix in _shown_triangles(document):
        found = _samples(document, primitive, geometry)
        if found > 0:
            surface += _area(geometry.attributes["POSITION"].as_floats(), geometry, matrix)
            samples += found
    return float(np.sqrt(surface / samples)) if samples else 0.0


def _shown_triangles(document: Document) -> Iterator[tuple[JsonObject, Geometry, Matrix]]:
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    for index in shown_nodes(document.json):
        if "mesh" not in nodes[index]:
            continue
        for primitive in document.items("meshes")[nodes[index]["mesh"]]["primitives"]:
            if primitive.get("mode", TRIANGLES) == TRIANGLES and "POSITION" in primitive["attributes"]:
                yield primitive, geometry_of(document, primitive), world[index]


def _samples(document: Document, primitive: JsonObject, geometry: Geometry) -> float:
    """Texels under the triangles, or their vertices where those are what is coloured."""
    material: JsonObject = {}
    if "material" in primitive:
        material = document.items("materials")[primitive["material"]]
    info = material.get("pbrMetallicRoughness", {}).get("baseColorTexture")
    uvs = None if info is None else geometry.attributes.get(f"TEXCOORD_{texture_coordinate_set(info)}")
    if info is None or uvs is None:
        return float(geometry.vertices) if "COLOR_0" in geometry.attributes else 0.0
    pixels = _pixels(document, info)
    scale = info.get("extensions", {}).get("KHR_texture_transform", {}).get("scale", (1.0, 1.0))
    flat = np.concatenate([uvs.as_floats(), np.zeros((uvs.count, 1), np.float32)], axis=1)
    return _area(flat, geometry, np.eye(4)) * abs(float(scale[0] * scale[1])) * pixels


def _pixels(document: Document, info: JsonObject) -> int:
    texture = document.items("textures")[info["index"]]
    sources = [extension.get("source") for extension in texture.get("extensions", {}).values()]
    for source in (*sources, texture.get("source")):
        if source is not None:
            header = texture_info(document.images[source].body)
            return header.width_px * header.height_px
    return 0


def _area(points: Array, geometry: Geometry, matrix: Matrix) -> float:
    placed = points.astype(np.float64) @ matrix[:3, :3].T
    corners = geometry.indices
    if corners is None:
        corners = np.arange(len(points) // 3 * 3, dtype=np.uint32)
    a, b, c = (placed[corners[start::3]] for start in range(3))
    return float(np.sqrt((np.cross(b - a, c - a) ** 2).sum(axis=1)).sum() / 2)
