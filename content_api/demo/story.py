"""`make demo`: one small release from masters to a visitor's phone, told as it happens.

The masters are made by our own code, ingested, approved by a named person and published into a folder store;
a server in sandbox mode answers; and the SDK walks a visitor past three sites in a process of its own.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from content_api.actions import ingest_folder, publish_approved
from content_api.demo.manifest import write_ingest_folder
from content_api.demo.masters import make_masters
from content_api.demo.track import demo_track
from content_api.manage.approve import approve
from content_api.manage.drafts import Draft, Drafts
from content_api.settings import load_settings
from content_api.store import open_store
from heritage_sites.problem import Severity

REVIEWER = "Nguyen Thi An (demo reviewer)"
SERVER_START_S = 60.0  # a cold start on two busy cores took 6 s
VISIT_S = 170.0
LANGUAGES = ("vi", "en")
VIET_NAM = timezone(timedelta(hours=7))


class DemoFailed(Exception):
    """The visitor did not get everything; the message says what was missing."""


@dataclass(frozen=True, slots=True)
class DemoStore:
    """A published demo: its folder and the environment that points the commands at it."""

    folder: Path
    environment: Mapping[str, str]
    track: Path
    experiences: tuple[str, ...]
    release_id: str


def run_demo(*, port: int, once: bool, folder: Path) -> None:
    """Tell the whole story; serve until Ctrl-C unless `once`. Raises DemoFailed with the reason."""
    started = time.monotonic()
    check_port_free(port)
    demo = publish_demo(folder)
    with serving(demo, port) as url:
        say(f"5  Serving the release at {url} (sandbox)")
        visit(demo, url)
        say(f"\nAll of it took {time.monotonic() - started:.0f} s. The page: {url}/   The API: {url}/graphql")
        if not once:
            say("Serving until Ctrl-C.")
            wait_for_interrupt()


def publish_demo(folder: Path, environment: Mapping[str, str] | None = None) -> DemoStore:
    """Make, ingest, approve and publish the demo content into `folder`, which is emptied first.

    environment: settings that name another store and database than those in the folder.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if environment is None:
        environment = {
            "HALONG_XR_STORE": str(folder / "store"),
            "HALONG_XR_DATABASE": str(folder / "halong-xr.sqlite3"),
        }
    everything = {**os.environ, **environment}
    settings = load_settings(everything)
    store = open_store(settings.store, everything)

    say("1  Making an illustrated bay: limestone towers, sea and sky, drawn by our own code")
    begun = time.monotonic()
    masters = make_masters(settings.cache, progress=lambda line: say(f"   {line}"))
    sizes = ", ".join(f"{master.name} {megabytes(master.stat().st_size)}" for master in masters)
    say(f"   {sizes} ({time.monotonic() - begun:.0f} s)")

    say("2  Ingesting: masters are kept privately, derivatives are made in child processes")
    say("   (fixed settings, each file compared once; `halong-xr optimize` looks for the smallest that fits)")
    begun = time.monotonic()
    folder_in = write_ingest_folder(folder / "ingest", masters)
    with Drafts(settings.database) as held:
        report = ingest_folder(
            folder_in, settings, store, held, search=False
        )  # quick: the story is the point
        errors = [str(problem) for problem in report.problems if problem.severity is Severity.ERROR]
        if errors:
            raise DemoFailed("ingest found problems: " + "; ".join(errors))
        drafts = [draft for item in report.items if (draft := held.find(item.draft_id))]
        for line in (line for draft in drafts for line in describe(draft)):
            say(f"   {line}")
        say(f"   ({time.monotonic() - begun:.0f} s)")

        for draft in drafts:
            approve(held, draft.id, by=REVIEWER)
        say(f"3  Approved by {REVIEWER}: {len(drafts)} drafts")
        published = publish_approved(store, held)
    say(f"4  Published release {published.release_id[:12]} as number {published.sequence}")
    for warning in published.warnings:
        say(f"   {warning}")

    track = folder / "track.gpx"
    track.write_text(demo_track(), encoding="utf-8")
    return DemoStore(folder, environment, track, tuple(draft.id for draft in drafts), published.release_id)


def describe(draft: Draft) -> list[str]:
    """What was made for a draft, a line each."""
    lines = [draft.id]
    for derivative in draft.derivatives:
        measures = derivative.measures
        size = megabytes(sum(file.bytes for file in derivative.files))
        detail = f"{derivative.usage} {derivative.quality}"
        if "triangles" in measures:
            detail += f", {measures['triangles']:,} triangles"
        if "tile_count" in measures:
            detail += f", {measures['tile_count']} tiles"
        elif "width_px" in measures:
            detail += f", {measures['width_px']} px wide"
        lines.append(f"  {detail}, {size}")
    return lines


