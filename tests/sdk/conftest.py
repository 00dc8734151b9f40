"""What the SDK's tests share: a running fake service and a client that does not wait between tries."""

from collections.abc import Iterator

import pytest

from halong_xr import Client, RetryPolicy
from tests.sdk.fake_service import FakeService, running

QUICK = RetryPolicy(first_wait_s=0.001, longest_wait_s=0.002)


@pytest.fixture
def service() -> Iterator[FakeService]:
    with running(FakeService()) as started:
        yield started


@pytest.fixture
def client(service: FakeService) -> Iterator[Client]:
    with Client(service.url, retry=QUICK, timeout_s=5.0) as made:
        yield made
