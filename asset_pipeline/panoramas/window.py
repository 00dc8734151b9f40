"""Look up a tile's pixels on the sphere: a small window of the picture, and a map into it.

The window goes on across the picture's edge (columns are a circle) and over the poles (a row beyond the
pole is the mirrored row on the other side of the world). `cv2.remap` alone can do neither: its BORDER_WRAP
wraps rows as well, so that the zenith would read from the nadir.
"""

import cv2
import numpy as np

from asset_pipeline.images.resize import Pixels
from asset_pipeline.panoramas.geometry import TILE_STEP_PX, Floats, TileGrid, source_position
from asset_pipeline.panoramas.scratch import Sphere

MARGIN_BEFORE_PX = 4  # what cubic interpolation reads around a position, and room for the coarse grid's error
MARGIN_AFTER_PX = 5


def read_tile(sphere: Sphere, grid: TileGrid, face: str, row: int, column: int) -> Pixels:
    """The finest-level tile at (row, column) of a face: (tile_px, tile_px, 3)."""
    touches_pole = face in "ud" and _touches_centre(row, grid) and _touches_centre(column, grid)
    step = 1 if touches_pole else TILE_STEP_PX  # around a pole positions turn too fast for a coarse grid
    u, v = _positions(sphere, grid, face, row, column, step)
    if np.ptp(u) > sphere.shape[1] / 2:  # the tile looks across the picture's edge
        u = np.where(u < sphere.shape[1] / 2, u + sphere.shape[1], u)
    left, top = int(np.floor(u.min())) - MARGIN_BEFORE_PX, int(np.floor(v.min())) - MARGIN_BEFORE_PX
    right, bottom = int(np.ceil(u.max())) + MARGIN_AFTER_PX, int(np.ceil(v.max())) + MARGIN_AFTER_PX
    window = read_window(sphere, top, bottom, left, right)
    maps = (_enlarged(u - left, step, grid.tile_px), _enlarged(v - top, step, grid.tile_px))
    tile = cv2.remap(window, *maps, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(tile, np.uint8)


def read_window(sphere: Sphere, top: int, bottom: int, left: int, right: int) -> Pixels:
    """Rows top to bottom and columns left to right of the endless sphere, the ends not included."""
    height, width = sphere.shape[:2]
    parts = []
    if top < 0:
        parts.append(_read_rows(sphere, 0, min(-top, height), left + width // 2, right + width // 2)[::-1])
    parts.append(_read_rows(sphere, max(top, 0), min(bottom, height), left, right))
    if bottom > height:
        first = max(0, 2 * height - bottom)
        parts.append(_read_rows(sphere, first, height, left + width // 2, right + width // 2)[::-1])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _read_rows(sphere: Sphere, top: int, bottom: int, left: int, right: int) -> Pixels:
    """Existing rows, columns taken round the circle: a copy in memory."""
    width = sphere.shape[1]
    pieces = []
    while left < right:
        start = left % width
        length = min(width - start, right - left)
        pieces.append(sphere[top:bottom, start : start + length])
        left += length
    return np.concatenate(pieces, axis=1)


def _touches_centre(index: int, grid: TileGrid) -> bool:
    count = 1 << (grid.levels - 1)
    return index <= count / 2 <= index + 1


def _positions(
    sphere: Sphere, grid: TileGrid, face: str, row: int, column: int, step: int
) -> tuple[Floats, Floats]:
    """Positions at the centres of step x step cells, with one cell more on every side where step > 1."""
    apron = 0 if step == 1 else 1
    cells: Floats = (np.arange(-apron, grid.tile_px // step + apron, dtype=np.float64) + 0.5) * step - 0.5
    return source_position(
        face,
        column * grid.tile_px + cells,
        row * grid.tile_px + cells,
        face_px=grid.face_px,
        width_px=sphere.shape[1],
        height_px=sphere.shape[0],
    )


def _enlarged(coarse: Floats, step: int, tile_px: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A map for every pixel. cv2.resize aligns pixel centres, so that cutting off the apron leaves the
    tile.
    """
    values = coarse.astype(np.float32)
    if step == 1:
        return values
    side = tile_px + 2 * step
    full = cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(full[step:-step, step:-step], np.float32)
