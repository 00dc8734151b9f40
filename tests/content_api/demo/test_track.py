"""The boat trip: where it goes, how fast, and that it is the same trip every time."""

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from content_api.demo.track import DEMO_SITES, DEPARTS_AT, demo_track
from heritage_sites.catalogue_files import load_catalogue
from heritage_sites.geo import LatLon, distance_m

FIX = re.compile(r'<trkpt lat="([\d.]+)" lon="([\d.]+)"><time>([^<]+)</time></trkpt>')


@pytest.fixture(scope="module")
def fixes() -> list[tuple[datetime, LatLon]]:
    return [
        (datetime.fromisoformat(at), LatLon(float(lat), float(lon)))
        for lat, lon, at in FIX.findall(demo_track())
    ]


def test_it_is_the_same_every_time() -> None:
    assert demo_track() == demo_track()


def test_one_fix_every_five_seconds(fixes: list[tuple[datetime, LatLon]]) -> None:
    times = [at for at, _ in fixes]
    assert times == [DEPARTS_AT + timedelta(seconds=5 * number) for number in range(len(fixes))]


def test_about_fifteen_kilometres_at_the_pace_of_a_boat(fixes: list[tuple[datetime, LatLon]]) -> None:
    points = [point for _, point in fixes][::6]  # half a minute apart: GPS noise is not speed
    legs_m = [distance_m(a, b) for a, b in pairwise(points)]
    assert 13_000 < sum(legs_m) < 17_000
    assert 3.6 * min(legs_m) / 30 > 1.0
    assert 3.6 * max(legs_m) / 30 < 16.0


@pytest.mark.parametrize("site_id", DEMO_SITES)
def test_it_enters_each_site_once_for_minutes_and_leaves(
    site_id: str, fixes: list[tuple[datetime, LatLon]]
) -> None:
    (geofence,) = next(site.geofences for site in load_catalogue().sites if site.id == site_id)
    inside = [geofence.contains(point) for _, point in fixes]
    crossings = [number for number in range(1, len(inside)) if inside[number] != inside[number - 1]]
    assert not inside[0]
    assert not inside[-1]
    assert len(crossings) == 2
    assert 5 * 60 <= 5 * (crossings[1] - crossings[0]) <= 15 * 60


def test_between_two_sites_it_is_in_neither(fixes: list[tuple[datetime, LatLon]]) -> None:
    fences = [site.geofences[0] for site in load_catalogue().sites if site.id in DEMO_SITES]
    assert max(sum(fence.contains(point) for fence in fences) for _, point in fixes) == 1
