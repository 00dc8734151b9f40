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

from asset_pipeline import master_limits
from asset_pipeline import optimize as module
from asset_pipeline.child import INTERPRETER_BYTES
from asset_pipeline.master_limits import (
    IMAGE_MEMORY_BYTES,
    IMAGE_TIMEOUT_S,
    MODEL_TIMEOUT_S,
    MasterLimits,
    limits_of,
)
from asset_pipeline.optimize import optimize, run_master
from asset_pipeline.outcome import refuse, warn, with_file
from asset_pipeline.parts import digest_whole
from asset_pipeline.place import WORK_PREFIX, sha256_of
from asset_pipeline.report import Result, Status, parse_result
from asset_pipeline.reuse import RUNS, find_kept, keep, run_key
from asset_pipeline.sniff import Route

SHA = "ab" * 32


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
def half(path, route, kind, recipes, work, options):
    import json
    from pathlib import Path
    from asset_pipeline.run_recipes import FINISHED_FILE, _outcome_as_json
    from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome, refuse, refused_outcome
    for name in recipes[:2]:
        outcome = refused_outcome(name, refuse("It is too large."))
        if name == "thumb":
            folder, stills = Path(work) / name, Path(work) / "thumb-stills"
            folder.mkdir(); stills.mkdir()
            (folder / "model.glb").write_bytes(b"glTF")
            (stills / "after-lit.webp").write_bytes(b"RIFF")
            outcome = RecipeOutcome(name, drafts=(DerivativeDraft("Web3D", "Thumb", folder, {}, stills),))
        with (Path(work) / FINISHED_FILE).open("a") as file:
            file.write(json.dumps(_outcome_as_json(outcome)) + "\\n")
    with (Path(work) / FINISHED_FILE).open("a") as file:
        file.write('{"recipe": "hi')
    if "crash" in path: os.abort()
    if "hang" in path: time.sleep(600)
    if "grow" in path: grow()
    raise KeyError("a secret place")
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
    del sys.modules["bad_decoder"]


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("crash", "failed", "The pipeline failed on this file: the process was ended by SIGABRT."),
        ("raise", "failed", "The pipeline failed on this file: KeyError: 'a secret place'."),
        ("hang", "refused", "Working on this file takes longer than 4 s."),
        ("grow", "refused", "Working on this file needs more than 200 MiB of memory."),
    ],
)
def test_what_was_finished_before_a_child_died_is_kept(tmp_path, monkeypatch, name, status, message):
    (tmp_path / "bad_decoder.py").write_text(MISBEHAVING)
    monkeypatch.syspath_prepend(str(tmp_path))
    import bad_decoder

    monkeypatch.setattr(module, "run_recipes", bad_decoder.half)
    limits = MasterLimits(200 * 1024 * 1024, timeout_s=4.0 if name == "hang" else 30.0)
    monkeypatch.setattr(module, "limits_of", lambda route, size_bytes: limits)
    master = tmp_path / f"{name}.glb"
    master.write_bytes(b"glTF" + bytes(100))
    out = tmp_path / "out"
    results = run_master(master, name=master.name, out=out, recipes=["thumb", "ar", "high", "poster"])
    found = [(result.recipe, result.status.value) for result in results]
    assert found == [("thumb", "ok"), ("ar", "refused"), ("high", status), ("poster", status)]
    assert results[1].problems[0].message == "It is too large."
    assert results[2].problems[0].message == results[3].problems[0].message == message
    identity = results[0].derivatives[0].derivative_id
    assert (out / identity / "model.glb").read_bytes() == b"glTF"
    del sys.modules["bad_decoder"]


