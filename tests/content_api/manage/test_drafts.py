"""Drafts and their approval: one row per delivery, an approval for what was approved, and nothing lost."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest

from content_api.manage.approve import MAX_NAME_CHARS, approve
from content_api.manage.drafts import SCHEMA_VERSION, Draft, Drafts, DraftStatus, Saved
from content_api.manage.errors import DraftsFailed, Refused
from tests.content_api.publish.content import AT, make_derivative, make_experience

LATER = AT + timedelta(hours=1)
SHA = "ab" * 32
NAME = "hang-thu-photo-0123456789ab"


@pytest.fixture
def drafts(tmp_path):
    with Drafts(tmp_path / "data" / "drafts.sqlite3") as opened:
        yield opened


def test_what_was_saved_is_what_comes_back(drafts: Drafts) -> None:
    assert drafts.save(make_experience(), SHA, at=AT) is Saved.ADDED
    expected = Draft(make_experience(), SHA, DraftStatus.DRAFT, AT, AT)
    assert drafts.find(NAME) == expected
    assert drafts.list_all() == [expected]
    assert expected.derivatives == (make_derivative(),)
    assert drafts.list_all(DraftStatus.APPROVED) == []
    assert drafts.find("none") is None


def test_the_same_again_changes_nothing(drafts: Drafts) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    approve(drafts, NAME, by="Trần Thị B", clock=lambda: AT)
    before = drafts.list_all()
    assert drafts.save(make_experience(), SHA, at=LATER) is Saved.UNCHANGED
    assert drafts.list_all() == before


def test_changed_content_needs_a_new_approval(drafts: Drafts) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    approve(drafts, NAME, by="Trần Thị B", clock=lambda: AT)
    assert drafts.save(make_experience(b"another photo"), SHA, at=LATER) is Saved.CHANGED
    assert drafts.find(NAME) == Draft(make_experience(b"another photo"), SHA, DraftStatus.DRAFT, AT, LATER)


def test_approval_records_who_and_when(drafts: Drafts) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    hanoi = timezone(timedelta(hours=7))
    approval = approve(drafts, NAME, by="  Trần Thị B ", clock=lambda: LATER.astimezone(hanoi))
    assert approval.is_new is True
    assert (approval.draft.status, approval.draft.approved_by) == (DraftStatus.APPROVED, "Trần Thị B")
    assert approval.draft.approved_at == LATER
    assert drafts.list_all(DraftStatus.APPROVED) == [approval.draft]
    assert approval.draft.as_json()["approved_at"] == "2026-11-23T10:30:00+00:00"


def test_the_first_approval_stands(drafts: Drafts) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    first = approve(drafts, NAME, by="Trần Thị B", clock=lambda: AT)
    second = approve(drafts, NAME, by="Somebody Else", clock=lambda: LATER)
    assert (second.is_new, second.draft) == (False, first.draft)


@pytest.mark.parametrize("name", ["", "  ", "\n", "a\x00b", "x" * (MAX_NAME_CHARS + 1)])
def test_a_name_that_is_none_is_refused(drafts: Drafts, name: str) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    before = drafts.list_all()
    with pytest.raises(Refused) as refusal:
        approve(drafts, NAME, by=name)
    assert [problem.where for problem in refusal.value.problems] == ["--by"]
    assert drafts.list_all() == before


def test_a_name_at_the_limit_is_taken(drafts: Drafts) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    assert approve(drafts, NAME, by="x" * MAX_NAME_CHARS).is_new


def test_an_unknown_id_is_refused_with_near_ones(drafts: Drafts) -> None:
    with pytest.raises(Refused) as refusal:
        approve(drafts, NAME, by="B")
    assert refusal.value.problems[0].advice == "Ingest it first."
    drafts.save(make_experience(), SHA, at=AT)
    drafts.save(make_experience(name="ti-top-model-000000000000"), SHA, at=AT)
    with pytest.raises(Refused) as refusal:
        approve(drafts, NAME[:-1] + "c", by="B")
    (problem,) = refusal.value.problems
    assert (problem.message, problem.advice) == ("There is no draft with this id.", f"Do you mean {NAME}?")
    assert drafts.list_all(DraftStatus.APPROVED) == []


def test_reading_makes_no_file(tmp_path) -> None:
    with Drafts(tmp_path / "none" / "drafts.sqlite3") as drafts:
        assert drafts.list_all() == []
        assert drafts.find("x") is None
    assert list(tmp_path.iterdir()) == []


def test_two_processes_see_each_other(drafts: Drafts, tmp_path) -> None:
    drafts.save(make_experience(), SHA, at=AT)
    program = (
        "import sys; from pathlib import Path; from content_api.manage.drafts import Drafts;"
        "from content_api.manage.approve import approve;"
        "approve(Drafts(Path(sys.argv[1])), sys.argv[2], by='Other Process')"
    )
    path = tmp_path / "data" / "drafts.sqlite3"
    subprocess.run([sys.executable, "-c", program, str(path), NAME], check=True)
    found = drafts.find(NAME)
    assert found is not None
    assert found.approved_by == "Other Process"


def test_a_file_of_a_newer_program_is_left_alone(tmp_path) -> None:
    path = tmp_path / "drafts.sqlite3"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with (
        Drafts(path) as drafts,
        pytest.raises(DraftsFailed, match="drafts of version 2, this program knows 1"),
    ):
        drafts.save(make_experience(), SHA, at=AT)


def test_a_file_that_is_no_database_is_told(tmp_path) -> None:
    path = tmp_path / "drafts.sqlite3"
    path.write_bytes(b"not a database, but long enough to be looked at" * 30)
    with Drafts(path) as drafts, pytest.raises(DraftsFailed, match="not a database"):
        drafts.list_all()


def test_a_time_without_zone_is_our_mistake(drafts: Drafts) -> None:
    with pytest.raises(ValueError, match="want a time with its zone"):
        drafts.save(make_experience(), SHA, at=datetime(2026, 1, 1))  # noqa: DTZ001
    assert drafts.list_all() == []
    assert AT.tzinfo is UTC
