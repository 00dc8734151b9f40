"""A release opened for reading: the domain's values, and the indexes that questions are answered from.

Nothing in it changes after it was made, so any number of requests may read it at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from content_api.public.errors import ReleaseCorrupt
from heritage_sites.catalogue_rules import Catalogue
from heritage_sites.experience import Experience
from heritage_sites.geo import BoundingBox, LatLon, distance_m
from heritage_sites.geofence import Geofence
from heritage_sites.licence import Licence
from heritage_sites.site import Site
from heritage_sites.text import LocalisedText
from heritage_sites.tour import Tour

MAX_RADIUS_M = 50_000.0  # metres around a position; the whole property fits

GeofenceKey = tuple[str, str]  # site id, geofence id


class DrawnGeofence:
    """A geofence with what is costly to work out, each worked out once."""

    def __init__(self, geofence: Geofence) -> None:
        self.geofence = geofence

    @cached_property
    def centre(self) -> LatLon:
        """A point inside."""
        return self.geofence.centre

    @cached_property
    def geometry(self) -> dict[str, Any]:
        """The area as GeoJSON."""
        return self.geofence.as_geojson()


@dataclass(frozen=True, slots=True)
class NearbyExperience:
    """An experience and how far it is, in whole millimetres so that a cursor can hold it."""

    experience: Experience
    distance_mm: int

    @property
    def distance_m(self) -> int:
        """Whole metres."""
        return round(self.distance_mm / 1000)


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """All content of one release, found by id, by site, by box, by distance. Lists are sorted by id."""

    release_id: str
    sequence: int
    sites: Mapping[str, Site]
    experiences: Mapping[str, Experience]
    tours: Mapping[str, Tour]
    licences: Mapping[str, Licence]
    languages: tuple[str, ...]
    sites_by_id: tuple[Site, ...] = field(repr=False)
    experiences_by_id: tuple[Experience, ...] = field(repr=False)
    tours_by_id: tuple[Tour, ...] = field(repr=False)
    _geofences: Mapping[GeofenceKey, DrawnGeofence] = field(repr=False)
    _by_site: Mapping[str, tuple[Experience, ...]] = field(repr=False)
    _boxes: tuple[tuple[Experience, tuple[BoundingBox, ...]], ...] = field(repr=False)
    _points: tuple[tuple[Experience, tuple[LatLon, ...]], ...] = field(repr=False)

    def node(self, node_id: str) -> Site | Experience | Tour | None:
        """The site, experience or tour with this node id; None if there is none."""
        kind, _, value_id = node_id.partition(":")
        if kind == "Site":
            return self.sites.get(value_id)
        if kind == "Experience":
            return self.experiences.get(value_id)
        return self.tours.get(value_id) if kind == "Tour" else None

    def geofence(self, site_id: str, geofence_id: str) -> DrawnGeofence:
        """A geofence of a site. KeyError if it has none of this id."""
        return self._geofences[site_id, geofence_id]

    def experiences_of(self, site_id: str) -> tuple[Experience, ...]:
        """Experiences at a site; none for a site that does not exist."""
        return self._by_site.get(site_id, ())

    def experiences_in(self, box: BoundingBox) -> list[Experience]:
        """Experiences whose geofences' bounds touch the box: never too few, one too many at a round corner.

        One without triggers counts with its site's position; one without either is nowhere.
        """
        return [experience for experience, boxes in self._boxes if any(map(box.intersects, boxes))]

    def experiences_near(self, point: LatLon, radius_m: float) -> list[NearbyExperience]:
        """Experiences within a radius, nearest first.

        The distance is the one to the nearest centre of its triggers' geofences, else to its site's position.
        """
        found = []
        for experience, points in self._points:
            nearest_m = min((distance_m(point, each) for each in points), default=None)
            if nearest_m is not None and nearest_m <= radius_m:
                found.append(NearbyExperience(experience, round(nearest_m * 1000)))
        return sorted(found, key=lambda nearby: (nearby.distance_mm, nearby.experience.id))


def open_catalogue(catalogue: Catalogue, *, release_id: str, sequence: int) -> OpenRelease:
    """Index a release's content. ReleaseCorrupt if its parts speak of what is not there."""
    sites = _by_id(catalogue.sites, "site")
    experiences = _by_id(catalogue.experiences, "experience")
    tours = _by_id(catalogue.tours, "tour")
    licences = _by_id(catalogue.licences, "licence")
    geofences = {
        (site.id, geofence.id): DrawnGeofence(geofence)
        for site in sites.values()
        for geofence in site.geofences
    }
    _check_references(experiences.values(), tours.values(), sites, licences, geofences)
    by_site: dict[str, list[Experience]] = {}
    for experience in experiences.values():
        by_site.setdefault(experience.site_id, []).append(experience)
    fences = {
        experience.id: [geofences[experience.site_id, trigger.geofence_id] for trigger in experience.triggers]
        for experience in experiences.values()
    }
    points = {site.id: (site.position.point,) if site.position.point else () for site in sites.values()}
    return OpenRelease(
        release_id=release_id,
        sequence=sequence,
        sites=sites,
        experiences=experiences,
        tours=tours,
        licences=licences,
        languages=_languages(catalogue),
        sites_by_id=tuple(sites.values()),
        experiences_by_id=tuple(experiences.values()),
        tours_by_id=tuple(tours.values()),
        _geofences=geofences,
        _by_site={site_id: tuple(found) for site_id, found in by_site.items()},
        _boxes=tuple(
            (
                each,
                tuple(drawn.geofence.bounds for drawn in fences[each.id])
                or tuple(map(_box_of_point, points[each.site_id])),
            )
            for each in experiences.values()
        ),
        _points=tuple(
            (each, tuple(drawn.centre for drawn in fences[each.id]) or points[each.site_id])
            for each in experiences.values()
        ),
    )


