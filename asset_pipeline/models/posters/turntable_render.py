"""The part of `turntable` that talks to OpenGL, run as a process of its own.

    python -m asset_pipeline.models.posters.turntable_render MODEL.glb OUT.npy FRAMES SIZE_PX

Loads the model once and turns it before a camera that stands still, under light that stands still. Writes
one array (frames, 2 size, 2 size, 4). Exit code 0 written, 3 failed with one line on stderr.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from asset_pipeline.models.posters.poster_render import (
    FIELD_OF_VIEW_DEG,
    SUPERSAMPLING,
    VIEW_DIRECTION,
    Array,
    bounds_of,
    light,
    shot,
)

FILL = 0.92  # of the picture, for the widest side that comes round


def main(arguments: list[str]) -> int:
    """The command; see the module's description."""
    glb, out, frames, size_px = Path(arguments[0]), Path(arguments[1]), int(arguments[2]), int(arguments[3])
    try:
        pictures = render(glb, frames, size_px)
    except (ImportError, RuntimeError, ValueError, OSError) as error:  # filly's own errors are RuntimeErrors
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return 3
    with out.open("wb") as file:
        np.save(file, pictures)
    return 0


def render(glb: Path, frames: int, size_px: int) -> Array:
    """(frames, 2 size, 2 size, 4) uint8, nothing behind the model; each frame turned on by the same angle."""
    import filly  # here, because a machine without OpenGL fails on it

    filly.set_log_level("off")
    with filly.Renderer() as renderer:
        scene = renderer.create_scene()
        model = scene.load(str(glb))
        low, high = bounds_of(model)
        light(renderer, scene)
        scene.shadows = scene.ssao = True
        _aim(renderer, scene, low, high)
        placed = np.array(model.transform, np.float64)
        pictures = []
        for frame in range(frames):
            model.transform = (_turned(2 * np.pi * frame / frames, (low + high) / 2) @ placed).astype(
                np.float32
            )
            pictures.append(shot(renderer, scene, size_px * SUPERSAMPLING, size_px * SUPERSAMPLING))
        return np.stack(pictures)


def _turned(angle: float, centre: Array) -> Array:
    """Matrix of a turn about the vertical through the centre; the model's right side comes to the front."""
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.eye(4)
    matrix[:3, :3] = [[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre
    return matrix


def _aim(renderer: Any, scene: Any, low: Array, high: Array) -> None:
    """As near as the cylinder that the model sweeps fits the picture, whatever its sides."""
    centre = (low + high) / 2
    radius, half = float(np.linalg.norm((high - low)[[0, 2]])) / 2, float(high[1] - low[1]) / 2
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    ring = np.stack([radius * np.cos(around), np.zeros(48), radius * np.sin(around)], axis=1)
    rise = np.array([0.0, half, 0.0])
    swept = np.concatenate([ring + rise, ring - rise])
    forward = np.array(VIEW_DIRECTION) / np.linalg.norm(VIEW_DIRECTION)
    sideways = np.cross(forward, [0.0, 1.0, 0.0])
    sideways /= np.linalg.norm(sideways)
    upward = np.cross(sideways, forward)
    spread = np.maximum(np.abs(swept @ sideways), np.abs(swept @ upward))
    slope = np.tan(np.radians(FIELD_OF_VIEW_DEG) / 2) * FILL
    distance = float((spread / slope - swept @ forward).max())
    reach = float(np.hypot(radius, half))
    camera = scene.camera = renderer.create_camera()
    camera.set_perspective(
        fov_y_deg=FIELD_OF_VIEW_DEG,
        aspect=1.0,
        near=max(distance - 1.1 * reach, distance / 200),
        far=distance + 1.1 * reach,
    )
    camera.position = tuple(float(value) for value in centre - forward * distance)
    camera.look_at(tuple(float(value) for value in centre))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
