"""Each fault is planted in a copy of the seed; the Problem it makes is the only one, with file and place."""
# ruff: noqa: E501 - one fault a line can be read down the page

import json
import os
import shutil

import pytest

from heritage_sites import SEED_FOLDER, CatalogueInvalid, Problem, Severity, check_catalogue, load_catalogue
from heritage_sites.catalogue_files import MAX_FILE_BYTES

SITE, TOUR = "sites/hang-sung-sot.json", "tours/vhl2.json"
NOWHERE = "sites/hang-thien-canh-son.json"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(SEED_FOLDER, tmp_path / "catalogue")


def change(folder, file, **changes):
    """Sets keys of a file; a dotted path goes deeper, None of a nested name removes it."""
    path = folder / file
    content = json.loads(path.read_text(encoding="utf-8"))
    for place, value in changes.items():
        target = content
        *way, last = [int(step) if step.isdigit() else step for step in place.split("__")]
        for step in way:
            target = target[step]
        if value is REMOVED:
            del target[last]
        else:
            target[last] = value
    path.write_text(json.dumps(content), encoding="utf-8")


REMOVED = object()
OUTER = [(20.80, 107.05), (20.80, 107.13), (20.90, 107.13), (20.90, 107.05), (20.80, 107.05)]
HOLE = [(20.81, 107.06), (20.81, 107.07), (20.82, 107.07), (20.82, 107.06), (20.81, 107.06)]
BOW_TIE = [(20.80, 107.05), (20.90, 107.13), (20.80, 107.13), (20.85, 107.05), (20.80, 107.05)]
FAR_HOLE = [(lat, lon + 1) for lat, lon in HOLE]
CROSSING = [(lat + 0.085, lon) for lat, lon in HOLE]


def polygon(*rings):
    points = [[{"lat_deg": lat, "lon_deg": lon} for lat, lon in ring] for ring in rings]
    return {"type": "polygon", "id": "hang-sung-sot-area", "rings": points}


def circle(**changes):
    centre = {"lat_deg": 20.846389, "lon_deg": 107.088611}
    return {"type": "circle", "id": "hang-sung-sot-area", "centre": centre, "radius_m": 550} | changes


WIDER = "Widen the geofence, or survey the position."
UNCERTAIN = "The geofence must be wider than the position is uncertain (450 m); its edge is {} m from it."
NOT_LIVE = "A geofence on a position that is not surveyed (sourced-nearby) is not for live use."
SITE_KEYS = "Known are id, kind, name, description, position, geofences, status, visit_note, notes, sources."


