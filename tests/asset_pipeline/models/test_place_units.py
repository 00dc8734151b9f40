"""Unit and up axis: asked about where the file is silent or the size absurd; answers applied at the root."""

import numpy as np
import pytest

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.reading.source_frame import GLTF_FRAME, UNSTATED_FRAME, SourceFrame
from asset_pipeline.models.steps.place_units import apply_hints, find_scale_problems
from asset_pipeline.models.transforms import world_matrices
from asset_pipeline.models.write_glb import WriteOptions, write_glb
from heritage_sites.problem import Severity
from tests.asset_pipeline.models.conftest import sheet

NO_ANSWER = ModelOptions()
SURVEY = SourceFrame(None, "z", is_survey=True)


def size_of(document):
    low, high = measure_bounds(document)
    return [round(b - a, 6) for a, b in zip(low, high, strict=True)]


def asked(size_m=1.0, hints=NO_ANSWER, frame=UNSTATED_FRAME):
    document = apply_hints(sheet(size_m=size_m), hints, frame=frame)
    problems = find_scale_problems(document, hints=hints, frame=frame)
    assert all(problem.severity is Severity.WARNING for problem in problems)
    return " | ".join(f"{problem.message} {problem.advice}" for problem in problems)


def test_a_silent_format_is_asked_about_once_with_its_size_and_what_to_say():
    (problem,) = find_scale_problems(sheet(size_m=0.25), hints=NO_ANSWER)
    assert problem.message == (
        "The file does not say its unit: read as metres, the model is 0.0492 m high, 0.25 m wide and 0.25 m "
        "deep. Nor does it say which axis is up: y was taken; with z up it would be 0.25 m high."
    )
    assert problem.advice == (
        "If that is wrong, say --unit with one of mm, cm, m, in, ft; if it is right, say --unit m. "
        "If it lies on its back, say --up z; if not, --up y."
    )


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (ModelOptions(unit="m", up="y"), ""),
        (ModelOptions(unit="mm", up="z"), ""),
        (ModelOptions(unit="mm"), "which axis is up"),
        (ModelOptions(up="z"), "does not say its unit"),
    ],
)
def test_an_answer_ends_its_question(hints, expected):
    said = asked(hints=hints)
    assert said == "" if not expected else expected in said
    assert not ("axis" in said and "unit:" in said)


@pytest.mark.parametrize(
    ("size_m", "frame", "expected"),
    [
        (1000.0, GLTF_FRAME, ""),
        (1000.1, GLTF_FRAME, "1 km wide and 1 km deep, which is larger than 1 km"),
        (3000.0, GLTF_FRAME, "3 km wide and 3 km deep, which is larger than 1 km and hardly meant"),
        (0.005, GLTF_FRAME, ""),
        (0.0049, GLTF_FRAME, "4.9 mm deep, which is smaller than 5 mm"),
        (3000.0, UNSTATED_FRAME, "does not say its unit: read as metres, the model is 590 m high"),
        (5000.0, SourceFrame(1.0, "z", is_survey=True), ""),
        (100_001.0, SourceFrame(1.0, "z", is_survey=True), "larger than 100 km"),
        (0.04, SourceFrame(1.0, "z", is_survey=True), "smaller than 0.05 m"),
        (5000.0, SURVEY, "does not say its unit"),
    ],
)
def test_absurd_sizes_are_named_and_asked_about(size_m, frame, expected):
    said = asked(size_m, frame=frame)
    assert said == "" if not expected else expected in said
    assert asked(size_m, ModelOptions(unit="m", up=frame.up or "y"), frame) == ""


def test_nothing_shown_is_no_question():
    document = sheet(scenes=[{"nodes": []}])
    assert find_scale_problems(document, hints=NO_ANSWER) == []


