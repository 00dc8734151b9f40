"""Settings: one table, read from the environment, documented by itself."""

import dataclasses
from pathlib import Path

import pytest

from content_api.settings import SETTINGS, Settings, SettingsInvalid, load_settings, settings_page

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_defaults() -> None:
    assert load_settings({}) == Settings(
        store="data/store",
        database=Path("data/halong-xr.sqlite3"),
        media_url=None,
        sandbox=False,
        host="127.0.0.1",
        port=8000,
        release_poll_s=5.0,
        cache=Path("~/.cache/halong-xr").expanduser(),
        jobs=2,
    )


def test_the_environment_wins_and_empty_counts_as_unset() -> None:
    settings = load_settings(
        {
            "HALONG_XR_STORE": "s3://bay/prefix",
            "HALONG_XR_DATABASE": "/srv/drafts.sqlite3",
            "HALONG_XR_MEDIA_URL": "https://cdn.example/",
            "HALONG_XR_SANDBOX": "Yes",
            "HALONG_XR_HOST": "",
            "HALONG_XR_PORT": "0",
            "HALONG_XR_RELEASE_POLL_S": "0.5",
            "HALONG_XR_JOBS": "8",
            "HALONG_XR_SHARED": "/elsewhere",
            "PATH": "/bin",
        }
    )
    assert (settings.store, settings.database) == ("s3://bay/prefix", Path("/srv/drafts.sqlite3"))
    assert (settings.media_url, settings.sandbox, settings.host) == ("https://cdn.example", True, "127.0.0.1")
    assert (settings.port, settings.release_poll_s, settings.jobs) == (0, 0.5, 8)


def test_each_parser_returns_its_fields_type() -> None:
    settings = load_settings({"HALONG_XR_MEDIA_URL": "https://cdn.example"})
    kinds = {field.name: str(field.type) for field in dataclasses.fields(Settings)}
    for name, kind in kinds.items():
        value = getattr(settings, name)
        shown = "Path" if isinstance(value, Path) else type(value).__name__
        assert shown in kind


def test_every_problem_at_once() -> None:
    env = {
        "HALONG_XR_PORT": "65536",
        "HALONG_XR_JOBS": "0",
        "HALONG_XR_SANDBOX": "maybe",
        "HALONG_XR_STORE": "http://bay",
        "HALONG_XR_MEDIA_URL": "cdn.example",
        "HALONG_XR_RELEASE_POLL_S": "nan",
        "HALONG_XR_STOER": "x",
    }
    with pytest.raises(SettingsInvalid) as refusal:
        load_settings(env)
    problems = {problem.where: problem for problem in refusal.value.problems}
    assert list(problems) == [
        "HALONG_XR_STOER", "HALONG_XR_STORE", "HALONG_XR_MEDIA_URL", "HALONG_XR_SANDBOX", "HALONG_XR_PORT",
        "HALONG_XR_RELEASE_POLL_S", "HALONG_XR_JOBS",
    ]  # fmt: skip
    assert problems["HALONG_XR_STOER"].advice == "Do you mean HALONG_XR_STORE?"
    assert problems["HALONG_XR_PORT"].message == "Want a port from 0 to 65535, got '65536'."


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("HALONG_XR_PORT", "65535", True),
        ("HALONG_XR_PORT", "-1", False),
        ("HALONG_XR_PORT", "80 ", False),
        ("HALONG_XR_JOBS", "256", True),
        ("HALONG_XR_JOBS", "257", False),
        ("HALONG_XR_RELEASE_POLL_S", "0.1", True),
        ("HALONG_XR_RELEASE_POLL_S", "0.09", False),
        ("HALONG_XR_RELEASE_POLL_S", "3600", True),
        ("HALONG_XR_RELEASE_POLL_S", "3600.5", False),
    ],
)
def test_limits(name: str, value: str, accepted: bool) -> None:
    if accepted:
        load_settings({name: value})
    else:
        with pytest.raises(SettingsInvalid):
            load_settings({name: value})


def test_made_by_hand_they_are_checked_too() -> None:
    with pytest.raises(ValueError, match="port: want 0 to 65535, got 70000"):
        dataclasses.replace(load_settings({}), port=70_000)


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_page()
    headings = [line[3:] for line in settings_page().splitlines() if line.startswith("## ")]
    assert headings == [*(setting.name for setting in SETTINGS), "S3"]
