"""The core without any network: operations are driven by hand, answers are bytes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from halong_xr.core import (
    CELL_KEPT_S,
    MAX_ANSWER_BYTES,
    MAX_PAGES,
    CellCache,
    Device,
    Questions,
    rank,
    read_answer,
)
from halong_xr.errors import AnswerUnexpected, QueryRefused, ServiceFailed, Unreachable
from halong_xr.geo import LatLon
from halong_xr.models import read_experience, read_fence, read_release, read_site
from halong_xr.reading import Fields
from halong_xr.wire import Head, Open, Operation, Patience, Read, Response, RetryPolicy, Sleep

POLICY = RetryPolicy(attempts=4, first_wait_s=1.0, longest_wait_s=3.0, deadline_s=10.0)


@dataclass
class Hand:
    """Drives operations: answers each Open with the next of `answers`, and moves its own clock."""

    answers: list[bytes | Exception | Response]
    now_s: float = 100.0
    bodies: list[dict] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    call_s: float = 0.0

    def questions(self, **options) -> Questions:
        given = {
            "url": "https://example.org",
            "languages": ("vi", "en"),
            "device": Device(),
            "patience": Patience(POLICY, lambda: self.now_s, lambda: 0.5),
            "cells": CellCache(lambda: self.now_s),
        }
        return Questions(**(given | options))

    def run(self, operation: Operation):
        left = b""
        step: Callable = lambda: next(operation)  # noqa: E731
        while True:
            try:
                effect = step()
            except StopIteration as done:
                return done.value
            if isinstance(effect, Sleep):
                self.waits_s.append(effect.seconds)
                self.now_s += effect.seconds
                step = lambda: operation.send(None)  # noqa: E731
            elif isinstance(effect, Open):
                self.now_s += self.call_s
                self.bodies.append(json.loads(effect.request.body))
                answer = self.answers.pop(0)
                if isinstance(answer, Exception):
                    step = lambda answer=answer: operation.throw(answer)  # noqa: E731
                    continue
                if isinstance(answer, bytes):
                    answer = Response(Head(200, {}), answer)
                left, head = answer.body, answer.head
                step = lambda head=head: operation.send(head)  # noqa: E731
            else:
                assert isinstance(effect, Read)
                chunk, left = left[:1_000_000], left[1_000_000:]
                step = lambda chunk=chunk: operation.send(chunk)  # noqa: E731


RELEASE = {
    "id": "ab",
    "sequence": 3,
    "sandbox": False,
    "siteCount": 1,
    "experienceCount": 2,
    "tourCount": 3,
    "languages": ["vi"],
}


def answer(data: dict) -> bytes:
    return json.dumps({"data": data}).encode()


def page(name: str, rows: list, cursor: str | None) -> bytes:
    return answer(
        {
            name: {
                "edges": [{"node": row} for row in rows],
                "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor},
            }
        }
    )


TEXT = {"language": "vi", "text": "Đá", "state": "HUMAN"}
POSITION = {"basis": "SURVEYED", "latDeg": 20.9, "lonDeg": 107.0, "uncertaintyM": 5}
FENCE = {
    "id": "a",
    "type": "CIRCLE",
    "liveUse": True,
    "geometry": None,
    "centreLatDeg": 20.9,
    "centreLonDeg": 107.0,
    "radiusM": 50,
}
SITE_BRIEF = {"slug": "s", "kind": "CAVE", "name": TEXT, "names": [TEXT], "position": POSITION}
EXPERIENCE = {
    "slug": "e",
    "kind": "MODEL",
    "title": TEXT,
    "titles": [TEXT],
    "summary": TEXT,
    "site": SITE_BRIEF,
    "illustration": False,
    "illustrationNotice": None,
    "attribution": {"credit": "c", "sourceUrl": None, "licence": {"id": "x", "title": "X", "url": None}},
    "triggers": [{"kind": "ENTER", "dwellS": None, "geofence": FENCE}],
    "anchor": None,
    "media": [],
}


def test_a_passing_failure_is_tried_again_with_jittered_doubling_waits() -> None:
    busy = Response(Head(503, {}), b"")
    hand = Hand([Unreachable("gone"), busy, busy, answer({"release": RELEASE})])
    assert hand.run(hand.questions().release()).sequence == 3
    assert hand.waits_s == [0.5, 1.0, 1.5]  # half of 1, 2 and 3 (not 4) seconds


def test_the_last_attempt_tells_its_own_failure() -> None:
    hand = Hand([Unreachable(str(n)) for n in range(9)])
    with pytest.raises(Unreachable, match="3"):
        hand.run(hand.questions().release())
    assert len(hand.bodies) == 4


def test_no_wait_goes_past_the_deadline() -> None:
    hand = Hand([Unreachable("slow")] * 9, call_s=4.8)
    with pytest.raises(Unreachable):
        hand.run(hand.questions().release())
    assert (len(hand.bodies), hand.waits_s) == (2, [0.5])


@pytest.mark.parametrize(("asked", "waited"), [("2", 2.0), ("0", 0.5), ("Wed, 21 Oct", 0.5), ("-1", 0.5)])
def test_retry_after_is_heeded(asked: str, waited: float) -> None:
    hand = Hand([Response(Head(429, {"retry-after": asked}), b""), answer({"release": RELEASE})])
    hand.run(hand.questions().release())
    assert hand.waits_s == [waited]


def test_a_refusal_is_not_tried_again_and_keeps_its_codes() -> None:
    body = json.dumps(
        {"errors": [{"message": "too long", "extensions": {"code": "BAD_USER_INPUT"}}]}
    ).encode()
    hand = Hand([Response(Head(400, {}), body)])
    with pytest.raises(QueryRefused, match="too long") as refusal:
        hand.run(hand.questions().release())
    assert (refusal.value.codes, hand.waits_s) == (("BAD_USER_INPUT",), [])


def test_pages_are_followed_to_their_end() -> None:
    other = EXPERIENCE | {"slug": "f"}
    hand = Hand([page("experiencesInCell", [EXPERIENCE], "c1"), page("experiencesInCell", [other], None)])
    found = hand.run(hand.questions().experiences_in_cell("w7sns"))
    assert [experience.slug for experience in found] == ["e", "f"]
    assert [body["variables"]["after"] for body in hand.bodies] == [None, "c1"]


@pytest.mark.parametrize(
    ("cursors", "asked"), [(["same"] * 300, 2), ([str(n) for n in range(300)], MAX_PAGES)]
)
def test_pages_that_never_end_are_given_up(cursors: list[str], asked: int) -> None:
    hand = Hand([page("sites", [], cursor) for cursor in cursors])
    with pytest.raises(AnswerUnexpected, match="the pages do not end"):
        hand.run(hand.questions().sites())
    assert len(hand.bodies) == asked


def test_around_asks_nine_cells_in_text_order_once_and_merges() -> None:
    hand = Hand([page("experiencesInCell", [EXPERIENCE], None) for _ in range(9)])
    questions = hand.questions()
    near = hand.run(questions.experiences_around(LatLon(20.846389, 107.088611)))
    assert [n.experience.slug for n in near] == ["e"]
    asked = [body["variables"]["geohash"] for body in hand.bodies]
    assert asked == sorted(asked)
    assert set(asked) == {"w7snu", "w7snv", "w7snt", "w7snm", "w7snk", "w7sn7", "w7sne", "w7sng", "w7sns"}
    hand.run(questions.experiences_around(LatLon(20.85, 107.06)))  # same cell, elsewhere in it
    assert len(hand.bodies) == 9
    assert questions.cells.asked == asked


@pytest.mark.parametrize(("later_s", "asked"), [(CELL_KEPT_S, 1), (CELL_KEPT_S + 1, 2)])
def test_a_cell_is_asked_again_when_its_answer_is_old(later_s: float, asked: int) -> None:
    hand = Hand([page("experiencesInCell", [], None) for _ in range(2)])
    questions = hand.questions()
    hand.run(questions.experiences_in_cell("w7sns"))
    hand.now_s += later_s
    hand.run(questions.experiences_in_cell("w7sns"))
    assert len(hand.bodies) == asked


def test_ranking_is_by_distance_then_name_and_without_position_last() -> None:
    nowhere = EXPERIENCE | {
        "slug": "a",
        "triggers": [],
        "site": SITE_BRIEF | {"position": {"basis": "NONE", "latDeg": None, "lonDeg": None}},
    }
    anchored = EXPERIENCE | {"slug": "c", "anchor": {"kind": "WGS84", "latDeg": 20.91, "lonDeg": 107.0}}
    rows = [nowhere, EXPERIENCE | {"slug": "z"}, EXPERIENCE | {"slug": "b"}, anchored]
    ranked = rank([read_experience(Fields(row, "")) for row in rows], LatLon(20.92, 107.0))
    assert [(n.experience.slug, n.distance_m and round(n.distance_m)) for n in ranked] == [
        ("c", 1112),
        ("b", 2224),
        ("z", 2224),
        ("a", None),
    ]


def test_the_device_and_languages_go_into_the_question() -> None:
    hand = Hand([answer({"experience": None})])
    device = Device("headset", max_triangles=1000, image_formats=("webp",))
    assert hand.run(hand.questions(device=device).experience("none")) is None
    assert hand.bodies[0]["variables"] == {
        "slug": "none",
        "languages": ["vi", "en"],
        "device": {"deviceClass": "HEADSET", "maxTriangles": 1000, "imageFormats": ["webp"]},
    }


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'{"data": null}', b'{"data": {}}', b"[" * 100_000]
)
def test_an_answer_from_something_else_is_unexpected_not_a_crash(body: bytes) -> None:
    hand = Hand([body])
    with pytest.raises(AnswerUnexpected):
        hand.run(hand.questions().release())


def test_an_answer_without_end_is_not_read_further() -> None:
    hand = Hand([b" " * (MAX_ANSWER_BYTES + 1)])
    with pytest.raises(AnswerUnexpected, match="longer than"):
        hand.run(hand.questions().release())


def test_a_failing_service_keeps_its_status() -> None:
    with pytest.raises(ServiceFailed) as failure:
        read_answer(Response(Head(500, {}), b""))
    assert (failure.value.status, failure.value.may_pass) == (500, False)


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org", "http://", "https://a/?q=1", "http://[", "http://a:99999"]
)
def test_what_is_no_address_is_misuse(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Hand([]).questions(url=url)


@pytest.mark.parametrize("languages", [(), ("",)])
def test_no_language_is_misuse(languages: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="languages: want"):
        Hand([]).questions(languages=languages)


def test_an_unknown_device_class_is_misuse() -> None:
    with pytest.raises(ValueError, match="device_class: want one of phone"):
        Device("fridge")


# Tolerant reading


def test_fields_we_do_not_know_are_ignored_and_new_words_are_kept() -> None:
    row = EXPERIENCE | {"kind": "HOLOGRAM", "smell": {"of": "the sea"}, "summary": TEXT | {"state": "DREAMT"}}
    found = read_experience(Fields(row, ""))
    assert (found.kind, found.summary.state) == ("hologram", "dreamt")
    assert read_experience(Fields(EXPERIENCE | {"kind": None}, "")).kind == "unknown"


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ({name: value for name, value in EXPERIENCE.items() if name != "slug"}, "experience.slug"),
        (EXPERIENCE | {"title": None}, "experience.title"),
        (EXPERIENCE | {"illustration": None}, "experience.illustration"),
        (
            EXPERIENCE | {"triggers": [{"kind": "ENTER", "geofence": FENCE | {"liveUse": None}}]},
            r"triggers\[0\]\.geofence\.liveUse",
        ),
        (
            EXPERIENCE | {"triggers": [{"kind": "ENTER", "geofence": FENCE | {"radiusM": "far"}}]},
            r"geofence\.radiusM",
        ),
        (EXPERIENCE | {"triggers": "none"}, "experience.triggers"),
        (EXPERIENCE | {"media": [3]}, r"experience\.media\[0\]"),
    ],
)
def test_a_missing_field_is_named(row: dict, place: str) -> None:
    with pytest.raises(AnswerUnexpected, match=place):
        read_experience(Fields(row, "experience"))


def test_numbers_are_not_booleans_or_texts() -> None:
    for wrong in (True, "3", 3.5, None):
        with pytest.raises(AnswerUnexpected, match="sequence"):
            read_release(Fields(RELEASE | {"sequence": wrong}, ""))


def test_a_fence_of_a_new_type_is_its_drawn_polygon() -> None:
    ring = [[107.0, 20.9], [107.1, 20.9], [107.1, 21.0], [107.0, 20.9]]
    hexagon = FENCE | {"type": "HEXAGON", "geometry": {"type": "Polygon", "coordinates": [ring]}}
    fence = read_fence(Fields(hexagon, ""), "s")
    assert fence.contains(LatLon(20.92, 107.08))
    assert not fence.contains(LatLon(20.98, 107.02))
    assert fence.key == ("s", "a")


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {"type": "Point", "coordinates": [0, 0]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [0, 91], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0], [0], [1], [0]]]},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": 5},
    ],
)
def test_a_polygon_we_cannot_read_is_unexpected(geometry: object) -> None:
    with pytest.raises(AnswerUnexpected):
        read_fence(Fields(FENCE | {"type": "POLYGON", "geometry": geometry}, "fence"), "s")


def test_a_corridor_and_heights_are_read() -> None:
    row = FENCE | {
        "type": "CORRIDOR",
        "path": [[107.0, 20.9], [107.1, 20.9]],
        "halfWidthM": 30,
        "minHeightM": 0,
        "maxHeightM": 40,
    }
    fence = read_fence(Fields(row, ""), "s")
    assert fence.contains(LatLon(20.9, 107.05), 40)
    assert not fence.contains(LatLon(20.9, 107.05), 41)
    assert (fence.min_height_m, fence.max_height_m) == (0, 40)


def test_a_site_without_a_position_has_none() -> None:
    row = SITE_BRIEF | {
        "description": TEXT,
        "position": {"basis": "NONE", "latDeg": None, "lonDeg": None, "uncertaintyM": None},
        "geofences": [],
        "sources": [],
    }
    found = read_site(Fields(row, ""))
    assert (found.position.point, found.position.basis, found.status, found.fences) == (
        None,
        "none",
        None,
        (),
    )
