"""A scene whose colour is known in every direction, so that tiles can be held against the truth."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from asset_pipeline.panoramas.geometry import face_direction

Colours = np.ndarray


def smooth_colour(x: Colours, y: Colours, z: Colours) -> Colours:
    """Waves through space: no two poles, edges or seams look alike; nothing is finer than 25 pixels."""
    red = 128 + 55 * np.sin(17 * x + 5 * y - 3 * z) + 40 * y
    green = 128 + 50 * np.sin(23 * z - 9 * x + 1) + 45 * x
    blue = 128 + 60 * np.cos(19 * y + 11 * z + 2) + 40 * z
    return np.stack([red, green, blue], axis=-1)


def sector_colour(x: Colours, y: Colours, z: Colours) -> Colours:
    """72 hard sectors around the poles, black and white above, dark and grey below: what aliases worst."""
    sector = np.floor((np.arctan2(x, z) + math.pi) / (2 * math.pi) * 72) % 2
    value = np.where(y > 0, 40 + 175 * sector, 20 + 90 * sector)
    return np.repeat(value[..., np.newaxis], 3, axis=-1)


def equirect(colour: Callable[..., Colours], width: int, oversample: int = 1) -> Colours:
    """The scene as an equirectangular picture, averaged from oversample x oversample points per pixel."""
    height = width // 2
    total = np.zeros((height, width, 3))
    for i in range(oversample):
        for j in range(oversample):
            u = np.arange(width) + (j + 0.5) / oversample
            v = np.arange(height) + (i + 0.5) / oversample
            longitude, latitude = np.meshgrid(
                u / width * 2 * math.pi - math.pi, math.pi / 2 - v / height * math.pi
            )
            x = np.cos(latitude) * np.sin(longitude)
            z = np.cos(latitude) * np.cos(longitude)
            total += colour(x, np.sin(latitude), z)
    return np.clip(np.rint(total / oversample**2), 0, 255).astype(np.uint8)


def face_truth(colour: Callable[..., Colours], face: str, size: int, oversample: int = 3) -> Colours:
    """A whole face of the scene itself, (size, size, 3) float, averaged over each pixel."""
    total = np.zeros((size, size, 3))
    for i in range(oversample):
        for j in range(oversample):
            a = 2 * (np.arange(size) + (j + 0.5) / oversample) / size - 1
            b = 2 * (np.arange(size) + (i + 0.5) / oversample) / size - 1
            x, y, z = face_direction(face, *np.meshgrid(a, b))
            length = np.sqrt(x * x + y * y + z * z)
            total += np.clip(colour(x / length, y / length, z / length), 0, 255)
    return total / oversample**2


def psnr(actual: Colours, truth: Colours) -> float:
    error = np.mean((actual.astype(float) - truth) ** 2)
    return 10 * math.log10(255**2 / max(error, 1e-9))


class Scene:
    smooth = staticmethod(smooth_colour)
    sectors = staticmethod(sector_colour)
    equirect = staticmethod(equirect)
    face_truth = staticmethod(face_truth)
    psnr = staticmethod(psnr)


@pytest.fixture(scope="session")
def scene() -> type[Scene]:
    return Scene
