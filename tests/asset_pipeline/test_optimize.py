"""Masters in, derivatives and results out: whole, repeatable, and one bad master stops no other."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asset_pipeline import optimize as module
from asset_pipeline.master_limits import MasterLimits
from asset_pipeline.optimize import optimize, run_master
from asset_pipeline.place import WORK_PREFIX
from asset_pipeline.report import Status
from asset_pipeline.reuse import RUNS


def picture(path: Path, size=(64, 48), seed=1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 255, (size[1] // 4 + 1, size[0] // 4 + 1, 3), np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.fixture
def masters(tmp_path):
    folder = tmp_path / "masters"
    for number in range(3):
        picture(folder / f"photo{number}.png", seed=number)
    picture(folder / "pano.png", (256, 128))
    (folder / "cut.png").write_bytes(picture(tmp_path / "whole.png").read_bytes()[:-200])
    (folder / "notes.txt").write_text("Remember the boat.")
    return folder


def test_every_master_ends_in_a_result_and_bad_ones_stop_no_other(masters, tmp_path):
    report = optimize([masters], tmp_path / "out")
    found = [(Path(r.master).name, r.recipe, r.status.value, len(r.derivatives)) for r in report.results]
    assert found == [
        ("cut.png", "inspect", "refused", 0),
        ("notes.txt", "inspect", "refused", 0),
        ("pano.png", "panorama", "ok", 3),
        ("photo0.png", "photo", "ok", 1),
        ("photo1.png", "photo", "ok", 1),
        ("photo2.png", "photo", "ok", 1),
    ]
    assert report.exit_code == 1
    cut, notes = report.results[0].problems[0], report.results[1].problems[0]
    assert cut.file == str(masters / "cut.png")
    assert cut.message.startswith("The picture is damaged or cut off")
    assert (notes.message, notes.advice) == (
        "This is a text file, which is not accepted.",
        "Give the models and pictures only.",
    )


def test_the_report_tells_the_truth_about_the_files(masters, tmp_path):
    import hashlib

    out = tmp_path / "out"
    report = optimize([masters], out)
    placed = set()
    for result in report.as_json()["results"]:
        if result["status"] != "ok":
            continue
        assert result["master_sha256"] == hashlib.sha256(Path(result["master"]).read_bytes()).hexdigest()
        for derivative in result["derivatives"]:
            folder = out / derivative["derivative_id"]
            placed.add(derivative["derivative_id"])
            for file in derivative["files"]:
                body = (folder / file["path"]).read_bytes()
                assert (len(body), hashlib.sha256(body).hexdigest()) == (file["bytes"], file["sha256"])
            listed = hashlib.sha256((folder / "files.json").read_bytes()).hexdigest()
            assert listed == derivative["derivative_id"]
    assert {path.name for path in out.iterdir()} == placed | {RUNS}


def test_jobs_and_repetition_change_nothing(masters, tmp_path):
    one = optimize([masters], tmp_path / "one", jobs=1)
    four = optimize([masters], tmp_path / "four", jobs=4)
    assert one == four
    assert tree(tmp_path / "one") == tree(tmp_path / "four")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*.jpg")}
    assert optimize([masters], tmp_path / "one") == one
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*.jpg")} == times


def test_recipes_of_other_kinds_are_not_run(masters, tmp_path):
    report = optimize([masters], tmp_path / "out", recipes=["panorama", "thumb"])
    names = [(Path(r.master).name, r.recipe) for r in report.results]
    assert names == [("notes.txt", "inspect"), ("pano.png", "panorama")]


def test_the_sender_may_say_what_a_picture_is(masters, tmp_path):
    out = tmp_path / "out"
    as_photo = run_master(masters / "pano.png", name="pano.png", out=out, kind="photo")
    assert [(r.recipe, r.status, r.problems) for r in as_photo] == [("photo", Status.OK, ())]
    as_panorama = run_master(masters / "photo0.png", name="photo0.png", out=out, kind="panorama")
    assert [(r.recipe, r.status) for r in as_panorama] == [("inspect", Status.REFUSED)]
    assert "64 x 48 pixels is no full sphere" in as_panorama[0].problems[0].message
    as_model = run_master(masters / "photo0.png", name="p", out=out, kind="model")
    assert as_model[0].problems[0].message == "It is given as a model, but the file is a PNG picture."
    with pytest.raises(ValueError, match="sculpture"):
        run_master(masters / "photo0.png", name="p", out=out, kind="sculpture")


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    master = picture(tmp_path / "a.png")

    def denied(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "sha256_of", denied)
    (result,) = run_master(master, name="a.png", out=tmp_path / "out")
    assert (result.status, result.master_sha256) == (Status.REFUSED, "")
    assert result.problems[0].message == "The file cannot be read: Permission denied."


MISBEHAVING = """
import os, time
def crash(*args): os.abort()
def hang(*args): time.sleep(600)
def grow(*args):
    kept = []
    while True: kept.append(bytearray(8 * 1024 * 1024))
