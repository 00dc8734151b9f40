import json
import subprocess
import sys
import time

import pytest

from asset_pipeline.outcome import DerivativeDraft
from asset_pipeline.place import (
    WORK_PREFIX,
    describe_files,
    place_derivative,
    place_stills,
    remove_left_work,
    work_folder,
)
from heritage_sites.asset import canonical_file_list, derivative_id_of

SHA = "ab" * 32


def draft(folder, body=b"picture"):
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/b.jpg").write_bytes(body)
    (folder / "a.webp").write_bytes(b"other")
    return DerivativeDraft("Image2D", "Low", folder, {"width_px": 3})


def tree(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_a_derivative_is_named_by_its_files(tmp_path):
    out = tmp_path / "out"
    with work_folder(out) as work:
        derivative = place_derivative(draft(work / "d"), out=out, recipe="photo", master_sha256=SHA)
    assert [file.path for file in derivative.files] == ["a.webp", "sub/b.jpg"]
    assert derivative.derivative_id == derivative_id_of(derivative.files)
    assert derivative.recipe == "photo@1"
    assert tree(out) == {
        f"{derivative.derivative_id}/a.webp": b"other",
        f"{derivative.derivative_id}/sub/b.jpg": b"picture",
        f"{derivative.derivative_id}/files.json": canonical_file_list(derivative.files),
    }
    listed = json.loads((out / derivative.derivative_id / "files.json").read_bytes())
    assert [entry["media_type"] for entry in listed] == ["image/webp", "image/jpeg"]


def test_the_same_files_again_change_nothing(tmp_path):
    out = tmp_path / "out"
    with work_folder(out) as work:
        first = place_derivative(draft(work / "d"), out=out, recipe="photo", master_sha256=SHA)
        times = {p: p.stat().st_mtime_ns for p in (out / first.derivative_id).rglob("*")}
        second = place_derivative(draft(work / "e"), out=out, recipe="photo", master_sha256=SHA)
    assert first == second
    assert {p: p.stat().st_mtime_ns for p in (out / first.derivative_id).rglob("*")} == times


@pytest.mark.parametrize("damage", ["missing", "shorter", "changed", "list"])
def test_a_damaged_derivative_is_put_right(tmp_path, damage):
    out = tmp_path / "out"
    with work_folder(out) as work:
        derivative = place_derivative(draft(work / "d"), out=out, recipe="photo", master_sha256=SHA)
        whole = tree(out / derivative.derivative_id)
        target = out / derivative.derivative_id
        match damage:
            case "missing":
                (target / "sub/b.jpg").unlink()
            case "shorter":
                (target / "sub/b.jpg").write_bytes(b"pic")
            case "changed":
                (target / "sub/b.jpg").write_bytes(b"Picture")
            case "list":
                (target / "files.json").write_bytes(b"[]")
        assert tree(target) != whole
        place_derivative(draft(work / "e"), out=out, recipe="photo", master_sha256=SHA)
    assert tree(target) == whole


def test_links_and_strange_files_are_never_placed(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "a.jpg").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="plain files"):
        describe_files(folder)
    (folder / "a.jpg").unlink()
    (folder / "a.exe").write_bytes(b"MZ")
    with pytest.raises(ValueError, match="plain files"):
        describe_files(folder)


def stills(folder, **pictures):
    folder.mkdir()
    for name, body in pictures.items():
        (folder / f"{name}.webp").write_bytes(body)
    return folder


def test_stills_stand_under_their_derivative_and_newer_ones_replace_older_ones(tmp_path):
    out = tmp_path / "out"
    assert place_stills(None, out=out, derivative_id=SHA) == ()
    place_stills(stills(tmp_path / "1", lit=b"old", worst=b"old"), out=out, derivative_id=SHA)
    placed = place_stills(stills(tmp_path / "2", lit=b"new", unlit=b"new"), out=out, derivative_id=SHA)
    assert placed == (f"stills/{SHA}/lit.webp", f"stills/{SHA}/unlit.webp")
    assert tree(out) == dict.fromkeys(placed, b"new")


def test_links_folders_and_strange_files_are_no_stills(tmp_path):
    folder = stills(tmp_path / "1", lit=b"x")
    (folder / "worst.webp").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match=r"plain pictures, got 'worst\.webp'"):
        place_stills(folder, out=tmp_path / "out", derivative_id=SHA)
    (folder / "worst.webp").unlink()
    for name in ("page.html", ".hidden.webp"):
        (folder / name).write_bytes(b"x")
        with pytest.raises(ValueError, match="plain pictures"):
            place_stills(folder, out=tmp_path / "out", derivative_id=SHA)
        (folder / name).unlink()
    (folder / "more.webp").mkdir()
    with pytest.raises(ValueError, match="plain pictures"):
        place_stills(folder, out=tmp_path / "out", derivative_id=SHA)
    assert not (tmp_path / "out").exists()


def test_what_a_killed_run_left_goes_and_what_a_living_run_holds_stays(tmp_path):
    out = tmp_path / "out"
    holder = (
        "import sys, time; from pathlib import Path; from asset_pipeline.place import work_folder\n"
        "with work_folder(Path(sys.argv[1])) as work:\n"
        "    (work / 'half.jpg').write_bytes(b'x'); print(work.name, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", holder, str(out)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    remove_left_work(out)
    assert (out / name / "half.jpg").exists()
    process.kill()
    process.wait()
    process.stdout.close()
    with work_folder(out) as work:
        assert not (out / name).exists()
        assert work.name.startswith(WORK_PREFIX)
    assert list(out.iterdir()) == []


def test_a_folder_being_made_this_moment_is_left_alone(tmp_path):
    fresh = tmp_path / f"{WORK_PREFIX}fresh"
    fresh.mkdir()
    remove_left_work(tmp_path)
    assert fresh.exists()
    old = time.time() - 3600
    import os

    os.utime(fresh, (old, old))
    remove_left_work(tmp_path)
    assert not fresh.exists()
