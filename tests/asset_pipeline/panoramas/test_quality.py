"""Tiles against the truth of an analytic scene, at every place where a tiler can go wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asset_pipeline.panoramas import window
from asset_pipeline.panoramas.geometry import FACES, choose_grid
from asset_pipeline.panoramas.polar import blur_poles
from asset_pipeline.panoramas.run import run_panorama
from asset_pipeline.panoramas.tiles import write_tiles

WIDTH = 2880  # two levels: a pole touches four tiles, and the grid rounds up from 917 to 928
PATCH = 48


@pytest.fixture(scope="module")
def picture(scene):
    return scene.equirect(scene.smooth, WIDTH, oversample=2)


def cut(picture: np.ndarray, folder: Path) -> dict[str, np.ndarray]:
    """All six faces, put together from the tiles of the finest level."""
    sphere = picture.copy()
    grid = choose_grid(sphere.shape[1])
    blur_poles(sphere, grid.face_px)
    write_tiles(sphere, grid, folder)
    return {face: joined(folder, grid.levels, face) for face in FACES}


def read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def joined(folder: Path, level: int, face: str) -> np.ndarray:
    count = 2 ** (level - 1)
    rows = [
        np.concatenate(
            [read(folder / f"{level}/{face}{row}_{column}.jpg") for column in range(count)], axis=1
        )
        for row in range(count)
    ]
    return np.concatenate(rows)


def places(size: int) -> dict[str, tuple[str, slice, slice]]:
    middle = slice(size // 2 - PATCH // 2, size // 2 + PATCH // 2)
    first, last = slice(0, PATCH), slice(size - PATCH, size)
    return {
        "centre": ("f", middle, middle),
        "corner": ("f", first, first),
        "edge": ("r", middle, last),
        "zenith": ("u", middle, middle),
        "nadir": ("d", middle, middle),
        "beside the zenith": ("u", middle, slice(size // 2 + 60, size // 2 + 60 + PATCH)),
        "lon 180": ("b", middle, middle),
        "lon 180, high": ("u", first, middle),
        "lon 180, low": ("d", last, middle),
        "bottom of the left face": ("l", last, middle),
    }


def quality_at(scene, faces: dict[str, np.ndarray], place: str) -> float:
    size = faces["f"].shape[0]
    face, rows, columns = places(size)[place]
    return scene.psnr(faces[face][rows, columns], scene.face_truth(scene.smooth, face, size)[rows, columns])


@pytest.fixture(scope="module")
def faces(picture, tmp_path_factory):
    return cut(picture, tmp_path_factory.mktemp("tiles"))


@pytest.mark.parametrize("place", list(places(928)))
def test_tiles_show_the_scene(scene, faces, place):
    assert faces["f"].shape == (928, 928, 3)
    assert quality_at(scene, faces, place) >= 43  # measured 45.5 to 48.9


def test_whole_faces_show_the_scene(scene, faces):
    for face in FACES:
        assert scene.psnr(faces[face], scene.face_truth(scene.smooth, face, 928, oversample=2)) >= 38


def seams(faces: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Differences between the pixels on both sides of nine of the cube's edges."""
    f, b, u, d, left, right = (faces[face].astype(float) for face in "fbudlr")
    return {
        "f-r": f[:, -1] - right[:, 0],
        "f-l": f[:, 0] - left[:, -1],
        "b-r": b[:, 0] - right[:, -1],
        "u-f": u[-1] - f[0],
        "d-f": d[0] - f[-1],
        "u-b": u[0] - b[0, ::-1],
        "d-b": d[-1] - b[-1, ::-1],
        "u-l": u[:, 0] - left[0],
        "u-r": u[::-1, -1] - right[0],
    }


def test_seams_are_no_wider_than_in_the_scene_itself(scene, faces):
    truth = seams({face: scene.face_truth(scene.smooth, face, 928, oversample=2) for face in FACES})
    for edge, difference in seams(faces).items():
        assert np.abs(difference - truth[edge]).mean() < 1.5, edge  # what JPEG alone does on both sides


