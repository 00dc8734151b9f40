import json
import math
from pathlib import Path

import pytest
from halong_xr.fences import AreaFence, CircleFence, CorridorFence, Fence
from halong_xr.geo import LatLon, distance_m

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "geofence.json").read_text("utf-8"))
M = 111_195.0802  # metres per degree of latitude on the sphere of geo.py


def points_of(rows: list[dict]) -> tuple[LatLon, ...]:
    return tuple(LatLon(row["lat_deg"], row["lon_deg"]) for row in rows)


def fence_of(row: dict) -> Fence:
    nowhere = LatLon(0, 0)
    match row["type"]:
        case "circle":
            return CircleFence(row["id"], True, points_of([row["centre"]])[0], row["radius_m"])
        case "polygon":
            return AreaFence(row["id"], True, nowhere, (tuple(points_of(ring) for ring in row["rings"]),))
        case "corridor":
            return CorridorFence(row["id"], True, nowhere, points_of(row["path"]), row["half_width_m"])
    raise AssertionError(row["type"])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_fences_agree_with_the_shared_vectors(case: dict) -> None:
    fence = fence_of(case["geofence"])
    wrong = [
        point["why"]
        for point in case["points"]
        if fence.contains(LatLon(point["lat_deg"], point["lon_deg"])) is not point["inside"]
    ]
    assert wrong == []


def square(west: float, east: float, south: float = -0.01, north: float = 0.01) -> tuple[LatLon, ...]:
    corners = [(south, west), (south, east), (north, east), (north, west), (south, west)]
    return tuple(LatLon(lat, lon) for lat, lon in corners)


def test_distance_to_the_edge_is_signed_and_in_metres() -> None:
    pond = AreaFence(
        "pond", True, LatLon(0, 0), ((square(-0.01, 0.01), square(-0.002, 0.002, -0.002, 0.002)),)
    )
    assert pond.edge_distance_m(LatLon(0, 0.015)) == pytest.approx(0.005 * M, rel=1e-6)
    assert pond.edge_distance_m(LatLon(0, 0.008)) == pytest.approx(-0.002 * M, rel=1e-6)
    assert pond.edge_distance_m(LatLon(0, 0.003)) == pytest.approx(-0.001 * M, rel=1e-6)
    assert pond.edge_distance_m(LatLon(0, 0)) == pytest.approx(0.002 * M, rel=1e-6)  # in the hole
    assert pond.contains(LatLon(0.01, 0))  # on the edge


def test_an_area_cut_at_180_degrees_is_one_area() -> None:
    fence = AreaFence("cut", True, LatLon(0, 180), ((square(179.99, 180.0),), (square(-180.0, -179.99),)))
    whole = AreaFence("whole", True, LatLon(0, 180), ((square(179.99, -179.99),),))
    for lon_deg in (179.995, 180.0, -180.0, -179.995):
        assert fence.contains(LatLon(0, lon_deg))
        assert whole.contains(LatLon(0, lon_deg))
    for lon_deg in (179.98, -179.98, 0.0, 90.0, -1.0):
        assert not fence.contains(LatLon(0, lon_deg))
        assert not whole.contains(LatLon(0, lon_deg))
    assert whole.edge_distance_m(LatLon(0, -179.98)) == pytest.approx(0.01 * M, rel=1e-6)


def test_a_corridor_is_round_at_its_ends() -> None:
    lane = CorridorFence("lane", True, LatLon(0, 0), (LatLon(0, 0), LatLon(0, 0.01)), 100.0)
    assert lane.edge_distance_m(LatLon(0.001, 0.005)) == pytest.approx(0.001 * M - 100, rel=1e-6)
    corner = LatLon(0.0008, 0.0108)
    assert lane.edge_distance_m(corner) == pytest.approx(0.0008 * math.sqrt(2) * M - 100, rel=1e-4)


@pytest.mark.parametrize(
    ("height_m", "inside"), [(None, True), (9.9, False), (10.0, True), (20.0, True), (20.1, False)]
)
def test_a_known_height_outside_the_range_is_outside(height_m: float | None, inside: bool) -> None:
    deck = CircleFence("deck", True, LatLon(0, 0), 50.0, min_height_m=10.0, max_height_m=20.0)
    assert deck.contains(LatLon(0, 0), height_m) is inside


def test_a_height_far_above_counts_as_that_far_outside() -> None:
    cave = CircleFence("cave", True, LatLon(0, 0), 50.0, max_height_m=5.0)
    assert cave.edge_distance_m(LatLon(0, 0), 125.0) == 120.0


def test_distances_are_great_circles() -> None:
    assert distance_m(LatLon(0, 179.5), LatLon(0, -179.5)) == pytest.approx(M, rel=1e-6)
    assert distance_m(LatLon(90, 0), LatLon(-90, 0)) == pytest.approx(180 * M, rel=1e-6)


@pytest.mark.parametrize(("lat", "lon"), [(90.1, 0), (0, 180.1), (math.nan, 0), (0, math.inf)])
def test_positions_off_the_globe_are_refused_without_repeating_them(lat: float, lon: float) -> None:
    with pytest.raises(ValueError) as refusal:
        LatLon(lat, lon)
    assert not any(character.isdigit() and character not in "0189" for character in str(refusal.value))
    assert repr(LatLon(20.9123, 107.1)) == "LatLon(hidden)"
