"""PLY (ASCII and binary, both byte orders) to a Surface: triangles or polygons, normals, colours, UV, texture
file; or, where there are no faces, to a PointCloud.

The header's counts are checked against the length of the file before anything is read, so a short file that
claims many points costs nothing.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.reading.local_origin import Source, localize
from asset_pipeline.models.reading.point_cloud import PointCloud, drop_broken, kept_rows, thinned_warning
from asset_pipeline.models.reading.surfaces import Surface, as_float32, linear_of_srgb
from asset_pipeline.models.reading.text_numbers import parse_floats
from asset_pipeline.outcome import refuse
from heritage_sites.problem import Problem

MAX_HEADER_BYTES = 65_536
MAX_CORNERS = 255  # of one polygon, what PLY's usual uchar count can say
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_UV_NAMES = (("texture_u", "texture_v"), ("u", "v"), ("s", "t"))
_EXPORT_AGAIN = "Export the model again; if that does not help, export it as GLB or OBJ."


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    type: str
    count_type: str | None = None


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    count: int
    properties: list[_Property] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Lists:
    """A list property: all values in a row, and how many belong to each element."""

    values: NDArray[Any]
    lengths: NDArray[np.int64]


_Columns = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class PlyFile:
    """A PLY's surface or cloud, the name of the texture its header mentions ("" for none), warnings, and
    `local_origin`'s source.
    """

    content: Surface | PointCloud
    texture_name: str = ""
    problems: tuple[Problem, ...] = ()
    source: Source = field(default_factory=dict)


def parse_ply(body: bytes) -> PlyFile:
    """Raises Refused for what is not a whole PLY with points."""
    elements, encoding, texture_name, start = _parse_header(body)
    _check_counts(elements, encoding, len(body) - start)
    try:
        data = (
            _read_ascii(elements, body[start:])
            if encoding == "ascii"
            else _read_binary(elements, body, start, "<" if encoding == "binary_little_endian" else ">")
        )
    except (ValueError, IndexError, OverflowError) as error:
        raise refuse(
            "The PLY file is cut off or damaged: its data ends too early or is no number.",
            advice=_EXPORT_AGAIN,
        ) from error
    return replace(_file_of(data), texture_name=texture_name)


def _parse_header(body: bytes) -> tuple[list[_Element], str, str, int]:
    end = re.search(rb"end_header[ \t]*\r?\n", body[:MAX_HEADER_BYTES])
    if end is None:
        raise refuse("The PLY file has no complete header.", advice=_EXPORT_AGAIN)
    elements: list[_Element] = []
    encoding = texture_name = ""
    for line in body[: end.start()].decode("utf-8", "replace").splitlines()[1:]:
        words = line.split()
        try:
            if line.lower().startswith("comment texturefile"):
                texture_name = line[len("comment texturefile") :].strip()
            elif words[:1] == ["format"]:
                encoding = words[1]
            elif words[:1] == ["element"]:
                elements.append(_Element(words[1], int(words[2])))
            elif words[:2] == ["property", "list"]:
                elements[-1].properties.append(_Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
            elif words[:1] == ["property"]:
                elements[-1].properties.append(_Property(words[2], _TYPES[words[1]]))
        except (IndexError, KeyError, ValueError) as error:
            raise refuse(
                f"The PLY header has a line that cannot be understood: {line[:80]!r}.", advice=_EXPORT_AGAIN
            ) from error
    if encoding not in ("ascii", "binary_little_endian", "binary_big_endian"):
        raise refuse(
            f"The PLY file says it is {encoding[:40]!r}, which is not a form of PLY.", advice=_EXPORT_AGAIN
        )
    return elements, encoding, texture_name, end.end()


def _check_counts(elements: list[_Element], encoding: str, left_bytes: int) -> None:
    """Each number takes at least two characters (ASCII) or its own size (binary)."""
    least = 0
    for element in elements:
        sizes = [np.dtype(one.count_type or one.type).itemsize for one in element.properties]
        each = 2 * len(sizes) if encoding == "ascii" else sum(sizes)
        least += element.count * each
        if element.count < 0 or least > left_bytes + 2:
            raise refuse(
                f"The PLY header announces {element.count} times {element.name!r}, "
                f"but the file has only {left_bytes} bytes of data.",
                advice="The file was probably cut off while it was copied; send it again.",
            )


def _read_ascii(elements: list[_Element], text: bytes) -> dict[str, _Columns]:
    numbers = parse_floats(text)
    data: dict[str, _Columns] = {}
    place = 0
    for element in elements:
        columns, place = _ascii_element(element, numbers, place)
        data[element.name] = columns
    return data


def _ascii_element(element: _Element, numbers: NDArray[np.float64], place: int) -> tuple[_Columns, int]:
    width = len(element.properties)
    if not any(one.count_type for one in element.properties):
        rows = numbers[place : place + element.count * width].reshape(element.count, width)
        return {one.name: rows[:, index] for index, one in enumerate(element.properties)}, place + rows.size
    if width == 1 and element.count and place < numbers.size:  # nearly every file: faces of three corners
        name, size = element.properties[0].name, int(numbers[place])
        rows = numbers[place : place + element.count * (size + 1)]
        if 0 < size <= MAX_CORNERS and rows.size == element.count * (size + 1):
            rows = rows.reshape(element.count, size + 1)
            if (rows[:, 0] == size).all():
                lengths = np.full(element.count, size, np.int64)
                return {name: _Lists(rows[:, 1:].reshape(-1), lengths)}, place + rows.size
    gathered: dict[str, list[NDArray[np.float64]]] = {one.name: [] for one in element.properties}
    for _ in range(element.count):
        for one in element.properties:
            size = int(numbers[place]) if one.count_type else 1
            place += bool(one.count_type)
            if not 0 <= size <= MAX_CORNERS or place + size > numbers.size:
                raise ValueError(f"list of {size}")
            gathered[one.name].append(numbers[place : place + size])
            place += size
    return {one.name: _gather(gathered[one.name], one) for one in element.properties}, place


def _gather(pieces: list[Any], one: _Property) -> Any:
    joined = np.concatenate(pieces) if pieces else np.empty(0)
    if not one.count_type:
        return joined
    return _Lists(joined, np.array([len(piece) for piece in pieces], np.int64))


def _read_binary(elements: list[_Element], body: bytes, place: int, order: str) -> dict[str, _Columns]:
    data: dict[str, _Columns] = {}
    for element in elements:
        columns, place = _binary_element(element, body, place, order)
        data[element.name] = columns
    return data


def _binary_element(element: _Element, body: bytes, place: int, order: str) -> tuple[_Columns, int]:
    """All rows at once, in the belief that lists are as long as in the first row; row by row where they are
    not."""
    fields: list[Any] = []
    at = place
    for one in element.properties:
        if one.count_type:
            count = np.dtype(order + one.count_type)
            size = int(np.frombuffer(body, count, 1, at)[0]) if element.count else 0
            fields += [(f"{one.name} count", count), (one.name, order + one.type, (size,))]
            at += count.itemsize + size * np.dtype(one.type).itemsize
        else:
            fields.append((one.name, order + one.type))
            at += np.dtype(one.type).itemsize
    row = np.dtype(fields)
    if element.count * row.itemsize <= len(body) - place:
        rows = np.frombuffer(body, row, element.count, place)
        lists = [one for one in element.properties if one.count_type]
        if all((rows[f"{one.name} count"] == row[one.name].shape[0]).all() for one in lists):
            columns: _Columns = {}
            for one in element.properties:
                column = rows[one.name]
                if one.count_type:
                    columns[one.name] = _Lists(
                        column.reshape(-1), np.full(len(rows), column.shape[1], np.int64)
                    )
                else:
                    columns[one.name] = column
            return columns, place + rows.nbytes
    return _binary_rows(element, body, place, order)


def _binary_rows(element: _Element, body: bytes, place: int, order: str) -> tuple[_Columns, int]:
    gathered: dict[str, list[Any]] = {one.name: [] for one in element.properties}
    kinds = [
        (one.name, np.dtype(order + one.count_type) if one.count_type else None, np.dtype(order + one.type))
        for one in element.properties
    ]
    for _ in range(element.count):
        for name, count_type, kind in kinds:
            size = 1
            if count_type is not None:
                size = int(np.frombuffer(body, count_type, 1, place)[0])
                place += count_type.itemsize
                if not 0 <= size <= MAX_CORNERS:
                    raise ValueError(f"list of {size}")
            gathered[name].append(np.frombuffer(body, kind, size, place) if size else np.empty(0))
            place += size * kind.itemsize
    return {one.name: _gather(gathered[one.name], one) for one in element.properties}, place


def _file_of(data: dict[str, _Columns]) -> PlyFile:
    vertices = data.get("vertex", {})
    if not {"x", "y", "z"} <= vertices.keys() or len(vertices["x"]) == 0:
        raise refuse("The PLY file holds no points.", advice="Check that the export was not empty.")
    faces = data.get("face", {})
    corners = next((faces[name] for name in ("vertex_indices", "vertex_index") if name in faces), None)
    if not isinstance(corners, _Lists) or not (corners.lengths >= 3).any():
        return _cloud_of(vertices)
    return _surface_of(vertices, faces, corners)


def _cloud_of(vertices: _Columns) -> PlyFile:
    points = len(vertices["x"])
    rows = kept_rows(points, 0, points)
    if rows is not None:
        vertices = {
            name: values if isinstance(values, _Lists) else values[rows] for name, values in vertices.items()
        }
    positions, source, moved = localize(_positions(vertices))
    cloud = PointCloud(positions, _colors(vertices), _normals(vertices), source)
    cloud, dropped = drop_broken(cloud)
    return PlyFile(cloud, problems=(*thinned_warning(points), *moved, *dropped), source=source)


def _surface_of(vertices: _Columns, faces: _Columns, corners: _Lists) -> PlyFile:
    positions, source, moved = localize(_positions(vertices))
    triangles, corner_of = _triangulate(corners)
    if triangles.min() < 0 or triangles.max() >= len(positions):
        raise refuse(
            f"A face names point {int(triangles.max())}, but the file has only {len(positions)} points.",
            advice=_EXPORT_AGAIN,
        )
    normals = _normals(vertices)
    uv = next((_columns(vertices, *names) for names in _UV_NAMES if set(names) <= vertices.keys()), None)
    colors = _colors(vertices)
    wedge = faces.get("texcoord")
    if isinstance(wedge, _Lists) and (wedge.lengths == 2 * corners.lengths).all():
        # UV per corner: each corner becomes its own vertex, and equal ones are joined again
        rows, place = np.unique(
            np.column_stack([triangles.reshape(-1), wedge.values.reshape(-1, 2)[corner_of.reshape(-1)]]),
            axis=0, return_inverse=True,
        )  # fmt: skip
        vertex = rows[:, 0].astype(np.int64)
        positions, uv = positions[vertex], as_float32(rows[:, 1:])
        normals = None if normals is None else normals[vertex]
        colors = None if colors is None else colors[vertex]
        triangles = place.reshape(-1, 3)
    if uv is not None:
        uv = np.where(np.isfinite(uv), uv, 0).astype(np.float32)
        uv[:, 1] = 1 - uv[:, 1]
    surface = Surface(positions, triangles.astype(np.uint32), normals, uv, colors)
    return PlyFile(surface, problems=tuple(moved), source=source)


def _triangulate(faces: _Lists) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Triangles by vertex, and by place among all corners: each polygon as a fan around its first corner."""
    starts = np.concatenate([[0], np.cumsum(faces.lengths)[:-1]])
    fans = np.maximum(faces.lengths - 2, 0)
    first = np.repeat(starts, fans)
    step = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
    corner_of = np.stack([first, first + step + 1, first + step + 2], axis=-1)
    corners = faces.values[corner_of]
    if corners.dtype.kind == "f":
        corners = np.where(np.abs(corners) < 2.0**53, corners, -1)  # NaN too: the caller refuses -1
    return corners.astype(np.int64), corner_of


def _columns(columns: _Columns, *names: str) -> NDArray[np.float32]:
    return as_float32(np.stack([np.asarray(columns[name], np.float64) for name in names], axis=-1))


def _positions(vertices: _Columns) -> NDArray[np.float64]:
    return np.stack([np.asarray(vertices[name], np.float64) for name in "xyz"], axis=-1)


def _normals(vertices: _Columns) -> NDArray[np.float32] | None:
    return _columns(vertices, "nx", "ny", "nz") if {"nx", "ny", "nz"} <= vertices.keys() else None


def _colors(vertices: _Columns) -> NDArray[np.float32] | None:
    names = [name for name in ("red", "green", "blue", "alpha") if name in vertices]
    if names[:3] != ["red", "green", "blue"]:
        return None
    values = np.stack([np.asarray(vertices[name], np.float64) for name in names], axis=-1)
    if not np.isfinite(values).all():
        return None
    values = values / (255 if values.max() > 1 else 1)  # floats from 0 to 1 exist as well
    colors = linear_of_srgb(values[:, :3])
    if len(names) == 4 and (values[:, 3] < 1).any():
        return np.column_stack([colors, values[:, 3]]).astype(np.float32)
    return colors
