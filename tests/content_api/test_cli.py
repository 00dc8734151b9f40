"""The commands as people and programs meet them: words, JSON and exit codes."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from content_api.cli import app, main
from content_api.settings import Settings
from heritage_sites.catalogue_files import SEED_FOLDER


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STORE": tmp_path / "store", "DATABASE": tmp_path / "drafts.sqlite3", "CACHE": tmp_path / "cache",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"HALONG_XR_{name}", str(value))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def run_to_the_end(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """As the console script does: with our errors turned into an exit code."""
    monkeypatch.setattr("sys.argv", ["halong-xr", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.exit_code == 0
    commands = {
        "optimize", "catalogue", "ingest", "drafts", "approve", "publish", "releases", "rollback", "serve",
        "demo", "doctor",
    }  # fmt: skip
    assert all(f"│ {command} " in done.output for command in commands)


def test_the_seed_catalogue_has_no_problems() -> None:
    assert run("catalogue", "check").output == "57 sites and 4 tours, no problems\n"
    assert json.loads(run("catalogue", "check", "--json").output) == {"problems": []}


def test_a_broken_catalogue_is_told_whole_and_ends_with_1(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(SEED_FOLDER, folder)
    (folder / "sites" / "ben-beo.json").write_text("{", encoding="utf-8")
    (folder / "sites" / "cua-van.json").write_text("[]", encoding="utf-8")
    done = run("catalogue", "check", str(folder), "--json")
    assert done.exit_code == 1
    assert {problem["file"] for problem in json.loads(done.output)["problems"]} == {
        "sites/ben-beo.json",
        "sites/cua-van.json",
    }
    assert run("catalogue", "check", str(tmp_path / "nowhere")).exit_code == 2


def test_publishing_is_told_and_repeating_it_changes_nothing(tmp_path: Path) -> None:
    assert run("releases").output == "nothing is published yet: halong-xr publish\n"
    first = json.loads(run("publish", "--json").output)
    assert (first["sequence"], first["is_new"], first["warnings"]) == (1, True, [])
    again = run("publish").output
    assert again == (
        f"published release {first['release_id']} as number 1 (it was current already; nothing changed)\n"
    )
    (line,) = json.loads(run("releases", "--json").output)["releases"]
    assert (line["release_id"], line["sequence"], line["current"]) == (first["release_id"], 1, True)
    assert run("doctor").output == "all is well\n"


def test_drafts_and_approval_say_what_there_is(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    assert run("drafts").output == "no drafts yet: halong-xr ingest FOLDER\n"
    assert run("approve", "--all", "--by", "An").output == "no draft waits for approval\n"
    assert run("approve", "--by", "An").exit_code == 2
    assert run("approve", "some-id", "--all", "--by", "An").exit_code == 2
    assert run_to_the_end(monkeypatch, "approve", "some-id", "--by", "An") == 1
    assert capsys.readouterr().err == "error: some-id: There is no draft with this id. Ingest it first.\n"


def test_a_wrong_setting_ends_with_2_and_names_the_right_one(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("HALONG_XR_STROE", "x")
    assert run_to_the_end(monkeypatch, "releases") == 2
    assert "There is no such setting. Do you mean HALONG_XR_STORE?" in capsys.readouterr().err


def test_a_store_out_of_reach_ends_with_3(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("HALONG_XR_STORE", str(tmp_path / "file" / "store"))
    assert run_to_the_end(monkeypatch, "publish") == 3
    assert capsys.readouterr().err.startswith("halong-xr: ")


def test_serve_takes_options_before_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    served: list[Settings] = []
    monkeypatch.setattr("content_api.public.app.serve", served.append)
    monkeypatch.setenv("HALONG_XR_PORT", "9000")
    monkeypatch.setenv("HALONG_XR_HOST", "127.0.0.2")
    assert run("serve", "--port", "9001", "--sandbox", "--media-url", "https://cdn.example/").exit_code == 0
    (settings,) = served
    assert (settings.host, settings.port, settings.sandbox) == ("127.0.0.2", 9001, True)
    assert (settings.media_url, settings.store) == ("https://cdn.example", str(tmp_path / "store"))
    assert run("serve", "--port", "70000").exit_code == 2
    assert len(served) == 1


def test_without_its_extra_the_pipeline_says_so_and_blames_no_master(
    monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path
) -> None:
    monkeypatch.setattr("asset_pipeline.tools.find_spec", lambda name: None if name == "numpy" else name)
    (tmp_path / "a.stl").write_text("solid a")
    assert (
        run_to_the_end(monkeypatch, "optimize", str(tmp_path / "a.stl"), "--out", str(tmp_path / "out")) == 2
    )
    assert capsys.readouterr().err == (
        "halong-xr: this command needs the 'pipeline' extra: pip install 'halong-xr[pipeline]'\n"
    )
    assert not (tmp_path / "out").exists()
    assert run_to_the_end(monkeypatch, "ingest", str(tmp_path)) == 2
    assert "'pipeline' extra" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()
