"""Approve a draft: a named person says that it may be published."""

import difflib
from dataclasses import dataclass

from content_api.manage.drafts import Clock, Draft, Drafts, utc_now
from content_api.manage.errors import Refused
from heritage_sites.checks import FieldInvalid, text
from heritage_sites.problem import Problem

MAX_NAME_CHARS = 200  # a person's name with title and office


@dataclass(frozen=True, slots=True)
class Approval:
    """An approved draft. `is_new` is False when it was approved before: the first approval stands."""

    draft: Draft
    is_new: bool


def approve(drafts: Drafts, draft_id: str, *, by: str, clock: Clock = utc_now) -> Approval:
    """Record who approves the draft and when. Raises Refused for an unknown id or a name that is none."""
    try:
        name = text("by", by.strip(), max_chars=MAX_NAME_CHARS)
    except FieldInvalid as error:
        raise Refused(
            [Problem("", "--by", f"The name of who approves: {error.message}.", "Give the person's name.")]
        ) from error
    if drafts.find(draft_id) is None:
        raise Refused([_unknown(drafts, draft_id)])
    is_new = drafts.approve(draft_id, by=name, at=clock())
    approved = drafts.find(draft_id)
    assert approved is not None  # rows are never removed
    return Approval(approved, is_new)


def _unknown(drafts: Drafts, draft_id: str) -> Problem:
    ids = [draft.id for draft in drafts.list_all()]
    near = difflib.get_close_matches(draft_id, ids, n=3, cutoff=0.5)
    if near:
        advice = f"Do you mean {' or '.join(near)}?"
    else:
        advice = "Ingest it first." if not ids else f"There are {len(ids)} drafts; the first is {ids[0]}."
    return Problem("", draft_id[:200], "There is no draft with this id.", advice)
