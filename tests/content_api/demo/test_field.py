"""Random fields: the same everywhere, whatever shape asks."""

import numpy as np

from content_api.demo.field import fbm3, noise2, noise3, smoothstep, tile_of


def places(count: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-300, 300, (3, 4, count)).astype(np.float32)


def test_a_value_depends_on_its_place_alone() -> None:
    x, y, z = places(500)
    whole = fbm3(x, y, z, 3, seed=4)
    assert np.array_equal(whole[1:3, 100:200], fbm3(*(c[1:3, 100:200].copy() for c in (x, y, z)), 3, seed=4))
    lines = fbm3(*(c.ravel() for c in (x, y, z)), 3, seed=4)
    assert np.array_equal(whole.ravel(), lines)


def test_long_lines_of_places_are_fine() -> None:
    x = np.linspace(0, 50, 70_000, dtype=np.float32)  # OpenCV refuses lookups in lines this long
    assert noise3(x, x, x).shape == (70_000,)


def test_fields_are_centred_and_of_unit_deviation() -> None:
    x, y, z = places(20_000)
    for values in (noise3(x, y, z, 2), noise2(x, z, 3), fbm3(x, y, z, 4, 5)):
        assert abs(float(values.mean())) < 0.02
        assert 0.95 < float(values.std()) < 1.05


def test_fields_are_smooth_across_layers_and_tile_edges() -> None:
    near = np.float32([[0.9999, 127.9999]])
    far = np.float32([[1.0001, 128.0001]])
    still = np.float32([[0.3, 0.3]])
    assert np.abs(noise3(still, near, still) - noise3(still, far, still)).max() < 0.01
    assert np.abs(noise2(near, still) - noise2(far, still)).max() < 0.01


def test_seeds_give_different_fields() -> None:
    x, y, z = places(5000)
    assert abs(float(np.corrcoef(noise3(x, y, z, 1).ravel(), noise3(x, y, z, 2).ravel())[0, 1])) < 0.05


def test_tiles_close() -> None:
    tile = tile_of(3, 256, 4, 20, 1.0)
    inside = np.abs(np.diff(tile, axis=1)).max()
    assert np.abs(tile[:, 0] - tile[:, -1]).max() <= inside


def test_smoothstep_ends_and_falls_when_reversed() -> None:
    values = np.float32([-1, 0, 0.5, 1, 2])
    assert smoothstep(0.0, 1.0, values).tolist() == [0, 0, 0.5, 1, 1]
    assert smoothstep(1.0, 0.0, values).tolist() == [1, 1, 0.5, 0, 0]