@contextmanager
def serving(demo: DemoStore, port: int) -> Iterator[str]:
    """The server as a process of its own, in sandbox mode; ready when entered, stopped on the way out."""
    command = [sys.executable, "-m", "content_api.cli", "serve", "--sandbox", "--port", str(port)]
    log = demo.folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env={**os.environ, **demo.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(server, url, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def visit(demo: DemoStore, url: str) -> None:
    """Walk the track with the SDK and tell what the visitor got. Raises DemoFailed if anything is missing."""
    say("6  A visitor takes the boat. The phone asks for cells of 5 km and decides by itself where it is")
    command = [
        sys.executable,
        "-m",
        "halong_xr",
        "walk",
        str(demo.track),
        "--url",
        url,
        "--sandbox",
        "--json",
    ]
    command += ["--languages", ",".join(LANGUAGES), "--download", str(demo.folder / "phone")]
    try:
        walk = subprocess.run(
            command, capture_output=True, text=True, timeout=VISIT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as slow:
        raise DemoFailed(f"the visit took more than {VISIT_S:.0f} s") from slow
    if "No module named halong_xr" in walk.stderr:
        raise DemoFailed("the SDK is not installed beside halong-xr: pip install ./sdk")
    reports = [json.loads(line) for line in walk.stdout.splitlines() if line.startswith("{")]
    for report in reports:
        for line in tell(report):
            say(line)
    reasons = find_gaps(reports, demo.experiences)
    if walk.returncode != 0:
        reasons.insert(0, f"the walk ended with exit code {walk.returncode}: {walk.stderr.strip()[-400:]}")
    if reasons:
        raise DemoFailed("; ".join(reasons))


def find_gaps(reports: list[dict[str, Any]], experiences: tuple[str, ...]) -> list[str]:
    """What a visitor should have got and did not; empty when everything arrived."""
    entered = {report["experience"]: report for report in reports if report["event"] == "enter"}
    downloaded = {
        report["experience"]
        for report in reports
        if report["event"] == "download" and report["verified_bytes"]
    }
    gaps = [f"a download failed: {report['message']}" for report in reports if report["event"] == "problem"]
    for experience in experiences:
        if experience not in entered:
            gaps.append(f"no enter event for {experience}")
            continue
        missing = [language for language in LANGUAGES if not entered[experience]["titles"].get(language)]
        gaps += [f"{experience} has no title in {language}" for language in missing]
        if experience not in downloaded:
            gaps.append(f"nothing verified was downloaded for {experience}")
    return gaps


def tell(report: dict[str, Any]) -> list[str]:
    """A walk's report as lines of the story."""
    match report["event"]:
        case "enter":
            vi, en = (report["titles"].get(language, "?") for language in LANGUAGES)
            site_vi, site_en = (report["site_names"].get(language, "?") for language in LANGUAGES)
            indent = " " * len(report["kind"])
            away = f"{report['distance_m']} m from its centre"
            return [
                f"   {clock(report)}  enters {site_vi} / {site_en} ({away})",
                f"          {report['kind']}: {vi}",
                f"          {indent}  {en}",
            ]
        case "download":
            files = "1 file" if report["files"] == 1 else f"{report['files']} files"
            what = f"{report['usage']} {report['quality']}, {files}, {megabytes(report['verified_bytes'])}"
            return [f"          got {what}: every digest verified"]
        case "exit":
            return [f"   {clock(report)}  leaves {report['titles'].get('en')}"]
        case "problem":
            return [f"          PROBLEM: {report['message']}"]
        case "summary":
            cells = " ".join(report["cells_asked"])
            return [
                f"   {report['km']} km, {report['fixes']} fixes, {report['events']['enter']} places entered, "
                f"{report['verified_bytes'] / 1e6:.1f} MB verified in {report['requests']} requests",
                f"   All the server learned of the way: cells {cells}",
            ]
    return []


def clock(report: dict[str, Any]) -> str:
    """The time of a report on the boat's clock."""
    return f"{datetime.fromisoformat(report['at']).astimezone(VIET_NAM):%H:%M}"


def wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Ask /ready until it says yes. Raises DemoFailed with the log's end if the server ends or never is."""
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=2):  # noqa: S310 - our own loopback address
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    raise DemoFailed(f"the server did not become ready: {log.read_text(errors='replace')[-600:]}")


def check_port_free(port: int) -> None:
    """Raise DemoFailed if something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoFailed(f"port {port} is taken; choose another: make demo PORT=8010") from error


def wait_for_interrupt() -> None:
    """Return when somebody presses Ctrl-C."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("")


def megabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.2f} MB"


def say(line: str) -> None:
    """A line of the story, at once even through a pipe."""
    print(line, flush=True)
