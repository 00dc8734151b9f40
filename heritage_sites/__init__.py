"""The domain: heritage sites and what can be experienced there, as values that check themselves.

Standard library only; nothing here does I/O but the catalogue's loader.
"""

from heritage_sites.anchor import IDENTITY_QUATERNION, Anchor, AnchorKind, GeoPose
from heritage_sites.asset import (
    Derivative,
    DerivativeFile,
    MediaItem,
    MediaRole,
    Quality,
    Usage,
    canonical_file_list,
    derivative_id_of,
)
from heritage_sites.catalogue_files import SEED_FOLDER, check_catalogue, load_catalogue
from heritage_sites.catalogue_rules import Catalogue, CatalogueInvalid, find_problems
from heritage_sites.codec import JsonInvalid, from_json, geofence_from_json, parse_json, to_json
from heritage_sites.experience import Experience, ExperienceKind
from heritage_sites.geo import EARTH_RADIUS_M, BoundingBox, LatLon, distance_m
from heritage_sites.geofence import (
    CircleGeofence,
    CorridorGeofence,
    Geofence,
    PolygonGeofence,
    contains_height,
    fires,
)
from heritage_sites.geohash import MAX_CELL_LENGTH, box_of, cell_of, neighbours_of
from heritage_sites.licence import LICENCES, Attribution, Licence
from heritage_sites.problem import Problem, Severity
from heritage_sites.release import Release, ReleaseFile, canonical_json
from heritage_sites.site import NO_POSITION, Position, PositionBasis, Site, SiteKind
from heritage_sites.text import ChosenText, LocalisedText, Text, TextState
from heritage_sites.tour import Tour, TourMode, TourStop
from heritage_sites.trigger import Trigger, TriggerKind

__all__ = [
    "EARTH_RADIUS_M",
    "IDENTITY_QUATERNION",
    "LICENCES",
    "MAX_CELL_LENGTH",
    "NO_POSITION",
    "SEED_FOLDER",
    "Anchor",
    "AnchorKind",
    "Attribution",
    "BoundingBox",
    "Catalogue",
    "CatalogueInvalid",
    "ChosenText",
    "CircleGeofence",
    "CorridorGeofence",
    "Derivative",
    "DerivativeFile",
    "Experience",
    "ExperienceKind",
    "GeoPose",
    "Geofence",
    "JsonInvalid",
    "LatLon",
    "Licence",
    "LocalisedText",
    "MediaItem",
    "MediaRole",
    "PolygonGeofence",
    "Position",
    "PositionBasis",
    "Problem",
    "Quality",
    "Release",
    "ReleaseFile",
    "Severity",
    "Site",
    "SiteKind",
    "Text",
    "TextState",
    "Tour",
    "TourMode",
    "TourStop",
    "Trigger",
    "TriggerKind",
    "Usage",
    "box_of",
    "canonical_file_list",
    "canonical_json",
    "cell_of",
    "check_catalogue",
    "contains_height",
    "derivative_id_of",
    "distance_m",
    "find_problems",
    "fires",
    "from_json",
    "geofence_from_json",
    "load_catalogue",
    "neighbours_of",
    "parse_json",
    "to_json",
]
