"""`python -m halong_xr walk`, against a service on a loopback port."""

import json
import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from halong_xr.__main__ import main
from halong_xr.geo import METRES_PER_DEGREE, wrapped_deg
from halong_xr.gpx import parse_track
from halong_xr.walk import walk

from tests.sdk import fake_service as fake
from tests.sdk.conftest import quick_client
from tests.sdk.fake_service import FakeService, sha256

LAT, LON = 20.846389, 107.088611
MODEL, PANORAMA = b"glTF" * 20_000, b"jpeg" * 30_000


def track(*, metres: int = 2000, step_m: int = 20, lat: float = LAT, lon: float = LON) -> str:
    """A boat that passes the cave from west to east at 4 m/s, at eight o'clock."""
    east = 1 / (METRES_PER_DEGREE * math.cos(math.radians(lat)))
    start = datetime(2026, 5, 1, 8, tzinfo=UTC)
    points = [
        f'<trkpt lat="{lat}" lon="{wrapped_deg(lon + m * east):.7f}">'
        f"<time>{start + timedelta(seconds=m / 4):%FT%TZ}</time></trkpt>"
        for m in range(-metres, metres + 1, step_m)
    ]
    return (
        '<gpx xmlns="http://www.topografix.com/GPX/1/1"><trk><name>Boat</name><trkseg>'
        + "".join(points)
        + "</trkseg></trk></gpx>"
    )


@pytest.fixture
def gpx(tmp_path: Path) -> Path:
    file = tmp_path / "boat.gpx"
    file.write_text(track(), "utf-8")
    return file


