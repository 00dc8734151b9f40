"""The paper that pictures of models are put on: sea mist, brightest at the horizon."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SKY_TOP, MIST, SEA_FLOOR = np.array([[206, 220, 226], [238, 242, 241], [203, 216, 219]], np.float32)
HORIZON = 0.46  # of the height, where the mist is brightest

Floats = NDArray[np.float32]


def downsample(model: NDArray[Any], width_px: int, height_px: int) -> tuple[Floats, Floats]:
    """Colour times opacity, and opacity: the mean of each block of samples."""
    step = model.shape[0] // height_px
    blocks = model.reshape(height_px, step, width_px, step, 4).astype(np.float32)
    opacity = blocks[..., 3:] / 255
    premultiplied: Floats = np.minimum(blocks[..., :3], blocks[..., 3:]).mean(axis=(1, 3))
    return premultiplied, opacity.mean(axis=(1, 3))


def mist(width_px: int, height_px: int) -> Floats:
    """A soft gradient, brightest at the horizon, with the corners a little darker."""
    y = np.linspace(0, 1, height_px, dtype=np.float32)[:, None, None]
    above = np.clip(y / HORIZON, 0, 1) ** 1.4
    below = np.clip((y - HORIZON) / (1 - HORIZON), 0, 1) ** 1.2
    color = SKY_TOP * (1 - above) + MIST * above
    color = color * (1 - below) + SEA_FLOOR * below
    x = np.linspace(-1, 1, width_px, dtype=np.float32)[None, :, None]
    vignette = 1 - 0.07 * np.clip(x**2 + (y * 2 - 1) ** 2 - 0.4, 0, 1.6)
    result: Floats = (color * vignette).astype(np.float32)
    return result


def grain(shape: tuple[int, ...]) -> Floats:
    """Noise of half a step, the same every time, against bands in the gradient."""
    noise: Floats = np.random.default_rng(57).uniform(-0.5, 0.5, (*shape[:2], 1)).astype(np.float32)
    return noise
