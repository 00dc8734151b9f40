"""Our files: made by the product's own `make_file` from the same source, in the ways its search may choose.

Geometry is compared with the source's textures passed through byte for byte; totals with WebP, by the
product's own search for the peer's quality.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.find_file import ceiling_of
from asset_pipeline.models.make import Made, make_file
from asset_pipeline.models.prepare import Prepared, prepare
from asset_pipeline.models.recipes import AR, Budget, ModelRecipe
from asset_pipeline.models.settings import Settings
from asset_pipeline.models.steps.reduce import simplify_modes
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.texture_options import TextureCodec
from asset_pipeline.models.write_glb import GeometryCodec
from tests.benchmarks.harness import OUT_FOLDER, ROOT
from tests.benchmarks.models.equal import Choice
from tests.benchmarks.models.sources import TEXTURE_PX, Source

FILES = OUT_FOLDER / "models" / "ours"
ENDLESS = 1 << 40
PASSED_THROUGH = replace(
    AR, name="geometry", texture_codec=TextureCodec.KEEP, budget=Budget(ENDLESS, TEXTURE_PX, points=ENDLESS)
)
WITH_WEBP = replace(AR, name="total", budget=Budget(ENDLESS, TEXTURE_PX, points=ENDLESS))
WITH_AVIF = replace(WITH_WEBP, name="total-avif", texture_codec=TextureCodec.AVIF)


@dataclass(frozen=True, slots=True)
class Grids:
    """Bits of positions, UVs and directions."""

    position: int
    uv: int
    direction: int


@dataclass(frozen=True, slots=True)
class Way:
    """How the triangles are chosen and stored."""

    mode: SimplifyMode
    grids: Grids
    codec: GeometryCodec


FINE = Grids(14, 12, 8)  # what gltfpack uses; gltf-transform takes 10 for directions
GRIDS = (
    FINE,
    Grids(14, 12, 10),
    Grids(13, 12, 8),
    Grids(12, 11, 7),
    Grids(11, 10, 6),
    Grids(10, 10, 6),
)
FINEST = Grids(16, 14, 10)  # only where nothing else reaches the peer's quality
CODECS = (GeometryCodec.DRACO, GeometryCodec.MESHOPT)


def ways(modes: Sequence[SimplifyMode]) -> list[Way]:
    """Every way of storing a model that may win."""
    return [Way(*one) for one in product(modes, GRIDS, CODECS)]


class Own:
    """Makes our files of one source, each once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.prepared: Prepared = prepare(source.glb, ModelOptions())
        self.modes = simplify_modes(self.prepared.document)
        self._files: dict[Choice[Way], Path] = {}

    def file(self, choice: Choice[Way]) -> Path:
        """The file of a choice, textures as in the source."""
        if choice not in self._files:
            self._files[choice] = self._keep(self._made(choice))
        return self._files[choice]

    def file_with(self, recipe: ModelRecipe, settings: Settings, codec: GeometryCodec) -> tuple[Path, Made]:
        """A file as the product makes it with these settings."""
        made = make_file(self.prepared, recipe, settings, codec)
        return self._keep(made.body), made

    def ceiling(self, recipe: ModelRecipe) -> Settings:
        """The finest settings of a recipe on this model."""
        return ceiling_of(self.prepared, recipe)

    def _made(self, choice: Choice[Way]) -> bytes:
        way, grids = choice.kind, choice.kind.grids
        settings = replace(
            self.ceiling(PASSED_THROUGH), triangles=choice.triangles, mode=way.mode,
            position_bits=grids.position, uv_bits=grids.uv, direction_bits=grids.direction,
        )  # fmt: skip
        return make_file(self.prepared, PASSED_THROUGH, settings, way.codec).body

    def _keep(self, body: bytes) -> Path:
        FILES.mkdir(parents=True, exist_ok=True)
        path = FILES / f"{self.source.name}-{hashlib.sha256(body).hexdigest()[:16]}.glb"
        if not path.is_file():
            path.write_bytes(body)
        return path


@cache
def pipeline_version() -> str:
    """Of the code that makes files: results are kept per version."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "asset_pipeline" / "models").rglob("*.py")):
        if path.parent.name in ("models", "steps"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
