"""Smooth random fields: the one source of irregularity for rock, leaves, clouds and waves.

Everything is sampled from one seeded tile whose edges meet, so a value depends on nothing but position and
seed: not on the size of the array, its order or the number of threads.
"""

from functools import cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]  # float32 throughout; numpy's types lose that on the way

TILE_PX = 1024
PX_PER_CELL = 8.0  # one wavelength of the field is 8 px of the tile: linear lookups between them stay smooth
_LINE = 256
_TILE_SEED = 20_261_123
_ROTATION = np.array([[0.86, 0.36, -0.36], [-0.48, 0.80, -0.35], [0.16, 0.47, 0.87]], dtype=np.float32)


def noise2(x: FloatArray, z: FloatArray, seed: int = 0) -> FloatArray:
    """A smooth field on the plane, mean 0, deviation about 1, wavelength about 1; repeats after 128."""
    return _sample_tile(x, z, *_seed_shift(seed))


def noise3(x: FloatArray, y: FloatArray, z: FloatArray, seed: int = 0) -> FloatArray:
    """A smooth field in space, mean 0, deviation about 1, wavelength about 1.

    Layers of the tile, each shifted elsewhere, are blended so that the deviation is the same between layers.
    """
    layer = np.floor(y)
    up = y - layer
    up *= up * (3.0 - 2.0 * up)
    u0, v0 = _seed_shift(seed)
    low = _sample_tile(x, z, u0 + layer * 311.7, v0 + layer * 173.3)
    layer += 1.0
    high = _sample_tile(x, z, u0 + layer * 311.7, v0 + layer * 173.3)
    down = 1.0 - up
    scale = np.sqrt(up * up + down * down)
    low *= down
    high *= up
    low += high
    low /= scale
    return low


def fbm3(
    x: FloatArray, y: FloatArray, z: FloatArray, octaves: int, seed: int = 0, gain: float = 0.5
) -> FloatArray:
    """A sum of ever finer `noise3`, turned between octaves so that no axis shows; deviation about 1."""
    total = noise3(x, y, z, seed)
    weight, power = 1.0, 1.0
    for octave in range(1, octaves):
        x, y, z = _turned(x, y, z, 2.03)
        weight *= gain
        power += weight * weight
        total += noise3(x, y, z, seed + 7 * octave) * np.float32(weight)
    total *= np.float32(1.0 / np.sqrt(power))
    return total


def fbm2(x: FloatArray, z: FloatArray, octaves: int, seed: int = 0, gain: float = 0.5) -> FloatArray:
    """A sum of ever finer `noise2`; deviation about 1."""
    total = noise2(x, z, seed)
    weight, power = 1.0, 1.0
    for octave in range(1, octaves):
        x, z = (x * 0.8 - z * 0.6) * np.float32(2.03), (x * 0.6 + z * 0.8) * np.float32(2.03)
        weight *= gain
        power += weight * weight
        total += noise2(x, z, seed + 7 * octave) * np.float32(weight)
    total *= np.float32(1.0 / np.sqrt(power))
    return total


def smoothstep(low: float, high: float, value: FloatArray) -> FloatArray:
    """0 below `low`, 1 above `high`, smooth between; `high` may be the smaller one."""
    t = np.clip((value - np.float32(low)) * np.float32(1.0 / (high - low)), 0.0, 1.0)
    result: FloatArray = t * t * (3.0 - 2.0 * t)
    return result


def mix(
    a: FloatArray | float | np.float32, b: FloatArray | float | np.float32, share: FloatArray
) -> FloatArray:
    """`a` where share is 0, `b` where it is 1."""
    result: FloatArray = a + (b - a) * share
    return result


def look_up(
    table: FloatArray, u: FloatArray, v: FloatArray, border: int = cv2.BORDER_REPLICATE
) -> FloatArray:
    """Linear values of a table at (n,) columns and rows; n may be larger than OpenCV allows a line to be."""
    count = len(u)
    lines = -(-count // _LINE)
    padded = np.zeros((2, lines * _LINE), np.float32)
    padded[0, :count], padded[1, :count] = u, v
    u2, v2 = padded.reshape(2, lines, _LINE)
    found = cv2.remap(table, u2, v2, cv2.INTER_LINEAR, borderMode=border)
    return cast(FloatArray, found.reshape(lines * _LINE, *table.shape[2:])[:count])


def tile_of(seed: int, size_px: int, low_cells: float, high_cells: float, falloff: float) -> FloatArray:
    """A random square tile whose edges meet, deviation 1: low to high waves per side, fading by `falloff`."""
    white = np.random.default_rng(seed).standard_normal((size_px, size_px))
    fy = np.fft.fftfreq(size_px)[:, None] * size_px
    fx = np.fft.rfftfreq(size_px)[None, :] * size_px
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1e-9
    band = np.exp(-((low_cells / radius) ** 4)) * np.exp(-((radius / high_cells) ** 4)) * radius**-falloff
    tile = np.fft.irfft2(np.fft.rfft2(white) * band, s=(size_px, size_px))
    tile -= tile.mean()
    return np.ascontiguousarray((tile / tile.std()).astype(np.float32))


@cache
def _tile() -> FloatArray:
    cells = TILE_PX / PX_PER_CELL
    return tile_of(_TILE_SEED, TILE_PX, cells * 0.45, cells * 1.05, 0.6)


def _seed_shift(seed: int) -> tuple[float, float]:
    return (seed * 197.31) % TILE_PX, (seed * 411.77) % TILE_PX


def _sample_tile(x: FloatArray, z: FloatArray, u0: FloatArray | float, v0: FloatArray | float) -> FloatArray:
    u = x * np.float32(PX_PER_CELL) + np.asarray(u0, np.float32)
    v = z * np.float32(PX_PER_CELL) + np.asarray(v0, np.float32)
    for axis in (u, v):  # the lookup itself is slow far outside the tile
        axis -= np.float32(TILE_PX) * np.floor(axis * np.float32(1.0 / TILE_PX))
    if u.ndim == 1:
        return look_up(_tile(), u, v, border=cv2.BORDER_WRAP)
    return cast(FloatArray, cv2.remap(_tile(), u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _turned(
    x: FloatArray, y: FloatArray, z: FloatArray, scale: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    m = _ROTATION * np.float32(scale)
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )
