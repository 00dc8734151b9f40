import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from asset_pipeline.cli import app
from asset_pipeline.recipes import RECIPE_NAMES


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
