"""Where a fence is and how far a position lies from its edge. Pure geometry, standard library only.

Distances to edges use local metres about the position: within 0.5 % for fences of some kilometres.
Longitudes are unwrapped about one vertex of the fence, so fences across 180 degrees need no special case.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from halong_xr.geo import METRES_PER_DEGREE, LatLon, distance_m, wrapped_deg

Ring = tuple[LatLon, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """What every fence has. `live_use` False: its position is not surveyed, it fires only in a sandbox."""

    fence_id: str
    live_use: bool
    min_height_m: float | None = field(default=None, kw_only=True)
    max_height_m: float | None = field(default=None, kw_only=True)
    site: str = field(default="", kw_only=True)

    @property
    def key(self) -> tuple[str, str]:
        """What tells this fence from others: ids are unique within a site only."""
        return self.site, self.fence_id

    def edge_distance_m(self, point: LatLon, height_m: float | None = None) -> float:
        """Distance to the edge in metres, negative inside, 0 on it.

        A known height outside the fence's height range counts as outside; an unknown height decides nothing.
        """
        flat_m = self._flat_distance_m(point)
        if height_m is None:
            return flat_m
        above_m = height_m - self.max_height_m if self.max_height_m is not None else -math.inf
        below_m = self.min_height_m - height_m if self.min_height_m is not None else -math.inf
        beyond_m = max(above_m, below_m)
        return max(flat_m, beyond_m) if beyond_m > 0 else flat_m

    def contains(self, point: LatLon, height_m: float | None = None) -> bool:
        """Whether the position lies inside or on the edge."""
        return self.edge_distance_m(point, height_m) <= 0

    @property
    def centre(self) -> LatLon:
        """A point to measure from when ranking by distance."""
        raise NotImplementedError

    def _flat_distance_m(self, point: LatLon) -> float:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class CircleFence(Fence):
    """All positions within a radius."""

    middle: LatLon
    radius_m: float

    @property
    def centre(self) -> LatLon:  # noqa: D102 - as in Fence
        return self.middle

    def _flat_distance_m(self, point: LatLon) -> float:
        return distance_m(self.middle, point) - self.radius_m


@dataclass(frozen=True, slots=True)
class AreaFence(Fence):
    """One or more polygons; of each, the first ring is its outside and the others are holes."""

    middle: LatLon
    polygons: tuple[tuple[Ring, ...], ...]

    @property
    def centre(self) -> LatLon:  # noqa: D102 - as in Fence
        return self.middle

    def _flat_distance_m(self, point: LatLon) -> float:
        return min(_polygon_distance_m(rings, point) for rings in self.polygons)


@dataclass(frozen=True, slots=True)
class CorridorFence(Fence):
    """All positions within a half width of a path."""

    middle: LatLon
    path: Ring
    half_width_m: float

    @property
    def centre(self) -> LatLon:  # noqa: D102 - as in Fence
        return self.middle

    def _flat_distance_m(self, point: LatLon) -> float:
        local = _local_m(self.path, point)
        if len(local) == 1:
            return math.hypot(*local[0]) - self.half_width_m
        return min(_segment_distance(a, b) for a, b in pairwise(local)) - self.half_width_m


def _polygon_distance_m(rings: tuple[Ring, ...], point: LatLon) -> float:
    """Even-odd rule over all rings, then the distance to the nearest edge of any of them."""
    inside, nearest_m = False, math.inf
    for ring in rings:
        local = _local_m(ring, point)
        for a, b in pairwise([*local, local[0]]):
            nearest_m = min(nearest_m, _segment_distance(a, b))
            if (a[1] > 0) != (b[1] > 0) and a[0] + (b[0] - a[0]) * -a[1] / (b[1] - a[1]) > 0:
                inside = not inside
    return -nearest_m if inside else nearest_m


def _local_m(line: Sequence[LatLon], origin: LatLon) -> list[tuple[float, float]]:
    """Metres east and north of the origin. The line is unwrapped about its own first vertex."""
    first_deg = line[0].lon_deg
    origin_deg = wrapped_deg(origin.lon_deg - first_deg)
    east_m = METRES_PER_DEGREE * math.cos(math.radians(origin.lat_deg))
    return [
        (
            (wrapped_deg(vertex.lon_deg - first_deg) - origin_deg) * east_m,
            (vertex.lat_deg - origin.lat_deg) * METRES_PER_DEGREE,
        )
        for vertex in line
    ]


def _segment_distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Distance from the origin to a segment."""
    along_x, along_y = b[0] - a[0], b[1] - a[1]
    length_2 = along_x**2 + along_y**2
    share = 0.0 if length_2 == 0 else min(1.0, max(0.0, -(a[0] * along_x + a[1] * along_y) / length_2))
    return math.hypot(a[0] + share * along_x, a[1] + share * along_y)
