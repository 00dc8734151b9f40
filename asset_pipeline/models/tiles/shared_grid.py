"""Positions of tiles on one grid, so that what meets in the model meets in the files.

Each tile on a grid of its own would shift its edge by up to half a step, another one for each neighbour. Here
all tiles of a height share one step, a power of two, and each starts at a multiple of it: equal positions
become equal numbers in every file. A parent's step is coarser than its finer neighbours', by far less than
its own error.
"""

import math

import numpy as np

from asset_pipeline.models.document import Accessor, Document

MAX_GRID_BITS = 16


def grid_step_m(longest_m: float, bits: int) -> float:
    """The step with which `bits` bits reach over tiles of this size, wherever they start."""
    if not 8 <= bits <= MAX_GRID_BITS:
        raise ValueError(f"position_bits: want 8 to {MAX_GRID_BITS}, got {bits}")
    steps = 2**bits - 3  # one lost at each end to rounding outward
    return 2.0 ** math.ceil(math.log2(max(longest_m, 1e-9) / steps))


def rounding_m(step_m: float) -> float:
    """How far a point comes to lie from where it was, at most: half a cube's diagonal."""
    return step_m * math.sqrt(3) / 2


def put_on_grid(cell: Document, step_m: float) -> Document:
    """A flat document (`flatten`) with its positions as whole steps, undone by its node."""
    editor = cell.edit()
    attributes = [primitive["attributes"] for _, _, primitive in editor.finish().primitives()]
    if not attributes:
        return cell
    columns = [editor.accessors[owner["POSITION"]] for owner in attributes]
    low = np.min([column.array.min(axis=0) for column in columns], axis=0).astype(np.float64)
    start = np.floor(low / step_m)
    for owner, column in zip(attributes, columns, strict=True):
        whole = np.rint(column.array.astype(np.float64) / step_m) - start
        owner["POSITION"] = editor.add_accessor(Accessor(whole.astype(np.uint16), "VEC3"))
    editor.json["nodes"] = [
        {"mesh": 0, "translation": [float(value) for value in start * step_m], "scale": [step_m] * 3}
    ]
    return editor.finish()
