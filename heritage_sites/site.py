"""A heritage site: a place with a stable id and a position that says how good it is."""

from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.checks import FieldInvalid, identifier, number, set_field, text, unique, word
from heritage_sites.geo import LatLon
from heritage_sites.geofence import Geofence
from heritage_sites.text import LocalisedText

MAX_UNCERTAINTY_M = 50_000.0  # metres; looser than this is no position of a place in the bay
MAX_GEOFENCES = 100  # per site; a phone holds the fences of a whole region
MAX_SOURCES = 100


class PositionBasis(StrEnum):
    """Where a position comes from. Only a surveyed one may drive a live geofence."""

    SURVEYED = "surveyed"
    SOURCED = "sourced"
    SOURCED_NEARBY = "sourced-nearby"
    DERIVED = "derived"
    UNSOURCED = "unsourced"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Position:
    """A point, where it comes from, and the radius the place lies within. Basis `none`: neither of them."""

    basis: PositionBasis
    point: LatLon | None = None
    uncertainty_m: float | None = None

    def __post_init__(self) -> None:
        set_field(self, "basis", word("basis", PositionBasis, self.basis))
        has_no_position = self.basis is PositionBasis.NONE
        if has_no_position != (self.point is None):
            raise FieldInvalid(
                "point", f"want a point exactly when the basis is not 'none', the basis is '{self.basis}'"
            )
        if has_no_position != (self.uncertainty_m is None):
            raise FieldInvalid(
                "uncertainty_m", f"want it exactly when there is a point, the basis is '{self.basis}'"
            )
        if self.uncertainty_m is not None:
            set_field(
                self, "uncertainty_m", number("uncertainty_m", self.uncertainty_m, 0.0, MAX_UNCERTAINTY_M)
            )


NO_POSITION = Position(PositionBasis.NONE)


class SiteKind(StrEnum):
    """What kind of place a site is."""

    ARCHAEOLOGICAL_SITE = "archaeological-site"
    BAY = "bay"
    BEACH = "beach"
    CAVE = "cave"
    FLOATING_VILLAGE = "floating-village"
    FORT = "fort"
    ISLET = "islet"
    LIGHTHOUSE = "lighthouse"
    MUSEUM = "museum"
    NATIONAL_PARK = "national-park"
    PIER = "pier"
    VIEWPOINT = "viewpoint"
    VILLAGE = "village"
    WORLD_HERITAGE = "world-heritage"


@dataclass(frozen=True, slots=True)
class Site:
    """A place. `sources` say where the facts come from; `notes` what an editor should know about them."""

    id: str
    kind: SiteKind
    name: LocalisedText
    description: LocalisedText
    position: Position
    geofences: tuple[Geofence, ...]
    status: str
    visit_note: str
    notes: str
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        identifier("id", self.id)
        set_field(self, "kind", word("kind", SiteKind, self.kind))
        for field in ("status", "visit_note", "notes"):
            set_field(self, field, text(field, getattr(self, field), may_be_empty=True))
        if len(self.geofences) > MAX_GEOFENCES:
            raise FieldInvalid("geofences", f"want at most {MAX_GEOFENCES}, got {len(self.geofences)}")
        if len(self.sources) > MAX_SOURCES:
            raise FieldInvalid("sources", f"want at most {MAX_SOURCES}, got {len(self.sources)}")
        unique("geofences", (geofence.id for geofence in self.geofences))
        set_field(self, "geofences", tuple(self.geofences))
        set_field(self, "sources", tuple(text("sources", source) for source in self.sources))
