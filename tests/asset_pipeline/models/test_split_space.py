"""Large models in cells: no triangle lost or doubled, no crack where cells meet."""

from collections import Counter

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asset_pipeline.models.deviation import measure_deviation
from asset_pipeline.models.document import POINTS, Accessor, Document
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.steps.flatten import flatten, pieces_of, why_not_flat
from asset_pipeline.models.steps.reduce import drawn_triangles, reduce_triangles, shown_corners
from asset_pipeline.models.steps.reduce_cell import join_cells, reduce_cell
from asset_pipeline.models.steps.reduce_in_parts import reduce_in_parts
from asset_pipeline.models.steps.split_space import CUT, Node, plan_split, split_in_space
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.test_reduce import open_edges, split_in_two


def corner_rows(document: Document) -> Counter[tuple[object, ...]]:
    """Every triangle (or point) with its material and all its numbers, as a multiset."""
    found: Counter[tuple[object, ...]] = Counter()
    for bare, geometry in pieces_of(document):
        names = sorted(name for name in geometry.attributes if name != CUT)
        whole = np.concatenate([geometry.attributes[name].as_floats() for name in names], axis=1)
        rows = geometry.indices if geometry.indices is not None else np.arange(geometry.vertices)
        width = 1 if geometry.mode == POINTS else 3
        for corners in rows.reshape(-1, width):
            found[(bare.get("material"), tuple(names), whole[corners].tobytes())] += 1
    return found


def soup(points: np.ndarray, indices: np.ndarray) -> Document:
    tree = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
    }
    columns = Accessor(points, "VEC3"), Accessor(indices.reshape(-1, 1).astype(np.uint32), "SCALAR")
    return Document(tree, columns)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    points=arrays.arrays(
        np.float32, st.tuples(st.integers(3, 12), st.just(3)), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])
    ),
    corners=st.lists(st.integers(0, 1000), min_size=3, max_size=90),
    most=st.integers(1, 40),
)
def test_no_triangle_is_lost_or_doubled(points: np.ndarray, corners: list[int], most: int) -> None:
    """Also where many triangles lie in one place, where no plane can part them."""
    indices = np.array(corners[: len(corners) // 3 * 3]) % len(points)
    document = soup(points, indices)
    cells = split_in_space(document, max_triangles=most)
    counts = [drawn_triangles(cell) for cell in cells]
    assert max(counts) <= most
    assert min(counts) >= most // 2 or len(cells) == 1
    assert sum((corner_rows(cell) for cell in cells), Counter()) == corner_rows(document)


def test_cells_keep_materials_and_columns() -> None:
    document = weld(split_in_two(41))
    cells = split_in_space(document, max_triangles=300)
    assert sum((corner_rows(cell) for cell in cells), Counter()) == corner_rows(document)
    assert all(cell.items("materials") == document.items("materials") for cell in cells)
    names = {
        name for cell in cells for _, _, primitive in cell.primitives() for name in primitive["attributes"]
    }
    assert names == {"POSITION", "NORMAL", "TEXCOORD_0"}


def test_cells_lie_together_and_hold_about_as_many() -> None:
    cells = split_in_space(weld(sheet(65)), max_triangles=600)
    assert [drawn_triangles(cell) for cell in cells] == [512] * 16
    for cell in cells:
        ((_, geometry),) = pieces_of(cell)
        points = geometry.attributes["POSITION"].array
        assert (np.ptp(points, axis=0)[[0, 2]] < 0.3).all()


def test_points_are_cut_too() -> None:
    document = sheet(21)
    primitive = document.json["meshes"][0]["primitives"][0]
    primitive["mode"] = POINTS
    del primitive["indices"]
    cells = split_in_space(document, max_triangles=100)
    assert sum((corner_rows(cell) for cell in cells), Counter()) == corner_rows(document)
    assert max(geometry.vertices for cell in cells for _, geometry in pieces_of(cell)) <= 100
    plan = plan_split(document, max_triangles=100)
    thin = reduce_cell(plan.cell(0, plan.leaves), plan.root, max_triangles=50)
    ((_, geometry),) = pieces_of(thin)
    assert 25 <= geometry.vertices <= 50
    assert corner_rows(thin) - corner_rows(document) == Counter()


def test_a_model_is_flattened_where_it_stands() -> None:
    """Turned, moved and mirrored nodes; what is not in the scene stays away."""
    nodes = [
        {"children": [1], "translation": [10.0, 0.0, 0.0]},
        {"mesh": 0, "rotation": [0.0, 0.0, 0.70710678, 0.70710678], "scale": [1.0, -1.0, 1.0]},
        {"mesh": 0},
    ]
    document = sheet(5, nodes=nodes, scenes=[{"nodes": [0]}])
    flat = flatten(document)
    ((_, geometry),) = pieces_of(flat)
    before, after = document.accessors[0].array, geometry.attributes["POSITION"].array
    assert after == pytest.approx(before[:, [1, 0, 2]] + [10.0, 0.0, 0.0], abs=1e-6)
    assert geometry.indices is not None
    corners = after[geometry.indices.reshape(-1, 3)]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = geometry.attributes["NORMAL"].array[geometry.indices.reshape(-1, 3)[:, 0]]
    assert (np.einsum("ij,ij->i", facing, normals) > 0).all()
    assert np.linalg.norm(normals, axis=1) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({"nodes": [{"mesh": 0}] * 2, "scenes": [{"nodes": [0, 1]}]}, "it shows a mesh many times"),
        ({"skins": [{"joints": [0]}]}, "it is animated"),
        ({"animations": [{"channels": [], "samplers": []}]}, "it is animated"),
        (
            {"nodes": [{"mesh": 0, "extensions": {"EXT_mesh_gpu_instancing": {"attributes": {}}}}]},
            "it shows a mesh many times",
        ),
    ],
)
def test_what_cannot_be_cut_says_why(tree: dict[str, object], reason: str) -> None:
    document = sheet(5, **tree)
    assert why_not_flat(document) == reason
    with pytest.raises(ValueError, match=reason):
        split_in_space(document, max_triangles=10)
    with pytest.raises(Refused, match=f"it cannot be cut because {reason}"):
        reduce_in_parts(document, max_triangles=10)


