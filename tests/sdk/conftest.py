"""What the SDK's tests share: a running fake service and clients that do not wait between tries."""

from collections.abc import Iterator

import httpx
import pytest
from halong_xr import AsyncClient, Client, RetryPolicy

from tests.sdk.fake_service import FakeService, running

QUICK = RetryPolicy(first_wait_s=0.001, longest_wait_s=0.002)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with running(FakeService()) as started:
        yield started


@pytest.fixture
def client(service: FakeService) -> Iterator[Client]:
    with quick_client(service.url) as made:
        yield made


def quick_client(url: str, **options) -> Client:
    """A client for loopback; not reading the certificates of the world saves most of its start."""
    return Client(
        url, **{"retry": QUICK, "timeout_s": 5.0, "transport": httpx.HTTPTransport(verify=False)} | options
    )


def quick_async_client(url: str, **options) -> AsyncClient:
    return AsyncClient(
        url,
        **{"retry": QUICK, "timeout_s": 5.0, "transport": httpx.AsyncHTTPTransport(verify=False)} | options,
    )
