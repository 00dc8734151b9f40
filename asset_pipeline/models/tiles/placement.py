"""Where on the globe a model stands, and the matrix that 3D Tiles put it there with."""

import math
from dataclasses import dataclass

import numpy as np

from asset_pipeline.models.transforms import Matrix

SEMI_MAJOR_M = 6_378_137.0  # WGS84
FLATTENING = 1 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)

MIN_HEIGHT_M, MAX_HEIGHT_M = -500.0, 9_000.0  # as for the anchors of content: lowest shore, highest peak

AT_FORM = "LAT,LON,HEIGHT[,HEADING]"
AT_EXAMPLE = "20.80,107.05,5,30"


@dataclass(frozen=True, slots=True)
class GeoPlacement:
    """The model's origin on the globe, and which way it is turned.

    lat_deg, lon_deg: WGS84 degrees. height_m: above the WGS84 ellipsoid, not above the sea; the two differ
    by tens of metres. heading_deg: the direction of the model's -Z axis, clockwise from north. At 0 the
    model's +X is east, +Y up and -Z north: what an export of a georeferenced scan gives, whose x, y, z (east,
    north, up) become x, z, -y in a glTF. A model whose front (+Z by glTF's convention) should look north
    therefore has a heading of 180.
    """

    lat_deg: float
    lon_deg: float
    height_m: float
    heading_deg: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("lat_deg", -90.0, 90.0),
            ("lon_deg", -180.0, 180.0),
            ("height_m", MIN_HEIGHT_M, MAX_HEIGHT_M),
            ("heading_deg", -360.0, 360.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:  # NaN fails too
                raise ValueError(f"{name}: want {low:g} to {high:g}, got {value:g}")

    def matrix(self) -> Matrix:
        """(4, 4) to ECEF metres, from the tile's frame: x east, y north, z up, turned by the heading."""
        placed = np.eye(4)
        placed[:3, :3] = self._east_north_up() @ _turned_clockwise(self.heading_deg)
        placed[:3, 3] = self._origin()
        return placed

    def ecef_transform(self) -> tuple[float, ...]:
        """`matrix` as a tile's `transform`: 16 numbers, column by column."""
        return tuple(float(value) for value in self.matrix().T.reshape(-1))

    def _origin(self) -> tuple[float, float, float]:
        sin_lat, cos_lat = _sin_cos(self.lat_deg)
        sin_lon, cos_lon = _sin_cos(self.lon_deg)
        normal = SEMI_MAJOR_M / math.sqrt(1 - ECCENTRICITY_SQUARED * sin_lat**2)
        across = (normal + self.height_m) * cos_lat
        along = (normal * (1 - ECCENTRICITY_SQUARED) + self.height_m) * sin_lat
        return across * cos_lon, across * sin_lon, along

    def _east_north_up(self) -> Matrix:
        sin_lat, cos_lat = _sin_cos(self.lat_deg)
        sin_lon, cos_lon = _sin_cos(self.lon_deg)
        east = (-sin_lon, cos_lon, 0.0)
        north = (-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat)
        up = (cos_lat * cos_lon, cos_lat * sin_lon, sin_lat)
        return np.array([east, north, up]).T


def parse_placement(text: str) -> GeoPlacement:
    """A placement written as LAT,LON,HEIGHT[,HEADING]. ValueError, with what was wanted, otherwise."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) not in (3, 4):
        raise ValueError(f"want {AT_FORM}, for example {AT_EXAMPLE}, got {text!r}")
    names = ("latitude", "longitude", "height", "heading")
    numbers = []
    for name, part in zip(names, parts, strict=False):
        try:
            numbers.append(float(part))
        except ValueError as error:
            raise ValueError(f"{name}: want a number (as in {AT_FORM}), got {part!r}") from error
    return GeoPlacement(*numbers)


def _turned_clockwise(heading_deg: float) -> Matrix:
    sine, cosine = _sin_cos(heading_deg)
    return np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def _sin_cos(angle_deg: float) -> tuple[float, float]:
    """Sine and cosine, exact at whole quarter turns, so that a pole is a pole."""
    quarters, rest = divmod(angle_deg, 90.0)
    sine, cosine = math.sin(math.radians(rest)), math.cos(math.radians(rest))
    return ((sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine))[int(quarters) % 4]
