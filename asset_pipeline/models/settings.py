"""The knobs of one derivative: everything that decides how a file looks and what it weighs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.texture_roles import TextureRole

MIN_POSITION_BITS, MIN_UV_BITS, MIN_DIRECTION_BITS = 8, 8, 6


@dataclass(frozen=True, slots=True)
class TextureKnob:
    """Longest side in pixels, and the codec's quality, 0 to 100."""

    max_px: int
    quality: int

    def __post_init__(self) -> None:
        if self.max_px < 1 or not 0 <= self.quality <= 100:
            raise ValueError(f"TextureKnob: want max_px >= 1 and quality 0 to 100, got {self}")


@dataclass(frozen=True, slots=True)
class Settings:
    """How one file is made. Bits are of the grids that positions, UV and directions are put on."""

    triangles: int
    mode: SimplifyMode
    position_bits: int
    uv_bits: int
    direction_bits: int
    colour: TextureKnob
    normal: TextureKnob
    data: TextureKnob
    bakes_normals: bool = False

    @property
    def textures(self) -> Mapping[TextureRole, TextureKnob]:
        """The knob of each role."""
        return MappingProxyType(
            {TextureRole.COLOR: self.colour, TextureRole.NORMAL: self.normal, TextureRole.DATA: self.data}
        )

    def with_texture(self, role: TextureRole, knob: TextureKnob) -> "Settings":
        """The same with another knob for one role."""
        if role is TextureRole.COLOR:
            return replace(self, colour=knob)
        return replace(self, normal=knob) if role is TextureRole.NORMAL else replace(self, data=knob)

    def coarser(self, bits: int) -> "Settings":
        """Every grid coarser by so many bits, as far as that makes sense."""
        return replace(
            self,
            position_bits=max(MIN_POSITION_BITS, self.position_bits - bits),
            uv_bits=max(MIN_UV_BITS, self.uv_bits - bits),
            direction_bits=max(MIN_DIRECTION_BITS, self.direction_bits - bits),
        )

    def halved(self, *, min_triangles: int, min_texture_px: int) -> "Settings":
        """Half the triangles and half the sides, down to a floor."""
        smaller = replace(self, triangles=max(min(min_triangles, self.triangles), self.triangles // 2))
        for role, knob in self.textures.items():
            px = max(min(min_texture_px, knob.max_px), knob.max_px // 2)
            smaller = smaller.with_texture(role, TextureKnob(px, knob.quality))
        return smaller

    def as_json(self) -> dict[str, Any]:
        """Flat JSON for the report."""
        return {
            "triangles_wanted": self.triangles,
            "simplify_mode": str(self.mode),
            "position_bits": self.position_bits,
            "uv_bits": self.uv_bits,
            "direction_bits": self.direction_bits,
            **{
                f"{role}_{name}": getattr(knob, name)
                for role, knob in self.textures.items()
                for name in ("max_px", "quality")
            },
            "bakes_normals": self.bakes_normals,
        }
