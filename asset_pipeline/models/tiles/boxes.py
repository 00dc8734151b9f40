"""Upright boxes of tiles, in the z-up frame that 3D Tiles measure in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Point = tuple[float, float, float]

MARGIN_RATIO = 1e-6  # of the longest side: rounding in a viewer's float arithmetic
MIN_MARGIN_M = 1e-6  # bounds are measured to a micrometre; also gives flat models a box with a volume


@dataclass(frozen=True, slots=True)
class Box:
    """Lowest and highest corner in metres, z-up."""

    low: Point
    high: Point

    def __post_init__(self) -> None:
        if not all(low <= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError(f"Box: want low <= high, got {self.low} and {self.high}")

    @property
    def longest_m(self) -> float:
        """The longest side."""
        return max(high - low for low, high in zip(self.low, self.high, strict=True))

    @property
    def diagonal_m(self) -> float:
        """From corner to corner."""
        return float(np.linalg.norm(np.subtract(self.high, self.low)))

    def as_numbers(self) -> list[float]:
        """Centre and three half axes, as `boundingVolume.box` wants them."""
        centre = [(low + high) / 2 for low, high in zip(self.low, self.high, strict=True)]
        half = [(high - low) / 2 for low, high in zip(self.low, self.high, strict=True)]
        return [*centre, half[0], 0.0, 0.0, 0.0, half[1], 0.0, 0.0, 0.0, half[2]]

    def contains(self, other: "Box", *, slack_m: float = 0.0) -> bool:
        """Whether the other box lies inside, or outside by no more than the slack."""
        return all(
            mine - slack_m <= low and high <= most + slack_m
            for mine, most, low, high in zip(self.low, self.high, other.low, other.high, strict=True)
        )


def box_of_bounds(low: Sequence[float], high: Sequence[float]) -> Box:
    """The box of a glTF's bounds (y-up): (x, y, z) becomes (x, -z, y). A hair wider than the bounds."""
    margin = max(MIN_MARGIN_M, MARGIN_RATIO * max(b - a for a, b in zip(low, high, strict=True)))
    return Box(
        (low[0] - margin, -high[2] - margin, low[1] - margin),
        (high[0] + margin, -low[2] + margin, high[1] + margin),
    )


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of them; at least one."""
    found = list(boxes)
    low = np.min([box.low for box in found], axis=0).tolist()
    high = np.max([box.high for box in found], axis=0).tolist()
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
