"""Thinned point clouds: budgets kept, points untouched, evenly spread, the same every time."""

import numpy as np
import pytest

from asset_pipeline.models.document import POINTS, Accessor, Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.steps import reduce_points as module
from asset_pipeline.models.steps.reduce_points import drawn_points, reduce_points, simplify_points
from asset_pipeline.outcome import Refused


def cloud(*counts: int, nodes: int = 1) -> Document:
    """One mesh with a primitive of random coloured points per count, shown by `nodes` nodes."""
    rng = np.random.default_rng(7)
    accessors: list[Accessor] = []
    primitives = []
    for place, count in enumerate(counts):
        points = (rng.random((count, 3)) + np.array([2.0 * place, 0, 0])).astype(np.float32)
        colours = rng.integers(0, 256, (count, 4)).astype(np.uint8)
        numbers = rng.random((count, 1)).astype(np.float32)
        start = len(accessors)
        accessors += [
            Accessor(points, "VEC3"), Accessor(colours, "VEC4", True), Accessor(numbers, "SCALAR"),
        ]  # fmt: skip
        attributes = {"POSITION": start, "COLOR_0": start + 1, "_CLASS": start + 2}
        primitives.append({"mode": POINTS, "attributes": attributes})
    tree = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": list(range(nodes))}],
        "nodes": [{"mesh": 0}] * nodes,
        "meshes": [{"primitives": primitives}],
    }
    return Document(tree, tuple(accessors))


def rows_of(document: Document, index: int = 0) -> list[bytes]:
    """Every point's bytes, all columns."""
    geometry = geometry_of(document, document.items("meshes")[0]["primitives"][index])
    tables = [column.array.view(np.uint8).reshape(column.count, -1) for column in geometry.columns]
    return [row.tobytes() for row in np.concatenate(tables, axis=1)]


def test_points_that_stay_are_points_that_came_in_their_order() -> None:
    document = cloud(5000)
    reduced = reduce_points(document, max_points=800)
    before, after = rows_of(document), rows_of(reduced)
    assert 700 < drawn_points(reduced) == len(after) <= 800
    places = [before.index(row) for row in after]
    assert places == sorted(set(places))
    assert rows_of(reduce_points(document, max_points=800)) == after


def test_within_the_budget_comes_back_as_it_is() -> None:
    document = cloud(500)
    assert reduce_points(document, max_points=500) is document
    assert drawn_points(reduce_points(document, max_points=499)) <= 499


def test_clouds_share_the_budget_and_the_smallest_keeps_a_point() -> None:
    reduced = reduce_points(cloud(8000, 2000, 1), max_points=1000)
    counts = [len(rows_of(reduced, index)) for index in range(3)]
    assert counts[2] == 1
    assert sum(counts) <= 1000
    assert 100 <= counts[1] <= 200  # a fifth, in whole cells; what it leaves goes to the next
    assert 700 <= counts[0] <= 875


def test_a_cloud_shown_four_times_counts_four_times() -> None:
    document = cloud(1000, nodes=4)
    assert drawn_points(document) == 4000
    assert 1500 < drawn_points(reduce_points(document, max_points=2000)) <= 2000


def test_indexed_points_keep_only_what_is_drawn() -> None:
    document = cloud(1000)
    drawn = Accessor(np.arange(0, 1000, 2, dtype=np.uint32).reshape(-1, 1), "SCALAR")
    document.json["meshes"][0]["primitives"][0]["indices"] = 3
    reduced = reduce_points(Document(document.json, (*document.accessors, drawn)), max_points=100)
    assert "indices" not in reduced.items("meshes")[0]["primitives"][0]
    assert set(rows_of(reduced)) <= set(rows_of(cloud(1000))[::2])
    assert 50 < drawn_points(reduced) <= 100


def test_what_stays_is_spread_evenly() -> None:
    """Nine of ten points lie in one corner; after thinning each eighth of the cube has its share of cells."""
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.random((9000, 3)) / 2, rng.random((1000, 3))]).astype(np.float32)
    kept = simplify_points(points, None, target_points=400)
    in_corner = (points[kept] < 0.5).all(axis=1).mean()
    assert in_corner < 0.4


def test_the_typical_colour_stays() -> None:
    """In each pile of points at nearly one place, nine are red and one is blue: red stays."""
    rng = np.random.default_rng(11)
    places = np.repeat(np.stack(np.mgrid[0:4, 0:4, 0:4], -1).reshape(-1, 3), 10, axis=0)
    points = (places + rng.random(places.shape) * 1e-3).astype(np.float32)
    colours = np.tile([[1, 0, 0]] * 9 + [[0, 0, 1]], (64, 1)).astype(np.float32)
    kept = simplify_points(points, colours, target_points=64)
    assert len(kept) == 64
    assert (colours[kept] == [1, 0, 0]).all()


def test_what_is_not_a_cloud_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="max_points >= 1"):
        reduce_points(cloud(10), max_points=0)
    with pytest.raises(ValueError, match=r"positions: want \(2, 3\) finite"):
        simplify_points(np.full((2, 3), np.nan, np.float32), None, target_points=1)
    with pytest.raises(ValueError, match=r"colours: want \(2, 3\)"):
        simplify_points(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), target_points=1)
    needed = 1000 * module.PEAK_BYTES_PER_POINT + 100 * module.PEAK_BYTES_PER_KEPT_POINT
    monkeypatch.setattr(module, "MAX_MEMORY_BYTES", needed)
    assert len(simplify_points(np.eye(1000, 3, dtype=np.float32), None, target_points=100)) <= 100
    monkeypatch.setattr(module, "MAX_MEMORY_BYTES", needed - 1)
    with pytest.raises(Refused, match="too large to be thinned"):
        simplify_points(np.eye(1000, 3, dtype=np.float32), None, target_points=100)
