"""Average areas of a sphere or a tile into fewer pixels."""

import cv2
import numpy as np

from asset_pipeline.images.resize import Pixels

cv2.setNumThreads(1)  # threads are ours to start: one per cube face, one child per master


def average(pixels: Pixels, width_px: int, height_px: int) -> Pixels:
    """Area average, exact for whole ratios; reads a mapped file without copying it. Never enlarges."""
    if (pixels.shape[1], pixels.shape[0]) == (width_px, height_px):
        return pixels
    return np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)
