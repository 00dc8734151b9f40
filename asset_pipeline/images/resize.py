"""Make pixels fewer. Nothing here makes them more."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]  # (height, width, 3), or 4 with alpha


def fitted_size(width_px: int, height_px: int, long_side_px: int) -> tuple[int, int]:
    """The size with the same shape whose long side is `long_side_px`; never larger than it was."""
    long_side = max(width_px, height_px)
    if long_side <= long_side_px:
        return width_px, height_px
    scale = long_side_px / long_side
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def shrink(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """The pixels at a smaller size (Lanczos); colour does not bleed out of what is transparent."""
    if (pixels.shape[1], pixels.shape[0]) == (width_px, height_px):
        return pixels
    smaller = Image.fromarray(pixels).resize((width_px, height_px), Image.Resampling.LANCZOS)
    return np.asarray(smaller, np.uint8)
