import itertools
import json
import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage_sites.codec import geofence_from_json
from heritage_sites.geo import LatLon, distance_m
from heritage_sites.geofence import (
    MAX_RADIUS_M,
    MAX_VERTICES,
    MIN_RADIUS_M,
    CircleGeofence,
    CorridorGeofence,
    PolygonGeofence,
    contains_height,
    fires,
)
from heritage_sites.geofence_rules import find_problems
from heritage_sites.site import Position, PositionBasis

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "geofence.json").read_text(encoding="utf-8"))
HERE = LatLon(20.9, 107.1)


def ring(*points):
    return tuple(LatLon(*point) for point in (*points, points[0]))


def square(half_deg=0.01, lat_deg=20.9, lon_deg=107.1):
    south, north, west, east = lat_deg - half_deg, lat_deg + half_deg, lon_deg - half_deg, lon_deg + half_deg
    return ring((south, west), (south, east), (north, east), (north, west))


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vector_points(case):
    geofence = geofence_from_json(case["geofence"])
    found = [geofence.contains(LatLon(point["lat_deg"], point["lon_deg"])) for point in case["points"]]
    assert found == [point["inside"] for point in case["points"]]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vector_points_are_clear_of_the_edges_and_inside_means_in_the_bounds(case):
    geofence = geofence_from_json(case["geofence"])
    size_m = geofence.clearance_m(geofence.centre)
    for point in case["points"]:
        place = LatLon(point["lat_deg"], point["lon_deg"])
        clearance_m = geofence.clearance_m(place)
        assert abs(clearance_m) > 0.01 * size_m
        assert (clearance_m > 0) is point["inside"]
        if point["inside"]:
            assert geofence.bounds.contains(place)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vector_centres_lie_inside(case):
    geofence = geofence_from_json(case["geofence"])
    assert geofence.contains(geofence.centre)
    assert geofence.bounds.contains(geofence.centre)


@pytest.mark.parametrize(
    ("radius_m", "accepted"),
    [
        (MIN_RADIUS_M, True),
        (MAX_RADIUS_M, True),
        (MIN_RADIUS_M - 0.001, False),
        (MAX_RADIUS_M + 1, False),
        (math.nan, False),
        (-100, False),
        (math.inf, False),
    ],
)
def test_radius_limits(radius_m, accepted):
    if accepted:
        assert CircleGeofence("a", HERE, radius_m).radius_m == radius_m
    else:
        with pytest.raises(ValueError, match="radius_m: want 5 to 50000"):
            CircleGeofence("a", HERE, radius_m)


@pytest.mark.parametrize(
    ("rings", "message"),
    [
        ((), "rings: want 1 to 100 rings, got 0"),
        ((square()[:-1],), "rings[0]: the ring is open: its last point must repeat its first"),
        ((square()[:2],), "rings[0]: want at least 4 points (the last like the first), got 2"),
        ((square(), square(0.001)[:-1]), "rings[1]: the ring is open: its last point must repeat its first"),
        ((ring((21, 107), (21, 107.1), (21, 107.2)),), "rings[0]: want an area of at least 25 square metres"),
        ((square(0.00001),), "rings[0]: want an area of at least 25 square metres"),
        ((square(), ring((0, 0), (0, 0.1), (0.1, 0.1))), "rings: reaches further than 100 km"),
        ((ring((86, 0), (86, 0.1), (86.1, 0.1)),), "rings: want latitudes within 85 degrees, got 86"),
    ],
)  # fmt: skip
def test_polygons_that_are_none_are_refused(rings, message):
    with pytest.raises(ValueError) as refusal:
        PolygonGeofence("a", rings)
    assert str(refusal.value) == message


def circle_of_points(count):
    turns = [2 * math.pi * step / count for step in range(count)]
    return ring(*((20.9 + 0.01 * math.sin(turn), 107.1 + 0.01 * math.cos(turn)) for turn in turns))


def test_vertex_limit():
    assert len(PolygonGeofence("a", (circle_of_points(MAX_VERTICES - 1),)).rings[0]) == MAX_VERTICES
    with pytest.raises(ValueError, match="rings: want at most 2000 points in a geofence, got 2001"):
        PolygonGeofence("a", (circle_of_points(MAX_VERTICES),))


