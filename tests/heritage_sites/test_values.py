"""Each value refuses what it must not hold, in words that name the field, what is wanted and what came."""
# ruff: noqa: E501 - one refusal a line can be read down the page

import hashlib
import math
import pickle
from dataclasses import FrozenInstanceError, fields

import pytest

from heritage_sites import (
    LICENCES,
    NO_POSITION,
    Anchor,
    AnchorKind,
    Attribution,
    Derivative,
    DerivativeFile,
    Experience,
    ExperienceKind,
    GeoPose,
    LatLon,
    Licence,
    LocalisedText,
    MediaItem,
    MediaRole,
    Position,
    PositionBasis,
    Problem,
    Release,
    ReleaseFile,
    Severity,
    Site,
    SiteKind,
    Tour,
    TourMode,
    TourStop,
    Trigger,
    TriggerKind,
    canonical_file_list,
    canonical_json,
    derivative_id_of,
)

HERE = LatLon(20.9, 107.1)
NAME = LocalisedText.of({"vi": "Hang", "en": "Cave"})
SHA = "ab" * 32
FILE = DerivativeFile("model.glb", "model/gltf-binary", 1234, SHA)


def site(**changes):
    fields = {
        "id": "hang", "kind": SiteKind.CAVE, "name": NAME, "description": NAME, "position": NO_POSITION,
        "geofences": (), "status": "", "visit_note": "", "notes": "", "sources": ("https://example.org",),
    }  # fmt: skip
    return Site(**fields | changes)


def tour(**changes):
    fields = {
        "id": "tuyen", "name": NAME, "description": NAME, "stops": (TourStop("hang"),), "mode": TourMode.BOAT,
        "duration_hours": None, "sources": ("https://example.org",), "notes": "",
    }  # fmt: skip
    return Tour(**fields | changes)


def derivative(**changes):
    fields = {
        "derivative_id": derivative_id_of([FILE]), "usage": "Web3D", "quality": "High", "files": (FILE,),
        "recipe": "high@1", "measures": {"triangles": 5}, "master_sha256": SHA,
    }  # fmt: skip
    return Derivative(**fields | changes)