def test_coarser_levels_are_averages_of_the_scene(scene, picture, tmp_path):
    cut(picture, tmp_path)
    for face in FACES:
        truth = scene.face_truth(scene.smooth, face, 464)
        assert scene.psnr(joined(tmp_path, 1, face), truth) >= 38


def test_poles_do_not_alias(scene, tmp_path):
    """The blur is what saves the pole: without it the same tile is far worse."""
    picture = scene.equirect(scene.sectors, WIDTH, oversample=2)
    truth = scene.face_truth(scene.sectors, "u", 928, oversample=4)
    middle = slice(464 - 60, 464 + 60)
    blurred = scene.psnr(cut(picture, tmp_path / "blurred")["u"][middle, middle], truth[middle, middle])
    write_tiles(picture, choose_grid(WIDTH), tmp_path / "plain")
    plain = scene.psnr(joined(tmp_path / "plain", 2, "u")[middle, middle], truth[middle, middle])
    assert blurred >= plain + 8  # measured 30.4 over 19.4
    assert blurred >= 29


def _clamped(sphere, top, bottom, left, right):
    """A window without wrap: columns stop at the picture's edge."""
    height, width = sphere.shape[:2]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    return sphere[np.ix_(rows, np.clip(np.arange(left, right), 0, width - 1))]


def _wrapped_rows(sphere, top, bottom, left, right):
    """A window that wraps rows too, as BORDER_WRAP does: beyond the zenith lies the nadir."""
    height, width = sphere.shape[:2]
    return sphere[np.ix_(np.arange(top, bottom) % height, np.arange(left, right) % width)]


def test_a_window_without_wrap_is_seen(scene, picture, tmp_path, monkeypatch):
    monkeypatch.setattr(window, "read_window", _clamped)
    assert quality_at(scene, cut(picture, tmp_path), "lon 180") < 30


def test_a_window_that_wraps_rows_is_seen(scene, tmp_path, monkeypatch):
    """The four pixels around the zenith then read the nadir's colour."""
    picture = np.full((WIDTH // 2, WIDTH, 3), 200, np.uint8)
    picture[WIDTH // 4 :] = 20
    right = cut(picture, tmp_path / "right")["u"][462:466, 462:466]
    monkeypatch.setattr(window, "read_window", _wrapped_rows)
    wrong = cut(picture, tmp_path / "wrong")["u"][462:466, 462:466]
    assert np.abs(right.astype(int) - 200).max() <= 1
    assert np.abs(wrong.astype(int) - 200).max() >= 8


@pytest.mark.parametrize("width", [16, 34, 130, 1000, 2412, 2414])
def test_any_width_gives_a_whole_tree(scene, tmp_path, width):
    """Including odd halves and the widths on both sides of the step from one level to two."""
    source = tmp_path / "pano.png"
    Image.fromarray(scene.equirect(scene.smooth, width)).save(source)
    outcome = run_panorama(source, recipes=["panorama"], workdir=tmp_path / "work")[0]
    highest = outcome.drafts[-1].folder
    tiles = json.loads((highest / "tiles.json").read_text())
    grid = choose_grid(width)
    assert (tiles["levels"], tiles["tile_size_px"]) == (grid.levels, grid.tile_px)
    expected = {"tiles.json", *(f"fallback/{face}.jpg" for face in FACES)}
    for level in range(1, grid.levels + 1):
        count = 2 ** (level - 1)
        expected |= {
            f"{level}/{face}{r}_{c}.jpg" for face in FACES for r in range(count) for c in range(count)
        }
    assert {path.relative_to(highest).as_posix() for path in highest.rglob("*") if path.is_file()} == expected
    assert len(expected) == grid.tile_count + 7
    for path in highest.glob("*/?*_*.jpg"):
        assert read(path).shape == (grid.tile_px, grid.tile_px, 3)