@pytest.mark.parametrize(
    ("path", "half_width_m", "message"),
    [
        ((HERE,), 100, "path: want at least 2 points, got 1"),
        ((HERE, LatLon(20.91, 107.1)), 4, "half_width_m: want 5 to 5000, got 4"),
        ((HERE, LatLon(20.91, 107.1)), 5001, "half_width_m: want 5 to 5000, got 5001"),
        ((HERE, LatLon(22.9, 107.1)), 100, "path: reaches further than 100 km"),
    ],
)
def test_corridors_that_are_none_are_refused(path, half_width_m, message):
    with pytest.raises(ValueError) as refusal:
        CorridorGeofence("a", path, half_width_m)
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"height_range_m": (10, 5)}, "height_range_m: want the lowest height first, got 10 and 5"),
        ({"height_range_m": (math.nan, 5)}, "height_range_m: want -1000 to 10000, got nan"),
        ({"height_range_m": (1, 2, 3)}, "height_range_m: want two heights, lowest and highest"),
        ({"live_use": 1}, "live_use: want true or false, got 1"),
        ({"live_use": "false"}, "live_use: want true or false, got 'false'"),
    ],
)
def test_common_fields_are_checked(options, message):
    for make in (
        lambda: CircleGeofence("a", HERE, 100, **options),
        lambda: PolygonGeofence("a", (square(),), **options),
        lambda: CorridorGeofence("a", (HERE, LatLon(20.91, 107.1)), 100, **options),
    ):
        with pytest.raises(ValueError) as refusal:
            make()
        assert str(refusal.value) == message


def test_ids_are_checked():
    with pytest.raises(ValueError, match="id: want lower-case letters, digits and hyphens"):
        CircleGeofence("Sung Sot", HERE, 100)


@pytest.mark.parametrize(
    ("height_m", "is_inside"), [(None, True), (-30, True), (0, True), (20, True), (-31, False), (20.1, False)]
)
def test_heights(height_m, is_inside):
    assert contains_height(CircleGeofence("a", HERE, 100, (-30, 20)), height_m) is is_inside
    assert contains_height(CircleGeofence("a", HERE, 100), height_m) is True


@pytest.mark.parametrize(
    ("live_use", "sandbox", "expected"),
    [(False, False, False), (False, True, True), (True, False, True), (True, True, True)],
)
def test_fires_when_live_or_in_a_sandbox(live_use, sandbox, expected):
    assert fires(CircleGeofence("a", HERE, 100, live_use=live_use), sandbox=sandbox) is expected


def test_a_geofence_is_not_for_live_use_unless_it_says_so():
    assert CircleGeofence("a", HERE, 100).live_use is False
    assert PolygonGeofence("a", (square(),)).live_use is False
    assert CorridorGeofence("a", (HERE, LatLon(20.91, 107.1)), 100).live_use is False


def test_the_centre_of_a_square_with_a_hole_in_the_middle_is_beside_the_hole():
    geofence = PolygonGeofence("a", (square(0.01), square(0.004)))
    assert not geofence.contains(HERE)
    assert geofence.clearance_m(geofence.centre) == pytest.approx(370, abs=15)


def test_the_centre_of_a_sliver_lies_inside():
    sliver = PolygonGeofence("a", (ring((20, 107), (20.5, 107.5), (20.50003, 107.5), (20.00003, 107)),))
    assert 0 < sliver.clearance_m(sliver.centre) < 3


def test_the_most_tangled_fence_allowed_is_handled_in_reasonable_time():
    teeth = [(20 + row * 0.0008, 107 + 0.1 * (row % 2 != place)) for row in range(998) for place in (0, 1)]
    comb = PolygonGeofence("a", (ring(*teeth, (teeth[-1][0], 106.99), (20, 106.99)),))
    started = time.process_time()
    assert find_problems(comb, Position(PositionBasis.SURVEYED, HERE, 3)) == []
    assert comb.contains(comb.centre)
    assert time.process_time() - started < 10  # 1.5 s on a desk; the limit is for a busy machine


def test_circle_as_geojson():
    drawn = CircleGeofence("a", HERE, 1000).as_geojson()
    (outline,) = drawn["coordinates"]
    assert (drawn["type"], len(outline), outline[0]) == ("Polygon", 65, outline[-1])
    assert {round(distance_m(HERE, LatLon(lat, lon))) for lon, lat in outline} == {1000}
    assert signed_area(outline) > 0  # counter-clockwise


def test_polygon_as_geojson_turns_rings_the_right_way_and_puts_longitude_first():
    clockwise, hole = square()[::-1], square(0.001)
    drawn = PolygonGeofence("a", (clockwise, hole)).as_geojson()
    assert drawn["type"] == "Polygon"
    assert [signed_area(outline) > 0 for outline in drawn["coordinates"]] == [True, False]
    assert sorted(map(tuple, drawn["coordinates"][0]))[0] == (107.09, 20.89)


