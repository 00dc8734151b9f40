"""GPX 1.0 and 1.1 tracks, read as a stream. Document types and entities are refused, sizes limited."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from xml.parsers import expat

from halong_xr.errors import TrackUnreadable
from halong_xr.geo import LatLon, distance_m

MAX_TRACK_BYTES = 64 * 1024 * 1024  # a million fixes with extensions
MAX_TRACK_POINTS = 1_000_000  # eleven days at one fix per second
MAX_DEPTH = 100  # elements within elements; GPX needs about ten
MAX_TEXT_CHARACTERS = 10_000  # of one element we read; times and names are short
SYNTHETIC_START = datetime(2000, 1, 1, tzinfo=UTC)  # plainly not a real visit
SYNTHETIC_STEP = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """One recorded fix."""

    position: LatLon
    at: datetime
    height_m: float | None


@dataclass(frozen=True, slots=True)
class Track:
    """The fixes of all segments in the order of the file. `notes` says what had to be assumed."""

    name: str
    points: tuple[TrackPoint, ...]
    notes: tuple[str, ...]

    @property
    def length_m(self) -> float:
        """Metres from fix to fix."""
        return sum(distance_m(a.position, b.position) for a, b in pairwise(self.points))


def load_track(path: Path | str) -> Track:
    """Read a GPX file. TrackUnreadable says what is wrong with it and what to do."""
    place = Path(path)
    try:
        with place.open("rb") as file:
            body = file.read(MAX_TRACK_BYTES + 1)
    except OSError as error:
        raise TrackUnreadable(f"{place}: {error.strerror or error}") from error
    try:
        return parse_track(body)
    except TrackUnreadable as refusal:
        raise TrackUnreadable(f"{place}: {refusal}") from refusal.__cause__


def parse_track(body: bytes) -> Track:
    """The track of a GPX document."""
    if len(body) > MAX_TRACK_BYTES:
        raise TrackUnreadable(f"larger than {MAX_TRACK_BYTES} bytes; record with fewer fixes or cut it")
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise TrackUnreadable(f"not well-formed XML ({error}); export it again as GPX") from error
    except LookupError as error:
        raise TrackUnreadable(f"written in an encoding that is not known here ({error})") from error
    raw, notes = reader.track_points, []
    if not raw and reader.route_points:
        raw = reader.route_points
        notes.append("the file holds no track, only a route: its points are walked one by one")
    if not raw:
        raise TrackUnreadable("holds no track points; record a track, or export it with its track")
    points, time_notes = _with_times(raw)
    return Track(reader.name, points, (*notes, *time_notes))


@dataclass(slots=True)
class _RawPoint:
    position: LatLon
    at: datetime | None = None
    height_m: float | None = None


class _Reader:
    """Handlers of a streaming parser; keeps points and the first name of a track or the file."""

    def __init__(self) -> None:
        self.track_points: list[_RawPoint] = []
        self.route_points: list[_RawPoint] = []
        self.name = ""
        self._path: list[str] = []
        self._text: list[str] | None = None
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse_document_type
        self.parser.EntityDeclHandler = self._refuse_document_type
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse_document_type(self, *_: object) -> None:
        raise TrackUnreadable("declares a document type or entities, which GPX never needs; export it again")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name.rpartition(" ")[2]
        if not self._path and tag != "gpx":
            raise TrackUnreadable(f"is a {tag!r} document, not GPX")
        self._path.append(tag)
        if len(self._path) > MAX_DEPTH:
            raise TrackUnreadable(f"nests more than {MAX_DEPTH} elements; export it again as GPX")
        if self._path == ["gpx", "trk", "trkseg", "trkpt"]:
            self.track_points.append(self._point(attributes))
        elif self._path == ["gpx", "rte", "rtept"]:
            self.route_points.append(self._point(attributes))
        if len(self.track_points) + len(self.route_points) > MAX_TRACK_POINTS:
            raise TrackUnreadable(f"holds more than {MAX_TRACK_POINTS} points; cut it into several files")
        self._text = [] if tag in {"time", "ele", "name"} else None

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)
            if sum(map(len, self._text)) > MAX_TEXT_CHARACTERS:
                raise TrackUnreadable(f"line {self.parser.CurrentLineNumber}: a text is far too long")

    def _end(self, _name: str) -> None:
        text = "".join(self._text or ()).strip()
        self._text = None
        match self._path:
            case ["gpx", "trk", "trkseg", "trkpt", field]:
                self._field(self.track_points[-1], field, text)
            case ["gpx", "rte", "rtept", field]:
                self._field(self.route_points[-1], field, text)
            case ["gpx", "name"] | ["gpx", "metadata", "name"] | ["gpx", "trk", "name"]:
                self.name = self.name or text
        self._path.pop()

    def _point(self, attributes: Mapping[str, str]) -> _RawPoint:
        try:
            return _RawPoint(LatLon(float(attributes["lat"]), float(attributes["lon"])))
        except (KeyError, ValueError) as error:
            raise TrackUnreadable(
                f"line {self.parser.CurrentLineNumber}: want lat from -90 to 90 and lon from -180 to 180"
            ) from error

    def _field(self, point: _RawPoint, field: str, text: str) -> None:
        if field == "time":
            point.at = _time_or_none(text)
        elif field == "ele":
            point.height_m = _height_or_none(text)


def _time_or_none(text: str) -> datetime | None:
    """GPX times are UTC; one without a zone is taken as UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _height_or_none(text: str) -> float | None:
    try:
        height_m = float(text)
    except ValueError:
        return None
    return height_m if math.isfinite(height_m) else None


def _with_times(raw: list[_RawPoint]) -> tuple[tuple[TrackPoint, ...], list[str]]:
    """Recorded times if every point has one, else made ones for all: mixed clocks lie about speed."""
    missing = sum(point.at is None for point in raw)
    if missing == 0:
        points = tuple(TrackPoint(p.position, p.at, p.height_m) for p in raw if p.at is not None)
        back = sum(later.at <= sooner.at for sooner, later in pairwise(points))
        if back == 0:
            return points, []
        if back <= len(points) / 2:
            return points, [f"{back} of {len(points)} fixes are not later than the one before"]
    made = tuple(
        TrackPoint(point.position, SYNTHETIC_START + place * SYNTHETIC_STEP, point.height_m)
        for place, point in enumerate(raw)
    )
    why = f"{missing} of {len(raw)} fixes carry no time" if missing else "the recorder's clock stood still"
    return made, [f"{why}: all are replayed one second apart"]
