"""Whatever value there is, it is read back equal; whatever is not a value is refused with its place."""

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heritage_sites import (
    Anchor,
    AnchorKind,
    Attribution,
    CircleGeofence,
    CorridorGeofence,
    Derivative,
    DerivativeFile,
    Experience,
    ExperienceKind,
    GeoPose,
    JsonInvalid,
    LatLon,
    Licence,
    LocalisedText,
    MediaItem,
    MediaRole,
    PolygonGeofence,
    Position,
    PositionBasis,
    Quality,
    Site,
    SiteKind,
    Text,
    TextState,
    Tour,
    TourMode,
    TourStop,
    Trigger,
    TriggerKind,
    Usage,
    canonical_json,
    derivative_id_of,
    from_json,
    geofence_from_json,
    parse_json,
    to_json,
)
from heritage_sites.codec import MAX_PROBLEMS

WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=30)
SOME_WORDS = WORDS.filter(str.strip)
IDS = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
SHAS = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
STATES = st.sampled_from([TextState.HUMAN, TextState.MACHINE, TextState.MACHINE_REVIEWED])
TEXTS = st.builds(Text, SOME_WORDS, STATES) | st.just(Text("", TextState.MISSING))
LOCALISED = st.builds(
    LocalisedText, st.dictionaries(st.sampled_from(["vi", "en", "fr", "zh-Hant", "pt-BR"]), TEXTS, max_size=4)
)
POINTS = st.builds(LatLon, st.floats(-90, 90), st.floats(-180, 180))
NEAR = st.builds(LatLon, st.floats(20.7, 21), st.floats(106.9, 107.3))
COMMON = {
    "id": IDS,
    "height_range_m": st.none() | st.tuples(st.floats(-100, 0), st.floats(1, 100)),
    "live_use": st.booleans(),
}
CIRCLES = st.builds(CircleGeofence, centre=NEAR, radius_m=st.floats(5, 50_000), **COMMON)
CORRIDORS = st.builds(
    CorridorGeofence,
    path=st.lists(NEAR, min_size=2, max_size=5).map(tuple),
    half_width_m=st.floats(5, 5000),
    **COMMON,
)


@st.composite
def polygons(draw):
    south, west = draw(st.floats(20, 20.5)), draw(st.floats(106, 106.5))
    size = draw(st.floats(0.01, 0.2))
    corners = [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    outer = tuple(LatLon(south + y * size, west + x * size) for y, x in corners)
    hole = tuple(LatLon(south + (0.4 + y * 0.2) * size, west + (0.4 + x * 0.2) * size) for y, x in corners)
    rings = draw(st.sampled_from([(outer,), (outer, hole)]))
    return draw(st.builds(PolygonGeofence, rings=st.just(rings), **COMMON))


GEOFENCES = CIRCLES | CORRIDORS | polygons()
POSITIONS = st.just(Position(PositionBasis.NONE)) | st.builds(
    Position,
    st.sampled_from([basis for basis in PositionBasis if basis != "none"]),
    POINTS,
    st.floats(0, 50_000),
)
SITES = st.builds(
    Site,
    id=IDS,
    kind=st.sampled_from(SiteKind),
    name=LOCALISED,
    description=LOCALISED,
    position=POSITIONS,
    geofences=st.lists(GEOFENCES, max_size=3, unique_by=lambda geofence: geofence.id).map(tuple),
    status=WORDS,
    visit_note=WORDS,
    notes=WORDS,
    sources=st.lists(SOME_WORDS, max_size=3).map(tuple),
)
TOURS = st.builds(
    Tour,
    id=IDS,
    name=LOCALISED,
    description=LOCALISED,
    stops=st.lists(st.builds(TourStop, IDS, st.none() | LOCALISED), min_size=1, max_size=4).map(tuple),
    mode=st.sampled_from(TourMode),
    duration_hours=st.none() | st.floats(0.25, 240),
    sources=st.lists(SOME_WORDS, max_size=3).map(tuple),
    notes=WORDS,
)
TRIGGERS = st.builds(
    Trigger, st.sampled_from([TriggerKind.ENTER, TriggerKind.EXIT, TriggerKind.PASS]), IDS
) | st.builds(Trigger, st.just(TriggerKind.DWELL), IDS, st.floats(1, 86_400))
GEOPOSES = st.builds(
    GeoPose,
    POINTS,
    st.floats(-500, 9000),
    st.floats(0, 2 * math.pi).map(lambda turn: (0.0, 0.0, math.sin(turn / 2), math.cos(turn / 2))),
)
SURFACES = st.sampled_from([AnchorKind.GROUND, AnchorKind.WATER_SURFACE])
ANCHORS = (
    st.builds(Anchor, SURFACES, st.none() | GEOPOSES, st.floats(-9, 9))
    | st.builds(Anchor, st.just(AnchorKind.WGS84), GEOPOSES)
    | st.builds(Anchor, st.just(AnchorKind.IMAGE), marker_asset=SOME_WORDS)
)
MEASURE = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.lists(st.floats(-1e6, 1e6), max_size=3)
)
MEASURES = st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True), MEASURE, max_size=4)
PATHS = st.from_regex(r"[a-z0-9]{1,6}(/[a-z0-9_]{1,6}){0,2}\.jpg", fullmatch=True)
FILES = st.builds(DerivativeFile, PATHS, st.just("image/jpeg"), st.integers(0, 2**40), SHAS)


