"""The sample bay, published once for all tests that only read it, and an application over it."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from content_api.public.app import build_app
from content_api.public.asgi import App, Message
from content_api.public.open_release import OpenRelease
from content_api.public.release import load_release
from content_api.settings import Settings, load_settings
from content_api.store import Store
from content_api.store.folder import FolderStore
from tests.content_api.public.samples import make_store


def settings_for(**changes: str) -> Settings:
    """Settings of which `changes` are environment variables without their prefix."""
    env = {"HALONG_XR_RELEASE_POLL_S": "0.1"}
    return load_settings(env | {f"HALONG_XR_{name}": value for name, value in changes.items()})


class RunningApp:
    """An application whose lifespan has begun, asked in this process through httpx."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._runner = asyncio.Runner()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://bay.test")

    def start(self) -> None:
        self._runner.run(self._start())

    def stop(self) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, query: str, variables: Mapping[str, Any] | None = None, **options: Any) -> httpx.Response:
        body = {"query": query} | ({"variables": dict(variables)} if variables is not None else {})
        return self.request("POST", "/graphql", json=body, **options)

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        answer = self.post(query, variables).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def refusal(self, query: str, **variables: Any) -> tuple[str, str]:
        """Code and message of the only error of an answer."""
        [error] = self.post(query, variables).json()["errors"]
        return error["extensions"]["code"], error["message"]

    def wait(self, seconds: float) -> None:
        """Let the application's own tasks run."""
        self._runner.run(asyncio.sleep(seconds))

    async def _start(self) -> None:
        lifespan = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._task = asyncio.create_task(self._app(lifespan, self._inbox.get, self._outbox.put))
        await self._inbox.put({"type": "lifespan.startup"})
        assert (await self._outbox.get())["type"] == "lifespan.startup.complete"

    async def _stop(self) -> None:
        await self._client.aclose()
        await self._inbox.put({"type": "lifespan.shutdown"})
        assert (await self._outbox.get())["type"] == "lifespan.shutdown.complete"
        await self._task


@contextmanager
def running(store: Store, **changes: str) -> Iterator[RunningApp]:
    """The application over a store, from start-up to shutdown."""
    app = RunningApp(build_app(settings_for(**changes), store))
    app.start()
    try:
        yield app
    finally:
        app.stop()


@pytest.fixture(scope="session")
def bay(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    """The published sample bay. For reading only."""
    return make_store(tmp_path_factory.mktemp("bay"))


@pytest.fixture
def own_bay(bay: FolderStore, tmp_path: Path) -> FolderStore:
    """A copy of the published sample bay that a test may spoil."""
    shutil.copytree(bay.root, tmp_path / "store")
    return FolderStore(tmp_path / "store")


@pytest.fixture(scope="session")
def release(bay: FolderStore) -> OpenRelease:
    """The sample bay's release, opened."""
    return load_release(bay)


@pytest.fixture(scope="session")
def sandbox(bay: FolderStore) -> Iterator[RunningApp]:
    """The application as a sandbox."""
    with running(bay, SANDBOX="true") as app:
        yield app


@pytest.fixture(scope="session")
def production(bay: FolderStore) -> Iterator[RunningApp]:
    """The application as anyone meets it."""
    with running(bay) as app:
        yield app
