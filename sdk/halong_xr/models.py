"""What the service answers, as frozen values. Enum values are lower-case strings; new ones are kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from halong_xr.errors import AnswerUnexpected
from halong_xr.fences import AreaFence, CircleFence, CorridorFence, Fence, Ring
from halong_xr.geo import LatLon
from halong_xr.reading import Fields


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one language; `state` is human, machine, machine_reviewed or missing."""

    language: str
    text: str
    state: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Release:
    """The published snapshot the service answers from."""

    release_id: str
    sequence: int
    sandbox: bool
    site_count: int
    experience_count: int
    tour_count: int
    languages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SitePosition:
    """Where a site is, how that is known, and how wrong it may be. `point` is None when it is not known."""

    basis: str
    point: LatLon | None
    uncertainty_m: float | None


@dataclass(frozen=True, slots=True)
class SiteBrief:
    """A site as an experience names it."""

    slug: str
    kind: str
    name: Text
    names: tuple[Text, ...]
    position: SitePosition


@dataclass(frozen=True, slots=True)
class Site:
    """A heritage place."""

    slug: str
    kind: str
    name: Text
    names: tuple[Text, ...]
    description: Text
    position: SitePosition
    fences: tuple[Fence, ...]
    status: str | None
    visit_note: str | None
    notes: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What has to happen at a fence: enter, exit, dwell or pass."""

    kind: str
    dwell_s: float | None
    fence: Fence


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms content may be used."""

    licence_id: str
    title: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom to name with the content."""

    credit: str
    source_url: str | None
    licence: Licence


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where content stands; the quaternion is (x, y, z, w) in the local east-north-up frame."""

    kind: str
    point: LatLon | None
    height_m: float | None
    quaternion: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class DerivativeFile:
    """One file of a derivative; `path` is relative to the derivative's folder."""

    path: str
    media_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Derivative:
    """Files made from a master for one use and quality. Its id is the SHA-256 of its list of files."""

    derivative_id: str
    usage: str
    quality: str
    media_type: str
    bytes: int
    file_count: int
    file_list_url: str
    base_url: str
    entry: DerivativeFile
    recipe: str
    measures: Mapping[str, Any]
    why: str | None


@dataclass(frozen=True, slots=True)
class Media:
    """A model, panorama or photo with its derivatives; asked for a device, the best comes first."""

    role: str
    alt: Text
    derivatives: tuple[Derivative, ...]


@dataclass(frozen=True, slots=True)
class Experience:
    """One thing to do at a site."""

    slug: str
    kind: str
    title: Text
    titles: tuple[Text, ...]
    summary: Text
    site: SiteBrief
    illustration: bool
    illustration_notice: Text | None
    attribution: Attribution
    triggers: tuple[Trigger, ...]
    anchor: Anchor | None
    media: tuple[Media, ...]

    @property
    def point(self) -> LatLon | None:
        """Where it is: its anchor, else its site's position, else its first fence; None when nowhere."""
        if self.anchor is not None and self.anchor.point is not None:
            return self.anchor.point
        if self.site.position.point is not None:
            return self.site.position.point
        return self.triggers[0].fence.centre if self.triggers else None


@dataclass(frozen=True, slots=True)
class Nearby:
    """An experience with its distance, measured on the device; None when it has no position."""

    experience: Experience
    distance_m: float | None


@dataclass(frozen=True, slots=True)
class TourStop:
    """One stop of a tour."""

    position: int
    site: SiteBrief
    note: Text | None


@dataclass(frozen=True, slots=True)
class Tour:
    """An ordered visit by boat or on foot."""

    slug: str
    name: Text
    names: tuple[Text, ...]
    description: Text
    mode: str
    duration_hours: float | None
    stops: tuple[TourStop, ...]
    sources: tuple[str, ...]
    notes: str | None


def read_release(fields: Fields) -> Release:
    """A Release from an answer; AnswerUnexpected when something needed is missing. So for all below."""
    return Release(
        release_id=fields.text("id"),
        sequence=fields.whole("sequence"),
        sandbox=fields.flag("sandbox"),
        site_count=fields.whole("siteCount"),
        experience_count=fields.whole("experienceCount"),
        tour_count=fields.whole("tourCount"),
        languages=fields.texts("languages"),
    )


