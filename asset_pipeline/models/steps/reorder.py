"""Triangles in the order a GPU's cache likes and a compressor too, vertices in the order they are first
used.
"""

import meshopt
import numpy as np

from asset_pipeline.models.document import TRIANGLES, Document
from asset_pipeline.models.geometry import Geometry, map_geometry


def reorder(document: Document) -> Document:
    """The same picture in another order; points and lines keep theirs."""
    return map_geometry(document, reorder_geometry)


def reorder_geometry(geometry: Geometry) -> Geometry:
    """`reorder` for one primitive."""
    if (
        geometry.mode != TRIANGLES
        or geometry.indices is None
        or not len(geometry.indices)
        or not geometry.attributes
    ):
        return geometry
    indices, place, used = meshopt.reorder_mesh(geometry.indices, True, True)
    place = np.asarray(place).reshape(-1)
    kept = np.flatnonzero(place < used)
    rows = np.empty(used, np.intp)
    rows[place[kept]] = kept
    return geometry.take(rows).with_indices(np.ascontiguousarray(indices, np.uint32).reshape(-1))
