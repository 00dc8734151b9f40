"""A glTF with morph targets and their animation, which no shared file has."""

import base64
from typing import Any

import numpy as np


def bulging_sheet() -> dict[str, Any]:
    """glTF: a red sheet of 24 x 24 squares whose middle rises by a metre and sinks again in two seconds."""
    side = np.linspace(-1, 1, 25, dtype=np.float32)
    x, y = (grid.ravel() for grid in np.meshgrid(side, side))
    flat_sheet = np.stack([x, y, np.zeros_like(x)], axis=1)
    normals = np.tile(np.array([0, 0, 1], np.float32), (len(x), 1))
    rise = np.stack([np.zeros_like(x), np.zeros_like(x), np.exp(-4 * (x * x + y * y))], axis=1)
    turn = np.stack([8 * x * rise[:, 2], 8 * y * rise[:, 2], np.zeros_like(x)], axis=1)
    corner = (np.arange(24)[:, None] * 25 + np.arange(24)).ravel().astype(np.uint16)
    faces = np.stack([corner, corner + 1, corner + 26, corner, corner + 26, corner + 25], axis=1).ravel()
    times, weights = np.array([0, 1, 2], np.float32), np.array([0, 1, 0], np.float32)
    arrays = [flat_sheet, normals, rise, turn, faces.astype(np.uint16), times, weights]
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []
    body = b""
    for array in arrays:
        array = np.ascontiguousarray(array, array.dtype)
        accessor: dict[str, Any] = {
            "bufferView": len(views), "count": len(array),
            "componentType": 5123 if array.dtype == np.uint16 else 5126,
            "type": "VEC3" if array.ndim == 2 else "SCALAR",
        }  # fmt: skip
        if len(views) in (0, 2, 5):  # positions and times
            accessor["min"] = np.atleast_1d(array.min(axis=0)).tolist()
            accessor["max"] = np.atleast_1d(array.max(axis=0)).tolist()
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": array.nbytes})
        accessors.append(accessor)
        body += array.tobytes() + b"\0" * (-array.nbytes % 4)
    primitive = {
        "attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 4, "material": 0,
        "targets": [{"POSITION": 2, "NORMAL": 3}],
    }  # fmt: skip
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "sheet"}],
        "meshes": [{"primitives": [primitive], "weights": [0]}],
        "materials": [
            {
                "pbrMetallicRoughness": {"baseColorFactor": [0.8, 0.1, 0.1, 1], "metallicFactor": 0},
                "doubleSided": True,
            }
        ],
        "animations": [
            {
                "name": "bulge",
                "samplers": [{"input": 5, "output": 6}],
                "channels": [{"sampler": 0, "target": {"node": 0, "path": "weights"}}],
            }
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{
            "byteLength": len(body),
            "uri": f"data:application/octet-stream;base64,{base64.b64encode(body).decode()}",
        }],
    }  # fmt: skip