def read_site(fields: Fields) -> Site:
    """A Site from an answer."""
    return Site(
        slug=fields.text("slug"),
        kind=fields.word("kind"),
        name=_read_text(fields.child("name")),
        names=fields.each("names", _read_text),
        description=_read_text(fields.child("description")),
        position=_read_position(fields.child("position")),
        fences=fields.each("geofences", lambda fence: read_fence(fence, fields.text("slug"))),
        status=fields.text_or_none("status"),
        visit_note=fields.text_or_none("visitNote"),
        notes=fields.text_or_none("notes"),
        sources=fields.texts("sources"),
    )


def read_experience(fields: Fields) -> Experience:
    """An Experience from an answer."""
    anchor, notice = fields.child_or_none("anchor"), fields.child_or_none("illustrationNotice")
    site = _read_site_brief(fields.child("site"))
    return Experience(
        slug=fields.text("slug"),
        kind=fields.word("kind"),
        title=_read_text(fields.child("title")),
        titles=fields.each("titles", _read_text),
        summary=_read_text(fields.child("summary")),
        site=site,
        illustration=fields.flag("illustration"),
        illustration_notice=None if notice is None else _read_text(notice),
        attribution=_read_attribution(fields.child("attribution")),
        triggers=fields.each("triggers", lambda trigger: _read_trigger(trigger, site.slug)),
        anchor=None if anchor is None else _read_anchor(anchor),
        media=fields.each("media", _read_media),
    )


def read_tour(fields: Fields) -> Tour:
    """A Tour from an answer."""
    return Tour(
        slug=fields.text("slug"),
        name=_read_text(fields.child("name")),
        names=fields.each("names", _read_text),
        description=_read_text(fields.child("description")),
        mode=fields.word("mode"),
        duration_hours=fields.number_or_none("durationHours"),
        stops=fields.each("stops", _read_stop),
        sources=fields.texts("sources"),
        notes=fields.text_or_none("notes"),
    )


def read_fence(fields: Fields, site: str) -> Fence:
    """A Fence of a site. A type we do not know is read by the polygon every fence is drawn with."""
    kind = fields.word("type")
    fence_id, live_use = fields.text("id"), fields.flag("liveUse")
    heights_m = (fields.number_or_none("minHeightM"), fields.number_or_none("maxHeightM"))
    middle = _lat_lon(fields, fields.number("centreLatDeg"), fields.number("centreLonDeg"))
    fence: Fence
    if kind == "circle":
        fence = CircleFence(fence_id, live_use, middle, fields.number("radiusM"))
    elif kind == "corridor":
        path = _read_line(fields, fields.json("path"), least=2)
        fence = CorridorFence(fence_id, live_use, middle, path, fields.number("halfWidthM"))
    else:
        fence = AreaFence(fence_id, live_use, middle, _read_polygons(fields))
    return replace(fence, min_height_m=heights_m[0], max_height_m=heights_m[1], site=site)


