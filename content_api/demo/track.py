"""A visitor's boat trip past the three sites of the demo, as a GPX track.

Drawn, not recorded: a line over open water between the catalogue's sites, with the wander of a phone's GPS.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from xml.sax.saxutils import escape

from heritage_sites.catalogue_files import load_catalogue
from heritage_sites.geo import EARTH_RADIUS_M, LatLon, distance_m

DEMO_SITES = ("hang-dau-go", "dao-ti-top", "hang-sung-sot")
START_SITE = "cang-tuan-chau"
DEPARTS_AT = datetime(2026, 3, 14, 1, 30, tzinfo=UTC)  # half past eight in Ha Long
FIX_EVERY_S = 5.0
CRUISE_KMH, SIGHTSEEING_KMH = 13.0, 4.0
GPS_NOISE_M = 5.0  # standard deviation; a phone under open sky
_NOISE_HOLDS_S = 40.0  # the error of one fix is much like that of the fix before
_PASS_AT_M = 90.0  # boats keep off the rock
_SEED = 57


@dataclass(frozen=True, slots=True)
class _Waypoint:
    point: LatLon
    speed_kmh: float


def demo_track() -> str:
    """The GPX text: one fix every 5 s, about 15 km, into each site's area for minutes and out again."""
    fixes = list(_with_gps_noise(_sail(_smooth(_route())), Random(_SEED)))
    return _gpx(fixes)


def _route() -> list[_Waypoint]:
    """From the harbour past each site; between two sites the boat is outside both areas."""
    positions = {site.id: site.position.point for site in load_catalogue().sites}
    harbour, *stops = (_known(positions[site_id], site_id) for site_id in (START_SITE, *DEMO_SITES))
    dau_go, ti_top, sung_sot = stops
    return [
        _Waypoint(_moved(harbour, east_m=450, north_m=-150), 6.0),
        _Waypoint(_moved(harbour, east_m=1300, north_m=-520), CRUISE_KMH),
        _Waypoint(_moved(dau_go, east_m=-420, north_m=-60), 9.0),
        _Waypoint(_moved(dau_go, east_m=-60, north_m=-_PASS_AT_M), SIGHTSEEING_KMH),
        _Waypoint(_moved(dau_go, east_m=150, north_m=-120), SIGHTSEEING_KMH),
        _Waypoint(_moved(dau_go, east_m=480, north_m=-380), CRUISE_KMH),
        _Waypoint(_moved(dau_go, east_m=2500, north_m=-1900), CRUISE_KMH),
        _Waypoint(_moved(ti_top, east_m=-1700, north_m=1500), CRUISE_KMH),
        _Waypoint(_moved(ti_top, east_m=-560, north_m=330), 9.0),
        _Waypoint(_moved(ti_top, east_m=-_PASS_AT_M, north_m=120), SIGHTSEEING_KMH),
        _Waypoint(_moved(ti_top, east_m=60, north_m=-130), SIGHTSEEING_KMH),
        _Waypoint(_moved(ti_top, east_m=260, north_m=-610), CRUISE_KMH),
        _Waypoint(_moved(sung_sot, east_m=-60, north_m=420), 9.0),
        _Waypoint(_moved(sung_sot, east_m=-_PASS_AT_M, north_m=60), SIGHTSEEING_KMH),
        _Waypoint(_moved(sung_sot, east_m=30, north_m=-180), SIGHTSEEING_KMH),
        _Waypoint(_moved(sung_sot, east_m=420, north_m=-700), CRUISE_KMH),
        _Waypoint(_moved(sung_sot, east_m=900, north_m=-1050), CRUISE_KMH),
    ]


def _known(point: LatLon | None, site_id: str) -> LatLon:
    if point is None:
        raise ValueError(f"the demo's track wants a position for {site_id}, the catalogue has none")
    return point


def _moved(point: LatLon, *, east_m: float, north_m: float) -> LatLon:
    """A point some metres away, on a locally flat Earth: exact enough for a few kilometres."""
    lat_deg = point.lat_deg + math.degrees(north_m / EARTH_RADIUS_M)
    lon_deg = point.lon_deg + math.degrees(east_m / (EARTH_RADIUS_M * math.cos(math.radians(point.lat_deg))))
    return LatLon(lat_deg, lon_deg)


def _smooth(route: Sequence[_Waypoint], pieces: int = 40) -> list[_Waypoint]:
    """A curve through all waypoints (Catmull-Rom): boats do not turn on the spot."""
    padded = [route[0], *route, route[-1]]
    curve = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for piece in range(pieces):
            t = piece / pieces
            lat = _spline(a.point.lat_deg, b.point.lat_deg, c.point.lat_deg, d.point.lat_deg, t)
            lon = _spline(a.point.lon_deg, b.point.lon_deg, c.point.lon_deg, d.point.lon_deg, t)
            curve.append(_Waypoint(LatLon(lat, lon), b.speed_kmh + (c.speed_kmh - b.speed_kmh) * t))
    return [*curve, route[-1]]


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def _sail(curve: Sequence[_Waypoint]) -> Iterator[tuple[datetime, LatLon]]:
    """Fixes along the curve, at its speeds, evenly spaced in time."""
    at, due_s, clock_s = DEPARTS_AT, 0.0, 0.0
    for here, there in pairwise(curve):
        leg_s = distance_m(here.point, there.point) / (0.5 * (here.speed_kmh + there.speed_kmh) / 3.6)
        while leg_s > 0 and due_s <= clock_s + leg_s:
            share = (due_s - clock_s) / leg_s
            lat = here.point.lat_deg + (there.point.lat_deg - here.point.lat_deg) * share
            lon = here.point.lon_deg + (there.point.lon_deg - here.point.lon_deg) * share
            yield at + timedelta(seconds=due_s), LatLon(lat, lon)
            due_s += FIX_EVERY_S
        clock_s += leg_s


def _with_gps_noise(
    fixes: Iterator[tuple[datetime, LatLon]], random: Random
) -> Iterator[tuple[datetime, LatLon]]:
    keep = math.exp(-FIX_EVERY_S / _NOISE_HOLDS_S)
    fresh = GPS_NOISE_M * math.sqrt(1 - keep * keep)
    east = north = 0.0
    for at, point in fixes:
        east, north = east * keep + random.gauss(0, fresh), north * keep + random.gauss(0, fresh)
        yield at, _moved(point, east_m=east, north_m=north)


def _gpx(fixes: Sequence[tuple[datetime, LatLon]]) -> str:
    points = "\n".join(
        f'      <trkpt lat="{point.lat_deg:.7f}" lon="{point.lon_deg:.7f}">'
        f"<time>{at:%Y-%m-%dT%H:%M:%SZ}</time></trkpt>"
        for at, point in fixes
    )
    name = escape("A boat trip past three sites (drawn, not recorded)")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<gpx version="1.1" creator="halong-xr demo content" xmlns="http://www.topografix.com/GPX/1/1">\n'
        f"  <trk>\n    <name>{name}</name>\n    <trkseg>\n{points}\n    </trkseg>\n  </trk>\n</gpx>\n"
    )
