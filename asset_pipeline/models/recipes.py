"""The recipes for models, as data: what each derivative may cost, how it must look, and what may be tried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from asset_pipeline.models.steps.texture_options import TextureCodec
from asset_pipeline.models.steps.texture_roles import TextureRole
from asset_pipeline.models.write_glb import GeometryCodec

KB = 1000  # the budgets of app stores and viewers count kilobytes of 1000 bytes
MIB = 1024 * 1024


class Form(StrEnum):
    """The kind of file a recipe makes. PLAIN: a GLB without any loss or compression, for the archive."""

    GLB = "glb"
    USDZ = "usdz"
    TILES = "tiles"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Budget:
    """Hard limits; None is no limit. points: of a point cloud."""

    triangles: int
    texture_px: int
    bytes: int | None = None
    gpu_bytes: int | None = None
    points: int = 500_000


@dataclass(frozen=True, slots=True)
class Target:
    """How a visitor sees the model: so many pixels high, and how alike it must look (mean SSIM of 12 views,
    the worse of lit and unlit).
    """

    view_px: int
    ssim: float

    def __post_init__(self) -> None:
        if not 64 <= self.view_px <= 2048 or not 0 < self.ssim < 1:
            raise ValueError(f"Target: want 64 to 2048 px and an SSIM between 0 and 1, got {self}")


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """A derivative's budget and target, and what its search may try (best first).

    qualities: of the texture codec, by role. position_bits, uv_bits, direction_bits: the finest grids tried.
    """

    name: str
    version: int
    usage: str
    quality: str
    form: Form
    budget: Budget
    target: Target | None = None
    geometry_codecs: tuple[GeometryCodec, ...] = (GeometryCodec.MESHOPT,)
    texture_codec: TextureCodec = TextureCodec.WEBP
    qualities: Mapping[TextureRole, tuple[int, ...]] = field(default_factory=lambda: WEBP_QUALITIES)
    position_bits: int = 13
    uv_bits: int = 13
    direction_bits: int = 8
    max_trials: int = 24
    may_bake_normals: bool = False


WEBP_QUALITIES: Mapping[TextureRole, tuple[int, ...]] = {
    TextureRole.COLOR: (90, 45),
    TextureRole.NORMAL: (92, 65),
    TextureRole.DATA: (88, 45),
}
JPEG_QUALITIES: Mapping[TextureRole, tuple[int, ...]] = {
    TextureRole.COLOR: (88, 50),
    TextureRole.NORMAL: (94, 75),
    TextureRole.DATA: (90, 60),
}
KTX2_QUALITIES: Mapping[TextureRole, tuple[int, ...]] = {  # encoding takes seconds: two tries each
    TextureRole.COLOR: (80, 30),
    TextureRole.NORMAL: (80,),
    TextureRole.DATA: (80,),
}

THUMB = ModelRecipe(
    name="thumb",
    version=2,
    usage="Web3D",
    quality="Thumb",
    form=Form.GLB,
    budget=Budget(20_000, 512, bytes=200 * KB, points=50_000),
    target=Target(view_px=256, ssim=0.94),
    position_bits=11,
    uv_bits=11,
)
AR = ModelRecipe(
    name="ar",
    version=2,
    usage="App3D",
    quality="AR",
    form=Form.GLB,
    budget=Budget(100_000, 2048, bytes=10_000 * KB, gpu_bytes=96 * MIB, points=200_000),
    target=Target(view_px=640, ssim=0.97),
    geometry_codecs=(GeometryCodec.DRACO, GeometryCodec.MESHOPT),
    may_bake_normals=True,
)
AR_IOS = ModelRecipe(
    name="ar_ios",
    version=1,
    usage="iOSApp3D",
    quality="AR",
    form=Form.USDZ,
    budget=Budget(100_000, 2048, bytes=10_000 * KB, gpu_bytes=96 * MIB),
    target=Target(view_px=640, ssim=0.97),
    geometry_codecs=(GeometryCodec.NONE,),
    texture_codec=TextureCodec.JPEG_PNG,
    qualities=JPEG_QUALITIES,
    max_trials=18,
)
VR = ModelRecipe(
    name="vr",
    version=1,
    usage="App3D",
    quality="High",
    form=Form.GLB,
    budget=Budget(200_000, 2048, bytes=20_000 * KB, gpu_bytes=64 * MIB),
    target=Target(view_px=768, ssim=0.97),
    texture_codec=TextureCodec.KTX2,
    qualities=KTX2_QUALITIES,
    position_bits=14,
    max_trials=14,
)
HIGH = ModelRecipe(
    name="high",
    version=2,
    usage="Web3D",
    quality="High",
    form=Form.GLB,
    budget=Budget(1_000_000, 4096, points=5_000_000),
    target=Target(view_px=768, ssim=0.98),
    position_bits=15,
    uv_bits=15,
    direction_bits=10,
    max_trials=7,  # a million triangles take 10 s each
)
TWIN = ModelRecipe(
    name="twin",
    version=1,
    usage="Tiles3D",
    quality="High",
    form=Form.TILES,
    budget=Budget(4_000_000, 4096),
    position_bits=16,
    uv_bits=14,
)
ARCHIVE = ModelRecipe(
    name="archive",
    version=1,
    usage="Archive3D",
    quality="Highest",
    form=Form.PLAIN,
    budget=Budget(2**32, 2**14, points=2**32),
    geometry_codecs=(GeometryCodec.NONE,),
    texture_codec=TextureCodec.KEEP,
)
POSTER = "poster"  # drawn from the `ar` file where that was made; no budget of its own
TURNTABLE = "turntable"
POSTER_VERSION = 2
TURNTABLE_VERSION = 1

MODEL_RECIPES: dict[str, ModelRecipe] = {
    recipe.name: recipe for recipe in (THUMB, AR, AR_IOS, VR, HIGH, TWIN, ARCHIVE)
}
RECIPE_NAMES = (*MODEL_RECIPES, POSTER, TURNTABLE)
