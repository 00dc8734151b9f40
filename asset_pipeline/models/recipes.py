"""The recipes for models, as data: what each derivative may cost, and the ladder to go down until it fits."""

from dataclasses import dataclass

KIB = 1000  # the budgets of app stores and viewers count kilobytes of 1000 bytes


@dataclass(frozen=True, slots=True)
class Rung:
    """One try: how many triangles and texture pixels to aim for."""

    triangles: int
    texture_px: int


@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """A derivative's budget and how it is made. The first rung that fits max_bytes is taken.

    position_bits, uv_bits, direction_bits: steps of the grids numbers are put on.
    texture_quality: WebP's 0 to 100. max_bytes None: no limit.
    """

    name: str
    version: int
    usage: str
    quality: str
    max_triangles: int
    max_texture_px: int
    max_bytes: int | None
    rungs: tuple[Rung, ...]
    texture_quality: int
    position_bits: int
    uv_bits: int
    direction_bits: int

    def __post_init__(self) -> None:
        if not self.rungs:
            raise ValueError(f"recipe {self.name}: want at least one rung")
        for rung in self.rungs:
            if rung.triangles > self.max_triangles or rung.texture_px > self.max_texture_px:
                raise ValueError(f"recipe {self.name}: {rung} is above its own budget")


THUMB = ModelRecipe(
    name="thumb",
    version=1,
    usage="Web3D",
    quality="Thumb",
    max_triangles=20_000,
    max_texture_px=512,
    max_bytes=200 * KIB,
    rungs=(
        Rung(20_000, 512),
        Rung(20_000, 256),
        Rung(10_000, 256),
        Rung(10_000, 128),
        Rung(5_000, 128),
        Rung(2_000, 128),
        Rung(2_000, 64),
    ),
    texture_quality=70,
    position_bits=12,
    uv_bits=12,
    direction_bits=8,
)
AR = ModelRecipe(
    name="ar",
    version=1,
    usage="App3D",
    quality="AR",
    max_triangles=100_000,
    max_texture_px=2048,
    max_bytes=10_000 * KIB,
    rungs=(
        Rung(100_000, 2048),
        Rung(100_000, 1024),
        Rung(50_000, 1024),
        Rung(50_000, 512),
        Rung(20_000, 512),
        Rung(20_000, 256),
    ),
    texture_quality=80,
    position_bits=14,
    uv_bits=14,
    direction_bits=8,
)
HIGH = ModelRecipe(
    name="high",
    version=1,
    usage="Web3D",
    quality="High",
    max_triangles=1_000_000,
    max_texture_px=4096,
    max_bytes=None,
    rungs=(Rung(1_000_000, 4096),),
    texture_quality=85,
    position_bits=16,
    uv_bits=16,
    direction_bits=10,
)
POSTER = "poster"  # drawn from the smallest model that was made; no budget of its own

MODEL_RECIPES: dict[str, ModelRecipe] = {recipe.name: recipe for recipe in (THUMB, AR, HIGH)}
RECIPE_NAMES = (*MODEL_RECIPES, POSTER)
POSTER_VERSION = 1
