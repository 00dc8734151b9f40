"""Drafts: experiences on their way to a release, as rows of one SQLite file.

A draft's id follows from site, kind and master, so the same delivery is the same row however often it comes.
An approval is for the content that was there: when the content changes, the row is a draft again.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from content_api.manage.errors import DraftsFailed
from heritage_sites.asset import Derivative
from heritage_sites.checks import sha256_hex
from heritage_sites.codec import from_json, parse_json, to_json
from heritage_sites.experience import Experience
from heritage_sites.release import canonical_json

Clock = Callable[[], datetime]  # aware, UTC

SCHEMA_VERSION = 1  # kept in the file's user_version; a newer file is refused, not guessed at
BUSY_TIMEOUT_S = 30.0  # how long to wait for another command's transaction; ours take milliseconds
_SCHEMA = """
CREATE TABLE draft (
    id TEXT PRIMARY KEY,
    experience TEXT NOT NULL,
    master_sha256 TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('draft', 'approved')),
    approved_by TEXT,
    approved_at TEXT,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    CHECK ((status = 'approved') = (approved_by IS NOT NULL AND approved_at IS NOT NULL))
) STRICT
"""
_COLUMNS = "id, experience, master_sha256, status, approved_by, approved_at, created_at, changed_at"


class DraftStatus(StrEnum):
    """Whether a draft may be published."""

    DRAFT = "draft"
    APPROVED = "approved"


class Saved(StrEnum):
    """What `Drafts.save` did."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Draft:
    """One experience with where it stands on its way. `approved_by` and `approved_at` come together."""

    experience: Experience
    master_sha256: str
    status: DraftStatus
    created_at: datetime
    changed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None

    @property
    def id(self) -> str:
        """The experience's id; see `draft_id_of`."""
        return self.experience.id

    @property
    def derivatives(self) -> tuple[Derivative, ...]:
        """What the pipeline made of the master."""
        return tuple(derivative for medium in self.experience.media for derivative in medium.derivatives)

    def as_json(self) -> dict[str, Any]:
        """The draft for `--json` and for pages."""
        return {
            "id": self.id,
            "status": self.status.value,
            "approved_by": self.approved_by,
            "approved_at": self.approved_at.isoformat() if self.approved_at else None,
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "master_sha256": self.master_sha256,
            "experience": to_json(self.experience),
        }


def draft_id_of(site_id: str, kind: str, master_sha256: str) -> str:
    """The id which one master has at one site, in one role."""
    return f"{site_id}-{kind}-{master_sha256[:12]}"


def utc_now() -> datetime:
    """The time, for where no other clock is handed in."""
    return datetime.now(UTC)


class Drafts:
    """The drafts of one SQLite file, which is made at the first write. For one thread; close at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> "Drafts":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def save(self, experience: Experience, master_sha256: str, *, at: datetime) -> Saved:
        """Add the experience, or put new content in its row; the same content again changes nothing."""
        sha256_hex("master_sha256", master_sha256)
        content, now = _encode(experience), _stamp(at)
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT experience, master_sha256 FROM draft WHERE id = ?", (experience.id,)
            ).fetchone()
            if row is None:
                connection.execute(
                    f"INSERT INTO draft ({_COLUMNS}) VALUES (?, ?, ?, 'draft', NULL, NULL, ?, ?)",  # noqa: S608  columns are ours
                    (experience.id, content, master_sha256, now, now),
                )
                return Saved.ADDED
            if tuple(row) == (content, master_sha256):
                return Saved.UNCHANGED
            connection.execute(
                "UPDATE draft SET experience = ?, master_sha256 = ?, status = 'draft', approved_by = NULL,"
                " approved_at = NULL, changed_at = ? WHERE id = ?",
                (content, master_sha256, now, experience.id),
            )
            return Saved.CHANGED

    def approve(self, draft_id: str, *, by: str, at: datetime) -> bool:
        """Mark as approved. False: no such draft, or it is approved already; nothing changes then."""
        with self._transaction() as connection:
            done = connection.execute(
                "UPDATE draft SET status = 'approved', approved_by = ?, approved_at = ?"
                " WHERE id = ? AND status = 'draft'",
                (by, _stamp(at), draft_id),
            )
            return done.rowcount == 1

    def find(self, draft_id: str) -> Draft | None:
        """The draft of this id, None if there is none."""
        found = self._select("WHERE id = ?", draft_id)
        return found[0] if found else None

    def list_all(self, status: DraftStatus | None = None) -> list[Draft]:
        """All drafts, or those of one status, by id."""
        return self._select("WHERE status = ?", status.value) if status else self._select("")

    def _select(self, where: str, *arguments: str) -> list[Draft]:
        if self._connection is None and not self._path.exists():
            return []  # reading makes no file
        with self._wrapped():
            rows = self._open().execute(
                f"SELECT {_COLUMNS} FROM draft {where} ORDER BY id",  # noqa: S608  both are ours
                arguments,
            )
            return [_decode(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._wrapped():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            try:
                _prepare(connection, self._path)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise DraftsFailed(f"{self._path}: {error}") from error


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA journal_mode = WAL")  # readers go on while a writer writes
    connection.execute("PRAGMA synchronous = FULL")  # an approval that was told is on disk
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.execute(_SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
    if version not in (0, SCHEMA_VERSION):
        raise DraftsFailed(f"{path}: drafts of version {version}, this program knows {SCHEMA_VERSION}")


def _encode(experience: Experience) -> str:
    return canonical_json(to_json(experience)).decode()


def _decode(row: tuple[Any, ...]) -> Draft:
    _id, experience, master_sha256, status, approved_by, approved_at, created_at, changed_at = row
    return Draft(
        # written by us; an older program may meet a newer one's keys
        experience=from_json(Experience, parse_json(experience.encode()), strict=False),
        master_sha256=master_sha256,
        status=DraftStatus(status),
        approved_by=approved_by,
        approved_at=datetime.fromisoformat(approved_at) if approved_at else None,
        created_at=datetime.fromisoformat(created_at),
        changed_at=datetime.fromisoformat(changed_at),
    )


def _stamp(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError(f"want a time with its zone, got {at}")
    return at.astimezone(UTC).isoformat(timespec="seconds")
