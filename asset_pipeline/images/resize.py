"""Make pixels fewer. Nothing here makes them more."""

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]  # (height, width, 3), or 4 with alpha

cv2.setNumThreads(1)  # threads are ours to start: one per cube face, one child per master


def fitted_size(width_px: int, height_px: int, long_side_px: int) -> tuple[int, int]:
    """The size with the same shape whose long side is `long_side_px`; never larger than it was."""
    long_side = max(width_px, height_px)
    if long_side <= long_side_px:
        return width_px, height_px
    scale = long_side_px / long_side
    return max(1, round(width_px * scale)), max(1, round(height_px * scale))


def shrink(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """The pixels area-averaged to a smaller size; colour does not bleed out of what is transparent."""
    if (pixels.shape[1], pixels.shape[0]) == (width_px, height_px):
        return pixels
    if pixels.shape[2] == 3:
        return np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)
    weighted = pixels.astype(np.float32)
    weighted[:, :, :3] *= weighted[:, :, 3:] / np.float32(255)
    resized = cv2.resize(weighted, (width_px, height_px), interpolation=cv2.INTER_AREA)
    small = np.asarray(resized, np.float32)
    small[:, :, :3] *= np.float32(255) / np.maximum(small[:, :, 3:], np.float32(1e-3))
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)
