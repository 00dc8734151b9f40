"""A store in a folder: the embedded default, no process and no service.

A file appears under its name only when it is complete and on disk: it is written under a temporary dot name
in the same folder, synchronised, then linked (create-only) or renamed (replace). Both are atomic on POSIX
systems.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from content_api.store.base import (
    ContentChanged,
    KeyInvalid,
    NotFound,
    ObjectInfo,
    RangeInvalid,
    StoreUnavailable,
    TooLarge,
)
from content_api.store.keys import PRIVATE, check_key, check_media_type, check_prefix, media_type_of
from heritage_sites.problem import Problem

COPY_BYTES = 1 << 20  # read and written at once while a large file is copied
TEMPORARY_PREFIX = ".tmp-"
LOCK_NAME = ".lock"  # in a folder whose objects are replaced by comparison; empty, stays
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP}


class FolderStore:
    """A `Store` below `root`, which is made with the first object."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def __repr__(self) -> str:
        return f"FolderStore({str(self.root)!r})"

    def path_of(self, key: str) -> Path:
        """Where the object lies or would lie. For reading only."""
        return self.root / check_key(key)

    def put(self, key: str, body: bytes, *, media_type: str) -> None:
        """See `Store.put`."""
        path = self._path_to_write(key, media_type)
        with _wrapped(key), _temporary_file(path, iter((body,)), _mode(key)) as (temporary, _digest):
            os.replace(temporary, path)
            _sync_folder(path.parent)

    def replace(self, key: str, body: bytes, *, media_type: str, etag: str | None) -> bool:
        """See `Store.replace`."""
        if etag is None:
            return self.put_new(key, body, media_type=media_type)
        path = self._path_to_write(key, media_type)
        with _wrapped(key), _locked(path.parent):
            now = self.head(key)
            if now is None or now.etag != etag:
                return False
            with _temporary_file(path, iter((body,)), _mode(key)) as (temporary, _digest):
                os.replace(temporary, path)
            _sync_folder(path.parent)
            return True

    def put_new(self, key: str, body: bytes, *, media_type: str) -> bool:
        """See `Store.put_new`."""
        path = self._path_to_write(key, media_type)
        if self.exists(key):
            return False
        with _wrapped(key), _temporary_file(path, iter((body,)), _mode(key)) as (temporary, _digest):
            return _link(temporary, path)

    def put_file_new(self, key: str, path: Path, *, media_type: str, sha256: str | None = None) -> bool:
        """See `Store.put_file_new`."""
        target = self._path_to_write(key, media_type)
        if self.exists(key):
            return False
        with _wrapped(key), _temporary_file(target, _pieces(path), _mode(key)) as (temporary, digest):
            if sha256 is not None and digest != sha256:
                raise ContentChanged(key, f"{path.name} has SHA-256 {digest}, announced was {sha256}")
            return _link(temporary, target)

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """See `Store.get`."""
        with _wrapped(key), self.path_of(key).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > max_bytes:
                raise TooLarge(key, limit_bytes=max_bytes, actual_bytes=size)
            return file.read()

    def get_range(self, key: str, start: int, length: int) -> bytes:
        """See `Store.get_range`."""
        if start < 0 or length <= 0:
            raise ValueError(f"get_range: want start >= 0 and length > 0, got {start} and {length}")
        with _wrapped(key), self.path_of(key).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if start >= size:
                raise RangeInvalid(key, f"range starts at {start}, the object has {size} bytes")
            file.seek(start)
            return file.read(length)

    def head(self, key: str) -> ObjectInfo | None:
        """See `Store.head`. The tag changes with every replacement, also by equal bytes."""
        path = self.path_of(key)
        with _wrapped(key):
            try:
                status = path.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        if not path.is_file():
            return None
        etag = f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"'
        return ObjectInfo(bytes=status.st_size, media_type=media_type_of(key), etag=etag)

    def exists(self, key: str) -> bool:
        """See `Store.exists`."""
        return self.head(key) is not None

    def list(self, prefix: str) -> Iterator[str]:
        """See `Store.list`."""
        folder, _slash, _start = check_prefix(prefix).rpartition("/")
        with _wrapped(prefix):
            found = [key for key in _keys_below(self.root, folder) if key.startswith(prefix)]
        yield from sorted(found)  # keys are ASCII: the order of characters is the order of bytes

    def delete(self, key: str) -> None:
        """See `Store.delete`. Empty folders stay, so that no writer loses the one it is about to use."""
        with _wrapped(key), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            self.path_of(key).unlink()

    def public_url(self, key: str) -> None:
        """None: a folder serves nobody, the API does."""
        check_key(key)

    def make_public_readable(self) -> tuple[Problem, ...]:
        """Nothing to do: the API serves the public objects of a folder."""
        return ()

    def leftovers(self) -> Iterator[Path]:
        """Temporary files; those older than the longest upload belong to writers which were killed."""
        with _wrapped(str(self.root)):
            yield from sorted(self.root.rglob(f"{TEMPORARY_PREFIX}*"))

    def _path_to_write(self, key: str, media_type: str) -> Path:
        path = self.path_of(key)
        check_media_type(key, media_type)
        with _wrapped(key):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise KeyInvalid(key, "one of its folders is an object already") from error
            if path.is_dir():
                raise KeyInvalid(key, "is a folder of other keys already")
        return path


def _mode(key: str) -> int:
    return 0o600 if key.startswith(PRIVATE) else 0o666  # less the process's umask


@contextlib.contextmanager
def _wrapped(key: str) -> Iterator[None]:
    """Turn the operating system's errors into the store's."""
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise NotFound(key) from error
    except OSError as error:
        if error.errno in _NO_HARD_LINKS and error.filename2 is not None:
            raise StoreUnavailable(
                f"{key}: this file system makes no hard links; keep the store on one that does"
            ) from error
        raise StoreUnavailable(f"{key}: {error.strerror or error}") from error


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system releases it when its holder dies."""
    with (folder / LOCK_NAME).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _temporary_file(target: Path, pieces: Iterator[bytes], mode: int) -> Iterator[tuple[Path, str]]:
    """A complete file on disk beside `target`, and its SHA-256; removed afterwards if it is still there."""
    temporary = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    digest = hashlib.sha256()
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        yield temporary, digest.hexdigest()
    finally:
        temporary.unlink(missing_ok=True)


def _link(temporary: Path, target: Path) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    _sync_folder(target.parent)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(COPY_BYTES):
                yield piece
    except OSError as error:
        raise StoreUnavailable(f"{path}: the file to store cannot be read: {error.strerror}") from error


def _keys_below(root: Path, folder: str) -> Iterator[str]:
    """Keys below one folder of the store, in no order; temporary files are no keys."""
    pending = [folder]
    while pending:
        at = pending.pop()
        try:
            entries = list(os.scandir(root / at))
        except (FileNotFoundError, NotADirectoryError):
            continue  # nothing has been stored there
        for entry in entries:
            if entry.name.startswith("."):
                continue
            key = f"{at}/{entry.name}" if at else entry.name
            if entry.is_dir():
                pending.append(key)
            else:
                yield key
