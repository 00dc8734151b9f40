"""The part of `poster` that talks to OpenGL, run as a process of its own: it may crash without taking a job
along.

    python -m asset_pipeline.models.posters.poster_render MODEL.glb OUT.npz WIDTH_PX HEIGHT_PX

Writes two pictures: `model`, the model with nothing behind it, and `floor`, the light on a grey floor under
it. Exit code 0 written, 3 failed with one line on stderr.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.posters.poster_sky import sky_ktx

VIEW_DIRECTION = (-0.62, -0.36, -1.0)  # from the front right, a little above
SUN_DIRECTION = (-0.75, -0.95, -0.45)  # from the right, so that shadows fall to the left
SUN_LUX = 95_000.0
SUN_COLOR = (1.0, 0.94, 0.84)
ENVIRONMENT_LUX = 21_000.0
FIELD_OF_VIEW_DEG = 26.0  # a long lens: little distortion, as in a product photograph
LOOK_FILL = 0.6  # of the height, while looking for the outline
MODEL_WIDTH_RATIO, MODEL_HEIGHT_RATIO = 0.74, 0.70  # of the picture, at most, for the outline
MODEL_CENTRE_Y = 0.49  # of the picture's height; the shadow needs room below
SUPERSAMPLING = 2  # 4 samples per pixel, in textures as well; quicker than MSAA without a graphics card
FLOOR_RADII = 8.0  # half width of the floor, in radii of the model

Array = NDArray[Any]


def main(arguments: list[str]) -> int:
    """The command; see the module's description."""
    glb, out, width_px, height_px = (
        Path(arguments[0]),
        Path(arguments[1]),
        int(arguments[2]),
        int(arguments[3]),
    )
    try:
        model, floor = render(glb, width_px, height_px)
    except (ImportError, RuntimeError, ValueError, OSError) as error:  # filly's own errors are RuntimeErrors
        print(f"{type(error).__name__}: {error}".splitlines()[0], file=sys.stderr)
        return 3
    with out.open("wb") as file:
        np.savez(file, model=model, floor=floor)
    return 0


def render(glb: Path, width_px: int, height_px: int) -> tuple[Array, Array]:
    """(2 height, 2 width, 4) and (height / 2, width / 2, 4) uint8: the model alone, and on its floor."""
    import filly  # here, because a machine without OpenGL fails on it

    filly.set_log_level("off")
    with filly.Renderer() as renderer:
        scene = renderer.create_scene()
        model = scene.load(str(glb))
        low, high = bounds_of(model)
        light(renderer, scene)
        _aim(renderer, scene, model, (low, high), width_px / height_px, height_px // 4)
        scene.shadows = scene.ssao = True
        picture = shot(renderer, scene, width_px * SUPERSAMPLING, height_px * SUPERSAMPLING)
        _add_floor(scene, low, high)
        return picture, shot(renderer, scene, width_px // 2, height_px // 2)


def bounds_of(model: Any) -> tuple[Array, Array]:
    """Lowest and highest corner. ValueError for a model without extent."""
    low, high = (np.array(corner, float) for corner in model.bounds)
    if not np.isfinite([low, high]).all() or (high <= low).all():
        raise ValueError("the model has no extent")
    return low, high


def light(renderer: Any, scene: Any) -> None:
    """The quiet studio: a soft sky, and a sun from the right."""
    with tempfile.NamedTemporaryFile(suffix=".ktx") as file:
        file.write(sky_ktx())
        file.flush()
        scene.environment = renderer.load_environment_ktx(file.name)
    scene.environment_intensity = ENVIRONMENT_LUX
    scene.environment_visible = False
    sun = scene.add_sun_light(direction=SUN_DIRECTION, intensity=SUN_LUX, color=SUN_COLOR)
    sun.casts_shadows = True
    sun.shadow_map_size = 2048
    scene.background = (0.0, 0.0, 0.0, 0.0)
    scene.transparent = True
    scene.tone_mapping = "aces"


def _aim(
    renderer: Any, scene: Any, model: Any, bounds: tuple[Array, Array], aspect: float, look_px: int
) -> None:
    """Frame the outline as it is seen, not the bounding box, whose empty corners would push the model
    aside."""
    centre, radius = (bounds[0] + bounds[1]) / 2, float(np.linalg.norm(bounds[1] - bounds[0])) / 2
    camera = scene.camera = renderer.create_camera()
    camera.set_perspective(fov_y_deg=FIELD_OF_VIEW_DEG, aspect=aspect)
    distance = camera.frame(model, direction=VIEW_DIRECTION, fill=LOOK_FILL, aspect=aspect)
    position = np.array(camera.position)
    seen = shot(renderer, scene, round(look_px * aspect), look_px)[:, :, 3] > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size == 0:
        return  # all of it is transparent: keep the frame by bounds
    top, bottom = rows[0] / seen.shape[0], (rows[-1] + 1) / seen.shape[0]
    left, right = columns[0] / seen.shape[1], (columns[-1] + 1) / seen.shape[1]
    scale = max((right - left) / MODEL_WIDTH_RATIO, (bottom - top) / MODEL_HEIGHT_RATIO)

    forward = (centre - position) / np.linalg.norm(centre - position)
    sideways = np.cross(forward, [0.0, 1.0, 0.0])
    sideways /= np.linalg.norm(sideways)
    upward = np.cross(sideways, forward)
    view_m = 2 * distance * np.tan(np.radians(FIELD_OF_VIEW_DEG) / 2)  # height of the view at the centre
    shift_y = 0.5 - (top + bottom) / 2 - (0.5 - MODEL_CENTRE_Y) * scale
    target = centre + view_m * (((left + right) / 2 - 0.5) * aspect * sideways + shift_y * upward)
    distance *= scale
    camera.position = tuple(float(value) for value in target - forward * distance)
    camera.look_at(tuple(float(value) for value in target))
    camera.set_perspective(
        fov_y_deg=FIELD_OF_VIEW_DEG,
        aspect=aspect,
        near=max(distance - 2 * radius, distance / 200),
        far=distance + 2 * FLOOR_RADII * radius,
    )


def _add_floor(scene: Any, low: Array, high: Array) -> None:
    radius = float(np.linalg.norm(high - low)) / 2
    (x, z), y = (low[[0, 2]] + high[[0, 2]]) / 2, low[1] - radius * 1e-3
    half = radius * FLOOR_RADII
    corners = [
        [x - half, y, z - half],
        [x - half, y, z + half],
        [x + half, y, z + half],
        [x + half, y, z - half],
    ]
    scene.create_mesh(
        np.array(corners, np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        normals=np.tile(np.array([0, 1, 0], np.float32), (4, 1)),
        base_color=(0.5, 0.5, 0.5, 1.0),
    )


def shot(renderer: Any, scene: Any, width_px: int, height_px: int) -> Array:
    """(height, width, 4) uint8: what the scene's camera sees."""
    target = renderer.create_render_target(width=width_px, height=height_px)
    renderer.render(scene, target)
    pixels: Array = np.array(target.read())
    target.close()
    return pixels


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
