import json
from pathlib import Path

import pytest
from halong_xr.geo import LatLon
from halong_xr.geohash import ALPHABET, box_of, cell_of, neighbours_of
from hypothesis import given
from hypothesis import strategies as st

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "geohash.json").read_text("utf-8"))
CELLS = st.text(ALPHABET, min_size=1, max_size=5)


@pytest.mark.parametrize("case", VECTORS["cells"], ids=lambda case: case["name"])
def test_cell_of_agrees_with_the_shared_vectors(case: dict) -> None:
    assert cell_of(LatLon(case["lat_deg"], case["lon_deg"]), case["length"]) == case["cell"]


@pytest.mark.parametrize("case", VECTORS["boxes"], ids=lambda case: case["cell"])
def test_box_of_agrees_with_the_shared_vectors(case: dict) -> None:
    box = box_of(case["cell"])
    assert (box.south_deg, box.west_deg, box.north_deg, box.east_deg) == (
        case["south_deg"],
        case["west_deg"],
        case["north_deg"],
        case["east_deg"],
    )


@pytest.mark.parametrize("case", VECTORS["neighbours"], ids=lambda case: case["cell"])
def test_neighbours_of_agrees_with_the_shared_vectors(case: dict) -> None:
    assert neighbours_of(case["cell"]) == tuple(sorted(case["neighbours"]))


@pytest.mark.parametrize("cell", VECTORS["invalid_cells"])
def test_what_is_no_cell_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match="cell: want"):
        box_of(cell)
    with pytest.raises(ValueError, match="cell: want"):
        neighbours_of(cell)


@pytest.mark.parametrize("length", [0, 6])
def test_cells_of_other_lengths_are_never_made(length: int) -> None:
    with pytest.raises(ValueError, match="length: want 1 to 5"):
        cell_of(LatLon(20.9, 107.1), length)


@given(CELLS)
def test_the_south_west_corner_of_a_cell_lies_in_it(cell: str) -> None:
    box = box_of(cell)
    assert cell_of(LatLon(box.south_deg, box.west_deg), len(cell)) == cell


@given(CELLS)
def test_neighbours_know_each_other(cell: str) -> None:
    assert all(cell in neighbours_of(other) for other in neighbours_of(cell))
