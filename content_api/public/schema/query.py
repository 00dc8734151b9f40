"""The root of the public schema: what can be asked."""

# ruff: noqa: D102 - a resolver gives what its field's description says

from typing import Any

import graphene

from content_api.public.errors import BadUserInput
from content_api.public.open_release import MAX_RADIUS_M, NearbyExperience
from content_api.public.paging import Key, Page
from content_api.public.schema.common import Node, context_of, field, list_of, optional, required
from content_api.public.schema.connections import page, page_arguments
from content_api.public.schema.enums import ExperienceKind, SiteKind
from content_api.public.schema.experiences import Experience, ExperienceConnection, NearbyExperienceConnection
from content_api.public.schema.places import Site, SiteConnection
from content_api.public.schema.tours import Tour, TourConnection
from content_api.public.schema.values import NearbyEdge
from heritage_sites.geo import LatLon
from heritage_sites.geohash import MAX_CELL_LENGTH, box_of


class Release(graphene.ObjectType):
    """The published snapshot that this answer comes from."""

    id = field(graphene.String, "SHA-256 of the release's manifest, in hexadecimal.")
    sequence = field(graphene.Int, "Grows with every publication and every rollback.")
    sandbox = field(graphene.Boolean, "True: this server is for trying things out.")
    site_count = field(graphene.Int, "Number of sites.")
    experience_count = field(graphene.Int, "Number of experiences.")
    tour_count = field(graphene.Int, "Number of tours.")
    languages = list_of(graphene.String, "BCP 47 tags of all languages that any text is in.")

    @staticmethod
    def resolve_id(release: Any, _info: Any) -> Any:
        return release.release_id

    @staticmethod
    def resolve_sandbox(_release: Any, info: Any) -> bool:
        return context_of(info).is_sandbox

    @staticmethod
    def resolve_site_count(release: Any, _info: Any) -> int:
        return len(release.sites)

    @staticmethod
    def resolve_experience_count(release: Any, _info: Any) -> int:
        return len(release.experiences)

    @staticmethod
    def resolve_tour_count(release: Any, _info: Any) -> int:
        return len(release.tours)


class PositionInput(graphene.InputObjectType):
    """A position on the globe, WGS84."""

    lat_deg = graphene.InputField(required(graphene.Float), description="Latitude in degrees, -90 to 90.")
    lon_deg = graphene.InputField(required(graphene.Float), description="Longitude in degrees, -180 to 180.")


def _slug(of: str) -> Any:
    return graphene.Argument(required(graphene.String), description=f"Slug of the {of}.")


