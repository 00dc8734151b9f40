"""Atlases and texels: each triangle gets a place of its own, by xatlas and by the grid, always the same."""

import numpy as np
import pytest

from asset_pipeline.models.steps.rasterize_uv import (
    TooManyTexels,
    fill_gaps,
    is_usable_uv,
    rasterize_uv,
)
from asset_pipeline.models.steps.unwrap import Patch, Triangles, grid_atlas, unwrap
from tests.asset_pipeline.models.conftest import grid_mesh


def wavy(side: int) -> tuple[np.ndarray, Triangles]:
    positions, _, _, indices = grid_mesh(side)
    return positions, indices.reshape(-1, 3)


def areas_of(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    corners = points.astype(np.float64)[triangles]
    edges = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    if corners.shape[2] == 2:
        return np.abs(edges[0][:, 0] * edges[1][:, 1] - edges[0][:, 1] * edges[1][:, 0]) / 2
    return np.linalg.norm(np.cross(*edges), axis=1) / 2


def assert_is_an_atlas(meshes: list[tuple[np.ndarray, Triangles]], patches: tuple[Patch, ...]) -> None:
    for (_, triangles), patch in zip(meshes, patches, strict=True):
        assert np.array_equal(patch.rows[patch.triangles], triangles)  # the same corners in the same order
        assert patch.uv.min() >= 0
        assert patch.uv.max() <= 1
    uv = np.concatenate([patch.uv[patch.triangles] for patch in patches])
    areas = np.concatenate([areas_of(points, triangles) for points, triangles in meshes])
    assert is_usable_uv(uv, areas)


def test_xatlas_gives_each_triangle_its_place_and_even_texels() -> None:
    meshes = [wavy(20), (wavy(8)[0] + np.float32(3), wavy(8)[1])]
    patches = unwrap(meshes, time_limit_s=60)
    assert patches is not None
    assert_is_an_atlas(meshes, patches)
    shares = [
        areas_of(patch.uv, patch.triangles).sum() / areas_of(*mesh).sum()
        for mesh, patch in zip(meshes, patches, strict=True)
    ]
    assert shares[0] == pytest.approx(shares[1], rel=0.05)


def test_the_same_mesh_gives_the_same_atlas() -> None:
    first, second = (unwrap([wavy(50)], time_limit_s=60) for _ in range(2))
    assert first is not None
    assert second is not None
    assert_is_an_atlas([wavy(50)], first)  # 4802 triangles: three pieces
    assert first[0].uv.tobytes() == second[0].uv.tobytes()
    assert first[0].triangles.tobytes() == second[0].triangles.tobytes()


def test_vertices_that_differ_only_in_other_columns_do_not_cut_the_surface() -> None:
    points, triangles = wavy(20)
    soup = points[triangles].reshape(-1, 3), np.arange(triangles.size, dtype=np.uint32).reshape(-1, 3)
    split, whole = unwrap([soup], time_limit_s=60), unwrap([(points, triangles)], time_limit_s=60)
    assert split is not None
    assert whole is not None
    assert len(np.unique(split[0].uv, axis=0)) == len(np.unique(whole[0].uv, axis=0))


def test_unwrapping_is_stopped_when_its_time_is_up() -> None:
    assert unwrap([wavy(120)], time_limit_s=0.05) is None


def test_too_many_triangles_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asset_pipeline.models.steps.unwrap.MAX_TRIANGLES", 97)
    assert unwrap([wavy(8)], time_limit_s=60) is None
    monkeypatch.setattr("asset_pipeline.models.steps.unwrap.MAX_TRIANGLES", 98)
    assert unwrap([wavy(8)], time_limit_s=60) is not None


def test_time_must_be_positive() -> None:
    with pytest.raises(ValueError, match="want a positive time limit"):
        unwrap([wavy(8)], time_limit_s=0)


@pytest.mark.parametrize("texture_px", [64, 100, 256])
def test_the_grid_gives_each_triangle_its_place(texture_px: int) -> None:
    meshes = [wavy(5), wavy(4)]  # 32 and 18 triangles
    patches = grid_atlas(meshes, texture_px=texture_px)
    assert patches is not None
    assert_is_an_atlas(meshes, patches)


def test_the_grid_never_lets_two_triangles_touch_one_texel() -> None:
    """The four texels that a bilinear sample anywhere on a triangle reads are read by no other triangle."""
    patches = grid_atlas([wavy(5)], texture_px=32)
    assert patches is not None
    uv = patches[0].uv[patches[0].triangles].astype(np.float64) * 32 - 0.5
    readers: dict[tuple[int, int], set[int]] = {}
    steps = [(i / 8, j / 8) for i in range(9) for j in range(9 - i)]
    for triangle, (a, b, c) in enumerate(uv):
        for s, t in steps:
            x, y = a + s * (b - a) + t * (c - a)
            for i in {int(np.floor(x)), int(np.ceil(x))}:
                for j in {int(np.floor(y)), int(np.ceil(y))}:
                    readers.setdefault((i, j), set()).add(triangle)
    assert max(len(found) for found in readers.values()) == 1


def test_a_grid_that_does_not_fit_is_none() -> None:
    assert grid_atlas([wavy(5)], texture_px=20) is not None  # 16 squares of 5 px
    assert grid_atlas([wavy(5)], texture_px=19) is None
    assert grid_atlas([], texture_px=64) is None


def test_a_right_triangle_covers_the_texels_below_its_diagonal() -> None:
    corners = np.array([[[0, 0], [1, 0], [0, 1]]], np.float32)
    texels = rasterize_uv(corners, 4, 4)
    assert texels.place.tolist() == [0, 1, 2, 3, 4, 5, 6, 8, 9, 12]
    assert np.allclose(texels.weights[0], [0.75, 0.125, 0.125])
    values = texels.interpolate(np.array([[0.0], [8.0], [80.0]]), np.array([[0, 1, 2]]))
    assert values[0] == pytest.approx(0.125 * 88)


def test_texels_of_many_triangles_are_those_found_one_by_one() -> None:
    random = np.random.default_rng(7)
    corners = random.random((200, 3, 2)) * 1.2 - 0.1
    texels = rasterize_uv(corners, 33, 20)
    x, y = np.meshgrid(np.arange(33) + 0.5, np.arange(20) + 0.5)
    owner = np.full((20, 33), -1)
    for index in reversed(range(len(corners))):
        a, b, c = corners[index] * [33, 20]
        sides = [(q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        owner[np.all(np.array(sides) >= 0, axis=0) | np.all(np.array(sides) <= 0, axis=0)] = index
    found = np.full(20 * 33, -1)
    found[texels.place] = texels.triangle
    assert np.array_equal(found.reshape(20, 33), owner)


def test_work_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    corners = np.array([[[0, 0], [1, 0], [0, 1]]], np.float32)
    monkeypatch.setattr("asset_pipeline.models.steps.rasterize_uv.MAX_CELLS", 15)
    with pytest.raises(TooManyTexels):
        rasterize_uv(corners, 4, 4)
    monkeypatch.setattr("asset_pipeline.models.steps.rasterize_uv.MAX_CELLS", 16)
    assert len(rasterize_uv(corners, 4, 4).place) == 10


def square(low: float, high: float) -> np.ndarray:
    return np.array([[[low, low], [high, low], [low, high]], [[high, high], [low, high], [high, low]]])


@pytest.mark.parametrize(
    ("corners", "usable"),
    [
        (square(0, 1), True),
        (np.concatenate([square(0, 0.5), square(0.5, 1)]), True),  # they only touch
        (np.concatenate([square(0, 0.6), square(0.5, 1)]), False),  # they overlap
        (square(0, 1.01), False),  # repeats
        (square(-0.01, 1), False),
        (square(0, 0.3), False),  # nearly nothing of the texture
        (np.concatenate([square(0, 1), square(0.5, 0.5)]), False),  # half the surface without UV
        (square(0, np.nan), False),
        (np.zeros((0, 3, 2)), False),
    ],
)
def test_which_uv_can_be_baked_into(corners: np.ndarray, usable: bool) -> None:
    assert is_usable_uv(corners, np.ones(len(corners))) is usable


def test_gaps_take_the_nearest_colour() -> None:
    pixels = np.array([[[10], [0], [0], [40]]], np.uint8)
    filled = fill_gaps(pixels, np.array([[True, False, False, True]]))
    assert filled[:, :, 0].tolist() == [[10, 10, 40, 40]]
    assert fill_gaps(pixels, np.zeros((1, 4), bool)) is pixels
