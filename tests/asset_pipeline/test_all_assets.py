"""Other people's files, all of them: each ends ok or refused, with words an editor understands."""

import csv
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from asset_pipeline.discover import find_masters
from asset_pipeline.model_options import ModelOptions
from asset_pipeline.optimize import optimize
from asset_pipeline.report import Report, Status
from asset_pipeline.sniff import Route
from heritage_sites.problem import Severity

PROGRAMMERS_WORDS = re.compile(
    r"Traceback|Error:|Exception|0x[0-9a-f]{6}|NoneType|\bself\b|\.py\b|asset_pipeline|/tmp/"
)
IMAGES_REFUSED = {  # below photo-*; everything else of those folders is taken
    "broken.png": "it cannot be decoded",
    "broken_thumbnail.heic": "This is a HEIC picture",
    "corrupted.heic": "This is a HEIC picture",
    "decompression_bomb.gif": "damaged or cut off",
    "hopper_bad_exif.jpg": "extraneous bytes before marker",
    "oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif": "damaged or cut off",
    "truncated_image.png": "damaged or cut off",
    "truncated_jpeg.jpg": "premature end of JPEG image",
    "ultrahdr.jpg": "premature end of JPEG image",
    "IMG_5195.HEIC": "This is a HEIC picture",
    "ground_control_points.json": "This is a JSON file",
    "chinese_garden_1k.hdr": "This is a Radiance HDR picture",
}
SEARCHED = (
    "gltf/Fox/Fox.gltf", "gltf/SheenCloth.glb", "gltf/UnlitTest/UnlitTest.gltf", "gltf/atoncube.glb",
    "gltf/pirate.glb", "gltf/VertexColorTest/VertexColorTest.gltf", "gltf/nested.glb",
    "gltf-compressed/Box_Draco.glb", "gltf-compressed/car.drc", "obj/capsule/capsule.obj",
    "stl/multibody.stl", "ply/edge/points_bin.ply",
)  # fmt: skip


def assert_said_well(report: Report, masters: int) -> None:
    """No failure; each master has results; whatever is refused says why and, mostly, what to do."""
    assert [(r.master, r.problems) for r in report.results if r.status is Status.FAILED] == []
    assert len({result.master for result in report.results}) == masters
    for result in report.results:
        errors = [problem for problem in result.problems if problem.severity is Severity.ERROR]
        assert bool(errors) == (result.status is Status.REFUSED)
        for problem in result.problems:
            assert problem.file == result.master
            assert problem.message.endswith((".", ").")), problem
            assert not PROGRAMMERS_WORDS.search(problem.message + problem.advice), problem
            assert len(problem.message) < 400, problem


def test_the_hardest_pictures(shared, tmp_path):
    folders = [shared / "assets/photo-broken", shared / "assets/photo-heif-avif"]
    report = optimize(folders, tmp_path / "out")
    assert_said_well(report, masters=25)
    assert report.count(Status.REFUSED) == 9


@pytest.mark.slow
def test_every_shared_picture(shared, tmp_path):
    folders = [*sorted((shared / "assets").glob("photo-*")), shared / "assets/panorama"]
    started = time.monotonic()
    report = optimize(folders, tmp_path / "out")
    assert time.monotonic() - started < 300
    assert_said_well(report, masters=76)
    refused = {
        Path(r.master).name: r.problems[0].message for r in report.results if r.status is Status.REFUSED
    }
    assert refused.keys() == IMAGES_REFUSED.keys()
    for name, words in IMAGES_REFUSED.items():
        assert words in refused[name], name
    made = Counter(r.recipe for r in report.results if r.status is Status.OK)
    assert made == {"panorama": 6, "photo": 58}
    warned = {Path(r.master).name for r in report.results if r.status is Status.OK and r.problems}
    assert "examplepano.jpg" in warned


def test_every_kind_that_is_not_taken(shared, tmp_path):
    """KTX2 files, tiles, tracks, tables: each by its name, with advice."""
    folders = [shared / "assets" / name for name in ("tiles3d", "gps", "gltf-compressed", "gltf")]
    paths = [
        m.path for m in find_masters(folders) if m.file_type is not None and m.file_type.route is Route.NONE
    ]
    report = optimize(paths, tmp_path / "out")
    assert_said_well(report, masters=len(paths))
    assert len(paths) == 14
    for result in report.results:
        (problem,) = result.problems
        assert re.fullmatch(r"This is an? [\w/() 3-]+, which is not accepted\.", problem.message)
        assert problem.advice


@pytest.mark.slow
def test_every_shared_asset(shared, tmp_path):
    """The whole folder in one run, models with all their recipes, made with fixed settings."""
    report = optimize([shared / "assets"], tmp_path / "out", model_options=ModelOptions(search=False))
    assert_said_well(report, masters=len(find_masters([shared / "assets"])))
    valid = _files_without_errors(shared)
    refused = {
        Path(r.master).relative_to(shared / "assets").as_posix() for r in report.results if r.status != "ok"
    }
    assert sorted(valid & refused) == []
    beside = {".runs", "stills"}
    sizes = [folder.name for folder in (tmp_path / "out").iterdir() if folder.name not in beside]
    assert all(re.fullmatch(r"[0-9a-f]{64}", name) for name in sizes)


@pytest.mark.slow
def test_a_dozen_models_searched_for(shared, tmp_path):
    """Masters of every kind as users send them, the renderer looking at each try."""
    report = optimize([shared / "assets" / name for name in SEARCHED], tmp_path / "out", ["thumb", "ar"])
    assert_said_well(report, masters=len(SEARCHED))
    refused = {Path(r.master).name for r in report.results if r.status is not Status.OK}
    assert refused == set()
    for result in report.results:
        (derivative,) = result.derivatives
        assert derivative.measures["trials"] >= 1
        assert derivative.measures["rendered_ssim_lit"] > 0.8, result.master


def _files_without_errors(shared: Path) -> set[str]:
    with (shared / "assets/GLTF-VALIDATION.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["file"] for row in rows if row["errors"] == "0"}
