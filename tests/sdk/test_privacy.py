"""No position leaves the device: everything a walk sends and logs is recorded and searched for it."""

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from halong_xr import Client
from halong_xr.geo import LatLon
from halong_xr.geohash import ALPHABET
from halong_xr.gpx import Track, load_track, parse_track
from halong_xr.walk import walk

from tests.sdk import fake_service as fake
from tests.sdk.conftest import QUICK
from tests.sdk.fake_service import FakeService
from tests.sdk.test_walk import LAT, LON, track


class Recorder(httpx.BaseTransport):
    """Passes requests on and keeps every byte of them."""

    def __init__(self) -> None:
        self._inner = httpx.HTTPTransport(verify=False)
        self.sent: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        self.sent.append(f"{request.method} {request.url}\n{headers}\n\n{request.read().decode()}")
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def exact_cell(point: LatLon, length: int) -> str:
    """A geohash of any length, written apart from the SDK's own."""
    low, high = [-180.0, -90.0], [180.0, 90.0]
    value, bits = (point.lon_deg, point.lat_deg), ""
    for place in range(5 * length):
        axis = place % 2
        middle = (low[axis] + high[axis]) / 2
        is_upper = value[axis] >= middle
        (low if is_upper else high)[axis] = middle
        bits += "01"[is_upper]
    return "".join(ALPHABET[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))


def traces_of(track: Track) -> Iterator[str]:
    """Every form in which a fix could give itself away."""
    for point in track.points:
        for degrees in (point.position.lat_deg, point.position.lon_deg):
            whole, _, decimals = f"{abs(degrees):.7f}".partition(".")
            yield f"{whole}.{decimals[:3]}"
            yield f"{round(abs(degrees), 3):.3f}"
            yield f"{whole}{decimals[:4]}"  # scaled to an integer
        yield exact_cell(point.position, 6)


def search(text: str, track: Track) -> list[str]:
    return [trace for trace in set(traces_of(track)) if trace in text]


def whole_walk(service: FakeService, track: Track, folder: Path, caplog: pytest.LogCaptureFixture) -> str:
    """All that was sent, logged and reported."""
    recorder = Recorder()
    with (
        caplog.at_level(logging.DEBUG),
        Client(service.url, transport=recorder, retry=QUICK) as client,
    ):
        told = list(walk(track, client, languages=("vi", "en"), sandbox=True, download_to=folder))
    assert recorder.sent
    assert caplog.messages
    return "\n".join([*recorder.sent, caplog.text, json.dumps(told)])


@pytest.fixture
def boat() -> Track:
    # off the content's own position, which is public and comes back from the service
    return parse_track(track(lat=LAT + 0.0012345, lon=LON + 0.0023456).encode())


def test_no_form_of_a_position_is_sent_logged_or_reported(
    service: FakeService, boat: Track, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = service.add_derivative({"model.glb": b"glTF" * 1000})
    service.experiences = [fake.experience("sung-sot", LAT, LON, derivatives=[model])]
    everything = whole_walk(service, boat, tmp_path, caplog)
    assert '"event": "enter"' in everything
    assert '"event": "download"' in everything
    assert search(everything, boat) == []
    assert re.findall(r'"geohash": "\w{6,}"', everything) == []


def test_the_server_learns_cells_of_five_characters_and_nothing_else(
    service: FakeService, boat: Track, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole_walk(service, boat, tmp_path, caplog)
    variables = [json.loads(seen.body)["variables"] for seen in service.seen]
    assert {frozenset(each) for each in variables} == {
        frozenset({"geohash", "first", "after", "languages", "device"})
    }
    assert {len(each["geohash"]) for each in variables} == {5}
    assert {seen.path for seen in service.seen} == {"/graphql"}  # no query string
    assert {name for seen in service.seen for name in seen.headers} == {
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    }


def test_the_search_finds_what_it_looks_for(boat: Track) -> None:
    """The fault planted: each of these would be found."""
    fix = boat.points[17].position
    for leak in (
        f"lat={fix.lat_deg}",
        f"{fix.lon_deg:.3f}",
        f"[{round(fix.lon_deg, 4)}",
        str(int(fix.lat_deg * 1e7)),
        exact_cell(fix, 6),
        exact_cell(fix, 9),
    ):
        assert search(leak, boat) != [], leak


@pytest.mark.parametrize("name", ["cerknicko-jezero.gpx", "sf_30km_h.gpx"])
def test_recorded_tracks_leave_no_trace(
    shared: Path, service: FakeService, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    recorded = load_track(shared / "assets" / "gps" / name)
    assert search(whole_walk(service, recorded, tmp_path, caplog), recorded) == []


def test_values_that_hold_a_position_do_not_print_it() -> None:
    from halong_xr import CircleFence, Fix

    here = LatLon(20.8463, 107.0886)
    assert (
        "20.8" not in f"{here} {here!r} {Fix(1, 20.8463, 107.0886, 5)!r} {CircleFence('a', True, here, 50)!r}"
    )
