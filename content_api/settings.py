"""Every setting of the system in one table: name, default, meaning. They come from the environment.

The table makes docs/settings.md (`python -m content_api.settings` prints it; a test compares).
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from heritage_sites.problem import Problem

PREFIX = "HALONG_XR_"
NOT_OURS = {"HALONG_XR_SHARED"}  # read by the tests alone: where the shared sample files lie

MAX_JOBS = 256
MIN_RELEASE_POLL_S = 0.1
MAX_RELEASE_POLL_S = 3_600.0


class SettingsInvalid(Exception):
    """The environment holds settings we cannot take; `problems` names every one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Settings:
    """How this installation runs. See SETTINGS for what each means."""

    store: str
    database: Path
    media_url: str | None
    sandbox: bool
    host: str
    port: int
    release_poll_s: float
    cache: Path
    jobs: int

    def __post_init__(self) -> None:
        if not self.store:
            raise ValueError("store: want a folder or s3://bucket/prefix, got nothing")
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port: want 0 to 65535, got {self.port}")
        if not 1 <= self.jobs <= MAX_JOBS:
            raise ValueError(f"jobs: want 1 to {MAX_JOBS}, got {self.jobs}")
        if not MIN_RELEASE_POLL_S <= self.release_poll_s <= MAX_RELEASE_POLL_S:
            wanted = f"{MIN_RELEASE_POLL_S} to {MAX_RELEASE_POLL_S}"
            raise ValueError(f"release_poll_s: want {wanted}, got {self.release_poll_s}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: the environment variable, the field it fills, its default and its meaning."""

    name: str
    field: str
    default: str
    help: str
    parse: Callable[[str], object]


def load_settings(env: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises SettingsInvalid with every Problem, also for misspelt names.

    An empty variable counts as not set.
    """
    problems = _find_unknown(env)
    values: dict[str, object] = {}
    for setting in SETTINGS:
        try:
            values[setting.field] = setting.parse(env.get(setting.name) or setting.default)
        except ValueError as error:
            problems.append(Problem("", setting.name, f"{error}.", setting.help))
    if problems:
        raise SettingsInvalid(tuple(problems))
    return Settings(**values)  # type: ignore[arg-type]  # each parser returns its field's type; a test checks


def settings_page() -> str:
    """The text of docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. An empty one counts as not set; a name that begins with",
        f"`{PREFIX}` and is not listed here is an error, because it is a misspelling.",
        "This page is made from the table in `content_api/settings.py`:",
        "`python -m content_api.settings > docs/settings.md`.",
    ]
    for setting in SETTINGS:
        default = f"`{setting.default}`" if setting.default else "none"
        lines += ["", f"## {setting.name}", "", f"{setting.help}", "", f"Default: {default}"]
    lines += [
        "",
        "## S3",
        "",
        "With a store in S3, the usual AWS variables say where it is and who we are: `AWS_ENDPOINT_URL_S3`",
        "or `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`,",
        "`AWS_REGION` (default `us-east-1`). Without a key, boto3 looks where it always does (profiles, the",
        "machine's role).",
        "",
    ]
    return "\n".join(lines)


def _parse_switch(value: str) -> bool:
    switches = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False}
    switches["off"] = False
    if value.lower() not in switches:
        raise ValueError(f"Want true or false, got {value!r}")
    return switches[value.lower()]


def _parse_port(value: str) -> int:
    port = _parse_whole(value)
    if not 0 <= port <= 65_535:
        raise ValueError(f"Want a port from 0 to 65535, got {value!r}")
    return port


def _parse_jobs(value: str) -> int:
    jobs = _parse_whole(value)
    if not 1 <= jobs <= MAX_JOBS:
        raise ValueError(f"Want a number from 1 to {MAX_JOBS}, got {value!r}")
    return jobs


def _parse_whole(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise ValueError(f"Want a whole number, got {value!r}")
    return int(value)


def _parse_poll(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        raise ValueError(f"Want a number of seconds, got {value!r}") from None
    if not MIN_RELEASE_POLL_S <= seconds <= MAX_RELEASE_POLL_S:
        raise ValueError(f"Want {MIN_RELEASE_POLL_S} to {MAX_RELEASE_POLL_S:.0f} seconds, got {value!r}")
    return seconds


def _parse_media_url(value: str) -> str | None:
    if not value:
        return None
    if not value.startswith(("https://", "http://")) or any(character.isspace() for character in value):
        raise ValueError(f"Want an address that begins with https:// or http://, got {value!r}")
    return value.rstrip("/")


def _parse_store(value: str) -> str:
    if "://" in value and not value.startswith("s3://"):
        raise ValueError(f"Want a folder or s3://bucket/prefix, got {value!r}")
    return value


def _parse_path(value: str) -> Path:
    return Path(value).expanduser()


def _find_unknown(env: Mapping[str, str]) -> list[Problem]:
    known = [setting.name for setting in SETTINGS]
    problems = []
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in known and name not in NOT_OURS:
            near = difflib.get_close_matches(name, known, n=1)
            advice = f"Do you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
            problems.append(Problem("", name, "There is no such setting.", advice))
    return problems


SETTINGS = (
    Setting(
        "HALONG_XR_STORE",
        "store",
        "data/store",
        "Where masters, derivatives and releases lie: a folder, or `s3://bucket/prefix`.",
        _parse_store,
    ),
    Setting(
        "HALONG_XR_DATABASE",
        "database",
        "data/halong-xr.sqlite3",
        "The SQLite file that holds the drafts. Only authors' commands use it, the public API never does.",
        _parse_path,
    ),
    Setting(
        "HALONG_XR_MEDIA_URL",
        "media_url",
        "",
        "Address before `/derivatives/...` in the API's answers, such as a CDN's. Without it they are the "
        "bucket's own addresses, or paths on the API itself when the store is a folder.",
        _parse_media_url,
    ),
    Setting(
        "HALONG_XR_SANDBOX",
        "sandbox",
        "false",
        "Serve as a sandbox: the API says so, and its test tools are open. Geofences that are not for live "
        "use still fire only in clients which ask for it.",
        _parse_switch,
    ),
    Setting("HALONG_XR_HOST", "host", "127.0.0.1", "Address on which `halong-xr serve` listens.", str),
    Setting("HALONG_XR_PORT", "port", "8000", "Port on which it listens; 0 takes any free one.", _parse_port),
    Setting(
        "HALONG_XR_RELEASE_POLL_S",
        "release_poll_s",
        "5",
        "Seconds between two looks for a new release. A new one is served without a restart.",
        _parse_poll,
    ),
    Setting(
        "HALONG_XR_CACHE",
        "cache",
        "~/.cache/halong-xr",
        "Folder for what can be made again: demo masters, and the work of a running ingest.",
        _parse_path,
    ),
    Setting(
        "HALONG_XR_JOBS",
        "jobs",
        "2",
        "How many masters the pipeline works on at once. A large model takes up to 4 GiB of memory.",
        _parse_jobs,
    ),
)


if __name__ == "__main__":
    print(settings_page(), end="")
