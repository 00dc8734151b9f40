"""The master's surface, asked for its normal near a point: dense samples in a tree, then their triangle."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.steps.model_parts import Part, placed_normals, placed_points

MAX_SAMPLES = 3_000_000  # a tree of that many takes 1.5 s and 0.3 GiB to build
SAMPLES_PER_TRIANGLE = 2
MIN_SAMPLES = 200_000  # on few large triangles too
SECOND_LOOK = 8  # neighbours tried where the nearest one faces the other way (a thin wall's back)
MIN_AGREEMENT = 0.1  # cosine between the reduced normal and the master's
SEED = 57

Floats = NDArray[np.float32]


class TimeIsUp(Exception):
    """The deadline has passed."""


class MasterSurface:
    """The triangles of all parts, in the world. Raises TimeIsUp past the deadline (of time.monotonic)."""

    def __init__(self, parts: Sequence[Part], deadline: float) -> None:
        from scipy.spatial import cKDTree

        self.deadline = deadline
        points, normals, corners, start = [], [], [], 0
        for part in parts:
            points.append(placed_points(part))
            normals.append(_normals(part, points[-1]))
            corners.append(part.indices.reshape(-1, 3).astype(np.int64) + start)
            start += len(points[-1])
        self.points, self.normals = np.concatenate(points), np.concatenate(normals)
        self.corners = np.concatenate(corners)
        self.triangle, samples = self._samples()
        self._look_at_clock()
        self.tree = cKDTree(samples, balanced_tree=False, compact_nodes=False)
        self._look_at_clock()

    def _samples(self) -> tuple[NDArray[np.int64], Floats]:
        """(triangle, point) spread evenly over the area, the same every time."""
        a, b, c = (self.points[self.corners[:, corner]] for corner in range(3))
        areas = np.linalg.norm(np.cross(b - a, c - a), axis=1).astype(np.float64)
        ends = np.cumsum(areas)
        count = int(np.clip(SAMPLES_PER_TRIANGLE * len(areas), MIN_SAMPLES, MAX_SAMPLES))
        random = np.random.default_rng(SEED)
        place = (np.arange(count) + random.random(count)) / count
        triangle = np.minimum(np.searchsorted(ends, place * ends[-1], side="right"), len(areas) - 1)
        root, turn = np.sqrt(random.random(count, np.float32)), random.random(count, np.float32)
        weights = np.stack([1 - root, root * (1 - turn), root * turn], axis=1)
        spread = sum(
            weights[:, corner, None] * self.points[self.corners[triangle, corner]] for corner in range(3)
        )
        return triangle, np.asarray(spread, np.float32)

    def normals_at(self, points: Floats, facing: Floats) -> Floats:
        """(n, 3) unit normals of the master nearest to points; `facing` where none there agrees with it."""
        self._look_at_clock()
        _, nearest = self.tree.query(points, workers=-1)
        found = self._normals_on(self.triangle[nearest], points)
        agrees = (found * facing).sum(axis=1) > MIN_AGREEMENT
        doubtful = np.flatnonzero(~agrees)
        if len(doubtful):
            _, several = self.tree.query(points[doubtful], k=SECOND_LOOK, workers=-1)
            result = facing[doubtful].copy()
            open_still = np.ones(len(doubtful), bool)
            for rank in range(SECOND_LOOK):
                other = self._normals_on(self.triangle[several[:, rank]], points[doubtful])
                fits = open_still & ((other * facing[doubtful]).sum(axis=1) > MIN_AGREEMENT)
                result[fits] = other[fits]
                open_still &= ~fits
            found[doubtful] = result
        return found

    def _normals_on(self, triangle: NDArray[np.int64], points: Floats) -> Floats:
        """The interpolated normal at the point of each triangle that lies under the given point."""
        corners = self.corners[triangle]
        a, b, c = (self.points[corners[:, corner]].astype(np.float64) for corner in range(3))
        across = np.cross(b - a, c - a)
        square = np.maximum((across**2).sum(axis=1), 1e-300)
        away = points - a
        second = (np.cross(away, c - a) * across).sum(axis=1) / square
        third = (np.cross(b - a, away) * across).sum(axis=1) / square
        weights = np.clip(np.stack([1 - second - third, second, third], axis=1), 0, 1)
        weights /= weights.sum(axis=1, keepdims=True)
        normals = sum(weights[:, corner, None] * self.normals[corners[:, corner]] for corner in range(3))
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        unit: Floats = np.asarray(normals / np.maximum(lengths, 1e-20), np.float32)
        return unit

    def _look_at_clock(self) -> None:
        if time.monotonic() > self.deadline:
            raise TimeIsUp


def _normals(part: Part, points: Floats) -> Floats:
    """The part's normals; without any, those of its faces meeting at each vertex."""
    if "NORMAL" in part.geometry.attributes:
        return placed_normals(part)
    corners = part.indices.reshape(-1, 3)
    a, b, c = (points[corners[:, corner]].astype(np.float64) for corner in range(3))
    across = np.cross(b - a, c - a)
    sums = np.zeros((len(points), 3))
    for corner in range(3):
        for axis in range(3):
            sums[:, axis] += np.bincount(corners[:, corner], across[:, axis], len(sums))
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, 1e-300), np.float32)
