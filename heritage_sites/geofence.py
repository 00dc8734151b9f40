"""Geofences: the geometry a visitor can be inside of. What happens then is a trigger's business.

Edges are straight on a map in latitude and longitude. All three kinds may cross the antimeridian; none may
reach beyond latitude 85.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from heritage_sites.checks import FieldInvalid, boolean, identifier, number, set_field
from heritage_sites.geo import (
    EARTH_RADIUS_M,
    METRES_PER_DEGREE,
    BoundingBox,
    LatLon,
    distance_m,
    lon_difference_deg,
    wrap_lon_deg,
)
from heritage_sites.plane import (
    Vector,
    clearance,
    distance_to_line_m,
    from_plane,
    inner_point,
    is_in_rings,
    signed_area_m2,
    to_plane,
)

MIN_RADIUS_M = 5.0  # metres; a phone's fix is seldom better, a smaller fence would never hold it
MAX_RADIUS_M = 50_000.0  # metres; the whole World Heritage property fits, the plane is still exact enough
MAX_HALF_WIDTH_M = 5_000.0  # metres; a corridor wider than a shipping lane is a polygon
MAX_VERTICES = 2_000  # per geofence; a phone tests them at every fix
MAX_RINGS = 100  # outer ring and holes
MAX_LAT_DEG = 85.0  # degrees; nearer to a pole a plane about the fence is no longer true
MIN_AREA_M2 = 25.0  # square metres; see MIN_RADIUS_M
MAX_GEOFENCE_ID_CHARS = 100  # a site's id, a hyphen, a name
CIRCLE_POINTS = 64  # points of a circle drawn as a polygon: 0.12 % of its radius off at most

HeightRange: TypeAlias = tuple[float, float]
Ring: TypeAlias = tuple[LatLon, ...]


@dataclass(frozen=True, slots=True)
class CircleGeofence:
    """All points within radius_m of the centre, the edge included.

    height_range_m: lowest and highest height above the WGS84 ellipsoid, None for all heights. live_use: False
    means that it fires only in a sandbox.
    """

    id: str
    centre: LatLon
    radius_m: float
    height_range_m: HeightRange | None = None
    live_use: bool = False

    def __post_init__(self) -> None:
        _check_common(self, "centre", [self.centre])
        set_field(self, "radius_m", number("radius_m", self.radius_m, MIN_RADIUS_M, MAX_RADIUS_M))

    def contains(self, point: LatLon) -> bool:
        """True if the point is in the circle; heights are not looked at (see contains_height)."""
        return distance_m(self.centre, point) <= self.radius_m

    @property
    def bounds(self) -> BoundingBox:
        """The smallest box around the circle (to a millimetre, on the larger side)."""
        reach = (self.radius_m + 0.001) / EARTH_RADIUS_M
        east_deg = math.degrees(math.asin(math.sin(reach) / math.cos(math.radians(self.centre.lat_deg))))
        return _box([self.centre], math.degrees(reach), east_deg)

    def clearance_m(self, point: LatLon) -> float:
        """How far the point is inside the edge; negative outside."""
        return self.radius_m - distance_m(self.centre, point)

    def as_geojson(self) -> dict[str, Any]:
        """The circle drawn as a GeoJSON polygon of 64 points; `centre` and `radius_m` are exact."""
        turns = [2.0 * math.pi * step / CIRCLE_POINTS for step in range(CIRCLE_POINTS)]
        ring = [_ahead(self.centre, turn, self.radius_m) for turn in reversed(turns)]
        return _geojson([(*ring, ring[0])])


@dataclass(frozen=True, slots=True)
class PolygonGeofence:
    """All points inside the first ring and in none of the others (holes). Rings repeat their first point."""

    id: str
    rings: tuple[Ring, ...]
    height_range_m: HeightRange | None = None
    live_use: bool = False

    def __post_init__(self) -> None:
        rings = tuple(tuple(ring) for ring in self.rings)
        set_field(self, "rings", rings)
        if not 1 <= len(rings) <= MAX_RINGS:
            raise FieldInvalid("rings", f"want 1 to {MAX_RINGS} rings, got {len(rings)}")
        for place, ring in enumerate(rings):
            if len(ring) < 4:
                raise FieldInvalid(
                    f"rings[{place}]", f"want at least 4 points (the last like the first), got {len(ring)}"
                )
            if ring[0] != ring[-1]:
                raise FieldInvalid(
                    f"rings[{place}]", "the ring is open: its last point must repeat its first"
                )
        _check_common(self, "rings", [point for ring in rings for point in ring])
        for place, plane_ring in enumerate(self._plane_rings()):
            if not abs(signed_area_m2(plane_ring)) >= MIN_AREA_M2:
                raise FieldInvalid(
                    f"rings[{place}]", f"want an area of at least {MIN_AREA_M2:g} square metres"
                )

    def contains(self, point: LatLon) -> bool:
        """True if the point is in the polygon; heights are not looked at. Edge points may go either way."""
        return is_in_rings(to_plane(point, self._origin), self._plane_rings())

    @property
    def bounds(self) -> BoundingBox:
        """The smallest box around the outer ring."""
        return _box(self.rings[0])

    @property
    def centre(self) -> LatLon:
        """A point inside, far from every edge and hole (a centroid may lie outside)."""
        return from_plane(inner_point(self._plane_rings())[0], self._origin)

    def clearance_m(self, point: LatLon) -> float:
        """How far the point is inside the nearest edge; negative outside or in a hole."""
        return clearance(to_plane(point, self._origin), self._plane_rings())

    def as_geojson(self) -> dict[str, Any]:
        """The polygon as GeoJSON, its outer ring counter-clockwise and its holes clockwise (RFC 7946)."""
        rings = []
        for place, (ring, plane_ring) in enumerate(zip(self.rings, self._plane_rings(), strict=True)):
            is_turned_right = (signed_area_m2(plane_ring) > 0) == (place == 0)
            rings.append(ring if is_turned_right else ring[::-1])
        return _geojson(rings)

    @property
    def _origin(self) -> LatLon:
        return self.rings[0][0]

    def _plane_rings(self) -> list[list[Vector]]:
        return [[to_plane(point, self._origin) for point in ring] for ring in self.rings]


@dataclass(frozen=True, slots=True)
class CorridorGeofence:
    """All points within half_width_m of a path of two or more points: a boat route, a walking trail."""

    id: str
    path: tuple[LatLon, ...]
    half_width_m: float
    height_range_m: HeightRange | None = None
    live_use: bool = False

    def __post_init__(self) -> None:
        set_field(self, "path", tuple(self.path))
        if len(self.path) < 2:
            raise FieldInvalid("path", f"want at least 2 points, got {len(self.path)}")
        _check_common(self, "path", self.path)
        set_field(
            self, "half_width_m", number("half_width_m", self.half_width_m, MIN_RADIUS_M, MAX_HALF_WIDTH_M)
        )

    def contains(self, point: LatLon) -> bool:
        """True if the point is in the corridor; heights are not looked at."""
        return self.clearance_m(point) >= 0.0

    @property
    def bounds(self) -> BoundingBox:
        """A box around the corridor, at most a few metres larger than the smallest."""
        furthest_deg = max(abs(point.lat_deg) for point in self.path)
        north_deg = self.half_width_m / METRES_PER_DEGREE * 1.001
        return _box(self.path, north_deg, north_deg / math.cos(math.radians(furthest_deg + north_deg)))

    @property
    def centre(self) -> LatLon:
        """The point half way along the path."""
        lengths_m = [distance_m(a, b) for a, b in zip(self.path, self.path[1:], strict=False)]
        left_m = sum(lengths_m) / 2.0
        for a, b, length_m in zip(self.path, self.path[1:], lengths_m, strict=False):
            if left_m <= length_m and length_m > 0.0:
                east, north = to_plane(b, a)
                return from_plane((east * left_m / length_m, north * left_m / length_m), a)
            left_m -= length_m
        return self.path[0]

    def clearance_m(self, point: LatLon) -> float:
        """How far the point is inside the edge; negative outside."""
        # Longitudes are counted from the path, so that it is never torn at the far side of the globe; the
        # plane is laid at the point's latitude, so that it is truest where the answer is decided.
        origin = LatLon(point.lat_deg, self.path[0].lon_deg)
        path = [to_plane(step, origin) for step in self.path]
        return self.half_width_m - distance_to_line_m(to_plane(point, origin), path)

    def as_geojson(self) -> dict[str, Any]:
        """An outline for drawing; at bends sharper than its width it may overlap itself."""
        origin = self.path[0]
        line = [to_plane(point, origin) for point in self.path]
        line = [step for place, step in enumerate(line) if place == 0 or step != line[place - 1]]
        if len(line) == 1:
            return CircleGeofence(self.id, origin, self.half_width_m).as_geojson()
        outline = _side(line, self.half_width_m) + _side(line[::-1], self.half_width_m)
        ring = [from_plane(step, origin) for step in outline]
        return _geojson([(*ring, ring[0])])


Geofence: TypeAlias = CircleGeofence | PolygonGeofence | CorridorGeofence


def fires(geofence: Geofence, *, sandbox: bool) -> bool:
    """Whether a visitor may set the geofence off: always in a sandbox, else only if it is for live use."""
    return sandbox or geofence.live_use


def contains_height(geofence: Geofence, height_m: float | None) -> bool:
    """Whether a height is in the geofence's range; a visitor of unknown height counts as being in it."""
    if geofence.height_range_m is None or height_m is None:
        return True
    low_m, high_m = geofence.height_range_m
    return low_m <= height_m <= high_m


