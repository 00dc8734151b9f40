"""A glTF model in memory: its JSON tree whole, its numbers as arrays, its images as bytes.

The tree is kept as it came (names, extras, animations, skins, morph targets, cameras, lights, every material
extension), so nothing is dropped unless a step says so. Only how numbers and images are *stored* is left out:
`buffers`, `bufferViews`, `accessors` and `images` are not in the tree; indices of accessors and images in it
point into the two tuples. Steps take a Document and return a new one; a Document is never changed in place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

JsonObject = dict[str, Any]
Array = NDArray[Any]

COMPONENTS_OF_TYPE = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
DTYPE_OF_COMPONENT_TYPE: dict[int, np.dtype[Any]] = {
    5120: np.dtype(np.int8),
    5121: np.dtype(np.uint8),
    5122: np.dtype(np.int16),
    5123: np.dtype(np.uint16),
    5125: np.dtype(np.uint32),
    5126: np.dtype(np.float32),
}
COMPONENT_TYPE_OF_DTYPE = {dtype: number for number, dtype in DTYPE_OF_COMPONENT_TYPE.items()}

POINTS, LINES, LINE_LOOP, LINE_STRIP, TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN = range(7)


def copy_tree(value: Any) -> Any:
    """A copy of a JSON tree in which no object or list stands twice, so that each place can be changed
    alone.
    """
    if isinstance(value, dict):
        return {key: copy_tree(child) for key, child in value.items()}
    if isinstance(value, list):
        return [copy_tree(child) for child in value]
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Accessor:
    """A column of numbers, in the type it is stored in.

    array: (count, components); int8, uint8, int16, uint16, uint32 or float32, native order.
    normalized: whole numbers stand for fractions (see `as_floats`).
    """

    array: Array
    type: str
    normalized: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        components = COMPONENTS_OF_TYPE.get(self.type)
        if components is None:
            raise ValueError(f"accessor type: want one of {sorted(COMPONENTS_OF_TYPE)}, got {self.type!r}")
        if self.array.ndim != 2 or self.array.shape[1] != components:
            raise ValueError(
                f"accessor array: want (n, {components}) for {self.type}, got {self.array.shape}"
            )
        if self.array.dtype not in COMPONENT_TYPE_OF_DTYPE:
            raise ValueError(f"accessor array: glTF has no component type for {self.array.dtype}")

    @property
    def count(self) -> int:
        """Number of elements (rows)."""
        return int(self.array.shape[0])

    @property
    def components(self) -> int:
        """Numbers per element."""
        return int(self.array.shape[1])

    def as_floats(self) -> NDArray[np.float32]:
        """The values as float32, with normalized whole numbers turned into [0, 1] or [-1, 1]."""
        if self.array.dtype == np.float32:
            return self.array
        values = self.array.astype(np.float32)
        if self.normalized:
            values /= np.float32(np.iinfo(self.array.dtype).max)
            if self.array.dtype.kind == "i":
                np.maximum(values, np.float32(-1.0), out=values)
        return values


@dataclass(frozen=True, slots=True)
class Image:
    """An encoded image: its bytes as they came, and what they are ("image/png", "image/ktx2", ...)."""

    body: bytes = field(repr=False)
    media_type: str
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A whole model. `json` is shared between steps: copy before changing (`edit`)."""

    json: JsonObject
    accessors: tuple[Accessor, ...] = ()
    images: tuple[Image, ...] = ()

    def edit(self) -> "DocumentEditor":
        """A private copy of the tree and lists to change, for one step."""
        return DocumentEditor(copy_tree(self.json), list(self.accessors), list(self.images))

    def replace_images(self, images: Sequence[Image]) -> "Document":
        """The same model with other images, index for index."""
        if len(images) != len(self.images):
            raise ValueError(f"images: want {len(self.images)}, got {len(images)}")
        return replace(self, images=tuple(images))

    def items(self, key: str) -> list[JsonObject]:
        """A top-level list of the tree ("nodes", "meshes", "materials", ...); empty when absent."""
        found: list[JsonObject] = self.json.get(key, [])
        return found

    def primitives(self) -> Iterator[tuple[int, int, JsonObject]]:
        """(mesh index, primitive index, primitive) over all meshes."""
        for mesh_index, mesh in enumerate(self.items("meshes")):
            for primitive_index, primitive in enumerate(mesh.get("primitives", [])):
                yield mesh_index, primitive_index, primitive


@dataclass(slots=True, eq=False)
class DocumentEditor:
    """The changeable side of a Document, alive inside one step only; `finish` makes the new value."""

    json: JsonObject
    accessors: list[Accessor]
    images: list[Image]

    def items(self, key: str) -> list[JsonObject]:
        """As Document.items."""
        found: list[JsonObject] = self.json.get(key, [])
        return found

    def add_accessor(self, accessor: Accessor) -> int:
        """Append and return its index."""
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def use_extension(self, name: str, *, required: bool = False) -> None:
        """Name an extension in extensionsUsed (and extensionsRequired), once."""
        lists = ("extensionsUsed", "extensionsRequired") if required else ("extensionsUsed",)
        for key in lists:
            names = self.json.setdefault(key, [])
            if name not in names:
                names.append(name)

    def drop_extension(self, name: str) -> None:
        """Take an extension out of extensionsUsed and extensionsRequired."""
        for key in ("extensionsUsed", "extensionsRequired"):
            names = [other for other in self.json.get(key, []) if other != name]
            if names:
                self.json[key] = names
            else:
                self.json.pop(key, None)

    def finish(self) -> Document:
        """The new value."""
        return Document(self.json, tuple(self.accessors), tuple(self.images))
