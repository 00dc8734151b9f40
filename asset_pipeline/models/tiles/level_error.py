"""How far a level lies from the master, points included."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from asset_pipeline.models.document import POINTS, Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.transforms import shown_nodes, world_matrices

MeasureError = Callable[[Document, Document], float]
"""(master, level) -> metres; of surfaces."""

POINT_SAMPLES = 20_000  # of the master's points, evenly taken


def level_error_m(master: Document, level: Document, measure_error: MeasureError) -> float:
    """The larger of the surfaces' deviation and the points': the furthest that a point of the master has to
    go to one that is left.
    """
    before, after = shown_points(master), shown_points(level)
    surfaces = measure_error(master, level)
    if not len(before) or not len(after):
        return surfaces
    step = max(1, len(before) // POINT_SAMPLES)
    distances, _ = cKDTree(after).query(before[::step])
    return max(surfaces, float(distances.max()))


def shown_points(document: Document) -> NDArray[np.float64]:
    """(n, 3) in metres of the world: the points of all primitives of points."""
    nodes = document.items("nodes")
    world = world_matrices(nodes)
    found = [np.empty((0, 3))]
    for index in shown_nodes(document.json):
        if "mesh" not in nodes[index]:
            continue
        for primitive in document.items("meshes")[nodes[index]["mesh"]]["primitives"]:
            if primitive.get("mode") != POINTS or "POSITION" not in primitive["attributes"]:
                continue
            geometry = geometry_of(document, primitive)
            points = geometry.attributes["POSITION"].as_floats().astype(np.float64)
            points = points if geometry.indices is None else points[geometry.indices]
            found.append(points @ world[index][:3, :3].T + world[index][:3, 3])
    return np.concatenate(found)
