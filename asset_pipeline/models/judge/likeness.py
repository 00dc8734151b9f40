"""SSIM and PSNR of two pictures over the pixels that either model covers."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.judge.renderer import Picture
from asset_pipeline.models.judge.scores import MAX_PSNR_DB, ViewScore

_WINDOW_PX, _SIGMA_PX = 11, 1.5  # Wang, Bovik, Sheikh, Simoncelli 2004
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def compare_pictures(master: Picture, candidate: Picture) -> ViewScore:
    """Scores of one view; with nothing to see in either, SSIM 1 and the largest PSNR."""
    seen = (master.coverage > 0) | (candidate.coverage > 0)
    pixels = int(np.count_nonzero(seen))
    if not pixels:
        return ViewScore(1.0, 1.0, MAX_PSNR_DB, MAX_PSNR_DB, 0)
    window = _around(seen)
    mask = np.ascontiguousarray(seen[window]).view(np.uint8)
    lit = _likeness(master.lit[window], candidate.lit[window], mask, pixels)
    unlit = _likeness(master.unlit[window], candidate.unlit[window], mask, pixels)
    return ViewScore(lit[0], unlit[0], lit[1], unlit[1], pixels)


def _around(seen: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The part of the picture that is needed: what is seen, and half a window more."""
    sides = []
    for axis in (1, 0):
        found = np.flatnonzero(seen.any(axis=axis))
        sides.append(slice(max(0, int(found[0]) - _WINDOW_PX), int(found[-1]) + 1 + _WINDOW_PX))
    return sides[0], sides[1]


def _likeness(first: Pixels, second: Pixels, mask: Pixels, pixels: int) -> tuple[float, float]:
    """(SSIM, PSNR in dB)."""
    if cv2.norm(first, second, cv2.NORM_INF) == 0:
        return 1.0, MAX_PSNR_DB
    error = cv2.norm(first, second, cv2.NORM_L2SQR, mask) / (3 * pixels)
    psnr = MAX_PSNR_DB if error == 0 else min(MAX_PSNR_DB, 10 * math.log10(255**2 / error))
    return sum(cv2.mean(_ssim_map(first, second), mask)[:3]) / 3, psnr


def _ssim_map(first: Pixels, second: Pixels) -> Floats:
    x, y = first.astype(np.float32), second.astype(np.float32)
    mean_x, mean_y = _blurred(x), _blurred(y)
    both = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    spread = _blurred(x * x + y * y) - squares  # the two variances are only ever added
    shared = _blurred(x * y) - both
    return np.asarray(
        ((2 * both + _C1) * (2 * shared + _C2)) / ((squares + _C1) * (spread + _C2)), np.float32
    )


def _blurred(values: Floats) -> Floats:
    window = (_WINDOW_PX, _WINDOW_PX)
    return np.asarray(cv2.GaussianBlur(values, window, _SIGMA_PX, borderType=cv2.BORDER_REFLECT_101))
