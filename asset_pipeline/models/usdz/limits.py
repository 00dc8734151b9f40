"""What a USDZ for a phone may cost."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UsdzLimits:
    """The limits of `check_usdz`, each with its source.

    package_bytes: ours; 25 MB is 20 s on a phone's 10 Mbit/s, longer than people wait.
    decoded_bytes: Quick Look fails above about 200 MB decoded (usd_from_gltf's README); textures are
    counted, next to which a model's geometry is little.
    texture_px, triangles, animation_s: Apple's guide (WWDC 2018, session 603: 100k polygons, one set of
    2048 px textures, 10 s).
    """

    package_bytes: int = 25_000_000
    decoded_bytes: int = 200_000_000
    texture_px: int = 2048
    triangles: int = 100_000
    animation_s: float = 10.0

    def __post_init__(self) -> None:
        values = {name: getattr(self, name) for name in self.__slots__}
        if not all(value > 0 for value in values.values()):
            raise ValueError(f"UsdzLimits: want positive limits, got {values}")


QUICK_LOOK = UsdzLimits()
