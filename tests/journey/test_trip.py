"""The same journey in a folder and on S3, with nothing but the commands and the SDK."""

import time
from pathlib import Path

import httpx

from tests.journey.trip import EDITOR, SITES, Trip, graphql

ENTRIES = """{ release { id sequence experienceCount siteCount }
  experiences(first: 10) { edges { node { slug illustration illustrationNotice { text } site { slug }
    media { derivatives { derivativeId entry { url bytes } fileListUrl } } } } } }"""


def test_an_ingest_repeated_adds_nothing(trip: Trip) -> None:
    first, second = trip.told["first ingest"], trip.told["second ingest"]
    assert [item["status"] for item in first["items"]] == ["added"] * 3
    assert [item["status"] for item in second["items"]] == ["unchanged"] * 3
    assert [problem for problem in first["problems"] if problem["severity"] == "error"] == []
    assert trip.told["keys"] == trip.told["keys again"]
    assert len([key for key in trip.told["keys"] if key.startswith("masters/")]) == 3
    assert not [key for key in trip.told["keys"] if key.startswith(("releases/", "metadata/"))]


def test_only_what_a_named_person_approved_is_published(trip: Trip) -> None:
    told = trip.told
    drafts = [item["draft"] for item in told["first ingest"]["items"]]
    assert sorted(told["approve"].splitlines()) == sorted(f"{one}: approved by {EDITOR}" for one in drafts)
    assert {draft["approved_by"] for draft in told["drafts"]} == {EDITOR}
    assert (told["before approval"]["sequence"], told["before approval"]["is_new"]) == (1, True)
    assert (told["publish"]["sequence"], told["publish"]["is_new"]) == (2, True)
    assert told["publish again"] == {**told["publish"], "is_new": False}
    assert told["publish"]["warnings"] == []
    assert told["publish"]["release_id"] != told["before approval"]["release_id"]


def test_the_api_answers_with_addresses_that_give_the_files(trip: Trip) -> None:
    with trip.serving() as url:
        answer = graphql(url, ENTRIES)
        assert answer["release"] == {
            "id": trip.told["publish"]["release_id"], "sequence": 2, "experienceCount": 3, "siteCount": 57,
        }  # fmt: skip
        nodes = [edge["node"] for edge in answer["experiences"]["edges"]]
        assert sorted(node["site"]["slug"] for node in nodes) == sorted(SITES)
        assert {(node["illustration"], node["illustrationNotice"] is not None) for node in nodes} == {
            (True, True)
        }
        derivatives = [one for node in nodes for medium in node["media"] for one in medium["derivatives"]]
        assert len(derivatives) >= 9
        start = (trip.store.public_url("derivatives/x") or "/derivatives/x").removesuffix("x")
        assert start == "/derivatives/" or start.startswith(trip.environment["AWS_ENDPOINT_URL"])
        for one in derivatives:
            assert one["entry"]["url"].startswith(f"{start}{one['derivativeId']}/")
            assert one["fileListUrl"] == f"{start}{one['derivativeId']}/files.json"
            answered = httpx.get(httpx.URL(url).join(one["entry"]["url"]), timeout=30)  # no credentials
            assert (answered.status_code, len(answered.content)) == (200, one["entry"]["bytes"])


def test_a_visitor_enters_three_sites_and_verifies_what_is_downloaded(trip: Trip, tmp_path: Path) -> None:
    phone = tmp_path / "phone"
    with trip.serving() as url:
        told = trip.walk(url, "--sandbox", "--languages", "vi,en", "--download", str(phone))
        again = trip.walk(url, "--sandbox", "--languages", "vi,en", "--download", str(phone))
        outside_a_sandbox = trip.walk(url)
    assert [report for report in told if report["event"] == "problem"] == []
    entered = [report for report in told if report["event"] == "enter"]
    assert len(entered) == 3
    assert {report["experience"] for report in entered} == {draft["id"] for draft in trip.told["drafts"]}
    for report in entered:
        assert report["titles"]["vi"].endswith("(hình minh họa)")
        assert report["titles"]["en"].endswith("(illustration)")
    downloads = [report for report in told if report["event"] == "download"]
    assert {report["experience"] for report in downloads} == {report["experience"] for report in entered}
    total = sum(report["verified_bytes"] for report in downloads)
    assert told[-1]["verified_bytes"] == total > 100_000
    assert (again[-1]["verified_bytes"], again[-1]["fetched_bytes"]) == (total, 0)
    # no position of the seed is surveyed: without --sandbox nothing may fire, whatever the server says
    assert [report["event"] for report in outside_a_sandbox] == ["start", "summary"]


def test_a_damaged_file_never_reaches_the_visitor(trip: Trip, tmp_path: Path) -> None:
    store = trip.store
    bodies = {
        key: store.get(key, max_bytes=1 << 26)
        for key in store.list("derivatives/")
        if key.endswith("/model.glb")
    }
    try:
        for key, body in bodies.items():
            store.put(key, body[:-1] + bytes([body[-1] ^ 1]), media_type="model/gltf-binary")
        with trip.serving() as url:
            told = trip.walk(url, "--sandbox", "--download", str(tmp_path / "phone"), code=3)
    finally:
        for key, body in bodies.items():
            store.put(key, body, media_type="model/gltf-binary")
    problems = [report for report in told if report["event"] == "problem"]
    assert len(problems) == 1
    assert not list((tmp_path / "phone").rglob("model.glb"))


def test_rolling_back_raises_the_sequence_and_the_server_follows(trip: Trip) -> None:
    bare, full = trip.told["before approval"]["release_id"], trip.told["publish"]["release_id"]
    sequence = trip.ask("releases")["releases"][-1]["sequence"]
    with trip.serving() as url:
        for step, (release_id, experiences) in enumerate(((bare, 0), (full, 3)), sequence + 1):
            back = trip.ask("rollback", release_id[:12])
            assert (back["release_id"], back["sequence"], back["is_new"]) == (release_id, step, True)
            wait_for(url, release_id)
            release = graphql(url, ENTRIES)["release"]
            assert (release["id"], release["sequence"]) == (release_id, step)
            assert release["experienceCount"] == experiences
    listed = trip.ask("releases")["releases"]
    assert [line["sequence"] for line in listed] == list(range(1, sequence + 3))
    assert [line["current"] for line in listed] == [False] * (sequence + 1) + [True]


def wait_for(url: str, release_id: str) -> None:
    deadline = time.monotonic() + 30
    while graphql(url, "{ release { id } }")["release"]["id"] != release_id:
        assert time.monotonic() < deadline, "the server did not follow"
        time.sleep(0.1)
