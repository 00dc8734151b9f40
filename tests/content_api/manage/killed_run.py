"""An ingest that is killed: `python -m tests.content_api.manage.killed_run FOLDER STORE DATABASE WORK CALLS`.

The process kills itself with SIGKILL in place of store call number CALLS, counted from 0. A negative number
kills at the clock: everything of that row is stored, its draft is not yet saved.
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


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not reached")


class KillingStore(StoppingStore):
    """Kills its own process where a StoppingStore raises an error."""

    def _pass(self, call: Any, *arguments: Any, **named: Any) -> Any:
        if self.calls is not None and self.count >= self.calls:
            die()
        return super()._pass(call, *arguments, **named)


def main(folder: str, store: str, database: str, work: str, calls: int) -> None:
    ticks = 0

    def killing_clock() -> datetime:
        nonlocal ticks
        ticks += 1
        if ticks == -calls:
            die()
        return clock()

    with Drafts(Path(database)) as drafts:
        ingest(
            Path(folder),
            KillingStore(open_store(store, os.environ), calls if calls >= 0 else None),
            drafts,
            catalogue=load_catalogue(),
            run_master=copy_master,
            work=Path(work),
            clock=killing_clock,
        )


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
