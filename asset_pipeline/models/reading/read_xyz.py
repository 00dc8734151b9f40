"""Point clouds as text (XYZ, PTS, ASC, TXT): a point in each line, three to nine numbers wide.

No format says what the columns past the third are. They are taken by their names where a first line gives
them, else by their values: whole numbers up to 255 are colours, rows of length 1 are normals, a single column
is an intensity. What is told apart is said in a warning.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.reading.local_origin import localize
from asset_pipeline.models.reading.point_cloud import (
    PointCloud,
    colors_of_bytes,
    drop_broken,
    greys_of_intensity,
    kept_rows,
    thinned_warning,
)
from asset_pipeline.models.reading.surfaces import as_float32, linear_of_srgb
from asset_pipeline.models.reading.text_numbers import OddLine, number_blocks, parse_table
from asset_pipeline.models.reading.uris import MAX_MASTER_BYTES
from asset_pipeline.outcome import Refused, refuse, warn
from heritage_sites.problem import Problem

MIN_COLUMNS, MAX_COLUMNS = 3, 9
MIN_UNIT_SHARE = 0.99  # of the rows of three columns that have length 1, to be normals
_DECIMAL_COMMA = re.compile(rb"[-+]?\d+,\d+(?:[ \t;]+[-+]?\d+,\d+)+\s*")
_NAMES = {
    "x": "x", "y": "y", "z": "z", "r": "red", "red": "red", "g": "green", "green": "green", "b": "blue",
    "blue": "blue", "nx": "nx", "ny": "ny", "nz": "nz", "i": "intensity", "intensity": "intensity",
}  # fmt: skip
_EXPORT_AGAIN = "Export the cloud again, with the same columns in each line."
Columns = dict[str, int]


def read_xyz(path: Path) -> tuple[PointCloud, list[Problem]]:
    """The cloud and warnings. Raises Refused for what is not a table of 3 to 9 numbers in each line."""
    layout = _layout(path)
    points = _count_points(path, layout)
    if points == 0:
        raise refuse("The file holds no points.", advice="Check that the export was not empty.")
    table = _read_table(path, layout, points)
    problems = thinned_warning(points)
    columns = layout.named or _columns_by_value(table, problems)
    positions, source, moved = localize(table[:, [columns[name] for name in "xyz"]])
    cloud = PointCloud(positions, _colors(table, columns), _normals(table, columns), source)
    cloud, dropped = drop_broken(cloud)
    return cloud, [*problems, *moved, *dropped]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the lines are to be read. columns: of each line. named: where a first line names them.

    skipped: lines before the first point (a header, or the count that PTS begins with).
    """

    columns: int
    named: Columns
    skipped: int


def _layout(path: Path) -> _Layout:
    size_bytes = path.stat().st_size
    if size_bytes > MAX_MASTER_BYTES:
        raise refuse(
            f"the model's files are larger than {MAX_MASTER_BYTES >> 20} MiB together.",
            advice="Split the scan, or reduce it before sending.",
        )
    with path.open("rb") as file:
        start = file.read(65_536)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in start:
        raise refuse("The list of points is not plain text.", advice="Save it as UTF-8 or ASCII text.")
    lines = start.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    named: Columns = {}
    for number, line in enumerate(lines[:-1] if len(lines) > 1 else lines):
        words = line.lstrip(b"\xef\xbb\xbf#/ \t").replace(b",", b" ").replace(b";", b" ").split()
        is_comment = line.lstrip().startswith((b"#", b"//"))
        if not words:
            continue
        if is_comment or not _is_number(words[0]):
            named = _named_columns(words) or named
            if not is_comment and number > 0 and not named:
                break
            continue
        if len(words) == 1 and words[0].isdigit():
            continue  # PTS: the number of points that follow
        if _DECIMAL_COMMA.fullmatch(line):
            raise refuse(
                "The numbers are written with decimal commas, which cannot be told from separators.",
                where=f"line {number + 1}",
                advice="Export the cloud again with decimal points.",
            )
        if not MIN_COLUMNS <= len(words) <= MAX_COLUMNS:
            break
        return _Layout(len(words), named if len(named) == len(words) else {}, number)
    raise refuse("The text is not a list of points: want 3 to 9 numbers in each line.", advice=_EXPORT_AGAIN)


def _is_number(word: bytes) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _named_columns(words: list[bytes]) -> Columns:
    """Columns by name, where the words are names of columns and x, y, z are among them."""
    names = [_NAMES.get(word.decode("ascii", "replace").strip('"').lower(), "") for word in words]
    found = {name: index for index, name in enumerate(names) if name}
    is_whole = {"x", "y", "z"} <= found.keys() and len(found) == len(names)
    return found if is_whole else {}


