"""Vertex colours become a texture, for viewers that do not show them (AR Quick Look: model-viewer #1596).

The model's own UV are kept where each point of the surface has a place of its own in them; else the surface
is cut open anew (`unwrap`; `grid_atlas` when that takes too long). What the colours stood for is baked: their
product with the base colour texture. Factors stay factors.
"""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor, Document, DocumentEditor, Image, JsonObject
from asset_pipeline.models.geometry import Geometry
from asset_pipeline.models.steps.colour_to_texture_base import (
    BaseColour,
    TextureReader,
    base_colour_of,
    srgb_bytes,
)
from asset_pipeline.models.steps.rasterize_uv import (
    Texels,
    TooManyTexels,
    fill_gaps,
    is_usable_uv,
    rasterize_uv,
)
from asset_pipeline.models.steps.unwrap import Patch, grid_atlas, unwrap
from asset_pipeline.models.steps.unwrap_surfaces import (
    Surface,
    add_texture,
    collect_surfaces,
    free_uv_set,
    put_surface,
    used_uv_sets,
    without_attributes,
)
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

TEXELS_PER_TRIANGLE = 16  # a triangle's colours run straight between three corners: 4 x 4 texels hold that
MIN_TEXTURE_PX = 64
EQUAL_COLOURS = 1 / 512  # half a step of 8 bits
VARIANTS = "KHR_materials_variants"
ATLAS = "_ATLAS"  # the new UV, until the old ones have been read

Colours = NDArray[np.float32]  # (n, 4) linear light and opacity


def colour_to_texture(
    document: Document, *, max_px: int, time_limit_s: float
) -> tuple[Document, tuple[Problem, ...]]:
    """The model without COLOR_0 on triangles, its colours in base colour textures of at most max_px.

    Colours that are the same everywhere become a factor, without a texture. The document comes back as it is
    when no triangles carry colours. A surface that cannot be baked keeps its COLOR_0, and a warning says so.
    """
    if max_px < MIN_TEXTURE_PX or not time_limit_s > 0:
        raise ValueError(
            f"colour_to_texture: want max_px >= {MIN_TEXTURE_PX} and a positive time, "
            f"got {max_px}, {time_limit_s}"
        )
    editor = document.edit()
    surfaces = [
        surface for surface in collect_surfaces(document, editor) if "COLOR_0" in surface.geometry.attributes
    ]
    if not surfaces:
        return document, ()
    work = _Work(document, editor, max_px, time.monotonic() + time_limit_s)
    if any(VARIANTS in place.get("extensions", {}) for surface in surfaces for place in surface.places):
        work.problems.append(warn("Material variants show without the vertex colours.", where="colours"))
    varied = [surface for surface in surfaces if not work.bake_constant(surface)]
    cut = []
    for group in _by_material(varied):
        if not work.bake_into_own_uv(group):
            cut += group
    work.bake_into_atlas(cut)
    return editor.finish(), tuple(work.problems)


def _by_material(surfaces: Sequence[Surface]) -> list[list[Surface]]:
    groups: dict[int | None, list[Surface]] = {}
    for surface in surfaces:
        groups.setdefault(surface.material, []).append(surface)
    return list(groups.values())