def lie(*args):
    draft = {"usage": "Image2D", "quality": "Low", "folder": "/etc", "measures": {}, "stills": None}
    outcome = {"recipe": "photo", "refused": False, "problems": [], "drafts": [draft]}
    return {"refusal": [], "outcomes": [outcome]}
"""


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("crash", "failed", "The pipeline failed on this file: the process was ended by SIGABRT."),
        (
            "lie",
            "failed",
            "The pipeline failed on this file: ValueError: draft: want a folder inside",
        ),
        ("hang", "refused", "Working on this file takes longer than 1 s."),
        ("grow", "refused", "Working on this file needs more than 128 MiB of memory."),
    ],
)
def test_whatever_a_decoder_does_is_one_result(tmp_path, monkeypatch, caplog, name, status, message):
    (tmp_path / "bad_decoder.py").write_text(MISBEHAVING)
    monkeypatch.syspath_prepend(str(tmp_path))
    import bad_decoder

    monkeypatch.setattr(module, "run_recipes", getattr(bad_decoder, name))
    limits = MasterLimits(128 * 1024 * 1024, timeout_s=1.0)
    monkeypatch.setattr(module, "limits_of", lambda route, size_bytes: limits)
    folder = tmp_path / "masters"
    picture(folder / "a.png")
    report = optimize([folder], tmp_path / "out")
    (result,) = report.results
    assert (result.status, result.recipe) == (status, "inspect")
    assert result.problems[0].message.startswith(message)
    assert "Traceback" not in str(report.as_json())
    assert report.exit_code == (3 if status == "failed" else 1)
    assert list((tmp_path / "out").iterdir()) == []
    assert bool(caplog.records) == (status == "failed")


def wait_until_gone(pids: list[str], limit_s: float = 10.0) -> bool:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{pid}").exists() for pid in pids):
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_ends_at_once(tmp_path):
    """The master being worked on would take ten minutes; the next ones are not begun."""
    (tmp_path / "bad_decoder.py").write_text(MISBEHAVING)
    for number in range(4):
        picture(tmp_path / f"masters/{number}.png")
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import bad_decoder\n"
        "from asset_pipeline import optimize as module\n"
        "module.run_recipes = bad_decoder.hang\n"
        "module.optimize([Path(sys.argv[2])], Path(sys.argv[3]), jobs=2)\n"
    )
    arguments = [str(tmp_path), str(tmp_path / "masters"), str(tmp_path / "out")]
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE)
    deadline = time.monotonic() + 20
    while not list((tmp_path).glob("out/.halong*/held")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in errors
    assert time.monotonic() - started < 10
    assert list((tmp_path / "out").iterdir()) == []


def test_killed_anywhere_the_next_run_finishes_the_work(masters, tmp_path):
    """Killed after 0.2, 0.5, ... seconds; at the end the folder is what an undisturbed run leaves."""
    out, reference = tmp_path / "out", tmp_path / "reference"
    command = "import sys; from pathlib import Path; from asset_pipeline.optimize import optimize\n"
    command += "optimize([Path(sys.argv[1])], Path(sys.argv[2]), jobs=1)\n"
    for delay_s in (0.2, 0.5, 0.9, 1.4):
        process = subprocess.Popen(
            [sys.executable, "-c", command, str(masters), str(out)], start_new_session=True
        )
        time.sleep(delay_s)
        children = []
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            children += (task / "children").read_text().split()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert wait_until_gone(children)
        for folder in out.glob("[0-9a-f]*") if out.exists() else []:
            listed = json.loads((folder / "files.json").read_bytes())
            assert {file["path"] for file in listed} | {"files.json"} == set(tree(folder))
    report = optimize([masters], out)
    optimize([masters], reference)
    assert report.count(Status.OK) == 4
    assert not list(out.glob(f"{WORK_PREFIX}*"))
    assert tree(out) == tree(reference)


def test_jobs_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        optimize([tmp_path], tmp_path / "out", jobs=0)


def test_progress_counts_every_master_once(masters, tmp_path):
    calls: list[tuple[int, int, str]] = []
    report = optimize([masters], tmp_path / "out", progress=lambda *call: calls.append(call))
    assert [(done, total) for done, total, _ in calls] == [(number, 6) for number in range(1, 7)]
    assert sorted(name for *_, name in calls) == [result.master for result in report.results]