def _count_points(path: Path, layout: _Layout) -> int:
    """Lines with a number in them; quick, so that the cloud can be thinned out while it is read."""
    return sum(
        sum(1 for _ in re.finditer(rb"[^\s][^\n]*\n", block)) for block, _ in _point_blocks(path, layout)
    )


def _point_blocks(path: Path, layout: _Layout) -> Iterator[tuple[bytes, int]]:
    """Blocks of lines without what stands before the first point."""
    for block, line in number_blocks(path):
        if line == 1:
            lines = block.split(b"\n", layout.skipped)
            yield lines[-1] if len(lines) > layout.skipped else b"", 1 + layout.skipped
        else:
            yield block, line


def _read_table(path: Path, layout: _Layout, points: int) -> NDArray[np.float64]:
    parts = []
    start = 0
    for block, line in _point_blocks(path, layout):
        try:
            rows = parse_table(block, layout.columns)
        except OddLine as odd:
            raise refuse(
                f"A line has {odd.words} numbers where the first has {layout.columns}.",
                where=f"line {line + odd.line}",
                advice=_EXPORT_AGAIN,
            ) from odd
        except ValueError as error:
            raise _no_number(block, line) from error
        kept = kept_rows(points, start, start + len(rows))
        start += len(rows)
        parts.append(rows if kept is None else rows[kept])
    return np.concatenate(parts)


def _no_number(block: bytes, line: int) -> Refused:
    """The refusal that names the first word which is no number."""
    rows = block.replace(b",", b" ").replace(b";", b" ").split(b"\n")
    words = chain.from_iterable(((word, row) for word in text.split()) for row, text in enumerate(rows))
    word, row = next(((word, row) for word, row in words if not _is_number(word)), (b"?", 0))
    return refuse(
        f"The list of points has {word[:40].decode('utf-8', 'replace')!r} where a number should be.",
        where=f"line {line + row}",
        advice="Export the cloud again, as text with one point in each line.",
    )


def _columns_by_value(table: NDArray[np.float64], problems: list[Problem]) -> Columns:
    """What the columns are, by what stands in them; what cannot be told is left out with a warning."""
    width = table.shape[1]
    found: Columns = {"x": 0, "y": 1, "z": 2}
    free = list(range(3, width))
    for first in range(3, width - 2):
        if first in free and first + 2 in free:
            if "red" not in found and _are_colors(table[:, first : first + 3]):
                names: tuple[str, ...] = ("red", "green", "blue")
            elif "nx" not in found and _are_normals(table[:, first : first + 3]):
                names = ("nx", "ny", "nz")
            else:
                continue
            found |= {name: first + offset for offset, name in enumerate(names)}
            free = [column for column in free if not first <= column < first + 3]
    is_intensity = free == [3] and ("red" in found or width == 4)
    if is_intensity:
        found["intensity"] = free.pop()
    if width > 3:
        told = [
            text
            for name, text in (("red", "colours"), ("nx", "normals"), ("intensity", "intensities"))
            if name in found
        ]
        told_text = f"by their values the columns {MIN_COLUMNS + 1} to {width} hold " + (
            " and ".join(told) if told else "nothing that is understood"
        )
        if free:
            told_text += f"; left out: {', '.join(str(column + 1) for column in free)}"
        problems.append(
            warn(
                f"The list of points does not name its columns; {told_text}.",
                advice="If that is wrong, name them in the first line, such as: x y z red green blue.",
            )
        )
    return found


def _are_colors(values: NDArray[np.float64]) -> bool:
    """Whole numbers from 0 to 255, some above 1; or fractions from 0 to 1 that are no normals."""
    if not ((values >= 0) & (values <= 255)).all():
        return False
    if values.max() > 1:
        return bool((values == np.rint(values)).all())
    return not _are_normals(values)


def _are_normals(values: NDArray[np.float64]) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt((values**2).sum(axis=1))
        return bool((np.abs(lengths - 1) < 0.01).mean() >= MIN_UNIT_SHARE)


def _colors(table: NDArray[np.float64], columns: Columns) -> NDArray[np.uint16] | NDArray[np.float32] | None:
    if "red" in columns and "green" in columns and "blue" in columns:
        values = table[:, [columns["red"], columns["green"], columns["blue"]]]
        values = np.where(np.isfinite(values), values, 0)
        highest = float(values.max())
        if highest <= 1:
            return linear_of_srgb(values)
        bits = 8 if highest <= 255 else 16
        return colors_of_bytes(np.clip(np.rint(values), 0, 2**bits - 1).astype(np.uint16), bits=bits)
    if "intensity" in columns:
        return greys_of_intensity(table[:, columns["intensity"]])
    return None


def _normals(table: NDArray[np.float64], columns: Columns) -> NDArray[np.float32] | None:
    if not {"nx", "ny", "nz"} <= columns.keys():
        return None
    return as_float32(table[:, [columns["nx"], columns["ny"], columns["nz"]]])
