import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage_sites.geo import BoundingBox, LatLon, distance_m, lon_difference_deg, wrap_lon_deg

LATS = st.floats(-90, 90)
LONS = st.floats(-180, 180)
POINTS = st.builds(LatLon, LATS, LONS)


@pytest.mark.parametrize(
    ("lat_deg", "lon_deg", "message"),
    [
        (90.0001, 0, "lat_deg: want -90 to 90, got 90.0001"),
        (-91, 0, "lat_deg: want -90 to 90, got -91"),
        (math.nan, 0, "lat_deg: want -90 to 90, got nan"),
        (0, math.inf, "lon_deg: want -180 to 180, got inf"),
        (0, 180.5, "lon_deg: want -180 to 180, got 180.5"),
        (True, 0, "lat_deg: want a number, got True"),
        ("20", 0, "lat_deg: want a number, got '20'"),
        (10**400, 0, "lat_deg: want -90 to 90, got a huge number"),
    ],
)
def test_a_point_off_the_globe_is_refused(lat_deg, lon_deg, message):
    with pytest.raises(ValueError) as refusal:
        LatLon(lat_deg, lon_deg)
    assert str(refusal.value) == message


def test_a_point_holds_floats_without_a_negative_zero():
    point = LatLon(-0.0, 107)
    assert (repr(point.lat_deg), repr(point.lon_deg)) == ("0.0", "107.0")


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        (LatLon(0, 0), LatLon(0, 0), 0.0),
        (LatLon(0, 0), LatLon(1, 0), 111_195.08),
        (LatLon(0, 179.5), LatLon(0, -179.5), 111_195.08),
        (LatLon(90, 0), LatLon(-90, 0), 20_015_114.44),
        (LatLon(20.846389, 107.088611), LatLon(20.911213, 107.01866), 10_235.86),
    ],
)
def test_distance(a, b, metres):
    assert distance_m(a, b) == pytest.approx(metres, abs=0.01)


@given(POINTS, POINTS)
def test_distance_is_symmetric_and_at_most_half_the_globe(a, b):
    assert distance_m(a, b) == pytest.approx(distance_m(b, a), abs=1e-3)
    assert 0 <= distance_m(a, b) <= 20_015_115


def test_a_box_refuses_south_above_north():
    with pytest.raises(ValueError, match="north_deg: want 21 to 90, got 20"):
        BoundingBox(21, 107, 20, 108)


def test_a_box_holds_its_edges():
    box = BoundingBox(20, 106, 21, 108)
    assert box.contains(LatLon(20, 106))
    assert box.contains(LatLon(21, 108))
    assert not box.contains(LatLon(21.0001, 107))
    assert not box.contains(LatLon(20.5, 108.0001))


def test_a_box_over_the_antimeridian():
    box = BoundingBox(-17, 179, -16, -179)
    assert [box.contains(LatLon(-16.5, lon)) for lon in (178.9, 179, 180, -180, -179, -178.9, 0)] == [
        False, True, True, True, True, False, False,
    ]  # fmt: skip


def test_180_and_minus_180_are_one_meridian():
    assert BoundingBox(0, 179, 1, 180).contains(LatLon(0.5, -180))
    assert BoundingBox(0, -180, 1, -179).contains(LatLon(0.5, 180))
    assert BoundingBox(0, 179, 1, 180).intersects(BoundingBox(0, -180, 1, -179))


@pytest.mark.parametrize(
    ("other", "meets"),
    [
        (BoundingBox(20.5, 107, 20.6, 107.1), True),
        (BoundingBox(21, 108, 22, 109), True),
        (BoundingBox(21.001, 106, 22, 108), False),
        (BoundingBox(20, 108.001, 21, 109), False),
        (BoundingBox(20, 170, 21, -170), False),
        (BoundingBox(20, 107, 21, -170), True),
    ],
)
def test_boxes_that_meet(other, meets):
    box = BoundingBox(20, 106, 21, 108)
    assert box.intersects(other) is meets
    assert other.intersects(box) is meets


@pytest.mark.parametrize(
    ("lon", "origin", "difference"), [(-179, 179, 2), (179, -179, -2), (107, 106, 1), (0, 180, -180)]
)
def test_longitudes_differ_the_short_way_round(lon, origin, difference):
    assert lon_difference_deg(lon, origin) == pytest.approx(difference)


@pytest.mark.parametrize(("lon", "wrapped"), [(180, 180), (-180, -180), (181, -179), (-190, 170), (360, 0)])
def test_longitudes_are_wrapped(lon, wrapped):
    assert wrap_lon_deg(lon) == wrapped
