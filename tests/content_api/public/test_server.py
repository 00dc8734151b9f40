"""The server as a process of its own: `serve(settings)` on a free port of loopback."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from content_api.store.folder import FolderStore
from tests.content_api.public.samples import put_release, sample_catalogue

ROOT = Path(__file__).parents[3]
START_S = 30.0  # importing takes a second, on a busy machine more
ENTRIES = '{ experience(slug: "hang-dau-go-model") { media { derivatives { entry { url bytes } } } } }'
CODE = """
import os
from content_api.public.app import serve
from content_api.settings import load_settings
serve(load_settings(os.environ))
"""


@dataclass
class Server:
    """A running server and where its log goes."""

    process: subprocess.Popen[bytes]
    url: str
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")


@contextmanager
def started(store: FolderStore, folder: Path) -> Iterator[Server]:
    log_file = folder / "server.log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("HALONG_XR_")} | {
        "HALONG_XR_STORE": str(store.root),
        "HALONG_XR_PORT": "0",
        "HALONG_XR_RELEASE_POLL_S": "0.1",
        "HALONG_XR_SANDBOX": "true",
        "AWS_SECRET_ACCESS_KEY": "do-not-print-me",
    }
    with log_file.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", CODE], cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        yield Server(process, wait_for_url(process, log_file), log_file)
    finally:
        process.kill()
        process.wait()


def wait_for_url(process: subprocess.Popen[bytes], log_file: Path) -> str:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s:
        found = re.search(r"running on (http://127\.0\.0\.1:\d+)", log_file.read_text(encoding="utf-8"))
        if found:
            return found.group(1)
        assert process.poll() is None, log_file.read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError("the server did not start: " + log_file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server(bay: FolderStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server over the sample bay for the tests that only read."""
    with started(bay, tmp_path_factory.mktemp("server")) as running:
        yield running


def test_it_answers_over_http(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/ready").json()["sequence"] == 1
        answer = client.post("/graphql", json={"query": '{ site(slug: "hang-luon") { slug } }'})
        assert answer.json() == {"data": {"site": {"slug": "hang-luon"}}}
        assert "server" not in answer.headers
        found = client.post(
            "/graphql",
            json={"query": ENTRIES},
        ).json()["data"]["experience"]["media"][0]["derivatives"]
        entry = max((each["entry"] for each in found), key=lambda each: each["bytes"])
        assert len(client.get(entry["url"]).content) == entry["bytes"] == 1_600_000
        part = client.get(entry["url"], headers={"range": "bytes=1599996-"})
        assert (part.status_code, part.content) == (206, b"GLTF")


def test_its_log_holds_no_position_and_no_secret(server: Server) -> None:
    position = "{latDeg: 20.844321, lonDeg: 107.091234}"
    query = f"{{ experiencesNear(position: {position}, radiusM: 900, first: 1) {{ totalCount }} }}"
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/graphql", params={"query": query}).status_code == 200
        request_id = client.get("/graphql", params={"query": query[:-3]}).headers["x-request-id"]
    for _ in range(100):
        if request_id in server.log():
            break
        time.sleep(0.02)
    log = server.log()
    assert "GET /graphql 200 " in log
    assert request_id in log
    for private in ("20.84", "107.09", "experiencesNear", "query=", "do-not-print-me", "127.0.0.1:0"):
        assert private not in log
    assert not re.search(r"127\.0\.0\.1:\d+ - ", log)  # uvicorn's own access log


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/derivatives/../metadata/current.json", 404),
        ("/derivatives/%2e%2e/metadata/current.json", 404),
        ("/derivatives/" + "ab" * 32 + "/../../metadata/current.json", 404),
        ("//metadata/current.json", 404),
        ("/health", 200),
    ],
)
def test_paths_as_they_come_over_the_wire(server: Server, path: str, status: int) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"release_id" not in answer


def test_it_follows_a_new_release_and_ends_gracefully(own_bay: FolderStore, tmp_path: Path) -> None:
    with started(own_bay, tmp_path) as server:
        release_id = put_release(own_bay, sample_catalogue(), sequence=2)
        for _ in range(200):
            ready = httpx.get(f"{server.url}/ready").json()
            if ready["sequence"] == 2:
                break
            time.sleep(0.05)
        assert ready == {"ready": True, "release_id": release_id, "sequence": 2}
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=15)
        assert "Traceback" not in server.log()
        assert "Finished server process" in server.log()