def vertex_colours(geometry: Geometry) -> Colours:
    """COLOR_0 as linear light and opacity, 0 to 1."""
    column = geometry.attributes["COLOR_0"].as_floats()
    colours = np.ones((len(column), 4), np.float32)
    colours[:, : column.shape[1]] = column
    return np.clip(np.nan_to_num(colours), 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A surface on its way into a texture.

    drawn: its geometry with all columns, old UV among them; unused: columns to leave out at the end. base:
    what the colours are multiplied with. info: the new textureInfo without its index. corners_uv: (t, 3, 2)
    in the new texture.
    """

    surface: Surface
    drawn: Geometry
    unused: tuple[str, ...]
    base: BaseColour
    info: JsonObject
    corners_uv: NDArray[np.float32]

    @property
    def triangles(self) -> NDArray[np.uint32]:
        assert self.drawn.indices is not None
        return self.drawn.indices.reshape(-1, 3)


class _Work:
    """One document's bake."""

    def __init__(self, document: Document, editor: DocumentEditor, max_px: int, deadline: float) -> None:
        self.document = document
        self.editor = editor
        self.max_px = max_px
        self.deadline = deadline
        self.reader = TextureReader(document, max_px)
        self.problems: list[Problem] = []
        self._constants: dict[tuple[object, ...], int] = {}

    def base(self, surface: Surface) -> BaseColour:
        """The base colour of the surface's material; glTF's default where it has none."""
        number = surface.material
        return base_colour_of({} if number is None else self.document.items("materials")[number])

    def bake_constant(self, surface: Surface) -> bool:
        """One colour for all becomes the base colour factor. Whether it was so."""
        colours = vertex_colours(surface.geometry)
        if np.ptp(colours, axis=0).max() > EQUAL_COLOURS:
            return False
        colour = [float(value) for value in colours.mean(axis=0, dtype=np.float64).round(6)]
        number = surface.material
        if colour != [1.0, 1.0, 1.0, 1.0]:
            key = (surface.material, *colour)
            if key not in self._constants:
                base = self.base(surface)
                factor = [a * b for a, b in zip(base.factor, colour, strict=True)]
                self._constants[key] = self._add_material(base.with_factor(factor))
            number = self._constants[key]
        put_surface(self.editor, surface, without_attributes(surface.geometry, "COLOR_0"), number)
        return True

    def bake_into_own_uv(self, group: list[Surface]) -> bool:
        """Bake surfaces of one material where their UV lie already. Whether these UV will do."""
        base = self.base(group[0])
        info = {key: value for key, value in (base.info or {}).items() if key != "index"}
        targets = []
        for surface in group:
            uv = surface.uv(base.uv_set)
            if uv is None:
                return False
            corners_uv = base.moved(uv)[surface.triangles]
            targets.append(_Target(surface, surface.geometry, (), base, info, corners_uv))
        corners = np.concatenate([target.corners_uv for target in targets])
        if not is_usable_uv(corners, np.concatenate([surface.areas for surface in group])):
            return False
        return self._bake(targets, self._texture_px(targets))

    def bake_into_atlas(self, group: list[Surface]) -> None:
        """Cut surfaces open and bake them, all into one texture."""
        if not group:
            return
        meshes = [surface.mesh for surface in group]
        left_s = self.deadline - time.monotonic()
        patches = unwrap(meshes, time_limit_s=left_s) if left_s > 0 else None
        if patches is not None:
            targets = [self._cut(surface, patch) for surface, patch in zip(group, patches, strict=True)]
            if self._bake(targets, self._texture_px(targets)):
                return
        patches = grid_atlas(meshes, texture_px=self.max_px)
        if patches is not None:
            targets = [self._cut(surface, patch) for surface, patch in zip(group, patches, strict=True)]
            if self._bake(targets, self.max_px):
                message = "Unwrapping took too long; each triangle got its own piece of the colour texture."
                self.problems.append(warn(message, where="colours"))
                return
        message = "Vertex colours stayed as they are: the model has too many triangles for a colour texture."
        advice = "Use fewer triangles or a larger texture."
        self.problems.append(warn(message, where="colours", advice=advice))

    def _cut(self, surface: Surface, patch: Patch) -> _Target:
        """The surface cut open; its new UV take the place of those no other texture reads."""
        base = self.base(surface)
        kept = used_uv_sets(base.material, but=base.texture_key)
        uv_sets = [name for name in surface.geometry.attributes if name.startswith("TEXCOORD_")]
        unused = tuple(name for name in uv_sets if int(name[9:]) not in kept)
        new_set = free_uv_set(without_attributes(surface.geometry, *unused))
        cut = surface.geometry.take(patch.rows).with_indices(patch.triangles.reshape(-1))
        atlas = Accessor(patch.uv, "VEC2")
        drawn = Geometry(cut.mode, cut.indices, {**cut.attributes, ATLAS: atlas}, cut.targets)
        info = {"texCoord": new_set} if new_set else {}
        return _Target(surface, drawn, unused, base, info, patch.uv[patch.triangles])

    def _texture_px(self, targets: Sequence[_Target]) -> int:
        """Enough for the triangles' colours and for the pictures they are multiplied with."""
        triangles = sum(len(target.corners_uv) for target in targets)
        px = MIN_TEXTURE_PX
        while px * px < triangles * TEXELS_PER_TRIANGLE and px < self.max_px:
            px *= 2
        for target in targets:
            if target.base.info is not None:
                px = max(px, *self.reader.light(target.base.info).shape[:2])
        return min(px, self.max_px)

    def _bake(self, targets: Sequence[_Target], px: int) -> bool:
        """One texture for all targets, and their new materials. False where it would be too much work."""
        try:
            texels = rasterize_uv(np.concatenate([target.corners_uv for target in targets]), px, px)
        except TooManyTexels:
            return False
        image = len(self.editor.images)
        self.editor.images.append(Image(png_bytes(self._paint(targets, texels)), "image/png", "colours"))
        texture = add_texture(self.editor, image)
        materials: dict[tuple[object, ...], int] = {}
        for target in targets:
            key = (target.surface.material, target.info.get("texCoord"))
            if key not in materials:
                info = {"index": texture, **target.info}
                materials[key] = self._add_material(target.base.with_texture(info))
            put_surface(self.editor, target.surface, _finished(target), materials[key])
        return True

    def _paint(self, targets: Sequence[_Target], texels: Texels) -> NDArray[np.uint8]:
        """(height, width, 3 or 4) sRGB: vertex colours times base colour textures."""
        ends = np.cumsum([len(target.corners_uv) for target in targets])
        order = np.argsort(texels.triangle, kind="stable")
        bounds = np.searchsorted(texels.triangle[order], np.concatenate([[0], ends]))
        picture = np.ones((texels.height_px * texels.width_px, 4), np.float32)
        for index, target in enumerate(targets):
            mine = order[bounds[index] : bounds[index + 1]]
            start = int(ends[index]) - len(target.corners_uv)
            part = Texels(
                texels.width_px,
                texels.height_px,
                texels.place[mine],
                texels.triangle[mine] - start,
                texels.weights[mine],
            )
            colours = part.interpolate(vertex_colours(target.drawn), target.triangles)
            if target.base.info is not None:
                uv = target.drawn.attributes[f"TEXCOORD_{target.base.uv_set}"].as_floats()
                places = part.interpolate(target.base.moved(uv), target.triangles)
                colours *= self.reader.sample(target.base.info, places)
            if target.base.is_opaque:
                colours[:, 3] = 1
            picture[part.place] = colours
        is_covered = np.zeros(len(picture), bool)
        is_covered[texels.place] = True
        shape = (texels.height_px, texels.width_px)
        filled = fill_gaps(picture.reshape(*shape, 4), is_covered.reshape(shape))
        colour = srgb_bytes(filled[:, :, :3])
        if (filled[:, :, 3] >= 1 - EQUAL_COLOURS).all():
            return colour
        return np.dstack([colour, np.rint(filled[:, :, 3] * 255).astype(np.uint8)])

    def _add_material(self, material: JsonObject) -> int:
        self.editor.json.setdefault("materials", []).append(material)
        return len(self.editor.json["materials"]) - 1


def _finished(target: _Target) -> Geometry:
    """The geometry without colours and without UV nobody reads, the atlas in its UV set."""
    geometry = without_attributes(target.drawn, "COLOR_0", *target.unused)
    if ATLAS not in geometry.attributes:
        return geometry
    columns = dict(geometry.attributes)
    columns[f"TEXCOORD_{target.info.get('texCoord', 0)}"] = columns.pop(ATLAS)
    return Geometry(geometry.mode, geometry.indices, columns, geometry.targets)


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """A picture as PNG."""
    out = io.BytesIO()
    PIL.Image.fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=6)
    return out.getvalue()
