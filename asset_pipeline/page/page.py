"""The page a reviewer looks at: one file, no network, links to the derivatives and stills beside it."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path, PurePath

from asset_pipeline.page.derivative import card, overview
from asset_pipeline.page.figures import bytes_text, plain_text
from asset_pipeline.page.markup import Markup, joined, tag
from asset_pipeline.page.pictures import hero
from asset_pipeline.page.words import both, english, heading
from asset_pipeline.report import Report, Result, Status
from heritage_sites.problem import Problem

PAGE_FILE = "report.html"
MASTER_PREFIX = "master_"  # measures of the master itself, told with each of its derivatives


def render_page(report: Report) -> str:
    """The whole page; the same report gives the same bytes. It belongs into the report's output folder."""
    masters = [(name, list(results)) for name, results in groupby(report.results, lambda one: one.master)]
    sections = [_master(number, name, results) for number, (name, results) in enumerate(masters)]
    body = tag(
        "body",
        tag("header", heading(1, "title"), tag("p", _counts(report))),
        _contents(masters) if len(masters) > 1 else Markup(),
        tag("main", *(sections or [tag("p", both("none"))])),
        _tools(report),
        tag("script", Markup(_text_of("page.js"))),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", english("title")),
        tag("style", Markup(_text_of("page.css"))),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _policy() -> str:
    """Nothing but pictures from beside the page, and this very style and script."""
    hashes = {name: _hash_of(_text_of(name)) for name in ("page.css", "page.js")}
    return (
        "default-src 'none'; img-src 'self' file:; "
        f"style-src '{hashes['page.css']}'; script-src '{hashes['page.js']}'; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _text_of(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _counts(report: Report) -> str:
    masters = len({result.master for result in report.results})
    counts = ", ".join(f"{report.count(status)} {english(str(status))}" for status in Status)
    return f"{masters} masters; recipes: {counts}"


def _contents(masters: Sequence[tuple[str, list[Result]]]) -> Markup:
    rows = [
        tag("li", tag("a", name, href=f"#m-{number}"), " ", _states(results))
        for number, (name, results) in enumerate(masters)
    ]
    return tag("nav", heading(2, "masters"), tag("ol", *rows), aria_label=english("masters"))


def _states(results: Sequence[Result]) -> Markup:
    worst = [status for status in (Status.FAILED, Status.REFUSED, Status.OK) if _has(results, status)][:1]
    return joined(*(tag("span", english(str(status)), class_=f"state {status}") for status in worst))


def _has(results: Sequence[Result], status: Status) -> bool:
    return any(result.status is status for result in results)


def _master(number: int, name: str, results: Sequence[Result]) -> Markup:
    derivatives = [derivative for result in results for derivative in result.derivatives]
    cards = [
        card(derivative, result.stills.get(derivative.derivative_id, ()))
        for result in results
        for derivative in result.derivatives
    ]
    sha256 = results[0].master_sha256
    return tag(
        "section",
        tag("h2", PurePath(name).name),
        tag(
            "p",
            tag("code", name),
            tag("br"),
            tag("code", f"SHA-256 {sha256}" if sha256 else ""),
            class_="note",
        ),
        hero(derivatives, of=PurePath(name).name),
        _facts(results),
        _problems(results),
        joined(heading(3, "derivatives"), overview(derivatives), *cards) if derivatives else Markup(),
        id=f"m-{number}",
    )


def _facts(results: Sequence[Result]) -> Markup:
    """What the derivatives' measures say of the master."""
    facts = {
        key.removeprefix(MASTER_PREFIX): value
        for result in results
        for derivative in result.derivatives
        for key, value in derivative.measures.items()
        if key.startswith(MASTER_PREFIX)
    }
    rows = [
        tag("div", tag("dt", key.replace("_", " ")), tag("dd", plain_text(key, value)))
        for key, value in facts.items()
    ]
    return joined(heading(3, "master"), tag("dl", *rows, class_="figures")) if rows else Markup()


def _problems(results: Sequence[Result]) -> Markup:
    rows = [
        _problem(problem, result)
        for problem, result in {
            problem: result for result in reversed(results) for problem in reversed(result.problems)
        }.items()
    ]
    return joined(heading(3, "problems"), tag("ul", *reversed(rows), class_="problems")) if rows else Markup()


def _problem(problem: Problem, result: Result) -> Markup:
    recipe = "" if result.status is Status.OK else f" ({result.recipe}: {english(str(result.status))})"
    place = f"{problem.where}: " if problem.where else ""
    return tag(
        "li",
        tag("strong", both(str(problem.severity)), recipe),
        " ",
        f"{place}{problem.message}",
        " ",
        tag("em", problem.advice) if problem.advice else Markup(),
        class_=str(problem.severity),
    )


def _tools(report: Report) -> Markup:
    size = sum(file.bytes for result in report.results for one in result.derivatives for file in one.files)
    names = ", ".join(f"{name} {version}" for name, version in report.tools)
    made = tag("p", both("tools"), f": {names}") if names else Markup()
    return tag("footer", tag("p", f"{bytes_text(size)} of derivatives"), made)
