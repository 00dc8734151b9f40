"""The catalogue's files: one JSON file per site and per tour, in a folder that editors keep.

sites/hang-sung-sot.json        the file's name is the site's id
tours/vhl2.json
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from heritage_sites.catalogue_rules import Catalogue, CatalogueInvalid, find_problems
from heritage_sites.codec import JsonInvalid, from_json, parse_json
from heritage_sites.problem import Problem, Severity
from heritage_sites.site import Site
from heritage_sites.tour import Tour

SEED_FOLDER = Path(__file__).parent / "catalogue"
MAX_FILE_BYTES = 1_048_576  # per file; the longest of the seed has 4 kB, a detailed coast polygon 200 kB
MAX_FILES = 10_000  # per folder; ten times what a province lists

__all__ = [
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "SEED_FOLDER",
    "Catalogue",
    "CatalogueInvalid",
    "check_catalogue",
    "load_catalogue",
]

Item = TypeVar("Item", Site, Tour)


def load_catalogue(folder: Path = SEED_FOLDER) -> Catalogue:
    """The catalogue of a folder, sites and tours by id. Raises CatalogueInvalid with every Problem."""
    catalogue, problems = _read_catalogue(folder)
    if any(problem.severity is Severity.ERROR for problem in problems):
        raise CatalogueInvalid(problems)
    return catalogue


def check_catalogue(folder: Path = SEED_FOLDER) -> list[Problem]:
    """Every Problem of a catalogue folder, in file order; empty if there is none."""
    return _read_catalogue(folder)[1]


def _read_catalogue(folder: Path) -> tuple[Catalogue, list[Problem]]:
    problems: list[Problem] = []
    sites = _read_folder(Site, folder, "sites", problems)
    tours = _read_folder(Tour, folder, "tours", problems)
    unread = {problem.file for problem in problems if problem.file.startswith("sites/")}
    catalogue = Catalogue(sites, tours)
    problems += [p for p in find_problems(catalogue) if not _follows_from_unread(p, unread)]
    return catalogue, sorted(problems, key=lambda problem: problem.file)


def _follows_from_unread(problem: Problem, unread: set[str]) -> bool:
    """A stop at a site whose own file is broken: mending the file mends the stop."""
    return any(problem.message == f"There is no site '{Path(file).stem}'." for file in unread)


def _read_folder(kind: type[Item], folder: Path, name: str, problems: list[Problem]) -> tuple[Item, ...]:
    if not (folder / name).is_dir():
        problems.append(
            Problem(
                name, "", f"The folder '{name}' is missing.", "Give the folder that holds sites/ and tours/."
            )
        )
        return ()
    items = []
    for file in _list_files(folder, name, problems):
        try:
            item = from_json(kind, parse_json(_read_bounded(folder / file)))
        except JsonInvalid as error:
            problems += [replace(problem, file=file) for problem in error.problems]
            continue
        if item.id != Path(file).stem:
            message = f"The id '{item.id}' is not the file's name '{Path(file).stem}'."
            problems.append(Problem(file, "$.id", message, "Rename the file or mend the id."))
        items.append(item)
    return tuple(sorted(items, key=lambda item: item.id))


def _list_files(folder: Path, name: str, problems: list[Problem]) -> Iterator[str]:
    with os.scandir(folder / name) as found:
        entries = sorted(entry.name for entry in found if not entry.name.startswith("."))
    if len(entries) > MAX_FILES:
        problems.append(Problem(name, "", f"Want at most {MAX_FILES} files, got {len(entries)}."))
        return
    for entry in entries:
        shown = os.fsencode(entry).decode("utf-8", "replace")
        if shown != entry:
            problems.append(
                Problem(f"{name}/{shown}", "", "The file's name is not UTF-8 text.", "Rename it.")
            )
        elif entry.endswith(".json"):
            yield f"{name}/{entry}"
        else:
            warning = "Only .json files are read here."
            problems.append(Problem(f"{name}/{entry}", "", warning, severity=Severity.WARNING))


def _read_bounded(path: Path) -> bytes:
    if not path.is_file():  # a pipe would hang, a folder or a dangling link cannot be read
        raise JsonInvalid((Problem("", "", "This is not a file."),))
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise JsonInvalid((Problem("", "", f"The file cannot be read: {error.strerror}."),)) from error
    if len(body) > MAX_FILE_BYTES:
        raise JsonInvalid((Problem("", "", f"The file is larger than {MAX_FILE_BYTES} bytes."),))
    return body
