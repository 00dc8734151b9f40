"""Fewer triangles without tears, and vertices merged only where every byte agrees."""

from collections import Counter

import numpy as np
import pytest

from asset_pipeline.models.deviation import measure_deviation
from asset_pipeline.models.document import TRIANGLE_FAN, TRIANGLE_STRIP, Accessor, Document
from asset_pipeline.models.geometry import Geometry, geometry_of
from asset_pipeline.models.steps.reduce import drawn_triangles, reduce_triangles, shown_corners
from asset_pipeline.models.steps.reorder import reorder
from asset_pipeline.models.steps.weld import weld, weld_geometry
from tests.asset_pipeline.models.conftest import grid_mesh, sheet


def split_in_two(side: int = 41) -> Document:
    """A sheet cut along its middle into two primitives with materials of their own."""
    document = sheet(side, materials=[{}, {}])
    indices = document.accessors[3].array.reshape(-1, 3)
    left = document.accessors[0].array[indices][:, :, 0].mean(axis=1) < 0.5
    primitive = document.json["meshes"][0]["primitives"][0]
    document.json["meshes"][0]["primitives"] = [
        {**primitive, "indices": 3, "material": 0},
        {**primitive, "indices": 4, "material": 1},
    ]
    halves = [Accessor(indices[part].reshape(-1, 1), "SCALAR") for part in (left, ~left)]
    return Document(document.json, (*document.accessors[:3], *halves))


def open_edges(document: Document) -> set[tuple[bytes, bytes]]:
    """Edges with a triangle on one side only, by the bytes of their ends' positions."""
    edges: Counter[tuple[bytes, ...]] = Counter()
    for _, _, primitive in document.primitives():
        geometry = geometry_of(document, primitive)
        points = geometry.attributes["POSITION"].array
        for corners in geometry.indices.reshape(-1, 3):
            names = [points[corner].tobytes() for corner in corners]
            for start in range(3):
                edges[tuple(sorted((names[start], names[(start + 1) % 3])))] += 1
    return {edge for edge, count in edges.items() if count == 1}


def test_two_primitives_do_not_tear_apart() -> None:
    reduced = reduce_triangles(weld(split_in_two()), max_triangles=400)
    assert drawn_triangles(reduced) == pytest.approx(400, abs=12)
    for start, end in open_edges(reduced):
        a, b = np.frombuffer(start, np.float32), np.frombuffer(end, np.float32)
        on_rim = [(a[axis] == b[axis] and a[axis] in (0.0, 1.0)) for axis in (0, 2)]
        assert any(on_rim), (a, b)  # an open edge in the middle would be a tear
    assert len({primitive["material"] for _, _, primitive in reduced.primitives()}) == 2


def test_a_faceted_model_in_two_materials_is_still_brought_down() -> None:
    """Every corner has a normal of its own, so all is seam; no triangle may come to span both materials."""
    document = split_in_two(31)
    tree, columns = document.json, list(document.accessors)
    for primitive in tree["meshes"][0]["primitives"]:
        corners = columns[primitive.pop("indices")].array[:, 0]
        points = columns[0].array[corners]
        normals = np.random.default_rng(3).normal(size=points.shape).astype(np.float32)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        primitive["attributes"] = {"POSITION": len(columns), "NORMAL": len(columns) + 1}
        columns += [Accessor(points, "VEC3"), Accessor(normals, "VEC3")]
    reduced = reduce_triangles(weld(Document(tree, tuple(columns))), max_triangles=300)
    assert 100 < drawn_triangles(reduced) <= 300
    for material, side in ((0, 1.0), (1, -1.0)):
        (primitive,) = (p for _, _, p in reduced.primitives() if p["material"] == material)
        points = geometry_of(reduced, primitive).attributes["POSITION"].array
        assert (side * (0.5 - points[:, 0]) >= -0.04).all()  # each half stays on its side of the cut


def test_within_budget_comes_back_as_it_is() -> None:
    document = weld(sheet(9))
    assert reduce_triangles(document, max_triangles=128) is document
    assert drawn_triangles(reduce_triangles(document, max_triangles=127)) <= 127