def _by_id(values: Sequence[Any], what: str) -> dict[str, Any]:
    found = {value.id: value for value in sorted(values, key=lambda value: value.id)}
    if len(found) < len(values):
        raise ReleaseCorrupt(f"the release holds a {what} twice")
    return found


def _check_references(
    experiences: Iterable[Experience],
    tours: Iterable[Tour],
    sites: Mapping[str, Site],
    licences: Mapping[str, Licence],
    geofences: Mapping[GeofenceKey, DrawnGeofence],
) -> None:
    for experience in experiences:
        if experience.site_id not in sites:
            raise ReleaseCorrupt(f"experience {experience.id} is at an unknown site {experience.site_id}")
        if experience.attribution.licence_id not in licences:
            raise ReleaseCorrupt(f"experience {experience.id} has an unknown licence")
        for trigger in experience.triggers:
            if (experience.site_id, trigger.geofence_id) not in geofences:
                raise ReleaseCorrupt(
                    f"experience {experience.id} has an unknown geofence {trigger.geofence_id}"
                )
    for tour in tours:
        for stop in tour.stops:
            if stop.site_id not in sites:
                raise ReleaseCorrupt(f"tour {tour.id} stops at an unknown site {stop.site_id}")


def _box_of_point(point: LatLon) -> BoundingBox:
    return BoundingBox(point.lat_deg, point.lon_deg, point.lat_deg, point.lon_deg)


def _languages(catalogue: Catalogue) -> tuple[str, ...]:
    texts: list[LocalisedText] = []
    for site in catalogue.sites:
        texts += [site.name, site.description]
    for tour in catalogue.tours:
        texts += [tour.name, tour.description, *(stop.note for stop in tour.stops if stop.note)]
    for experience in catalogue.experiences:
        texts += [experience.title, experience.summary, *(media.alt for media in experience.media)]
    return tuple(sorted({tag for text in texts for tag in text.texts if text.has(tag)}))
