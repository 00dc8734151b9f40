"""The enumerations of the schema: the domain's own, with a description for each value."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import graphene

from content_api.public import choose
from content_api.public.schema import values
from heritage_sites import anchor, asset, experience, site, text, tour, trigger


def _enum(members: type[StrEnum], description: str, of_value: Mapping[str, str]) -> Any:
    """A GraphQL enumeration of a domain enumeration. KeyError if a value has no description."""
    told = {member: of_value[member.value] for member in members}
    return graphene.Enum.from_enum(
        members, description=lambda member: description if member is None else told[member]
    )


TextState = _enum(
    text.TextState,
    "Who stands behind a text.",
    {
        "human": "Written or translated by a person.",
        "machine": "Translated by a machine; nobody has read it.",
        "machine-reviewed": "Translated by a machine and read by a person.",
        "missing": "There is no such text in any language.",
    },
)

SiteKind = _enum(
    site.SiteKind,
    "What kind of place a site is.",
    {
        "archaeological-site": "A dig or the place of one.",
        "bay": "A bay or a part of one.",
        "beach": "A beach.",
        "cave": "A cave or a grotto.",
        "floating-village": "A village of rafts and boats.",
        "fort": "A fort.",
        "islet": "A rock or an island in the bay.",
        "lighthouse": "A lighthouse.",
        "museum": "A museum.",
        "national-park": "A national park.",
        "pier": "A pier, a harbour or a ferry landing.",
        "viewpoint": "A place to look from.",
        "village": "A village on land.",
        "world-heritage": "A World Heritage property as a whole.",
    },
)

PositionBasis = _enum(
    site.PositionBasis,
    "How a position came to be known. Only a surveyed one may drive a live geofence.",
    {
        "surveyed": "Measured on the spot.",
        "sourced": "Taken from a source which is named.",
        "sourced-nearby": "A source gives the position of something close by.",
        "derived": "Worked out from other positions.",
        "unsourced": "From memory; no source.",
        "none": "Not known: the site has no position and no geofence.",
    },
)

GeofenceType = _enum(
    values.GeofenceType,
    "The form of a geofence.",
    {
        "circle": "All points within radiusM of the centre.",
        "polygon": "An outer ring and its holes.",
        "corridor": "All points within halfWidthM of the path.",
    },
)

TriggerKind = _enum(
    trigger.TriggerKind,
    "What must happen at a geofence.",
    {
        "enter": "The visitor comes in.",
        "exit": "The visitor goes out.",
        "dwell": "The visitor stays in for dwellS seconds.",
        "pass": "The visitor crosses without staying.",
    },
)

ExperienceKind = _enum(
    experience.ExperienceKind,
    "What an experience is made of.",
    {
        "model": "A 3D model, also for AR.",
        "panorama": "A panorama all around.",
        "photo": "A photo.",
        "audio": "Something to listen to.",
        "overlay": "A drawing laid over what the camera sees.",
        "story": "A story told in steps.",
    },
)

AnchorKind = _enum(
    anchor.AnchorKind,
    "What content stands on.",
    {
        "wgs84": "A fixed position, height and orientation on the globe.",
        "ground": "The ground in front of the visitor.",
        "water_surface": "The surface of the water.",
        "image": "An image that the camera recognises.",
    },
)

MediaRole = _enum(
    asset.MediaRole,
    "What a piece of media is to its experience.",
    {
        "model": "The 3D model.",
        "panorama": "The panorama.",
        "photo": "A photo.",
    },
)

DeviceClass = _enum(
    choose.DeviceClass,
    "The kind of device that will show the media.",
    {
        "phone": "A phone: small screen, AR with the camera.",
        "tablet": "A tablet: larger screen, AR with the camera.",
        "headset": "A headset: both eyes, a phone's processor.",
        "desktop": "A computer with a screen and power to spare.",
    },
)

TourMode = _enum(
    tour.TourMode,
    "How people move along a tour.",
    {"boat": "By boat.", "walk": "On foot."},
)
