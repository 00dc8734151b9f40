"""Stills around a model at phone size, in one strip: `turntable.webp`, and `turntable.json` that says how to
cut it.

As with the poster, Filament renders in a process of its own; without OpenGL there is a warning and no file.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.posters.mist import downsample, grain, mist
from asset_pipeline.models.posters.render_process import left_out, run_renderer
from heritage_sites.problem import Problem

TURNTABLE_FILES = ("turntable.webp", "turntable.json")
DEFAULT_FRAMES, DEFAULT_SIZE_PX = 12, 480
MIN_FRAMES, MAX_FRAMES = 2, 36
MIN_PX, MAX_PX = 64, 1024
MAX_STRIP_PX = 16_383  # WebP's longest side
WEBP_QUALITY = 80


def render_turntable(
    glb: Path, out_folder: Path, *, frames: int = DEFAULT_FRAMES, size_px: int = DEFAULT_SIZE_PX
) -> tuple[Problem, ...]:
    """Write turntable.webp and turntable.json into `out_folder`; or nothing, and return a warning that says
    why.

    The strip is frames x size_px wide and size_px high; frame 0 is the poster's view, and the model turns
    clockwise as seen from above.
    """
    if not (MIN_FRAMES <= frames <= MAX_FRAMES and MIN_PX <= size_px <= MAX_PX):
        raise ValueError(
            f"render_turntable: want {MIN_FRAMES} to {MAX_FRAMES} frames of {MIN_PX} to {MAX_PX} px, "
            f"got {frames} of {size_px}"
        )
    if frames * size_px > MAX_STRIP_PX:
        raise ValueError(
            f"render_turntable: want a strip of at most {MAX_STRIP_PX} px, got {frames * size_px}"
        )
    with tempfile.TemporaryDirectory(prefix="turntable-") as folder:
        shots = Path(folder) / "shots.npy"
        fault = run_renderer("turntable_render", glb, shots, frames, size_px)
        if fault:
            return (left_out("turntable", fault),)
        strip = np.concatenate([_on_mist(picture, size_px) for picture in np.load(shots)], axis=1)
    PIL.Image.fromarray(strip).save(out_folder / "turntable.webp", "WEBP", quality=WEBP_QUALITY, method=4)
    (out_folder / "turntable.json").write_text(json.dumps(turntable_measures(frames, size_px)) + "\n")
    return ()


def turntable_measures(frames: int = DEFAULT_FRAMES, size_px: int = DEFAULT_SIZE_PX) -> dict[str, Any]:
    """What the report and turntable.json say of a strip."""
    return {"frames": frames, "frame_px": size_px, "width_px": frames * size_px, "height_px": size_px}


def _on_mist(picture: NDArray[Any], size_px: int) -> NDArray[np.uint8]:
    colors, opacity = downsample(picture, size_px, size_px)
    mixed = colors + mist(size_px, size_px) * (1 - opacity)
    return np.rint(mixed + grain(mixed.shape)).clip(0, 255).astype(np.uint8)
