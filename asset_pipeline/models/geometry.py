"""A primitive's numbers taken out of the tree, worked on, and put back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import (
    TRIANGLE_FAN,
    TRIANGLE_STRIP,
    TRIANGLES,
    Accessor,
    Array,
    Document,
    DocumentEditor,
    JsonObject,
)

Indices = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """What a primitive draws. indices: (n,) into the rows of every column; None draws the rows in order."""

    mode: int
    indices: Indices | None
    attributes: Mapping[str, Accessor]
    targets: tuple[Mapping[str, Accessor], ...] = field(default=())

    @property
    def vertices(self) -> int:
        """Rows of each column."""
        return max((column.count for column in self.attributes.values()), default=0)

    @property
    def triangles(self) -> int:
        """Triangles drawn; 0 for points and lines."""
        corners = self.vertices if self.indices is None else len(self.indices)
        if self.mode == TRIANGLES:
            return corners // 3
        return max(corners - 2, 0) if self.mode in (TRIANGLE_STRIP, TRIANGLE_FAN) else 0

    @property
    def columns(self) -> list[Accessor]:
        """Every column, morph targets included."""
        return [*self.attributes.values(), *(column for target in self.targets for column in target.values())]

    def take(self, rows: Array) -> "Geometry":
        """The same columns with only these rows; indices are left as they are."""
        return Geometry(
            self.mode,
            self.indices,
            {name: take_rows(column, rows) for name, column in self.attributes.items()},
            tuple(
                {name: take_rows(column, rows) for name, column in target.items()} for target in self.targets
            ),
        )

    def with_indices(self, indices: Indices | None, mode: int | None = None) -> "Geometry":
        """The same rows, drawn otherwise."""
        return Geometry(self.mode if mode is None else mode, indices, self.attributes, self.targets)


def take_rows(column: Accessor, rows: Array) -> Accessor:
    """A column with only these rows."""
    return Accessor(column.array[rows], column.type, column.normalized, column.name)


def geometry_of(source: Document | DocumentEditor, primitive: JsonObject) -> Geometry:
    """The primitive's numbers; nothing is copied where the indices are 32-bit already."""
    accessors = source.accessors
    indices = None
    if "indices" in primitive:
        indices = np.ascontiguousarray(accessors[primitive["indices"]].array[:, 0], np.uint32)
    return Geometry(
        primitive.get("mode", TRIANGLES),
        indices,
        {name: accessors[number] for name, number in primitive["attributes"].items()},
        tuple(
            {name: accessors[number] for name, number in target.items()}
            for target in primitive.get("targets", [])
        ),
    )


def put_geometry(editor: DocumentEditor, primitive: JsonObject, geometry: Geometry) -> None:
    """Make the primitive draw this geometry. Columns become new accessors."""
    if geometry.mode == TRIANGLES:
        primitive.pop("mode", None)
    else:
        primitive["mode"] = geometry.mode
    if geometry.indices is None:
        primitive.pop("indices", None)
    else:
        primitive["indices"] = editor.add_accessor(Accessor(geometry.indices.reshape(-1, 1), "SCALAR"))
    primitive["attributes"] = {
        name: editor.add_accessor(column) for name, column in geometry.attributes.items()
    }
    if geometry.targets:
        primitive["targets"] = [
            {name: editor.add_accessor(column) for name, column in target.items()}
            for target in geometry.targets
        ]


def primitive_key(primitive: JsonObject) -> tuple[object, ...]:
    """Equal for primitives that draw the same numbers (their materials may differ)."""
    return (
        primitive.get("mode", TRIANGLES),
        primitive.get("indices"),
        tuple(sorted(primitive["attributes"].items())),
        tuple(tuple(sorted(target.items())) for target in primitive.get("targets", [])),
    )


def map_geometry(document: Document, change: Callable[[Geometry], Geometry]) -> Document:
    """A step over all primitives; those that share their numbers go on sharing them."""
    editor = document.edit()
    done: dict[tuple[object, ...], JsonObject] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            key = primitive_key(primitive)
            if key not in done:
                put_geometry(editor, primitive, change(geometry_of(document, primitive)))
                done[key] = primitive
            else:
                share_geometry(done[key], primitive)
    return editor.finish()


def replace_geometries(document: Document, new: Mapping[tuple[object, ...], Geometry]) -> Document:
    """Other numbers for the primitives whose key (`primitive_key`) is named; sharing is kept."""
    editor = document.edit()
    done: dict[tuple[object, ...], JsonObject] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            key = primitive_key(primitive)
            if key in done:
                share_geometry(done[key], primitive)
            elif key in new:
                put_geometry(editor, primitive, new[key])
                done[key] = primitive
    return editor.finish()


def share_geometry(source: JsonObject, primitive: JsonObject) -> None:
    """Make a primitive point to the numbers of another one."""
    for name in ("mode", "indices", "attributes", "targets"):
        primitive.pop(name, None)
        if name in source:
            value = source[name]
            if name == "attributes":
                value = dict(value)
            elif name == "targets":
                value = [dict(target) for target in value]
            primitive[name] = value
