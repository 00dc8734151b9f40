"""Cube faces, tile grids, and where on the equirectangular picture a face pixel looks.

X points right, Y up, Z to the centre of the picture. Face pixels run right and down, seen from inside; face
`f` is the picture's centre. See docs/formats/tiles.md for the table of faces and how viewers name them.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FACES = "fbudlr"  # front, back, up, down, left, right
MAX_TILE_PX = 768  # before rounding up to 16; a phone decodes such a tile within a frame or two
TILE_STEP_PX = 16  # tiles are multiples of a JPEG 4:2:0 block, and of the coarse grid's cell


@dataclass(frozen=True, slots=True)
class TileGrid:
    """How a panorama of a given width is cut: `levels` levels, level l with faces of tile_px * 2**(l-1)."""

    tile_px: int
    levels: int

    @property
    def face_px(self) -> int:
        """Side of a face at the finest level."""
        return self.tile_px << (self.levels - 1)

    @property
    def tile_count(self) -> int:
        """Tiles of all faces and levels."""
        return 2 * ((1 << 2 * self.levels) - 1)


def choose_grid(width_px: int) -> TileGrid:
    """The grid whose finest level has the picture's own resolution at the face centres.

    A face centre sees width / pi pixels. Every level halves exactly and has no ragged tiles; the rounding
    to 16 enlarges by at most a few per cent.
    """
    if width_px < 1:
        raise ValueError(f"width_px: want at least 1, got {width_px}")
    halvings = 0
    while width_px / (math.pi * 2**halvings) > MAX_TILE_PX:
        halvings += 1
    tile_px = TILE_STEP_PX * math.ceil(width_px / (TILE_STEP_PX * math.pi * 2**halvings))
    return TileGrid(tile_px, halvings + 1)


def face_direction(face: str, a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Direction (x, y, z), not normalised, of face coordinates a (right) and b (down), each in -1 to 1."""
    one = np.ones_like(a)
    match face:
        case "f":
            return a, -b, one
        case "b":
            return -a, -b, -one
        case "u":
            return a, one, b
        case "d":
            return a, -one, -b
        case "l":
            return -one, -b, a
        case "r":
            return one, -b, -a
    raise ValueError(f"face: want one of {FACES}, got {face!r}")


def source_position(
    face: str, x: Floats, y: Floats, *, face_px: int, width_px: int, height_px: int
) -> tuple[Floats, Floats]:
    """Column and row (pixel centres are whole numbers) that the face's pixels look at.

    x: (n,) columns, y: (m,) rows of the face, any real numbers. Returns two (m, n) arrays; columns lie in
    [-0.5, width - 0.5].
    """
    a, b = np.meshgrid(2 * (x + 0.5) / face_px - 1, 2 * (y + 0.5) / face_px - 1)
    dx, dy, dz = face_direction(face, a, b)
    longitude = np.arctan2(dx, dz)
    latitude = np.arctan2(dy, np.hypot(dx, dz))
    column = (longitude + math.pi) * width_px / (2 * math.pi) - 0.5
    row = (math.pi / 2 - latitude) * height_px / math.pi - 0.5
    return column, row
