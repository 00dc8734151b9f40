"""The modes of reducing: what each may change, what it must leave alone, and which a model allows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from asset_pipeline.models.deviation import measure_deviation
from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.geometry import Geometry, geometry_of
from asset_pipeline.models.steps import updated_columns
from asset_pipeline.models.steps.reduce import (
    drawn_triangles,
    reduce_triangles,
    shown_corners,
    simplify_modes,
)
from asset_pipeline.models.steps.simplify import SimplifyMode, simplify
from asset_pipeline.models.steps.simplify_arrays import extent_m
from asset_pipeline.models.steps.simplify_update import simplify_with_update
from asset_pipeline.models.steps.weld import weld
from tests.asset_pipeline.models.conftest import sheet
from tests.asset_pipeline.models.test_simplify import sphere, terrain

PLAIN, UPDATE, PERMISSIVE, BOTH = SimplifyMode


def bumpy_ball(*, parts: int = 1, nodes: bool = False, uv_sets: int = 1, tangents: bool = False) -> Document:
    """A closed ball with bumps, cut by longitude into `parts` primitives; with `nodes` each stands in a mesh
    and node of its own, scaled and turned differently. UVs have a seam, normals are smooth everywhere.
    """
    triangles, points = sphere(24, 1.0)
    points = (points * (1 + 0.1 * np.sin(9 * points[:, :1]) * np.cos(7 * points[:, 1:2]))).astype(np.float32)
    normals = vertex_normals(points, triangles)
    around = np.arctan2(points[:, 2], points[:, 0]) / (2 * np.pi) + 0.5
    up = points[:, 1] / 3 + 0.5
    corners = triangles.reshape(-1)
    turns = around[corners].reshape(-1, 3)
    turns = turns + ((turns.max(axis=1, keepdims=True) - turns) > 0.5)  # over the seam UVs go on past 1
    middle = turns.mean(axis=1) % 1.0
    accessors: list[Accessor] = []
    meshes, places = [], []
    for part in range(parts):
        own = np.flatnonzero((middle * parts).astype(int) == part)
        rows = (own[:, None] * 3 + np.arange(3)).reshape(-1)
        uvs = np.stack([turns.reshape(-1)[rows], up[corners[rows]]], -1).astype(np.float32)
        at, normal = points[corners[rows]], normals[corners[rows]]
        node = {}
        if nodes:
            scale = np.array([2.0**part, 2.0, 0.5])
            node = {"scale": scale.tolist(), "translation": [float(part), 0.0, -2.0]}
            at = ((at - np.array(node["translation"])) / scale).astype(np.float32)
            normal = normal * scale
            normal = (normal / np.linalg.norm(normal, axis=1, keepdims=True)).astype(np.float32)
        columns = {"POSITION": Accessor(at, "VEC3"), "NORMAL": Accessor(normal, "VEC3")}
        for number in range(uv_sets):
            columns[f"TEXCOORD_{number}"] = Accessor(uvs * np.float32(1 + number), "VEC2")
        if tangents:
            side = np.cross([0.0, 1.0, 0.1], normal)
            side /= np.linalg.norm(side, axis=1, keepdims=True)
            columns["TANGENT"] = Accessor(
                np.pad(side, ((0, 0), (0, 1)), constant_values=-1.0).astype(np.float32), "VEC4"
            )
        start = len(accessors)
        accessors += columns.values()
        primitive = {"attributes": {name: start + place for place, name in enumerate(columns)}}
        meshes.append({"primitives": [primitive]})
        places.append({"mesh": part, **node})
    if not nodes:
        meshes = [{"primitives": [mesh["primitives"][0] for mesh in meshes]}]
        places = [{"mesh": 0}]
    tree = {"asset": {"version": "2.0"}, "nodes": places, "meshes": meshes}
    return weld(Document(tree, tuple(accessors)))


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, place]].astype(np.float64) for place in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros(points.shape)
    for place in range(3):
        np.add.at(normals, triangles[:, place], faces)
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)


def geometries(document: Document) -> list[Geometry]:
    return [geometry_of(document, primitive) for _, _, primitive in document.primitives()]


def open_edges(document: Document, decimals: int = 5) -> int:
    """Edges, told by the places of their ends in the world, that have not as many ways there as back."""
    corners = np.round(shown_corners(document).astype(np.float64), decimals) + 0.0
    edges: Counter[tuple[bytes, bytes]] = Counter()
    for triangle in corners:
        names = [corner.tobytes() for corner in triangle]
        for start in range(3):
            edges[names[start], names[(start + 1) % 3]] += 1
            edges[names[(start + 1) % 3], names[start]] -= 1
    return sum(count != 0 for count in edges.values()) // 2


def rows_of(geometry: Geometry, *names: str) -> set[bytes]:
    return {row.tobytes() for row in np.concatenate([geometry.attributes[name].array for name in names], 1)}


def all_bytes(document: Document) -> bytes:
    return b"".join(accessor.array.tobytes() for accessor in document.accessors)


@pytest.mark.parametrize("mode", SimplifyMode)
@pytest.mark.parametrize("shape", [{"parts": 1}, {"parts": 4}, {"parts": 3, "nodes": True}])
def test_a_closed_model_stays_closed_in_every_mode(mode: SimplifyMode, shape: dict[str, int]) -> None:
    document = bumpy_ball(**shape)
    assert open_edges(document) == 0
    for share in (2, 6):
        budget = drawn_triangles(document) // share
        reduced = reduce_triangles(document, max_triangles=budget, mode=mode)
        assert budget * 0.9 < drawn_triangles(reduced) <= budget
        assert open_edges(reduced) == 0


def test_modes_differ_and_each_gives_the_same_bytes_twice() -> None:
    document = bumpy_ball(parts=2)
    made = [all_bytes(reduce_triangles(document, max_triangles=600, mode=mode)) for mode in SimplifyMode]
    again = [all_bytes(reduce_triangles(document, max_triangles=600, mode=mode)) for mode in SimplifyMode]
    assert made == again
    assert len(set(made)) == len(SimplifyMode) == 4
    assert all_bytes(reduce_triangles(document, max_triangles=600)) == made[0]


@pytest.mark.parametrize("shape", [{}, {"parts": 3, "nodes": True}])
def test_update_lies_nearer_to_the_master_than_plain(shape: dict[str, int]) -> None:
    document = bumpy_ball(**shape)
    errors = {
        mode: measure_deviation(
            shown_corners(document),
            shown_corners(reduce_triangles(document, max_triangles=500, mode=mode)),
        ).mean_m
        for mode in (PLAIN, UPDATE)
    }
    assert errors[UPDATE] < errors[PLAIN] * 0.9


@pytest.mark.parametrize("mode", [PLAIN, PERMISSIVE])
def test_plain_and_permissive_keep_every_row(mode: SimplifyMode) -> None:
    document = bumpy_ball(parts=2, uv_sets=2)
    for before, after in zip(
        geometries(document),
        geometries(reduce_triangles(document, max_triangles=600, mode=mode)),
        strict=True,
    ):
        assert rows_of(after, *after.attributes) < rows_of(before, *before.attributes)


@pytest.mark.parametrize("mode", [UPDATE, BOTH])
@pytest.mark.parametrize("nodes", [False, True])
def test_update_moves_vertices_inside_but_none_where_parts_touch(nodes: bool, mode: SimplifyMode) -> None:
    document = bumpy_ball(parts=3, nodes=nodes)
    reduced = reduce_triangles(document, max_triangles=500, mode=mode)
    before, after = geometries(document), geometries(reduced)
    moved = 0
    for old, new in zip(before, after, strict=True):
        borders = border_points(old)
        for row in border_points(new):
            assert row in borders  # bit for bit, also through a placement and back
        moved += len(rows_of(new, "POSITION") - rows_of(old, "POSITION"))
    assert moved > 50


def border_points(geometry: Geometry) -> set[bytes]:
    """Positions of the ends of a primitive's own open edges."""
    points = geometry.attributes["POSITION"].array
    names = [points[corner].tobytes() for corner in geometry.indices]
    edges: Counter[frozenset[bytes]] = Counter()
    for start in range(0, len(names), 3):
        triangle = names[start : start + 3]
        edges.update(frozenset((triangle[place], triangle[place - 1])) for place in range(3))
    return {name for edge, count in edges.items() if count == 1 for name in edge}


