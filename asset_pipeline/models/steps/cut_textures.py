"""Of each texture only what the triangles show: for cells of a scan that share one large atlas.

The texture is looked at in blocks of about BLOCK_PX. Blocks that a triangle's UV box touches are kept, with
an apron of one block around; those that hang together move as one rectangle into a smaller picture. Texels
are copied as they are and UVs shifted by whole texels, so what is seen stays the same.

Left alone: materials whose textures read different UV sets or a transform of them, UVs outside [0, 1] (they
repeat the picture), pictures whose sides the blocks do not divide, KTX2, and where little would be saved.
"""

import io
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from scipy import ndimage

from asset_pipeline.models.document import (
    POINTS,
    TRIANGLES,
    Accessor,
    Document,
    DocumentEditor,
    Image,
    JsonObject,
)
from asset_pipeline.models.references import texture_coordinate_set, texture_infos
from asset_pipeline.models.steps.texture_pixels import decode_picture
from asset_pipeline.models.steps.textures import texture_info

BLOCK_PX = 32  # also the apron, so that the next four or five mipmaps do not bleed
MAX_KEPT_RATIO = 0.7  # of the texture's area; more is not worth a picture of its own
MAX_CACHE_PX = 1 << 26  # decoded pictures kept for the next cell: one of 8192 x 8192
PNG_LEVEL = 0  # not packed: the picture is encoded again for the file, and lives only until then

_PLAIN_MODES = ("L", "LA", "RGB", "RGBA")
_CUTTABLE = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif"})

Window = tuple[slice, slice]


@dataclass(slots=True, eq=False)
class PictureCache:
    """Decoded pictures for the cells to come, the last used ones within MAX_CACHE_PX (at least one)."""

    pictures: OrderedDict[bytes, PIL.Image.Image] = field(default_factory=OrderedDict)

    def open(self, image: Image, where: str) -> PIL.Image.Image:
        """The picture, in a mode that PNG can hold."""
        if image.body not in self.pictures:
            picture = decode_picture(image.body, where)
            if picture.mode not in _PLAIN_MODES or "transparency" in picture.info:
                has_alpha = picture.mode in ("PA", "La", "RGBa") or "transparency" in picture.info
                picture = picture.convert("RGBA" if has_alpha else "RGB")
            self.pictures[image.body] = picture
        self.pictures.move_to_end(image.body)
        while len(self.pictures) > 1 and self._pixels() > MAX_CACHE_PX:
            self.pictures.popitem(last=False)
        return self.pictures[image.body]

    def _pixels(self) -> int:
        return sum(picture.width * picture.height for picture in self.pictures.values())


def cut_textures(document: Document, cache: PictureCache) -> Document:
    """The same look with smaller textures where that pays. For flat documents (`flatten`)."""
    if "KHR_materials_variants" in document.json.get("extensions", {}):
        return document  # a primitive may come to wear what another one's UVs were moved for
    editor = document.edit()
    for material in range(len(editor.items("materials"))):
        found = _find_cuttable(editor, material)
        if found is not None:
            cut = _choose_cut(editor, found)
            if cut is not None:
                _apply(editor, found, cut, cache)
    return editor.finish()


@dataclass(frozen=True, slots=True, eq=False)
class _Cuttable:
    """A material and who wears it. blocks: (across, down) of its textures."""

    infos: list[JsonObject]
    wearers: list[JsonObject]
    uv_name: str
    blocks: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Which blocks go where. labels: (down, across) number of the window a block belongs to, 0 for none.
    windows: in blocks of the old picture; places: (x, y) in blocks of the new one; size: its (across, down).
    """

    labels: NDArray[np.int32]
    windows: list[Window]
    places: list[tuple[int, int]]
    size: tuple[int, int]


def _find_cuttable(editor: DocumentEditor, material: int) -> _Cuttable | None:
    wearers = [
        primitive
        for mesh in editor.items("meshes")
        for primitive in mesh["primitives"]
        if primitive.get("material") == material
    ]
    infos = [info for _, info, _ in texture_infos(editor.items("materials")[material])]
    if not infos or not wearers:
        return None
    uv_sets = {texture_coordinate_set(info) for info in infos}
    if len(uv_sets) > 1 or any("KHR_texture_transform" in info.get("extensions", {}) for info in infos):
        return None
    uv_name = f"TEXCOORD_{uv_sets.pop()}"
    for primitive in wearers:
        if primitive.get("mode", TRIANGLES) == POINTS or uv_name not in primitive["attributes"]:
            return None
        uvs = editor.accessors[primitive["attributes"][uv_name]].as_floats()
        if not (uvs >= 0).all() or not (uvs <= 1).all():
            return None
    blocks = _blocks(editor, infos)
    return None if blocks is None else _Cuttable(infos, wearers, uv_name, blocks)


def _blocks(editor: DocumentEditor, infos: list[JsonObject]) -> tuple[int, int] | None:
    """(across, down): as many as the largest texture has, if they divide all of them."""
    sizes = []
    for info in infos:
        source = editor.items("textures")[info["index"]].get("source")
        if source is None or editor.images[source].media_type not in _CUTTABLE:
            return None
        header = texture_info(editor.images[source].body)
        sizes.append((header.width_px, header.height_px))
    across, down = (max(size[axis] for size in sizes) // BLOCK_PX for axis in (0, 1))
    if min(across, down) < 2 or any(width % across or height % down for width, height in sizes):
        return None
    return across, down


def _choose_cut(editor: DocumentEditor, found: _Cuttable) -> _Cut | None:
    used = _touched(editor, found)
    apron = ndimage.binary_dilation(used, np.ones((3, 3), bool))
    labels, _ = ndimage.label(apron, np.ones((3, 3), int))
    windows: list[Window] = ndimage.find_objects(labels)
    places, size = _pack([(at[1].stop - at[1].start, at[0].stop - at[0].start) for at in windows])
    if size[0] * size[1] > MAX_KEPT_RATIO * found.blocks[0] * found.blocks[1]:
        return None
    size = _padded(*size)
    if size[0] > found.blocks[0] or size[1] > found.blocks[1]:
        return None
    return _Cut(labels.astype(np.int32), windows, places, size)


def _padded(width: int, height: int) -> tuple[int, int]:
    """Sides whose ratio is a power of two: scaled down to powers of two, neither side loses more than the
    other. The margin is empty and costs next to nothing.
    """
    longer, shorter = max(width, height), min(width, height)
    halvings = (longer // shorter).bit_length() - 1
    longer = -(-longer // 2**halvings) * 2**halvings
    shorter = longer >> halvings
    return (longer, shorter) if width >= height else (shorter, longer)


def _touched(editor: DocumentEditor, found: _Cuttable) -> NDArray[np.bool_]:
    """(down, across): blocks in the UV box of any triangle; boxes are counted by their corners."""
    across, down = found.blocks
    counts = np.zeros((down + 1, across + 1), np.int64)
    for primitive in found.wearers:
        columns, rows = _block_of(editor, primitive, found)
        indices = editor.accessors[primitive["indices"]].array.reshape(-1, 3)
        left, right = columns[indices].min(axis=1), columns[indices].max(axis=1) + 1
        top, bottom = rows[indices].min(axis=1), rows[indices].max(axis=1) + 1
        np.add.at(counts, (top, left), 1)
        np.add.at(counts, (top, right), -1)
        np.add.at(counts, (bottom, left), -1)
        np.add.at(counts, (bottom, right), 1)
    touched: NDArray[np.bool_] = counts.cumsum(axis=0).cumsum(axis=1)[:down, :across] > 0
    return touched


def _block_of(
    editor: DocumentEditor, primitive: JsonObject, found: _Cuttable
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(column, row) of the block in which each vertex lies."""
    uvs = editor.accessors[primitive["attributes"][found.uv_name]].as_floats().astype(np.float64)
    across, down = found.blocks
    columns = np.minimum(uvs[:, 0] * across, across - 1).astype(np.intp)
    rows = np.minimum(uvs[:, 1] * down, down - 1).astype(np.intp)
    return columns, rows


