"""A large mesh made in memory and reduced, for tests that run it in a child with a limit on memory."""

from typing import Any

import numpy as np

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.steps.reduce import drawn_triangles, reduce_triangles
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.weld import weld
from tests.asset_pipeline.models.watch_cost import own_peak_bytes


def hills(side: int) -> Document:
    """2 (side - 1)**2 triangles of hills with normals and UV, welded; made in place, without doubles."""
    along = np.linspace(0, 1, side, dtype=np.float32)
    points = np.empty((side, side, 3), np.float32)
    points[..., 0] = along[None, :]
    points[..., 2] = along[:, None]
    points[..., 1] = 0.05 * np.sin(40 * along)[None, :] * np.cos(30 * along)[:, None]
    points[..., 1] += 0.002 * np.sin(900 * along)[None, :] * np.sin(700 * along)[:, None]
    normals = np.zeros((side, side, 3), np.float32)
    normals[..., 0] = np.gradient(points[..., 1], axis=1)
    normals[..., 2] = np.gradient(points[..., 1], axis=0)
    normals[..., 1] = np.float32(1 / (side - 1))
    normals[..., 0] *= -1
    normals[..., 2] *= -1
    normals /= np.sqrt((normals**2).sum(axis=2, keepdims=True))
    grid = np.arange(side * side, dtype=np.uint32).reshape(side, side)
    corners = np.empty((side - 1, side - 1, 6), np.uint32)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    for place, corner in enumerate((a, c, b, b, c, d)):
        corners[..., place] = corner
    uvs = np.ascontiguousarray(points[..., [0, 2]]).reshape(-1, 2)
    columns = (
        Accessor(points.reshape(-1, 3), "VEC3"),
        Accessor(normals.reshape(-1, 3), "VEC3"),
        Accessor(uvs, "VEC2"),
        Accessor(corners.reshape(-1, 1), "SCALAR"),
    )
    primitive = {"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3}
    tree = {"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}], "meshes": [{"primitives": [primitive]}]}
    return Document(tree, columns)


def weld_and_reduce(side: int, max_triangles: int, mode: str, measure: bool) -> dict[str, Any]:
    """What came in, what came out, the error, and the most memory this process held (bytes)."""
    import time

    document = hills(side)
    made_bytes = own_peak_bytes()
    before = drawn_triangles(document)
    began = time.process_time()
    document = weld(document)
    welded_s = time.process_time() - began
    reduced = reduce_triangles(document, max_triangles=max_triangles, mode=SimplifyMode(mode))
    reduced_s = time.process_time() - began - welded_s
    answer: dict[str, Any] = {"before": before, "after": drawn_triangles(reduced)}
    if measure:
        from asset_pipeline.models.deviation import measure_document_deviation

        began = time.process_time()
        answer["mean_m"] = measure_document_deviation(document, reduced).mean_m
        answer["measured_s"] = time.process_time() - began
    peak_bytes = own_peak_bytes()
    return {**answer, "weld_s": welded_s, "reduce_s": reduced_s, "made": made_bytes, "peak": peak_bytes}
