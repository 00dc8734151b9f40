"""The tangent frame that viewers without TANGENT work out for a normal map, and normals written in it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_UP = (
    0.05  # normals that lean further than 87 degrees are set up to that, or filtering would turn them over
)

Floats = NDArray[np.float32]


def in_tangent_frame(
    wanted: Floats, normal: Floats, corners: NDArray[Any], corners_uv: NDArray[Any]
) -> Floats:
    """Normals (n, 3) as the map must hold them so that the viewer arrives at `wanted`.

    normal: (n, 3) interpolated, unit. corners: (n, 3, 3) and corners_uv: (n, 3, 2) of each one's triangle.
    x runs along u, y against v (green is up, v runs down), z along the normal. x and y are the gradients of u
    and v over the surface, both divided by the longer one, as three.js and our judge have them. Where the UV
    have no gradient: (0, 0, 1).
    """
    along_u, along_v = gradients(normal, corners, corners_uv)
    right, up = along_u, -along_v
    matrix = np.stack([right, up, normal], axis=2).astype(np.float64)
    solvable = np.abs(np.linalg.det(matrix)) > 1e-4
    matrix[~solvable] = np.eye(3)
    found = np.linalg.solve(matrix, wanted.astype(np.float64)[:, :, None])[:, :, 0]
    found[~solvable] = (0.0, 0.0, 1.0)
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-20)
    found[:, 2] = np.maximum(found[:, 2], MIN_UP)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32)


def gradients(normal: Floats, corners: NDArray[Any], corners_uv: NDArray[Any]) -> tuple[Floats, Floats]:
    """The directions in which u and v grow, across the normal, both divided by the longer of the two."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    uv_first, uv_second = corners_uv[:, 1] - corners_uv[:, 0], corners_uv[:, 2] - corners_uv[:, 0]
    across_second, across_first = np.cross(second, normal), np.cross(normal, first)
    u = across_second * uv_first[:, :1] + across_first * uv_second[:, :1]
    v = across_second * uv_first[:, 1:] + across_first * uv_second[:, 1:]
    longest = np.sqrt(np.maximum((u**2).sum(axis=1), (v**2).sum(axis=1)))[:, None]
    scale = 1 / np.maximum(longest, 1e-30)
    return (u * scale).astype(np.float32), (v * scale).astype(np.float32)
