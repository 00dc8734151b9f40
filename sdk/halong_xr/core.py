"""What the SDK asks and how it reads the answers, without a network, a thread or a clock of its own.

Each public method of Questions is an operation (see wire.py) that Client and AsyncClient drive. A place
appears in a request only as a geohash of five characters; ranking by distance happens here, on the device.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

from halong_xr import documents
from halong_xr.errors import AnswerUnexpected, QueryRefused, ServiceFailed
from halong_xr.geo import LatLon, distance_m
from halong_xr.geohash import cell_of, neighbours_of
from halong_xr.models import (
    Experience,
    Nearby,
    Release,
    Site,
    Tour,
    read_experience,
    read_release,
    read_site,
    read_tour,
)
from halong_xr.reading import Fields
from halong_xr.wire import Operation, Patience, Request, Response, fetch, retrying

MAX_ANSWER_BYTES = (
    16 * 1024 * 1024
)  # a page of 100 experiences is under 1 MB; more than this is not for a phone
PAGE_SIZE = 50  # nodes; the service allows 100
MAX_PAGES = (
    200  # 10,000 experiences in one cell of 24 km2: a service that never ends is told apart from a big one
)
CELL_KEPT_S = 600.0  # seconds an answer for a cell is used again; a new release shows up within ten minutes
DEVICE_CLASSES = ("phone", "tablet", "headset", "desktop")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Device:
    """What the device can show; the service chooses derivatives that suit it. None: no limit."""

    device_class: str = "phone"
    max_download_bytes: int | None = None
    max_triangles: int | None = None
    max_texture_px: int | None = None
    image_formats: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.device_class not in DEVICE_CLASSES:
            raise ValueError(
                f"device_class: want one of {', '.join(DEVICE_CLASSES)}, got {self.device_class!r}"
            )

    def as_variable(self) -> dict[str, object]:
        """The GraphQL input DeviceProfile."""
        profile = {
            "deviceClass": self.device_class.upper(),
            "maxDownloadBytes": self.max_download_bytes,
            "maxTriangles": self.max_triangles,
            "maxTexturePx": self.max_texture_px,
            "imageFormats": None if self.image_formats is None else list(self.image_formats),
        }
        return {name: value for name, value in profile.items() if value is not None}


@dataclass(slots=True)
class CellCache:
    """Answers by cell, each used again for CELL_KEPT_S. `asked` lists the cells in the order of asking."""

    clock: Callable[[], float]
    asked: list[str] = field(default_factory=list)
    _kept: dict[str, tuple[float, tuple[Experience, ...]]] = field(default_factory=dict)

    def get(self, cell: str) -> tuple[Experience, ...] | None:
        """The kept answer, None when there is none or it is too old."""
        at_s, experiences = self._kept.get(cell, (-math.inf, ()))
        return experiences if self.clock() - at_s <= CELL_KEPT_S else None

    def put(self, cell: str, experiences: tuple[Experience, ...]) -> None:
        """Keep an answer."""
        self.asked.append(cell)
        self._kept[cell] = (self.clock(), experiences)


@dataclass(frozen=True, slots=True)
class Questions:
    """The operations of a client: where to ask, for which languages and device, and how patiently."""

    url: str
    languages: tuple[str, ...]
    device: Device
    patience: Patience
    cells: CellCache

    def __post_init__(self) -> None:
        if not _is_http(self.url) or "?" in self.url or "#" in self.url:
            raise ValueError(f"url: want the service's address such as https://example.org, got {self.url!r}")
        if not self.languages or not all(self.languages):
            raise ValueError("languages: want at least one language tag such as 'vi'")

    def release(self) -> Operation[Release]:
        """The release the service answers from."""
        data = yield from self._ask(documents.RELEASE, {})
        return read_release(Fields(data, "").child("release"))

    def site(self, slug: str) -> Operation[Site | None]:
        """One site; None when there is none of that name."""
        data = yield from self._ask(documents.SITE, {"slug": slug, "languages": list(self.languages)})
        found = Fields(data, "").child_or_none("site")
        return None if found is None else read_site(found)

    def sites(self) -> Operation[tuple[Site, ...]]:
        """All sites."""
        return self._pages(documents.SITES, "sites", {"languages": list(self.languages)}, read_site)

    def tours(self) -> Operation[tuple[Tour, ...]]:
        """All tours."""
        return self._pages(documents.TOURS, "tours", {"languages": list(self.languages)}, read_tour)

    def experience(self, slug: str) -> Operation[Experience | None]:
        """One experience; None when there is none of that name."""
        data = yield from self._ask(documents.EXPERIENCE, {"slug": slug, **self._for_visitor()})
        found = Fields(data, "").child_or_none("experience")
        return None if found is None else read_experience(found)

    def experiences_around(self, position: LatLon) -> Operation[tuple[Nearby, ...]]:
        """The experiences of the position's cell and its neighbours, nearest first, measured here."""
        found: dict[str, Experience] = {}
        # in text order, so that not even the order of the questions tells the middle cell from the others
        own = cell_of(position)
        for cell in sorted((own, *neighbours_of(own))):
            for experience in (yield from self.experiences_in_cell(cell)):
                found.setdefault(experience.slug, experience)
        return rank(found.values(), position)

    def experiences_in_cell(self, cell: str) -> Operation[tuple[Experience, ...]]:
        """The experiences of one cell, kept for CELL_KEPT_S."""
        kept = self.cells.get(cell)
        if kept is not None:
            return kept
        variables = {"geohash": cell, **self._for_visitor()}
        experiences = yield from self._pages(
            documents.EXPERIENCES_IN_CELL, "experiencesInCell", variables, read_experience
        )
        self.cells.put(cell, experiences)
        return experiences

    def absolute(self, url: str) -> str:
        """A URL of an answer joined with the service's own; AnswerUnexpected for other schemes than HTTP."""
        with suppress(ValueError):
            joined = urljoin(self.url.rstrip("/") + "/", url)
            if _is_http(joined):
                return joined
        raise AnswerUnexpected("the answer holds an address that is not HTTP; nothing was fetched from it")

    def _for_visitor(self) -> dict[str, object]:
        return {"languages": list(self.languages), "device": self.device.as_variable()}

    def _pages(
        self, document: str, name: str, variables: Mapping[str, object], read: Callable[[Fields], T]
    ) -> Operation[tuple[T, ...]]:
        """All nodes of a connection, page after page."""
        nodes: list[T] = []
        after: str | None = None
        for _ in range(MAX_PAGES):
            data = yield from self._ask(document, {**variables, "first": PAGE_SIZE, "after": after})
            connection = Fields(data, "").child(name)
            nodes += connection.each("edges", lambda edge: read(edge.child("node")))
            page = connection.child("pageInfo")
            if not page.flag("hasNextPage"):
                return tuple(nodes)
            before, after = after, page.text("endCursor")
            if after == before:
                break
        raise AnswerUnexpected(f"{name}: the pages do not end; report this to the service's owner")

    def _ask(self, document: str, variables: Mapping[str, object]) -> Operation[Mapping[str, Any]]:
        """One GraphQL question, asked again while it may pass. Always POST: no log keeps a query string."""
        request = graphql_request(self.url, document, variables)

        def once() -> Operation[Mapping[str, Any]]:
            response = yield from fetch(request, max_bytes=MAX_ANSWER_BYTES)
            return read_answer(response)

        return (yield from retrying(once, self.patience))


