"""Client and AsyncClient: the operations of core.py, driven over httpx, imported when one is made."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from halong_xr.core import CellCache, Device, Questions
from halong_xr.download import Downloaded, ProgressCall, download
from halong_xr.errors import Failed, Unreachable
from halong_xr.geo import LatLon
from halong_xr.models import Derivative, Experience, Nearby, Release, Site, Tour
from halong_xr.wire import Effect, Head, Open, Operation, Patience, Request, RetryPolicy, Sleep

if TYPE_CHECKING:
    import httpx

DEFAULT_TIMEOUT_S = 10.0  # seconds without a byte; a boat's one bar of signal stalls for several
USER_AGENT = "halong-xr-sdk"
LOG = logging.getLogger("halong_xr")

T = TypeVar("T")


class _Base:
    """What both clients hold. Neither method nor log line of either carries a position."""

    def __init__(
        self, url: str, languages: Sequence[str], device: Device | str, retry: RetryPolicy | None
    ) -> None:
        if isinstance(languages, str):
            raise TypeError("languages: want a sequence of language tags such as ('vi', 'en'), got one text")
        self._patience = Patience(retry or RetryPolicy(), time.monotonic, random.random)
        self._questions = Questions(
            url,
            tuple(languages),
            Device(device) if isinstance(device, str) else device,
            self._patience,
            CellCache(time.monotonic),
        )
        self.requests_sent = 0
        self.bytes_received = 0

    @property
    def asked_cells(self) -> tuple[str, ...]:
        """The cells asked for so far: all that the service has learned about where this device is."""
        return tuple(self._questions.cells.asked)

    def _download(
        self, derivative: Derivative, folder: Path | str, progress: ProgressCall | None
    ) -> Operation[Downloaded]:
        return download(
            derivative,
            Path(folder),
            absolute=self._questions.absolute,
            patience=self._patience,
            progress=progress,
        )

    def _opening(self, request: Request) -> dict[str, Any]:
        self.requests_sent += 1
        LOG.debug("%s %s", request.method, request.url)
        return {
            "method": request.method,
            "url": request.url,
            "headers": dict(request.headers),
            "content": request.body or None,
        }

    def _opened(self, response: "httpx.Response") -> Head:
        return Head(response.status_code, {name.lower(): value for name, value in response.headers.items()})

    def _failure(self, error: Exception) -> Failed:
        import httpx

        words = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        return Unreachable(
            f"the service at {self._questions.url} {words}; check the address and the connection"
        )


class Client(_Base):
    """Asks a halong-xr service. Not for use by several threads at once.

    languages: in order of preference. device: a Device or its class (phone, tablet, headset, desktop).
    transport: an httpx transport, for tests. Every method may raise Refused or Failed.
    """

    def __init__(
        self,
        url: str,
        *,
        languages: Sequence[str] = ("vi", "en"),
        device: Device | str = "phone",
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retry: RetryPolicy | None = None,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        super().__init__(url, languages, device, retry)
        import httpx

        self._http = httpx.Client(timeout=timeout_s, transport=transport, headers={"user-agent": USER_AGENT})

    def release(self) -> Release:
        """The release the service answers from."""
        return self._run(self._questions.release())

    def site(self, slug: str) -> Site | None:
        """One site; None when there is none of that name."""
        return self._run(self._questions.site(slug))

    def sites(self) -> tuple[Site, ...]:
        """All sites."""
        return self._run(self._questions.sites())

    def tours(self) -> tuple[Tour, ...]:
        """All tours."""
        return self._run(self._questions.tours())

    def experience(self, slug: str) -> Experience | None:
        """One experience; None when there is none of that name."""
        return self._run(self._questions.experience(slug))

    def experiences_around(self, position: LatLon) -> tuple[Nearby, ...]:
        """Experiences within about 5 km, nearest first. Only geohash cells leave the device."""
        return self._run(self._questions.experiences_around(position))

    def experiences_in_cell(self, cell: str) -> tuple[Experience, ...]:
        """The experiences of a geohash cell of at most five characters."""
        return self._run(self._questions.experiences_in_cell(cell))

    def download(
        self, derivative: Derivative, folder: Path | str, *, progress: ProgressCall | None = None
    ) -> Downloaded:
        """Bring a derivative to `folder/derivative_id`, verified; resumes, and keeps what is right."""
        return self._run(self._download(derivative, folder, progress))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, operation: Operation[T]) -> T:
        wire = _Wire(self, self._http)
        try:
            effect = next(operation)
            while True:
                try:
                    result = wire.perform(effect)
                except Failed as failure:
                    effect = operation.throw(failure)
                else:
                    effect = operation.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            operation.close()
            wire.close()


class AsyncClient(_Base):
    """The same as Client, awaited. Runs on asyncio; a cancelled task leaves a download ready to resume."""

    def __init__(
        self,
        url: str,
        *,
        languages: Sequence[str] = ("vi", "en"),
        device: Device | str = "phone",
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retry: RetryPolicy | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        super().__init__(url, languages, device, retry)
        import httpx

        self._http = httpx.AsyncClient(
            timeout=timeout_s, transport=transport, headers={"user-agent": USER_AGENT}
        )

    async def release(self) -> Release:
        """The release the service answers from."""
        return await self._run(self._questions.release())

    async def site(self, slug: str) -> Site | None:
        """One site; None when there is none of that name."""
        return await self._run(self._questions.site(slug))

    async def sites(self) -> tuple[Site, ...]:
        """All sites."""
        return await self._run(self._questions.sites())

    async def tours(self) -> tuple[Tour, ...]:
        """All tours."""
        return await self._run(self._questions.tours())

    async def experience(self, slug: str) -> Experience | None:
        """One experience; None when there is none of that name."""
        return await self._run(self._questions.experience(slug))

    async def experiences_around(self, position: LatLon) -> tuple[Nearby, ...]:
        """Experiences within about 5 km, nearest first. Only geohash cells leave the device."""
        return await self._run(self._questions.experiences_around(position))

    async def experiences_in_cell(self, cell: str) -> tuple[Experience, ...]:
        """The experiences of a geohash cell of at most five characters."""
        return await self._run(self._questions.experiences_in_cell(cell))

    async def download(
        self, derivative: Derivative, folder: Path | str, *, progress: ProgressCall | None = None
    ) -> Downloaded:
        """Bring a derivative to `folder/derivative_id`, verified; resumes, and keeps what is right."""
        return await self._run(self._download(derivative, folder, progress))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, operation: Operation[T]) -> T:
        wire = _AsyncWire(self, self._http)
        try:
            effect = next(operation)
            while True:
                try:
                    result = await wire.perform(effect)
                except Failed as failure:
                    effect = operation.throw(failure)
                else:
                    effect = operation.send(result)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            operation.close()
            await wire.close()


class _Wire:
    """Performs the effects of one operation; holds its open response."""

    def __init__(self, owner: _Base, http: "httpx.Client") -> None:
        self._owner, self._http = owner, http
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def perform(self, effect: Effect) -> Head | bytes | None:
        import httpx

        try:
            if isinstance(effect, Open):
                return self._open(effect.request)
            if isinstance(effect, Sleep):
                self.close()
                time.sleep(effect.seconds)
                return None
            chunk = next(self._chunks, b"")
        except httpx.RequestError as error:
            raise self._owner._failure(error) from error
        self._owner.bytes_received += len(chunk)
        return chunk

    def _open(self, request: Request) -> Head:
        self.close()
        asked = self._http.build_request(**self._owner._opening(request))
        self._response = self._http.send(asked, stream=True, follow_redirects=request.follow_redirects)
        read = self._response.iter_bytes if request.decode else self._response.iter_raw
        self._chunks = read()  # as it arrives: what is gathered into blocks is lost when a connection breaks
        return self._owner._opened(self._response)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()


class _AsyncWire:
    """Performs the effects of one operation; holds its open response."""

    def __init__(self, owner: _Base, http: "httpx.AsyncClient") -> None:
        self._owner, self._http = owner, http
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def perform(self, effect: Effect) -> Head | bytes | None:
        import httpx

        try:
            if isinstance(effect, Open):
                return await self._open(effect.request)
            if isinstance(effect, Sleep):
                await self.close()
                await asyncio.sleep(effect.seconds)
                return None
            chunk = b"" if self._chunks is None else await anext(self._chunks, b"")
        except httpx.RequestError as error:
            raise self._owner._failure(error) from error
        self._owner.bytes_received += len(chunk)
        return chunk

    async def _open(self, request: Request) -> Head:
        await self.close()
        asked = self._http.build_request(**self._owner._opening(request))
        self._response = await self._http.send(asked, stream=True, follow_redirects=request.follow_redirects)
        read = self._response.aiter_bytes if request.decode else self._response.aiter_raw
        self._chunks = read()  # as it arrives: what is gathered into blocks is lost when a connection breaks
        return self._owner._opened(self._response)

    async def close(self) -> None:
        if self._response is not None:
            await self._response.aclose()