@pytest.mark.parametrize("mode", [UPDATE, BOTH])
@pytest.mark.parametrize("nodes", [False, True])
def test_update_leaves_unit_normals_that_agree_over_seams(nodes: bool, mode: SimplifyMode) -> None:
    reduced = reduce_triangles(bumpy_ball(parts=3, nodes=nodes), max_triangles=500, mode=mode)
    assert largest_normal_gap(reduced) < 1e-5
    for geometry in geometries(reduced):
        lengths = np.linalg.norm(geometry.attributes["NORMAL"].array, axis=1)
        assert np.abs(lengths - 1).max() < 1e-6


def test_without_the_repair_normals_would_break_at_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updated_columns, "_closed_seams", lambda mesh, updated: updated.attributes)
    reduced = reduce_triangles(bumpy_ball(parts=3), max_triangles=500, mode=UPDATE)
    assert largest_normal_gap(reduced) > 0.02


def largest_normal_gap(document: Document) -> float:
    """Between normals in the world at one place."""
    from asset_pipeline.models.steps.model_parts import parts_of, placed_normals, placed_points

    found: dict[bytes, list[np.ndarray]] = {}
    for part in parts_of(document):
        places = np.round(placed_points(part).astype(np.float64), 5) + 0.0
        for place, normal in zip(places, placed_normals(part), strict=True):
            found.setdefault(place.tobytes(), []).append(normal)
    return max(float(np.ptp(np.stack(normals), axis=0).max()) for normals in found.values())


