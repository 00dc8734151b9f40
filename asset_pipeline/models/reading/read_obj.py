"""Wavefront OBJ to one Surface per material.

Our own reader rather than trimesh's, because that one counts negative indices from the end of the *file*,
joins nothing but the first material library and opens the textures it names. Runs of like lines are parsed at
once: 1,000,000 triangles with UV and normals take about 4 s on one shared core.

Polygons become fans around their first corner. Groups, objects and smoothing groups do not split the mesh.
Lines and points are left out, free-form curves are refused by having no faces.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.reading.check_gltf import MAX_PRIMITIVES
from asset_pipeline.models.reading.local_origin import Source, localize
from asset_pipeline.models.reading.point_cloud import PointCloud, drop_broken, kept_rows, thinned_warning
from asset_pipeline.models.reading.surfaces import Surface, as_float32, linear_of_srgb
from asset_pipeline.outcome import Refused, refuse, warn
from heritage_sites.problem import Problem

# Possessive quantifiers throughout: nothing needs backtracking, and its bookkeeping would take gigabytes.
_RUN = re.compile(r"(v|vt|vn|f)[ \t][^\n]*+\n(?:\1[ \t][^\n]*+\n)*+|[^\n]*+\n")
_CORNER_STYLES = (
    # one corner, numbers in it, which columns are vertex, UV and normal
    (r"-?\d++/-?\d++/-?\d++", 3, (0, 1, 2)),
    (r"-?\d++//-?\d++", 2, (0, None, 1)),
    (r"-?\d++/-?\d++/?+", 2, (0, 1, None)),
    (r"-?\d++(?://?+)?+", 1, (0, None, None)),
)
_TO_NUMBERS = str.maketrans({"f": " ", "/": " "})
MAX_FACE_CHARS = 1_000_000  # some hundred thousand corners
NONE = -1  # a corner without UV or normal


@dataclass(slots=True, eq=False)
class _Reading:
    """What has been read so far. Counts are needed while reading: negative indices are relative to them."""

    points: list[str] = field(default_factory=list)
    uvs: list[str] = field(default_factory=list)
    normals: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"v": 0, "vt": 0, "vn": 0})
    corners: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)
    material: str = ""
    libraries: list[str] = field(default_factory=list)
    skipped_faces: int = 0
    skipped_lines: int = 0
    line: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class ObjFile:
    """Surfaces by material name ("" for none), in the order of first use, and the material libraries
    named. cloud: the points, where there are no faces. source: see `local_origin`.
    """

    surfaces: dict[str, Surface]
    libraries: tuple[str, ...]
    problems: tuple[Problem, ...]
    cloud: PointCloud | None = None
    source: Source = field(default_factory=dict)


def parse_obj(body: bytes) -> ObjFile:
    """Raises Refused for what has no faces, numbers that are none, and indices that point nowhere."""
    reading = _Reading()
    for keyword, block in _runs(decode_text(body)):
        if keyword in ("v", "vt", "vn"):
            {"v": reading.points, "vt": reading.uvs, "vn": reading.normals}[keyword].append(block)
            reading.counts[keyword] += block.count("\n")
        elif keyword == "f":
            corners = _parse_faces(block, reading)
            reading.corners.setdefault(reading.material, []).append(corners)
            if len(reading.corners) > MAX_PRIMITIVES:
                raise refuse(
                    f"The OBJ file uses more than {MAX_PRIMITIVES} materials.",
                    where=f"line {reading.line}",
                    advice="Join parts that look alike, and export it again.",
                )
        else:
            _read_other(block, reading)
        reading.line += block.count("\n")
    return _finish(reading)


def decode_text(body: bytes) -> str:
    """Text of a file whose encoding nobody wrote down: by its byte order mark, else UTF-8, else Latin-1."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def _runs(text: str) -> Iterator[tuple[str, str]]:
    """Lines in order, like ones together: (keyword, lines), keyword "" for all that is not v, vt, vn or f."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ") + "\n"
    if re.search(r"(?m)^[ \t]+", text):
        text = re.sub(r"(?m)^[ \t]+", "", text)
    for match in _RUN.finditer(text):
        yield match.group(1) or "", match.group(0)


def _read_other(line: str, reading: _Reading) -> None:
    keyword, _, rest = line.strip().partition(" ")
    if keyword == "usemtl":
        reading.material = rest.strip()
    elif keyword == "mtllib":
        reading.libraries.append(rest.strip())
    elif keyword == "l":
        reading.skipped_lines += 1


def _parse_faces(block: str, reading: _Reading) -> NDArray[np.int64]:
    """(3 n, 3): vertex, UV and normal of each corner, counted from 0; NONE where a corner has none."""
    if block.index("\n") > MAX_FACE_CHARS:
        raise _long_face(f"line {reading.line}")
    first = block[: block.index("\n")].split()[1:]
    if len(first) >= 3:
        for corner, numbers, columns in _CORNER_STYLES:
            line = rf"f(?:[ \t]++{corner}){{{len(first)}}}[ \t]*+\n"
            if re.fullmatch(line, block[: block.index("\n") + 1]):
                if re.fullmatch(rf"(?:{line})++", block):
                    return _parse_like_faces(block, len(first), numbers, columns, reading)
                break
    return _parse_odd_faces(block, reading)


def _parse_like_faces(
    block: str, size: int, numbers: int, columns: tuple[int | None, ...], reading: _Reading
) -> NDArray[np.int64]:
    words = block.translate(_TO_NUMBERS).split()
    try:
        values = np.fromiter(map(int, words), np.int64, len(words)).reshape(-1, size, numbers)
    except (OverflowError, ValueError) as error:  # more than 64 bits, or thousands of digits
        raise _no_such_point(f"line {reading.line}") from error
    triangles = np.stack([values[:, [0, k, k + 1]] for k in range(1, size - 1)], axis=1).reshape(-1, numbers)
    corners = np.full((len(triangles), 3), NONE, np.int64)
    for target, column in enumerate(columns):
        if column is not None:
            corners[:, target] = triangles[:, column]
    return _absolute(corners, [column is not None for column in columns], reading)


def _parse_odd_faces(block: str, reading: _Reading) -> NDArray[np.int64]:
    """Faces of unlike form, one by one."""
    pieces = [np.empty((0, 3), np.int64)]
    for offset, line in enumerate(block.splitlines()):
        if len(line) > MAX_FACE_CHARS:
            raise _long_face(f"line {reading.line + offset}")
        rows, present = [], [True, True, True]
        for corner in line.split("#")[0].split()[1:]:
            parts = [*corner.split("/"), "", ""][:3]
            try:
                rows.append([int(part) if part else 0 for part in parts])
            except ValueError as error:
                raise refuse(
                    f"A face has the corner {corner[:40]!r}, which is not a number or numbers with slashes.",
                    where=f"line {reading.line + offset}",
                    advice="Export the model again.",
                ) from error
            present = [was and bool(part) for was, part in zip(present, parts, strict=True)]
        if len(rows) < 3:
            reading.skipped_faces += 1
            continue
        fan = [corner for k in range(1, len(rows) - 1) for corner in (rows[0], rows[k], rows[k + 1])]
        try:
            pieces.append(_absolute(np.array(fan, np.int64), present, reading, offset))
        except OverflowError as error:
            raise _no_such_point(f"line {reading.line + offset}") from error
    return np.concatenate(pieces)


def _long_face(where: str) -> Refused:
    message = f"A face is written with more than {MAX_FACE_CHARS} characters."
    return refuse(message, where=where, advice="Triangulate the faces, and export the model again.")


def _no_such_point(where: str) -> Refused:
    message = "A face here or below names a point by a number that no file has so many of."
    return refuse(message, where=where, advice="Export the model again.")


def _absolute(
    corners: NDArray[np.int64], present: list[bool], reading: _Reading, offset: int = 0
) -> NDArray[np.int64]:
    """Counted from 0 instead of 1, or instead of back from the line where the face stands."""
    for column, keyword in enumerate(("v", "vt", "vn")):
        values = corners[:, column]
        if not present[column]:
            values[:] = NONE
            continue
        values[values < 0] += reading.counts[keyword] + 1
        values -= 1
        if values.size and values.min() < 0:
            what = {"v": "point", "vt": "texture coordinate", "vn": "normal"}[keyword]
            raise refuse(
                f"A face names a {what} before the first one.",
                where=f"line {reading.line + offset}",
                advice="Export the model again.",
            )
    return corners


def _finish(reading: _Reading) -> ObjFile:
    if reading.counts["v"] == 0:
        raise refuse("The OBJ file holds no points.", advice="Check that the export was not empty.")
    points = _parse_numbers(reading.points, "v")
    if not any(len(piece) for pieces in reading.corners.values() for piece in pieces):
        if reading.skipped_faces:
            raise refuse("No face of the OBJ file has three corners.", advice="Export the model again.")
        return _cloud(points, reading)
    positions, source, problems = localize(points[:, :3])
    problems += _lines_warning(reading)
    if reading.skipped_faces:
        problems.append(warn(f"Faces with fewer than three corners were left out: {reading.skipped_faces}."))
    colors = _colors(points, problems)
    uvs = as_float32(_parse_numbers(reading.uvs, "vt")[:, :2]) if reading.uvs else None
    normals = as_float32(_parse_numbers(reading.normals, "vn")) if reading.normals else None
    surfaces = {
        material: _surface(np.concatenate(pieces), positions, uvs, normals, colors, problems)
        for material, pieces in reading.corners.items()
        if any(len(piece) for piece in pieces)
    }
    told = tuple(dict.fromkeys(problems))
    return ObjFile(surfaces, tuple(reading.libraries), told, source=source)


def _cloud(points: NDArray[np.float64], reading: _Reading) -> ObjFile:
    """An OBJ of nothing but points is a cloud; some scanners write that."""
    rows = kept_rows(len(points), 0, len(points))
    kept = points if rows is None else points[rows]
    problems = thinned_warning(len(points))
    positions, source, moved = localize(kept[:, :3])
    cloud, dropped = drop_broken(PointCloud(positions, _colors(kept, problems), source=source))
    return ObjFile(
        {}, tuple(reading.libraries), (*problems, *moved, *dropped, *_lines_warning(reading)), cloud
    )


def _lines_warning(reading: _Reading) -> list[Problem]:
    if not reading.skipped_lines:
        return []
    return [warn(f"Lines were left out, only faces and points are shown: {reading.skipped_lines}.")]


def _parse_numbers(blocks: list[str], keyword: str) -> NDArray[np.float64]:
    """All lines of one keyword as a table; lines with more numbers than the shortest are cut to its
    length."""
    text = "".join(blocks)
    least = {"v": 3, "vt": 1, "vn": 3}[keyword]
    size = len(text[: text.index("\n")].split()) - 1
    if size >= least and re.fullmatch(rf"(?:{keyword}(?:[ \t]++\S++){{{size}}}[ \t]*+\n)++", text):
        words = [word for word in text.split() if word != keyword]
        try:
            table = np.fromiter(map(float, words), np.float64, len(words)).reshape(-1, size)
            return table if keyword != "vt" or size > 1 else np.column_stack([table, np.zeros(len(table))])
        except ValueError:
            pass  # the slow way below finds the number, or reads it in an odd spelling
    rows = [line.split("#")[0].split()[1:] for line in text.splitlines()]
    shortest = min(len(row) for row in rows)
    if shortest < least:
        row = next(row for row in rows if len(row) < least)
        raise refuse(
            f"A line {' '.join([keyword, *row])[:60]!r} has {len(row)} numbers; it needs {least}.",
            advice="Export the model again.",
        )
    table = np.array([[_number(word, keyword) for word in row[:shortest]] for row in rows])
    return table if shortest > 1 else np.column_stack([table, np.zeros(len(table))])


def _number(word: str, keyword: str) -> float:
    for spelling in (word, word.replace("+e", "e+").replace("-e", "e-")):  # some programs write 3.1+e2
        try:
            return float(spelling)
        except ValueError:
            continue
    raise refuse(
        f"A line beginning with {keyword!r} has {word[:40]!r} where a number should be.",
        advice="Export the model again.",
    )


def _colors(points: NDArray[np.float64], problems: list[Problem]) -> NDArray[np.float32] | None:
    if points.shape[1] < 6:
        return None
    colors = points[:, 3:6]
    if not np.isfinite(colors).all():
        problems.append(
            warn("Some points have a colour that is not a number; all vertex colours were left out.")
        )
        return None
    return linear_of_srgb(colors / (255 if colors.max() > 1 else 1))


def _surface(
    corners: NDArray[np.int64],
    positions: NDArray[np.float32],
    uvs: NDArray[np.float32] | None,
    normals: NDArray[np.float32] | None,
    colors: NDArray[np.float32] | None,
    problems: list[Problem],
) -> Surface:
    """One vertex per different (point, UV, normal)."""
    uv, normal = corners[:, 1], corners[:, 2]
    if corners[:, 0].max() >= len(positions):
        raise refuse(
            f"A face names point {int(corners[:, 0].max()) + 1}, but the file has only {len(positions)}.",
            advice="Export the model again; the file may have been cut off.",
        )
    # a table is used only if every corner has its number, and only if no number is past its end
    for column, table, what in ((1, uvs, "texture coordinates"), (2, normals, "normals")):
        used = corners[:, column]
        if (used == NONE).any() or table is None or used.max() >= len(table):
            if (used != NONE).any():
                problems.append(warn(f"Some faces lack {what}; those of their material were left out."))
            used[:] = NONE
    sizes = len(positions), 1 + (0 if uvs is None else len(uvs)), 1 + (0 if normals is None else len(normals))
    if sizes[0] * sizes[1] * sizes[2] < 1 << 62:
        key = (corners[:, 0] * sizes[1] + uv + 1) * sizes[2] + normal + 1
        _, first, place = np.unique(key, return_index=True, return_inverse=True)
    else:
        _, first, place = np.unique(corners, axis=0, return_index=True, return_inverse=True)
    source = corners[first]
    return Surface(
        positions[source[:, 0]],
        place.reshape(-1, 3).astype(np.uint32),
        None if normals is None or source[0, 2] == NONE else normals[source[:, 2]],
        None if uvs is None or source[0, 1] == NONE else _flip_v(uvs[source[:, 1]]),
        None if colors is None else colors[source[:, 0]],
    )


def _flip_v(uv: NDArray[np.float32]) -> NDArray[Any]:
    """OBJ counts V from the bottom of the image, glTF from the top. What is no number becomes 0."""
    flipped = np.where(np.isfinite(uv), uv, 0).astype(np.float32)
    flipped[:, 1] = 1 - flipped[:, 1]
    return flipped
