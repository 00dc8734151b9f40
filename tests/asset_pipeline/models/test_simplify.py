"""The simplifier: targets reached, seams and locks kept, errors bounded, bad arrays refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from asset_pipeline.models.steps import simplifier_module
from asset_pipeline.models.steps.simplifier_module import Simplifier, SimplifierFailed
from asset_pipeline.models.steps.simplify import (
    NO_ERROR_LIMIT,
    simplify,
    simplify_sloppy,
)
from asset_pipeline.models.steps.simplify_arrays import MAX_ATTRIBUTES, estimated_peak_bytes, extent_m
from asset_pipeline.models.unpack_meshoptimizer import (
    OUT_FOLDER,
    PINNED_SHA256,
    PackageUnexpected,
    decode_module,
    main,
    unpack,
)
from asset_pipeline.outcome import Refused

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGE = REPOSITORY / "node_modules" / "meshoptimizer"


def sphere(rings=40, radius=2.0):
    """A closed, welded sphere: 4 * rings * (rings - 1) triangles."""
    sides = rings * 2
    polar = np.pi * np.arange(1, rings) / rings
    around = 2 * np.pi * np.arange(sides) / sides
    body = np.stack(
        [
            np.outer(np.sin(polar), np.cos(around)),
            np.outer(np.cos(polar), np.ones(sides)),
            np.outer(np.sin(polar), np.sin(around)),
        ],
        -1,
    ).reshape(-1, 3)
    positions = np.concatenate([[[0, 1, 0]], body, [[0, -1, 0]]]).astype(np.float32) * radius
    grid = 1 + np.arange((rings - 1) * sides).reshape(rings - 1, sides)
    right = np.roll(grid, -1, axis=1)
    last = len(positions) - 1
    triangles = np.concatenate(
        [
            np.stack([np.zeros(sides, int), right[0], grid[0]], -1),
            np.stack([grid[:-1], right[:-1], grid[1:]], -1).reshape(-1, 3),
            np.stack([right[:-1], right[1:], grid[1:]], -1).reshape(-1, 3),
            np.stack([np.full(sides, last), grid[-1], right[-1]], -1),
        ]
    )
    return triangles.astype(np.uint32), positions


def terrain(size=60):
    """An open square of hills, 1 m wide: 2 * (size - 1) ** 2 triangles, with UV."""
    east, south = np.meshgrid(np.linspace(0, 1, size), np.linspace(0, 1, size))
    height = 0.1 * np.sin(7 * east) * np.cos(5 * south)
    positions = np.stack([east, height, south], -1).reshape(-1, 3).astype(np.float32)
    grid = np.arange(size * size).reshape(size, size)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    )
    return triangles.astype(np.uint32), positions, positions[:, [0, 2]].copy()


def border_vertices(triangles):
    """Vertices on edges that only one triangle has."""
    edges = np.sort(triangles.reshape(-1, 3)[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return set(unique[count == 1].ravel().tolist())


def test_sphere_reaches_the_target_and_stays_closed_and_round():
    triangles, positions = sphere()
    result = simplify(triangles, positions, target_triangles=500)
    assert result.triangles == 500
    assert border_vertices(result.indices) == set()
    assert 0 < result.error < 0.01
    assert result.error_m == pytest.approx(result.error * 4.0, rel=1e-5)
    middles = positions[result.indices.reshape(-1, 3)].mean(axis=1)
    assert np.linalg.norm(middles, axis=1).min() > 2.0 - 0.08


def test_stops_before_the_error_limit():
    triangles, positions = sphere()
    limited = simplify(triangles, positions, target_triangles=0, max_error=0.001)
    assert 0 < limited.error <= 0.001
    assert 500 < limited.triangles < len(triangles)
    assert simplify(triangles, positions, target_triangles=0, max_error=0.01).triangles < limited.triangles


def test_error_is_relative_to_the_longest_side():
    triangles, positions = sphere()
    small = simplify(triangles, positions, target_triangles=500)
    large = simplify(triangles, positions * np.float32(1024), target_triangles=500)
    assert np.array_equal(small.indices, large.indices)
    assert large.error == small.error
    assert large.error_m == pytest.approx(1024 * small.error_m)


def test_the_same_input_gives_the_same_output():
    triangles, positions, uv = terrain()
    first, second = (simplify(triangles, positions, uv, [1, 1], target_triangles=400) for _ in range(2))
    assert first.indices.tobytes() == second.indices.tobytes()
    assert first.error == second.error


def test_attributes_steer_what_is_kept():
    """A flat square with a painted line becomes two triangles, unless the paint counts."""
    triangles, positions, uv = terrain(41)
    positions[:, 1] = 0
    painted = (np.abs(uv[:, :1] - 0.5) < 1e-6).astype(np.float32)
    assert simplify(triangles, positions, target_triangles=0, max_error=0.01).triangles == 2
    kept = simplify(triangles, positions, painted, [1.0], target_triangles=0, max_error=0.01)
    assert kept.triangles == 8
    assert set(painted[kept.indices, 0].tolist()) == {0.0, 1.0}


def test_a_uv_seam_stays_closed():
    """Two UV islands that meet at x = 0.5 with their own vertices: no crack opens between them."""
    triangles, positions, uv = terrain(41)
    is_right = positions[triangles].mean(axis=1)[:, 0] > 0.5
    seam = np.flatnonzero(np.abs(positions[:, 0] - 0.5) < 1e-6)
    doubles = np.full(len(positions), -1)
    doubles[seam] = len(positions) + np.arange(seam.size)
    split = triangles.copy()
    right = split[is_right]
    split[is_right] = np.where(doubles[right] >= 0, doubles[right], right)
    positions = np.concatenate([positions, positions[seam]])
    uv = np.concatenate([uv, uv[seam] + np.float32(3)])
    result = simplify(split, positions, uv, [1, 1], target_triangles=300)
    assert 295 <= result.triangles <= 300  # one collapse on the seam takes up to four triangles
    used = np.unique(result.indices)
    on_left = {tuple(positions[i]) for i in used if i in set(seam.tolist())}
    on_right = {tuple(positions[i]) for i in used if i >= len(positions) - seam.size}
    assert on_left == on_right
    assert len(on_left) > 2


def test_lock_border_keeps_every_border_vertex():
    triangles, positions, _ = terrain()
    border = border_vertices(triangles)
    assert len(border) == 4 * 59
    locked = simplify(triangles, positions, target_triangles=600, lock_border=True)
    assert border_vertices(locked.indices) == border
    free = simplify(triangles, positions, target_triangles=600)
    assert len(border_vertices(free.indices)) < len(border)


def test_locked_vertices_stay():
    triangles, positions, _ = terrain()
    locks = np.zeros(len(positions), np.uint8)
    locks[::37] = 1
    locked = simplify(triangles, positions, target_triangles=300, vertex_lock=locks)
    assert set(np.flatnonzero(locks).tolist()) <= set(locked.indices.tolist())
    free = simplify(triangles, positions, target_triangles=300)
    assert not set(np.flatnonzero(locks).tolist()) <= set(free.indices.tolist())


def test_permissive_crosses_the_seams_of_a_fully_split_mesh():
    triangles, positions = sphere(20)
    split = positions[triangles.ravel()]
    normals = split / np.linalg.norm(split, axis=1, keepdims=True)
    normals[::3] *= -1  # no two corners agree: all is seam
    indices = np.arange(len(split))
    strict = simplify(indices, split, normals, [0.5] * 3, target_triangles=200)
    free = simplify(indices, split, normals, [0.5] * 3, target_triangles=200, permissive=True)
    assert strict.triangles > 1000
    assert free.triangles <= 200


@pytest.mark.parametrize("function", [simplify, simplify_sloppy])
@pytest.mark.parametrize("target", [60, 61, 10**9])
def test_a_target_at_or_above_the_count_returns_the_input(function, target):
    rng = np.random.default_rng(5)
    indices = rng.integers(0, 50, (60, 3))
    result = function(indices, rng.random((50, 3)), target_triangles=target)
    assert result.indices.dtype == np.uint32
    assert result.indices.tolist() == indices.ravel().tolist()
    assert (result.error, result.error_m) == (0.0, 0.0)


@pytest.mark.parametrize("function", [simplify, simplify_sloppy])
def test_empty_and_degenerate_meshes(function):
    nothing = function(np.empty((0, 3), np.uint32), np.empty((0, 3)), target_triangles=0)
    assert nothing.indices.tolist() == []
    point = function(np.zeros((50, 3), int), np.ones((1, 3)), target_triangles=1)
    assert (point.triangles, point.error_m) == (0, 0.0)
    line = function(
        np.tile([0, 1, 2], (50, 1)), np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), target_triangles=1
    )
    assert line.triangles <= 50


def test_sloppy_goes_below_where_the_form_stops_the_other():
    triangles, positions = sphere(20)
    split = positions[triangles.ravel()]
    indices = np.arange(len(split))
    assert simplify(indices, split, target_triangles=100).triangles > 100
    sloppy = simplify_sloppy(indices, split, target_triangles=100)
    assert 30 <= sloppy.triangles <= 100
    assert 0.0 < sloppy.error < 0.5


def test_unused_vertices_change_nothing():
    triangles, positions, uv = terrain(30)
    plain = simplify(triangles, positions, uv, [1, 1], target_triangles=100)
    far = np.full((7, 3), 1e6, np.float32)
    padded = simplify(
        triangles + 7,
        np.concatenate([far, positions]),
        np.concatenate([np.zeros((7, 2), np.float32), uv]),
        [1, 1],
        target_triangles=100,
        vertex_lock=np.concatenate([np.ones(7, np.uint8), np.zeros(len(positions), np.uint8)]),
    )
    assert (padded.indices - 7).tolist() == plain.indices.tolist()
    assert padded.error == plain.error


def test_input_arrays_are_not_changed():
    triangles, positions, uv = terrain(30)
    before = triangles.tobytes(), positions.tobytes(), uv.tobytes()
    simplify(triangles, positions, uv, [1, 1], target_triangles=100)
    assert (triangles.tobytes(), positions.tobytes(), uv.tobytes()) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": [0, 1]}, "in threes"),
        ({"indices": [0, 1, 4]}, "want 0 to 3, got 0 to 4"),
        ({"indices": [0, -1, 2]}, "got -1 to 2"),
        ({"indices": [0.0, 1.0, 2.0]}, "whole numbers"),
        ({"positions": np.zeros((4, 2))}, r"want \(v, 3\)"),
        ({"positions": np.full((4, 3), np.nan)}, "NaN"),
        ({"positions": np.full((4, 3), np.inf)}, "infinity"),
        ({"attributes": np.zeros((4, 2)), "weights": [1]}, r"want \(4, 1\)"),
        ({"attributes": np.zeros((3, 1)), "weights": [1]}, r"got \(3, 1\)"),
        ({"attributes": np.full((4, 1), np.nan), "weights": [1]}, "finite"),
        ({"attributes": np.zeros((4, 1)), "weights": [-1]}, ">= 0"),
        ({"attributes": np.zeros((4, 33)), "weights": [1] * 33}, "at most 32"),
        ({"vertex_lock": np.zeros(3)}, "vertex_lock"),
        ({"target_triangles": -1}, "target_triangles"),
        ({"max_error": float("nan")}, "max_error"),
    ],
)
def test_what_is_not_a_mesh_is_refused(change, message):
    arguments = {"indices": [0, 1, 2], "positions": np.eye(4, 3), "target_triangles": 0} | change
    with pytest.raises(ValueError, match=message):
        simplify(**arguments)


@pytest.mark.parametrize("count", [0, 1, MAX_ATTRIBUTES])
def test_attribute_limit(count):
    triangles, positions, _ = terrain(20)
    values = np.zeros((len(positions), count), np.float32)
    assert simplify(triangles, positions, values, [1.0] * count, target_triangles=50).triangles == 50


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_output_is_always_a_valid_mesh_with_no_more_triangles(data):
    vertices = data.draw(st.integers(1, 30))
    positions = data.draw(
        arrays.arrays(
            np.float32, (vertices, 3), elements=st.floats(-1e6, 1e6, width=32) | st.integers(0, 2).map(float)
        )
    )
    indices = data.draw(
        arrays.arrays(
            np.uint32, st.integers(0, 60).map(lambda n: 3 * n), elements=st.integers(0, vertices - 1)
        )
    )
    attributes = data.draw(arrays.arrays(np.float32, (vertices, 2), elements=st.floats(-10, 10, width=32)))
    target = data.draw(st.integers(0, 60))
    options = data.draw(st.fixed_dictionaries({"lock_border": st.booleans(), "permissive": st.booleans()}))
    for result in (
        simplify(indices, positions, attributes, [0.5, 1], target_triangles=target, **options),
        simplify_sloppy(indices, positions, target_triangles=target),
    ):
        assert result.indices.size % 3 == 0
        assert result.indices.size <= indices.size
        assert set(result.indices.tolist()) <= set(indices.tolist())
        assert np.isfinite(result.error)
        assert result.error >= 0


@pytest.mark.parametrize(
    ("vertices_per_triangle", "attributes"), [("welded", 2), ("welded", 5), ("split", 2)]
)
def test_memory_estimate_covers_the_peak(monkeypatch, vertices_per_triangle, attributes):
    triangles, positions, _ = terrain(300)
    if vertices_per_triangle == "split":
        positions = positions[triangles.ravel()]
        triangles = np.arange(len(positions)).reshape(-1, 3)
    peaks = []
    run = Simplifier.run

    def watched(self, name, *arguments):
        result = run(self, name, *arguments)
        peaks.append(self.memory_bytes)
        return result

    monkeypatch.setattr(Simplifier, "run", watched)
    values = np.zeros((len(positions), attributes), np.float32)
    simplify(triangles, positions, values, [1] * attributes, target_triangles=100)
    estimate = estimated_peak_bytes(len(positions), len(triangles), attributes)
    assert 0.8 * estimate < peaks[0] <= estimate * 1.01


def test_a_mesh_past_4_gib_is_refused_before_it_is_copied(monkeypatch):
    triangles, positions, uv = terrain(30)
    monkeypatch.setattr(
        "asset_pipeline.models.steps.simplify_arrays.MAX_MEMORY_BYTES", estimated_peak_bytes(900, 1682, 2)
    )
    assert simplify(triangles, positions, uv, [1, 1], target_triangles=100).triangles == 100
    monkeypatch.setattr(
        "asset_pipeline.models.steps.simplify_arrays.MAX_MEMORY_BYTES", estimated_peak_bytes(900, 1682, 2) - 1
    )
    with pytest.raises(Refused) as refusal:
        simplify(triangles, positions, uv, [1, 1], target_triangles=100)
    assert "more than 4 GiB" in refusal.value.problems[0].message


def test_module_memory_ends_at_4_gib_with_a_refusal():
    """Addresses above 2 GiB are negative numbers to the module; allocation goes past them and ends
    cleanly."""
    module = Simplifier()
    addresses = [module.allocate(1 << 30) for _ in range(3)]
    assert addresses == sorted(addresses)
    assert addresses[-1] > 1 << 31
    high = module.copy_in(np.arange(10, dtype=np.uint32))
    assert high > 3 << 30
    assert module.copy_out(high, 10, np.uint32).tolist() == list(range(10))
    with pytest.raises(Refused):
        module.allocate(1 << 30)


def test_missing_module_says_make_setup(monkeypatch, tmp_path):
    monkeypatch.setattr(simplifier_module, "OUT_FOLDER", tmp_path)
    with pytest.raises(SimplifierFailed, match=r"make setup"):
        simplify([[0, 1, 2]], np.eye(3), target_triangles=0)


def test_damaged_module_says_make_setup(monkeypatch, tmp_path):
    (tmp_path / "simplifier.wasm").write_bytes(b"\0asm\x01\0\0\0\x07")
    monkeypatch.setattr(simplifier_module, "OUT_FOLDER", tmp_path)
    with pytest.raises(SimplifierFailed, match=r"damaged.*make setup"):
        simplify([[0, 1, 2]], np.eye(3), target_triangles=0)


def test_runs_under_a_limit_on_data():
    """The frame limits a job by RLIMIT_DATA; the module's reserved address space must not count."""
    script = (
        "import resource; resource.setrlimit(resource.RLIMIT_DATA, (400 << 20, 400 << 20))\n"
        "import numpy as np; from asset_pipeline.models.steps.simplify import simplify\n"
        "points = np.random.default_rng(0).random((300, 3))\n"
        "print(simplify(np.arange(300), points, target_triangles=99).triangles)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY)
    assert (done.returncode, done.stdout) == (0, "99\n"), done.stderr


def test_extent_is_the_longest_side():
    assert extent_m(np.array([[0, 0, 0], [1, -2, 0.5]])) == 2.0
    assert extent_m(np.empty((0, 3))) == 0.0
    assert np.finfo(np.float64).max > NO_ERROR_LIMIT**2


# Unpacking


def test_unpack_writes_module_licence_and_version_once(tmp_path):
    assert unpack(PACKAGE, tmp_path / "out") is True
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "LICENSE-meshoptimizer.md",
        "VERSION",
        "simplifier.wasm",
    ]
    assert (tmp_path / "out" / "VERSION").read_text() == "1.3.0\n"
    assert "MIT License" in (tmp_path / "out" / "LICENSE-meshoptimizer.md").read_text()
    assert (tmp_path / "out" / "simplifier.wasm").read_bytes() == (
        OUT_FOLDER / "simplifier.wasm"
    ).read_bytes()
    assert unpack(PACKAGE, tmp_path / "out") is False


