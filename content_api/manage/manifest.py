"""Read manifest.csv: what an editor delivers, one row per master, and every Problem at once.

Columns: site, kind, file, title_vi, title_en, licence, attribution; and if wanted lat, lon, summary_vi,
summary_en, alt_vi, alt_en, illustration, source_url. UTF-8 with or without a byte order mark; commas or
semicolons. Rows are counted as a spreadsheet shows them: the header is row 1.
"""

import csv
import difflib
import io
from dataclasses import dataclass
from pathlib import Path

from content_api.manage import manifest_cells as cells
from content_api.manage.manifest_cells import MANIFEST_NAME, CellInvalid, Record
from heritage_sites.catalogue_rules import Catalogue
from heritage_sites.experience import ExperienceKind
from heritage_sites.geo import LatLon, distance_m
from heritage_sites.licence import Attribution
from heritage_sites.problem import Problem, Severity
from heritage_sites.site import Site
from heritage_sites.text import LocalisedText

REQUIRED_COLUMNS = ("site", "kind", "file", "title_vi", "title_en", "licence", "attribution")
OPTIONAL_COLUMNS = (
    "lat", "lon", "summary_vi", "summary_en", "alt_vi", "alt_en", "illustration", "source_url",
)  # fmt: skip
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS

MAX_MANIFEST_BYTES = 4 << 20  # 5,000 rows of 800 characters
MAX_ROWS = 5_000  # a day's work for the pipeline; more come in a second folder
FAR_FROM_SITE_M = 2_000.0  # beyond the site's own uncertainty; a cave's mouth, a pier's end lie nearer


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One master and what is said of it. `path` is a readable file inside the folder."""

    number: int
    site: Site
    kind: ExperienceKind
    file: str
    path: Path
    title: LocalisedText
    summary: LocalisedText
    alt: LocalisedText
    attribution: Attribution
    position: LatLon | None
    illustration: bool

    @property
    def where(self) -> str:
        """The row's place in a Problem."""
        return f"row {self.number}"


def read_manifest(folder: Path, catalogue: Catalogue) -> tuple[list[ManifestRow], list[Problem]]:
    """The rows that are sound, and every Problem: only with no error among them may the rows be used."""
    reader = _Reader(folder, catalogue)
    try:
        table = _read_table(folder)
        header = _check_header(table.pop(0) if table else [])
    except _ManifestInvalid as error:
        return [], list(error.problems)
    rows = [row for number, texts in enumerate(table, 2) if (row := reader.read_row(number, header, texts))]
    if not table and not reader.problems:
        reader.problems.append(_problem("", "The manifest has no rows.", "Add a row for each file."))
    return rows, sorted(reader.problems, key=_row_number)


class _ManifestInvalid(Exception):
    """The manifest cannot be read as a table at all."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__()


def _problem(where: str, message: str, advice: str = "", *, is_warning: bool = False) -> Problem:
    severity = Severity.WARNING if is_warning else Severity.ERROR
    return Problem(MANIFEST_NAME, where, message, advice, severity)


def _row_number(problem: Problem) -> int:
    digits = problem.where.removeprefix("row ").partition(",")[0]
    return int(digits) if digits.isdigit() else 0


def _read_table(folder: Path) -> list[list[str]]:
    """All records of the file, without trailing empty ones."""
    text = _decode(_read_bytes(folder))
    first_line = text.partition("\n")[0]
    delimiter = ";" if ";" in first_line and "," not in first_line else ","  # Excel in Vietnam writes ;
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    table: list[list[str]] = []
    try:
        for record in records:
            table.append([cell.strip() for cell in record])
            if len(table) > MAX_ROWS + 1:
                message = f"The manifest has more than {MAX_ROWS} rows."
                raise _ManifestInvalid(_problem("", message, "Deliver the rest in a second folder."))
    except csv.Error as error:
        message = f"The table breaks off here: {error}."
        advice = "Look for a quotation mark that is not closed."
        raise _ManifestInvalid(_problem(f"row {len(table) + 1}", message, advice)) from error
    while table and not any(table[-1]):
        table.pop()
    return table


def _read_bytes(folder: Path) -> bytes:
    if not folder.is_dir():
        raise _ManifestInvalid(Problem(str(folder), "", "There is no such folder."))
    try:
        path = cells.find_file(folder, MANIFEST_NAME)
        with path.open("rb") as file:
            body = file.read(MAX_MANIFEST_BYTES + 1)
    except CellInvalid as error:
        raise _ManifestInvalid(_problem("", error.message, error.advice)) from error
    if len(body) > MAX_MANIFEST_BYTES:
        raise _ManifestInvalid(_problem("", f"The manifest is larger than {MAX_MANIFEST_BYTES} bytes."))
    return body


def _decode(body: bytes) -> str:
    advice = 'Save it as "CSV UTF-8 (comma delimited)".'
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _ManifestInvalid(_problem("", "The manifest is UTF-16 text, not UTF-8.", advice))
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = body.count(b"\n", 0, error.start) + 1
        message = f"The manifest is not UTF-8 text (byte {error.start})."
        raise _ManifestInvalid(_problem(f"row {row}", message, advice)) from error


def _check_header(names: list[str]) -> list[str]:
    """The columns in the file's order; a fault in them ends the reading, for no row can be trusted then."""
    header = [name.lower() for name in names]
    problems = [
        _problem("row 1", f"The column '{column}' is missing.", f"Needed are {', '.join(REQUIRED_COLUMNS)}.")
        for column in REQUIRED_COLUMNS
        if column not in header
    ]
    for place, name in enumerate(header, 1):
        if name and name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            advice = f"Do you mean '{near[0]}'?" if near else f"Known are {', '.join(COLUMNS)}."
            problems.append(_problem(f"row 1, column {place}", f"There is no column '{name[:40]}'.", advice))
        if name and name in header[: place - 1]:
            problems.append(_problem(f"row 1, column {place}", f"The column '{name[:40]}' is there twice."))
    if problems:
        raise _ManifestInvalid(*problems)
    return header


