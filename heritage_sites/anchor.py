"""Where content stands: on a point of the globe, the ground, the water or a printed image."""

import math
from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.checks import MAX_LINE_CHARS, FieldInvalid, number, set_field, text, word
from heritage_sites.geo import LatLon

MIN_HEIGHT_M = -500.0  # below the lowest shore on Earth (-430 m)
MAX_HEIGHT_M = 9_000.0  # above its highest peak
UNIT_TOLERANCE = 1e-6  # how far a quaternion's length may be from 1; six printed digits stay within it

IDENTITY_QUATERNION = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class GeoPose:
    """A position with height and orientation, as in OGC GeoPose 1.0 (Basic Quaternion).

    height_m: above the WGS84 ellipsoid. quaternion: unit (x, y, z, w), turning the content's axes into
    the local east-north-up frame of the position.
    """

    position: LatLon
    height_m: float = 0.0
    quaternion: tuple[float, float, float, float] = IDENTITY_QUATERNION

    def __post_init__(self) -> None:
        set_field(self, "height_m", number("height_m", self.height_m, MIN_HEIGHT_M, MAX_HEIGHT_M))
        if len(self.quaternion) != 4:
            raise FieldInvalid("quaternion", f"want 4 numbers x, y, z, w, got {len(self.quaternion)}")
        turns = tuple(
            number("quaternion", part, -1.0 - UNIT_TOLERANCE, 1.0 + UNIT_TOLERANCE)
            for part in self.quaternion
        )
        length = math.sqrt(sum(part * part for part in turns))
        if not abs(length - 1.0) <= UNIT_TOLERANCE:
            raise FieldInvalid("quaternion", f"want length 1, got {length:.6f}")
        set_field(self, "quaternion", turns)


class AnchorKind(StrEnum):
    """What content is bound to."""

    WGS84 = "wgs84"
    GROUND = "ground"
    WATER_SURFACE = "water_surface"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where content stands.

    wgs84 needs a geopose. ground and water_surface stand `height_above_m` over the surface, at the geopose's
    position if there is one, else where the visitor puts it. image needs the marker's file name.
    """

    kind: AnchorKind
    geopose: GeoPose | None = None
    height_above_m: float = 0.0
    marker_asset: str | None = None

    def __post_init__(self) -> None:
        set_field(self, "kind", word("kind", AnchorKind, self.kind))
        set_field(self, "height_above_m", number("height_above_m", self.height_above_m, -1_000.0, 1_000.0))
        if self.kind is AnchorKind.WGS84 and self.geopose is None:
            raise FieldInvalid("geopose", "want a position for an anchor of kind wgs84")
        if (self.kind is AnchorKind.IMAGE) != (self.marker_asset is not None):
            raise FieldInvalid(
                "marker_asset", "want the marker's file for an anchor of kind image and only there"
            )
        if self.marker_asset is not None:
            set_field(self, "marker_asset", text("marker_asset", self.marker_asset, max_chars=MAX_LINE_CHARS))
