"""A master read, mended and welded, with what its recipes share: reduced geometry and encoded textures."""

from dataclasses import dataclass, field
from pathlib import Path

from asset_pipeline.model_options import ModelOptions
from asset_pipeline.models.deviation import Deviation, measure_corner_deviation, measure_document_deviation
from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.measure import measure
from asset_pipeline.models.reading.containers import GLB_MAGIC
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.reading.source_frame import GLTF_FRAME
from asset_pipeline.models.steps.bake_normals import bake_normals
from asset_pipeline.models.steps.colour_to_texture import colour_to_texture
from asset_pipeline.models.steps.default_material import spell_out_default
from asset_pipeline.models.steps.pack_orm import pack_orm
from asset_pipeline.models.steps.place_units import apply_hints, find_scale_problems
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.reduce import drawn_triangles, reduce_triangles
from asset_pipeline.models.steps.reduce_points import reduce_points
from asset_pipeline.models.steps.repair import repair
from asset_pipeline.models.steps.retexture import TextureCache, settle_sources
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.textures import check_texture
from asset_pipeline.models.steps.weld import weld
from asset_pipeline.models.write_glb import GeometryCodec, WriteOptions, write_glb
from asset_pipeline.stages import first_look_done, stage
from heritage_sites.problem import Problem

MAX_KEPT_TRIANGLES = 1_500_000  # of reduced models, with some 40 bytes each
BAKE_LIMIT_S = 45.0  # for one normal map; 1024 px from a million triangles take 15 s


@dataclass(slots=True, eq=False)
class Prepared:
    """A master ready for recipes. warnings: what was found and mended on the way."""

    document: Document
    warnings: tuple[Problem, ...]
    textures: TextureCache = field(default_factory=dict[tuple[object, ...], Image])
    _reduced: dict[tuple[int, int, SimplifyMode], Document] = field(
        default_factory=dict[tuple[int, int, SimplifyMode], Document]
    )

    _measured: dict[str, int] = field(default_factory=dict[str, int])
    _baked: dict[tuple[int, int], tuple[Document, Document]] = field(
        default_factory=dict[tuple[int, int], tuple[Document, Document]]
    )

    _coloured: dict[tuple[int, int], tuple[Document, Document, tuple[Problem, ...]]] = field(
        default_factory=dict[tuple[int, int], tuple[Document, Document, tuple[Problem, ...]]]
    )

    def reduce(self, max_triangles: int, max_points: int, mode: SimplifyMode) -> Document:
        """The model within budgets of triangles and points, made once per budget and mode."""
        key = (max_triangles, max_points, mode)
        if key not in self._reduced:
            fewer = reduce_points(self.document, max_points=max_points)
            while self._reduced and sum(kept for kept, _, _ in self._reduced) > MAX_KEPT_TRIANGLES:
                del self._reduced[next(iter(self._reduced))]
            self._reduced[key] = reduce_triangles(fewer, max_triangles=max_triangles, mode=mode)
        return self._reduced[key]

    def with_baked_normals(self, reduced: Document, max_px: int) -> Document:
        """A reduced model with a normal map of the master's relief; as it is where that takes too long."""
        key = (id(reduced), max_px)
        if key not in self._baked:
            stage("baking normals")
            baked = bake_normals(reduced, self.document, max_px=max_px, time_limit_s=BAKE_LIMIT_S)
            self._baked[key] = (reduced, baked)
        return self._baked[key][1]

    def with_baked_colours(self, reduced: Document, max_px: int) -> tuple[Document, tuple[Problem, ...]]:
        """A reduced model with its vertices' colours in textures, and what was said of that."""
        key = (id(reduced), max_px)
        if key not in self._coloured:
            stage("baking colours")
            made = colour_to_texture(reduced, max_px=max_px, time_limit_s=BAKE_LIMIT_S)
            self._coloured[key] = (reduced, *made)
        return self._coloured[key][1:]

    def master_measures(self) -> dict[str, int]:
        """What the master was, told with each of its derivatives."""
        if not self._measured:
            measures = measure(self.document)
            for name in ("triangles", "points", "vertices", "materials", "texture_px_max"):
                self._measured[f"master_{name}"] = getattr(measures, name)
        return self._measured

    def master_glb(self, work: Path) -> Path:
        """The master as a plain GLB, written once: what files are compared with."""
        path = work / "master.glb"
        if not path.exists():
            work.mkdir(parents=True, exist_ok=True)
            path.write_bytes(write_glb(self.document, WriteOptions(GeometryCodec.NONE)))
        return path

    def deviation(self, reduced: Document, written: Document | None = None) -> Deviation:
        """How far a reduced model lies from the master. written: the same as its file holds it, on grids."""
        if written is None and reduced is self.document:
            return Deviation(0.0, 0.0)
        read = reduced if written is None else written
        if reduced is self.document or not drawn_triangles(reduced):
            return measure_corner_deviation(self.document, read)
        return measure_document_deviation(self.document, read)


def prepare(path: Path, options: ModelOptions) -> Prepared:
    """Read a master of any kind and make it ready for recipes. Refused if it cannot be."""
    stage("reading")
    if _is_gltf(path):
        document, warnings = load_gltf(path)
        frame = GLTF_FRAME
    else:
        loaded = load_mesh_file(path)
        document, warnings, frame = loaded.document, loaded.problems, loaded.frame
    document = apply_hints(spell_out_default(prune(settle_sources(document))), options, frame=frame)
    for index, image in enumerate(document.images):
        check_texture(image.body, where=f"/images/{index}")  # before geometry costs anything
    first_look_done()
    stage("welding")
    document, mended = repair(pack_orm(document))
    asked = find_scale_problems(document, hints=options, frame=frame)
    return Prepared(weld(document), (*warnings, *mended, *asked))


def _is_gltf(path: Path) -> bool:
    if path.suffix.lower() in (".glb", ".gltf"):
        return True
    with path.open("rb") as file:
        start = file.read(64)
    return start.startswith(GLB_MAGIC) or start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
