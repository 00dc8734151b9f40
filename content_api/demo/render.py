"""One picture of the bay through a view: sky, islands, and the sea that mirrors both."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from content_api.demo.boats import FLEET, draw_boats
from content_api.demo.field import FloatArray
from content_api.demo.islands import Grown, Standing
from content_api.demo.pictures import to_srgb
from content_api.demo.sea import Mirror, make_mirror, sea_light
from content_api.demo.sky import Sky
from content_api.demo.trace import trace_islands
from content_api.demo.view import SphereView, View

SKY_COARSER = 2  # clouds are soft: half the picture's resolution shows them whole
MIRROR_COARSER = 2
HIGHEST_ISLAND_RAD = 0.62
LOWEST_ISLAND_RAD = -0.30
_FINE_SEA_RAD = 0.30
_STRIP = 64


def render_bay(
    view: View,
    mirror_view: View,
    eye_m: float,
    standing: Sequence[Standing],
    forms: Sequence[Grown],
    sky: Sky,
    exposure: float,
) -> NDArray[np.uint8]:
    """The finished picture, sRGB."""
    horizon = _row_of(view, 0.0)
    top, bottom = _row_of(view, HIGHEST_ISLAND_RAD), _row_of(view, LOWEST_ISLAND_RAD)
    rows = range(max(top, 0), min(bottom, view.height_px))
    picture = np.empty((view.height_px, view.width_px, 3), np.uint8)
    with ThreadPoolExecutor(2) as threads:  # numpy and OpenCV let go of the interpreter while they compute
        mirrored = threads.submit(_mirrored_bay, mirror_view, eye_m, standing, forms, sky)
        islands = trace_islands(view, eye_m, standing, forms, sky, rows)
        draw_boats(view, islands, eye_m, FLEET, sky)
        heavens, mirror = _sky_picture(view, sky, horizon), mirrored.result()

        def draw(start: int) -> None:
            strip = range(start, min(start + _STRIP, view.height_px))
            light = np.empty((len(strip), view.width_px, 3), np.float32)
            above = max(0, min(strip.stop, horizon) - start)
            if above:
                light[:above] = heavens[start : start + above]
            if above < len(strip):
                light[above:] = _sea_strip(view, range(start + above, strip.stop), eye_m, sky, mirror)
            first, last = max(strip.start, rows.start), min(strip.stop, rows.stop)
            if first < last:
                here = slice(first - start, last - start)
                there = slice(first - rows.start, last - rows.start)
                seen = np.isfinite(islands.distance_m[there])
                light[here][seen] = islands.colour[there][seen]
            picture[start : strip.stop] = to_srgb(develop(light, exposure), first_row=start)

        list(threads.map(draw, range(0, view.height_px, _STRIP)))
    _soften_outlines(picture, islands.distance_m, rows)
    return picture


def develop(light: FloatArray, exposure: float) -> FloatArray:
    """A film-like curve from open light to 0..1: soft shoulder, a little contrast."""
    x = light * np.float32(exposure)
    out: FloatArray = np.clip((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14), 0.0, 1.0)
    return out


def _soften_outlines(picture: NDArray[np.uint8], distance_m: FloatArray, rows: range) -> None:
    """Rays are cast once per pixel: where near meets far, blend a little so that outlines do not stair."""
    nearness = 1.0 / distance_m
    kernel = np.ones((3, 3), np.uint8)
    jump = cv2.dilate(nearness, kernel) > 1.04 * cv2.erode(nearness, kernel) + 1e-5
    band = picture[rows.start : rows.stop]
    band[jump] = cv2.GaussianBlur(band, (3, 3), 0.75)[jump]


def _row_of(view: View, up_rad: float) -> int:
    x, _, z = view.rays(
        np.array([(view.width_px - 1) / 2], np.float32), np.array([view.height_px / 2], np.float32)
    )
    level = np.hypot(x, z)
    _, row = view.places(
        x / level * np.float32(np.cos(up_rad)),
        np.array([np.sin(up_rad)], np.float32),
        z / level * np.float32(np.cos(up_rad)),
    )
    return int(np.ceil(row[0]))


def _sky_picture(view: View, sky: Sky, rows: int) -> FloatArray:
    """The sky above the horizon, computed coarsely and enlarged."""
    wide, high = view.width_px // SKY_COARSER, rows // SKY_COARSER + 2
    coarse = np.empty((high, wide + 8, 3), np.float32)
    columns = (np.arange(-4, wide + 4, dtype=np.float32)[None, :] + 0.5) * SKY_COARSER - np.float32(0.5)
    for start in range(0, high, _STRIP):
        at = (
            np.arange(start, min(start + _STRIP, high), dtype=np.float32)[:, None] + 0.5
        ) * SKY_COARSER - np.float32(0.5)
        coarse[start : start + len(at)] = sky.with_clouds(view.rays(columns, at))
    fine = cv2.resize(coarse, None, fx=SKY_COARSER, fy=SKY_COARSER, interpolation=cv2.INTER_LINEAR)
    edge = 4 * SKY_COARSER
    return np.ascontiguousarray(fine[:rows, edge : edge + view.width_px])


def _mirrored_bay(
    view: View, eye_m: float, standing: Sequence[Standing], forms: Sequence[Grown], sky: Sky
) -> Mirror:
    """Sky and islands as seen from under the water's surface, as far below it as the eye is above."""
    horizon = _row_of(view, 0.0)
    picture = _sky_picture(view, sky, horizon)
    rows = range(max(_row_of(view, HIGHEST_ISLAND_RAD), 0), horizon)
    islands = trace_islands(view, -eye_m, standing, forms, sky, rows)
    draw_boats(view, islands, -eye_m, FLEET, sky)
    seen = np.isfinite(islands.distance_m)
    picture[rows.start : rows.stop][seen] = islands.colour[seen]
    if view.wraps:
        picture = np.concatenate([picture[:, -1:], picture, picture[:, :1]], axis=1)
    return make_mirror(view, np.ascontiguousarray(picture))


def _sea_strip(view: View, rows: range, eye_m: float, sky: Sky, mirror: Mirror) -> FloatArray:
    """Sea of some rows. Towards a panorama's nadir rows shrink to a point: fewer columns show the same."""
    lines = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    coarser = 1
    if isinstance(view, SphereView):
        down = (rows.start / view.height_px - 0.5) * np.pi
        coarser = 4 if down > 1.32 else 2 if down > 1.05 else 1
    edge = 4 if coarser > 1 else 0
    columns = (
        np.arange(-edge, view.width_px // coarser + edge, dtype=np.float32)[None, :] + 0.5
    ) * coarser - np.float32(0.5)
    if (
        abs(rows.start - _row_of(view, 0.0)) < _FINE_SEA_RAD * view.px_per_rad
    ):  # far waves are finer than a pixel
        quarter = np.float32(0.25)
        light = sea_light(view.rays(columns - quarter, lines - quarter), view.px_per_rad, eye_m, sky, mirror)
        light += sea_light(view.rays(columns + quarter, lines + quarter), view.px_per_rad, eye_m, sky, mirror)
        return light * np.float32(0.5)
    light = sea_light(view.rays(columns, lines), view.px_per_rad, eye_m, sky, mirror)
    if coarser == 1:
        return light
    wide = cv2.resize(light, (light.shape[1] * coarser, light.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(wide[:, edge * coarser : edge * coarser + view.width_px])
