"""Derivatives over HTTP from a folder store: GET and HEAD /derivatives/{id}/{path}, for the embedded mode.

A derivative never changes, so browsers and proxies may keep it for ever. With S3 this is not mounted: the API
answers with the store's own addresses.
"""

import asyncio
import hashlib
import logging
import re

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
from content_api.public.ranges import ByteRange, RangeNotSatisfiable, parse_range
from content_api.store.base import Store, StoreError, StoreRefused

CHUNK_BYTES = 512 * 1024  # read and sent at once: a model of 10 MB takes 20 trips to a thread
PREFIX = "/derivatives/"

ALLOW: Header = (b"allow", b"GET, HEAD, OPTIONS")
FOREVER: Header = (b"cache-control", b"public, max-age=31536000, immutable")
COMMON: tuple[Header, ...] = (
    NOSNIFF,
    *OPEN_TO_ALL,
    FOREVER,
    (b"accept-ranges", b"bytes"),
    (b"access-control-expose-headers", b"Content-Length, Content-Range, ETag, X-Request-Id"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),  # a file is shown, never run
)
PREFLIGHT: tuple[Header, ...] = (
    *OPEN_TO_ALL,
    ALLOW,
    (b"access-control-allow-methods", b"GET, HEAD, OPTIONS"),
    (b"access-control-allow-headers", b"If-None-Match, If-Range, Range"),
    (b"access-control-max-age", b"86400"),
)

_DERIVATIVE_PATH = re.compile(r"/derivatives/[0-9a-f]{64}/[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*")

log = logging.getLogger("content_api.public")


class DerivativeFiles:
    """An ASGI application that serves what lies under `derivatives/` in a store, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        method: str = scope["method"]
        if method == "OPTIONS":
            await respond(send, 204, b"", PREFLIGHT)
        elif method not in ("GET", "HEAD"):
            await respond_json(send, 405, {"error": "use GET or HEAD"}, (ALLOW,))
        else:
            try:
                await self._serve(scope, send, is_head=method == "HEAD")
            except StoreError as error:
                log.error("cannot read a derivative: %s", error)  # noqa: TRY400 - the reason says it
                await respond_json(
                    send, 503, {"error": "the store cannot be read now"}, head=method == "HEAD"
                )

    async def _serve(self, scope: Scope, send: Send, *, is_head: bool) -> None:
        key = _key_of(scope["path"])
        info = await asyncio.to_thread(self._head, key) if key else None
        if key is None or info is None:
            await respond_json(send, 404, {"error": "there is no such file"}, head=is_head)
            return
        size_bytes, media_type = info
        # id and path name the bytes: the id is the digest of a list of all files and their digests
        etag = f'"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'
        headers = (*COMMON, (b"etag", etag.encode()), (b"content-type", media_type.encode()))
        if matches_etag(header_of(scope, b"if-none-match"), etag):
            await respond(send, 304, b"", headers)
            return
        try:
            part = _part_asked_for(scope, etag, size_bytes, is_head=is_head)
        except RangeNotSatisfiable:
            where: Header = (b"content-range", f"bytes */{size_bytes}".encode())
            await respond_json(send, 416, {"error": "the range lies behind the file's end"}, (where,))
            return
        await self._send_file(send, key, size_bytes, part, headers, is_head=is_head)

    def _head(self, key: str) -> tuple[int, str] | None:
        try:
            info = self._store.head(key)
        except StoreRefused:
            return None
        return (info.bytes, info.media_type) if info else None

    async def _send_file(
        self,
        send: Send,
        key: str,
        size_bytes: int,
        part: ByteRange | None,
        headers: tuple[Header, ...],
        *,
        is_head: bool,
    ) -> None:
        status, wanted = (200, ByteRange(0, size_bytes)) if part is None else (206, part)
        fields = [*headers, (b"content-length", str(wanted.length).encode())]
        if part is not None:
            end = part.start + part.length - 1
            fields.append((b"content-range", f"bytes {part.start}-{end}/{size_bytes}".encode()))
        # the first piece is read before anything is sent: a file which cannot be read gets its status
        position, end = wanted.start, wanted.start + wanted.length
        piece = b"" if is_head or position == end else await self._read(key, position, end)
        await send({"type": "http.response.start", "status": status, "headers": fields})
        while not is_head and position < end:
            position += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": position < end})
            if position < end:
                try:
                    piece = await self._read(key, position, end)
                except StoreError as error:  # the status is out: all that is left is to break off
                    log.error("%s", error)  # noqa: TRY400 - the reason says it
                    return
        if is_head or wanted.length == 0:
            await send({"type": "http.response.body", "body": b""})

    async def _read(self, key: str, position: int, end: int) -> bytes:
        piece = await asyncio.to_thread(
            self._store.get_range, key, position, min(CHUNK_BYTES, end - position)
        )
        if not piece:
            raise StoreRefused(key, "the file became shorter while it was read")
        return piece


def _key_of(path: str) -> str | None:
    """The store key that a request path names; None if it names none."""
    return path.removeprefix("/") if _DERIVATIVE_PATH.fullmatch(path) else None


def _part_asked_for(scope: Scope, etag: str, size_bytes: int, *, is_head: bool) -> ByteRange | None:
    if is_head:
        return None  # RFC 9110: Range has a meaning for GET only
    if_range = header_of(scope, b"if-range")
    if if_range is not None and if_range.strip() != etag:
        return None  # the reader holds something else: send it all
    return parse_range(header_of(scope, b"range"), size_bytes)