def test_stills_lie_beside_the_derivative_and_are_no_part_of_it(tmp_path, monkeypatch):
    (tmp_path / "bad_decoder.py").write_text(MISBEHAVING)
    monkeypatch.syspath_prepend(str(tmp_path))
    import bad_decoder

    monkeypatch.setattr(module, "run_recipes", bad_decoder.half)
    (tmp_path / "master.glb").write_bytes(b"glTF" + bytes(100))
    out = tmp_path / "out"
    result = run_master(tmp_path / "master.glb", name="m.glb", out=out, recipes=["thumb", "ar"])[0]
    (derivative,) = result.as_json()["derivatives"]
    assert [file["path"] for file in derivative["files"]] == ["model.glb"]
    assert derivative["stills"] == [f"stills/{derivative['derivative_id']}/after-lit.webp"]
    assert (out / derivative["stills"][0]).read_bytes() == b"RIFF"
    assert parse_result(json.loads(json.dumps(result.as_json()))) == result
    del sys.modules["bad_decoder"]


# What is done is not done again


@pytest.fixture
def children(monkeypatch):
    """How often a child was started, with which recipes."""
    started: list[list[str]] = []

    def run_in_child(function, args, **options):
        started.append(args[3])
        return module_run_in_child(function, args, **options)

    module_run_in_child = module.run_in_child
    monkeypatch.setattr(module, "run_in_child", run_in_child)
    return started


def test_a_second_run_starts_no_child_and_says_the_same(masters, tmp_path, children):
    out = tmp_path / "out"
    first = optimize([masters], out)
    assert len(children) == 5
    before = tree(out)
    second = optimize([masters], out)
    assert second == first
    assert len(children) == 6  # the refused one is tried again, so that a mended pipeline takes it
    assert tree(out) == before
    optimize([masters / "photo0.png"], out, again=True)
    assert len(children) == 7


def test_the_same_master_under_another_name_is_told_by_that_name(masters, tmp_path, children):
    out = tmp_path / "out"
    (first,) = run_master(masters / "pano.png", name="old.png", out=out)
    (again,) = run_master(masters / "pano.png", name="new.png", out=out)
    assert len(children) == 1
    assert (again.master, {problem.file for problem in again.problems}) == ("new.png", {"new.png"})
    assert again.derivatives == first.derivatives


@pytest.mark.parametrize("damage", ["file gone", "file changed", "record cut", "record lies"])
def test_what_is_damaged_is_made_again(masters, tmp_path, children, damage):
    out = tmp_path / "out"
    run_master(masters / "photo0.png", name="p", out=out)
    whole = tree(out)
    (record,) = (out / RUNS).iterdir()
    (picture_file,) = out.glob("*/photo.jpg")
    match damage:
        case "file gone":
            picture_file.unlink()
        case "file changed":
            body = picture_file.read_bytes()
            picture_file.write_bytes(body[:-9] + b"x" + body[-8:])  # the length is right, the digest is not
        case "record cut":
            record.write_bytes(record.read_bytes()[:-20])
        case "record lies":
            record.write_text(record.read_text().replace('"ok"', '"failed"'))
    assert tree(out) != whole
    (result,) = run_master(masters / "photo0.png", name="p", out=out)
    assert (result.status, len(children)) == (Status.OK, 2)
    assert tree(out) == whole


def test_a_changed_texture_of_an_obj_is_another_master(tmp_path):
    (tmp_path / "a.obj").write_text("mtllib a.mtl\n")
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd t.png\n")
    picture(tmp_path / "t.png")
    digest = sha256_of(tmp_path / "a.obj")
    first = digest_whole(tmp_path / "a.obj", digest)
    assert first.size_bytes == sum((tmp_path / name).stat().st_size for name in ("a.obj", "a.mtl", "t.png"))
    picture(tmp_path / "t.png", seed=2)
    second = digest_whole(tmp_path / "a.obj", digest)
    assert (second.sha256, second.whole_sha256 == first.whole_sha256) == (digest, False)
    picture(tmp_path / "t.png")
    assert digest_whole(tmp_path / "a.obj", digest) == first
    assert digest_whole(tmp_path / "t.png", digest).whole_sha256 != first.whole_sha256


