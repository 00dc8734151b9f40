"""Numbers that random and spoiled masters showed to break a reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asset_pipeline.models.document import Accessor, Document
from asset_pipeline.models.reading.check_gltf import check_gltf
from asset_pipeline.models.reading.check_shape import check_shape
from asset_pipeline.models.reading.mend import mend_data
from asset_pipeline.models.steps.quantize_positions import quantize_positions
from asset_pipeline.models.write_glb import write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import glb_json


def floats(rows: Any, kind: str) -> Accessor:
    return Accessor(np.array(rows, np.float32), kind)


def mesh(attributes: dict[str, Accessor], **more: Any) -> Document:
    """One mesh with these columns; `target` morphs POSITION."""
    primitive: dict[str, Any] = {"attributes": {name: index for index, name in enumerate(attributes)}}
    accessors = list(attributes.values())
    if "target" in more:
        primitive["targets"] = [{"POSITION": len(accessors)}]
        accessors.append(more.pop("target"))
    tree = {"asset": {"version": "2.0"}, "nodes": [{"mesh": 0}], "meshes": [{"primitives": [primitive]}]}
    return Document({**tree, **more}, tuple(accessors))


POINT = {"POSITION": floats([[1, 2, 3]], "VEC3")}


@pytest.mark.parametrize(
    ("joints", "weights", "wanted_joints", "wanted"),
    [
        ([5, 7, 5, 0], [0.5, 0.25, 0.25, 0], [5, 7, 0, 0], [0.75, 0.25, 0, 0]),
        ([1, 1, 1, 1], [0.25, 0.25, 0.25, 0.25], [1, 0, 0, 0], [1, 0, 0, 0]),
        ([4, 6, 4, 4], [0.5, 0.5, 0, 0], [4, 6, 0, 0], [0.5, 0.5, 0, 0]),
    ],
)
def test_a_joint_named_twice_gets_both_weights(
    joints: list[int], weights: list[float], wanted_joints: list[int], wanted: list[float]
) -> None:
    columns = {
        "JOINTS_0": Accessor(np.array([joints], np.uint8), "VEC4"),
        "WEIGHTS_0": floats([weights], "VEC4"),
    }
    document, problems = mend_data(mesh({**POINT, **columns}))
    found = document.json["meshes"][0]["primitives"][0]["attributes"]
    assert document.accessors[found["JOINTS_0"]].array.tolist() == [wanted_joints]
    assert document.accessors[found["WEIGHTS_0"]].array.tolist() == [wanted]
    assert len(problems) == (joints[0] != 4)


def test_only_the_values_of_a_spline_are_made_rotations() -> None:
    rows = [[0, 0, 0, 9], [0, 0, 0, 2], [0, 9, 0, 0], [7, 0, 0, 0], [0, 3, 0, 0], [0, 0, 0, 0]]
    document = Document(
        {
            "asset": {"version": "2.0"},
            "nodes": [{}],
            "animations": [
                {
                    "channels": [{"sampler": 0, "target": {"node": 0, "path": "rotation"}}],
                    "samplers": [{"input": 0, "output": 1, "interpolation": "CUBICSPLINE"}],
                }
            ],
        },
        (floats([[0], [1]], "SCALAR"), floats(rows, "VEC4")),
    )
    mended, (problem,) = mend_data(document)
    output = mended.accessors[mended.json["animations"][0]["samplers"][0]["output"]].array
    assert output.tolist() == [rows[0], [0, 0, 0, 1], *rows[2:4], [0, 1, 0, 0], rows[5]]
    assert problem.message == "some rotations were not of length 1; they were made so."


def test_rotations_in_bytes_are_as_exact_as_bytes_can_be() -> None:
    turn = np.array([0.3, 0.5, -0.7, 0.41])
    stored = np.rint(turn / np.linalg.norm(turn) * 127).astype(np.int8)
    output = Accessor(stored[None], "VEC4", normalized=True)
    animation = {
        "channels": [{"sampler": 0, "target": {"node": 0, "path": "rotation"}}],
        "samplers": [{"input": 0, "output": 1}],
    }
    tree = {"asset": {"version": "2.0"}, "nodes": [{}], "animations": [animation]}
    document, problems = mend_data(Document(tree, (floats([[0]], "SCALAR"), output)))
    assert (document.accessors[1].array.dtype, problems) == (np.int8, [])


@pytest.mark.parametrize("far", [1e30, -3e38, np.inf, np.nan])
def test_points_past_all_reach_are_refused_and_such_deltas_set_to_0(far: float) -> None:
    with pytest.raises(Refused, match="1 vertices have a position"):
        mend_data(mesh({"POSITION": floats([[0, far, 0], [1, 1, 1]], "VEC3")}))
    document, (problem,) = mend_data(mesh(POINT, target=floats([[0.5, far, 0.25]], "VEC3")))
    target = document.json["meshes"][0]["primitives"][0]["targets"][0]["POSITION"]
    assert document.accessors[target].array.tolist() == [[0.5, 0, 0.25]]
    assert "endless; they were set to 0" in problem.message


def test_own_attributes_hold_finite_numbers() -> None:
    document, (problem,) = mend_data(mesh({**POINT, "_ERA": floats([[-np.inf]], "SCALAR")}))
    found = document.json["meshes"][0]["primitives"][0]["attributes"]["_ERA"]
    assert document.accessors[found].array.tolist() == [[0]]
    assert "own attributes" in problem.message


def test_a_single_point_with_targets_stays_float() -> None:
    document = mesh(POINT, target=floats([[1e5, 0, 0]], "VEC3"))
    assert quantize_positions(document, bits=14) is document


@pytest.mark.parametrize(("kind", "fault"), [(np.uint8, "holds 255"), (np.uint16, "points to vertex 255")])
def test_the_index_that_restarts_a_drawing_is_refused(kind: Any, fault: str) -> None:
    document = mesh({"POSITION": floats(np.zeros((200, 3)), "VEC3")})
    document.json["meshes"][0]["primitives"][0]["indices"] = 1
    indices = Accessor(np.array([[0], [1], [255]], kind), "SCALAR")
    with pytest.raises(Refused, match=fault):
        check_gltf(Document(document.json, (*document.accessors, indices)))


def test_words_with_a_default_are_taken_out() -> None:
    tree: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "samplers": [{"wrapS": 3, "wrapT": 10497, "magFilter": 9728}],
        "materials": [{"alphaMode": "GLASS"}],
    }
    problems = check_shape(tree)
    assert tree["samplers"] == [{"wrapT": 10497, "magFilter": 9728}]
    assert tree["materials"] == [{}]
    assert [problem.where for problem in problems] == ["/samplers/0/wrapS", "/materials/0/alphaMode"]
    with pytest.raises(Refused, match="/materials/0/alphaMode: want one of"):
        check_shape({"asset": {"version": "2.0"}, "materials": [{"alphaMode": 7}]})


@pytest.mark.parametrize(("vertices", "width"), [(65_535, 5123), (65_536, 5125)])
def test_the_last_16_bit_number_is_no_vertex(tmp_path: Path, vertices: int, width: int) -> None:
    document = mesh({"POSITION": floats(np.random.default_rng(3).normal(size=(vertices, 3)), "VEC3")})
    document.json["meshes"][0]["primitives"][0]["indices"] = 1
    indices = np.array([[0], [1], [vertices - 1]], np.uint32)
    (tmp_path / "a.glb").write_bytes(
        write_glb(Document(document.json, (*document.accessors, Accessor(indices, "SCALAR"))))
    )
    tree = glb_json(tmp_path / "a.glb")
    assert tree["accessors"][tree["meshes"][0]["primitives"][0]["indices"]]["componentType"] == width
