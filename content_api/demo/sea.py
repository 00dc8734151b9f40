"""The sea: jade water, small waves, and the mirrored bay broken up in them."""

from dataclasses import dataclass
from functools import cache
from typing import cast

import cv2
import numpy as np

from content_api.demo.field import FloatArray, fbm2, mix, noise2, smoothstep, tile_of
from content_api.demo.sky import Sky
from content_api.demo.trace import haze_metres
from content_api.demo.view import Rays, View

_TILE_PX = 1024
# metres per tile, steepness, turn of the tile: from swell down to the ripples at the hull
_WAVES = ((260.0, 0.034, 0.3), (71.0, 0.055, 1.9), (19.0, 0.062, 3.1), (6.1, 0.036, 4.4))


@dataclass(frozen=True, slots=True)
class Mirror:
    """The bay as the calm sea would show it: a picture of the sky half, seen from below the surface."""

    view: View
    sharp: FloatArray
    soft: FloatArray
    softest: FloatArray


def make_mirror(view: View, picture: FloatArray) -> Mirror:
    """A mirror of a rendered upper half, with copies smeared upwards as rough water smears them."""
    px = view.px_per_rad
    soft = _smear(picture, 0.012 * px)
    return Mirror(view, picture, soft, _smear(soft, 0.045 * px))


def sea_light(rays: Rays, px_per_rad: float, eye_m: float, sky: Sky, mirror: Mirror) -> FloatArray:
    """Light of the sea along downward rays, (…, 3)."""
    dx, dy, dz = rays
    down = np.maximum(-dy, 1e-5)
    distance = np.float32(eye_m) / down
    x, z = dx * distance, dz * distance
    breeze = np.clip(
        0.78 + 0.34 * fbm2(x * 0.006, z * 0.006, 3, 300) + 0.16 * noise2(x * 0.03, z * 0.03, 301), 0.25, 1.5
    )
    footprint = distance / np.float32(px_per_rad) / np.sqrt(down)
    sx, sz, lost = _slopes(x, z, footprint)
    sx, sz = sx * breeze, sz * breeze
    length = 1.0 / np.sqrt(1.0 + sx * sx + sz * sz)
    cosine = np.clip((dx * sx + down + dz * sz) * length, 0.02, 1.0)
    rx, ry, rz = dx - 2 * -cosine * -sx * length, dy + 2 * cosine * length, dz - 2 * -cosine * -sz * length
    ry = np.abs(ry) + 0.35 * lost * breeze
    scale = 1.0 / np.sqrt(rx * rx + ry * ry + rz * rz)
    rx, ry, rz = rx * scale, ry * scale, rz * scale
    rough = np.clip(0.06 + lost * breeze * 9.0, 0.0, 1.0)
    reflected = _reflection(mirror, rx, ry, rz, rough)

    fresnel = 0.02 + 0.98 * (1.0 - cosine) ** 5 / (1.0 + 1.3 * lost * 6.0)
    sun = sky.sun
    along = rx * np.float32(sun[0]) + ry * np.float32(sun[1]) + rz * np.float32(sun[2])
    width = 0.0009 + 0.010 * lost
    sparkle = np.exp((along - 1.0) / width) * np.float32(0.010) / width
    glint = 1.0 + 0.9 * noise2(
        x / np.maximum(footprint, 0.12) * 0.21, z / np.maximum(footprint, 0.12) * 0.21, 303
    )
    sparkle *= np.maximum(glint, 0.0)

    patch = fbm2(x * 0.011, z * 0.011, 3, 305)
    crest = np.clip((sx * np.float32(sun[0]) + sz * np.float32(sun[2])) * -2.0, -0.35, 0.6)
    clear = smoothstep(0.15, 0.95, down)
    thick = haze_metres(distance, np.zeros_like(distance), eye_m)
    haze = sky.haze(rays)
    out = np.empty((*np.broadcast_shapes(dx.shape, dy.shape), 3), np.float32)
    for c, (deep, shallow) in enumerate(((0.020, 0.034), (0.098, 0.128), (0.079, 0.106))):
        body = mix(np.float32(shallow), np.float32(deep), clear) * (1.0 + 0.10 * patch + crest)
        body = body * np.float32(0.55 * sky.ambient[c] + 0.30 * sky.sunlight[c])
        light = mix(body, reflected[..., c], fresnel) + np.float32(sky.sunlight[c]) * sparkle * fresnel
        through = np.exp(thick * np.float32(-sky.haze_per_km[c] / 1000.0))
        out[..., c] = light * through + haze[..., c] * (1.0 - through)
    return out


def _slopes(x: FloatArray, z: FloatArray, footprint: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Wave slopes east and south, and the slope that is too fine for the pixel."""
    sx, sz, lost = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for size_m, steepness, turn in _WAVES:
        cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        scale = np.float32(_TILE_PX / size_m)
        u, v = (x * cos + z * sin) * scale, (z * cos - x * sin) * scale
        for axis in (u, v):
            axis -= np.float32(_TILE_PX) * np.floor(axis * np.float32(1.0 / _TILE_PX))
        found = cv2.remap(_wave_tile(), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        keep = smoothstep(size_m / 34.0, size_m / 260.0, footprint) * np.float32(steepness)
        a, b = found[..., 0] * keep, found[..., 1] * keep
        sx += a * cos - b * sin
        sz += b * cos + a * sin
        lost += np.float32(steepness) - keep
    return sx, sz, lost


@cache
def _wave_tile() -> FloatArray:
    """Slopes of a random sea, deviation 1; crests a little sharper than troughs."""
    height = tile_of(77, _TILE_PX, 7.0, 60.0, 1.7)
    height = height + 0.12 * (height * height - 1.0)
    slopes = np.stack(
        [np.roll(height, -1, 1) - np.roll(height, 1, 1), np.roll(height, -1, 0) - np.roll(height, 1, 0)],
        axis=-1,
    )
    slopes *= np.array([0.8, 1.2], np.float32)  # the wind has a direction
    return np.ascontiguousarray((slopes / slopes.std()).astype(np.float32))


def _reflection(mirror: Mirror, x: FloatArray, y: FloatArray, z: FloatArray, rough: FloatArray) -> FloatArray:
    columns, rows = mirror.view.places(x, y, z)
    mode = cv2.BORDER_REPLICATE
    if mirror.view.wraps:
        columns = columns + np.float32(1.0)  # the pictures carry one column more on each side
    rows = np.clip(rows, 0, mirror.sharp.shape[0] - 1)
    sharp, soft, softest = (
        cast(FloatArray, cv2.remap(p, columns, rows, cv2.INTER_LINEAR, borderMode=mode))
        for p in (mirror.sharp, mirror.soft, mirror.softest)
    )
    share = rough[..., None] * 2.0
    found: FloatArray = mix(mix(sharp, soft, np.minimum(share, 1.0)), softest, np.clip(share - 1.0, 0.0, 1.0))
    return found


def _smear(picture: FloatArray, sigma_px: float) -> FloatArray:
    across, upwards = max(sigma_px * 0.12, 0.3), max(sigma_px, 0.3)
    soft = cv2.GaussianBlur(picture, (0, 0), sigmaX=across, sigmaY=upwards, borderType=cv2.BORDER_REPLICATE)
    return cast(FloatArray, soft)