def experience(**changes):
    fields = {
        "id": "hang-model", "site_id": "hang", "kind": ExperienceKind.MODEL, "title": NAME, "summary": NAME,
        "attribution": Attribution("CC-BY-4.0", "Ai Đó"), "triggers": (), "anchor": None, "media": (),
        "illustration": False,
    }  # fmt: skip
    return Experience(**fields | changes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: site(id="Hang"), "id: want lower-case letters, digits and hyphens (at most 64), got 'Hang'"),
        (lambda: site(id="a--b"), "id: want lower-case letters, digits and hyphens (at most 64), got 'a--b'"),
        (lambda: site(id="hang\n"), "id: want lower-case letters, digits and hyphens (at most 64), got 'hang\\n'"),
        (lambda: site(notes="x" * 2001), "notes: want at most 2000 characters, got 2001"),
        (lambda: site(sources=("",)), "sources: want text, got nothing"),
        (lambda: Position(PositionBasis.NONE, HERE, 5), "point: want a point exactly when the basis is not 'none', the basis is 'none'"),
        (lambda: Position(PositionBasis.SOURCED), "point: want a point exactly when the basis is not 'none', the basis is 'sourced'"),
        (lambda: Position(PositionBasis.SOURCED, HERE), "uncertainty_m: want it exactly when there is a point, the basis is 'sourced'"),
        (lambda: Position(PositionBasis.SOURCED, HERE, math.nan), "uncertainty_m: want 0 to 50000, got nan"),
        (lambda: Position(PositionBasis.SOURCED, HERE, 50_001), "uncertainty_m: want 0 to 50000, got 50001"),
        (lambda: tour(stops=()), "stops: want 1 to 200 stops, got 0"),
        (lambda: tour(stops=(TourStop("hang"),) * 201), "stops: want 1 to 200 stops, got 201"),
        (lambda: tour(duration_hours=0), "duration_hours: want more than 0, or null where it is not known"),
        (lambda: tour(duration_hours=math.nan), "duration_hours: want 0 to 240, got nan"),
        (lambda: tour(duration_hours=-1), "duration_hours: want 0 to 240, got -1"),
        (lambda: Trigger(TriggerKind.ENTER, "hang-area", 5), "dwell_s: want it for dwell and only there, got 5 for enter"),
        (lambda: Trigger(TriggerKind.DWELL, "hang-area"), "dwell_s: want it for dwell and only there, got None for dwell"),
        (lambda: Trigger(TriggerKind.DWELL, "hang-area", 0.5), "dwell_s: want 1 to 86400, got 0.5"),
        (lambda: Trigger(TriggerKind.DWELL, "hang-area", math.nan), "dwell_s: want 1 to 86400, got nan"),
        (lambda: GeoPose(HERE, 9001), "height_m: want -500 to 9000, got 9001"),
        (lambda: GeoPose(HERE, 0, (0, 0, 0)), "quaternion: want 4 numbers x, y, z, w, got 3"),
        (lambda: GeoPose(HERE, 0, (0, 0, 0, 0)), "quaternion: want length 1, got 0.000000"),
        (lambda: GeoPose(HERE, 0, (0, 0, 0, math.nan)), "quaternion: want -1 to 1, got nan"),
        (lambda: Anchor(AnchorKind.WGS84), "geopose: want a position for an anchor of kind wgs84"),
        (lambda: Anchor(AnchorKind.IMAGE), "marker_asset: want the marker's file for an anchor of kind image and only there"),
        (lambda: Anchor(AnchorKind.GROUND, marker_asset="a.png"), "marker_asset: want the marker's file for an anchor of kind image and only there"),
        (lambda: Anchor(AnchorKind.GROUND, height_above_m=math.inf), "height_above_m: want -1000 to 1000, got inf"),
        (lambda: Attribution("CC BY", "Ai Đó"), "licence_id: want an SPDX identifier or LicenseRef-..., got 'CC BY'"),
        (lambda: Attribution("CC-BY-4.0", " "), "credit: want text, got nothing"),
        (lambda: Attribution("CC-BY-4.0", "Ai Đó", "javascript:alert(1)"), "source_url: want an address that begins with http:// or https://, got 'javascript:alert(1)'"),
        (lambda: Licence("CC0-1.0", ""), "title: want text, got nothing"),
        (lambda: experience(id="x" * 129), "id: want lower-case letters, digits and hyphens (at most 128), got '" + "x" * 56 + "..."),
        (lambda: experience(illustration=None), "illustration: want true or false, got None"),
        (lambda: DerivativeFile("../a", "image/jpeg", 1, SHA), "path: want a relative path of letters, digits and ._-/, got '../a'"),
        (lambda: DerivativeFile("a/.b", "image/jpeg", 1, SHA), "path: want a relative path of letters, digits and ._-/, got 'a/.b'"),
        (lambda: DerivativeFile("/a", "image/jpeg", 1, SHA), "path: want a relative path of letters, digits and ._-/, got '/a'"),
        (lambda: DerivativeFile("a\\b", "image/jpeg", 1, SHA), "path: want a relative path of letters, digits and ._-/, got 'a\\\\b'"),
        (lambda: DerivativeFile("a", "jpeg", 1, SHA), "media_type: want a media type such as image/jpeg, got 'jpeg'"),
        (lambda: DerivativeFile("a", "image/jpeg", -1, SHA), "bytes: want 0 to 1099511627776, got -1"),
        (lambda: DerivativeFile("a", "image/jpeg", True, SHA), "bytes: want a whole number, got True"),
        (lambda: DerivativeFile("a", "image/jpeg", 1, SHA.upper()), "sha256: want a SHA-256 in 64 lower-case hexadecimal digits, got " + repr(SHA.upper())[:57] + "..."),
        (lambda: derivative(files=()), "files: want at least one file"),
        (lambda: derivative(files=(FILE, FILE)), "files: holds 'model.glb' twice"),
        (lambda: derivative(derivative_id=SHA), f"derivative_id: want the files' {derivative_id_of([FILE])}, got {SHA}"),
        (lambda: derivative(recipe="high"), "recipe: want name@version, got 'high'"),
        (lambda: derivative(measures={"error_m": math.nan}), "measures.error_m: want a finite number, got nan"),
        (lambda: derivative(measures={"a": object()}), "measures.a: want JSON, got a object"),
        (lambda: derivative(measures={"a b": 1}), "measures: want plain names, got 'a b'"),
        (lambda: MediaItem(MediaRole.MODEL, (derivative(), derivative()), NAME), f"derivatives: holds '{derivative().derivative_id[:56]}... twice"),
        (lambda: Release(SHA, (ReleaseFile("a.json", "application/json", b""),) * 2), "files: holds 'a.json' twice"),
        (lambda: Release("1", ()), "release_id: want a SHA-256 in 64 lower-case hexadecimal digits, got '1'"),
    ],
)  # fmt: skip
def test_refusals(make, message):
    with pytest.raises(ValueError) as refusal:
        make()
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: site(kind="castle"), "kind: want one of archaeological-site, bay, beach, cave, floating-village, fort, islet, lighthouse, museum, national-park, pier, viewpoint, village, world-heritage, got 'castle'"),
        (lambda: Position("guess", HERE, 1), "basis: want one of surveyed, sourced, sourced-nearby, derived, unsourced, none, got 'guess'"),
        (lambda: tour(mode="swim"), "mode: want one of boat, walk, got 'swim'"),
        (lambda: derivative(usage="Print3D"), "usage: want one of Web3D, App3D, iOSApp3D, Image2D, Panorama, Turntable, Tiles3D, Archive3D, got 'Print3D'"),
        (lambda: derivative(quality="Best"), "quality: want one of Thumb, Low, Medium, High, Highest, AR, got 'Best'"),
        (lambda: experience(kind="game"), "kind: want one of model, panorama, photo, audio, overlay, story, got 'game'"),
        (lambda: Trigger([], "a"), "kind: want one of enter, exit, dwell, pass, got []"),
        (lambda: Anchor("sky"), "kind: want one of wgs84, ground, water_surface, image, got 'sky'"),
        (lambda: MediaItem("sound", (), NAME), "role: want one of model, panorama, photo, got 'sound'"),
    ],
)  # fmt: skip
def test_unknown_words_are_refused(make, message):
    with pytest.raises(ValueError) as refusal:
        make()
    assert str(refusal.value) == message


