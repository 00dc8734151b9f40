"""A few sailing junks on the bay: flat shapes on the water, lit and dissolved like everything else."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from content_api.demo.field import FloatArray
from content_api.demo.sky import Colour, Sky
from content_api.demo.trace import Layer, haze_metres
from content_api.demo.view import View

Outline = tuple[tuple[float, float], ...]  # metres along the boat and up from the water

_HULL: Colour = (0.085, 0.040, 0.022)
_RAIL: Colour = (0.20, 0.10, 0.05)
_CABIN: Colour = (0.42, 0.33, 0.22)
_WINDOW: Colour = (0.05, 0.045, 0.045)
_SAIL: Colour = (0.50, 0.185, 0.070)
_BATTEN: Colour = (0.24, 0.085, 0.035)
_PLACE_BITS = 4  # outlines are filled to a sixteenth of a pixel


@dataclass(frozen=True, slots=True)
class Boat:
    """A junk some way off; `aspect` is how much of its side it shows, negative when it sails to the left."""

    heading_rad: float
    distance_m: float
    aspect: float = 0.9
    length_share: float = 1.0

    def __post_init__(self) -> None:
        if not 0.1 <= abs(self.aspect) <= 1.0:
            raise ValueError(f"aspect: want 0.1 to 1 either way, got {self.aspect}")


FLEET: Sequence[Boat] = (
    Boat(float(np.radians(-6.6)), 590.0, 0.85),
    Boat(float(np.radians(31.0)), 560.0, -0.7),
    Boat(float(np.radians(-68.0)), 460.0, -0.95),
    Boat(float(np.radians(172.0)), 430.0, 0.8),
    Boat(float(np.radians(-94.0)), 900.0, 0.9),
)


def draw_boats(view: View, layer: Layer, eye_m: float, boats: Sequence[Boat], sky: Sky) -> None:
    """Put the boats into a traced layer, in front of what is farther away. Works for the mirrored eye too."""
    for boat in boats:
        for outline, colour, through in _SHAPES:
            light = _light(boat, colour, through, eye_m, sky)
            _fill(view, layer, boat, outline, light, eye_m)


def _fan(
    foot: tuple[float, float], top: tuple[float, float], lean: float
) -> list[tuple[Outline, Colour, float]]:
    """A battened sail: panels between ribs, the outer edge a shell's curve."""
    panels = 6
    mast = [
        (foot[0] + (top[0] - foot[0]) * s / panels, foot[1] + (top[1] - foot[1]) * s / panels)
        for s in range(panels + 1)
    ]
    bulge = [0.80, 0.98, 1.06, 1.02, 0.86, 0.60, 0.16]
    outer = [
        (x + lean * b, y + 0.10 * abs(lean) + 0.9 * b - 0.5) for (x, y), b in zip(mast, bulge, strict=True)
    ]
    shapes: list[tuple[Outline, Colour, float]] = []
    for s in range(panels):
        shade = 0.82 + 0.07 * s + 0.08 * (s % 2)  # the upper panels catch more light
        colour = (_SAIL[0] * shade, _SAIL[1] * shade, _SAIL[2] * shade)
        shapes.append(((mast[s], outer[s], outer[s + 1], mast[s + 1]), colour, 0.55))
        (mx, my), (ox, oy) = mast[s], outer[s]
        shapes.append((((mx, my - 0.09), (ox, oy - 0.09), (ox, oy + 0.09), (mx, my + 0.09)), _BATTEN, 0.1))
    return shapes


def _box(left: float, right: float, low: float, high: float) -> Outline:
    return ((left, low), (right, low), (right, high), (left, high))


