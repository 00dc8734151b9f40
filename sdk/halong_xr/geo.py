"""Positions and distances on a sphere. Standard library only."""

import math
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8  # IUGG mean radius R1; within 0.5 % of the ellipsoid near 21 N
METRES_PER_DEGREE = math.pi * EARTH_RADIUS_M / 180


@dataclass(frozen=True, slots=True)
class LatLon:
    """A WGS84 position in degrees. Its text never shows the numbers, so that a log cannot give it away."""

    lat_deg: float
    lon_deg: float

    def __post_init__(self) -> None:
        if not -90 <= self.lat_deg <= 90:  # written so that NaN fails too
            raise ValueError("lat_deg: want -90 to 90")
        if not -180 <= self.lon_deg <= 180:
            raise ValueError("lon_deg: want -180 to 180")

    def __repr__(self) -> str:
        return "LatLon(hidden)"


def distance_m(a: LatLon, b: LatLon) -> float:
    """Great-circle distance in metres (haversine)."""
    lat_a, lat_b = math.radians(a.lat_deg), math.radians(b.lat_deg)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b.lon_deg - a.lon_deg) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def wrapped_deg(degrees: float) -> float:
    """The same angle within [-180, 180)."""
    return (degrees + 180.0) % 360.0 - 180.0
