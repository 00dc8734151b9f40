import numpy as np
import pytest

from asset_pipeline.models.reading.mend_nodes import mend_nodes
from asset_pipeline.models.transforms import compose, local_matrix, world_matrices
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import sheet

RNG = np.random.default_rng(11)


def as_json(matrix: np.ndarray) -> list[float]:
    return [float(value) for value in matrix.T.reshape(-1)]


@pytest.mark.parametrize("case", range(12))
def test_a_matrix_becomes_the_same_placement(case: int) -> None:
    signs = np.where([case & 1, case & 2, case & 4], -1.0, 1.0)
    turn = RNG.normal(size=4) if case < 8 else np.eye(4)[case - 8]
    wanted = compose(RNG.normal(size=3), turn, RNG.uniform(0.1, 9, 3) * signs)
    editor = sheet(3, nodes=[{"mesh": 0, "matrix": as_json(wanted)}]).edit()
    assert mend_nodes(editor) == []
    (node,) = editor.items("nodes")
    assert "matrix" not in node
    assert np.abs(local_matrix(node) - wanted).max() < 1e-9


@pytest.mark.parametrize("flatten", [False, True])
def test_a_sheared_matrix_is_split_and_stays_the_same(flatten: bool) -> None:
    wanted = np.eye(4)
    wanted[:3] = RNG.normal(size=(3, 4))
    if flatten:
        wanted[:3, 1] = 0.0
    nodes = [
        {"children": [1], "translation": [1, 2, 3]},
        {"mesh": 0, "matrix": as_json(wanted), "children": [2]},
        {},
    ]
    editor = sheet(3, nodes=nodes).edit()
    (problem,) = mend_nodes(editor)
    assert problem.where == "/nodes/1"
    world = world_matrices(editor.items("nodes"))
    expected = local_matrix({"translation": [1, 2, 3]}) @ wanted
    assert np.abs(world[1] - expected).max() < 1e-9
    assert np.abs(world[2] - expected).max() < 1e-9
    assert editor.items("nodes")[0]["children"] == [3]
    assert editor.items("nodes")[3]["children"] == [1]


def test_a_root_in_the_scene_is_replaced_there_too() -> None:
    matrix = np.eye(4)
    matrix[0, 1] = 0.5
    editor = sheet(3, nodes=[{"mesh": 0, "matrix": as_json(matrix)}]).edit()
    mend_nodes(editor)
    assert editor.items("scenes") == [{"nodes": [1]}]


def test_a_matrix_that_is_no_placement_is_refused() -> None:
    editor = sheet(3, nodes=[{"matrix": [1.0] * 16}]).edit()
    with pytest.raises(Refused, match="does not end in 0, 0, 0, 1"):
        mend_nodes(editor)


@pytest.mark.parametrize(("skeleton", "kept"), [(0, True), (1, True), (2, False)])
def test_a_skeleton_that_is_no_root_is_taken_out(skeleton: int, kept: bool) -> None:
    nodes = [{"children": [1]}, {"children": [2, 3]}, {}, {}]
    editor = sheet(3, nodes=nodes, skins=[{"joints": [2, 3], "skeleton": skeleton}]).edit()
    assert len(mend_nodes(editor)) == (not kept)
    assert ("skeleton" in editor.items("skins")[0]) is kept
