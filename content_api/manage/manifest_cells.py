"""The cells of a manifest's row: text in, value out, or words which say what was wanted."""

import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from heritage_sites.checks import FieldInvalid
from heritage_sites.experience import ExperienceKind
from heritage_sites.geo import LatLon
from heritage_sites.licence import Attribution
from heritage_sites.problem import Problem
from heritage_sites.text import REQUIRED_LANGUAGES, LocalisedText

MANIFEST_NAME = "manifest.csv"
MAX_MASTER_BYTES = 16 << 30  # a large laser scan is 2 GB; more is a backup or a mistake

# what the pipeline makes derivatives of; the other kinds of experience come with their own issues
KINDS = {kind.value: kind for kind in (ExperienceKind.MODEL, ExperienceKind.PANORAMA, ExperienceKind.PHOTO)}

_LANGUAGES = {"vi": "Vietnamese", "en": "English"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}(?:\.[0-9]{1,15})?")
_SWITCHES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}

_T = TypeVar("_T")


class CellInvalid(Exception):
    """A cell holds what it must not hold."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class Record:
    """The cells of one row; each `take` turns some into a value, or notes their fault and returns None."""

    def __init__(self, number: int, texts: Mapping[str, str], problems: list[Problem]) -> None:
        """`texts` has every column, "" where the manifest has none; faults are added to `problems`."""
        self.number = number
        self._texts = texts
        self._problems = problems

    def __getitem__(self, column: str) -> str:
        return self._texts[column]

    def note(self, column: str, message: str, advice: str = "") -> None:
        """Note a fault of one cell."""
        self._problems.append(Problem(MANIFEST_NAME, f"row {self.number}, {column}", message, advice))

    def take(self, parse: Callable[[str], _T], column: str) -> _T | None:
        """What `parse` makes of the cell."""
        try:
            return parse(self._texts[column])
        except CellInvalid as error:
            self.note(column, error.message, error.advice)
            return None

    def take_texts(self, name: str, *, required: bool = False) -> LocalisedText | None:
        """The text of columns name_vi and name_en."""
        texts: dict[str, str] = {}
        is_sound = True
        for language in REQUIRED_LANGUAGES:
            column = f"{name}_{language}"
            try:
                texts |= {tag: one.text for tag, one in _parse_text(language, self[column]).texts.items()}
            except FieldInvalid as error:
                self.note(column, f"{error.message[:1].upper()}{error.message[1:]}.")
                is_sound = False
            if required and not self[column]:
                self.note(column, f"The {name} in {_LANGUAGES[language]} is missing.")
                is_sound = False
        return LocalisedText.of(texts) if is_sound else None

    def take_attribution(self, licence_ids: Iterable[str]) -> Attribution | None:
        """Licence, credit and source together."""
        known = {licence_id: licence_id for licence_id in licence_ids}
        licence_id = self.take(lambda text: choose(text, known, "licence"), "licence")
        columns = {"licence_id": "licence", "credit": "attribution", "source_url": "source_url"}
        if not self["attribution"]:
            self.note("attribution", "Nobody is credited.", "Say whose work it is.")
            return None
        try:
            made = Attribution(
                licence_id or "LicenseRef-unknown", self["attribution"], self["source_url"] or None
            )
        except FieldInvalid as error:
            self.note(columns[error.field], f"{error.message[:1].upper()}{error.message[1:]}.")
            return None
        return made if licence_id else None

    def take_position(self) -> LatLon | None:
        """The point of lat and lon; None when both are empty, or after a fault."""
        if not self["lat"] and not self["lon"]:
            return None
        for empty, other in (("lat", "lon"), ("lon", "lat")):
            if not self[empty]:
                self.note(empty, f"There is no {empty}, but a {other}.", "Give both, or neither.")
        lat_deg = self.take(lambda text: _parse_degrees(text, 90.0), "lat") if self["lat"] else None
        lon_deg = self.take(lambda text: _parse_degrees(text, 180.0), "lon") if self["lon"] else None
        return None if lat_deg is None or lon_deg is None else LatLon(lat_deg, lon_deg)


def choose(text: str, known: Mapping[str, _T], what: str) -> _T:
    """The known value of this name; the fault names the nearest."""
    if text in known:
        return known[text]
    if not text:
        raise CellInvalid(f"The {what} is missing.", _known(known))
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(text.lower(), folded, n=1)
    if near:
        advice = f"Do you mean {folded[near[0]]}?"
    else:
        advice = _known(known)
    raise CellInvalid(f"There is no {what} '{text[:60]}'.", advice)


def parse_switch(text: str) -> bool:
    """True for true, yes, 1; False for false, no, 0 and an empty cell."""
    if text.lower() not in _SWITCHES:
        raise CellInvalid(f"Want true or false, got '{text[:20]}'.")
    return _SWITCHES[text.lower()]


def find_master(folder: Path, name: str) -> Path:
    """The file, checked to be one that can be read and is not too large."""
    if not name:
        raise CellInvalid("The file is missing.", "Give its path below the manifest's folder.")
    path = find_file(folder, name)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CellInvalid(f"The file cannot be read: {error.strerror}.") from error
    if size == 0:
        raise CellInvalid("The file is empty.")
    if size > MAX_MASTER_BYTES:
        raise CellInvalid(f"The file has {size} bytes, at most {MAX_MASTER_BYTES} are taken.")
    return path


def find_file(folder: Path, name: str) -> Path:
    """The plain file of this name below the folder. Nothing outside is ever looked at, links included."""
    if "\\" in name or re.match(r"[A-Za-z]:", name):
        raise CellInvalid(
            "A path below the manifest's folder is wanted.", "Write it with /, such as a/b.glb."
        )
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise CellInvalid("The path leaves the manifest's folder.", "Put the file beside the manifest.")
    root = folder.resolve()
    path = root
    for part in parts:
        path = _child(path, part)
        try:
            target = path.resolve()
        except (OSError, RuntimeError) as error:  # RuntimeError: Python's word for a loop of links
            raise CellInvalid("The path is a link that leads nowhere.", "Copy the file there.") from error
        if not target.is_relative_to(root):
            raise CellInvalid("The path leaves the manifest's folder by a link.", "Copy the file there.")
    _check_plain_file(path)
    return path


def _child(folder: Path, name: str) -> Path:
    """The entry of this name, in whichever Unicode form the disk has it (a Mac writes Ầ as three)."""
    spellings = dict.fromkeys([name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)])
    for spelling in spellings:
        if os.path.lexists(folder / spelling):
            return folder / spelling
    try:
        there = sorted(os.listdir(folder))
    except OSError:
        there = []
    folded = {entry.lower(): entry for entry in there}
    near = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.7)
    advice = f"Do you mean {folded[near[0]]}?" if near else "Look at its name and folder."
    raise CellInvalid(f"There is no file '{name[:100]}'.", advice)


def _check_plain_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would hang us
            raise CellInvalid("This is not a file." if not stat.S_ISDIR(mode) else "This is a folder.")
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise CellInvalid(f"The file cannot be read: {error.strerror}.", "Check its permissions.") from error


def _parse_text(language: str, words: str) -> LocalisedText:
    return LocalisedText.of({language: words})


def _parse_degrees(text: str, limit_deg: float) -> float:
    if not _NUMBER.fullmatch(text):
        advice = "Use decimal degrees with a point, such as 20.9112."
        raise CellInvalid(f"Want a number, got '{text[:30]}'.", advice)
    degrees = float(text)
    if not -limit_deg <= degrees <= limit_deg:
        raise CellInvalid(
            f"Want {-limit_deg:g} to {limit_deg:g} degrees, got {text}.", "Are lat and lon exchanged?"
        )
    return degrees


def _known(known: Mapping[str, object]) -> str:
    return f"Known are {', '.join(known)}." if len(known) <= 12 else f"There are {len(known)} of them."
