"""How a model's textures are to be made: size, codec, and quality per role."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from asset_pipeline.models.steps.texture_roles import TextureRole

# chroma has half the resolution in WebP, where two of a normal's three numbers live
MIN_QUALITY = {TextureRole.NORMAL: 90, TextureRole.DATA: 85, TextureRole.COLOR: 0}
DEFAULT_QUALITY = {role: max(80, floor) for role, floor in MIN_QUALITY.items()}


class TextureCodec(StrEnum):
    """WEBP: the small download. JPEG_PNG: what every reader opens (USDZ); PNG where alpha is used.

    AVIF: smaller still, for readers that know it. KTX2: stays compressed in the GPU's memory.
    KEEP: as it came, unless it must be scaled down.
    """

    WEBP = "webp"
    JPEG_PNG = "jpeg_png"
    AVIF = "avif"
    KTX2 = "ktx2"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class TextureOptions:
    """max_px: per side; role_px may lower it for a role. quality: 0 to 100 for each role, taken as given."""

    max_px: int
    quality: Mapping[TextureRole, int]
    codec: TextureCodec = TextureCodec.WEBP
    role_px: Mapping[TextureRole, int] = field(default_factory=dict[TextureRole, int])

    def __post_init__(self) -> None:
        if self.max_px < 1 or any(px < 1 for px in self.role_px.values()):
            raise ValueError(f"max_px: want at least 1, got {self.max_px}, {dict(self.role_px)}")
        missing = set(TextureRole) - set(self.quality)
        if missing or not all(0 <= value <= 100 for value in self.quality.values()):
            raise ValueError(f"quality: want 0 to 100 for each role, got {dict(self.quality)}")

    @classmethod
    def of_color_quality(cls, max_px: int, quality: int, codec: TextureCodec = TextureCodec.WEBP) -> Self:
        """The quality for colours; normals and data get at least what they need not to look rough."""
        by_role = {role: max(quality, floor) for role, floor in MIN_QUALITY.items()}
        return cls(max_px, by_role, codec)

    def max_px_of(self, role: TextureRole) -> int:
        """The limit for textures of a role."""
        return min(self.max_px, self.role_px.get(role, self.max_px))
