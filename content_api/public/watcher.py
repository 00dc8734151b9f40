"""Hold the current release, and follow the store's word on which one that is.

A request takes the reference once; a new release replaces it in one assignment. What cannot be opened is told
once and asked for again; meanwhile the release that is held keeps serving.
"""

import asyncio
import logging

from content_api.public.errors import ReleaseMissing, ReleaseProblem
from content_api.public.open_release import OpenRelease
from content_api.public.release import open_release, read_current
from content_api.store.base import Store, StoreError

log = logging.getLogger("content_api.public")


class ReleaseWatcher:
    """The release that is being served."""

    def __init__(self, store: Store, *, poll_s: float) -> None:
        """poll_s: seconds between two looks at the store's current pointer."""
        if not poll_s > 0:
            raise ValueError(f"poll_s: want more than 0 seconds, got {poll_s}")
        self._store = store
        self._poll_s = poll_s
        self._release: OpenRelease | None = None
        self._told: str | None = None

    def current(self) -> OpenRelease | None:
        """The release to answer from; None until one could be opened."""
        return self._release

    def look(self) -> None:
        """Open the store's current release, if it is another than the one held. Blocks; raises nothing."""
        try:
            named = read_current(self._store)
            held = self._release
            if held is not None and named.sequence == held.sequence and named.release_id == held.release_id:
                self._told = None
                return
            if held is not None and named.sequence <= held.sequence:
                self._tell(f"the store names sequence {named.sequence}, lower than or equal to the one held")
                return
            opened = open_release(self._store, named)
        except ReleaseMissing as missing:
            self._tell(str(missing))
        except (ReleaseProblem, StoreError) as problem:
            self._tell(f"cannot open the current release: {problem}")
        else:
            self._release = opened
            self._told = None
            log.info("serving release %s, sequence %d", opened.release_id, opened.sequence)

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(self._poll_s)
            await asyncio.to_thread(self.look)

    def _tell(self, message: str) -> None:
        if message != self._told:
            log.warning("%s", message)
        self._told = message
