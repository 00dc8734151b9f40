"""Twins of small models as chains and of large ones as trees of cells."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from py3dtiles.tileset import TileSet

from asset_pipeline.models.deviation import measure_deviation
from asset_pipeline.models.document import POINTS, Document
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reduce import drawn_triangles, shown_corners
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.tiles.check_tileset import check_tileset
from asset_pipeline.models.tiles.level_error import shown_points
from asset_pipeline.models.tiles.placement import GeoPlacement
from asset_pipeline.models.tiles.shared_grid import grid_step_m
from asset_pipeline.models.tiles.twin import TwinFacts, make_twin
from asset_pipeline.models.write_glb import write_glb
from tests.asset_pipeline.models.conftest import Validate, sheet
from tests.asset_pipeline.models.test_reduce import split_in_two

CAT_BA = GeoPlacement(20.80, 107.05, 5.0)
SIZE_M = 100.0


def body_of(document: Document, height: int) -> bytes:
    return write_glb(quantize(document, position_bits=14, uv_bits=12))


def tiles_of(folder: Path) -> list[tuple[dict, int]]:
    """Every tile's JSON and its depth, parents first."""
    found = []
    pending = [(json.loads((folder / "tileset.json").read_bytes())["root"], 0)]
    while pending:
        tile, depth = pending.pop(0)
        found.append((tile, depth))
        pending += [(child, depth + 1) for child in tile.get("children", [])]
    return found


def contents(folder: Path, depth: int) -> list[Document]:
    """What the tiles of a depth show, decoded."""
    return [load_gltf(folder / tile["content"]["uri"])[0] for tile, at in tiles_of(folder) if at == depth]


@pytest.fixture(scope="module")
def master() -> Document:
    return weld(sheet(129, size_m=SIZE_M))


@pytest.fixture(scope="module")
def made(master: Document, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TwinFacts]:
    """32,768 triangles in 16 leaves of 2,048, four parents and a root."""
    folder = tmp_path_factory.mktemp("twin")
    facts = make_twin(
        master, folder, placement=CAT_BA, make_body=body_of, split_over=5_000, leaf_triangles=2_100
    )
    return folder, facts


def test_a_large_model_becomes_a_tree_of_cells(made: tuple[Path, TwinFacts]) -> None:
    folder, facts = made
    assert (facts.levels, facts.tiles, facts.warnings) == (3, 21, ())
    assert facts.bytes == sum(path.stat().st_size for path in folder.rglob("*.*"))
    assert Counter(depth for _, depth in tiles_of(folder)) == {0: 1, 1: 4, 2: 16}
    assert check_tileset(folder) == []
    root = tiles_of(folder)[0][0]
    assert root["geometricError"] == facts.geometric_error_m == facts.deviation_m
    assert root["extras"] == {"deviation_m": round(facts.deviation_m, 6), "detail_m": 0.0}
    assert root["content"]["uri"] == "tiles/0.glb"
    assert root["children"][1]["children"][2]["content"]["uri"] == "tiles/0-1-2.glb"
    assert drawn_triangles(contents(folder, 0)[0]) == pytest.approx(2_100, rel=0.25)


def test_py3dtiles_reads_the_tree(made: tuple[Path, TwinFacts]) -> None:
    tileset = TileSet.from_file(made[0] / "tileset.json")
    assert len(tileset.root_tile.get_all_children()) == 20
    assert len(list(tileset.get_all_tile_contents())) == 21
    corners = np.array(tileset.root_tile.bounding_volume.get_corners())
    for tile in tileset.root_tile.get_all_children():
        own = np.array(tile.bounding_volume.get_corners())
        assert (own.min(axis=0) >= corners.min(axis=0) - 1e-9).all()
        assert (own.max(axis=0) <= corners.max(axis=0) + 1e-9).all()


def test_every_tile_is_valid(made: tuple[Path, TwinFacts], validate: Validate) -> None:
    files = sorted((made[0] / "tiles").glob("*.glb"))
    assert {path: report["errors"] for path, report in validate(files).items()} == {
        path: [] for path in files
    }


def test_the_leaves_are_the_master(made: tuple[Path, TwinFacts], master: Document) -> None:
    """Every triangle once, each corner within the rounding to the grid."""
    leaves = np.concatenate([shown_corners(leaf) for leaf in contents(made[0], 2)])
    wanted = shown_corners(master)
    assert len(leaves) == len(wanted)
    step_m = grid_step_m(30.0, 14)

    def in_order(corners: np.ndarray) -> np.ndarray:
        middles = corners.mean(axis=1)
        cells = np.rint(middles[:, [0, 2]] / (SIZE_M / 128 / 3)).astype(int)  # on thirds of the sheet's mesh
        return middles[np.lexsort(cells.T)]

    assert in_order(leaves) == pytest.approx(in_order(wanted), abs=step_m)


def test_every_tile_holds_to_its_error(made: tuple[Path, TwinFacts], master: Document) -> None:
    """Levels as a viewer sees them: all tiles of a depth side by side against the master."""
    for depth in (0, 1):
        stated = max(tile["geometricError"] for tile, at in tiles_of(made[0]) if at == depth)
        shown = np.concatenate([shown_corners(tile) for tile in contents(made[0], depth)])
        found = measure_deviation(shown_corners(master), shown)
        assert 0.3 * stated < found.max_m < 1.3 * stated  # sampled, at other points


