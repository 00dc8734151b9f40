import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from asset_pipeline import cli, progress
from asset_pipeline.cli import app, summary
from asset_pipeline.model_options import ModelOptions, parse_model_options
from asset_pipeline.outcome import warn
from asset_pipeline.recipes import RECIPE_NAMES
from asset_pipeline.report import Report, Result, Status
from tests.conftest import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def invoke(*arguments: object):
        return CliRunner().invoke(
            app, [str(argument) for argument in arguments], prog_name="halong-xr optimize"
        )

    return invoke


@pytest.fixture
def photo(tmp_path) -> Path:
    Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    return Path("photo.png")


def test_a_photo_is_done(run, photo):
    result = run(photo, "--out", "out", "--report", "report.json")
    assert result.exit_code == 0
    assert re.fullmatch(
        r"1 masters: 1 recipes done \(1 derivatives, 0\.0 MB\), 0 refused, 0 failed\nfiles: out\n",
        result.stdout,
    )
    assert result.stderr == ""
    (entry,) = json.loads(Path("report.json").read_text())["results"]
    assert (entry["master"], entry["recipe"], entry["status"], entry["problems"]) == (
        "photo.png",
        "photo",
        "ok",
        [],
    )
    (derivative,) = entry["derivatives"]
    assert sorted(derivative) == ["derivative_id", "files", "measures", "quality", "recipe", "usage"]
    assert [file["path"] for file in derivative["files"]] == ["photo.jpg", "photo.webp"]
    assert sorted(path.name for path in Path("out", derivative["derivative_id"]).iterdir()) == [
        "files.json",
        "photo.jpg",
        "photo.webp",
    ]


def test_json_prints_the_report_and_nothing_else(run, photo):
    result = run(photo, "--out", "out", "--report", "report.json", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(Path("report.json").read_text())


def test_a_refusal_is_exit_1_with_a_sentence(run, photo):
    Path("notes.txt").write_text("Remember the boat.")
    result = run("notes.txt", photo, "--out", "out")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [
        "notes.txt: refused (inspect)",
        "  This is a text file, which is not accepted. Give the models and pictures only.",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.glb", "--out", "out"], "missing.glb does not exist"),
        (["--out", "out"], "Missing argument"),
        (["photo.png", "--out", "out", "--recipe", "huge"], "There is no recipe called 'huge'"),
        (["photo.png", "--out", "photo.png"], "is a file; want a folder"),
        (["photo.png", "--out", "out", "--unit", "yard"], "want one of mm, cm, m, in, ft, got 'yard'"),
        (["photo.png", "--out", "out", "--up", "x"], "want y or z, got 'x'"),
        (["photo.png", "--out", "out", "--at", "20.8"], "want LAT,LON,HEIGHT[,HEADING]"),
        (["photo.png", "--out", "out", "--at", "91,107,5"], "lat_deg: want -90 to 90"),
        (["photo.png", "--out", "out", "--jobs", "0"], "Input should be greater than or equal to 1"),
        (["photo.png", "--out", "out", "--report", "nowhere/report.json"], "does not exist"),
    ],
)
def test_wrong_usage_is_exit_2_and_does_nothing(run, photo, arguments, words):
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert not Path("out").exists()


def test_an_empty_folder_is_no_fault(run, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("empty", "--out", "out")
    assert result.exit_code == 0
    assert result.stdout.startswith("0 masters")


def test_help_names_every_recipe_and_the_exit_codes(run):
    text = " ".join(run("--help").stdout.split())
    assert all(name in text for name in RECIPE_NAMES)
    assert "Exit code: 0 done, 1 something refused" in text


def test_output_below_the_input_is_not_taken_for_masters(run, photo):
    first = run(".", "--out", "out", "--report", "report.json")
    second = run(".", "--out", "out", "--report", "report.json")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout
    assert sorted(path.name for path in Path("out").iterdir() if path.name != ".runs") == [
        json.loads(Path("report.json").read_text())["results"][0]["derivatives"][0]["derivative_id"]
    ]


def test_without_out_the_files_go_into_a_folder_of_their_own_and_it_says_so(run, photo):
    result = run(photo, "--html")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == ["files: optimized", "page: optimized/report.html"]
    page = Path("optimized/report.html").read_text(encoding="utf-8")
    (picture,) = re.findall(r'<img src="([^"]+)"', page)
    assert Path("optimized", picture).is_file()
    assert not list(Path("optimized").glob(".report*"))


def test_a_page_is_written_also_where_all_is_refused(run):
    Path("notes.txt").write_text("Remember the boat.")
    result = run("notes.txt", "--html")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "page: optimized/report.html"
    assert "This is a text file, which is not accepted." in Path("optimized/report.html").read_text()


def test_json_with_a_page_prints_the_report_and_nothing_else(run, photo):
    result = run(photo, "--html", "--json")
    assert json.loads(result.stdout)["results"][0]["status"] == "ok"
    assert Path("optimized/report.html").is_file()


def test_verbose_says_what_is_done_where_there_is_no_terminal(run, photo):
    result = run(photo, "--verbose")
    lines = result.stderr.splitlines()
    assert lines[-1] == "photo.png: done (1 of 1)"
    assert set(lines[:-1]) <= {"photo.png: reading", "photo.png: photo"}
    assert run(photo).stderr == ""
    assert run(photo, "--verbose", "--json").stderr == ""


def test_a_warning_that_recipes_share_is_said_once():
    warning = warn("It is 3 km long.", advice="Say --unit.")
    results = tuple(Result("m.glb", "ab" * 32, name, Status.OK, (warning,)) for name in ("thumb", "ar"))
    assert summary(Report(results)).splitlines()[:-1] == ["m.glb: warning: It is 3 km long. Say --unit."]


def test_options_for_models_reach_the_pipeline(run, photo, monkeypatch):
    given = {}
    monkeypatch.setattr(cli, "run_optimize", lambda *args, **options: given.update(options) or Report(()))
    arguments = ["--unit", "cm", "--up", "z", "--at", "20.8,107.05,5,30", "--again", "--no-search"]
    assert run(photo, *arguments).exit_code == 0
    options = ModelOptions("cm", "z", "20.8,107.05,5,30", search=False, compare=True)
    assert given["model_options"] == options
    assert given["model_options"].metres_per_unit == 0.01
    assert given["again"] is True
    assert (
        parse_model_options(json.loads(json.dumps(given["model_options"].as_json())))
        == given["model_options"]
    )


def test_on_a_terminal_a_bar_says_what_is_done(run, photo):
    """A real terminal: the bar is drawn there, and goes away before the summary."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from asset_pipeline.cli import app; app()", str(photo)]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            drawn += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
    summary_text, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0
    assert b"photo.png" in drawn
    assert b"1/1" in drawn
    assert summary_text.decode().splitlines()[-1] == "files: optimized"


@pytest.mark.parametrize(("name", "shown"), [("a.glb", "a.glb"), ("x" * 60 + "/tower.glb", "tower.glb")])
def test_the_bar_shows_the_end_of_a_long_name(name, shown):
    end = progress._end(name)
    assert end.endswith(shown)
    assert len(end) <= progress.SHOWN_CHARS
