"""The little of ASGI that our own endpoints need: read headers, send one whole answer."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

REQUEST_ID = "halong_xr.request_id"  # where the access log leaves a request's id in the scope

# The API reads no cookies and nobody's credentials, so a page of any origin may read it.
OPEN_TO_ALL: tuple[Header, ...] = ((b"access-control-allow-origin", b"*"),)
NOSNIFF: Header = (b"x-content-type-options", b"nosniff")
NO_STORE: Header = (b"cache-control", b"no-store")


def header_of(scope: Scope, name: bytes) -> str | None:
    """A request header, its repetitions joined by commas; None without it. name: in lower case."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(values) if values else None


def request_id_of(scope: Scope) -> str:
    """The request's id in log and answer; "-" where no access log runs."""
    found: str = scope.get(REQUEST_ID, "-")
    return found


async def respond(
    send: Send, status: int, body: bytes, headers: Iterable[Header], *, head: bool = False
) -> None:
    """Send a whole answer with its length; of HEAD only the headers."""
    length = (b"content-length", str(len(body)).encode())
    fields = [*headers] if status in (204, 304) else [*headers, length]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def respond_json(
    send: Send, status: int, value: Any, headers: Iterable[Header] = (), *, head: bool = False
) -> None:
    """Send JSON that nobody may keep."""
    fields = ((b"content-type", b"application/json"), NOSNIFF, NO_STORE, *OPEN_TO_ALL, *headers)
    await respond(send, status, orjson.dumps(value), fields, head=head)


def matches_etag(if_none_match: str | None, etag: str) -> bool:
    """Whether a reader's If-None-Match names this entity tag, weakly compared, alone, in a list or by `*`."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(tag.strip().removeprefix("W/") == etag for tag in if_none_match.split(","))
