"""The poster: a picture of the model where there is OpenGL, a warning and nothing else where there is not."""

import subprocess
import sys

import numpy as np
import PIL.Image
import pytest

from asset_pipeline.models.posters import render_process
from asset_pipeline.models.posters.poster import render_poster
from asset_pipeline.models.posters.poster_sky import FACE_PX, LEVELS, sky_ktx
from heritage_sites.problem import Severity
from tests.conftest import missing


@pytest.fixture(scope="module")
def truck(shared, tmp_path_factory):
    """A poster of the milk truck; skipped with the reason where this machine cannot render."""
    folder = tmp_path_factory.mktemp("truck")
    problems = render_poster(shared / "assets/gltf/CesiumMilkTruck.glb", folder, width_px=400, height_px=300)
    if problems:
        missing(str(problems[0]))
    return folder


def test_both_files_show_the_model_on_mist(truck):
    assert sorted(path.name for path in truck.iterdir()) == ["poster.jpg", "poster.webp"]
    for name, kind in (("poster.jpg", "JPEG"), ("poster.webp", "WEBP")):
        with PIL.Image.open(truck / name) as picture:
            assert (picture.size, picture.mode, picture.format) == ((400, 300), "RGB", kind)
            pixels = np.asarray(picture).astype(int)
        corners = pixels[[4, 4, -5, -5], [4, -5, 4, -5]]
        assert (corners.min(axis=1) > 150).all()  # light mist
        assert (np.ptp(corners, axis=1) < 40).all()
        green = (pixels[:, :, 1] > pixels[:, :, 0] + 25) & (pixels[:, :, 1] > pixels[:, :, 2] + 40)
        assert green.sum() > 500  # the hills on its side
        dark = pixels.sum(axis=2) < 150
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        assert 60 < rows[0] < rows[-1] < 270  # tyres and windows, inside the frame
        assert 40 < columns[0] < columns[-1] < 360


def test_a_file_that_is_no_model_gives_a_warning_and_no_files(tmp_path):
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"glTF nothing")
    out = tmp_path / "out"
    out.mkdir()
    (problem,) = render_poster(broken, out, width_px=64, height_px=64)
    assert (problem.severity, problem.where) == (Severity.WARNING, "poster")
    assert problem.message.startswith("The poster was left out: ")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("import os; os.abort()", "ended by signal 6"),
        ("import sys; print('chatter'); sys.exit('EGL: no display')", "EGL: no display"),
        ("import time; time.sleep(60)", "did not finish within 0.5 s"),
        ("", "left no picture"),
    ],
)
def test_a_renderer_that_dies_is_a_warning_with_what_to_install(tmp_path, monkeypatch, script, fault, capfd):
    run = subprocess.run
    monkeypatch.setattr(render_process, "MAX_RENDER_S", 0.5 if "sleep" in script else 30)
    monkeypatch.setattr(
        render_process.subprocess,
        "run",
        lambda command, **options: run([sys.executable, "-c", script], **options),
    )
    (problem,) = render_poster(tmp_path / "any.glb", tmp_path)
    assert problem.severity is Severity.WARNING
    assert fault in problem.message
    assert "apt install libegl1 libgl1-mesa-dri" in problem.advice
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("size", [(63, 300), (300, 2049)])
def test_size_is_checked(tmp_path, size):
    with pytest.raises(ValueError, match="64 to 2048 px"):
        render_poster(tmp_path / "any.glb", tmp_path, width_px=size[0], height_px=size[1])


def test_the_sky_is_a_whole_ktx_and_the_same_every_time():
    body = sky_ktx()
    levels = sum(4 + 6 * (FACE_PX >> level) ** 2 * 8 for level in range(LEVELS))
    pairs = int.from_bytes(body[60:64], "little")
    assert len(body) == 64 + pairs + levels
    assert body[68:70] == b"sh"
    assert body == sky_ktx()
