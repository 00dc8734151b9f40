import itertools
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heritage_sites.geo import BoundingBox, LatLon
from heritage_sites.geohash import MAX_CELL_LENGTH, box_of, cell_of, neighbours_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "geohash.json").read_text(encoding="utf-8"))
POINTS = st.builds(LatLon, st.floats(-90, 90), st.floats(-180, 180))
LENGTHS = st.integers(1, MAX_CELL_LENGTH)
CELLS = st.text("0123456789bcdefghjkmnpqrstuvwxyz", min_size=1, max_size=MAX_CELL_LENGTH)


@pytest.mark.parametrize("case", VECTORS["cells"], ids=lambda case: case["name"])
def test_vector_cells(case):
    assert cell_of(LatLon(case["lat_deg"], case["lon_deg"]), case["length"]) == case["cell"]


@pytest.mark.parametrize("case", VECTORS["boxes"], ids=lambda case: case["cell"])
def test_vector_boxes(case):
    edges = {name: value for name, value in case.items() if name != "cell"}
    assert box_of(case["cell"]) == BoundingBox(**edges)


@pytest.mark.parametrize("case", VECTORS["neighbours"], ids=lambda case: case["name"])
def test_vector_neighbours(case):
    assert list(neighbours_of(case["cell"])) == case["neighbours"]


@pytest.mark.parametrize("cell", VECTORS["invalid_cells"])
@pytest.mark.parametrize("function", [box_of, neighbours_of])
def test_vector_invalid_cells(function, cell):
    with pytest.raises(ValueError, match="cell: want a geohash of 1 to 5 lower-case characters"):
        function(cell)


@pytest.mark.parametrize("length", [0, 6, -1])
def test_cells_finer_than_five_characters_are_not_made(length):
    with pytest.raises(ValueError, match=f"cell length: want 1 to 5 characters, got {length}"):
        cell_of(LatLon(20.9, 107.1), length)


@given(POINTS, LENGTHS)
def test_a_cell_holds_its_point(point, length):
    assert box_of(cell_of(point, length)).contains(point)


@given(CELLS)
def test_the_middle_and_the_south_west_corner_of_a_cell_are_in_it(cell):
    box = box_of(cell)
    middle = LatLon((box.south_deg + box.north_deg) / 2, (box.west_deg + box.east_deg) / 2)
    assert cell_of(middle, len(cell)) == cell
    assert cell_of(LatLon(box.south_deg, box.west_deg), len(cell)) == cell


@given(CELLS)
def test_neighbours_are_the_cells_that_touch(cell):
    neighbours = neighbours_of(cell)
    assert len(set(neighbours)) == len(neighbours)
    assert cell not in neighbours
    is_at_pole = box_of(cell).north_deg == 90 or box_of(cell).south_deg == -90
    assert len(neighbours) == (5 if is_at_pole else 8)
    for neighbour in neighbours:
        assert box_of(cell).intersects(box_of(neighbour))
        assert cell in neighbours_of(neighbour)


@given(POINTS)
def test_a_shorter_cell_is_the_beginning_of_a_longer(point):
    cells = [cell_of(point, length) for length in range(1, MAX_CELL_LENGTH + 1)]
    assert all(longer.startswith(shorter) for shorter, longer in itertools.pairwise(cells))


def test_a_point_a_hair_west_of_an_edge_stays_west_of_it():
    assert cell_of(LatLon(0, math.nextafter(0, -1))) == "ebpbp"
    assert cell_of(LatLon(0, 0)) == "s0000"