@st.composite
def derivatives(draw):
    files = tuple(draw(st.lists(FILES, min_size=1, max_size=4, unique_by=lambda file: file.path)))
    usage, quality = draw(st.sampled_from(Usage)), draw(st.sampled_from(Quality))
    return Derivative(derivative_id_of(files), usage, quality, files, "ar@1.2", draw(MEASURES), draw(SHAS))


MEDIA = st.builds(
    MediaItem,
    st.sampled_from(MediaRole),
    st.lists(derivatives(), max_size=2, unique_by=lambda item: item.derivative_id).map(tuple),
    LOCALISED,
)
EXPERIENCES = st.builds(
    Experience,
    id=IDS,
    site_id=IDS,
    kind=st.sampled_from(ExperienceKind),
    title=LOCALISED,
    summary=LOCALISED,
    attribution=st.builds(
        Attribution,
        st.sampled_from(["CC0-1.0", "LicenseRef-x"]),
        SOME_WORDS,
        st.none() | st.just("https://example.org/a?b=c"),
    ),
    triggers=st.lists(TRIGGERS, max_size=3).map(tuple),
    anchor=st.none() | ANCHORS,
    media=st.lists(MEDIA, max_size=2).map(tuple),
    illustration=st.booleans(),
)
LICENCE = st.builds(
    Licence, st.just("LicenseRef-board"), SOME_WORDS, st.none() | st.just("https://example.org")
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(SITES, TOURS, EXPERIENCES, LICENCE, GEOFENCES, ANCHORS, MEDIA))
def test_every_value_is_read_back_equal(value):
    written = canonical_json(to_json(value))
    again = from_json(type(value), parse_json(written))
    assert again == value
    assert canonical_json(to_json(again)) == written


@given(GEOFENCES)
def test_a_geofence_of_any_kind_is_read_back_equal(geofence):
    assert geofence_from_json(json.loads(json.dumps(to_json(geofence)))) == geofence


CIRCLE = {"type": "circle", "id": "a", "centre": {"lat_deg": 20.9, "lon_deg": 107.1}, "radius_m": 100}


def test_a_circle_in_json_word_for_word():
    circle = CircleGeofence("a", LatLon(20.9, 107.1), 100)
    assert to_json(circle) == CIRCLE | {"live_use": False}
    assert geofence_from_json(CIRCLE) == circle


def test_strict_reading_refuses_an_unknown_key_and_tolerant_reading_passes_over_it():
    newer = CIRCLE | {"colour": "red", "centre": CIRCLE["centre"] | {"datum": "VN-2000"}}
    assert geofence_from_json(newer, strict=False) == geofence_from_json(CIRCLE)
    assert faults(lambda: geofence_from_json(newer)) == [
        ("$.colour", "The key 'colour' is not known here."),
        ("$.centre.datum", "The key 'datum' is not known here."),
    ]


