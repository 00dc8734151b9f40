"""A small service on a loopback port for the SDK's tests.

It answers GraphQL by executing the documents over the committed schema, so that what the SDK asks is held to
it, and serves derivatives with ranges and ETags, or misbehaves as a test tells it to.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from graphql import DocumentNode, GraphQLSchema, build_schema, execute_sync, parse, validate
from halong_xr.geo import LatLon
from halong_xr.geohash import cell_of

SCHEMA_FILE = Path(__file__).parents[2] / "content_api" / "public" / "schema.graphql"


@cache
def committed_schema() -> GraphQLSchema:
    return build_schema(SCHEMA_FILE.read_text("utf-8"))


@cache
def checked(document: str) -> DocumentNode:
    parsed = parse(document)
    assert validate(committed_schema(), parsed) == []
    return parsed


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Fault = Callable[["_Handler", bytes], None]


@dataclass
class FakeService:
    """Content by place, files by path, and the faults that wait for the next requests of a path."""

    experiences: list[dict] = field(default_factory=list)
    sites: list[dict] = field(default_factory=list)
    tours: list[dict] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)  # instead of GraphQL
    seen: list[Seen] = field(default_factory=list)
    page_size: int = 100
    url: str = ""

    def add_derivative(self, files: dict[str, bytes], usage="App3D", quality="AR", why="fits") -> dict:
        """Serve these files as a derivative; gives its GraphQL form."""
        listed = [
            {
                "path": path,
                "media_type": "application/octet-stream",
                "bytes": len(body),
                "sha256": sha256(body),
            }
            for path, body in sorted(files.items())
        ]
        listing = json.dumps(listed, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        return self.add_listing(listing, files, usage, quality, why)

    def add_listing(self, listing: bytes, files: dict[str, bytes], usage="App3D", quality="AR", why="fits"):
        derivative_id = sha256(listing)
        base = f"/derivatives/{derivative_id}/"
        self.files |= {base + path: body for path, body in files.items()}
        self.files[base + "files.json"] = listing
        entry = sorted(files)[0]
        return {
            "derivativeId": derivative_id,
            "usage": usage,
            "quality": quality,
            "mediaType": "application/octet-stream",
            "bytes": sum(map(len, files.values())),
            "fileCount": len(files),
            "fileListUrl": base + "files.json",
            "baseUrl": base,
            "entry": {
                "path": entry,
                "url": base + entry,
                "mediaType": "application/octet-stream",
                "bytes": len(files[entry]),
                "sha256": sha256(files[entry]),
            },
            "recipe": "ar@1",
            "measures": {"triangles": 1},
            "why": why,
        }

    def root(self) -> dict:
        return {
            "release": {
                "id": "ab" * 32,
                "sequence": 7,
                "sandbox": True,
                "siteCount": len(self.sites),
                "experienceCount": len(self.experiences),
                "tourCount": len(self.tours),
                "languages": ["vi", "en"],
            },
            "site": lambda _info, slug: _find(self.sites, slug),
            "experience": lambda _info, slug: _find(self.experiences, slug),
            "sites": lambda _info, **page: self._connection(self.sites, **page),
            "tours": lambda _info, **page: self._connection(self.tours, **page),
            "experiencesInCell": self._in_cell,
        }

    def _in_cell(self, _info, geohash: str, **page) -> dict:
        assert len(geohash) <= 5
        rows = [row for row in self.experiences if row["_cell"][: len(geohash)] == geohash]
        return self._connection(rows, **page)

    def _connection(self, rows: list[dict], first: int, after: str | None = None) -> dict:
        start = 0 if after is None else int(after) + 1
        count = min(first, self.page_size)
        page = list(enumerate(rows))[start : start + count]
        return {
            "edges": [{"cursor": str(place), "node": row} for place, row in page],
            "pageInfo": {
                "hasNextPage": start + count < len(rows),
                "hasPreviousPage": start > 0,
                "startCursor": str(page[0][0]) if page else None,
                "endCursor": str(page[-1][0]) if page else None,
            },
            "totalCount": len(rows),
        }

    def paths_seen(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def cells_seen(self) -> list[str]:
        asked = [json.loads(seen.body)["variables"] for seen in self.seen if seen.path == "/graphql"]
        return [variables["geohash"] for variables in asked if "geohash" in variables]


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def texts(vi: str, en: str) -> list[dict]:
    return [
        {"language": "vi", "text": vi, "state": "HUMAN"},
        {"language": "en", "text": en, "state": "MACHINE_REVIEWED"},
    ]


def chosen(*both: str) -> Callable[..., dict]:
    """A field with a `languages` argument."""
    rows = texts(*both)
    return lambda _info, languages=(): next(
        (r for tag in languages for r in rows if r["language"] == tag), rows[1]
    )


def circle(
    fence_id: str, lat_deg: float, lon_deg: float, *, radius_m: float = 300.0, live: bool = True
) -> dict:
    return {
        "id": fence_id,
        "type": "CIRCLE",
        "liveUse": live,
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]},
        "centreLatDeg": lat_deg,
        "centreLonDeg": lon_deg,
        "radiusM": radius_m,
    }


def site(slug: str, lat_deg: float | None, lon_deg: float | None, fences: list[dict] = ()) -> dict:
    return {
        "id": f"Site:{slug}",
        "slug": slug,
        "kind": "CAVE",
        "name": chosen(f"Hang {slug}", f"{slug} cave"),
        "names": texts(f"Hang {slug}", f"{slug} cave"),
        "description": chosen("Một hang động.", "A cave."),
        "position": {
            "basis": "SOURCED_NEARBY" if lat_deg is not None else "NONE",
            "latDeg": lat_deg,
            "lonDeg": lon_deg,
            "uncertaintyM": 250.0,
        },
        "geofences": list(fences),
        "status": "open",
        "visitNote": None,
        "notes": "",
        "sources": ["https://example.org"],
    }


def experience(
    slug: str, lat_deg: float, lon_deg: float, *, derivatives: list[dict] = (), live: bool = True, **more
) -> dict:
    fence = circle(f"{slug}-area", lat_deg, lon_deg, live=live)
    return {
        "_cell": cell_of(LatLon(lat_deg, lon_deg)),
        "id": f"Experience:{slug}",
        "slug": slug,
        "kind": "MODEL",
        "title": chosen(f"Tháp {slug}", f"Tower {slug}"),
        "titles": texts(f"Tháp {slug}", f"Tower {slug}"),
        "summary": chosen("Tóm tắt.", "A summary."),
        "site": site(slug, lat_deg, lon_deg, [fence]),
        "illustration": True,
        "illustrationNotice": chosen("Minh hoạ.", "Illustration."),
        "attribution": {
            "credit": "The halong-xr authors",
            "sourceUrl": None,
            "licence": {"id": "CC-BY-4.0", "title": "CC BY 4.0", "url": None},
        },
        "triggers": [{"kind": "ENTER", "dwellS": None, "geofence": fence}],
        "anchor": None,
        "media": [
            {
                "role": "MODEL",
                "alt": chosen("Một tháp đá.", "A tower of rock."),
                "derivatives": lambda _info, **_: list(derivatives),
            }
        ],
    } | more


def tour(slug: str, *sites: dict) -> dict:
    return {
        "id": f"Tour:{slug}",
        "slug": slug,
        "name": chosen("Tuyến 2", "Route 2"),
        "names": texts("Tuyến 2", "Route 2"),
        "description": chosen("Một ngày.", "A day."),
        "mode": "BOAT",
        "durationHours": 6.5,
        "stops": [{"position": i + 1, "site": s, "note": None} for i, s in enumerate(sites)],
        "sources": [],
        "notes": None,
    }


@contextmanager
def running(service: FakeService) -> Iterator[FakeService]:
    """The service on a loopback port, in a thread."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.service = service  # type: ignore[attr-defined]
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that hangs up early is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms of waiting each

    @property
    def service(self) -> FakeService:
        return self.server.service  # type: ignore[attr-defined,no-any-return]

    def do_POST(self) -> None:
        body = self._see()
        if self.service.answers:
            self.send(*self.service.answers.pop(0))
            return
        asked = json.loads(body)
        result = execute_sync(
            committed_schema(),
            checked(asked["query"]),
            self.service.root(),
            variable_values=asked["variables"],
        )
        answer: dict = {"data": result.data}
        if result.errors:
            answer["errors"] = [
                {"message": error.message, "extensions": {"code": "BAD_USER_INPUT"}}
                for error in result.errors
            ]
        self.send(200, {"content-type": "application/graphql-response+json"}, json.dumps(answer).encode())

    def do_GET(self) -> None:
        self._see()
        path = unquote(self.path)
        body = self.service.files.get(path)
        if body is None:
            self.send(404, {}, b"not here")
            return
        waiting = self.service.faults.get(path)
        if waiting:
            waiting.pop(0)(self, body)
        else:
            self.serve(body)

    def serve(self, body: bytes, *, tag: str | None = None) -> None:
        """As a good server does."""
        tag = tag or f'"{sha256(body)}"'
        start = self.range_start()
        if start is None or self.headers.get("if-range") != tag:
            self.send(200, {"etag": tag, "accept-ranges": "bytes"}, body)
        elif start >= len(body):
            self.send(416, {"content-range": f"bytes */{len(body)}"}, b"")
        else:
            self.send(206, {"etag": tag, "content-range": content_range(start, len(body))}, body[start:])

    def range_start(self) -> int | None:
        asked = self.headers.get("range")
        return None if asked is None else int(asked.removeprefix("bytes=").removesuffix("-"))

    def send(self, status: int, headers: dict[str, str], body: bytes, *, length: int | None = None) -> None:
        """A length other than the body's means that the connection is cut after the body."""
        self.send_response(status)
        for name, value in (
            {"content-length": str(len(body) if length is None else length)} | headers
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if length is not None and length != len(body):
            self.wfile.flush()
            self.close_connection = True

    def _see(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.service.seen.append(Seen(self.command, unquote(self.path), headers, body))
        return body

    def log_message(self, *_: object) -> None:
        pass


def content_range(start: int, length: int) -> str:
    return f"bytes {start}-{length - 1}/{length}"


def _find(rows: list[dict], slug: str) -> dict | None:
    return next((row for row in rows if row["slug"] == slug), None)


# Faults: what a server does wrong with one request


def cut_after(count: int) -> Fault:
    """Promise the rest of the file, send so many bytes of it, close."""

    def fault(handler: _Handler, body: bytes) -> None:
        start = handler.range_start() or 0
        headers = {"etag": f'"{sha256(body)}"'}
        if start:
            headers["content-range"] = content_range(start, len(body))
        handler.send(206 if start else 200, headers, body[start : start + count], length=len(body) - start)

    return fault


def cut_before_answer(handler: _Handler, _body: bytes) -> None:
    handler.close_connection = True


def cut_in_head(handler: _Handler, _body: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-le")
    handler.close_connection = True


def whole_for_range(handler: _Handler, body: bytes) -> None:
    handler.send(200, {"etag": f'"{sha256(body)}"'}, body)


def wrong_range(handler: _Handler, body: bytes) -> None:
    """Claims and sends another piece than was asked for."""
    start = max(0, (handler.range_start() or 0) - 5)
    handler.send(
        206, {"etag": f'"{sha256(body)}"', "content-range": content_range(start, len(body))}, body[start:]
    )


def changed_tag(handler: _Handler, body: bytes) -> None:
    """Continues with bytes of another version."""
    start = handler.range_start() or 0
    handler.send(
        206,
        {"etag": '"another"', "content-range": content_range(start, len(body))},
        b"x" * (len(body) - start),
    )


def status(code: int, **headers: str) -> Fault:
    return lambda handler, _body: handler.send(code, headers, b"")


def other_bytes(handler: _Handler, body: bytes) -> None:
    handler.send(200, {"etag": '"spoilt"'}, body[:-1] + bytes([body[-1] ^ 1]))


def more_bytes(handler: _Handler, body: bytes) -> None:
    handler.send(200, {"etag": '"longer"'}, body + b"more" * 100_000)


def fewer_bytes(handler: _Handler, body: bytes) -> None:
    """A shorter file, sent whole."""
    handler.send(200, {"etag": '"shorter"'}, body[:-1])


def encoded(handler: _Handler, body: bytes) -> None:
    handler.send(200, {"content-encoding": "gzip"}, body)