def read_file_list(body: bytes) -> tuple[DerivativeFile, ...]:
    """The files of a derivative from its files.json, whose digest the caller has checked."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise AnswerUnexpected("files.json is not JSON; the release was not made by halong-xr") from error
    return Fields({"files": value}, "").each("files", _read_file)


def _read_text(fields: Fields) -> Text:
    return Text(fields.text("language"), fields.text("text"), fields.word("state"))


def _read_position(fields: Fields) -> SitePosition:
    return SitePosition(fields.word("basis"), _read_point(fields), fields.number_or_none("uncertaintyM"))


def _read_point(fields: Fields) -> LatLon | None:
    lat_deg, lon_deg = fields.number_or_none("latDeg"), fields.number_or_none("lonDeg")
    return None if lat_deg is None or lon_deg is None else _lat_lon(fields, lat_deg, lon_deg)


def _read_site_brief(fields: Fields) -> SiteBrief:
    return SiteBrief(
        slug=fields.text("slug"),
        kind=fields.word("kind"),
        name=_read_text(fields.child("name")),
        names=fields.each("names", _read_text),
        position=_read_position(fields.child("position")),
    )


def _read_attribution(fields: Fields) -> Attribution:
    licence = fields.child("licence")
    return Attribution(
        fields.text("credit"),
        fields.text_or_none("sourceUrl"),
        Licence(licence.text("id"), licence.text("title"), licence.text_or_none("url")),
    )


def _read_trigger(fields: Fields, site: str) -> Trigger:
    fence = read_fence(fields.child("geofence"), site)
    return Trigger(fields.word("kind"), fields.number_or_none("dwellS"), fence)


def _read_anchor(fields: Fields) -> Anchor:
    turn = fields.json("quaternion")
    return Anchor(
        kind=fields.word("kind"),
        point=_read_point(fields),
        height_m=fields.number_or_none("heightM"),
        quaternion=tuple(map(float, turn)) if _is_numbers(turn, 4) else None,
    )


def _read_media(fields: Fields) -> Media:
    return Media(
        fields.word("role"), _read_text(fields.child("alt")), fields.each("derivatives", _read_derivative)
    )


def _read_derivative(fields: Fields) -> Derivative:
    measures = fields.json("measures")
    return Derivative(
        derivative_id=fields.text("derivativeId"),
        usage=fields.text("usage"),
        quality=fields.text("quality"),
        media_type=fields.text("mediaType"),
        bytes=fields.whole("bytes"),
        file_count=fields.whole("fileCount"),
        file_list_url=fields.text("fileListUrl"),
        base_url=fields.text("baseUrl"),
        entry=_read_file(fields.child("entry"), "mediaType"),
        recipe=fields.text_or_none("recipe") or "unknown",
        measures=measures if isinstance(measures, dict) else {},
        why=fields.text_or_none("why"),
    )


def _read_file(fields: Fields, media_type: str = "media_type") -> DerivativeFile:
    """files.json spells media_type, GraphQL mediaType."""
    return DerivativeFile(
        fields.text("path"), fields.text(media_type), fields.whole("bytes"), fields.text("sha256")
    )


def _read_stop(fields: Fields) -> TourStop:
    note = fields.child_or_none("note")
    return TourStop(
        position=fields.whole("position"),
        site=_read_site_brief(fields.child("site")),
        note=None if note is None else _read_text(note),
    )


def _read_polygons(fields: Fields) -> tuple[tuple[Ring, ...], ...]:
    """GeoJSON Polygon or MultiPolygon; an area cut at 180 degrees comes as the latter."""
    geometry = fields.child("geometry")
    kind, coordinates = geometry.text("type"), geometry.json("coordinates")
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(kind)
    if not isinstance(polygons, list) or not polygons or not all(isinstance(p, list) and p for p in polygons):
        raise AnswerUnexpected(f"{geometry.where}: want a Polygon or MultiPolygon with rings, got {kind}")
    return tuple(tuple(_read_line(geometry, ring, least=4) for ring in rings) for rings in polygons)


def _read_line(fields: Fields, line: object, *, least: int) -> Ring:
    """GeoJSON positions: longitude first."""
    if not isinstance(line, list) or len(line) < least:
        raise AnswerUnexpected(f"{fields.where}: want a line of {least} or more positions")
    if not all(_is_numbers(vertex, 2) for vertex in line):
        raise AnswerUnexpected(f"{fields.where}: want positions as [longitude, latitude]")
    return tuple(_lat_lon(fields, float(vertex[1]), float(vertex[0])) for vertex in line)


def _is_numbers(value: object, least: int) -> bool:
    return (
        isinstance(value, Sequence)
        and len(value) >= least
        and all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
    )


def _lat_lon(fields: Fields, lat_deg: float, lon_deg: float) -> LatLon:
    try:
        return LatLon(lat_deg, lon_deg)
    except ValueError as error:
        raise AnswerUnexpected(f"{fields.where}: {error}") from error
