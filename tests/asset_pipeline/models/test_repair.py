"""Winding and normals: mixed, inside out, pointing away; what is turned, what is left, what is said."""

import time

import numpy as np
import pytest
import trimesh

from asset_pipeline.models.document import Accessor
from asset_pipeline.models.geometry import geometry_of
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.reading.orient import orient
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.reading.surfaces import Surface
from asset_pipeline.models.steps.repair import repair, turned_share
from asset_pipeline.models.steps.repair_winding import repair_winding
from asset_pipeline.outcome import Refused
from heritage_sites.problem import Severity
from tests.asset_pipeline.models.conftest import sheet

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
CUBE_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ],
    np.uint32,
)  # fmt: skip


def volume(surface):
    a, b, c = (surface.positions[surface.triangles[:, corner]].astype(float) for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def flipped(triangles, rows):
    changed = triangles.copy()
    changed[rows] = changed[rows][:, [0, 2, 1]]
    return changed


def ball(rings=24):
    """A closed ball of radius 1 around the origin, outwards."""
    theta = np.linspace(0, np.pi, rings + 1)[1:-1]
    phi = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    rows = np.stack(
        [
            np.outer(np.sin(theta), np.cos(phi)),
            np.outer(np.sin(theta), np.sin(phi)),
            np.outer(np.cos(theta), np.ones_like(phi)),
        ],
        -1,
    ).reshape(-1, 3)
    points = np.concatenate([[[0, 0, 1]], rows, [[0, 0, -1]]]).astype(np.float32)
    place = 1 + np.arange(len(rows)).reshape(rings - 1, -1)
    right = np.roll(place, -1, axis=1)
    a, b, c, d = place[:-1], right[:-1], place[1:], right[1:]
    faces = [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    faces.append(np.stack([np.zeros_like(place[0]), place[0], right[0]], -1))
    faces.append(np.stack([np.full_like(place[0], len(points) - 1), right[-1], place[-1]], -1))
    return points, np.concatenate(faces).astype(np.uint32)


def told(problems):
    assert all(problem.severity is Severity.WARNING and problem.advice for problem in problems)
    return [problem.message for problem in problems]


def test_a_good_cube_is_left_alone():
    surface = Surface(CUBE, CUBE_FACES)
    assert volume(surface) == pytest.approx(1)
    (same,), problems = orient([surface])
    assert same is surface
    assert problems == []


@pytest.mark.parametrize("rows", [[0], [0, 1, 2], [11, 3], list(range(7)), list(range(1, 12))])
def test_mixed_winding_of_a_closed_body_is_turned_outwards(rows):
    (mended,), problems = orient([Surface(CUBE, flipped(CUBE_FACES, rows))])
    assert volume(mended) == pytest.approx(1)
    assert told(problems) == [
        f"{len(rows)} of 12 triangles faced the other way than their neighbours; they were turned round."
    ]


def test_a_body_inside_out_is_turned_with_its_normals():
    normals = ((0.5 - CUBE) * 2).astype(np.float32)
    (mended,), problems = orient([Surface(CUBE, flipped(CUBE_FACES, slice(None)), normals)])
    assert volume(mended) == pytest.approx(1)
    assert np.array_equal(mended.normals, -normals)
    assert told(problems) == [
        "A closed body was inside out, its faces turned inwards; that was turned round."
    ]
    outward = -normals  # already right: only the faces are turned
    (mended,), _ = orient([Surface(CUBE, flipped(CUBE_FACES, slice(None)), outward)])
    assert np.array_equal(mended.normals, outward)


def test_the_inner_wall_of_a_hollow_stays_turned_inwards():
    inner = 0.25 + CUBE / 2
    points = np.concatenate([CUBE, inner])
    faces = np.concatenate([CUBE_FACES, flipped(CUBE_FACES, slice(None)) + 8])
    surface = Surface(points, faces)
    (same,), problems = orient([surface])
    assert same is surface
    assert problems == []
    (mended,), problems = orient([Surface(points, flipped(faces, slice(None)))])
    assert volume(mended) == pytest.approx(1.125)  # the outer wall is turned; the inner one then counts too
    assert len(problems) == 1


def test_open_parts_follow_their_normals_or_else_the_larger_area():
    strip = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 2, 0], [1, 2, 0]], np.float32)
    faces = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [4, 3, 5]], np.uint32)
    mixed = flipped(faces, [3])
    (mended,), _ = orient([Surface(strip, mixed)])
    assert np.array_equal(mended.triangles, faces)
    down = np.tile(np.float32([0, 0, -1]), (6, 1))
    (mended,), _ = orient([Surface(strip, mixed, down)])
    assert np.array_equal(np.sort(mended.triangles, axis=1), np.sort(faces, axis=1))
    a, b, c = (strip[mended.triangles[:, corner]] for corner in range(3))
    assert (np.cross(b - a, c - a)[:, 2] < 0).all()
    (same,), problems = orient([Surface(strip, faces, down)])  # agrees with itself: left as it is
    assert np.array_equal(same.triangles, faces)
    assert problems == []