def _check_common(geofence: Geofence, field: str, points: Sequence[LatLon]) -> None:
    identifier("id", geofence.id, max_chars=MAX_GEOFENCE_ID_CHARS)
    boolean("live_use", geofence.live_use)
    if geofence.height_range_m is not None:
        if len(geofence.height_range_m) != 2:
            raise FieldInvalid("height_range_m", "want two heights, lowest and highest")
        low_m = number("height_range_m", geofence.height_range_m[0], -1_000.0, 10_000.0)
        high_m = number("height_range_m", geofence.height_range_m[1], -1_000.0, 10_000.0)
        if not low_m < high_m:
            raise FieldInvalid(
                "height_range_m", f"want the lowest height first, got {low_m:g} and {high_m:g}"
            )
        set_field(geofence, "height_range_m", (low_m, high_m))
    if len(points) > MAX_VERTICES:
        raise FieldInvalid(field, f"want at most {MAX_VERTICES} points in a geofence, got {len(points)}")
    for point in points:
        if not abs(point.lat_deg) <= MAX_LAT_DEG:
            raise FieldInvalid(field, f"want latitudes within {MAX_LAT_DEG:g} degrees, got {point.lat_deg:g}")
        if not distance_m(points[0], point) <= 2.0 * MAX_RADIUS_M:
            raise FieldInvalid(field, f"reaches further than {2.0 * MAX_RADIUS_M / 1000.0:g} km")


