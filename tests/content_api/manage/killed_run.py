"""Ingests that are killed: `python -m tests.content_api.manage.killed_run FOLDER PLACES STORES POINT...`.

For each point a process of its own ingests FOLDER and kills itself with SIGKILL. `call-7` is in place of the
store call 7, counted from 0; `clock-2` is when everything of row 2 is stored and its draft is not yet saved.
Database and work folder are in PLACES/POINT, the store is STORES/POINT. Prints the signal of each.
"""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

from content_api.manage.drafts import Drafts
from content_api.manage.ingest import ingest
from content_api.store import open_store
from heritage_sites import load_catalogue
from tests.content_api.manage.deliveries import clock, copy_master
from tests.content_api.publish.stopping import StoppingStore

CATALOGUE = load_catalogue()


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


class KillingStore(StoppingStore):
    """Kills its own process where a StoppingStore raises an error."""

    def _pass(self, call: Any, *arguments: Any, **named: Any) -> Any:
        if self.calls is not None and self.count >= self.calls:
            die()
        return super()._pass(call, *arguments, **named)


def ingest_and_die(folder: Path, place: Path, store: str, point: str) -> None:
    kind, number = point.split("-")
    ticks = 0

    def killing_clock() -> datetime:
        nonlocal ticks
        ticks += 1
        if kind == "clock" and ticks == int(number):
            die()
        return clock()

    with Drafts(place / "drafts.sqlite3") as drafts:
        ingest(
            folder,
            KillingStore(open_store(store, os.environ), int(number) if kind == "call" else None),
            drafts,
            catalogue=CATALOGUE,
            run_master=copy_master,
            work=place / "work",
            clock=killing_clock,
        )


def main(folder: str, places: str, stores: str, *points: str) -> None:
    for point in points:
        pid = os.fork()  # this process has one thread, and the imports behind it
        if pid == 0:
            ingest_and_die(Path(folder), Path(places) / point, f"{stores}/{point}", point)
            os._exit(0)
        _pid, status = os.waitpid(pid, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
