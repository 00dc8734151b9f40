"""Node matrices as translation, rotation and scale, and skeletons that are none.

A matrix with shear cannot be written so, and viewers drop the shear. It is split over two nodes (singular
values: turn, scale, turn), which together are the same matrix.
"""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import DocumentEditor, JsonObject
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

SHEAR_TOLERANCE = 1e-5  # cosine between two axes; exporters' rounding stays below

Axes = NDArray[np.float64]  # (3, 3), columns


def mend_nodes(editor: DocumentEditor) -> list[Problem]:
    """Change the nodes in place; returns warnings. Refused: matrices whose last row is not 0 0 0 1."""
    problems = []
    for index, node in enumerate(list(editor.items("nodes"))):
        if "matrix" not in node:
            continue
        matrix = np.array(node.pop("matrix"), np.float64).reshape(4, 4).T
        if not (matrix[3] == (0.0, 0.0, 0.0, 1.0)).all():
            raise refuse("the matrix does not end in 0, 0, 0, 1.", where=f"/nodes/{index}/matrix")
        scale = np.sqrt((matrix[:3, :3] ** 2).sum(axis=0))
        axes = matrix[:3, :3] / np.where(scale > 0, scale, 1.0)
        if (scale > 0).all() and np.abs(axes.T @ axes - np.eye(3)).max() <= SHEAR_TOLERANCE:
            _place(node, matrix[:3, 3], axes, scale)
        else:
            _split(editor, index, matrix)
            problems.append(
                warn("a node's matrix was sheared; it was split over two nodes.", where=f"/nodes/{index}")
            )
    return problems + _mend_skeletons(editor)


def _place(node: JsonObject, shift: NDArray[np.float64], axes: Axes, scale: NDArray[np.float64]) -> None:
    """Write what differs from the default."""
    if np.linalg.det(axes) < 0:
        axes, scale = axes * (-1.0, 1.0, 1.0), scale * (-1.0, 1.0, 1.0)
    rotation = _quaternion(axes)
    for key, value, default in (
        ("translation", shift, (0.0, 0.0, 0.0)),
        ("rotation", rotation, (0.0, 0.0, 0.0, 1.0)),
        ("scale", scale, (1.0, 1.0, 1.0)),
    ):
        if not np.array_equal(value, default):
            node[key] = [float(number) for number in value]


def _split(editor: DocumentEditor, index: int, matrix: NDArray[np.float64]) -> None:
    """A new parent takes shift, first turn and scale; the node keeps the second turn and what hangs on it."""
    first, scale, second = np.linalg.svd(matrix[:3, :3])
    if np.linalg.det(second) < 0:
        first, second = -first, -second
    outer: JsonObject = {"children": [index]}
    _place(outer, matrix[:3, 3], first, scale)
    _place(editor.items("nodes")[index], np.zeros(3), second, np.ones(3))
    editor.items("nodes").append(outer)
    number = len(editor.items("nodes")) - 1
    for key, owners in (("children", editor.items("nodes")[:number]), ("nodes", editor.items("scenes"))):
        for owner in owners:
            if index in owner.get(key, []):
                owner[key] = [number if child == index else child for child in owner[key]]


def _quaternion(axes: Axes) -> NDArray[np.float64]:
    """(x, y, z, w) of a rotation matrix: the largest of four candidates, which divides by no small number."""
    m = axes
    candidates = np.array(
        [
            [1 + m[0, 0] - m[1, 1] - m[2, 2], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
            [m[1, 0] + m[0, 1], 1 - m[0, 0] + m[1, 1] - m[2, 2], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]],
            [m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], 1 - m[0, 0] - m[1, 1] + m[2, 2], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], 1 + m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    best = candidates[int(np.argmax(np.diag(candidates)))]
    unit: NDArray[np.float64] = best / np.linalg.norm(best)
    return unit


def _mend_skeletons(editor: DocumentEditor) -> list[Problem]:
    """`skeleton` is a hint to the joints' common root; one that is none is taken out."""
    nodes = editor.items("nodes")
    parents = {child: index for index, node in enumerate(nodes) for child in node.get("children", [])}
    problems = []
    for index, skin in enumerate(editor.items("skins")):
        if "skeleton" in skin and not all(
            _stands_below(joint, skin["skeleton"], parents) for joint in skin["joints"]
        ):
            del skin["skeleton"]
            message = "the skeleton named was not the root of all joints; the name was removed."
            problems.append(warn(message, where=f"/skins/{index}/skeleton"))
    return problems


def _stands_below(node: int, root: int, parents: dict[int, int]) -> bool:
    while node != root and node in parents:
        node = parents[node]
    return node == root