def _box(points: Sequence[LatLon], north_deg: float = 0.0, east_deg: float = 0.0) -> BoundingBox:
    """The box around points that lie near each other, grown by a margin."""
    origin_deg = points[0].lon_deg
    westmost = min(points, key=lambda point: lon_difference_deg(point.lon_deg, origin_deg))
    eastmost = max(points, key=lambda point: lon_difference_deg(point.lon_deg, origin_deg))
    return BoundingBox(
        min(point.lat_deg for point in points) - north_deg,
        wrap_lon_deg(westmost.lon_deg - east_deg),
        max(point.lat_deg for point in points) + north_deg,
        wrap_lon_deg(eastmost.lon_deg + east_deg),
    )


def _ahead(start: LatLon, bearing: float, length_m: float) -> LatLon:
    """The point a length away on the sphere; bearing in radians clockwise from north."""
    lat, reach = math.radians(start.lat_deg), length_m / EARTH_RADIUS_M
    end_lat = math.asin(math.sin(lat) * math.cos(reach) + math.cos(lat) * math.sin(reach) * math.cos(bearing))
    east = math.atan2(
        math.sin(bearing) * math.sin(reach) * math.cos(lat),
        math.cos(reach) - math.sin(lat) * math.sin(end_lat),
    )
    return LatLon(math.degrees(end_lat), wrap_lon_deg(start.lon_deg + math.degrees(east)))


