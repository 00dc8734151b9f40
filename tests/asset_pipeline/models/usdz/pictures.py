"""Small pictures for tests, the same every time."""

import io

import numpy as np
import PIL.Image


def picture(width_px: int, height_px: int, seed: int = 0, channels: int = 3) -> np.ndarray:
    """Noise as (height, width, channels) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height_px, width_px, channels), np.uint8)


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    """The pixels as PNG, JPEG or WebP."""
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def png(width_px: int, height_px: int, seed: int = 0, channels: int = 3) -> bytes:
    """Noise as PNG."""
    return encoded(picture(width_px, height_px, seed, channels), "PNG")
