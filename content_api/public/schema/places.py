"""Sites and their geofences."""

# ruff: noqa: D102, D106 - a resolver gives what its field's description says

from typing import Any

import graphene

from content_api.public.open_release import DrawnGeofence
from content_api.public.paging import Page
from content_api.public.schema.common import (
    JSON,
    LocalisedText,
    Node,
    all_texts,
    best_text,
    context_of,
    field,
    list_of,
    optional,
    text_field,
)
from content_api.public.schema.connections import connection, page, page_arguments
from content_api.public.schema.enums import GeofenceType, PositionBasis, SiteKind
from content_api.public.schema.values import path_of, type_of


class SitePosition(graphene.ObjectType):
    """Where a site is, and how far that can be trusted."""

    basis = field(PositionBasis, "How the position came to be known.")
    lat_deg = optional(graphene.Float, "WGS84 latitude in degrees; null if the basis is NONE.")
    lon_deg = optional(graphene.Float, "WGS84 longitude in degrees; null if the basis is NONE.")
    uncertainty_m = optional(graphene.Float, "The true position lies within so many metres; null if unknown.")

    @staticmethod
    def resolve_lat_deg(position: Any, _info: Any) -> Any:
        return position.point and position.point.lat_deg

    @staticmethod
    def resolve_lon_deg(position: Any, _info: Any) -> Any:
        return position.point and position.point.lon_deg


class Geofence(graphene.ObjectType):
    """An area on the map that a trigger speaks of."""

    id = field(graphene.String, "Name of the geofence, unique within its site.")
    type = field(GeofenceType, "The form.")
    live_use = field(
        graphene.Boolean,
        "False: it rests on a position that nobody surveyed and must fire in a sandbox only.",
    )
    geometry = field(
        JSON, "The area as a GeoJSON Polygon or MultiPolygon, to be drawn on maps. Longitude first."
    )
    centre_lat_deg = field(graphene.Float, "Latitude of a point inside: the centre of a circle.")
    centre_lon_deg = field(graphene.Float, "Longitude of that point.")
    radius_m = optional(graphene.Float, "Radius in metres; circles only.")
    path = optional(JSON, "The path as [[longitude, latitude], ...]; corridors only.")
    half_width_m = optional(graphene.Float, "Metres on either side of the path; corridors only.")
    min_height_m = optional(graphene.Float, "Only above this ellipsoidal height in metres; null: no bound.")
    max_height_m = optional(graphene.Float, "Only below this ellipsoidal height in metres; null: no bound.")

    @staticmethod
    def resolve_id(drawn: DrawnGeofence, _info: Any) -> Any:
        return drawn.geofence.id

    @staticmethod
    def resolve_type(drawn: DrawnGeofence, _info: Any) -> Any:
        return type_of(drawn.geofence)

    @staticmethod
    def resolve_live_use(drawn: DrawnGeofence, _info: Any) -> Any:
        return drawn.geofence.live_use

    @staticmethod
    def resolve_centre_lat_deg(drawn: DrawnGeofence, _info: Any) -> Any:
        return drawn.centre.lat_deg

    @staticmethod
    def resolve_centre_lon_deg(drawn: DrawnGeofence, _info: Any) -> Any:
        return drawn.centre.lon_deg

    @staticmethod
    def resolve_radius_m(drawn: DrawnGeofence, _info: Any) -> Any:
        return getattr(drawn.geofence, "radius_m", None)

    @staticmethod
    def resolve_path(drawn: DrawnGeofence, _info: Any) -> Any:
        return path_of(drawn.geofence)

    @staticmethod
    def resolve_half_width_m(drawn: DrawnGeofence, _info: Any) -> Any:
        return getattr(drawn.geofence, "half_width_m", None)

    @staticmethod
    def resolve_min_height_m(drawn: DrawnGeofence, _info: Any) -> Any:
        return drawn.geofence.height_range_m and drawn.geofence.height_range_m[0]

    @staticmethod
    def resolve_max_height_m(drawn: DrawnGeofence, _info: Any) -> Any:
        return drawn.geofence.height_range_m and drawn.geofence.height_range_m[1]


def _experience_connection() -> Any:
    from content_api.public.schema.experiences import (
        ExperienceConnection,
    )  # the two types speak of each other

    return ExperienceConnection


class Site(graphene.ObjectType):
    """A place of the heritage property."""

    class Meta:
        interfaces = (Node,)

    slug = field(graphene.String, "Stable name for addresses: `hang-sung-sot`.")
    kind = field(SiteKind, "What kind of place it is.")
    name = text_field("What the place is called.")
    names = list_of(LocalisedText, "The name in every language there is.")
    description = text_field("What the place is.")
    position = field(SitePosition, "Where it is.")
    geofences = list_of(Geofence, "The areas that make up the site; none without a position.")
    status = optional(graphene.String, "Protection and rank, in English; null if there is nothing to say.")
    visit_note = optional(graphene.String, "Opening hours and prices as a source tells them, with its date.")
    notes = optional(graphene.String, "What an editor should know about these facts.")
    sources = list_of(graphene.String, "Where the facts come from: mostly web addresses.")
    experiences = graphene.Field(
        graphene.NonNull(_experience_connection),
        description="What there is to do at this site, by slug.",
        **page_arguments(),
    )

    @staticmethod
    def resolve_id(site: Any, _info: Any) -> str:
        return f"Site:{site.id}"

    @staticmethod
    def resolve_slug(site: Any, _info: Any) -> Any:
        return site.id

    @staticmethod
    def resolve_name(site: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(site.name, languages)

    @staticmethod
    def resolve_names(site: Any, _info: Any) -> Any:
        return all_texts(site.name)

    @staticmethod
    def resolve_description(site: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(site.description, languages)

    @staticmethod
    def resolve_geofences(site: Any, info: Any) -> Any:
        release = context_of(info).release
        return [release.geofence(site.id, geofence.id) for geofence in site.geofences]

    @staticmethod
    def resolve_status(site: Any, _info: Any) -> Any:
        return site.status or None

    @staticmethod
    def resolve_visit_note(site: Any, _info: Any) -> Any:
        return site.visit_note or None

    @staticmethod
    def resolve_notes(site: Any, _info: Any) -> Any:
        return site.notes or None

    @staticmethod
    def resolve_experiences(site: Any, info: Any, **paging: Any) -> Page[Any]:
        return page(context_of(info).release.experiences_of(site.id), "experiences", paging)


SiteConnection = connection(Site, "sites")