def test_update_carries_every_uv_set_and_the_tangents() -> None:
    """The second set is the first one doubled, and goes on being that where vertices moved."""
    reduced = reduce_triangles(bumpy_ball(uv_sets=2, tangents=True), max_triangles=500, mode=UPDATE)
    (geometry,) = geometries(reduced)
    first, second = (geometry.attributes[f"TEXCOORD_{number}"].array for number in (0, 1))
    assert np.allclose(second, 2 * first, atol=1e-4)
    points = geometry.attributes["POSITION"].array
    assert np.abs(first[:, 1] - (points[:, 1] / 3 + 0.5)).max() < 0.02  # V told the height, and still does
    tangents = geometry.attributes["TANGENT"].array
    normals = geometry.attributes["NORMAL"].array
    assert np.abs(np.linalg.norm(tangents[:, :3], axis=1) - 1).max() < 1e-6
    assert np.abs((tangents[:, :3] * normals).sum(axis=1)).max() < 1e-6
    assert (tangents[:, 3] == -1).all()


def test_update_keeps_the_type_of_colours_and_their_alpha() -> None:
    document = bumpy_ball()
    (before,) = geometries(document)
    points = before.attributes["POSITION"].array
    colours = np.stack([points[:, 0], points[:, 1], points[:, 2], -points[:, 0]], -1) * 0.4 + 0.5
    column = Accessor(np.rint(colours * 255).astype(np.uint8), "VEC4", True)
    primitive = document.json["meshes"][0]["primitives"][0]
    primitive["attributes"]["COLOR_0"] = len(document.accessors)
    document = Document(document.json, (*document.accessors, column))
    (after,) = geometries(reduce_triangles(document, max_triangles=500, mode=UPDATE))
    made = after.attributes["COLOR_0"]
    assert (made.array.dtype, made.type, made.normalized) == (np.uint8, "VEC4", True)
    points = after.attributes["POSITION"].array
    wanted = np.stack([points[:, 0], points[:, 1], points[:, 2], -points[:, 0]], -1) * 0.4 + 0.5
    assert np.abs(made.as_floats() - wanted).max() < 0.03


def test_ids_stay_with_their_vertex() -> None:
    document = bumpy_ball()
    (before,) = geometries(document)
    ids = Accessor(np.arange(before.vertices, dtype=np.float32).reshape(-1, 1), "SCALAR")
    document.json["meshes"][0]["primitives"][0]["attributes"]["_ID"] = len(document.accessors)
    document = Document(document.json, (*document.accessors, ids))
    (after,) = geometries(reduce_triangles(document, max_triangles=500, mode=UPDATE))
    kept = after.attributes["_ID"].array[:, 0].astype(int)
    assert len(set(kept.tolist())) == after.vertices
    moved_m = np.linalg.norm(
        after.attributes["POSITION"].array - before.attributes["POSITION"].array[kept], axis=1
    )
    assert 0 < moved_m.max() < 0.3


def test_repeated_textures_come_back_in_their_own_scale() -> None:
    """UVs over 40 repeats are scaled down for the simplifier; what comes back is not."""
    document = sheet(31)
    columns = list(document.accessors)
    columns[2] = Accessor(columns[2].array * np.float32(40), "VEC2")
    reduced = reduce_triangles(weld(Document(document.json, tuple(columns))), max_triangles=400, mode=UPDATE)
    (geometry,) = geometries(reduced)
    points = geometry.attributes["POSITION"].array
    uvs = geometry.attributes["TEXCOORD_0"].array
    assert uvs.max() == pytest.approx(40, abs=0.5)
    assert np.abs(uvs - 40 * points[:, [0, 2]]).max() < 2.0


