"""Where a model comes to stand, against PROJ and against differences of positions."""

import numpy as np
import pyproj
import pytest

from asset_pipeline.models.tiles.placement import GeoPlacement, parse_placement

PLACES = [
    GeoPlacement(20.80, 107.05, 5.0),  # Cat Ba
    GeoPlacement(20.80, 107.05, 5.0, 30.0),
    GeoPlacement(90.0, 0.0, 0.0),
    GeoPlacement(-90.0, 107.05, 12.5, 90.0),
    GeoPlacement(0.0, 180.0, 0.0),
    GeoPlacement(-16.5, -180.0, 100.0, -45.0),
    GeoPlacement(64.1, -21.9, 8_000.0, 359.0),
]


def ecef(lat_deg: float, lon_deg: float, height_m: float) -> np.ndarray:
    """PROJ's own way from geodetic to geocentric."""
    transformer = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    return np.array(transformer.transform(lon_deg, lat_deg, height_m))


def placed(placement: GeoPlacement, point: tuple[float, float, float]) -> np.ndarray:
    """A point of the glTF (y-up) as a viewer places it: y-up to z-up, then the transform."""
    x, y, z = point
    matrix = np.array(placement.ecef_transform()).reshape(4, 4).T
    return (matrix @ [x, -z, y, 1.0])[:3]


def test_cat_ba_to_the_micrometre() -> None:
    """Against the formulas in 40 digits."""
    transform = GeoPlacement(20.80, 107.05, 5.0).ecef_transform()
    wanted = [
        -0.95604924941722913, -0.29320612662213045, 0.0, 0.0,
        0.10411953698424035, -0.33949974487313163, 0.93482567639601446, 0.0,
        -0.27409661564298856, 0.89373938625436316, 0.35510696240813705, 0.0,
    ]  # fmt: skip
    assert transform[:12] == pytest.approx(wanted, abs=1e-15)
    origin = (-1748965.501670547, 5702804.284453682, 2250710.578988992, 1.0)
    assert transform[12:] == pytest.approx(origin, abs=1e-8)


@pytest.mark.parametrize("placement", PLACES)
def test_the_origin_is_where_proj_puts_it(placement: GeoPlacement) -> None:
    wanted = ecef(placement.lat_deg, placement.lon_deg, placement.height_m)
    assert placed(placement, (0.0, 0.0, 0.0)) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("placement", PLACES)
def test_a_metre_up_is_a_metre_of_height(placement: GeoPlacement) -> None:
    wanted = ecef(placement.lat_deg, placement.lon_deg, placement.height_m + 1.0)
    assert placed(placement, (0.0, 1.0, 0.0)) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("placement", [place for place in PLACES if abs(place.lat_deg) < 90.0])
def test_minus_z_looks_along_the_heading(placement: GeoPlacement) -> None:
    """The geodesic from the origin to a point a metre ahead has the heading as its azimuth."""
    back = pyproj.Transformer.from_crs("EPSG:4978", "EPSG:4979", always_xy=True)
    lon_deg, lat_deg, _ = back.transform(*placed(placement, (0.0, 0.0, -1.0)))
    azimuth, _, distance = pyproj.Geod(ellps="WGS84").inv(
        placement.lon_deg, placement.lat_deg, lon_deg, lat_deg
    )
    turn = (azimuth - placement.heading_deg + 180.0) % 360.0 - 180.0
    assert turn == pytest.approx(0.0, abs=1e-3)
    assert distance == pytest.approx(1.0, abs=2e-3)  # 8 km up, a metre is less on the ground


def test_at_the_poles_north_is_along_the_meridian() -> None:
    """At the north pole with longitude 0, "north" is on towards longitude 180, and east is +y."""
    north = GeoPlacement(90.0, 0.0, 0.0)
    assert north.ecef_transform()[:12] == (0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0)
    south = GeoPlacement(-90.0, 0.0, 0.0)
    assert south.ecef_transform()[:12] == (0, 1, 0, 0, 1, 0, 0, 0, 0, 0, -1, 0)


def test_both_sides_of_the_antimeridian_are_one_place() -> None:
    east = GeoPlacement(-16.5, 180.0, 3.0, 20.0).ecef_transform()
    assert GeoPlacement(-16.5, -180.0, 3.0, 20.0).ecef_transform() == pytest.approx(east, abs=1e-9)


@pytest.mark.parametrize("placement", PLACES)
def test_it_turns_and_moves_but_does_not_stretch(placement: GeoPlacement) -> None:
    matrix = placement.matrix()
    assert matrix[:3, :3].T @ matrix[:3, :3] == pytest.approx(np.eye(3), abs=1e-14)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1.0)
    assert matrix[3].tolist() == [0, 0, 0, 1]


def test_read_from_text() -> None:
    assert parse_placement("20.80,107.05,5") == GeoPlacement(20.8, 107.05, 5.0)
    assert parse_placement(" 20.80, 107.05 ,-2.5, 270") == GeoPlacement(20.8, 107.05, -2.5, 270.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("20.80,107.05", "want LAT,LON,HEIGHT[,HEADING], for example 20.80,107.05,5,30, got '20.80,107.05'"),
        ("20.80,107.05,5,0,1", "want LAT,LON,HEIGHT[,HEADING]"),
        ("20.80,east,5", "longitude: want a number (as in LAT,LON,HEIGHT[,HEADING]), got 'east'"),
        ("107.05,20.80,5", "lat_deg: want -90 to 90, got 107.05"),
        ("20.80,181,5", "lon_deg: want -180 to 180, got 181"),
        ("20.80,107.05,nan", "height_m: want -500 to 9000, got nan"),
        ("20.80,107.05,5,361", "heading_deg: want -360 to 360, got 361"),
    ],
)
def test_what_is_not_a_placement_says_why(text: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_placement(text)
    assert str(error.value).startswith(message)
