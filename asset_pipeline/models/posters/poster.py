"""A poster of a model: a quiet product shot on sea mist, as WebP and JPEG.

The rendering (Filament through `filly`, no display needed) runs in a process of its own, `poster_render`:
OpenGL may crash, hang or be absent, and then the model goes out without a poster and with a warning that says
what to do. Skinned and animated models show their rest pose. Without a graphics card, 1200 x 900 px takes
about 3 s.
"""

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.posters.mist import downsample, grain, mist
from asset_pipeline.models.posters.render_process import left_out, run_renderer
from heritage_sites.problem import Problem

POSTER_FILES = ("poster.webp", "poster.jpg")
DEFAULT_WIDTH_PX, DEFAULT_HEIGHT_PX = 1280, 960
MIN_PX, MAX_PX = 64, 2048  # per side; the model is drawn at twice the size
JPEG_QUALITY = 85
WEBP_QUALITY = 82

SHADOW_STRENGTH = 0.85

Floats = NDArray[np.float32]


def render_poster(
    glb: Path, out_folder: Path, *, width_px: int = DEFAULT_WIDTH_PX, height_px: int = DEFAULT_HEIGHT_PX
) -> tuple[Problem, ...]:
    """Write poster.webp and poster.jpg into `out_folder`; or write nothing and return a warning that says
    why."""
    if not (MIN_PX <= width_px <= MAX_PX and MIN_PX <= height_px <= MAX_PX):
        raise ValueError(
            f"render_poster: want {MIN_PX} to {MAX_PX} px per side, got {width_px} x {height_px}"
        )
    with tempfile.TemporaryDirectory(prefix="poster-") as folder:
        shots = Path(folder) / "shots.npz"
        fault = run_renderer("poster_render", glb, shots, width_px, height_px)
        if fault:
            return (left_out("poster", fault),)
        with np.load(shots) as pictures:
            poster = _compose(pictures["model"], pictures["floor"], width_px, height_px)
    poster.save(out_folder / "poster.webp", "WEBP", quality=WEBP_QUALITY, method=4)
    poster.save(out_folder / "poster.jpg", "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return ()


def _compose(model: NDArray[Any], floor: NDArray[Any], width_px: int, height_px: int) -> PIL.Image.Image:
    """Mist, on it the model's shadow, on that the model."""
    picture, opacity = downsample(model, width_px, height_px)
    paper = mist(width_px, height_px) * _shadow(floor, opacity, width_px, height_px)[:, :, None]
    mixed = picture + paper * (1 - opacity)
    return PIL.Image.fromarray(np.rint(mixed + grain(mixed.shape)).clip(0, 255).astype(np.uint8))


def _shadow(floor: NDArray[Any], opacity: Floats, width_px: int, height_px: int) -> Floats:
    """Share of light that reaches the floor, 0 to 1, blurred as under a hazy sky.

    The model stands in the floor's picture; its pixels are left out, or the blur would draw a dark rim around
    it.
    """
    light: Floats = floor[:, :, :3].mean(axis=2, dtype=np.float32)
    light = np.where(floor[:, :, 3] > 250, light, np.float32(255)).astype(np.float32)
    open_floor = np.median(np.concatenate([light[-4:].ravel(), light[:, :4].ravel(), light[:, -4:].ravel()]))
    relative = (light / max(float(open_floor), 1.0)).clip(0, 1).astype(np.float32)
    share = _resized(relative, width_px, height_px)
    visible = (_blurred(opacity[:, :, 0], 2) < 0.01).astype(np.float32)
    near, far = (
        (_blurred(share * visible, radius) + 1e-3) / (_blurred(visible, radius) + 1e-3)
        for radius in (width_px / 260, width_px / 55)
    )
    lit = np.clip(near * 0.45 + far * 0.55, 0, 1)
    result: Floats = (1 - SHADOW_STRENGTH * (1 - lit)).astype(np.float32)
    return result


def _resized(values: Floats, width_px: int, height_px: int) -> Floats:
    image = PIL.Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((width_px, height_px), PIL.Image.Resampling.BICUBIC))


def _blurred(values: Floats, radius_px: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), radius_px), np.float32)
