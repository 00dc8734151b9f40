"""What the schema shows beside the domain's own values: both put in words that a caller asks for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from content_api.public.open_release import DrawnGeofence
from heritage_sites.experience import Experience
from heritage_sites.geofence import CircleGeofence, CorridorGeofence, Geofence
from heritage_sites.tour import TourStop
from heritage_sites.trigger import Trigger


class GeofenceType(StrEnum):
    """The form of a geofence."""

    CIRCLE = "circle"
    POLYGON = "polygon"
    CORRIDOR = "corridor"


@dataclass(frozen=True, slots=True)
class PlacedTrigger:
    """A trigger with the geofence it speaks of."""

    trigger: Trigger
    geofence: DrawnGeofence


def type_of(geofence: Geofence) -> GeofenceType:
    """The form of the geofence."""
    if isinstance(geofence, CircleGeofence):
        return GeofenceType.CIRCLE
    return GeofenceType.CORRIDOR if isinstance(geofence, CorridorGeofence) else GeofenceType.POLYGON


def path_of(geofence: Geofence) -> list[Any] | None:
    """A corridor's path as GeoJSON positions; None for other forms."""
    if not isinstance(geofence, CorridorGeofence):
        return None
    return [[point.lon_deg, point.lat_deg] for point in geofence.path]


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file of a derivative with its address."""

    path: str
    url: str
    media_type: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PlacedStop:
    """A stop with its place in the tour, counted from 1."""

    position: int
    stop: TourStop


@dataclass(frozen=True, slots=True)
class NearbyEdge:
    """An edge of a list by distance."""

    cursor: str
    node: Experience
    distance_m: int
