"""Talking over a network without doing it: operations say what they want, a driver does it.

An operation is a generator. It yields effects (Open, Read, Sleep) and is resumed with what they gave; a
failed effect is thrown into it. So every rule (retries, paging, resuming) is written once and driven by a
synchronous loop, an asynchronous loop or a test.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from halong_xr.errors import AnswerUnexpected, Failed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Its text shows neither headers nor body."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    decode: bool = True  # undo Content-Encoding; False hands on the bytes as they came
    follow_redirects: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of a response, header names in lower case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its whole body."""

    head: Head
    body: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """Send a request; gives its Head. The response is given up at the next Open or Sleep, or at the end."""

    request: Request


@dataclass(frozen=True, slots=True)
class Read:
    """The next bytes of the open response; empty at its end."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait; 0 seconds lets others run."""

    seconds: float


Effect = Open | Read | Sleep
Operation = Generator[Effect, Any, T]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try. Waits double and are drawn between zero and that bound (full jitter)."""

    attempts: int = 4
    first_wait_s: float = 0.25
    longest_wait_s: float = 8.0
    deadline_s: float = 30.0

    def wait_s(self, attempt: int, draw: float, retry_after_s: float | None) -> float:
        """Seconds to wait after a failed attempt (1 = the first); `draw` is random in [0, 1)."""
        bound_s = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (attempt - 1))
        return max(draw * bound_s, retry_after_s or 0.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """A retry policy with the clock (seconds, monotonic) and the dice it needs."""

    policy: RetryPolicy
    clock: Callable[[], float]
    draw: Callable[[], float]


def retrying(make: Callable[[], Operation[T]], patience: Patience) -> Operation[T]:
    """Run an operation again while it fails in a way that may pass, within the policy."""
    policy, started_s = patience.policy, patience.clock()
    attempt = 1
    while True:
        try:
            return (yield from make())
        except Failed as failure:
            wait_s = policy.wait_s(attempt, patience.draw(), failure.retry_after_s)
            spent_s = patience.clock() - started_s
            if not failure.may_pass or attempt >= policy.attempts or spent_s + wait_s > policy.deadline_s:
                raise
        yield Sleep(wait_s)
        attempt += 1


def fetch(request: Request, *, max_bytes: int) -> Operation[Response]:
    """One request and its whole body; AnswerUnexpected when the body is longer than allowed."""
    head: Head = yield Open(request)
    body = bytearray()
    while chunk := (yield Read()):
        body += chunk
        if len(body) > max_bytes:
            raise AnswerUnexpected(f"the answer is longer than {max_bytes} bytes; it was not read further")
    return Response(head, bytes(body))