def rim_only(edges: set[tuple[bytes, bytes]]) -> bool:
    """Whether all open edges lie on the sheet's outer rim."""
    for ends in edges:
        a, b = (np.frombuffer(end, np.float32) for end in ends)
        if not any(a[axis] == b[axis] and a[axis] in (0.0, 1.0) for axis in (0, 2)):
            return False
    return True


def test_reduced_cells_meet_without_a_crack() -> None:
    """Cells reduced alone, then laid side by side: every open edge lies on the rim of the whole."""
    plan = plan_split(weld(split_in_two(41)), max_triangles=500)
    reduced = [
        reduce_cell(plan.cell(leaf, leaf + 1), Node(leaf, leaf + 1), max_triangles=120)
        for leaf in range(plan.leaves)
    ]
    assert plan.leaves == 8
    joined = join_cells(reduced)
    assert 500 < drawn_triangles(joined) < 1400
    assert rim_only(open_edges(joined))
    loose = [
        reduce_cell(plan.cell(leaf, leaf + 1), plan.root, max_triangles=120) for leaf in range(plan.leaves)
    ]
    assert not rim_only(open_edges(join_cells(loose)))  # so the check would see one


def test_a_parent_meets_finer_neighbours_without_a_crack() -> None:
    """Half of the sheet two levels coarser than the other half: as a viewer shows them side by side."""
    plan = plan_split(weld(sheet(65)), max_triangles=600)
    coarse_node, *others = plan.root.children
    parts = [
        reduce_cell(plan.cell(leaf, leaf + 1), Node(leaf, leaf + 1), max_triangles=150)
        for leaf in range(coarse_node.first, coarse_node.end)
    ]
    coarse = reduce_cell(join_cells(parts), coarse_node, max_triangles=150)
    assert drawn_triangles(coarse) < 250 < sum(drawn_triangles(part) for part in parts)
    fine = [plan.cell(node.first, node.end) for node in others]
    assert rim_only(open_edges(join_cells([coarse, *fine])))


def test_reduced_in_parts_is_as_good_as_in_one_piece() -> None:
    document = weld(sheet(129, size_m=10.0))
    reduced = reduce_in_parts(document, max_triangles=2000, cell_triangles=4000)
    assert 1500 < drawn_triangles(reduced) <= 2000
    at_once = reduce_triangles(document, max_triangles=2000)
    in_parts_m, at_once_m = (
        measure_deviation(shown_corners(document), shown_corners(other)).mean_m
        for other in (reduced, at_once)
    )
    assert in_parts_m < 1.1 * at_once_m
    assert CUT not in reduced.items("meshes")[0]["primitives"][0]["attributes"]
    again = reduce_in_parts(document, max_triangles=2000, cell_triangles=4000)
    assert all(
        np.array_equal(a.array, b.array) for a, b in zip(reduced.accessors, again.accessors, strict=True)
    )


def test_a_soup_of_triangles_is_still_brought_down() -> None:
    """No two triangles share a vertex: nothing can collapse, so triangles are merged by a grid."""
    rng = np.random.default_rng(7)
    corners = (rng.random((3000, 1, 3)) + rng.random((3000, 3, 3)) * 0.02).astype(np.float32)
    document = soup(corners.reshape(-1, 3), np.arange(9000))
    plan = plan_split(document, max_triangles=1000)
    reduced = reduce_cell(plan.cell(0, plan.leaves), plan.root, max_triangles=300)
    assert drawn_triangles(reduced) <= 300 * 1.25


def test_geometry_of_a_cell_is_indexed_and_compact() -> None:
    for cell in split_in_space(weld(sheet(33)), max_triangles=300):
        for _, _, primitive in cell.primitives():
            geometry = geometry_of(cell, primitive)
            assert geometry.indices is not None
            assert len(np.unique(geometry.indices)) == geometry.vertices
