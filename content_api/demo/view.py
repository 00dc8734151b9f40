"""Two ways to look at the bay: all around (equirectangular) and through a lens. North -z, east +x, y up."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from content_api.demo.field import FloatArray

Rays = tuple[FloatArray, FloatArray, FloatArray]  # unit directions x, y, z


class View(Protocol):
    """What a renderer needs to know of a picture's geometry; places are in px, whole at a pixel's middle."""

    @property
    def width_px(self) -> int:
        """Picture width."""

    @property
    def height_px(self) -> int:
        """Picture height."""

    @property
    def wraps(self) -> bool:
        """Whether the right edge meets the left one."""

    @property
    def px_per_rad(self) -> float:
        """Pixels per radian at the horizon."""

    def rays(self, columns: FloatArray, rows: FloatArray) -> Rays:
        """Directions through places; the two arrays broadcast."""

    def places(self, x: FloatArray, y: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Column and row of directions: the inverse of `rays` in front of the view."""


@dataclass(frozen=True, slots=True)
class SphereView:
    """Equirectangular; the middle column looks towards `heading_rad` (0 north, clockwise)."""

    width_px: int
    heading_rad: float = 0.0
    wraps: bool = True

    @property
    def height_px(self) -> int:
        """Half the width."""
        return self.width_px // 2

    @property
    def px_per_rad(self) -> float:
        """Pixels per radian at the horizon."""
        return self.width_px / (2 * np.pi)

    def rays(self, columns: FloatArray, rows: FloatArray) -> Rays:
        """Directions through places."""
        heading = (columns + np.float32(0.5)) * np.float32(2 * np.pi / self.width_px) + np.float32(
            self.heading_rad - np.pi
        )
        up = np.float32(np.pi / 2) - (rows + np.float32(0.5)) * np.float32(np.pi / self.height_px)
        level = np.cos(up)
        return level * np.sin(heading), np.sin(up) + np.zeros_like(heading), -level * np.cos(heading)

    def places(self, x: FloatArray, y: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Column and row of directions."""
        heading = np.arctan2(x, -z) - np.float32(self.heading_rad - np.pi)
        column = heading * np.float32(self.width_px / (2 * np.pi))
        column -= np.float32(self.width_px) * np.floor(column * np.float32(1.0 / self.width_px))
        up = np.arctan2(y, np.hypot(x, z))
        row = (np.float32(np.pi / 2) - up) * np.float32(self.height_px / np.pi) - np.float32(0.5)
        return column - np.float32(0.5), row


@dataclass(frozen=True, slots=True)
class LensView:
    """Rectilinear, level; `horizon_row` shifts the picture up or down without tilting verticals."""

    width_px: int
    height_px: int
    heading_rad: float
    across_rad: float
    horizon_row: float
    wraps: bool = False

    @property
    def px_per_rad(self) -> float:
        """Pixels per radian at the horizon."""
        return float(self.width_px / (2 * np.tan(self.across_rad / 2)))

    def rays(self, columns: FloatArray, rows: FloatArray) -> Rays:
        """Directions through places."""
        right = (columns - np.float32((self.width_px - 1) / 2)) * np.float32(
            1 / self.px_per_rad
        ) + np.zeros_like(rows)
        up = (np.float32(self.horizon_row) - rows) * np.float32(1 / self.px_per_rad)
        length = np.sqrt(1.0 + right * right + up * up)
        sin, cos = np.float32(np.sin(self.heading_rad)), np.float32(np.cos(self.heading_rad))
        return (sin + right * cos) / length, up / length, (-cos + right * sin) / length

    def places(self, x: FloatArray, y: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Column and row of directions."""
        sin, cos = np.float32(np.sin(self.heading_rad)), np.float32(np.cos(self.heading_rad))
        ahead = np.maximum(x * sin - z * cos, 1e-4)
        column = (x * cos + z * sin) / ahead * np.float32(self.px_per_rad) + np.float32(
            (self.width_px - 1) / 2
        )
        row = np.float32(self.horizon_row) - y / ahead * np.float32(self.px_per_rad)
        return column, row
