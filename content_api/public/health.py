"""Is the process alive, is it ready, and what is its schema: three small routes."""

from collections.abc import Callable

from content_api.public.asgi import (
    NOSNIFF,
    OPEN_TO_ALL,
    Header,
    Receive,
    Scope,
    Send,
    header_of,
    matches_etag,
    respond,
    respond_json,
)
from content_api.public.open_release import OpenRelease

ALLOW: Header = (b"allow", b"GET, HEAD")


class Health:
    """200 as long as the process answers at all."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if not await _is_read(scope, send):
            return
        await respond_json(send, 200, {"alive": True}, head=scope["method"] == "HEAD")


class Ready:
    """200 with the release's id once one is being served, 503 before."""

    def __init__(self, current: Callable[[], OpenRelease | None]) -> None:
        self._current = current

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if not await _is_read(scope, send):
            return
        release = self._current()
        head = scope["method"] == "HEAD"
        if release is None:
            await respond_json(send, 503, {"ready": False, "reason": "no release is loaded"}, head=head)
            return
        state = {"ready": True, "release_id": release.release_id, "sequence": release.sequence}
        await respond_json(send, 200, state, head=head)


class SchemaFile:
    """The schema in GraphQL's schema language."""

    def __init__(self, sdl: str, etag: str) -> None:
        self._body = sdl.encode()
        self._etag = etag

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if not await _is_read(scope, send):
            return
        headers: tuple[Header, ...] = (
            NOSNIFF,
            *OPEN_TO_ALL,
            (b"content-type", b"application/graphql; charset=utf-8"),
            (b"cache-control", b"public, max-age=300"),
            (b"etag", self._etag.encode()),
        )
        if matches_etag(header_of(scope, b"if-none-match"), self._etag):
            await respond(send, 304, b"", headers)
            return
        await respond(send, 200, self._body, headers, head=scope["method"] == "HEAD")


async def _is_read(scope: Scope, send: Send) -> bool:
    """Whether the request only reads; else it has been answered with 405."""
    if scope["method"] in ("GET", "HEAD"):
        return True
    await respond_json(send, 405, {"error": "use GET or HEAD"}, (ALLOW,))
    return False