def test_a_mesh_shown_ten_times_counts_ten_times() -> None:
    document = weld(sheet(21, nodes=[{"mesh": 0}] * 10, scenes=[{"nodes": list(range(10))}]))
    assert drawn_triangles(document) == 8000
    reduced = reduce_triangles(document, max_triangles=2000)
    assert 1500 <= drawn_triangles(reduced) <= 2000
    assert (
        drawn_triangles(reduced)
        == 10 * geometry_of(reduced, reduced.items("meshes")[0]["primitives"][0]).triangles
    )


def test_every_column_is_kept_row_for_row() -> None:
    document = weld(sheet(21))
    primitive = document.items("meshes")[0]["primitives"][0]
    before = geometry_of(document, primitive)
    reduced = reduce_triangles(document, max_triangles=200)
    after = geometry_of(reduced, reduced.items("meshes")[0]["primitives"][0])

    def rows(geometry: Geometry) -> set[bytes]:
        whole = np.concatenate([column.array for column in geometry.attributes.values()], axis=1)
        return {row.tobytes() for row in whole}

    assert rows(after) < rows(before)
    assert after.indices is not None
    assert int(after.indices.max()) == after.vertices - 1


def test_points_are_untouched() -> None:
    document = sheet(9)
    primitive = document.json["meshes"][0]["primitives"][0]
    primitive["mode"] = 0
    del primitive["indices"]
    again = reduce_triangles(reorder(weld(document)), max_triangles=1)
    geometry = geometry_of(again, again.items("meshes")[0]["primitives"][0])
    assert (geometry.mode, geometry.indices) == (0, None)
    assert np.array_equal(geometry.attributes["POSITION"].array, document.accessors[0].array)


def test_weld_merges_equal_rows_and_nothing_else() -> None:
    positions, normals, uvs, indices = grid_mesh(9)
    loose = indices[:, 0]  # every corner a vertex of its own
    columns = {
        "POSITION": Accessor(positions[loose], "VEC3"),
        "NORMAL": Accessor(normals[loose], "VEC3"),
        "TEXCOORD_0": Accessor(uvs[loose], "VEC2"),
    }
    welded = weld_geometry(Geometry(4, None, columns))
    assert (welded.vertices, welded.triangles) == (81, 128)
    assert np.array_equal(welded.attributes["POSITION"].array[welded.indices], positions[loose])

    odd = uvs[loose].copy()
    inner = loose.tolist().index(40)  # one corner of six around the vertex in the middle
    odd[inner, 0] = np.nextafter(odd[inner, 0], np.float32(2))
    other = weld_geometry(Geometry(4, None, {**columns, "TEXCOORD_0": Accessor(odd, "VEC2")}))
    assert other.vertices == 82


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        (TRIANGLE_STRIP, [[0, 1, 2], [2, 1, 3], [2, 3, 4]]),
        (TRIANGLE_FAN, [[1, 2, 0], [2, 3, 0], [3, 4, 0]]),
    ],
)
def test_strips_and_fans_become_triangles(mode: int, wanted: list[list[int]]) -> None:
    points = np.arange(15, dtype=np.float32).reshape(5, 3)
    geometry = weld_geometry(Geometry(mode, None, {"POSITION": Accessor(points, "VEC3")}))
    assert geometry.mode == 4
    assert geometry.indices.reshape(-1, 3).tolist() == wanted


def test_deviation_of_a_sheet_lifted_by_a_known_height() -> None:
    flat = np.array([[[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 0, 0], [1, 0, 1], [0, 0, 1]]], np.float64)
    lifted = flat + np.array([0.0, 0.25, 0.0])
    found = measure_deviation(flat, lifted)
    assert (found.max_m, found.mean_m) == (pytest.approx(0.25), pytest.approx(0.25))
    assert measure_deviation(flat, flat).max_m == pytest.approx(0.0, abs=1e-12)
    half = measure_deviation(flat, flat[:1])  # what is missing counts too
    assert half.max_m == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_the_measured_error_shrinks_with_more_triangles() -> None:
    document = weld(sheet(61, size_m=10.0))
    errors = [
        measure_deviation(
            shown_corners(document), shown_corners(reduce_triangles(document, max_triangles=triangles))
        ).mean_m
        for triangles in (100, 1000, 4000)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[2] < 0.01 < errors[0] < 1.0