class _Reader:
    """Reads row after row and notes every fault with its place."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder = folder
        self.sites = {site.id: site for site in catalogue.sites}
        self.licence_ids = [licence.id for licence in catalogue.licences]
        self.problems: list[Problem] = []
        self.seen: dict[tuple[str, str, str], int] = {}

    def read_row(self, number: int, header: list[str], texts: list[str]) -> ManifestRow | None:
        """The row, or None when it is empty or has a fault (which is noted)."""
        if not any(texts):
            return None
        before = len(self.problems)
        if len(texts) > len(header) and any(texts[len(header) :]):
            advice = "Put quotation marks around a text that holds a comma."
            self.problems.append(
                _problem(f"row {number}", f"The row has {len(texts)} cells, not {len(header)}.", advice)
            )
            return None
        row = dict(zip(header, texts, strict=False))
        record = Record(number, {name: row.get(name, "") for name in COLUMNS}, self.problems)
        site = record.take(lambda text: cells.choose(text, self.sites, "site"), "site")
        kind = record.take(lambda text: cells.choose(text, cells.KINDS, "kind"), "kind")
        path = record.take(lambda text: cells.find_master(self.folder, text), "file")
        title = record.take_texts("title", required=True)
        summary = record.take_texts("summary")
        alt = record.take_texts("alt")
        attribution = record.take_attribution(self.licence_ids)
        position = record.take_position()
        illustration = record.take(cells.parse_switch, "illustration")
        self._note_repeat(record)
        has_fault = any(problem.severity is Severity.ERROR for problem in self.problems[before:])
        if has_fault:
            return None
        assert site is not None, "a site that was not found is a fault"  # and so are the others
        assert kind is not None
        assert path is not None
        assert title is not None
        assert summary is not None
        assert alt is not None
        assert attribution is not None
        assert illustration is not None
        if position is not None:
            self._warn_if_far(record, site, position)
        self._warn_without_alt(record, alt)
        return ManifestRow(
            number, site, kind, record["file"], path, title, summary, alt, attribution, position, illustration
        )

    def _note_repeat(self, record: Record) -> None:
        key = (record["site"], record["kind"], record["file"])
        first = self.seen.setdefault(key, record.number)
        if first != record.number and all(key):
            self.problems.append(
                _problem(f"row {record.number}", f"This is row {first} again: same site, kind and file.")
            )

    def _warn_if_far(self, record: Record, site: Site, position: LatLon) -> None:
        if site.position.point is None or site.position.uncertainty_m is None:
            return
        away_m = distance_m(site.position.point, position)
        if away_m > site.position.uncertainty_m + FAR_FROM_SITE_M:
            message = f"This point lies {away_m / 1000:.1f} km from {site.id}."
            self.problems.append(
                _problem(f"row {record.number}, lat", message, "Look at both numbers.", is_warning=True)
            )

    def _warn_without_alt(self, record: Record, alt: LocalisedText) -> None:
        if not alt.texts:
            message = "There are no words for people who cannot see this."
            advice = "Fill alt_vi and alt_en: one sentence that says what is to be seen."
            self.problems.append(_problem(f"row {record.number}, alt_vi", message, advice, is_warning=True))