@pytest.mark.parametrize(
    ("hints", "frame", "size"),
    [
        (NO_ANSWER, UNSTATED_FRAME, [2.0, 0.393567, 2.0]),
        (ModelOptions(unit="m", up="y"), UNSTATED_FRAME, [2.0, 0.393567, 2.0]),
        (ModelOptions(unit="cm"), UNSTATED_FRAME, [0.02, 0.003936, 0.02]),
        (ModelOptions(unit="ft", up="z"), UNSTATED_FRAME, [0.6096, 0.6096, 0.11996]),
        (ModelOptions(unit="mm"), GLTF_FRAME, [0.002, 0.000394, 0.002]),
        (ModelOptions(unit="ft"), SourceFrame(0.3048, "z"), [2.0, 0.393567, 2.0]),
        (ModelOptions(unit="m"), SourceFrame(0.3048, "z"), [6.56168, 1.291231, 6.56168]),
        (ModelOptions(up="y"), SourceFrame(1.0, "z"), [2.0, 2.0, 0.393567]),
        (ModelOptions(up="z"), SourceFrame(1.0, "z"), [2.0, 0.393567, 2.0]),
    ],
)
def test_answers_scale_and_turn(hints, frame, size):
    document = sheet(size_m=2.0)
    changed = apply_hints(document, hints, frame=frame)
    assert size_of(changed) == pytest.approx(size, abs=2e-6)
    assert (changed is document) == (size == [2.0, 0.393567, 2.0])


def test_z_up_becomes_y_up_and_not_down():
    document = apply_hints(sheet(), ModelOptions(up="z"))
    (matrix,) = [world_matrices(document.items("nodes"))[0]]
    assert np.allclose(matrix[:3, :3] @ [0, 0, 1], [0, 1, 0])
    assert np.allclose(matrix[:3, :3] @ [1, 0, 0], [1, 0, 0])


def test_scenes_keep_their_own_roots_and_shared_ones_get_one_parent():
    own = sheet(nodes=[{"mesh": 0}, {}], scenes=[{"nodes": [0]}, {"nodes": [1], "name": "b"}, {}])
    changed = apply_hints(own, ModelOptions(unit="mm"))
    assert [scene.get("nodes") for scene in changed.items("scenes")] == [[2], [3], None]
    assert changed.items("nodes")[2:] == [
        {"scale": [0.001] * 3, "children": [0]},
        {"scale": [0.001] * 3, "children": [1]},
    ]
    shared = sheet(nodes=[{"mesh": 0}, {}], scenes=[{"nodes": [0, 1]}, {"nodes": [0]}])
    changed = apply_hints(shared, ModelOptions(unit="mm"))
    assert [scene["nodes"] for scene in changed.items("scenes")] == [[2, 3], [2]]
    assert own.items("scenes")[0] == {"nodes": [0]}


def test_skinned_and_animated_models_keep_what_moves_them(shared, tmp_path, validate):
    document, _ = load_gltf(shared / "assets/gltf/Fox/Fox.gltf")
    changed = apply_hints(document, ModelOptions(unit="cm"), frame=GLTF_FRAME)
    assert np.allclose(np.array(size_of(changed)) * 100, size_of(document), rtol=1e-3)
    assert changed.json["animations"] == document.json["animations"]
    assert changed.json["skins"] == document.json["skins"]
    path = tmp_path / "fox.glb"
    path.write_bytes(write_glb(changed, WriteOptions()))
    assert validate([path])[path]["errors"] == []


@pytest.mark.parametrize(
    ("name", "size"),
    [("pointcloud/simple.las", [1024.94, 54.98, 1412.97]), ("obj/spider/spider.obj", [45.9, 24.3, 58.94])],
)
def test_shared_masters_in_feet(shared, name, size):
    loaded = load_mesh_file(shared / "assets" / name)
    (problem,) = find_scale_problems(loaded.document, hints=NO_ANSWER, frame=loaded.frame)
    assert "does not say its unit" in problem.message
    changed = apply_hints(loaded.document, ModelOptions(unit="ft"), frame=loaded.frame)
    assert size_of(changed) == pytest.approx(size, rel=0.01)
