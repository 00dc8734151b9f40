"""Chains of levels as tilesets: read by py3dtiles, validated, and every rule of the checker seen to fail."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from py3dtiles.tileset import TileSet
from py3dtiles.tileset.content.gltf import Gltf

from asset_pipeline.models.deviation import measure_deviation
from asset_pipeline.models.document import Document
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.quantize import quantize
from asset_pipeline.models.steps.reduce import reduce_triangles, shown_corners
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.tiles.chain import Level, write_tileset
from asset_pipeline.models.tiles.check_tileset import check_tileset
from asset_pipeline.models.tiles.placement import GeoPlacement
from asset_pipeline.models.write_glb import write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate, sheet

CAT_BA = GeoPlacement(20.80, 107.05, 5.0, 30.0)
EXTRAS = {"copyright": "the board", "license": "CC-BY-4.0"}


def body_of(document: Document, height: int) -> bytes:
    return write_glb(quantize(document, position_bits=14, uv_bits=12))


def levels_of(document: Document, triangles: list[int]) -> list[Level]:
    levels = [Level(document, 0.0)]
    for wanted in triangles:
        reduced = reduce_triangles(document, max_triangles=wanted)
        found = measure_deviation(shown_corners(document), shown_corners(reduced))
        levels.append(Level(reduced, found.max_m))
    return levels


@pytest.fixture(scope="module")
def master() -> Document:
    return weld(sheet(61, size_m=10.0))


@pytest.fixture(scope="module")
def made(master: Document, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tileset")
    levels = levels_of(master, [1800, 450])
    written = write_tileset(levels, folder, placement=CAT_BA, make_body=body_of, asset_extras=EXTRAS)
    assert (written.tiles, written.raised) == (3, 0)
    return folder


@pytest.fixture
def spoiled(made: Path, tmp_path: Path) -> Path:
    """A copy to plant a defect in."""
    return Path(shutil.copytree(made, tmp_path / "spoiled"))


def tree_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "tileset.json").read_text(encoding="utf-8"))


def test_the_tileset_says_all_that_is_wanted(made: Path) -> None:
    tree = tree_of(made)
    assert list(tree) == ["asset", "geometricError", "root"]
    assert tree["asset"]["version"] == "1.1"
    assert tree["asset"]["extras"] == {"generator": "halong-xr", **EXTRAS}
    root = tree["root"]
    assert root["refine"] == "REPLACE"
    assert root["transform"] == list(CAT_BA.ecef_transform())
    middle = root["children"][0]
    leaf = middle["children"][0]
    assert [tile["content"]["uri"] for tile in (root, middle, leaf)] == [
        "tiles/level-2.glb", "tiles/level-1.glb", "tiles/level-0.glb",
    ]  # fmt: skip
    assert "children" not in leaf
    errors = [tree["geometricError"], *(tile["geometricError"] for tile in (root, middle, leaf))]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 10.0  # nothing shown at all is off by the model's size
    assert errors[1] > errors[2] > errors[3] == 0.0
    assert sorted(path.name for path in made.rglob("*") if path.is_file()) == [
        "level-0.glb", "level-1.glb", "level-2.glb", "tileset.json",
    ]  # fmt: skip
    assert check_tileset(made) == []


def test_the_leaf_box_is_tight_and_z_up(made: Path, master: Document) -> None:
    box = np.array(tree_of(made)["root"]["children"][0]["children"][0]["boundingVolume"]["box"])
    points = master.accessors[0].array
    low, high = points.min(axis=0), points.max(axis=0)
    x, y, z = (low + high) / 2
    half = (high - low) / 2
    grid_m = 10.0 / (2**14 - 1)
    assert box[:3] == pytest.approx([x, -z, y], abs=grid_m)
    assert box[3:] == pytest.approx([half[0], 0, 0, 0, half[2], 0, 0, 0, half[1]], abs=grid_m)


def test_py3dtiles_reads_every_tile(made: Path) -> None:
    tileset = TileSet.from_file(made / "tileset.json")
    assert tileset.asset.version.value == "1.1"
    tiles = [tileset.root_tile, *tileset.root_tile.get_all_children()]
    assert [str(tile.content_uri) for tile in tiles] == [f"tiles/level-{k}.glb" for k in (2, 1, 0)]
    assert tileset.root_tile.get_refine_mode() == "REPLACE"
    wanted = np.array(CAT_BA.ecef_transform()).reshape(4, 4, order="F")
    assert np.array_equal(tileset.root_tile.transform, wanted)
    contents = list(tileset.get_all_tile_contents())
    assert len(contents) == 3
    vertices = []
    for content in contents:
        assert isinstance(content, Gltf)
        vertices.append(content.get_vertex_count())
    assert vertices == sorted(vertices)
    assert vertices[2] == 61 * 61


def test_contents_are_valid_and_hold_to_their_error(made: Path, master: Document, validate: Validate) -> None:
    files = sorted((made / "tiles").glob("*.glb"))
    assert {path: report["errors"] for path, report in validate(files).items()} == {
        path: [] for path in files
    }
    tile = tree_of(made)["root"]
    grid_m = 10.0 / (2**14 - 1)
    while True:
        document, _ = load_gltf(made / tile["content"]["uri"])
        found = measure_deviation(shown_corners(master), shown_corners(document))
        assert found.max_m == pytest.approx(tile["geometricError"], abs=grid_m)
        if "children" not in tile:
            break
        tile = tile["children"][0]


def test_the_same_master_gives_the_same_bytes(made: Path, master: Document, tmp_path: Path) -> None:
    levels = levels_of(master, [1800, 450])
    write_tileset(levels, tmp_path, placement=CAT_BA, make_body=body_of, asset_extras=EXTRAS)
    for path in made.rglob("*.*"):
        assert (tmp_path / path.relative_to(made)).read_bytes() == path.read_bytes()


def test_the_version_changes_with_any_content(made: Path, master: Document, tmp_path: Path) -> None:
    write_tileset(levels_of(master, [1800, 440]), tmp_path, placement=CAT_BA, make_body=body_of)
    assert tree_of(tmp_path)["asset"]["tilesetVersion"] != tree_of(made)["asset"]["tilesetVersion"]


def test_without_a_place_there_is_no_transform(master: Document, tmp_path: Path) -> None:
    write_tileset([Level(master, 0.0)], tmp_path, placement=None, make_body=body_of)
    tree = tree_of(tmp_path)
    assert "transform" not in tree["root"]
    assert tree["root"]["geometricError"] == 0.0
    assert check_tileset(tmp_path) == []


def test_errors_that_do_not_fall_are_raised_and_counted(master: Document, tmp_path: Path) -> None:
    levels = levels_of(master, [1800, 450])
    measured = [0.0, 0.5, 0.4]
    levels = [Level(level.document, error) for level, error in zip(levels, measured, strict=True)]
    written = write_tileset(levels, tmp_path, placement=None, make_body=body_of)
    assert [tile.geometric_error_m for tile in written.root.walk()] == [0.625, 0.5, 0.0]
    assert written.raised == 1
    assert check_tileset(tmp_path) == []


def test_a_flat_model_has_errors_that_fall_and_a_box_with_a_volume(tmp_path: Path) -> None:
    flat = sheet(9)
    flat.accessors[0].array[:, 1] = 0.0
    written = write_tileset([Level(flat, 0.0)] * 3, tmp_path, placement=None, make_body=body_of)
    errors = [tile.geometric_error_m for tile in written.root.walk()]
    assert errors[0] > errors[1] > errors[2] == 0.0
    assert check_tileset(tmp_path) == []


def test_an_empty_model_is_refused(tmp_path: Path) -> None:
    empty = Document({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{}]})
    with pytest.raises(Refused, match="shows nothing"):
        write_tileset([Level(empty, 0.0)], tmp_path, placement=None, make_body=lambda *_: write_glb(empty))


def enlarge(numbers: list[float], factor: float) -> None:
    numbers[3:] = [factor * number for number in numbers[3:]]


Spoil = Callable[[dict[str, Any]], object]
DEFECTS: list[tuple[Spoil, str, str]] = [
    (lambda tree: tree["asset"].update(version="2.0"), "/asset/version", "want 1.1 or 1.0, got '2.0'."),
    (lambda tree: tree["asset"].update(version="1.0"), "/root/content/uri", "version 1.0 cannot hold"),
    (lambda tree: tree.update(geometricError=0.001), "/geometricError", "is below the root's"),
    (lambda tree: tree.pop("geometricError"), "/geometricError", "want a number of 0 or more, got None."),
    (lambda tree: tree["root"].pop("refine"), "/root/refine", "want REPLACE or ADD, got None."),
    (
        lambda tree: tree["root"]["children"][0].update(geometricError=tree["root"]["geometricError"]),
        "/root/children/0/geometricError",
        "is not below the parent's",
    ),
    (
        lambda tree: tree["root"]["transform"].__setitem__(0, 2.0),
        "/root/transform",
        "it stretches or mirrors",
    ),
    (
        lambda tree: tree["root"].update(transform=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1]),
        "/root/transform",
        "it stretches or mirrors",
    ),
    (lambda tree: tree["root"]["transform"].__setitem__(3, 1.0), "/root/transform", "the last row"),
    (lambda tree: tree["root"]["transform"].pop(), "/root/transform", "want 16 numbers."),
    (
        lambda tree: enlarge(tree["root"]["children"][0]["boundingVolume"]["box"], 1.01),
        "/root/children/0/boundingVolume",
        "the box leaves its parent's by 0.05",
    ),
    (
        lambda tree: tree["root"]["children"][0].update(
            transform=[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0.2, 0, 0, 1]
        ),
        "/root/children/0/boundingVolume",
        "the box leaves its parent's by 0.2",
    ),
    (
        lambda tree: enlarge(tree["root"]["children"][0]["children"][0]["boundingVolume"]["box"], 0.99),
        "/root/children/0/children/0/content/uri",
        "tiles/level-0.glb leaves its tile's box by 0.05",
    ),
    (
        lambda tree: tree["root"]["boundingVolume"].update(box=[0.0] * 12),
        "/root/boundingVolume",
        "the box is flat",
    ),
    (
        lambda tree: tree["root"]["boundingVolume"].update(box=[1.0] * 11),
        "/root/boundingVolume",
        "want a box of 12 numbers",
    ),
    (
        lambda tree: tree["root"]["content"].update(uri="tiles/level-9.glb"),
        "/root/content/uri",
        "tiles/level-9.glb does not exist.",
    ),
    (
        lambda tree: tree["root"]["content"].update(uri="../level-2.glb"),
        "/root/content/uri",
        "want a relative path below the tileset's folder",
    ),
    (lambda tree: tree["root"].pop("content"), "", "no tile names tiles/level-2.glb."),
    (lambda tree: tree["root"].update(children={}), "/root/children", "want a list of tiles."),
    (lambda tree: tree.pop("root"), "", "want an object with a root tile."),
]


@pytest.mark.parametrize(("spoil", "where", "message"), DEFECTS)
def test_a_planted_defect_is_found(spoiled: Path, spoil: Spoil, where: str, message: str) -> None:
    tree = tree_of(spoiled)
    spoil(tree)
    (spoiled / "tileset.json").write_text(json.dumps(tree), encoding="utf-8")
    found = check_tileset(spoiled)
    assert any(problem.where == where and message in problem.message for problem in found), found


def test_spoiled_files_are_found(spoiled: Path) -> None:
    (spoiled / "tiles" / "level-0.glb").write_bytes(b"b3dm")
    (spoiled / "tiles" / "level-1.glb").write_bytes((spoiled / "tiles" / "level-1.glb").read_bytes()[:200])
    messages = [problem.message for problem in check_tileset(spoiled)]
    assert len(messages) == 2
    assert messages[0].startswith("tiles/level-1.glb cannot be read: ")
    assert messages[1] == "tiles/level-0.glb is not what its name says."
    (spoiled / "tileset.json").write_text("{", encoding="utf-8")
    assert [problem.message.split(":")[0] for problem in check_tileset(spoiled)] == ["the file is not JSON"]
    (spoiled / "tileset.json").write_text("[" * 100_000, encoding="utf-8")
    assert [problem.message.split(":")[0] for problem in check_tileset(spoiled)] == ["the file is not JSON"]
    (spoiled / "tileset.json").unlink()
    assert [problem.message for problem in check_tileset(spoiled)] == ["the file is missing."]


def test_another_makers_tileset_has_only_the_faults_it_has(shared: Path) -> None:
    """Three levels of a dragon as b3dm: its transform scales it up, and one file is not among the samples."""
    folder = shared / "assets" / "tiles3d" / "TilesetWithDiscreteLOD"
    assert [(problem.where, problem.message) for problem in check_tileset(folder)] == [
        ("/root/transform", "it stretches or mirrors: want a turn and a shift alone."),
        ("/root/children/0/children/0/content/uri", "dragon_high.b3dm does not exist."),
    ]