def test_a_moebius_strip_and_edges_of_three_triangles_are_left_alone():
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    side = np.array([-0.3, 0.3])
    points = np.stack(
        [
            ((1 + side[:, None] * np.cos(angle / 2)) * np.cos(angle)),
            ((1 + side[:, None] * np.cos(angle / 2)) * np.sin(angle)),
            side[:, None] * np.sin(angle / 2),
        ],
        -1,
    ).reshape(-1, 3)
    low, high = np.arange(20), np.arange(20) + 20
    next_low, next_high = np.append(low[1:], 20), np.append(high[1:], 0)  # the last is joined upside down
    faces = np.concatenate(
        [np.stack([low, next_low, high], -1), np.stack([high, next_low, next_high], -1)]
    ).astype(np.uint32)
    for odd in ([], [3, 4, 5], [0, 10, 20, 30]):
        strip = flipped(faces, odd)
        (same,), problems = orient([Surface(points.astype(np.float32), strip)])
        assert np.array_equal(same.triangles, strip)
        assert problems == []
    fan = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]], np.uint32)
    (same,), problems = orient([Surface(CUBE, fan)])
    assert np.array_equal(same.triangles, fan)
    assert problems == []


def test_a_triangle_drawn_twice_is_left_alone():
    twice = np.array([[0, 1, 2], [1, 2, 0]], np.uint32)
    (same,), problems = orient([Surface(CUBE, twice)])
    assert np.array_equal(same.triangles, twice)
    assert problems == []


def test_a_body_of_two_materials_is_one_body():
    faces = flipped(CUBE_FACES, range(6))
    parts = [Surface(CUBE, faces[:6]), Surface(CUBE, faces[6:])]
    mended, problems = orient(parts)
    assert sum(volume(part) for part in mended) == pytest.approx(1)
    assert np.array_equal(mended[1].triangles, CUBE_FACES[6:])
    assert len(problems) == 1


def test_thousands_of_patches_are_untangled_the_same_each_time():
    points, faces = ball(60)
    random = np.random.default_rng(5)
    rows = np.flatnonzero(random.random(len(faces)) < 0.5)
    surface = Surface(points, flipped(faces, rows))
    (mended,), _ = orient([surface])
    (again,), _ = orient([surface])
    assert volume(mended) == pytest.approx(volume(Surface(points, faces)))
    assert volume(mended) == pytest.approx(4.17, abs=0.05)
    assert np.array_equal(mended.triangles, again.triangles)


def test_a_million_triangles_take_little_time():
    points, faces = ball(500)
    started = time.process_time()
    winding = repair_winding(points.astype(float), flipped(faces, slice(0, 300_000)).astype(np.int64))
    assert time.process_time() - started < 15
    assert winding.against_neighbours == 300_000
    assert winding.flipped[:300_000].all()


