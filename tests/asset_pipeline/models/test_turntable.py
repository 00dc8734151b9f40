"""The turntable: the model from all sides in one strip, or a warning and nothing else."""

import json

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.posters.turntable import render_turntable
from asset_pipeline.models.posters.turntable_render import _turned
from heritage_sites.problem import Severity
from tests.conftest import missing

FRAMES, SIZE_PX = 4, 96


@pytest.fixture(scope="module")
def strip(shared, tmp_path_factory):
    """Four sides of the milk truck; skipped with the reason where this machine cannot render."""
    folder = tmp_path_factory.mktemp("turntable")
    model = shared / "assets/gltf/CesiumMilkTruck.glb"
    problems = render_turntable(model, folder, frames=FRAMES, size_px=SIZE_PX)
    if problems:
        missing(str(problems[0]))
    return folder


def frames_of(folder) -> list[np.ndarray]:
    with PIL.Image.open(folder / "turntable.webp") as picture:
        assert (picture.size, picture.format) == ((FRAMES * SIZE_PX, SIZE_PX), "WEBP")
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return [pixels[:, at : at + SIZE_PX] for at in range(0, FRAMES * SIZE_PX, SIZE_PX)]


def test_the_strip_says_how_to_cut_it(strip):
    assert sorted(path.name for path in strip.iterdir()) == ["turntable.json", "turntable.webp"]
    assert json.loads((strip / "turntable.json").read_text()) == {
        "frames": 4, "frame_px": 96, "width_px": 384, "height_px": 96,
    }  # fmt: skip


def test_every_side_shows_the_whole_model_on_mist(strip):
    for frame in frames_of(strip):
        rim = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
        assert rim.min() > 150  # nothing is cut off
        dark = frame.sum(axis=2) < 150
        assert 30 < dark.sum() < 2000  # tyres and windows
        green = (frame[:, :, 1] > frame[:, :, 0] + 25) & (frame[:, :, 1] > frame[:, :, 2] + 40)
        assert green.sum() > 30  # the hills on its sides, roof and back


def test_the_sides_differ_and_the_light_stands_still(strip):
    frames = frames_of(strip)
    for one, other in [(0, 1), (1, 2), (2, 3), (0, 2)]:
        assert np.abs(frames[one] - frames[other]).mean() > 3
    roofs = [frame[20:40].mean() for frame in frames]
    assert max(roofs) - min(roofs) < 25  # turning the camera would show dark sides


def test_the_right_side_comes_to_the_front():
    quarter = _turned(np.pi / 2, np.array([1.0, 2.0, 3.0]))
    assert quarter @ [2.0, 2.0, 3.0, 1.0] == pytest.approx([1.0, 2.0, 4.0, 1.0])


def test_a_file_that_is_no_model_gives_a_warning_and_no_files(tmp_path):
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF nothing")
    out = tmp_path / "out"
    out.mkdir()
    (problem,) = render_turntable(broken, out, frames=2, size_px=64)
    assert (problem.severity, problem.where) == (Severity.WARNING, "turntable")
    assert problem.message.startswith("The turntable was left out: ")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(("frames", "size_px"), [(1, 96), (37, 96), (12, 63), (12, 1025), (20, 1024)])
def test_frames_and_size_are_checked(tmp_path, frames, size_px):
    with pytest.raises(ValueError, match="render_turntable: want"):
        render_turntable(tmp_path / "any.glb", tmp_path, frames=frames, size_px=size_px)
