"""Distances between surfaces and drift of textures: exact where they can be worked out by hand."""

import time

import numpy as np
import pytest

from asset_pipeline.models import nearest_triangles
from asset_pipeline.models.deviation import (
    SAMPLES,
    Deviation,
    measure_deviation,
    measure_document_deviation,
    measure_uv_drift,
)
from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.nearest_triangles import NearestTriangles, closest_shares
from asset_pipeline.models.steps.reduce import reduce_triangles, shown_corners
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.surface import Surface, shown_surface, spread_points
from asset_pipeline.models.uv_drift import UvDrift
from tests.asset_pipeline.models.conftest import sheet

SQUARE = np.array([[[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 1], [0, 0, 1]]], np.float64)


def brute_force(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Each point against every triangle."""
    found = np.full(len(points), np.inf)
    for triangle in corners:
        all_of_it = np.broadcast_to(triangle, (len(points), 3, 3))
        foot = (all_of_it * closest_shares(points, all_of_it)[:, :, None]).sum(axis=1)
        found = np.minimum(found, np.linalg.norm(points - foot, axis=1))
    return found


def soup(triangles: int, seed: int, *, spread: float = 4.0) -> np.ndarray:
    """Triangles of sizes over many orders of magnitude, needles and points among them."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(triangles, 1, 3))
    sizes = 10.0 ** rng.uniform(-spread, 0.5, (triangles, 1, 1))
    corners = middles + sizes * rng.normal(size=(triangles, 3, 3))
    corners[::7, 2] = corners[::7, 1] + (corners[::7, 0] - corners[::7, 1]) * 1e-9
    corners[::11] = corners[::11, :1]
    return corners


def test_a_lifted_square_lies_as_far_as_it_was_lifted() -> None:
    found = measure_deviation(SQUARE, SQUARE + np.array([0.0, 0.25, 0.0]))
    assert (found.max_m, found.mean_m) == (pytest.approx(0.25), pytest.approx(0.25))
    assert measure_deviation(SQUARE, SQUARE).max_m == pytest.approx(0.0, abs=1e-12)


def test_what_is_missing_counts_as_much_as_what_is_too_much() -> None:
    """Half of a square: its points are up to half a diagonal away; mean over the missing half is a third."""
    for pair in ((SQUARE, SQUARE[:1]), (SQUARE[:1], SQUARE)):
        found = measure_deviation(*pair)
        assert found.max_m == pytest.approx(np.sqrt(0.5), abs=0.02)
        assert found.mean_m == pytest.approx(np.sqrt(0.5) / 3 / 2 / 2, rel=0.03)


def test_nothing_lies_nowhere() -> None:
    assert measure_deviation(SQUARE[:0], SQUARE) == Deviation(0.0, 0.0)


@pytest.mark.parametrize("seed", range(4))
def test_distances_are_those_to_the_nearest_of_all_triangles(seed: int) -> None:
    corners = soup(400, seed)
    points = np.random.default_rng(seed + 100).normal(size=(500, 3)) * 2
    surface = Surface(corners.reshape(-1, 3), np.arange(1200).reshape(-1, 3))
    found = NearestTriangles(surface).distances(points)
    assert np.allclose(found, brute_force(points, corners), rtol=1e-9, atol=1e-12)


def test_near_pairs_are_all_within_the_slack_and_only_those() -> None:
    corners = soup(200, 9, spread=1.0)
    points = np.random.default_rng(5).normal(size=(50, 3))
    index = NearestTriangles(Surface(corners.reshape(-1, 3), np.arange(600).reshape(-1, 3)))
    distances = index.distances(points)
    who, where = index.near_pairs(points, distances, 0.3)
    every = np.stack([brute_force(points, corners[row : row + 1]) for row in range(200)], axis=1)
    wanted = every <= distances[:, None] + 0.3
    got = np.zeros_like(wanted)
    got[who, where] = True
    assert (got == wanted).all()
    assert len(who) == wanted.sum() > 50


def test_closest_shares_on_face_edge_and_corner() -> None:
    triangle = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0]], np.float64)
    points = np.array([[1, 1, 5], [1, -3, 0], [9, -1, 2], [3, 3, 1]], np.float64)
    shares = closest_shares(points, np.broadcast_to(triangle, (4, 3, 3)))
    assert np.allclose(shares, [[0.5, 0.25, 0.25], [0.75, 0.25, 0], [0, 1, 0], [0, 0.5, 0.5]])


