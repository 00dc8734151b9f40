"""What a person sees while masters are worked on: a bar on a terminal, lines with `--verbose` elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from asset_pipeline.stages import Stage

if TYPE_CHECKING:
    import rich.progress

LINE_EVERY_S = 2.0  # per master: a search has a hundred stages, a log wants some of them
SHOWN_CHARS = 40  # of a master's name, its end


class Showing:
    """Shows nothing; what is common to the ways of showing."""

    def done(self, done: int, total: int, name: str) -> None:
        """So many masters of so many are done, this one just now."""

    def stage(self, name: str, stage: Stage) -> None:
        """A master has come to this stage. Called from several threads."""


class Lines(Showing):
    """Plain lines, at a moderate rate."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def done(self, done: int, total: int, name: str) -> None:
        """Always a line."""
        with self._lock:
            self._told_at.pop(name, None)
            print(f"{name}: done ({done} of {total})", file=self._stream, flush=True)

    def stage(self, name: str, stage: Stage) -> None:
        """A line, unless this master had one a moment ago."""
        now = time.monotonic()
        with self._lock:
            if now - self._told_at.get(name, -LINE_EVERY_S) >= LINE_EVERY_S:
                self._told_at[name] = now
                print(f"{name}: {stage}", file=self._stream, flush=True)


class Bar(Showing):
    """A bar that says how many masters are done and what is done now."""

    def __init__(self, bar: "rich.progress.Progress") -> None:
        self._bar = bar
        self._task = bar.add_task("looking for masters", total=None)

    def done(self, done: int, total: int, name: str) -> None:
        """One step on."""
        self._bar.update(self._task, completed=done, total=total, description=_end(name))

    def stage(self, name: str, stage: Stage) -> None:
        """The words beside the bar."""
        self._bar.update(self._task, description=f"{_end(name)}: {stage}")


@contextmanager
def showing_progress(*, verbose: bool) -> Iterator[Showing]:
    """A bar on standard error where that is a terminal; elsewhere lines, if verbose."""
    if not sys.stderr.isatty():
        yield Lines(sys.stderr) if verbose else Showing()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}", markup=False)  # a file may be called [red]
    with Progress(
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), words,
        console=Console(stderr=True), transient=True,
    ) as bar:  # fmt: skip
        yield Bar(bar)


def _end(name: str) -> str:
    return name if len(name) <= SHOWN_CHARS else "…" + name[1 - SHOWN_CHARS :]
