"""The one GLB of each model that every tool reads: textures of at most 2048 px, as PNG or JPEG, geometry as
it came.

OBJ, PLY, STL and compressed glTF go through our reader once, for everyone alike. Images that are PNG or JPEG
and fit are kept byte for byte; others are scaled once and stored as JPEG (opaque colour) or PNG (the rest),
so that all tools start from the same pixels.
"""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.reading.mesh_files import load_mesh_file
from asset_pipeline.models.reading.read_gltf import load_gltf
from asset_pipeline.models.steps.prune import prune
from asset_pipeline.models.steps.retexture import settle_sources
from asset_pipeline.models.steps.texture_roles import TextureRole, collect_texture_roles
from tests.benchmarks.harness import OUT_FOLDER, ROOT
from tests.benchmarks.models.glb import count_triangles, write_plain_glb
from tests.benchmarks.models.sets import DEMO, SHARED, Model

TEXTURE_PX = 2048
SOURCES = OUT_FOLDER / "models" / "sources"
MODEL_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl")


@dataclass(frozen=True, slots=True)
class Source:
    """A model ready for all tools. sha256: of the GLB at `glb`, which every cache is keyed by."""

    name: str
    glb: Path
    sha256: str
    triangles: int


def models_folder() -> Path:
    """$HALONG_XR_BENCH_MODELS, or ~/.cache/halong-xr-bench."""
    named = os.environ.get("HALONG_XR_BENCH_MODELS")
    return Path(named) if named else Path.home() / ".cache" / "halong-xr-bench"


def find_original(model: Model) -> Path | None:
    """Where the model's file lies, or None where it is not on this machine."""
    if model.origin == DEMO:
        from content_api.demo.masters import default_cache, make_masters

        folder = make_masters(default_cache(), lambda line: print(line, flush=True)).tower.parent
        path = folder / model.path
    elif model.origin == SHARED:
        path = Path(os.environ.get("HALONG_XR_SHARED") or ROOT.parent / "shared") / model.path
    else:
        path = models_folder() / model.origin / model.path
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != model.sha256:
            return None
    return path if path.is_file() else None


def models_in(folder: Path) -> list[tuple[str, Path]]:
    """(name, file) of anyone's models for INPUT=folder; a single file is taken too."""
    if folder.is_file():
        return [(folder.stem, folder)]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in MODEL_SUFFIXES)
    names = [str(path.relative_to(folder).with_suffix("")).replace(os.sep, "-") for path in found]
    doubled = {name for name in names if names.count(name) > 1}
    return [
        (f"{name}-{path.suffix[1:].lower()}" if name in doubled else name, path)
        for name, path in zip(names, found, strict=True)
    ]


def make_source(name: str, original: Path) -> Source:
    """The model's one GLB under build/bench/models/sources, made anew each time (a second or two)."""
    load = load_gltf if original.suffix.lower() in (".glb", ".gltf") else _load_mesh
    document = prune(settle_sources(load(original)[0]))
    body = write_plain_glb(_with_plain_images(document))
    sha256 = hashlib.sha256(body).hexdigest()
    SOURCES.mkdir(parents=True, exist_ok=True)
    glb = SOURCES / f"{name}-{sha256[:12]}.glb"
    if not glb.is_file():
        temporary = glb.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_bytes(body)
        temporary.replace(glb)
    return Source(name, glb, sha256, count_triangles(glb))


def _load_mesh(path: Path) -> tuple[Document, object]:
    return load_mesh_file(path).document, None


def _with_plain_images(document: Document) -> Document:
    uses = collect_texture_roles(document.json)
    return document.replace_images(
        [
            _plain_image(image, uses[index].role if index in uses else TextureRole.DATA)
            for index, image in enumerate(document.images)
        ]
    )


def _plain_image(image: Image, role: TextureRole) -> Image:
    with PIL.Image.open(io.BytesIO(image.body)) as picture:
        longest = max(picture.size)
        if longest <= TEXTURE_PX and image.media_type in ("image/png", "image/jpeg"):
            return Image(image.body, image.media_type)
        size = tuple(max(1, round(side * min(1.0, TEXTURE_PX / longest))) for side in picture.size)
        has_alpha = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
        scaled = picture.convert("RGBA" if has_alpha else "RGB").resize(size, PIL.Image.Resampling.BOX)
    out = io.BytesIO()
    if role is TextureRole.COLOR and not has_alpha:
        scaled.save(out, "JPEG", quality=95, subsampling=0)
        return Image(out.getvalue(), "image/jpeg")
    scaled.save(out, "PNG")
    return Image(out.getvalue(), "image/png")