def test_corridor_as_geojson_has_round_ends_at_its_half_width():
    path = (LatLon(20.9, 107.0), LatLon(20.9, 107.05), LatLon(20.95, 107.05))
    corridor = CorridorGeofence("a", path, 200)
    (outline,) = corridor.as_geojson()["coordinates"]
    assert outline[0] == outline[-1]
    assert signed_area(outline) > 0
    assert max(abs(corridor.clearance_m(LatLon(lat, lon))) for lon, lat in outline[:34]) < 1
    assert min(lon for lon, _ in outline) == pytest.approx(
        107.0 - 200 / 111_195 / math.cos(math.radians(20.9)), abs=1e-6
    )


def test_a_corridor_that_stands_still_is_drawn_as_a_circle():
    outline = CorridorGeofence("a", (HERE, HERE), 200).as_geojson()["coordinates"][0]
    assert len(outline) == 65


def test_what_crosses_the_antimeridian_is_cut_there():
    geofence = PolygonGeofence("a", (ring((-17, 179.9), (-17, -179.8), (-16.9, -179.8), (-16.9, 179.9)),))
    drawn = geofence.as_geojson()
    assert drawn["type"] == "MultiPolygon"
    west, east = drawn["coordinates"]
    assert sorted({lon for lon, _ in west[0]}) == [179.9, 180.0]
    assert sorted({lon for lon, _ in east[0]}) == [-180.0, -179.8]
    from_the_east = PolygonGeofence(
        "a", (ring((-17, -179.8), (-16.9, -179.8), (-16.9, 179.9), (-17, 179.9)),)
    )
    assert corners(from_the_east.as_geojson()) == corners(drawn)


def corners(drawn):
    return {frozenset(map(tuple, part[0])) for part in drawn["coordinates"]}


def test_a_hole_that_crosses_the_antimeridian_is_cut_too():
    outer = ring((-17, 179.8), (-17, -179.8), (-16.8, -179.8), (-16.8, 179.8))
    hole = ring((-16.95, 179.9), (-16.95, -179.9), (-16.9, -179.9), (-16.9, 179.9))
    drawn = PolygonGeofence("a", (outer, hole)).as_geojson()
    assert [len(part) for part in drawn["coordinates"]] == [2, 2]


def signed_area(outline):
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in itertools.pairwise(outline)) / 2


LATS, LONS = st.floats(-84, 84), st.floats(-180, 180)


@given(LATS, LONS, st.floats(MIN_RADIUS_M, MAX_RADIUS_M), st.floats(0, 2 * math.pi), st.floats(0, 1.05))
def test_circles_contain_exactly_what_is_near_and_their_bounds_hold_it(lat, lon, radius_m, turn, share):
    circle = CircleGeofence("a", LatLon(lat, lon), radius_m)
    north_deg = share * radius_m * math.cos(turn) / 111_195
    east_deg = share * radius_m * math.sin(turn) / 111_195 / math.cos(math.radians(lat))
    point = LatLon(lat + north_deg, (lon + east_deg + 180) % 360 - 180)
    assert circle.contains(point) is (distance_m(circle.centre, point) <= radius_m)
    if circle.contains(point):
        assert circle.bounds.contains(point)
    assert circle.as_geojson()["type"] in ("Polygon", "MultiPolygon")


@given(LATS, LONS, st.floats(0.001, 0.1), st.floats(-1.2, 1.2), st.floats(-1.2, 1.2))
def test_squares_anywhere_contain_what_lies_between_their_sides(lat, lon, half_deg, north, east):
    def at(y, x):
        return LatLon(lat + y * half_deg, (lon + x * half_deg + 180) % 360 - 180)

    geofence = PolygonGeofence("a", ((at(-1, -1), at(-1, 1), at(1, 1), at(1, -1), at(-1, -1)),))
    if abs(abs(north) - 1) > 1e-6 and abs(abs(east) - 1) > 1e-6:
        is_inside = abs(north) < 1 and abs(east) < 1
        assert geofence.contains(at(north, east)) is is_inside
        if is_inside:
            assert geofence.bounds.contains(at(north, east))
    assert geofence.contains(geofence.centre)


@given(
    LATS, LONS, st.floats(0.001, 0.2), st.floats(MIN_RADIUS_M, 2000), st.floats(0, 1), st.floats(-1.5, 1.5)
)
def test_corridors_hold_what_is_beside_them(lat, lon, length_deg, half_width_m, along, beside):
    start, end = LatLon(lat, lon), LatLon(lat, (lon + length_deg + 180) % 360 - 180)
    corridor = CorridorGeofence("a", (start, end), half_width_m)
    point = LatLon(lat + beside * half_width_m / 111_195.08, (lon + along * length_deg + 180) % 360 - 180)
    if abs(abs(beside) - 1) > 1e-3:
        assert corridor.contains(point) is (abs(beside) < 1)
    if corridor.contains(point):
        assert corridor.bounds.contains(point)
    assert corridor.contains(corridor.centre)
