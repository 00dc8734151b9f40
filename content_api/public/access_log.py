"""The access log: who asked is never written, and of what was asked only the path.

Query strings, variables, headers and addresses stay out: they could tell where a visitor stood. Each request
gets an id, in the log and in the answer's X-Request-Id, so that a report and a line can be brought together.
"""

import logging
import secrets
import time
from typing import Any

from content_api.public.asgi import REQUEST_ID, App, Message, Receive, Scope, Send

MAX_PATH_CHARS = 200  # a derivative's longest path fits; more is somebody trying

log = logging.getLogger("content_api.access")


class AccessLog:
    """ASGI middleware: one line per HTTP request, `METHOD path status bytes ms id`."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope[REQUEST_ID] = request_id
        noted: dict[str, Any] = {"status": 0, "bytes": 0}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                noted["status"] = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            elif message["type"] == "http.response.body":
                noted["bytes"] += len(message.get("body", b""))
            await send(message)

        start_s = time.perf_counter()
        try:
            await self._app(scope, receive, note)
        finally:
            elapsed_ms = (time.perf_counter() - start_s) * 1000
            log.info(
                "%s %s %d %dB %.1fms %s",
                _printable(scope["method"], 10),
                _printable(scope["path"], MAX_PATH_CHARS),
                noted["status"],
                noted["bytes"],
                elapsed_ms,
                request_id,
            )


def _printable(text: str, max_chars: int) -> str:
    """ASCII without spaces or control characters: nobody may write a line of the log."""
    shown = text[:max_chars].split("?", 1)[0]
    return "".join(character if "!" <= character <= "~" else "_" for character in shown)
