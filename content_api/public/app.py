"""The public web application: GraphQL, derivatives, health, the page, behind one access log."""

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from content_api.public.access_log import AccessLog
from content_api.public.asgi import App
from content_api.public.endpoint import GraphQLEndpoint
from content_api.public.health import Health, Ready, SchemaFile
from content_api.public.media import DerivativeFiles
from content_api.public.media_urls import MediaUrls
from content_api.public.sdl import print_sdl
from content_api.public.watcher import ReleaseWatcher
from content_api.settings import Settings
from content_api.store import Store, open_store
from content_api.store.folder import FolderStore
from content_api.web.routes import web_routes

GRACE_S = 10  # seconds that running requests get after SIGTERM; a large download may be resumed


def build_app(settings: Settings, store: Store) -> App:
    """The ASGI application over a store. It opens the current release at start-up and follows it then."""
    watcher = ReleaseWatcher(store, poll_s=settings.release_poll_s)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await asyncio.to_thread(watcher.look)
        watching = asyncio.create_task(watcher.run())
        yield
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    return AccessLog(Starlette(routes=_routes(settings, store, watcher), lifespan=lifespan))


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then let running requests end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    app = build_app(settings, open_store(settings.store, os.environ))
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,  # it writes query strings; ours does not
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here asks who the client is
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run()


def _routes(settings: Settings, store: Store, watcher: ReleaseWatcher) -> list[BaseRoute]:
    urls = MediaUrls(settings.media_url, store.public_url)
    sdl = print_sdl()
    sdl_etag = f'"{hashlib.sha256(sdl.encode()).hexdigest()[:32]}"'
    routes: list[BaseRoute] = [
        Route("/graphql", GraphQLEndpoint(watcher.current, urls, is_sandbox=settings.sandbox)),
        Route("/health", Health()),
        Route("/ready", Ready(watcher.current)),
        Route("/schema.graphql", SchemaFile(sdl, sdl_etag)),
    ]
    if isinstance(store, FolderStore):
        routes.append(Route("/derivatives/{path:path}", DerivativeFiles(store)))
    # the page is a part of its own, and comes last: its routes must not shadow the API's
    return [*routes, *web_routes()]
