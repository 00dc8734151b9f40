"""Decode a panorama row by row into a raw file that is mapped into memory: upright, sRGB, the full sphere.

A 32k panorama is 1.6 GB decoded. In a mapped file these are pages that the system may drop and read again,
so that the process itself stays small.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from asset_pipeline.images.colour import to_srgb
from asset_pipeline.images.read import OpenImage, reading
from asset_pipeline.images.render import upright
from asset_pipeline.images.resize import Pixels
from asset_pipeline.panoramas.placement import Placement
from heritage_sites.problem import Problem

Sphere = npt.NDArray[np.uint8]  # (height, width, 3), a mapped file

FILL = (64, 64, 64)  # what the picture does not cover: a dark grey that is nobody's sky or water
BLOCK_ROWS = 256


def decode_sphere(image: OpenImage, placement: Placement, folder: Path) -> tuple[Sphere, tuple[Problem, ...]]:
    """The sphere's pixels, writable, in a file in `folder`. Raises Refused for damaged pixels."""
    stored_file = folder / "stored.raw"
    with reading():
        srgb = to_srgb(image.pixels, image.assumed_profile)
        colour = srgb.colour
        if srgb.alpha is not None:
            colour = colour.bandjoin(srgb.alpha).flatten(background=list(FILL)).cast("uchar")
        colour.rawsave(str(stored_file))
    stored = _mapped(stored_file, image.pixels.height, image.pixels.width, new=False)
    is_ready = image.orientation == 1 and placement.is_whole
    sphere = stored if is_ready else _placed(stored, image.orientation, placement, folder / "sphere.raw")
    return sphere, srgb.warnings


def _placed(stored: Sphere, orientation: int, placement: Placement, file: Path) -> Sphere:
    """The picture turned upright and laid on the filled sphere, block by block."""
    sphere = _mapped(file, placement.sphere_height_px, placement.sphere_width_px, new=True)
    for top in range(0, sphere.shape[0], BLOCK_ROWS):
        sphere[top : top + BLOCK_ROWS] = FILL
    height, width = stored.shape[:2] if orientation < 5 else stored.shape[1::-1]
    for top in range(0, height, BLOCK_ROWS):
        bottom = min(top + BLOCK_ROWS, height)
        rows = upright(_stored_block(stored, orientation, top, bottom), orientation)
        left = placement.left_px
        sphere[placement.top_px + top : placement.top_px + bottom, left : left + width] = rows
    return sphere


def _stored_block(stored: Sphere, orientation: int, top: int, bottom: int) -> Pixels:
    """The part of the stored picture that becomes the upright rows from `top` to `bottom`."""
    rows, columns = stored.shape[:2]
    match orientation:
        case 3 | 4:
            return stored[rows - bottom : rows - top]
        case 5 | 6:
            return stored[:, top:bottom]
        case 7 | 8:
            return stored[:, columns - bottom : columns - top]
    return stored[top:bottom]


def _mapped(file: Path, height: int, width: int, *, new: bool) -> Sphere:
    return np.memmap(file, dtype=np.uint8, mode="w+" if new else "r+", shape=(height, width, 3))