@pytest.mark.parametrize(
    ("file", "changes", "where", "message", "advice"),
    [
        (SITE, {"colour": "red"}, "$.colour", "The key 'colour' is not known here.", SITE_KEYS),
        (SITE, {"status": REMOVED}, "$.status", "The key 'status' is missing.", ""),
        (SITE, {"status": 5}, "$.status", "Want text, got 5.", ""),
        (SITE, {"kind": "castle"}, "$.kind", "Want one of archaeological-site, bay, beach, cave, floating-village, fort, islet, lighthouse, museum, national-park, pier, viewpoint, village, world-heritage, got \"castle\".", ""),
        (SITE, {"id": "Hang"}, "$.id", "Want lower-case letters, digits and hyphens (at most 64), got 'Hang'.", ""),
        (SITE, {"name__vi": REMOVED}, "$.name.vi", "The name in Vietnamese (vi) is missing.", ""),
        (SITE, {"description__en": REMOVED}, "$.description.en", "The description in English (en) is missing.", ""),
        (SITE, {"name__en": {"text": "", "state": "missing"}}, "$.name.en", "The name in English (en) is missing.", ""),
        (SITE, {"name__en": {"text": "", "state": "human"}}, "$.name.en.state", "Want 'missing' for an empty text and only there, got 'human'.", ""),
        (SITE, {"name__en__by": "me"}, "$.name.en.by", "The key 'by' is not known here.", "Known are text, state."),
        (SITE, {"sources": []}, "$.sources", "No source is named.", "Say where the facts come from."),
        (SITE, {"sources": [""]}, "$.sources", "Want text, got nothing.", ""),
        (SITE, {"sources": "x"}, "$.sources", "Want a list, got \"x\".", ""),
        (SITE, {"position__basis": "guess"}, "$.position.basis", "Want one of surveyed, sourced, sourced-nearby, derived, unsourced, none, got \"guess\".", ""),
        (SITE, {"position__basis": "none"}, "$.position.point", "Want a point exactly when the basis is not 'none', the basis is 'none'.", ""),
        (NOWHERE, {"position__basis": "sourced"}, "$.position.point", "Want a point exactly when the basis is not 'none', the basis is 'sourced'.", ""),
        (SITE, {"position__uncertainty_m": REMOVED}, "$.position.uncertainty_m", "Want it exactly when there is a point, the basis is 'sourced-nearby'.", ""),
        (SITE, {"position__point__lat_deg": 200}, "$.position.point.lat_deg", "Want -90 to 90, got 200.", ""),
        (SITE, {"position__uncertainty_m": -1}, "$.position.uncertainty_m", "Want 0 to 50000, got -1.", ""),
        (SITE, {"geofences__0__live_use": True}, "$.geofences[0].live_use", NOT_LIVE, "Set live_use to false, or survey the position."),
        (SITE, {"geofences__0__radius_m": 450}, "$.geofences[0]", UNCERTAIN.format(450), WIDER),
        (SITE, {"geofences__0__centre__lat_deg": 20.856389}, "$.geofences[0]", UNCERTAIN.format(0), WIDER),
        (SITE, {"geofences__0__radius_m": 4}, "$.geofences[0].radius_m", "Want 5 to 50000, got 4.", ""),
        (SITE, {"geofences__0__type": "oval"}, "$.geofences[0].type", "Want one of circle, polygon, corridor, got \"oval\".", ""),
        (SITE, {"geofences": [circle(), circle()]}, "$.geofences", "Holds 'hang-sung-sot-area' twice.", ""),
        (SITE, {"geofences": [polygon(OUTER[:-1])]}, "$.geofences[0].rings[0]", "The ring is open: its last point must repeat its first.", ""),
        (SITE, {"geofences": [polygon(OUTER, HOLE[:-1])]}, "$.geofences[0].rings[1]", "The ring is open: its last point must repeat its first.", ""),
        (SITE, {"geofences": [polygon(OUTER, FAR_HOLE)]}, "$.geofences[0].rings", "Reaches further than 100 km.", ""),
        (SITE, {"geofences": [polygon(OUTER, [(a, b + 0.1) for a, b in HOLE])]}, "$.geofences[0].rings[1]", "The hole lies outside the outer ring.", ""),
        (SITE, {"geofences": [polygon(OUTER, CROSSING)]}, "$.geofences[0].rings[1]", "Rings 0 and 1 cross or touch.", "Draw rings that do not cross."),
        (SITE, {"geofences": [polygon(OUTER, HOLE, [(20.812, 107.062), (20.812, 107.064), (20.814, 107.064), (20.812, 107.062)])]}, "$.geofences[0].rings[2]", "The hole lies inside another hole.", ""),
        (NOWHERE, {"geofences": [circle(id="nowhere-area")]}, "$.geofences[0]", "The site has no position, so it can have no geofence.", "Remove the geofence."),
        (TOUR, {"stops__3__site_id": "atlantis"}, "$.stops[3].site_id", "There is no site 'atlantis'.", "Name a site of the catalogue, or name the place in the tour's notes."),
        (TOUR, {"stops": []}, "$.stops", "Want 1 to 200 stops, got 0.", ""),
        (TOUR, {"mode": "swim"}, "$.mode", "Want one of boat, walk, got \"swim\".", ""),
        (TOUR, {"duration_hours": 0}, "$.duration_hours", "Want more than 0, or null where it is not known.", ""),
        (TOUR, {"name__vi": REMOVED}, "$.name.vi", "The name in Vietnamese (vi) is missing.", ""),
        (TOUR, {"sources": []}, "$.sources", "No source is named.", "Say where the facts come from."),
        (TOUR, {"id": "vhl1"}, "$.id", "The id 'vhl1' is not the file's name 'vhl2'.", "Rename the file or mend the id."),
    ],
)  # fmt: skip
def test_a_planted_fault_is_the_only_problem(folder, file, changes, where, message, advice):
    change(folder, file, **changes)
    problems = check_catalogue(folder)
    if changes == {"id": "vhl1"}:  # the same slip makes a second fault in the other file
        assert problems.pop(0) == Problem("tours/vhl1.json", "$.id", "The id 'vhl1' is used twice.")
    assert problems == [Problem(file, where, message, advice)]
    with pytest.raises(CatalogueInvalid) as refusal:
        load_catalogue(folder)
    assert set(problems) <= set(refusal.value.problems)


