"""What a GraphQL query of 20 experiences costs the server, against a fixed JSON answer of the same size.

    python -m tests.benchmarks api [--short]

Two servers run side by side on loopback: ours over a published release, and a Starlette that answers with
given dicts. The cost is the server's CPU time (all threads, from /proc), because wall time says more about
the load generator and the neighbours. The kinds of request take turns, round after round, and medians are
compared. No database, TLS, sign-in or rate limit is in it on either side.
"""

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import httpx

from content_api.store.folder import FolderStore
from heritage_sites import ExperienceKind
from tests.benchmarks.harness import ROOT, Row, paired, print_table, write_report
from tests.content_api.public.samples import experience, put_release, sample_catalogue

CONNECTIONS = 4
EXPERIENCES = 40  # published; a query asks for the first 20
START_S = 30.0

QUERY = """query Twenty {
  experiences(first: 20) {
    edges { node {
      id slug kind illustration
      title { language text state }
      summary(languages: ["vi"]) { language text state }
      site { slug kind name { text } }
      attribution { credit licence { id } }
      media { role derivatives(for: {deviceClass: PHONE}) { usage quality bytes baseUrl entry { path } } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}"""

OUR_SERVER = """
import logging, sys
from pathlib import Path
import uvicorn
from content_api.public.app import build_app
from content_api.settings import load_settings
from content_api.store.folder import FolderStore
logging.basicConfig(level=logging.INFO, filename=sys.argv[2])
settings = load_settings({"HALONG_XR_STORE": sys.argv[1]})
uvicorn.run(build_app(settings, FolderStore(Path(sys.argv[1]))), port=0, access_log=False)
"""
REFERENCE_SERVER = """
import json, sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
same = json.load(open(sys.argv[1], encoding="utf-8"))
small = {"items": [{"id": i, "title": "Hang Sung Sot " + "x" * 60} for i in range(40)]}
async def same_size(request):
    return JSONResponse(same)
async def four_kb(request):
    return JSONResponse(small)
app = Starlette(routes=[Route("/same", same_size), Route("/small", four_kb)])
uvicorn.run(app, port=0, access_log=False)
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server process on loopback."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu_ns(self) -> int:
        """CPU time of all its threads so far, in nanoseconds."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def main(arguments: Sequence[str]) -> int:
    """Run the benchmark; exit code 0."""
    options = argparse.ArgumentParser(prog="bench api", description=__doc__)
    options.add_argument("--short", action="store_true", help="fewer rounds")
    chosen = options.parse_args(arguments)
    rounds, requests = (3, 120) if chosen.short else (7, 600)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        rows = run(Path(folder), stack, rounds=rounds, requests=requests)
    print_table(rows)
    print(f"written to {write_report('api', rows).relative_to(ROOT)}")
    return 0


def run(folder: Path, stack: ExitStack, *, rounds: int, requests: int) -> list[Row]:
    """The rows, measured on servers that run until the stack closes."""
    store = publish(folder / "store")
    ours = start(OUR_SERVER, [str(store.root), str(folder / "ours.log")], folder / "ours.out", stack)
    body, etag = ask_once(ours)
    (folder / "same.json").write_bytes(body)
    reference = start(REFERENCE_SERVER, [str(folder / "same.json")], folder / "reference.out", stack)
    target = "/graphql?" + urlencode({"query": QUERY})
    post_body = json.dumps({"query": QUERY}).encode()
    kinds = {
        "post": (ours, request_bytes("POST", "/graphql", post_body), 200),
        "get": (ours, request_bytes("GET", target), 200),
        "unchanged": (ours, request_bytes("GET", target, headers=f"If-None-Match: {etag}\r\n"), 304),
        "same": (reference, request_bytes("GET", "/same"), 200),
        "small": (reference, request_bytes("GET", "/small"), 200),
    }
    measure = [cost_us(server, sent, status, requests) for server, sent, status in kinds.values()]
    for each in measure:
        each()  # warm up
    us = dict(zip(kinds, paired(measure, rounds), strict=True))
    same_words = f"JSON of the same {len(body):,} bytes from Starlette"
    small_words = "JSON of 4 KB from Starlette"

    def row(name: str, kind: str, words: str, against: str) -> Row:
        return Row(name, us[kind], "us CPU", words, us[against], runs=rounds)

    return [
        row("GraphQL, 20 experiences, POST", "post", same_words, "same"),
        row("GraphQL, 20 experiences, GET", "get", same_words, "same"),
        row("GraphQL, 20 experiences, GET unchanged (304)", "unchanged", same_words, "same"),
        row("GraphQL, 20 experiences, POST", "post", small_words, "small"),
        row("GraphQL, 20 experiences, GET", "get", small_words, "small"),
    ]


def publish(folder: Path) -> FolderStore:
    """A store with a release of 40 experiences, each with derivatives to choose from."""
    store = FolderStore(folder)
    catalogue = sample_catalogue(store)
    media = catalogue.experiences[0].media
    fenced = [site for site in catalogue.sites if site.geofences]
    experiences = tuple(
        replace(experience(f"bench-{site.id}", site.id, ExperienceKind.MODEL), media=media)
        for site in fenced[:EXPERIENCES]
    )
    put_release(store, replace(catalogue, experiences=experiences))
    return store


def start(code: str, arguments: list[str], output: Path, stack: ExitStack) -> Server:
    """A server process that has begun to listen; it ends with the stack."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HALONG_XR_")}
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], cwd=ROOT, env=env, stdout=file, stderr=file
        )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.poll() is None:
        found = re.search(r"running on http://127\.0\.0\.1:(\d+)", output.read_text())
        if found:
            return Server(process, int(found.group(1)))
        time.sleep(0.05)
    raise RuntimeError(f"a server did not start: {output.read_text()[-800:]}")


def ask_once(server: Server) -> tuple[bytes, str]:
    """The answer's body and entity tag; checked to be the one we mean to measure."""
    answer = httpx.get(f"http://127.0.0.1:{server.port}/graphql", params={"query": QUERY})
    edges = answer.json()["data"]["experiences"]["edges"]
    if len(edges) != 20 or not all(edge["node"]["media"][0]["derivatives"] for edge in edges):
        raise RuntimeError("the query did not answer 20 experiences with derivatives")
    return answer.content, answer.headers["etag"]


def request_bytes(method: str, target: str, body: bytes = b"", headers: str = "") -> bytes:
    """A request as it goes over the wire."""
    if body:
        headers += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{method} {target} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode() + body


def cost_us(server: Server, sent: bytes, status: int, requests: int) -> Callable[[], float]:
    """A run of requests; gives the server's CPU time for each, in microseconds."""

    def measure() -> float:
        before_ns = server.cpu_ns()
        asyncio.run(_load(server.port, sent, status, requests))
        return (server.cpu_ns() - before_ns) / 1000 / requests

    return measure


async def _load(port: int, sent: bytes, status: int, requests: int) -> None:
    share = requests // CONNECTIONS
    await asyncio.gather(*(_connection(port, sent, status, share) for _ in range(CONNECTIONS)))


async def _connection(port: int, sent: bytes, status: int, requests: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wanted = f"HTTP/1.1 {status} ".encode()
    for _ in range(requests):
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(wanted):
            raise RuntimeError(f"want status {status}, got {head[:60]!r}")
        found = re.search(rb"content-length: (\d+)", head)
        if found:
            await reader.readexactly(int(found.group(1)))
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