def test_which_modes_a_model_allows() -> None:
    assert simplify_modes(bumpy_ball()) == (PLAIN, UPDATE, PERMISSIVE, BOTH)
    seamless = weld(sheet(9))
    assert simplify_modes(seamless) == (PLAIN, UPDATE)
    assert simplify_modes(Document({"asset": {"version": "2.0"}})) == (PLAIN,)

    morphing = sheet(9)
    morphing.json["meshes"][0]["primitives"][0]["targets"] = [{"POSITION": 0}]
    skinned = sheet(9)
    skinned.json["meshes"][0]["primitives"][0]["attributes"]["JOINTS_0"] = 1
    flattened = sheet(9, nodes=[{"mesh": 0, "scale": [1, 0, 1]}])
    for document in (morphing, skinned, flattened):
        assert simplify_modes(document) == (PLAIN,)
        for mode in (UPDATE, BOTH):
            with pytest.raises(ValueError, match=f"mode {mode} would spoil"):
                reduce_triangles(document, max_triangles=20, mode=mode)


def test_update_on_arrays_moves_what_is_free_and_nothing_else() -> None:
    triangles, positions, uv = terrain()
    locks = np.zeros(len(positions), np.uint8)
    locks[::37] = 1
    result = simplify_with_update(triangles, positions, uv, [1, 1], target_triangles=600, vertex_lock=locks)
    assert result.triangles <= 600
    assert result.vertices.tolist() == sorted(set(result.indices.tolist()))
    locked = locks[result.vertices] == 1
    assert (result.positions[locked] == positions[result.vertices][locked]).all()
    is_rim = (uv[result.vertices] == 0).any(1) | (uv[result.vertices] == 1).any(1)
    assert (result.positions[is_rim] == positions[result.vertices][is_rim]).all()
    moved = (result.positions != positions[result.vertices]).any(axis=1)
    assert moved.sum() > 50
    assert np.abs(result.attributes - result.positions[:, [0, 2]]).max() < 1e-3  # UV told the place, and does

    unmoved = simplify(triangles, positions, uv, [1, 1], target_triangles=600, vertex_lock=locks)
    assert unmoved.error_m > 0
    whole = simplify_with_update(triangles, positions, uv, [1, 1], target_triangles=10**6)
    assert whole.indices.tolist() == triangles.reshape(-1).tolist()
    assert (whole.positions == positions).all()
    assert whole.error == 0.0


def test_update_drops_unused_vertices_before_it_counts() -> None:
    triangles, positions, uv = terrain(30)
    plain = simplify_with_update(triangles, positions, uv, [1, 1], target_triangles=100)
    far = np.full((7, 3), 1e6, np.float32)
    padded = simplify_with_update(
        triangles + 7,
        np.concatenate([far, positions]),
        np.concatenate([np.zeros((7, 2), np.float32), uv]),
        [1, 1],
        target_triangles=100,
    )
    assert (padded.indices - 7).tolist() == plain.indices.tolist()
    assert (padded.vertices - 7).tolist() == plain.vertices.tolist()
    assert padded.positions.tobytes() == plain.positions.tobytes()


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_update_always_gives_a_valid_mesh_of_finite_numbers(data: st.DataObject) -> None:
    vertices = data.draw(st.integers(1, 30))
    places = st.floats(-1e6, 1e6, width=32) | st.integers(0, 2).map(float)
    positions = data.draw(arrays.arrays(np.float32, (vertices, 3), elements=places))
    indices = data.draw(
        arrays.arrays(
            np.uint32, st.integers(0, 60).map(lambda n: 3 * n), elements=st.integers(0, vertices - 1)
        )
    )
    attributes = data.draw(arrays.arrays(np.float32, (vertices, 2), elements=st.floats(-10, 10, width=32)))
    result = simplify_with_update(
        indices,
        positions,
        attributes,
        [0.5, 1],
        target_triangles=data.draw(st.integers(0, 60)),
        permissive=data.draw(st.booleans()),
    )
    assert result.indices.size % 3 == 0
    assert result.indices.size <= indices.size
    assert set(result.indices.tolist()) == set(result.vertices.tolist()) <= set(indices.tolist())
    assert np.isfinite(result.positions).all()
    assert np.isfinite(result.attributes).all()
    size = 2 * extent_m(positions)
    assert (result.positions >= positions.min(axis=0) - size).all()
    assert (result.positions <= positions.max(axis=0) + size).all()
