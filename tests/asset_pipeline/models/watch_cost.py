"""What a piece of work costs with all processes it starts."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOK_S = 0.02


@dataclass(frozen=True)
class Cost:
    """peak_bytes: the most that all processes below this one held at once, without what files back."""

    seconds: float
    peak_bytes: int


def watched(work: Callable[[], Any]) -> tuple[Any, Cost]:
    """The work's value and its cost; for one piece of work at a time in a process."""
    done = threading.Event()
    peak_bytes = [0]
    others = frozenset(descendants("self"))  # services and browsers of other tests

    def watch() -> None:
        while not done.wait(LOOK_S):
            sizes = [anonymous_bytes(pid) for pid in descendants("self") if pid not in others]
            peak_bytes[0] = max(peak_bytes[0], sum(sizes))

    thread = threading.Thread(target=watch)
    thread.start()
    started = time.monotonic()
    try:
        value = work()
    finally:
        seconds = time.monotonic() - started
        done.set()
        thread.join()
    return value, Cost(seconds, peak_bytes[0])


def own_peak_bytes() -> int:
    """The most this process has held. Unlike ru_maxrss it does not begin with the parent's peak."""
    for line in _read(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def descendants(pid: str) -> list[str]:
    """Ids of all processes below one."""
    found: list[str] = []
    for task in _listed(Path("/proc", pid, "task")):
        for child in _read(task / "children").split():
            found += [child, *descendants(child)]
    return found


def anonymous_bytes(pid: str) -> int:
    for line in _read(Path("/proc", pid, "status")).splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:  # it has ended
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
