"""Positions on the globe: points, boxes and the distance between points."""

import math
from dataclasses import dataclass

from heritage_sites.checks import number, set_field

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius R1; a sphere of it is within 0.5 % of WGS84 near 21 N
METRES_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180.0  # of latitude


@dataclass(frozen=True, slots=True)
class LatLon:
    """A point in WGS84 degrees: latitude in [-90, 90], longitude in [-180, 180]. ValueError otherwise."""

    lat_deg: float
    lon_deg: float

    def __post_init__(self) -> None:
        set_field(self, "lat_deg", number("lat_deg", self.lat_deg, -90.0, 90.0))
        set_field(self, "lon_deg", number("lon_deg", self.lon_deg, -180.0, 180.0))


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A box in WGS84 degrees, its edges included. West greater than east: it crosses the antimeridian."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float

    def __post_init__(self) -> None:
        set_field(self, "south_deg", number("south_deg", self.south_deg, -90.0, 90.0))
        set_field(self, "north_deg", number("north_deg", self.north_deg, self.south_deg, 90.0))
        set_field(self, "west_deg", number("west_deg", self.west_deg, -180.0, 180.0))
        set_field(self, "east_deg", number("east_deg", self.east_deg, -180.0, 180.0))

    def contains(self, point: LatLon) -> bool:
        """True if the point lies in the box or on its edge."""
        if not self.south_deg <= point.lat_deg <= self.north_deg:
            return False
        # -180 and 180 are one meridian
        lons = (point.lon_deg, -point.lon_deg) if abs(point.lon_deg) == 180.0 else (point.lon_deg,)
        return any(west <= lon <= east for west, east in self._lon_spans() for lon in lons)

    def intersects(self, other: "BoundingBox") -> bool:
        """True if the boxes share a point; touching counts."""
        if self.south_deg > other.north_deg or other.south_deg > self.north_deg:
            return False
        return any(
            west <= other_east + turn and other_west + turn <= east
            for west, east in self._lon_spans()
            for other_west, other_east in other._lon_spans()
            for turn in (-360.0, 0.0, 360.0)  # -180 touches 180
        )

    def _lon_spans(self) -> tuple[tuple[float, float], ...]:
        if self.west_deg <= self.east_deg:
            return ((self.west_deg, self.east_deg),)
        return ((self.west_deg, 180.0), (-180.0, self.east_deg))


def distance_m(a: LatLon, b: LatLon) -> float:
    """Great-circle distance in metres (haversine on EARTH_RADIUS_M)."""
    lat_a, lat_b = math.radians(a.lat_deg), math.radians(b.lat_deg)
    half_lat = (lat_b - lat_a) / 2.0
    half_lon = math.radians(b.lon_deg - a.lon_deg) / 2.0
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


def lon_difference_deg(lon_deg: float, from_lon_deg: float) -> float:
    """How far east of `from_lon_deg` a longitude lies, the short way round: [-180, 180)."""
    return (lon_deg - from_lon_deg + 180.0) % 360.0 - 180.0


def wrap_lon_deg(lon_deg: float) -> float:
    """The same meridian as a longitude in [-180, 180]; what lies there already is left as it is."""
    if -180.0 <= lon_deg <= 180.0:
        return lon_deg
    return (lon_deg + 180.0) % 360.0 - 180.0