def test_a_mixed_stl_comes_out_smooth(tmp_path):
    points, faces = ball()
    faces = flipped(faces, range(0, len(faces), 3))
    body = np.zeros(len(faces), np.dtype([("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")]))
    body["v"] = points[faces]
    path = tmp_path / "ball.stl"
    path.write_bytes(b"scan".ljust(80, b"\0") + np.uint32(len(faces)).tobytes() + body.tobytes())
    loaded = load_mesh_file(path)
    (primitive,) = [primitive for _, _, primitive in loaded.document.primitives()]
    geometry = geometry_of(loaded.document, primitive)
    normals, places = geometry.attributes["NORMAL"].array, geometry.attributes["POSITION"].array
    assert (normals * places).sum(axis=1).min() > 0.99
    assert len(loaded.problems) == 1


# normals of any format


def test_normals_on_the_wrong_side_are_turned_with_tangents_and_targets():
    good = sheet()
    tangents = np.tile(np.float32([1, 0, 0, 1]), (81, 1))
    deltas = np.tile(np.float32([0, 0.1, 0]), (81, 1))
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2, "TANGENT": 4}
    primitive = {"attributes": attributes, "indices": 3, "targets": [{"NORMAL": 5}]}
    tree = {**good.json, "meshes": [{"primitives": [primitive]}, {"primitives": [dict(primitive)]}]}
    away = Accessor(-good.accessors[1].array, "VEC3")
    columns = (good.accessors[0], away, *good.accessors[2:])
    columns += (Accessor(tangents, "VEC4"), Accessor(deltas, "VEC3"))
    document = type(good)(tree, columns)
    assert turned_share(geometry_of(document, primitive)) == 1.0
    mended, problems = repair(document)
    assert told_plain(problems) == [
        "The normals point away from the side that the triangles face, on 100% of the area; they were turned "
        "round."
    ]
    first, second = (primitive for _, _, primitive in mended.primitives())
    assert first["attributes"] == second["attributes"]
    geometry = geometry_of(mended, first)
    assert np.array_equal(geometry.attributes["NORMAL"].array, good.accessors[1].array)
    assert np.array_equal(geometry.attributes["TANGENT"].array[:, 3], np.full(81, -1))
    assert np.array_equal(geometry.targets[0]["NORMAL"].array, -deltas)
    again, problems = repair(mended)
    assert again is mended
    assert problems == ()


def told_plain(problems):
    return [problem.message for problem in problems]


@pytest.mark.parametrize(("share", "is_turned"), [(0.85, False), (0.95, True)])
def test_some_odd_normals_are_left(share, is_turned):
    good = sheet(33)
    normals = good.accessors[1].array.copy()
    normals[: int(share * len(normals))] *= -1
    columns = (good.accessors[0], Accessor(normals, "VEC3"), *good.accessors[2:])
    document = type(good)(good.json, columns)
    mended, _ = repair(document)
    assert (mended is not document) == is_turned


def test_shared_gltf_files_have_their_normals_on_the_right_side(shared):
    turned = {}
    for path in sorted((shared / "assets/gltf").rglob("*.gl*")):
        try:
            document, _ = load_gltf(path)
        except Refused:
            continue
        _, problems = repair(document)
        if problems:
            turned[path.name] = len(problems)
    assert turned == {}


def test_the_bodies_of_a_shared_stl_come_out_whole_as_trimesh_sees_it(shared):
    loaded = load_mesh_file(shared / "assets/stl/multibody.stl")
    assert [problem.message for problem in loaded.problems] == [
        "26 of 32 triangles faced the other way than their neighbours; they were turned round."
    ]
    (primitive,) = [primitive for _, _, primitive in loaded.document.primitives()]
    geometry = geometry_of(loaded.document, primitive)
    mesh = trimesh.Trimesh(geometry.attributes["POSITION"].array, geometry.indices.reshape(-1, 3))
    mesh.merge_vertices(merge_norm=True)
    bodies = mesh.split(only_watertight=False)
    assert [(body.is_watertight, body.is_winding_consistent, body.volume > 0) for body in bodies] == [
        (True, True, True),
        (True, True, True),
    ]
