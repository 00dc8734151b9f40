"""Downloading a derivative: verified file by file, resumed where it broke, kept only when right.

1. files.json, the list of files: the SHA-256 of its bytes is the derivative's id.
2. Each path of the list is checked: it stays below the folder.
3. Each file: at most the listed bytes, hashed while written to `NAME.part`, resumed with Range and If-Range.
4. Length and SHA-256 match: `NAME.part` becomes `NAME` in one step. Otherwise it is deleted.
5. files.json is written last: where it stands, everything listed in it was there and right.

Writing happens between two reads of the network, in the thread that drives the operation.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from halong_xr.errors import (
    AnswerUnexpected,
    BytesRefused,
    DiskFailed,
    DownloadIncomplete,
    Failed,
    ServiceFailed,
)
from halong_xr.models import Derivative, DerivativeFile, read_file_list
from halong_xr.wire import Head, Open, Operation, Patience, Read, Request, Sleep, fetch, retrying

MAX_FILE_LIST_BYTES = 4 * 1024 * 1024  # a pyramid of 20,000 tiles; the largest of ours has about 2,100
MAX_PATH_CHARACTERS = 200  # with a folder before it, this fits every file system we meet
READ_BACK_BYTES = 1024 * 1024  # hashed at a time when a file is read back; other tasks run in between
PART, TAG = ".part", ".part.etag"
LIST_NAME = "files.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is. `path` is the file at hand."""

    path: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A derivative on this device, every file of it verified."""

    derivative_id: str
    folder: Path
    entry: Path
    files: tuple[DerivativeFile, ...]
    verified_bytes: int
    fetched_bytes: int


ProgressCall = Callable[[Progress], None]


def download(
    derivative: Derivative,
    folder: Path,
    *,
    absolute: Callable[[str], str],
    patience: Patience,
    progress: ProgressCall | None = None,
) -> Operation[Downloaded]:
    """Bring a derivative to `folder / derivative_id`. Files that are there and right are not fetched again.

    Stopping it (an exception from `progress`, a cancelled task, Ctrl-C) leaves verified files and a part.
    Raises BytesRefused when a file is not what the release names, and the Failed errors.
    """
    if not _is_digest(derivative.derivative_id):
        raise AnswerUnexpected("the derivative's id is not a SHA-256; nothing was fetched")
    home = folder / derivative.derivative_id
    listing = yield from _file_list(derivative, home, absolute, patience)
    files = read_file_list(listing)
    for file in files:
        _check_listed(file)
    if derivative.entry.path not in {file.path for file in files}:
        raise AnswerUnexpected(f"the derivative's entry {derivative.entry.path!r} is not among its files")
    counter = _Counter(sum(file.bytes for file in files), progress)
    base_url = absolute(derivative.base_url)
    for file in files:
        url = base_url.rstrip("/") + "/" + quote(file.path)
        try:
            yield from _FileFetch(file, url, home / file.path, counter).run(patience)
        except BytesRefused:
            _remove_empty_folders(home)
            raise
    with _disk(home):
        (home / (LIST_NAME + PART)).write_bytes(listing)
        os.replace(home / (LIST_NAME + PART), home / LIST_NAME)
    return Downloaded(
        derivative.derivative_id,
        home,
        home / derivative.entry.path,
        files,
        counter.total_bytes,
        counter.fetched_bytes,
    )


def _file_list(
    derivative: Derivative, home: Path, absolute: Callable[[str], str], patience: Patience
) -> Operation[bytes]:
    """The bytes of files.json, from this device when they are right, else fetched; always digest-checked."""
    with suppress(OSError):
        with (home / LIST_NAME).open("rb") as kept:
            listing = kept.read(MAX_FILE_LIST_BYTES)
        if hashlib.sha256(listing).hexdigest() == derivative.derivative_id:
            return listing
    request = Request("GET", absolute(derivative.file_list_url), follow_redirects=True)

    def once() -> Operation[bytes]:
        response = yield from fetch(request, max_bytes=MAX_FILE_LIST_BYTES)
        _check_status(response.head, LIST_NAME)
        return response.body

    listing = yield from retrying(once, patience)
    if hashlib.sha256(listing).hexdigest() != derivative.derivative_id:
        raise BytesRefused(
            "files.json is not the list this derivative is named after; nothing was downloaded. "
            "Report it to the service's owner.",
            path=LIST_NAME,
        )
    return listing


def _check_listed(file: DerivativeFile) -> None:
    """A listed file must stay below its folder on every operating system, and carry a digest and a length."""
    parts = file.path.split("/")
    safe = (
        0 < len(file.path) <= MAX_PATH_CHARACTERS
        and file.path.isprintable()
        and not set(file.path) & set('\\:*?"<>|')
        and all(part not in {"", ".", ".."} and part[-1] not in ". " for part in parts)
        and not PurePosixPath(file.path).is_absolute()
        and not file.path.endswith((PART, TAG))
        and file.path != LIST_NAME
    )
    if not safe:
        raise BytesRefused(
            f"files.json names an unsafe path ({file.path[:80]!r}); nothing was downloaded", path=file.path
        )
    if not _is_digest(file.sha256) or file.bytes < 0:
        raise AnswerUnexpected(f"files.json: {file.path}: want a SHA-256 and a length")


def _is_digest(text: str) -> bool:
    return len(text) == 64 and not set(text) - set("0123456789abcdef")


class _Counter:
    """Bytes of the whole derivative, for the progress call and the result."""

    def __init__(self, total_bytes: int, progress: ProgressCall | None) -> None:
        self.total_bytes = total_bytes
        self.fetched_bytes = 0
        self._finished_bytes = 0
        self._progress = progress

    def at(self, file: DerivativeFile, have_bytes: int) -> None:
        if self._progress is not None:
            self._progress(Progress(file.path, self._finished_bytes + have_bytes, self.total_bytes))

    def finished(self, file: DerivativeFile) -> None:
        self.at(file, file.bytes)
        self._finished_bytes += file.bytes


class _FileFetch:
    """One file on its way from a URL to its place."""

    def __init__(self, file: DerivativeFile, url: str, place: Path, counter: _Counter) -> None:
        self._file, self._url, self._place, self._counter = file, url, place, counter
        self._part = place.with_name(place.name + PART)
        self._tag = place.with_name(place.name + TAG)
        self._furthest_bytes = 0

    def run(self, patience: Patience) -> Operation[None]:
        """Fetch unless it is there; patience starts afresh whenever more of the file is here than ever."""
        if (yield from self._is_right(self._place)):
            self._counter.finished(self._file)
            return
        with _disk(self._place):
            self._place.parent.mkdir(parents=True, exist_ok=True)
        while True:
            before = self._furthest_bytes
            try:
                yield from retrying(self._once, patience)
            except Failed as failure:
                if not failure.may_pass or self._furthest_bytes == before:
                    raise
                continue
            break
        self._counter.finished(self._file)

    def _once(self) -> Operation[None]:
        """One request for what is missing; places the file, or leaves a part to resume, or leaves nothing."""
        digest, have = hashlib.sha256(), 0
        tag = self._kept_tag()
        if tag is not None:
            digest, have = yield from self._hashed(self._part)
        if tag is None or have > self._file.bytes:
            self._discard()
            digest, have, tag = hashlib.sha256(), 0, None
        resumed = have > 0
        if have < self._file.bytes or self._file.bytes == 0:
            head: Head = yield Open(self._request(have, tag))
            if head.status != 416:  # a range past the end: the part is spoilt, not the server
                _check_status(head, self._file.path)
            if resumed and not self._continues(head, have, tag):
                digest, have, resumed = hashlib.sha256(), 0, False
                self._discard()
                if head.status != 200:
                    raise DownloadIncomplete(f"{self._file.path}: the server cannot continue; starting again")
            have = yield from self._write(head, digest, have)
        self._place_or_refuse(digest.hexdigest(), have, resumed=resumed)

    def _request(self, have: int, tag: str | None) -> Request:
        headers = {"accept-encoding": "identity"}
        if have and tag:
            headers |= {"range": f"bytes={have}-", "if-range": tag}
        return Request("GET", self._url, headers=headers, decode=False, follow_redirects=True)

    def _continues(self, head: Head, have: int, tag: str | None) -> bool:
        """Whether a response is exactly the missing rest of the same bytes."""
        wanted = {f"bytes {have}-{self._file.bytes - 1}/{total}" for total in (self._file.bytes, "*")}
        return (
            head.status == 206
            and head.headers.get("content-range", "").strip() in wanted
            and head.headers.get("etag", tag) == tag
        )

    def _write(self, head: Head, digest: "hashlib._Hash", have: int) -> Operation[int]:
        """Append what comes to the part; the new length. Stops past the listed length."""
        if head.headers.get("content-encoding", "identity") != "identity":
            raise AnswerUnexpected(f"{self._file.path}: the server changed the file's encoding on the way")
        if head.status != 200 and have == 0:
            raise AnswerUnexpected(f"{self._file.path}: the server sent a piece nobody asked for")
        with _disk(self._part):
            if have == 0:
                self._keep_tag(head.headers.get("etag"))
            out = self._part.open("ab" if have else "wb")
        with out:
            while chunk := (yield Read()):
                with _disk(self._part):
                    self._append(out, chunk[: self._file.bytes - have + 1])
                digest.update(chunk)
                have += len(chunk)
                self._furthest_bytes = max(self._furthest_bytes, have)
                self._counter.fetched_bytes += len(chunk)
                if have > self._file.bytes:
                    break
                self._counter.at(self._file, have)
        if have < self._file.bytes and "content-length" not in head.headers:  # the end may be a cut
            raise DownloadIncomplete(
                f"{self._file.path}: {have} of {self._file.bytes} bytes arrived; download again to resume"
            )
        return have

    @staticmethod
    def _append(out: BinaryIO, chunk: bytes) -> None:
        out.write(chunk)
        out.flush()  # so that a killed process loses nothing that arrived

    def _place_or_refuse(self, sha256: str, have: int, *, resumed: bool) -> None:
        if have == self._file.bytes and sha256 == self._file.sha256:
            with _disk(self._place):
                os.replace(self._part, self._place)
                self._tag.unlink(missing_ok=True)
            return
        self._discard()
        if (
            resumed
        ):  # the part may have been spoilt on this device: fetch it whole once before blaming the server
            raise DownloadIncomplete(f"{self._file.path}: the resumed file was not right; starting again")
        raise BytesRefused(
            f"{self._file.path} is not the file the release names; it was deleted. "
            "Report it to the service's owner.",
            path=self._file.path,
        )

    def _kept_tag(self) -> str | None:
        """The strong ETag a part was begun with; without one a part cannot be continued safely."""
        try:
            tag = self._tag.read_text("ascii")
        except (OSError, ValueError):
            return None
        return tag if tag.startswith('"') and tag.endswith('"') and self._part.is_file() else None

    def _keep_tag(self, tag: str | None) -> None:
        if tag is not None and tag.startswith('"') and tag.isascii():
            self._tag.write_text(tag, "ascii")
        else:
            self._tag.unlink(missing_ok=True)

    def _is_right(self, place: Path) -> Operation[bool]:
        try:
            if not place.is_file() or place.stat().st_size != self._file.bytes:
                return False
        except OSError:
            return False
        digest, _ = yield from self._hashed(place)
        return digest.hexdigest() == self._file.sha256

    def _hashed(self, place: Path) -> Operation[tuple["hashlib._Hash", int]]:
        """Digest so far and length of a file on this device."""
        digest, length = hashlib.sha256(), 0
        with _disk(place), place.open("rb") as file:
            while chunk := file.read(READ_BACK_BYTES):
                digest.update(chunk)
                length += len(chunk)
                yield Sleep(0)
        return digest, length

    def _discard(self) -> None:
        with _disk(self._part):
            self._part.unlink(missing_ok=True)
            self._tag.unlink(missing_ok=True)


def _check_status(head: Head, path: str) -> None:
    if head.status in {200, 206}:
        return
    if head.status in {404, 410}:
        raise AnswerUnexpected(
            f"{path} is not on the server (status {head.status}); ask for the release again"
        )
    raise ServiceFailed(f"{path}: the server answered with status {head.status}", status=head.status)


def _remove_empty_folders(home: Path) -> None:
    """So that a refused derivative leaves nothing but the files that were right."""
    for folder in [*sorted((p for p in home.rglob("*") if p.is_dir()), reverse=True), home]:
        with suppress(OSError):  # not empty: something right is in it
            folder.rmdir()


@contextmanager
def _disk(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskFailed(
            f"{place}: {error.strerror or error}; free some space or choose another folder"
        ) from error
