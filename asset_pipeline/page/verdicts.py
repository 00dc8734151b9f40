"""Device verdicts on the page: a mark, the device, and the rule that decided."""

from collections.abc import Mapping, Sequence
from typing import Any

from asset_pipeline.page.figures import NO_VALUE
from asset_pipeline.page.markup import Markup, joined, tag
from asset_pipeline.page.words import both, english, heading


def verdicts_of(verdicts: Any) -> Markup:
    """The whole list; every rule that was looked at is there, the deciding one first."""
    rows = [_row(verdict) for verdict in _mappings(verdicts)]
    if not rows:
        return Markup()
    return joined(
        heading(4, "verdicts"), tag("ul", *rows, class_="verdicts"), tag("p", both("guide"), class_="note")
    )


def verdicts_short(verdicts: Any) -> Markup:
    """One mark per device, for the overview; a dash where there is no verdict."""
    marks = [
        tag("span", f"{_mark(verdict)} {verdict.get('device')}", class_=_class(verdict))
        for verdict in _mappings(verdicts)
    ]
    return joined(*(joined(mark, tag("br")) for mark in marks)) if marks else Markup(NO_VALUE)


def _row(verdict: Mapping[str, Any]) -> Markup:
    holds = bool(verdict.get("holds"))
    mark = tag("span", _mark(verdict), class_="mark", role="img", aria_label=_word(holds))
    rule = tag("span", f"{verdict.get('rule')}: {verdict.get('actual')}", class_="rule")
    checks = [
        tag("li", f"{_mark(check)} {check.get('rule')}: {check.get('actual')}")
        for check in _mappings(verdict.get("checks"))
    ]
    source = tag("p", str(verdict["source"]), class_="note") if verdict.get("source") else Markup()
    more = tag("details", tag("summary", f"{len(checks)} ", both("rules")), tag("ul", *checks), source)
    head = tag("p", mark, " ", tag("strong", str(verdict.get("device"))), " ", rule)
    return tag("li", head, more if checks else source, class_=_class(verdict))


def _mark(value: Mapping[str, Any]) -> str:
    return "✓" if value.get("holds") else "✗"


def _word(holds: bool) -> str:
    return english("holds" if holds else "fails")


def _class(verdict: Mapping[str, Any]) -> str:
    return "holds" if verdict.get("holds") else "fails"


def _mappings(values: Any) -> list[Mapping[str, Any]]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        return []
    return [value for value in values if isinstance(value, Mapping)]
