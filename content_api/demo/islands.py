"""Which towers stand where in the bay, and the few grown forms they share."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import cv2
import numpy as np

from content_api.demo.field import FloatArray
from content_api.demo.karst import Tower, TowerForm, grow_tower, surface_points, table_axes
from content_api.demo.tower import SCAN_FORM

BAY_SEED = 190_462


@dataclass(frozen=True, slots=True)
class Standing:
    """One tower of the bay: a grown form, turned, stretched and put so far east and south of the viewer."""

    form: int
    east_m: float
    south_m: float
    turn_rad: float
    wide: float
    tall: float

    @property
    def distance_m(self) -> float:
        """From the viewer, level."""
        return float(np.hypot(self.east_m, self.south_m))


class Grown:
    """A grown tower with what rays ask of it: its extent, and coarser copies of its tables for far views."""

    def __init__(self, tower: Tower) -> None:
        rows, columns = tower.reach.shape
        self.form = tower.form
        x, y, z = surface_points(tower.form, *table_axes(columns, rows), tower.reach)
        above = y > -4.0
        self.radius_m = float(np.sqrt((x * x + z * z)[above].max()))
        self.top_m = float(y.max())
        self.reach_max = float(tower.reach[above].max())
        self._tower = tower
        self._levels: dict[int, tuple[FloatArray, FloatArray]] = {}

    @cached_property
    def reach(self) -> FloatArray:
        """Distances from the inner point, columns repeated at both sides so that lookups cross the seam."""
        return _closed(self._tower.reach)

    def skin(self, metres_per_px: float) -> tuple[FloatArray, FloatArray]:
        """Colour and normals, averaged down to about what a pixel covers."""
        texel_m = 2 * np.pi * self.form.radius_m / self._tower.reach.shape[1]
        level = int(np.clip(np.floor(np.log2(max(metres_per_px / texel_m, 1.0)) + 0.35), 0, 5))
        if level not in self._levels:
            rows, columns = self._tower.reach.shape
            size = (columns >> level, rows >> level)
            pair = (self._tower.colour, self._tower.normal)
            if level > 0:
                colour, normal = (cv2.resize(table, size, interpolation=cv2.INTER_AREA) for table in pair)
                pair = cast(FloatArray, colour), cast(FloatArray, normal)
            self._levels[level] = (_closed(pair[0]), _closed(pair[1]))
        return self._levels[level]


SEAM_COLUMNS = 2


def grown_forms(columns: int) -> list[Grown]:
    """Every form of the bay; near ones at `columns` around, far ones coarser."""
    widths = [columns if index < NEAR_FORMS else columns // 2 for index in range(len(FORMS))]
    with ThreadPoolExecutor(2) as threads:
        return [
            Grown(tower)
            for tower in threads.map(lambda form, wide: grow_tower(form, wide, wide // 2), FORMS, widths)
        ]


FORMS: Sequence[TowerForm] = (
    # near ones, each used for one tower close by
    SCAN_FORM,
    TowerForm(seed=21, height_m=88, radius_m=34, squareness=3.6, taper=0.22, lobes=0.22, greenness=0.18),
    TowerForm(seed=22, height_m=60, radius_m=33, squareness=2.5, taper=0.30, lobes=0.24, greenness=0.26),
    TowerForm(seed=23, height_m=104, radius_m=33, squareness=3.2, taper=0.30, lobes=0.20, greenness=0.16),
    # the rest of the bay
    TowerForm(seed=31, height_m=120, radius_m=60, squareness=2.6, taper=0.26, lobes=0.25, greenness=0.28),
    TowerForm(seed=32, height_m=110, radius_m=48, squareness=3.4, taper=0.22, lobes=0.22, greenness=0.20),
    TowerForm(seed=33, height_m=140, radius_m=50, squareness=2.9, taper=0.34, lobes=0.22, greenness=0.22),
    TowerForm(seed=34, height_m=80, radius_m=62, squareness=2.4, taper=0.20, lobes=0.28, greenness=0.30),
    TowerForm(seed=35, height_m=100, radius_m=40, squareness=4.2, taper=0.20, lobes=0.24, greenness=0.20),
    TowerForm(seed=36, height_m=130, radius_m=56, squareness=2.3, taper=0.36, lobes=0.26, greenness=0.26),
)
NEAR_FORMS = 4


# nearest and farthest (m) and how many islands between: ever more of them into the haze
_RINGS = (
    (600.0, 1000.0, 12),
    (1000.0, 1800.0, 26),
    (1800.0, 3000.0, 44),
    (3000.0, 4800.0, 60),
    (4800.0, 8000.0, 80),
    (8000.0, 14000.0, 90),
)


def bay() -> list[Standing]:
    """The bay as seen from the viewer at the origin: a few towers close by, islands, ranges into the haze."""
    return [*_close_by(), *_islands(np.random.default_rng(BAY_SEED))]


def _close_by() -> list[Standing]:
    placed = [
        # heading, distance, form, turn, wide, tall
        (-21.0, 185.0, 0, 2.9, 1.0, 1.0),
        (-33.0, 285.0, 1, 0.4, 1.0, 1.0),
        (-41.0, 330.0, 5, 1.4, 0.8, 0.72),
        (70.0, 310.0, 2, 1.7, 1.15, 1.0),
        (79.0, 350.0, 8, 4.1, 0.9, 0.95),
        (64.0, 395.0, 7, 2.2, 0.75, 0.7),
        (141.0, 195.0, 3, 3.8, 0.95, 0.9),
        (152.0, 330.0, 4, 5.1, 0.75, 0.85),
        (-118.0, 420.0, 6, 0.9, 0.95, 0.95),
        (-107.0, 470.0, 9, 2.6, 1.0, 0.8),
        (-127.0, 520.0, 8, 2.0, 1.0, 1.1),
        (3.0, 255.0, 5, 2.7, 0.24, 0.33),
        (12.0, 620.0, 8, 5.4, 0.62, 0.80),
        (20.5, 1050.0, 6, 1.1, 1.0, 0.95),
    ]
    return [
        _standing(form, np.radians(h), distance, turn, wide, tall)
        for h, distance, form, turn, wide, tall in placed
    ]


def _islands(random: np.random.Generator) -> list[Standing]:
    """Clusters of towers, thinner where the view should open, larger and denser with distance."""
    standing: list[Standing] = []
    for ring, (near, far, count) in enumerate(_RINGS):
        for number in range(count):
            heading = 2 * np.pi * (number + random.uniform(0.0, 0.95)) / count
            distance = float(random.uniform(near, far))
            towers = int(random.integers(1, 3 + ring))
            base = float(random.choice(np.arange(NEAR_FORMS, len(FORMS))))
            size = float(random.uniform(0.6, 1.15)) * (1.0 + 0.27 * ring)
            along = float(random.uniform(0, np.pi))
            if ring < 2 and _keeps_open(heading):
                continue
            cx, cz = distance * np.sin(heading), -distance * np.cos(heading)
            for _ in range(towers):
                form = int(base) if random.random() < 0.4 else int(random.integers(NEAR_FORMS, len(FORMS)))
                spread = float(random.normal(0, 52.0 * size * towers**0.7))
                side = float(random.normal(0, 24.0 * size))
                east = cx + spread * np.cos(along) - side * np.sin(along)
                south = cz + spread * np.sin(along) + side * np.cos(along)
                wide = size * float(random.uniform(0.75, 1.2))
                tall = size * float(random.uniform(0.5, 1.05))
                turn = float(random.uniform(0, 2 * np.pi))
                standing.append(Standing(form, float(east), float(south), turn, wide, tall))
    return standing


def _keeps_open(heading_rad: float) -> bool:
    """Stretches of open water towards the sun, and one astern."""
    degrees = np.degrees(heading_rad) % 360.0
    return bool(27.0 < degrees < 52.0 or 198.0 < degrees < 226.0)


def _standing(
    form: int, heading_rad: float, distance_m: float, turn: float, wide: float, tall: float
) -> Standing:
    east, south = distance_m * np.sin(heading_rad), -distance_m * np.cos(heading_rad)
    return Standing(form, float(east), float(south), turn, wide, tall)


def _closed(table: FloatArray) -> FloatArray:
    return np.ascontiguousarray(
        np.concatenate([table[:, -SEAM_COLUMNS:], table, table[:, :SEAM_COLUMNS]], axis=1)
    )