def _side(line: Sequence[Vector], width_m: float) -> list[Vector]:
    """The right-hand side of a line at a distance, with round joins and a round end."""
    outline: list[Vector] = []
    headings = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in itertools.pairwise(line)]
    for place, heading in enumerate(headings):
        is_last = place == len(headings) - 1
        # A left turn has its outer side here: walk round it. At the end, half a circle.
        turn = math.pi if is_last else (headings[place + 1] - heading + math.pi) % (2.0 * math.pi) - math.pi
        outline += [_beside(end, heading, width_m) for end in (line[place], line[place + 1])]
        steps = max(1, math.ceil(turn / (2.0 * math.pi / CIRCLE_POINTS)))
        outline += [
            _beside(line[place + 1], heading + turn * step / steps, width_m) for step in range(1, steps)
        ]
    return outline


def _beside(point: Vector, heading: float, width_m: float) -> Vector:
    return (point[0] + width_m * math.sin(heading), point[1] - width_m * math.cos(heading))


def _geojson(rings: Sequence[Sequence[LatLon]]) -> dict[str, Any]:
    """Closed rings as a Polygon, or cut at the antimeridian into a MultiPolygon (RFC 7946, 3.1.9)."""
    origin_deg = rings[0][0].lon_deg
    unwrapped = [
        [(origin_deg + lon_difference_deg(point.lon_deg, origin_deg), point.lat_deg) for point in ring]
        for ring in rings
    ]
    lons = [lon for ring in unwrapped for lon, _ in ring]
    if min(lons) >= -180.0 and max(lons) <= 180.0:
        return {
            "type": "Polygon",
            "coordinates": [[_position(lon, lat) for lon, lat in ring] for ring in unwrapped],
        }
    cut_deg = 180.0 if max(lons) > 180.0 else -180.0
    parts = []
    for side in (1.0, -1.0):  # west of the cut, then east of it
        halves = [_clip(ring, cut_deg, side) for ring in unwrapped]
        shift_deg = 0.0 if (side > 0) == (cut_deg > 0) else -math.copysign(360.0, cut_deg)
        if halves[0]:
            parts.append([[_position(lon + shift_deg, lat) for lon, lat in half] for half in halves if half])
    return {"type": "MultiPolygon", "coordinates": parts}


def _clip(ring: Sequence[Vector], cut_deg: float, side: float) -> list[Vector]:
    """The part of a closed ring west (side 1) or east (-1) of a meridian, closed again; [] if none is."""
    kept: list[Vector] = []
    for a, b in itertools.pairwise(ring):
        a_in, b_in = side * (cut_deg - a[0]) >= 0.0, side * (cut_deg - b[0]) >= 0.0
        if a_in:
            kept.append(a)
        if a_in != b_in:
            kept.append((cut_deg, a[1] + (cut_deg - a[0]) / (b[0] - a[0]) * (b[1] - a[1])))
    return [*kept, kept[0]] if len(kept) >= 3 else []


def _position(lon_deg: float, lat_deg: float) -> list[float]:
    return [round(lon_deg, 7), round(lat_deg, 7)]  # 7 decimals: a centimetre