def test_a_surveyed_position_bears_a_narrow_live_geofence(folder):
    change(folder, SITE, position__basis="surveyed", position__uncertainty_m=3)
    change(folder, SITE, geofences__0__live_use=True, geofences__0__radius_m=25)
    assert check_catalogue(folder) == []
    assert load_catalogue(folder).site("hang-sung-sot").geofences[0].live_use is True


def test_a_polygon_that_crosses_itself(folder):
    change(folder, SITE, geofences=[polygon(BOW_TIE)])
    assert Problem(
        SITE, "$.geofences[0].rings[0]", "Ring 0 crosses itself.", "Draw rings that do not cross."
    ) in check_catalogue(folder)


def test_a_wide_polygon_with_a_hole_beside_the_place_is_sound(folder):
    change(folder, SITE, geofences=[polygon(OUTER, HOLE)])
    assert check_catalogue(folder) == []


def test_a_site_under_another_name(folder):
    (folder / SITE).rename(folder / "sites/sung-sot.json")
    assert check_catalogue(folder) == [
        Problem(
            "sites/sung-sot.json",
            "$.id",
            "The id 'hang-sung-sot' is not the file's name 'sung-sot'.",
            "Rename the file or mend the id.",
        )
    ]


def test_two_files_with_one_id(folder):
    shutil.copy(folder / SITE, folder / "sites/copy.json")
    problems = check_catalogue(folder)
    twice = Problem(SITE, "$.id", "The id 'hang-sung-sot' is used twice.")
    fence = Problem(SITE, "$.geofences[0].id", "The geofence id 'hang-sung-sot-area' is used twice.")
    assert [problem.file for problem in problems] == ["sites/copy.json", SITE, SITE, SITE]
    assert problems[1:] == [twice, fence, fence]


def test_two_sites_with_one_geofence_id(folder):
    change(folder, "sites/dao-ti-top.json", geofences__0__id="hang-sung-sot-area")
    message = "The geofence id 'hang-sung-sot-area' is used twice."
    assert check_catalogue(folder) == [
        Problem("sites/dao-ti-top.json", "$.geofences[0].id", message),
        Problem(SITE, "$.geofences[0].id", message),
    ]


@pytest.mark.parametrize(
    ("body", "where", "message"),
    [
        (
            b"{",
            "$",
            "This is not JSON: Expecting property name enclosed in double quotes (line 1, column 2).",
        ),
        (b"", "$", "This is not JSON: Expecting value (line 1, column 1)."),
        (b"[]", "$", "Want an object, got a list."),
        (b"\xe9", "$", "The file is not UTF-8 text (byte 0)."),
        (b'{"id": 1, "id": 2}', "$", "This is not JSON: the key 'id' appears twice in one object."),
        (b'{"radius_m": NaN}', "$", "This is not JSON: NaN is not a number in JSON."),
        (b"[" * 200_000, "$", "This is not JSON for people: it is nested too deeply."),
        (b" " * (MAX_FILE_BYTES + 1), "", f"The file is larger than {MAX_FILE_BYTES} bytes."),
    ],
)
def test_a_broken_file_is_one_problem_and_the_tours_that_stop_there_are_not_blamed(
    folder, body, where, message
):
    (folder / SITE).write_bytes(body)
    assert check_catalogue(folder) == [Problem(SITE, where, message)]


