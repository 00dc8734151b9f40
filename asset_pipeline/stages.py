"""What a child process tells the one that waits for it while it works: its stage, and that the first look is
over.

Both are files in the job's folder: one line of JSON that is overwritten, so that no child can fill a disk
with it, and an empty mark. Outside a child nothing is told and nothing costs anything.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STAGE_FILE, CHECKED_FILE = "stage.json", "checked"
MAX_STAGE_CHARS = 100
MAX_STAGE_BYTES = 4096  # of the file; a longer one is not ours
MIN_INTERVAL_S = 0.05  # between two counts of the same stage

_job: Path | None = None
_end_of_first_look: Callable[[], None] | None = None
_told = ("", 0.0)  # text, and when


@dataclass(frozen=True, slots=True)
class Stage:
    """What is being done, and how far it has come, where that is known."""

    text: str
    done: int | None = None
    total: int | None = None

    def __str__(self) -> str:
        if self.done is None:
            return self.text
        return (
            f"{self.text}, {self.done}" if self.total is None else f"{self.text}, {self.done} of {self.total}"
        )


def stage(text: str, *, done: int | None = None, total: int | None = None) -> None:
    """Say what is done now, as in `stage("ar: searching, trial", done=5, total=20)`.

    Does nothing outside a child.
    """
    global _told  # one process does one job
    now = time.monotonic()
    if _job is None or (text == _told[0] and done != total and now - _told[1] < MIN_INTERVAL_S):
        return
    _told = (text, now)
    part = _job / f"{STAGE_FILE}.part"
    part.write_text(json.dumps([text[:MAX_STAGE_CHARS], done, total]), encoding="utf-8")
    part.replace(_job / STAGE_FILE)


def first_look_done() -> None:
    """The master is read and checked: from here on the child has the memory and time of honest work."""
    if _job is not None and _end_of_first_look is not None:
        (_job / CHECKED_FILE).touch()
        _end_of_first_look()


def tell_to(job: Path | None, end_of_first_look: Callable[[], None] | None = None) -> None:
    """Called by the child once, before its work; None ends it."""
    global _job, _end_of_first_look, _told
    _job, _end_of_first_look, _told = job, end_of_first_look, ("", 0.0)


def read_stage(job: Path) -> Stage | None:
    """What the child in this folder last said; None where it said nothing, or nothing that makes sense."""
    try:
        with (job / STAGE_FILE).open("rb") as file:
            body = file.read(MAX_STAGE_BYTES + 1)
        text, done, total = json.loads(body)
    except (OSError, ValueError, TypeError):
        return None
    counts = (done, total)
    if not isinstance(text, str) or not all(count is None or type(count) is int for count in counts):
        return None
    plain = "".join(character if character.isprintable() else " " for character in text)
    return Stage(plain[:MAX_STAGE_CHARS], done, total)


def is_checked(job: Path) -> bool:
    """Whether the child in this folder has done its first look."""
    return (job / CHECKED_FILE).exists()
