"""`halong-xr ingest` killed in the middle and repeated: the same store and the same drafts as without."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.journey.trip import Trip, new_trip

TIMES = {"created_at", "changed_at", "approved_at", "approved_by", "status"}


def rows(trip: Trip) -> list[dict[str, Any]]:
    """The drafts without the times at which they came."""
    return [
        {name: value for name, value in row.items() if name not in TIMES}
        for row in trip.ask("drafts")["drafts"]
    ]


@pytest.mark.parametrize("after_objects", [0, 12])
def test_killed_and_repeated_it_ends_as_if_undisturbed(
    folder_trip: Trip, small_masters: Path, tmp_path: Path, after_objects: int
) -> None:
    trip = new_trip(tmp_path, small_masters, str(tmp_path / "store"))
    store = tmp_path / "store"
    running = trip.start("ingest", small_masters, "--no-search", start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while running.poll() is None and not (has_begun(tmp_path) and count_files(store) >= after_objects):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert running.poll() is None, "it ended before it could be killed"
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate(timeout=30)
    assert running.returncode == -signal.SIGKILL
    assert len(trip.keys()) < len(folder_trip.told["keys"])

    report = trip.ask("ingest", small_masters, "--no-search")
    assert report["problems"] == folder_trip.told["first ingest"]["problems"]
    assert {item["status"] for item in report["items"]} <= {"added", "unchanged"}
    assert trip.keys() == folder_trip.told["keys"]
    assert rows(trip) == rows(folder_trip)
    assert [item["status"] for item in trip.ask("ingest", small_masters, "--no-search")["items"]] == [
        "unchanged"
    ] * 3
    assert trip.keys() == folder_trip.told["keys"]


def has_begun(place: Path) -> bool:
    """Whether the pipeline is at work."""
    return any((place / "cache").glob("ingest/*"))


def count_files(folder: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))