def test_a_file_at_the_size_limit_is_read(folder):
    body = (folder / SITE).read_bytes()
    (folder / SITE).write_bytes(body + b" " * (MAX_FILE_BYTES - len(body)))
    assert check_catalogue(folder) == []


def test_a_file_larger_than_memory_is_refused_unread(folder):
    os.truncate(folder / SITE, 2**36)  # sparse: 64 GiB that take no room on the disk
    assert check_catalogue(folder) == [Problem(SITE, "", f"The file is larger than {MAX_FILE_BYTES} bytes.")]


def test_infinite_numbers_are_refused(folder):
    body = (folder / SITE).read_text(encoding="utf-8")
    (folder / SITE).write_text(body.replace("550.0", "1e999"), encoding="utf-8")
    assert check_catalogue(folder) == [Problem(SITE, "$.geofences[0].radius_m", "Want 5 to 50000, got inf.")]


def test_what_is_not_a_file_neither_hangs_nor_crashes(folder):
    os.mkfifo(folder / "sites/pipe.json")
    (folder / "sites/folder.json").mkdir()
    (folder / "sites/link.json").symlink_to("nowhere")
    message = "This is not a file."
    assert check_catalogue(folder) == [
        Problem(f"sites/{name}.json", "", message) for name in ("folder", "link", "pipe")
    ]


def test_a_stray_file_is_a_warning_and_does_not_stop_the_loading(folder):
    (folder / "sites/notes.txt").write_text("x")
    (folder / "sites/.hidden").write_text("x")
    assert check_catalogue(folder) == [
        Problem("sites/notes.txt", "", "Only .json files are read here.", severity=Severity.WARNING)
    ]
    assert len(load_catalogue(folder).sites) == 57


def test_a_file_name_that_is_no_text_is_reported_in_text(folder):
    (folder / os.fsdecode(b"sites/\xff.json")).write_text("x")
    problems = check_catalogue(folder)
    assert problems == [Problem("sites/\ufffd.json", "", "The file's name is not UTF-8 text.", "Rename it.")]


def test_a_missing_folder(tmp_path):
    advice = "Give the folder that holds sites/ and tours/."
    assert check_catalogue(tmp_path) == [
        Problem("sites", "", "The folder 'sites' is missing.", advice),
        Problem("tours", "", "The folder 'tours' is missing.", advice),
    ]


def test_every_problem_of_every_file_comes_at_once_in_file_order(folder):
    change(folder, "sites/ao-ech.json", sources=[], colour="red", kind="pond")
    change(folder, "sites/ba-hang.json", sources=[], name__vi=REMOVED, geofences__0__live_use=True)
    (folder / "sites/wh-672.json").write_text("{")
    change(folder, TOUR, sources=[], stops__1__site_id="atlantis")
    assert [(problem.file, problem.where) for problem in check_catalogue(folder)] == [
        ("sites/ao-ech.json", "$.colour"),
        ("sites/ao-ech.json", "$.kind"),
        ("sites/ba-hang.json", "$.name.vi"),
        ("sites/ba-hang.json", "$.sources"),
        ("sites/ba-hang.json", "$.geofences[0].live_use"),
        ("sites/wh-672.json", "$"),
        (TOUR, "$.sources"),
        (TOUR, "$.stops[1].site_id"),
    ]
    with pytest.raises(CatalogueInvalid, match="the catalogue has 8 error"):
        load_catalogue(folder)
