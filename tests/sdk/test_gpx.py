from datetime import UTC, datetime
from pathlib import Path

import pytest
from halong_xr import gpx
from halong_xr.errors import TrackUnreadable
from halong_xr.gpx import Track, load_track, parse_track

GPX_11 = 'xmlns="http://www.topografix.com/GPX/1/1" version="1.1"'
READ = {  # file -> points, whole metres, notes
    "Mojstrovka.gpx": (184, 2698, ("the recorder's clock stood still: all are replayed one second apart",)),
    "cerknicko-jezero.gpx": (296, 13665, ()),
    "cerknicko-without-times.gpx": (
        296,
        13665,
        ("291 of 296 fixes carry no time: all are replayed one second apart",),
    ),
    "gpx1.1_with_all_fields.gpx": (1, 0, ()),
    "korita-zbevnica.gpx": (
        871,
        27613,
        ("358 of 871 fixes carry no time: all are replayed one second apart",),
    ),
    "sf_30km_h.gpx": (49, 780, ()),
    "track-with-empty-segment.gpx": (9, 86, ()),
}
NO_TRACK = {"custom_schema_locations.gpx", "unicode.gpx"}  # an empty file and one that holds waypoints only


def track_of(*points: str, head: str = GPX_11) -> bytes:
    return f"<gpx {head}><trk><trkseg>{''.join(points)}</trkseg></trk></gpx>".encode()


def test_every_shared_track_is_read_or_refused_with_a_reason(shared: Path) -> None:
    folder = shared / "assets" / "gps"
    assert {file.name for file in folder.glob("*.gpx")} == READ.keys() | NO_TRACK
    for name, (points, metres, notes) in READ.items():
        track = load_track(folder / name)
        assert (name, len(track.points), round(track.length_m), track.notes) == (name, points, metres, notes)
    for name in NO_TRACK:
        with pytest.raises(TrackUnreadable, match=f"{name}: holds no track points; record a track"):
            load_track(folder / name)


def test_points_carry_position_height_and_time() -> None:
    track = parse_track(
        track_of(
            '<trkpt lat="20.9" lon="107.1"><ele> 3.5 </ele><time>2026-05-01T08:00:00+07:00</time></trkpt>',
            '<trkpt lat="-20.9" lon="-180"><ele>high</ele><time>2026-05-01T01:00:01.1234567Z</time></trkpt>',
        )
    )
    first, second = track.points
    assert (first.position.lat_deg, first.position.lon_deg, first.height_m) == (20.9, 107.1, 3.5)
    assert first.at == datetime(2026, 5, 1, 1, tzinfo=UTC)
    assert (second.position.lon_deg, second.height_m) == (-180, None)
    assert second.at == datetime(2026, 5, 1, 1, 0, 1, 123456, tzinfo=UTC)


def test_a_route_is_walked_where_there_is_no_track_and_it_is_said() -> None:
    body = f'<gpx {GPX_11}><rte><rtept lat="1" lon="2"/><rtept lat="1" lon="3"/></rte></gpx>'.encode()
    track = parse_track(body)
    assert [point.position.lon_deg for point in track.points] == [2, 3]
    assert track.notes == (
        "the file holds no track, only a route: its points are walked one by one",
        "2 of 2 fixes carry no time: all are replayed one second apart",
    )


def test_made_times_are_one_second_apart() -> None:
    track = parse_track(track_of('<trkpt lat="1" lon="2"/>', '<trkpt lat="1" lon="3"/>'))
    assert [point.at.isoformat() for point in track.points] == [
        "2000-01-01T00:00:00+00:00",
        "2000-01-01T00:00:01+00:00",
    ]


def test_a_few_fixes_that_go_back_are_counted_and_kept() -> None:
    times = ["08:00:00", "08:00:01", "08:00:01", "08:00:02"]
    points = [f'<trkpt lat="1" lon="2"><time>2026-05-01T{time}Z</time></trkpt>' for time in times]
    track = parse_track(track_of(*points))
    assert (len(track.points), track.notes) == (4, ("1 of 4 fixes are not later than the one before",))


@pytest.mark.parametrize("version", ["1/0", "1/1"])
def test_the_name_and_both_versions(version: str) -> None:
    body = (
        f'<?xml version="1.0" encoding="ISO-8859-1"?><gpx xmlns="http://www.topografix.com/GPX/{version}">'
        '<trk><name>Caf\xe9</name><trkseg><trkpt lat="1" lon="2"/></trkseg></trk></gpx>'
    )
    assert parse_track(body.encode("latin-1")).name == "Café"


BOMB = '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not well-formed XML"),
        (b"PK\x03\x04 not xml", "not well-formed XML"),
        (b"<gpx><trk>", "not well-formed XML"),
        (b"<kml/>", "is a 'kml' document, not GPX"),
        (BOMB.encode() + track_of("&b;"), "declares a document type"),
        (b'<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>', "declares a document type"),
        (b'<?xml version="1.0" encoding="klingon"?><gpx/>', "encoding"),
        (track_of('<trkpt lat="91" lon="0"/>'), "line 1: want lat from -90 to 90"),
        (track_of('\n\n<trkpt lat="1"/>'), "line 3: want lat"),
        (track_of('<trkpt lat="nan" lon="0"/>'), "want lat"),
        (track_of('<trkpt lat="abc" lon="0"/>'), "want lat"),
        (b"<gpx>" + b"<a>" * 200 + b"</a>" * 200 + b"</gpx>", "nests more than 100"),
        (b"<gpx><name>" + b"x" * 20_000 + b"</name></gpx>", "a text is far too long"),
        (track_of(), "holds no track points"),
    ],
)
def test_what_is_no_track_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(TrackUnreadable, match=reason):
        parse_track(body)


def test_sizes_are_limited_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    body = track_of('<trkpt lat="1" lon="2"/>', '<trkpt lat="1" lon="3"/>')
    monkeypatch.setattr(gpx, "MAX_TRACK_POINTS", 2)
    monkeypatch.setattr(gpx, "MAX_TRACK_BYTES", len(body))
    assert isinstance(parse_track(body), Track)
    monkeypatch.setattr(gpx, "MAX_TRACK_POINTS", 1)
    with pytest.raises(TrackUnreadable, match="holds more than 1 points"):
        parse_track(body)
    monkeypatch.setattr(gpx, "MAX_TRACK_BYTES", len(body) - 1)
    with pytest.raises(TrackUnreadable, match="larger than"):
        parse_track(body)


def test_a_file_that_cannot_be_opened_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TrackUnreadable, match=r"none\.gpx: No such file"):
        load_track(tmp_path / "none.gpx")
    with pytest.raises(TrackUnreadable, match="directory"):
        load_track(tmp_path)