def open_ends(corners: np.ndarray) -> np.ndarray:
    """(n, 2, 3) of edges with a triangle on one side only, exact to the last bit."""
    points, place = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    rows = place.reshape(-1, 3)
    edges = np.sort(np.concatenate([rows[:, [0, 1]], rows[:, [1, 2]], rows[:, [2, 0]]]), axis=1)
    found, count = np.unique(edges, axis=0, return_counts=True)
    return points[found[count == 1]]


@pytest.mark.parametrize("depth", [1, 2])
def test_neighbours_on_disk_meet_to_the_last_bit(made: tuple[Path, TwinFacts], depth: int) -> None:
    """Positions of all tiles of a depth: edges are open on the rim of the whole sheet only."""
    ends = open_ends(np.concatenate([shown_corners(tile) for tile in contents(made[0], depth)]))
    assert len(ends) > 4 * 40
    slack = grid_step_m(SIZE_M, 14)
    on_rim = np.zeros(len(ends), bool)
    for axis in (0, 2):
        for side in (0.0, SIZE_M):
            on_rim |= (np.abs(ends[:, :, axis] - side) < slack).all(axis=1)
    assert on_rim.all()


def test_the_same_master_gives_the_same_bytes(
    made: tuple[Path, TwinFacts], master: Document, tmp_path: Path
) -> None:
    make_twin(master, tmp_path, placement=CAT_BA, make_body=body_of, split_over=5_000, leaf_triangles=2_100)
    for path in made[0].rglob("*.*"):
        again = (tmp_path / path.relative_to(made[0])).read_bytes()
        assert hashlib.sha256(again).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_a_small_model_becomes_a_chain(master: Document, tmp_path: Path) -> None:
    heights = []

    def body(document: Document, height: int) -> bytes:
        heights.append((height, drawn_triangles(document)))
        return body_of(document, height)

    facts = make_twin(master, tmp_path, placement=None, make_body=body)
    assert (facts.levels, facts.tiles) == (3, 3)
    assert heights == [(0, 32_768), (1, pytest.approx(8_192, rel=0.01)), (2, pytest.approx(2_048, rel=0.01))]
    assert check_tileset(tmp_path) == []


def test_materials_stay_with_their_cells(tmp_path: Path) -> None:
    document = weld(split_in_two(41))
    document.json["materials"] = [{"name": "left"}, {"name": "right"}]
    facts = make_twin(
        document, tmp_path, placement=None, make_body=body_of, split_over=100, leaf_triangles=900
    )
    assert (facts.levels, facts.tiles) == (2, 5)
    worn = [
        sorted(
            document.items("materials")[primitive["material"]]["name"]
            for _, _, primitive in document.primitives()
        )
        for document in contents(tmp_path, 1)
    ]
    assert sorted(worn) == [["left"], ["left"], ["right"], ["right"]]
    assert check_tileset(tmp_path) == []


def test_what_cannot_be_cut_is_a_chain_with_a_warning(tmp_path: Path) -> None:
    document = weld(sheet(65, nodes=[{"mesh": 0}, {"mesh": 0}], scenes=[{"nodes": [0, 1]}]))
    facts = make_twin(document, tmp_path, placement=None, make_body=body_of, split_over=1_000)
    assert [problem.message for problem in facts.warnings] == [
        "The model has 8,192 triangles, but is not cut into cells because it shows a mesh many times."
    ]
    assert facts.tiles == facts.levels == 2
    assert check_tileset(tmp_path) == []


@pytest.mark.parametrize("split_over", [2_000, 100_000])
def test_points_thin_out_towards_the_root(tmp_path: Path, split_over: int) -> None:
    document = sheet(129, size_m=SIZE_M)
    primitive = document.json["meshes"][0]["primitives"][0]
    primitive["mode"] = POINTS
    del primitive["indices"]
    facts = make_twin(
        document, tmp_path, placement=CAT_BA, make_body=body_of, split_over=split_over, leaf_triangles=1_100
    )
    assert check_tileset(tmp_path) == []
    assert facts.levels == 3
    counts = [sum(len(shown_points(tile)) for tile in contents(tmp_path, depth)) for depth in range(3)]
    assert counts[2] == 129 * 129
    assert counts == sorted(counts)
    assert counts[0] <= 1_100
    assert SIZE_M / 129 < facts.geometric_error_m < SIZE_M / 5
    TileSet.from_file(tmp_path / "tileset.json")


MEASURE = """
import sys, time
from pathlib import Path
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.tiles.test_twin import CAT_BA, body_of
from tests.asset_pipeline.models.watch_cost import own_peak_bytes
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.tiles.twin import make_twin
document = weld(sheet(int(sys.argv[2]), size_m=200.0))
before = time.process_time()
facts = make_twin(document, Path(sys.argv[1]), placement=CAT_BA, make_body=body_of)
peak = own_peak_bytes() / 2**20
print(facts.levels, facts.tiles, facts.deviation_m, facts.bytes, time.process_time() - before, peak)
"""


@pytest.mark.slow
def test_a_scan_of_two_million_triangles(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path), "1002"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    levels, tiles, error_m, size, seconds, peak_mib = (float(word) for word in done.stdout.split())
    assert (levels, tiles) == (3, 21)
    assert check_tileset(tmp_path) == []
    assert error_m < 0.1  # of 200 m
    assert size < 40e6
    assert seconds < 60
    assert peak_mib < 1024
