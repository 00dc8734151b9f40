"""The whole way with the real commands, each a process of its own: ingest, approve, publish, serve, walk."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from content_api.demo.story import wait_until_ready
from content_api.store import Store, open_store
from tests.demo import ROOT, clean_environment, free_port

EDITOR = "Nguyen Thi An"
COMMAND_S = 240.0  # ingest of the small masters: 10 s on an idle machine
SITES = ("dao-ti-top", "hang-dau-go", "hang-sung-sot")


@dataclass
class Trip:
    """A store, a database, and what happened to them."""

    place: Path
    masters: Path
    environment: dict[str, str]
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The store, opened beside the commands to look what they left."""
        return open_store(self.environment["HALONG_XR_STORE"], self.environment)

    def keys(self) -> list[str]:
        return sorted(self.store.list(""))

    def start(self, *arguments: str | Path, **options: Any) -> "subprocess.Popen[str]":
        """`halong-xr ...` with this trip's settings."""
        return subprocess.Popen(
            [sys.executable, "-m", "content_api.cli", *map(str, arguments)], cwd=ROOT, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def run(self, *arguments: str | Path, code: int = 0) -> str:
        """What `halong-xr ...` prints; it must end with `code` and without a traceback."""
        running = self.start(*arguments)
        out, err = running.communicate(timeout=COMMAND_S)
        assert running.returncode == code, f"{arguments} ended with {running.returncode}:\n{out}\n{err}"
        assert "Traceback" not in err
        return out

    def ask(self, *arguments: str | Path) -> dict[str, Any]:
        """What `halong-xr ... --json` prints."""
        return json.loads(self.run(*arguments, "--json"))

    def walk(self, url: str, *more: str, code: int = 0) -> list[dict[str, Any]]:
        """What the SDK's visitor reports, sent past the demo's three sites."""
        track = self.place / "track.gpx"
        if not track.is_file():
            from content_api.demo.track import demo_track

            track.write_text(demo_track(), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "halong_xr", "walk", str(track), "--url", url, "--json", *more],
            cwd=self.place, env=clean_environment(), capture_output=True, text=True, timeout=COMMAND_S,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextmanager
    def serving(self) -> Iterator[str]:
        """`halong-xr serve --sandbox`, ready; stopped by its own process id on the way out."""
        port = free_port()
        log = self.place / "server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [sys.executable, "-m", "content_api.cli", "serve", "--sandbox", "--port", str(port)],
                cwd=ROOT, env={**self.environment, "HALONG_XR_RELEASE_POLL_S": "0.2"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        try:
            wait_until_ready(server, f"http://127.0.0.1:{port}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            code = server.wait(timeout=30)
        assert code in (0, -15), log.read_text(encoding="utf-8")[-2000:]


def new_trip(place: Path, masters: Path, store: str, **more: str) -> Trip:
    """Nothing ingested yet; everything that the commands keep lies below `place` or in the store."""
    place.mkdir(parents=True, exist_ok=True)
    settings = {
        "HALONG_XR_STORE": store,
        "HALONG_XR_DATABASE": str(place / "drafts.sqlite3"),
        "HALONG_XR_CACHE": str(place / "cache"),
    }
    return Trip(place, masters, clean_environment(**settings, **more))


def publish_twice(trip: Trip) -> None:
    """Ingest twice; publish the catalogue alone, then with the approved experiences."""
    told = trip.told
    told["first ingest"] = trip.ask("ingest", trip.masters, "--no-search")
    told["keys"] = trip.keys()
    told["second ingest"] = trip.ask("ingest", trip.masters, "--no-search")
    told["keys again"] = trip.keys()
    told["before approval"] = trip.ask("publish")
    told["approve"] = trip.run("approve", "--all", "--by", EDITOR)
    told["publish"] = trip.ask("publish")
    told["publish again"] = trip.ask("publish")
    told["drafts"] = trip.ask("drafts")["drafts"]


def graphql(url: str, query: str) -> dict[str, Any]:
    """An answer without errors."""
    answer = httpx.post(f"{url}/graphql", json={"query": query}, timeout=30).raise_for_status().json()
    assert "errors" not in answer, answer
    return answer["data"]