def test_points_are_spread_by_area_and_the_same_every_time() -> None:
    corners = np.concatenate([SQUARE * 3, SQUARE[:1] + np.array([9.0, 0, 0]), np.zeros((1, 3, 3))])
    surface = Surface(corners.reshape(-1, 3), np.arange(12).reshape(-1, 3))
    spread = spread_points(surface, SAMPLES)
    shares = np.bincount(spread.triangles, minlength=4) / SAMPLES
    assert np.allclose(shares, np.array([4.5, 4.5, 0.5, 0.0]) / 9.5, atol=0.002)
    assert spread.points[spread.triangles < 2].mean(axis=0) == pytest.approx([1.5, 0, 1.5], abs=0.02)
    assert spread_points(surface, SAMPLES).points.tobytes() == spread.points.tobytes()
    flat = Surface(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    assert not spread_points(flat, 5).points.any()


def test_documents_measure_as_their_corners_do() -> None:
    master = weld(sheet(61, size_m=10.0, nodes=[{"mesh": 0, "scale": [1, 2, 1], "translation": [5, 0, 0]}]))
    reduced = reduce_triangles(master, max_triangles=500)
    found = measure_document_deviation(master, reduced)
    assert found == measure_deviation(shown_corners(master), shown_corners(reduced))
    assert 0.001 < found.mean_m < found.max_m < 1.0
    assert measure_document_deviation(master, reduced) == found


def test_bundles_of_needles_do_not_take_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 needles across the whole model: each point has all of them in reach."""
    rng = np.random.default_rng(2)
    start = rng.random((20_000, 1, 3)) * [0, 1e-3, 1e-3]
    corners = start + np.array([[0, 0, 0], [1, 0, 0], [1, 1e-6, 0]])
    monkeypatch.setattr(nearest_triangles, "MAX_PAIRS", 300_000)
    surface = Surface(corners.reshape(-1, 3), np.arange(60_000).reshape(-1, 3))
    began = time.process_time()
    found = NearestTriangles(surface).distances(
        spread_points(surface, SAMPLES).points + np.array([0, 0.5, 0])
    )
    assert nearest_triangles.MIN_POINTS <= len(found) < SAMPLES
    assert found == pytest.approx(0.5, abs=1.1e-3)
    assert time.process_time() - began < 10


def textured(uvs: np.ndarray, side: int = 21) -> Document:
    document = sheet(side)
    columns = list(document.accessors)
    columns[2] = Accessor(uvs.astype(np.float32), "VEC2")
    return Document(document.json, tuple(columns))


def test_uv_that_slid_are_measured_and_whole_tiles_are_not() -> None:
    master = sheet(21)
    uvs = master.accessors[2].array
    assert measure_uv_drift(master, master).mean == pytest.approx(0.0, abs=1e-6)
    slid = measure_uv_drift(master, textured(uvs + np.array([0.03, 0.04])))
    assert slid.mean == pytest.approx(0.05, rel=0.1)  # SLACK lets the best of near neighbours count
    assert slid.share_over_0_02 == 1.0
    tiled = measure_uv_drift(master, textured(uvs + np.array([3, -2])))
    assert tiled.mean == pytest.approx(0.0, abs=1e-5)
    half = np.where(uvs[:, :1] > 0.5, uvs + np.array([0.1, 0]), uvs)
    assert measure_uv_drift(master, textured(half)).share_over_0_02 == pytest.approx(0.51, abs=0.04)


def test_a_seam_is_no_drift() -> None:
    """Two UV islands far apart in the texture that touch in space: the same model lies on itself."""
    document = weld(textured_in_two_islands())
    assert measure_uv_drift(document, document).mean == pytest.approx(0.0, abs=1e-6)
    reduced = reduce_triangles(document, max_triangles=300)
    assert measure_uv_drift(document, reduced).share_over_0_02 < 0.05
    positions = document.accessors[0].array + np.array([8e-4, 0, 0], np.float32)  # less than SLACK
    shifted = Document(document.json, (Accessor(positions, "VEC3"), *document.accessors[1:]))
    assert measure_uv_drift(document, shifted).share_over_0_02 == 0.0


def textured_in_two_islands() -> Document:
    document = sheet(31)
    positions, normals, uvs, indices = (column.array for column in document.accessors)
    loose = indices[:, 0]
    is_right = np.repeat(positions[loose].reshape(-1, 3, 3)[:, :, 0].mean(axis=1) > 0.5, 3)
    islands = uvs[loose] * 0.4 + np.where(is_right[:, None], 0.37, 0.0)
    tables = (positions[loose], normals[loose], islands.astype(np.float32))
    columns = [Accessor(table, f"VEC{table.shape[1]}") for table in tables]
    corners = Accessor(np.arange(len(loose), dtype=np.uint32).reshape(-1, 1), "SCALAR")
    return Document(document.json, (*columns, corners))


def test_models_without_uv_have_no_drift() -> None:
    plain = sheet(9)
    del plain.json["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"]
    assert measure_uv_drift(plain, plain) is None
    assert measure_uv_drift(sheet(9), plain) is None
    assert isinstance(measure_uv_drift(sheet(9), sheet(9)), UvDrift)


def test_an_empty_model_shows_an_empty_surface() -> None:
    empty = Document({"asset": {"version": "2.0"}})
    assert len(shown_surface(empty).triangles) == 0
    assert measure_document_deviation(empty, sheet(9)) == Deviation(0.0, 0.0)
