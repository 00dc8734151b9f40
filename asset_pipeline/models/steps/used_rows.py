"""Which rows of a table some indices name."""

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 1 << 16  # NumPy indexes by 64-bit numbers: turned a piece at a time, they stay in the cache


def mark_used(indices: NDArray[np.uint32], rows: int) -> NDArray[np.bool_]:
    """(rows,) True where an index names the row."""
    used = np.zeros(rows, bool)
    for start in range(0, len(indices), _AT_ONCE):
        used[indices[start : start + _AT_ONCE].astype(np.intp)] = True
    return used