def test_tolerant_reading_still_refuses_what_is_wrong():
    assert faults(lambda: geofence_from_json(CIRCLE | {"radius_m": "100"}, strict=False)) == [
        ("$.radius_m", 'Want a number, got "100".')
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"type": "oval"}, [("$.type", 'Want one of circle, polygon, corridor, got "oval".')]),
        ({"type": None}, [("$.type", "Want one of circle, polygon, corridor, got null.")]),
        ({"type": []}, [("$.type", "Want one of circle, polygon, corridor, got a list.")]),
        ({"id": 7}, [("$.id", "Want text, got 7.")]),
        ({"radius_m": True}, [("$.radius_m", "Want a number, got true.")]),
        ({"radius_m": 10**400}, [("$.radius_m", "Want 5 to 50000, got a huge number.")]),
        ({"radius_m": math.inf}, [("$.radius_m", "Want 5 to 50000, got inf.")]),
        ({"live_use": "no"}, [("$.live_use", 'Want true or false, got "no".')]),
        ({"centre": [107, 20]}, [("$.centre", "Want an object, got a list.")]),
        ({"centre": {"lat_deg": 20}}, [("$.centre.lon_deg", "The key 'lon_deg' is missing.")]),
        ({"height_range_m": [1]}, [("$.height_range_m", "Want a list of 2, got a list.")]),
        ({"height_range_m": [1, None]}, [("$.height_range_m[1]", "Want a number, got null.")]),
        (
            {"radius_m": "x", "id": None, "centre": {"lat_deg": 95, "lon_deg": 0}},
            [
                ("$.id", "Want text, got null."),
                ("$.centre.lat_deg", "Want -90 to 90, got 95."),
                ("$.radius_m", 'Want a number, got "x".'),
            ],
        ),
    ],
)
def test_faults_are_named_with_their_place_all_at_once(changes, expected):
    assert faults(lambda: geofence_from_json(CIRCLE | changes)) == expected


@pytest.mark.parametrize(("value", "got"), [([], "a list"), ("x", '"x"'), (None, "null"), (1, "1")])
def test_a_document_of_the_wrong_shape(value, got):
    assert faults(lambda: from_json(Site, value)) == [("$", f"Want an object, got {got}.")]


def test_faults_in_texts():
    stop = {"site_id": "a", "note": {"vi": {"text": "Hang", "state": "robot"}, "en": "Cave", "e\x1bn": 1}}
    assert faults(lambda: from_json(TourStop, stop)) == [
        ("$.note.vi.state", 'Want one of human, machine, machine-reviewed, missing, got "robot".'),
        ("$.note.en", 'Want an object, got "Cave".'),
        ("$.note.e?n", "Want an object, got 1."),
    ]
    stop = {"site_id": "a", "note": {"VI": {"text": "Hang", "state": "human"}}}
    assert faults(lambda: from_json(TourStop, stop)) == [
        ("$.note", "Want language tags such as vi, en or zh-Hant, got 'VI'.")
    ]


def test_a_hostile_document_yields_a_bounded_number_of_problems():
    value = CIRCLE | {f"k{number}": 1 for number in range(50_000)}
    assert len(faults(lambda: geofence_from_json(value))) == MAX_PROBLEMS


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "This is not JSON: Expecting value (line 1, column 1)."),
        (b'{"a": 1,}', "This is not JSON: "),
        (b"\xff\xfe{}", "The file is not UTF-8 text (byte 0)."),
        (b'{"a": NaN}', "This is not JSON: NaN is not a number in JSON."),
        (b'{"a": -Infinity}', "This is not JSON: -Infinity is not a number in JSON."),
        (b'{"a": 1, "a": 2}', "This is not JSON: the key 'a' appears twice in one object."),
        (b"[" * 100_000, "This is not JSON for people: it is nested too deeply."),
        (b'{"a":' * 100_000, "This is not JSON for people: it is nested too deeply."),
        (b"9" * 10_000, "This is not JSON: "),
    ],
)
def test_what_is_not_json_is_refused(body, message):
    ((where, found),) = faults(lambda: parse_json(body))
    assert where == "$"
    assert found.startswith(message)


def faults(read):
    with pytest.raises(JsonInvalid) as refusal:
        read()
    return [(problem.where, problem.message) for problem in refusal.value.problems]