def test_the_key_holds_all_that_decides(monkeypatch):
    keys = {
        run_key(SHA, "ar", {"unit": None}),
        run_key("cd" * 32, "ar", {"unit": None}),
        run_key(SHA, "thumb", {"unit": None}),
        run_key(SHA, "ar", {"unit": "cm"}),
    }
    for name, value in (
        ("tool_versions", (("numpy", "9"),)),
        ("code_sha256", SHA),
        ("versioned_name", "ar@9"),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(f"asset_pipeline.reuse.{name}", lambda *args, value=value: value)
            keys.add(run_key(SHA, "ar", {"unit": None}))
    assert len(keys) == 7


def test_a_warning_about_the_poster_is_not_kept_with_the_model(tmp_path):
    problems = (warn("No OpenGL.", where="poster"), warn("It is 3 km long.", where="/meshes/0"))
    made = Result("m.glb", SHA, "ar", Status.OK, with_file(problems, "m.glb"))
    keep(tmp_path, "key", made, tmp_path)
    kept = find_kept(tmp_path, "key", name="m.glb")
    assert kept == Result("m.glb", SHA, "ar", Status.OK, made.problems[1:])
    with pytest.raises(ValueError, match="want an ok result"):
        keep(tmp_path, "key", Result("m.glb", SHA, "ar", Status.REFUSED, refuse("No.").problems), tmp_path)


def test_no_poster_beside_models_kept_is_a_warning_alone_a_refusal():
    model = Result("m.glb", SHA, "ar", Status.OK)
    poster = Result("m.glb", SHA, "poster", Status.REFUSED, refuse("No OpenGL.").problems)
    (joined,) = module._joined([model], [poster], ["ar", "poster"])
    assert (joined.recipe, joined.status, str(joined.problems[0].severity)) == ("ar", Status.OK, "warning")
    assert module._joined([], [poster], ["poster"]) == [poster]


# Limits


def test_a_small_model_is_looked_at_within_one_gibibyte_and_seconds():
    gib = 2**30
    limits = limits_of(Route.MODEL, 16 * 2**20)
    assert limits.first_look is not None
    assert limits.first_look.max_memory_bytes + INTERPRETER_BYTES == gib + 256 * 2**20
    small = limits_of(Route.MODEL, 100_000)
    assert small.first_look is not None
    assert small.first_look.max_memory_bytes + INTERPRETER_BYTES < 1.01 * gib
    assert small.first_look.cpu_s < 16
    assert (limits.max_memory_bytes, limits.timeout_s) == (4 * gib, MODEL_TIMEOUT_S)


@pytest.mark.parametrize(("size_gb", "memory_gb"), [(0.1, 4.295), (0.5369, 4.295), (0.6, 4.8), (2.0, 16.0)])
def test_large_models_get_memory_by_their_length(size_gb, memory_gb):
    limits = limits_of(Route.MODEL, int(size_gb * 1e9))
    assert limits.first_look is not None
    assert limits.max_memory_bytes / 1e9 == pytest.approx(memory_gb, rel=1e-3)
    assert limits.first_look.max_memory_bytes <= limits.max_memory_bytes


def test_pictures_have_one_limit_all_along():
    assert limits_of(Route.IMAGE, 10**9) == MasterLimits(IMAGE_MEMORY_BYTES, IMAGE_TIMEOUT_S)


def test_a_model_that_is_hard_to_read_is_refused_in_the_first_look(tmp_path, monkeypatch):
    (tmp_path / "bad_decoder.py").write_text(MISBEHAVING)
    monkeypatch.syspath_prepend(str(tmp_path))
    import bad_decoder

    monkeypatch.setattr(module, "run_recipes", bad_decoder.grow)
    monkeypatch.setattr(master_limits, "FIRST_LOOK_MEMORY_BYTES", 128 * 2**20)
    (tmp_path / "m.glb").write_bytes(b"glTF" + bytes(100))
    (result,) = run_master(tmp_path / "m.glb", name="m.glb", out=tmp_path / "out")
    assert (result.recipe, result.status) == ("inspect", Status.REFUSED)
    wanted = "Reading and checking this file needs more than 128 MiB of memory."
    assert result.problems[0].message == wanted
    del sys.modules["bad_decoder"]


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
