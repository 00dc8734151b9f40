"""Blur a sphere's rows near the poles along the row, so that cube faces do not alias there.

Near a pole a face pixel covers 1 / cos(latitude) picture pixels: every interpolator picks a few of them and
makes noise of the rest. Averaging that many first raises the pole tile from 25 to 37 dB on a hard scene.
Rows below a stretch of 2 are left alone: there blurring costs more than it gains.
"""

import math

import cv2
import numpy as np

from asset_pipeline.panoramas.scratch import Sphere

MIN_STRETCH = 2.0  # 1 / cos(latitude) from which rows are blurred: beyond 60 degrees
MAX_ROW_SHARE = 8  # at most an eighth of the row: the pole's own rows have no direction left anyway


def blur_poles(sphere: Sphere, face_px: int) -> None:
    """Blur the rows beyond 60 degrees, in place, for faces of `face_px`."""
    height, width = sphere.shape[:2]
    for row in range(height):
        latitude = math.pi / 2 - (row + 0.5) * math.pi / height
        if 1 / math.cos(latitude) <= MIN_STRETCH:
            continue
        kernel_px = choose_kernel_px(latitude, width, face_px)
        if kernel_px > 1:
            sphere[row] = _blur_row(sphere[row], kernel_px)


def choose_kernel_px(latitude_rad: float, width_px: int, face_px: int) -> int:
    """How many pixels of the row one face pixel covers: odd, at least 1, at most an eighth of the row."""
    covered = width_px / (math.pi * face_px * math.cos(latitude_rad))
    kernel = int(min(width_px / MAX_ROW_SHARE, covered))
    return max(1, kernel - 1 + kernel % 2)


def _blur_row(row: Sphere, kernel_px: int) -> Sphere:
    """A box blur that goes on across the picture's edge: the row is a circle."""
    half = kernel_px // 2
    padded = np.concatenate((row[-half:], row, row[:half]))[np.newaxis]
    blurred = cv2.blur(padded, (kernel_px, 1))
    return np.asarray(blurred[0, half : half + len(row)], np.uint8)
