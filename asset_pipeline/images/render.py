"""A picture at a given size: upright, 8-bit sRGB, in memory, free of all metadata."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from asset_pipeline.images.colour import to_srgb
from asset_pipeline.images.read import OpenImage, load_pixels, reading
from asset_pipeline.images.resize import Pixels, fitted_size
from heritage_sites.problem import Problem

_JPEG_SHRINKS = (8, 4, 2)  # what the JPEG decoder can do by itself, cheaply and well


@dataclass(frozen=True, slots=True)
class Rendered:
    """Pixels (height, width, 3 or 4) and what was found on the way."""

    pixels: Pixels
    warnings: tuple[Problem, ...]


def render(image: OpenImage, long_side_px: int) -> Rendered:
    """Decode, convert, shrink and turn the picture. Raises Refused where its pixels are damaged."""
    width, height = fitted_size(image.width_px, image.height_px, long_side_px)
    if image.orientation >= 5:
        width, height = height, width  # as stored; turned last, when the picture is small
    with reading():
        srgb = to_srgb(_shrunk_while_loading(image, 2 * max(width, height)), image.assumed_profile)
        joined = srgb.colour if srgb.alpha is None else srgb.colour.bandjoin(srgb.alpha)
        if (joined.width, joined.height) != (width, height):
            joined = joined.thumbnail_image(width, height=height, size="force", no_rotate=True)
        pixels = np.asarray(joined.cast("uchar").numpy(), dtype=np.uint8)
    if pixels.shape[2] == 4 and pixels[:, :, 3].min() == 255:
        pixels = pixels[:, :, :3]  # an alpha that hides nothing
    return Rendered(upright(pixels, image.orientation), srgb.warnings)


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels turned as EXIF orientation 1 to 8 asks; a contiguous array."""
    match orientation:
        case 2:
            turned = pixels[:, ::-1]
        case 3:
            turned = pixels[::-1, ::-1]
        case 4:
            turned = pixels[::-1]
        case 5:
            turned = pixels.transpose(1, 0, 2)
        case 6:
            turned = pixels.transpose(1, 0, 2)[:, ::-1]
        case 7:
            turned = pixels.transpose(1, 0, 2)[::-1, ::-1]
        case 8:
            turned = pixels.transpose(1, 0, 2)[::-1]
        case _:
            turned = pixels
    return np.ascontiguousarray(turned)


def _shrunk_while_loading(image: OpenImage, at_least_px: int) -> Any:
    """Let the JPEG decoder leave out detail that nobody will see; other formats are read as they are."""
    if image.format_name != "jpeg":
        return image.pixels
    long_side = max(image.width_px, image.height_px)
    for shrink in _JPEG_SHRINKS:
        if long_side // shrink >= at_least_px:
            return load_pixels(image.path, "jpeg", shrink=shrink)
    return image.pixels