@pytest.fixture
def bay(service: FakeService) -> FakeService:
    """A cave whose fence is for live use, and one on the way whose fence is not."""
    model = service.add_derivative({"model.glb": MODEL})
    panorama = service.add_derivative({"panorama.jpg": PANORAMA}, "Panorama", "High")
    service.experiences = [
        fake.experience("sung-sot", LAT, LON, derivatives=[model, panorama]),
        fake.experience("draft", LAT, LON + 0.008, derivatives=[panorama], live=False),
    ]
    return service


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "halong_xr", "walk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def reports(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict]]:
    code = main(["walk", *map(str, arguments), "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_walk_tells_what_a_visitor_meets(
    bay: FakeService, gpx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = reports(capsys, gpx, "--url", bay.url, "--download", tmp_path / "phone")
    assert code == 0
    assert [report["event"] for report in told] == ["start", "enter", "download", "exit", "summary"]
    start, entered, downloaded, left, summary = told
    assert start == {"event": "start", "track": "Boat", "fixes": 201, "notes": []}
    assert entered == {
        "event": "enter",
        "at": "2026-05-01T07:58:50+00:00",
        "geofence": "sung-sot-area",
        "experience": "sung-sot",
        "site": "sung-sot",
        "titles": {"vi": "Tháp sung-sot", "en": "Tower sung-sot"},
        "kind": "model",
        "site_names": {"vi": "Hang sung-sot", "en": "sung-sot cave"},
        "distance_m": 280,
        "illustration": True,
        "notice": "Minh hoạ.",
        "credit": "The halong-xr authors",
        "licence": "CC-BY-4.0",
        "derivatives": [
            {
                "derivative_id": downloaded["derivative_id"],
                "usage": "App3D",
                "quality": "AR",
                "bytes": 80_000,
                "files": 1,
                "why": "fits",
            }
        ],
    }
    assert (left["event"], left["experience"]) == ("exit", "sung-sot")
    entry = Path(downloaded["entry"])
    assert sha256(entry.read_bytes()) == sha256(MODEL)
    assert (downloaded["verified_bytes"], downloaded["files"]) == (80_000, 1)
    cells = summary.pop("cells_asked")
    assert cells == bay.cells_seen()
    assert len(cells) == len(set(cells)) == 12  # two cells with their neighbours
    assert summary.pop("received_bytes") > 80_000
    assert summary == {
        "event": "summary",
        "fixes": 201,
        "fixes_not_used": {},
        "km": 4.0,
        "events": {"enter": 1, "dwell": 0, "exit": 1},
        "experiences": ["sung-sot"],
        "downloads": 1,
        "verified_bytes": 80_000,
        "fetched_bytes": 80_000,
        "requests": len(bay.seen),
        "sandbox": False,
        "not_live_fences": 1,
        "problems": 0,
    }


def test_fences_not_for_live_use_fire_in_a_sandbox_only(
    bay: FakeService, gpx: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, live = reports(capsys, gpx, "--url", bay.url)
    _, sandbox = reports(capsys, gpx, "--url", bay.url, "--sandbox")
    entered = [[r["experience"] for r in told if r["event"] == "enter"] for told in (live, sandbox)]
    assert entered == [["sung-sot"], ["sung-sot", "draft"]]


def test_the_story_in_words(bay: FakeService, gpx: Path, tmp_path: Path) -> None:
    done = run(gpx, "--url", bay.url, "--download", tmp_path / "phone")
    assert (done.returncode, done.stderr) == (0, "")
    for words in [
        "Replaying Boat: 201 fixes.",
        "Entering Hang sung-sot / sung-sot cave",
        "model: Tháp sung-sot / Tower sung-sot",
        "m away, measured on this device",
        "Minh hoạ.",
        "The halong-xr authors (CC-BY-4.0)",
        "suits this device: App3D AR, 80 kB: fits",
        "verified: 1 file, 80 kB, ",
        "Leaving Tháp sung-sot / Tower sung-sot",
        "Done: 4.0 km, fixes: 201, fences entered: 1, left: 1, experiences met: 1.",
        "1 fence is not for live use (no surveyed position) and did not fire; --sandbox tries them out.",
    ]:
        assert words in done.stdout, words
    assert "not for live use" not in run(gpx, "--url", bay.url, "--sandbox").stdout


def test_a_second_walk_verifies_without_fetching(
    bay: FakeService, gpx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports(capsys, gpx, "--url", bay.url, "--download", tmp_path / "phone")
    code, told = reports(capsys, gpx, "--url", bay.url, "--download", tmp_path / "phone")
    assert (code, told[-1]["verified_bytes"], told[-1]["fetched_bytes"]) == (0, 80_000, 0)


def test_a_download_that_is_refused_is_told_and_fails_the_walk(
    bay: FakeService, gpx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path,) = [path for path in bay.files if path.endswith("model.glb")]
    bay.faults[path] = [fake.other_bytes]
    code, told = reports(capsys, gpx, "--url", bay.url, "--download", tmp_path / "phone")
    assert code == 3
    (problem,) = [report for report in told if report["event"] == "problem"]
    assert "model.glb is not the file the release names" in problem["message"]
    assert (told[-1]["problems"], told[-1]["downloads"]) == (1, 0)
    assert not list((tmp_path / "phone").rglob("*"))


def test_what_two_experiences_share_is_downloaded_once(
    bay: FakeService, gpx: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = bay.add_derivative({"model.glb": MODEL})
    bay.experiences = [fake.experience(name, LAT, LON, derivatives=[model]) for name in ("one", "two")]
    _, told = reports(capsys, gpx, "--url", bay.url, "--download", tmp_path / "phone")
    assert [r["experience"] for r in told if r["event"] == "download"] == ["one"]
    assert (told[-1]["downloads"], told[-1]["verified_bytes"]) == (1, 80_000)


def test_titles_fall_back_to_what_there_is(
    bay: FakeService, gpx: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = reports(capsys, gpx, "--url", bay.url, "--languages", "vi-VN,ko")
    assert told[1]["titles"] == {"vi-VN": "Tháp sung-sot"}
    _, told = reports(capsys, gpx, "--url", bay.url, "--languages", "ko")
    assert told[1]["titles"] == {"en": "Tower sung-sot"}


def test_dwell_and_pass_are_told(bay: FakeService, gpx: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fence = fake.circle("sung-sot-area", LAT, LON)
    bay.experiences[0]["triggers"] = [
        {"kind": "DWELL", "dwellS": 60.0, "geofence": fence},
        {"kind": "DWELL", "dwellS": 9000.0, "geofence": fence},
    ]
    passing = fake.experience("passing", LAT, LON)
    passing["triggers"] = [{"kind": "PASS", "dwellS": None, "geofence": fake.circle("by", LAT, LON)}]
    bay.experiences.append(passing)
    _, told = reports(capsys, gpx, "--url", bay.url)
    assert [(r["event"], r["experience"]) for r in told[1:-1]] == [
        ("enter", "passing"),
        ("dwell", "sung-sot"),
        ("exit", "passing"),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none.gpx"], 1, "none.gpx: No such file"),
        (["boat.gpx", "--url", "http://127.0.0.1:9"], 3, "cannot be reached; check the address"),
        (["boat.gpx", "--url", "example.org"], 2, "url: want the service's address"),
        (["boat.gpx", "--languages", ","], 2, "want tags such as vi,en"),
        (["boat.gpx", "--device", "fridge"], 2, "invalid choice: 'fridge'"),
        (["boat.gpx", "--speed", "-1"], 2, "want 0 or more"),
        (["boat.gpx", "--speed", "nan"], 2, "want 0 or more"),
        ([], 2, "TRACK.gpx"),
        (["boat.gpx", "--pack", "x"], 2, "unrecognized arguments"),
    ],
)
def test_what_goes_wrong_ends_with_its_code_and_words(
    gpx: Path, arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(gpx) if argument == "boat.gpx" else argument for argument in arguments]
    try:
        ended = main(["walk", *given])
    except SystemExit as stop:
        ended = int(stop.code or 0)
    assert ended == code
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told


def test_speed_waits_as_long_as_the_track_took(bay: FakeService) -> None:
    waits: list[float] = []
    with quick_client(bay.url) as client:
        list(walk(parse_track(track().encode()), client, languages=("vi",), speed=10.0, sleep=waits.append))
    assert sum(waits) == pytest.approx(100.0)
    assert len(waits) == 200


def test_every_shared_track_walks_or_is_refused(
    shared: Path, service: FakeService, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in sorted((shared / "assets" / "gps").glob("*.gpx")):
        code = main(["walk", str(file), "--url", service.url])
        told = capsys.readouterr()
        assert code == (1 if "holds no track points" in told.err else 0), file.name


def test_a_walk_over_180_degrees(service: FakeService, tmp_path: Path) -> None:
    service.experiences = [fake.experience("taveuni", -16.8, 179.9995)]
    line = track(lat=-16.8, lon=179.9995, metres=1000)
    points = parse_track(line.encode()).points
    assert {point.position.lon_deg > 0 for point in points} == {True, False}
    with quick_client(service.url) as client:
        told = list(walk(parse_track(line.encode()), client, languages=("vi",)))
    assert [report["event"] for report in told] == ["start", "enter", "exit", "summary"]