def test_the_limits_themselves_are_accepted():
    assert Position(PositionBasis.SURVEYED, HERE, 50_000).uncertainty_m == 50_000.0
    assert Trigger(TriggerKind.DWELL, "hang-area", 86_400).dwell_s == 86_400.0
    assert GeoPose(HERE, 9000, (0, 0, 0.6, 0.8)).quaternion == (0.0, 0.0, 0.6, 0.8)
    assert len(site(id="x" * 64).id) == 64
    assert tour(duration_hours=240).duration_hours == 240.0


@pytest.mark.parametrize(
    "value", [site(), tour(), derivative(), experience(media=(MediaItem("model", (derivative(),), NAME),))]
)
def test_values_are_frozen_hashable_and_survive_another_process(value):
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, "other")
    assert pickle.loads(pickle.dumps(value)) == value
    assert hash(pickle.loads(pickle.dumps(value))) == hash(value)


def test_measures_are_frozen_all_the_way_down_but_read_like_dicts():
    measures = derivative(measures={"bounds_m": {"min": [0, 0, 0], "max": [1, 2, 3.5]}}).measures
    assert measures == {"bounds_m": {"min": (0, 0, 0), "max": (1, 2, 3.5)}}
    with pytest.raises(TypeError, match="does not change"):
        measures["bounds_m"]["min"] = ()
    with pytest.raises(TypeError, match="does not change"):
        measures.update(a=1)


def test_a_derivative_is_named_by_its_files_in_any_order():
    other = DerivativeFile("a/tíles.json".replace("í", "i"), "application/json", 2, "cd" * 32)
    expected = (
        b'[{"bytes":2,"media_type":"application/json","path":"a/tiles.json","sha256":"' + b"cd" * 32 + b'"},'
        b'{"bytes":1234,"media_type":"model/gltf-binary","path":"model.glb","sha256":"' + b"ab" * 32 + b'"}]'
    )
    assert canonical_file_list([FILE, other]) == canonical_file_list([other, FILE]) == expected
    assert derivative_id_of([FILE, other]) == hashlib.sha256(expected).hexdigest()


def test_canonical_json():
    assert canonical_json({"b": [1, 2.5, None], "a": "Đầu Gỗ"}) == '{"a":"Đầu Gỗ","b":[1,2.5,null]}'.encode()
    with pytest.raises(ValueError):
        canonical_json({"a": math.nan})


def test_release_files_know_their_digest():
    assert ReleaseFile("a.json", "application/json", b"{}").sha256 == hashlib.sha256(b"{}").hexdigest()


def test_a_problem_reads_as_one_line_and_as_json():
    problem = Problem("sites/hang.json", "$.sources", "No source is named.", "Say where the facts come from.")
    assert str(problem) == "sites/hang.json: $.sources: No source is named. Say where the facts come from."
    assert problem.as_json() == {
        "file": "sites/hang.json",
        "where": "$.sources",
        "message": "No source is named.",
        "advice": "Say where the facts come from.",
        "severity": "error",
    }
    assert str(Problem("", "", "Broken.", severity=Severity.WARNING)) == "Broken."


def test_every_known_licence_is_listed_under_its_id():
    assert {licence_id: licence.id for licence_id, licence in LICENCES.items()} == {
        name: name for name in LICENCES
    }
    assert {"CC-BY-4.0", "CC0-1.0", "Apache-2.0", "LGPL-3.0-or-later"} <= LICENCES.keys()
