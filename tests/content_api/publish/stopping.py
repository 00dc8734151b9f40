"""A store that stops a publisher: after so many calls every further one fails, as when a cable is cut."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from content_api.store import ObjectInfo, Store, StoreUnavailable
from heritage_sites import Problem


class StoppingStore:
    """Passes `calls` calls on to a real store, then raises StoreUnavailable. `count` says how many came."""

    def __init__(self, store: Store, calls: int | None = None) -> None:
        self.store = store
        self.calls = calls
        self.count = 0

    def _pass(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if self.calls is not None and self.count >= self.calls:
            raise StoreUnavailable(f"stopped after {self.calls} calls")
        self.count += 1
        return call(*arguments, **named)

    def put(self, key: str, body: bytes, *, media_type: str) -> None:
        self._pass(self.store.put, key, body, media_type=media_type)

    def replace(self, key: str, body: bytes, *, media_type: str, etag: str | None) -> bool:
        return bool(self._pass(self.store.replace, key, body, media_type=media_type, etag=etag))

    def put_new(self, key: str, body: bytes, *, media_type: str) -> bool:
        return bool(self._pass(self.store.put_new, key, body, media_type=media_type))

    def put_file_new(self, key: str, path: Path, *, media_type: str, sha256: str | None = None) -> bool:
        return bool(self._pass(self.store.put_file_new, key, path, media_type=media_type, sha256=sha256))

    def get(self, key: str, *, max_bytes: int) -> bytes:
        return bytes(self._pass(self.store.get, key, max_bytes=max_bytes))

    def get_range(self, key: str, start: int, length: int) -> bytes:
        return bytes(self._pass(self.store.get_range, key, start, length))

    def head(self, key: str) -> ObjectInfo | None:
        found: ObjectInfo | None = self._pass(self.store.head, key)
        return found

    def exists(self, key: str) -> bool:
        return bool(self._pass(self.store.exists, key))

    def list(self, prefix: str) -> Iterator[str]:
        keys: Iterator[str] = self._pass(self.store.list, prefix)
        return keys

    def delete(self, key: str) -> None:
        self._pass(self.store.delete, key)

    def public_url(self, key: str) -> str | None:
        return self.store.public_url(key)

    def make_public_readable(self) -> tuple[Problem, ...]:
        made: tuple[Problem, ...] = self._pass(self.store.make_public_readable)
        return made