def copy_of_package(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    for name in ("package.json", "LICENSE.md", "meshopt_simplifier.js"):
        (package / name).write_bytes((PACKAGE / name).read_bytes())
    return package


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("package.json", '"version": "1.3.0"', '"version": "1.3.1"', f"{PINNED_SHA256}, got 1.3.1"),
        ("package.json", '"version"', '"version', "no version"),
        ("meshopt_simplifier.js", "b9H79Tebbbe", "b9H79Tebbbf", "want meshoptimizer 1.3.0"),
        ("meshopt_simplifier.js", "var wasm =", "var code =", "no packed WebAssembly"),
        ("meshopt_simplifier.js", "new Uint8Array([", "new Uint8Array([1, ", "table of 60"),
    ],
)
def test_another_package_is_refused_and_nothing_is_written(tmp_path, name, old, new, message):
    package = copy_of_package(tmp_path)
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new, 1))
    with pytest.raises(PackageUnexpected, match=message):
        unpack(package, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cut_off_constant_is_refused():
    table = ", ".join("0" for _ in range(60))
    with pytest.raises(PackageUnexpected, match="cut off"):
        decode_module(f"var wasm = '9';\nvar wasmpack = new Uint8Array([{table}]);")


@pytest.mark.parametrize(
    ("arguments", "code"), [([str(PACKAGE)], 0), (["nowhere"], 1), (["a", "b"], 2), (["--help"], 2)]
)
def test_command_exit_codes(arguments, code, capsys):
    assert main(arguments) == code
    assert (capsys.readouterr().err == "") == (code == 0)