class Query(graphene.ObjectType):
    """What there is to see and do in Ha Long Bay and the Cat Ba archipelago."""

    release = field(Release, "The published snapshot that answers.")
    node = optional(
        Node,
        "The object with this id; null if this release has none.",
        id=graphene.Argument(required(graphene.ID), description="An `id` from an earlier answer."),
    )
    site = optional(Site, "The site with this slug; null if there is none.", slug=_slug("site"))
    sites = field(
        SiteConnection,
        "Sites by slug.",
        **page_arguments(),
        kind=graphene.Argument(SiteKind, description="Only sites of this kind."),
    )
    experience = optional(
        Experience, "The experience with this slug; null if there is none.", slug=_slug("experience")
    )
    experiences = field(
        ExperienceConnection,
        "Experiences by slug.",
        **page_arguments(),
        site=graphene.String(description="Only those at the site with this slug."),
        kind=graphene.Argument(ExperienceKind, description="Only experiences of this kind."),
    )
    tour = optional(Tour, "The tour with this slug; null if there is none.", slug=_slug("tour"))
    tours = field(TourConnection, "Tours by slug.", **page_arguments())
    experiences_in_cell = field(
        ExperienceConnection,
        "Experiences that a geohash cell touches, by slug: with a geofence of their triggers, or with their "
        "site's position if they have none. A phone asks for its cell and the cells around it, and ranks the "
        "answers itself, so that its position stays on the phone.",
        geohash=graphene.Argument(
            required(graphene.String),
            description=f"Geohash of 1 to {MAX_CELL_LENGTH} lower-case characters; a longer one is refused.",
        ),
        **page_arguments(),
    )
    experiences_near = field(
        NearbyExperienceConnection,
        "Experiences around a position, nearest first: for maps and partners. A visitor's phone should ask "
        "with experiencesInCell, which does not tell where it is.",
        position=graphene.Argument(required(PositionInput), description="Where to look from."),
        radius_m=graphene.Argument(
            required(graphene.Float), description=f"How far to look, in metres: 1 to {MAX_RADIUS_M:,.0f}."
        ),
        **page_arguments(),
    )

    @staticmethod
    def resolve_release(_root: None, info: Any) -> Any:
        return context_of(info).release

    @staticmethod
    def resolve_node(_root: None, info: Any, id: str) -> Any:
        return context_of(info).release.node(id)

    @staticmethod
    def resolve_site(_root: None, info: Any, slug: str) -> Any:
        return context_of(info).release.sites.get(slug)

    @staticmethod
    def resolve_sites(_root: None, info: Any, kind: Any = None, **paging: Any) -> Page[Any]:
        sites = context_of(info).release.sites_by_id
        return page([site for site in sites if kind in (None, site.kind)], "sites", paging)

    @staticmethod
    def resolve_experience(_root: None, info: Any, slug: str) -> Any:
        return context_of(info).release.experiences.get(slug)

    @staticmethod
    def resolve_experiences(
        _root: None, info: Any, site: str | None = None, kind: Any = None, **paging: Any
    ) -> Page[Any]:
        release = context_of(info).release
        found = release.experiences_by_id if site is None else release.experiences_of(site)
        return page(
            [experience for experience in found if kind in (None, experience.kind)], "experiences", paging
        )

    @staticmethod
    def resolve_tour(_root: None, info: Any, slug: str) -> Any:
        return context_of(info).release.tours.get(slug)

    @staticmethod
    def resolve_tours(_root: None, info: Any, **paging: Any) -> Page[Any]:
        return page(context_of(info).release.tours_by_id, "tours", paging)

    @staticmethod
    def resolve_experiences_in_cell(_root: None, info: Any, geohash: str, **paging: Any) -> Page[Any]:
        if len(geohash) > MAX_CELL_LENGTH:
            raise BadUserInput(
                f"geohash: want at most {MAX_CELL_LENGTH} characters (about 5 km), so that this server never "
                "learns where a visitor stands. Ask for the cell and its neighbours and rank the answers on "
                "the device, as the SDK does."
            )
        try:
            box = box_of(geohash)
        except ValueError as problem:
            raise BadUserInput(
                "geohash: want 1 to 5 characters of 0123456789bcdefghjkmnpqrstuvwxyz (no a, i, l or o)."
            ) from problem
        return page(context_of(info).release.experiences_in(box), "experiences", paging)

    @staticmethod
    def resolve_experiences_near(
        _root: None, info: Any, position: Any, radius_m: float, **paging: Any
    ) -> Page[Any]:
        if not 1 <= radius_m <= MAX_RADIUS_M:
            raise BadUserInput(f"radiusM: want 1 to {MAX_RADIUS_M:.0f} metres.")
        try:
            point = LatLon(position.lat_deg, position.lon_deg)
        except ValueError as problem:
            raise BadUserInput(
                "position: want latDeg from -90 to 90 and lonDeg from -180 to 180."
            ) from problem
        found = context_of(info).release.experiences_near(point, radius_m)
        return _tell_distances(page(found, "near", paging, _by_distance))


def _by_distance(nearby: NearbyExperience) -> Key:
    return (nearby.distance_mm, nearby.experience.id)


def _tell_distances(found: Page[NearbyExperience]) -> Page[Any]:
    edges = tuple(NearbyEdge(edge.cursor, edge.node.experience, edge.node.distance_m) for edge in found.edges)
    return Page(edges, found.has_next_page, found.has_previous_page, found.total_count)  # type: ignore[arg-type]