def rank(experiences: Iterable[Experience], position: LatLon) -> tuple[Nearby, ...]:
    """Nearest first; experiences without a position last; equal distances by slug."""
    nearby = [
        Nearby(experience, None if experience.point is None else distance_m(position, experience.point))
        for experience in experiences
    ]
    nearby.sort(key=lambda n: (math.inf if n.distance_m is None else n.distance_m, n.experience.slug))
    return tuple(nearby)


def graphql_request(url: str, document: str, variables: Mapping[str, object]) -> Request:
    """A GraphQL question as an HTTP request."""
    return Request(
        "POST",
        url.rstrip("/") + "/graphql",
        headers={
            "accept": "application/graphql-response+json, application/json;q=0.9",
            "content-type": "application/json",
        },
        body=json.dumps({"query": document, "variables": variables}, ensure_ascii=False).encode(),
    )


def read_answer(response: Response) -> Mapping[str, Any]:
    """The data of a GraphQL answer; raises when the service refused, failed or spoke something else."""
    status = response.head.status
    if status == 429 or status >= 500:
        raise ServiceFailed(
            f"the service answered with status {status}; try again later",
            status=status,
            retry_after_s=_retry_after_s(response.head.headers.get("retry-after")),
        )
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError) as error:
        raise AnswerUnexpected(
            f"no halong-xr service answers at this address (status {status}, not JSON); check the address"
        ) from error
    fields = Fields(answer, "")
    faults = fields.each("errors", lambda fault: fault)
    if faults:
        codes = [code for fault in faults if (code := _code_of(fault))]
        words = "; ".join(fault.text_or_none("message") or "no reason given" for fault in faults[:3])
        raise QueryRefused(f"the service refused the question: {words}", codes=codes)
    data = fields.json("data")
    if status != 200 or not isinstance(data, dict):
        raise AnswerUnexpected(f"the service answered with status {status} and no data; check the address")
    return data


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        return False


def _code_of(fault: Fields) -> str | None:
    extensions = fault.json("extensions")
    return Fields(extensions, "").text_or_none("code") if isinstance(extensions, dict) else None


def _retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header; its date form is rare and left to our own waiting."""
    return float(value) if value is not None and value.isascii() and value.isdigit() else None
