"""A poster of a model: a quiet product shot on sea mist, as WebP and JPEG.

The rendering (Filament through `filly`, no display needed) runs in a process of its own, `poster_render`:
OpenGL may crash, hang or be absent, and then the model goes out without a poster and with a warning that says
what to do. Skinned and animated models show their rest pose. Without a graphics card, 1200 x 900 px takes
about 3 s.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

POSTER_FILES = ("poster.webp", "poster.jpg")
DEFAULT_WIDTH_PX, DEFAULT_HEIGHT_PX = 1280, 960
MIN_PX, MAX_PX = 64, 2048  # per side; the model is drawn at twice the size
MAX_RENDER_S = 240.0  # a million triangles take about 6 s alone; this is for drivers that hang
JPEG_QUALITY = 85
WEBP_QUALITY = 82

SKY_TOP, MIST, SEA_FLOOR = np.array([[206, 220, 226], [238, 242, 241], [203, 216, 219]], np.float32)
HORIZON = 0.46  # of the height, where the mist is brightest
SHADOW_STRENGTH = 0.85

_NEEDS = "It needs Mesa's OpenGL, also without a graphics card: apt install libegl1 libgl1-mesa-dri."

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
        fault = _run_renderer(glb, shots, width_px, height_px)
        if fault:
            return (_left_out(fault),)
        with np.load(shots) as pictures:
            poster = _compose(pictures["model"], pictures["floor"], width_px, height_px)
    poster.save(out_folder / "poster.webp", "WEBP", quality=WEBP_QUALITY, method=4)
    poster.save(out_folder / "poster.jpg", "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return ()


def _run_renderer(glb: Path, shots: Path, width_px: int, height_px: int) -> str:
    """What went wrong, in a few words; empty if the pictures are there. Filament's chatter goes nowhere."""
    command = [
        sys.executable, "-m", "asset_pipeline.models.posters.poster_render",
        str(glb.resolve()), str(shots), str(width_px), str(height_px),
    ]  # fmt: skip
    environment = {**os.environ, "MESA_SHADER_CACHE_DISABLE": "true"}  # no writes into the home folder
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_RENDER_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the renderer did not finish within {MAX_RENDER_S:g} s"
    except OSError as error:
        return f"the renderer could not be started ({error.strerror})"
    if done.returncode < 0:
        return f"the renderer was ended by signal {-done.returncode}"
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        return last[0][:200] if last else f"the renderer ended with code {done.returncode}"
    return "" if shots.is_file() else "the renderer left no picture"


def _left_out(fault: str) -> Problem:
    return warn(
        f"The poster was left out: {fault}.",
        where="poster",
        advice="" if fault.startswith(("AssetError", "ValueError")) else _NEEDS,
    )


def _compose(model: NDArray[Any], floor: NDArray[Any], width_px: int, height_px: int) -> PIL.Image.Image:
    """Mist, on it the model's shadow, on that the model."""
    picture, opacity = _downsample(model, width_px, height_px)
    mist = _mist(width_px, height_px) * _shadow(floor, opacity, width_px, height_px)[:, :, None]
    mixed = picture + mist * (1 - opacity)
    return PIL.Image.fromarray(np.rint(mixed + _grain(mixed.shape)).clip(0, 255).astype(np.uint8))


def _downsample(model: NDArray[Any], width_px: int, height_px: int) -> tuple[Floats, Floats]:
    """Colour times opacity, and opacity: the mean of each block of samples."""
    step = model.shape[0] // height_px
    blocks = model.reshape(height_px, step, width_px, step, 4).astype(np.float32)
    opacity = blocks[..., 3:] / 255
    premultiplied: Floats = np.minimum(blocks[..., :3], blocks[..., 3:]).mean(axis=(1, 3))
    return premultiplied, opacity.mean(axis=(1, 3))


def _mist(width_px: int, height_px: int) -> Floats:
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


def _grain(shape: tuple[int, ...]) -> Floats:
    """Noise of half a step, the same every time, against bands in the gradient."""
    noise: Floats = np.random.default_rng(57).uniform(-0.5, 0.5, (*shape[:2], 1)).astype(np.float32)
    return noise
