"""Node transforms: local matrices, and where every node stands in the world. No recursion: chains may be
long.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import JsonObject

Matrix = NDArray[np.float64]  # (4, 4), column vectors: world = matrix @ point

_MOVES = ("matrix", "translation", "rotation", "scale")


def local_matrix(node: JsonObject) -> Matrix:
    """A node's own transform."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    return compose(
        node.get("translation", (0.0, 0.0, 0.0)),
        node.get("rotation", (0.0, 0.0, 0.0, 1.0)),
        node.get("scale", (1.0, 1.0, 1.0)),
    )


def compose(translation: Sequence[float], rotation: Sequence[float], scale: Sequence[float]) -> Matrix:
    """Translation * rotation (x, y, z, w) * scale as one matrix."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(rotation) * np.array(scale, np.float64)
    matrix[:3, 3] = translation
    return matrix


def rotation_matrix(quaternion: Sequence[float]) -> Matrix:
    """(3, 3) of a quaternion (x, y, z, w), made unit first; all zeros counts as no rotation."""
    length = math.hypot(*quaternion)
    x, y, z, w = (value / length for value in quaternion) if length > 0 else (0.0, 0.0, 0.0, 1.0)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def world_matrices(nodes: Sequence[JsonObject]) -> list[Matrix]:
    """The world transform of each node, scenes aside. The node graph must be a forest (`check_gltf`)."""
    world: list[Matrix] = [np.eye(4)] * len(nodes)
    children = {child for node in nodes for child in node.get("children", [])}
    top = np.eye(4)
    pending = [(index, top) for index in range(len(nodes)) if index not in children]
    while pending:
        index, parent = pending.pop()
        is_moved = any(key in nodes[index] for key in _MOVES)
        world[index] = parent @ local_matrix(nodes[index]) if is_moved else parent
        pending.extend((child, world[index]) for child in nodes[index].get("children", []))
    return world


def shown_nodes(tree: JsonObject) -> list[int]:
    """Nodes of the default scene (or of the first; of all nodes when there is no scene), parents first."""
    nodes: list[JsonObject] = tree.get("nodes", [])
    scenes: list[JsonObject] = tree.get("scenes", [])
    if not scenes:
        return list(range(len(nodes)))
    pending = list(reversed(scenes[tree.get("scene", 0)].get("nodes", [])))
    order = []
    while pending:
        index = pending.pop()
        order.append(index)
        pending.extend(reversed(nodes[index].get("children", [])))
    return order
