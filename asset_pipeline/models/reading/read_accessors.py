"""From buffers and buffer views to accessors: bounds checked before anything is made, no copies where none
are needed.
"""

import numpy as np

from asset_pipeline.models.document import (
    COMPONENTS_OF_TYPE,
    DTYPE_OF_COMPONENT_TYPE,
    Accessor,
    Array,
    JsonObject,
)
from asset_pipeline.models.reading.decode_meshopt import compressed_view, decode_view, decoded_bytes
from asset_pipeline.outcome import refuse

MAX_MODEL_BYTES = 1 << 30  # all numbers of a model, decoded; about 12 million triangles with normals and UVs
MAX_GROWTH = 24  # decoded numbers to bytes sent; Draco reaches about 20 on real scans
GROWTH_FLOOR_BYTES = 64 << 20  # below this growth does no harm (a sparse accessor over zeros, shared views)


class Buffers:
    """The bytes behind a glTF tree, with buffer views cut out (and decompressed) when asked for, once."""

    def __init__(self, tree: JsonObject, buffers: list[memoryview | None], sent_bytes: int) -> None:
        self._views: list[JsonObject] = tree.get("bufferViews", [])
        self._buffers = buffers
        self._cut: dict[int, memoryview] = {}
        self._allowance = Allowance(sent_bytes)

    @property
    def allowance(self) -> "Allowance":
        """How many more bytes of numbers may be made."""
        return self._allowance

    def view(self, index: int) -> memoryview:
        """The (decoded) bytes of a buffer view."""
        if index not in self._cut:
            self._cut[index] = self._cut_out(index)
        return self._cut[index]

    def stride(self, index: int) -> int | None:
        """The view's declared stride, None when its elements are packed."""
        view = self._views[index]
        compressed = compressed_view(view)
        if compressed is not None and compressed["mode"] == "ATTRIBUTES":
            return int(compressed["byteStride"])
        stride: int | None = view.get("byteStride")
        return stride

    def _cut_out(self, index: int) -> memoryview:
        view, where = self._views[index], f"/bufferViews/{index}"
        compressed = compressed_view(view)
        if compressed is None:
            return self._slice(view, where)
        self._allowance.take(decoded_bytes(compressed), where)
        return decode_view(self._slice(compressed, where), compressed, where)

    def _slice(self, part: JsonObject, where: str) -> memoryview:
        body = self._buffers[part["buffer"]]
        if body is None:
            raise refuse("a part of the model lies in a buffer that holds no data.", where=where)
        start, length = part.get("byteOffset", 0), part["byteLength"]
        if start + length > len(body):
            raise refuse(
                f"a part of the model lies at bytes {start} to {start + length} of a buffer "
                f"of {len(body)} bytes.",
                where=where,
                advice="The file is damaged: export it again.",
            )
        return body[start : start + length]


class Allowance:
    """Stops a small file from becoming a large model: a limit on all numbers, and on growth over what was
    sent.
    """

    def __init__(self, sent_bytes: int) -> None:
        self._limit = min(MAX_MODEL_BYTES, max(GROWTH_FLOOR_BYTES, sent_bytes * MAX_GROWTH))
        self._left = self._limit

    def take(self, size_bytes: int, where: str) -> None:
        """Count bytes about to be made. Refused when they are too many."""
        if size_bytes > self._left:
            raise refuse(
                f"the model's numbers need more than {self._limit >> 20} MiB, far more than the file holds.",
                where=where,
                advice="Reduce or split the model; if it is small, the file is damaged.",
            )
        self._left -= size_bytes


def read_accessor(accessor: JsonObject, buffers: Buffers, where: str) -> Accessor:
    """One accessor as an array: a view into the file's bytes where possible, a copy where sparse."""
    dtype = DTYPE_OF_COMPONENT_TYPE[accessor["componentType"]]
    components = components_of(accessor, where)
    count = accessor["count"]
    buffers.allowance.take(count * components * dtype.itemsize, where)
    if "bufferView" in accessor:
        array = _strided(accessor, dtype, components, count, buffers, where)
    else:
        array = np.zeros((count, components), dtype)
    if "sparse" in accessor:
        array = _with_sparse(array, accessor["sparse"], accessor["type"], buffers, f"{where}/sparse")
    return Accessor(array, accessor["type"], bool(accessor.get("normalized")), accessor.get("name", ""))


def components_of(accessor: JsonObject, where: str) -> int:
    """How many numbers an element has. Refused: types glTF does not know."""
    components = COMPONENTS_OF_TYPE.get(accessor["type"])
    if components is None:
        raise refuse(f"its numbers are of an unknown type, {accessor['type'][:40]!r}.", where=f"{where}/type")
    return components


def _strided(
    accessor: JsonObject,
    dtype: np.dtype[np.generic],
    components: int,
    count: int,
    buffers: Buffers,
    where: str,
) -> Array:
    body = buffers.view(accessor["bufferView"])
    offset = accessor.get("byteOffset", 0)
    columns = _column_padding(accessor["type"], dtype)
    element = columns.element_bytes if columns else components * dtype.itemsize
    stride = buffers.stride(accessor["bufferView"]) or element
    end = offset + stride * (count - 1) + element
    if stride < element or end > len(body):
        raise refuse(
            f"{count} elements need {end} bytes, but the buffer view has {len(body)} (stride {stride}).",
            where=where,
            advice="The file is damaged: export it again.",
        )
    if columns:
        raw = np.ndarray((count, element), np.uint8, body, offset, (stride, 1))
        return np.ascontiguousarray(raw[:, columns.bytes_used]).view(dtype).reshape(count, components)
    return np.ndarray((count, components), dtype, body, offset, (stride, dtype.itemsize))


def _with_sparse(base: Array, sparse: JsonObject, type_name: str, buffers: Buffers, where: str) -> Array:
    count = sparse["count"]
    if count > len(base):
        raise refuse(f"a sparse accessor replaces {count} of {len(base)} elements.", where=where)
    index_dtype = DTYPE_OF_COMPONENT_TYPE[sparse["indices"]["componentType"]]
    places = _strided({**sparse["indices"], "type": "SCALAR"}, index_dtype, 1, count, buffers, where)[:, 0]
    if np.any(places[1:] <= places[:-1]) or places[-1] >= len(base):
        raise refuse("a sparse accessor's indices are not rising or point past its end.", where=where)
    values = _strided(
        {**sparse["values"], "type": type_name}, base.dtype, base.shape[1], count, buffers, where
    )
    changed = base.copy()
    changed[places] = values
    return changed


class _ColumnPadding:
    """Matrices of small whole numbers have each column padded to 4 bytes (glTF 2.0, 3.6.2.4)."""

    def __init__(self, rows: int, itemsize: int) -> None:
        column = rows * itemsize
        padded = (column + 3) // 4 * 4
        self.element_bytes = padded * rows
        self.bytes_used = np.array([start * padded + byte for start in range(rows) for byte in range(column)])


def _column_padding(type_name: str, dtype: np.dtype[np.generic]) -> _ColumnPadding | None:
    rows = {"MAT2": 2, "MAT3": 3}.get(type_name)
    if rows is None or rows * dtype.itemsize % 4 == 0:
        return None
    return _ColumnPadding(rows, dtype.itemsize)
