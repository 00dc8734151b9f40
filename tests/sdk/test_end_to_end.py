"""The SDK against the real public server: a process of its own on loopback, a release, a boat trip."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from halong_xr import Device, LatLon, Progress, QueryRefused
from halong_xr.__main__ import main
from halong_xr.core import DEVICE_CLASSES
from halong_xr.gpx import parse_track

from content_api.demo.track import demo_track
from content_api.store.folder import FolderStore
from tests.content_api.public.samples import make_store
from tests.content_api.public.test_server import Server, started
from tests.sdk.conftest import quick_async_client, quick_client
from tests.sdk.test_download import Stopped, tree
from tests.sdk.test_privacy import search

SITES = ["hang-dau-go", "dao-ti-top", "hang-sung-sot"]
EXPERIENCES = ["hang-dau-go-model", "dao-ti-top-panorama", "hang-sung-sot-photo"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def server(store: FolderStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(store, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def boat(tmp_path: Path) -> Path:
    file = tmp_path / "boat.gpx"
    file.write_text(demo_track(), "utf-8")
    return file


def walked(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict]:
    assert main(["walk", *map(str, arguments), "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_boat_trip_past_three_sites(
    server: Server, boat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = tmp_path / "phone"
    told = walked(capsys, boat, "--url", server.url, "--sandbox", "--download", phone)
    entered = [report for report in told if report["event"] == "enter"]
    assert [report["experience"] for report in entered] == EXPERIENCES
    assert [set(report["titles"]) for report in entered] == [{"vi", "en"}] * 3
    assert [report["experience"] for report in told if report["event"] == "exit"] == EXPERIENCES
    loaded = [(r["experience"], r["usage"], r["quality"]) for r in told if r["event"] == "download"]
    assert loaded == [
        ("hang-dau-go-model", "App3D", "AR"),
        ("dao-ti-top-panorama", "Panorama", "High"),
        ("hang-sung-sot-photo", "Image2D", "Low"),
    ]
    assert sum(map(len, tree(phone).values())) > told[-1]["verified_bytes"] == 200_000 + 80_000 + 4_500
    again = walked(capsys, boat, "--url", server.url, "--sandbox", "--download", phone)
    assert (again[-1]["verified_bytes"], again[-1]["fetched_bytes"]) == (284_500, 0)


def test_without_a_sandbox_nothing_of_the_seed_fires(
    server: Server, boat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server itself runs as a sandbox: that alone must not switch the phone's on."""
    told = walked(capsys, boat, "--url", server.url)
    assert [report["event"] for report in told] == ["start", "summary"]
    assert told[-1]["not_live_fences"] == 3


def test_the_servers_log_holds_nothing_of_the_way(
    server: Server, boat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walked(capsys, boat, "--url", server.url, "--sandbox")
    assert "/graphql" in server.log()
    assert search(server.log(), parse_track(boat.read_bytes())) == []


def test_both_clients_read_the_whole_release(server: Server) -> None:
    with quick_client(server.url) as client:
        release, sites, tours = client.release(), client.sites(), client.tours()
        assert (release.sandbox, release.site_count, len(sites)) == (True, 57, 57)
        assert release.tour_count == len(tours)
        assert [str(client.site(slug).position.basis) for slug in SITES]
        assert sum(site.position.point is None for site in sites) == 1
        assert client.site("atlantis") is None

        async def the_same() -> None:
            async with quick_async_client(server.url) as other:
                assert await other.release() == release
                assert await other.sites() == sites
                assert await other.tours() == tours

        asyncio.run(the_same())


def test_a_cell_is_asked_and_ranked_here(server: Server) -> None:
    with quick_client(server.url, languages=("en",)) as client:
        near = client.experiences_around(LatLon(20.846389, 107.088611))
        assert [n.experience.site.slug for n in near][:2] == ["hang-sung-sot", "dao-ti-top"]
        assert near[0].distance_m is not None
        assert near[0].distance_m < near[1].distance_m < 6000
        assert near[0].experience.title.language == "en"
        with pytest.raises(QueryRefused):
            client.experiences_in_cell("w7snsg")


@pytest.mark.parametrize("device_class", DEVICE_CLASSES)
def test_every_derivative_of_every_device_arrives(server: Server, tmp_path: Path, device_class: str) -> None:
    device = Device(device_class, max_download_bytes=50_000_000, image_formats=("webp", "jpeg"))
    with quick_client(server.url, device=device) as client:
        found = [client.experience(slug) for slug in EXPERIENCES]
        derivatives = [d for e in found if e for media in e.media for d in media.derivatives]
        assert len(derivatives) >= 3
        for derivative in derivatives:
            assert derivative.why
            got = client.download(derivative, tmp_path)
            assert got.entry.stat().st_size == derivative.entry.bytes
            assert (len(got.files), got.verified_bytes) == (derivative.file_count, derivative.bytes)


def test_a_stopped_download_resumes_at_the_real_server(server: Server, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done_bytes:
            raise Stopped

    with quick_client(server.url, device="desktop") as client:
        model = client.experience("hang-dau-go-model")
        assert model is not None
        derivative = max(model.media[0].derivatives, key=lambda d: d.bytes)
        with pytest.raises(Stopped):
            client.download(derivative, tmp_path, progress=stop)
        (part,) = tmp_path.rglob("*.part")
        have = part.stat().st_size
        got = client.download(derivative, tmp_path)
        assert (0 < have < derivative.bytes, got.fetched_bytes) == (True, derivative.bytes - have)