def _pack(sizes: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Places (x, y) of rectangles on shelves, and the (width, height) that takes: the smallest of a few."""
    area = sum(width * height for width, height in sizes)
    widest = max(width for width, _ in sizes)
    candidates = {max(widest, int(area**0.5 * factor)) for factor in (1.0, 1.1, 1.25, 1.5, 2.0)}
    packed = [_on_shelves(sizes, width) for width in sorted(candidates)]
    return min(packed, key=lambda found: found[1][0] * found[1][1])


def _on_shelves(sizes: list[tuple[int, int]], width: int) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    places = [(0, 0)] * len(sizes)
    x = y = shelf = right = 0
    for index in sorted(range(len(sizes)), key=lambda place: (-sizes[place][1], place)):
        if x + sizes[index][0] > width:
            x, y, shelf = 0, y + shelf, 0
        places[index] = (x, y)
        x += sizes[index][0]
        shelf = max(shelf, sizes[index][1])
        right = max(right, x)
    return places, (right, y + shelf)


def _apply(editor: DocumentEditor, found: _Cuttable, cut: _Cut, cache: PictureCache) -> None:
    pictures: dict[int, int] = {}
    for info in found.infos:
        texture = dict(editor.items("textures")[info["index"]])
        source = texture["source"]
        if source not in pictures:
            editor.images.append(_cut_image(editor.images[source], source, found, cut, cache))
            pictures[source] = len(editor.images) - 1
        texture["source"] = pictures[source]
        editor.items("textures").append(texture)
        info["index"] = len(editor.items("textures")) - 1
    moved: dict[int, int] = {}
    for primitive in found.wearers:
        number = primitive["attributes"][found.uv_name]
        if number not in moved:
            moved[number] = editor.add_accessor(_moved_uvs(editor, primitive, found, cut))
        primitive["attributes"][found.uv_name] = moved[number]


def _cut_image(image: Image, number: int, found: _Cuttable, cut: _Cut, cache: PictureCache) -> Image:
    picture = cache.open(image, f"/images/{number}")
    wide, high = picture.width // found.blocks[0], picture.height // found.blocks[1]
    made = PIL.Image.new(picture.mode, (cut.size[0] * wide, cut.size[1] * high))
    for (rows, columns), (x, y) in zip(cut.windows, cut.places, strict=True):
        box = (columns.start * wide, rows.start * high, columns.stop * wide, rows.stop * high)
        made.paste(picture.crop(box), (x * wide, y * high))
    out = io.BytesIO()
    made.save(out, "PNG", compress_level=PNG_LEVEL)
    return Image(out.getvalue(), "image/png", image.name)


def _moved_uvs(editor: DocumentEditor, primitive: JsonObject, found: _Cuttable, cut: _Cut) -> Accessor:
    uvs = editor.accessors[primitive["attributes"][found.uv_name]].as_floats().astype(np.float64)
    columns, rows = _block_of(editor, primitive, found)
    window = cut.labels[rows, columns] - 1
    shifts = np.array(
        [(x - at[1].start, y - at[0].start) for at, (x, y) in zip(cut.windows, cut.places, strict=True)],
        np.float64,
    )
    moved = (uvs * found.blocks + shifts[window]) / cut.size
    return Accessor(moved.astype(np.float32), "VEC2")
