"""Where the cameras stand: on a sphere around the master, the same for every file compared with it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.transforms import Matrix

FIELD_OF_VIEW_DEG = 30.0  # of the whole picture; a long lens, as in product shots
MARGIN = 1.02  # of the sphere's radius, free around it
FIRST_AZIMUTH_DEG = 30.0  # from +Z, a glTF model's front, towards +X
_FIRST_ELEVATION = 0.4  # sine; the view nearest to it comes first

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """eye: (3,), seen from the middle of the master's sphere. projected: world (from that middle) to clip."""

    eye: Vector
    projected: Matrix


def directions(views: int) -> list[Vector]:
    """Unit vectors towards the cameras: a Fibonacci lattice, from above and below too, a front view first."""
    sines = [1 - (2 * index + 1) / views for index in range(views)]
    first = min(range(views), key=lambda index: (abs(sines[index] - _FIRST_ELEVATION), index))
    turned = math.radians(FIRST_AZIMUTH_DEG) - first * _GOLDEN_ANGLE
    lattice = []
    for index, sine in enumerate(sines):
        azimuth = turned + index * _GOLDEN_ANGLE
        flat = math.sqrt(1 - sine * sine)
        lattice.append(np.array([math.sin(azimuth) * flat, sine, math.cos(azimuth) * flat]))
    return [lattice[first], *lattice[:first], *lattice[first + 1 :]]


def cameras(views: int, radius_m: float) -> list[Camera]:
    """One camera per direction, the sphere just filling its picture."""
    half = math.radians(FIELD_OF_VIEW_DEG) / 2
    reach = radius_m * MARGIN
    distance = reach / math.sin(half)
    projection = _perspective(math.tan(half), (distance - reach) * 0.9, distance + reach * 1.1)
    return [
        Camera(direction * distance, projection @ _look_from(direction, distance))
        for direction in directions(views)
    ]


def _perspective(slope: float, near: float, far: float) -> Matrix:
    matrix = np.zeros((4, 4))
    matrix[0, 0] = matrix[1, 1] = 1 / slope
    matrix[2, 2] = -(far + near) / (far - near)
    matrix[2, 3] = -2 * far * near / (far - near)
    matrix[3, 2] = -1
    return matrix


def _look_from(direction: Vector, distance: float) -> Matrix:
    right = np.cross([0.0, 1.0, 0.0], direction)
    right /= np.linalg.norm(right)  # no direction of the lattice is straight up
    matrix = np.eye(4)
    matrix[0, :3], matrix[1, :3], matrix[2, :3] = right, np.cross(direction, right), direction
    matrix[2, 3] = -distance
    return matrix
