"""The page's routes: `/` and its bundled files under `/static`, all from our own origin."""

from importlib.resources import files
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

DIST = Path(str(files("content_api.web"))) / "dist"

# Media may come from the operator's own store or CDN, so images and fetches are open; code is ours alone.
# model-viewer compiles WebAssembly and runs decoders in blob workers.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval' blob:",
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob: https: http:",
        "connect-src 'self' data: blob: https: http:",
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)


class HashedFiles(StaticFiles):
    """Files whose names carry a hash of their content may be kept for ever; the decoders for a day."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        lasting = not path.startswith("decoders/")
        response.headers["Cache-Control"] = (
            "public, max-age=31536000, immutable" if lasting else "public, max-age=86400"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def web_routes(dist: Path = DIST) -> list[BaseRoute]:
    """Routes of the visitor's page; without the bundle, `/` says how to make it."""
    page = dist / "index.html"
    if not page.is_file():
        return [Route("/", _page_missing, methods=["GET"])]

    async def index(_request: Request) -> Response:
        headers = {
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        return FileResponse(page, headers=headers)

    return [
        Route("/", index, methods=["GET"]),
        Mount("/static", HashedFiles(directory=dist), name="static"),
    ]


async def _page_missing(_request: Request) -> Response:
    return PlainTextResponse("The page is not bundled yet: run `make setup`.\n", status_code=503)
