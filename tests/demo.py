"""The demo's store for the tests: `make demo ONCE=1` as a newcomer runs it, and what it leaves behind."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from content_api.demo.story import DemoStore
from content_api.public.release import load_release
from content_api.store import open_store

ROOT = Path(__file__).parent.parent
DEMO_FOLDER = ROOT / "build" / "demo"
DEMO_TIMEOUT_S = 420.0  # promised: 180 s on two cores that do nothing else; the other worker keeps one busy
MAKE_VARIABLES = {
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "MAKEOVERRIDES",
    "ARGS",
    "NAME",
    "ONCE",
    "PORT",
    "WORKERS",
}


def clean_environment(**more: str) -> dict[str, str]:
    """The environment of somebody who has set nothing of ours, nor runs inside `make`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HALONG_XR_", "AWS_", "PYTEST_", "COV_")) and name not in MAKE_VARIABLES
    }
    return {**kept, **more}


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_demo(*, once: bool = True) -> str:
    """Run `make demo`; returns what it told. AssertionError with that when it does not exit 0."""
    command = ["make", "demo", *(["ONCE=1"] if once else []), f"PORT={free_port()}"]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=DEMO_TIMEOUT_S,
    )  # fmt: skip
    assert done.returncode == 0, f"make demo ONCE=1 ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


def kept_demo() -> DemoStore:
    """The store that the last `make demo` left in build/demo."""
    store = str(DEMO_FOLDER / "store")
    environment = {"HALONG_XR_STORE": store, "HALONG_XR_DATABASE": str(DEMO_FOLDER / "halong-xr.sqlite3")}
    release = load_release(open_store(store, {}))
    experiences = tuple(one.id for one in release.experiences_by_id)
    return DemoStore(DEMO_FOLDER, environment, DEMO_FOLDER / "track.gpx", experiences, release.release_id)


def python(*arguments: str | Path) -> list[str]:
    """A command of this environment's Python."""
    return [sys.executable, *map(str, arguments)]
