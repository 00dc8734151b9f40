"""Experiences: what there is to do at a site."""

# ruff: noqa: D102, D106 - a resolver gives what its field's description says

from typing import Any

import graphene

from content_api.public.notices import ILLUSTRATION_NOTICE
from content_api.public.schema.common import (
    LocalisedText,
    Node,
    all_texts,
    best_text,
    context_of,
    field,
    languages_argument,
    list_of,
    optional,
    text_field,
)
from content_api.public.schema.connections import connection
from content_api.public.schema.enums import AnchorKind, ExperienceKind, TriggerKind
from content_api.public.schema.media import Media
from content_api.public.schema.places import Geofence, Site
from content_api.public.schema.values import PlacedTrigger


class Licence(graphene.ObjectType):
    """Under which conditions a work may be used."""

    id = field(graphene.String, "SPDX identifier, or one that begins with LicenseRef-.")
    title = field(graphene.String, "The licence's name.")
    url = optional(graphene.String, "Where its text stands; null if nowhere.")


class Attribution(graphene.ObjectType):
    """Who made a work. Show it wherever the work is shown."""

    credit = field(graphene.String, "Whom to name.")
    source_url = optional(graphene.String, "Where the work came from; null if that is no web page.")
    licence = field(Licence, "Under which conditions it may be used.")

    @staticmethod
    def resolve_licence(attribution: Any, info: Any) -> Any:
        return context_of(info).release.licences[attribution.licence_id]


class Trigger(graphene.ObjectType):
    """What must happen for an experience to be offered."""

    kind = field(TriggerKind, "What must happen at the geofence.")
    dwell_s = optional(graphene.Float, "Seconds to stay; DWELL only.")
    geofence = field(Geofence, "Where it must happen.")

    @staticmethod
    def resolve_kind(placed: PlacedTrigger, _info: Any) -> Any:
        return placed.trigger.kind

    @staticmethod
    def resolve_dwell_s(placed: PlacedTrigger, _info: Any) -> Any:
        return placed.trigger.dwell_s


class Anchor(graphene.ObjectType):
    """Where content stands in the world."""

    kind = field(AnchorKind, "What the content stands on.")
    lat_deg = optional(graphene.Float, "WGS84 latitude in degrees; null without a position.")
    lon_deg = optional(graphene.Float, "WGS84 longitude in degrees; null without a position.")
    height_m = optional(graphene.Float, "Ellipsoidal height in metres, or height above what it stands on.")
    quaternion = optional(
        graphene.List(graphene.NonNull(graphene.Float)),
        "Orientation as a unit quaternion x, y, z, w (GeoPose); null without a position.",
    )

    @staticmethod
    def resolve_lat_deg(anchor: Any, _info: Any) -> Any:
        return anchor.geopose and anchor.geopose.position.lat_deg

    @staticmethod
    def resolve_lon_deg(anchor: Any, _info: Any) -> Any:
        return anchor.geopose and anchor.geopose.position.lon_deg

    @staticmethod
    def resolve_height_m(anchor: Any, _info: Any) -> Any:
        return anchor.geopose.height_m if anchor.geopose else anchor.height_above_m

    @staticmethod
    def resolve_quaternion(anchor: Any, _info: Any) -> Any:
        return anchor.geopose and anchor.geopose.quaternion


class Experience(graphene.ObjectType):
    """One thing to do at a site."""

    class Meta:
        interfaces = (Node,)

    slug = field(graphene.String, "Stable name for addresses.")
    kind = field(ExperienceKind, "What it is made of.")
    title = text_field("What it is called.")
    titles = list_of(LocalisedText, "The title in every language there is.")
    summary = text_field("What it is, in a few sentences.")
    site = field(Site, "Where it belongs.")
    illustration = field(graphene.Boolean, "True: made by a computer, not taken from the place. Say so.")
    illustration_notice = optional(
        LocalisedText,
        "What to say wherever an illustration is shown; null if it is none.",
        languages=languages_argument(),
    )
    attribution = field(Attribution, "Who made it, and under which licence.")
    triggers = list_of(Trigger, "When to offer it.")
    anchor = optional(Anchor, "Where it stands; null if it stands nowhere.")
    media = list_of(Media, "What there is to show.")

    @staticmethod
    def resolve_id(experience: Any, _info: Any) -> str:
        return f"Experience:{experience.id}"

    @staticmethod
    def resolve_slug(experience: Any, _info: Any) -> Any:
        return experience.id

    @staticmethod
    def resolve_title(experience: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(experience.title, languages)

    @staticmethod
    def resolve_titles(experience: Any, _info: Any) -> Any:
        return all_texts(experience.title)

    @staticmethod
    def resolve_summary(experience: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(experience.summary, languages)

    @staticmethod
    def resolve_site(experience: Any, info: Any) -> Any:
        return context_of(info).release.sites[experience.site_id]

    @staticmethod
    def resolve_illustration_notice(experience: Any, _info: Any, languages: Any = None) -> Any:
        return best_text(ILLUSTRATION_NOTICE, languages) if experience.illustration else None

    @staticmethod
    def resolve_triggers(experience: Any, info: Any) -> Any:
        release = context_of(info).release
        return [
            PlacedTrigger(trigger, release.geofence(experience.site_id, trigger.geofence_id))
            for trigger in experience.triggers
        ]


ExperienceConnection = connection(Experience, "experiences")
NearbyExperienceConnection = connection(
    Experience,
    "experiences, nearest first",
    name="NearbyExperience",
    distance_m=field(graphene.Int, "Whole metres from the position that was asked for."),
)