_SHAPES: Sequence[tuple[Outline, Colour, float]] = (
    (_box(-5.05, -4.75, 3.0, 20.5), _HULL, 0.0),
    (_box(4.25, 4.55, 3.0, 22.5), _HULL, 0.0),
    (_box(-10.5, 8.0, 2.0, 4.6), _CABIN, 0.0),
    (_box(-9.0, 5.5, 4.9, 6.9), _CABIN, 0.0),
    *((_box(x, x + 1.1, 3.0, 4.0), _WINDOW, 0.0) for x in np.arange(-9.6, 7.0, 1.8).tolist()),
    *((_box(x, x + 1.1, 5.4, 6.3), _WINDOW, 0.0) for x in np.arange(-8.2, 4.6, 1.8).tolist()),
    (_box(-10.8, 8.4, 4.55, 4.95), _HULL, 0.0),
    (_box(-9.6, 6.2, 6.85, 7.2), _HULL, 0.0),
    (((-13.2, 3.6), (-12.0, 0.0), (11.0, 0.0), (14.8, 4.2), (9.5, 2.5), (-9.0, 2.3)), _HULL, 0.0),
    (
        (
            (-13.2, 3.6),
            (-12.9, 2.9),
            (-9.0, 1.8),
            (9.5, 2.0),
            (14.2, 3.6),
            (14.8, 4.2),
            (9.5, 2.5),
            (-9.0, 2.3),
        ),
        _RAIL,
        0.0,
    ),
    (((-12.1, 0.35), (-12.0, 0.0), (11.0, 0.0), (11.4, 0.4)), _WINDOW, 0.0),
    *_fan((-4.9, 7.6), (-4.4, 20.6), -6.6),
    *_fan((4.4, 7.4), (4.9, 22.6), -7.4),
)


def _light(boat: Boat, colour: Colour, through: float, eye_m: float, sky: Sky) -> FloatArray:
    """One flat colour: sky light, sun on the side it shows, and sun through a sail from behind."""
    view = (np.sin(boat.heading_rad), -np.cos(boat.heading_rad))
    toward_sun = view[0] * sky.sun[0] + view[1] * sky.sun[2]  # 1: the sun stands behind the boat
    direct = max(-toward_sun, 0.12) * 0.7 + through * max(toward_sun, 0.0) * 0.6
    lit = np.array(colour) * (0.62 * np.array(sky.ambient) + np.array(sky.sunlight) * direct)
    ray = tuple(np.array([c], np.float32) for c in (view[0], 0.02, view[1]))
    thick = haze_metres(np.array([boat.distance_m], np.float32), np.array([6.0], np.float32), abs(eye_m))
    clear = np.exp(thick * -np.array(sky.haze_per_km) / 1000.0)
    haze = sky.haze((ray[0], ray[1], ray[2]))[0]
    return np.asarray(lit * clear + haze * (1.0 - clear), dtype=np.float32)


def _fill(view: View, layer: Layer, boat: Boat, outline: Outline, light: FloatArray, eye_m: float) -> None:
    along, up = np.array(outline, dtype=np.float32).T * np.float32(boat.length_share)
    sin, cos = np.sin(boat.heading_rad), np.cos(boat.heading_rad)
    depth = np.float32(np.sqrt(max(1.0 - boat.aspect * boat.aspect, 0.0)))
    ahead = boat.distance_m + along * depth
    right = along * np.float32(boat.aspect)
    x, z = ahead * sin + right * cos, -ahead * cos + right * sin
    columns, rows = view.places(x, up - np.float32(eye_m), z)
    if not (
        columns.min() >= 0 and columns.max() <= view.width_px - 1 and np.ptp(columns) < view.width_px / 4
    ):
        return  # outside the picture, or behind a lens
    corners = np.stack([columns, rows - np.float32(layer.first_row)], axis=-1)
    left, top = np.floor(corners.min(axis=0)).astype(int) - 1
    right_px, bottom = np.ceil(corners.max(axis=0)).astype(int) + 2
    top, bottom = max(int(top), 0), min(int(bottom), len(layer.colour))
    if top >= bottom:
        return
    mask = np.zeros((bottom - top, int(right_px) - int(left)), np.uint8)
    points = np.round((corners - (left, top)) * (1 << _PLACE_BITS)).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, lineType=cv2.LINE_8, shift=_PLACE_BITS)
    window = (slice(top, bottom), slice(int(left), int(right_px)))
    seen = (mask > 0) & (layer.distance_m[window] >= boat.distance_m - 20.0)
    layer.colour[window][seen] = light
    layer.distance_m[window][seen] = boat.distance_m
