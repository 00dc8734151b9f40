"""LAS 1.0 to 1.4 and LAZ (COPC too) to a PointCloud, part by part, so that memory stays bounded.

Coordinates become metres around an origin near the cloud, with y up; the origin and the coordinate system
stay in asset.extras. Points marked withheld or classified as noise are left out. Decoding is laspy's with
lazrs.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import laspy
import lazrs
import numpy as np
from laspy.errors import LaspyException
from numpy.typing import NDArray

from asset_pipeline.models.reading.las_crs import LasCrs, parse_crs
from asset_pipeline.models.reading.las_header import LasHeader, parse_las_header
from asset_pipeline.models.reading.point_cloud import (
    PointCloud,
    colors_of_bytes,
    greys_of_intensity,
    kept_rows,
    thinned_warning,
)
from asset_pipeline.models.reading.source_frame import SourceFrame
from asset_pipeline.outcome import Refused, refuse, warn
from heritage_sites.problem import Problem

MAX_POINTS_READ = 250_000_000  # of a file; lazrs decodes about 3 million a second on one shared core
PART_BYTES = 16 * 1024 * 1024  # decoded at a time
NOISE_CLASSES = (7, 18)  # ASPRS LAS 1.4: low noise; high noise
NOISE_FORMATS = (6, 11)  # point formats that know class 18, first and one past the last
_COLOR_NAMES = ("red", "green", "blue")
_NEEDED = (
    laspy.DecompressionSelection.XY_RETURNS_CHANNEL | laspy.DecompressionSelection.Z
    | laspy.DecompressionSelection.CLASSIFICATION | laspy.DecompressionSelection.FLAGS
    | laspy.DecompressionSelection.INTENSITY | laspy.DecompressionSelection.RGB
)  # fmt: skip


def read_las(path: Path) -> tuple[PointCloud, SourceFrame, list[Problem]]:
    """The cloud, what it says about its numbers, and warnings. Raises Refused."""
    with path.open("rb") as file:
        header = parse_las_header(file, path.stat().st_size)
    if header.points > MAX_POINTS_READ:
        raise refuse(
            f"The cloud has {header.points:,} points; at most {MAX_POINTS_READ:,} are read.",
            advice="Split it, or thin it out, before sending.",
        )
    crs = parse_crs(header.vlrs)
    if not crs.is_projected:
        raise refuse(
            "The cloud's coordinates are degrees or distances from the Earth's centre, not metres on a map.",
            advice="Reproject it, in Ha Long Bay to UTM zone 48N (EPSG:32648), and send it again.",
        )
    kept = _read_points(path, header)
    positions, source, problems = _place(kept.whole, header, crs)
    cloud = PointCloud(positions, _colors(kept), source=source)
    left_out = [f"{count:,} {what}" for count, what in kept.left_out if count]
    if left_out:
        problems.insert(0, warn(f"Points were left out: {' and '.join(left_out)}."))
    frame = SourceFrame(crs.unit_m, "z", is_survey=True)
    return cloud, frame, [*thinned_warning(header.points), *problems]


class _Kept:
    """Columns gathered part by part."""

    def __init__(self) -> None:
        self.parts: list[NDArray[np.int32]] = []
        self.color_parts: list[NDArray[np.uint16]] = []
        self.intensity_parts: list[NDArray[np.uint16]] = []
        self.withheld = self.noise = 0

    @property
    def whole(self) -> NDArray[np.int32]:
        """(n, 3) whole numbers, x y z."""
        return np.concatenate(self.parts)

    @property
    def left_out(self) -> list[tuple[int, str]]:
        """How many, and why."""
        return [(self.withheld, "marked as withheld"), (self.noise, "classified as noise")]


def _read_points(path: Path, header: LasHeader) -> _Kept:
    kept = _Kept()
    for points, start in _parts(path, header):
        rows = kept_rows(header.points, start, start + len(points))
        withheld = np.asarray(points["withheld"], bool)
        classes = np.asarray(points["classification"])
        noise = np.isin(classes, NOISE_CLASSES if header.point_format in range(*NOISE_FORMATS) else (7,))
        chosen = np.ones(len(points), bool)
        if rows is not None:
            chosen[:] = False
            chosen[rows] = True
        kept.withheld += int((withheld & chosen).sum())
        kept.noise += int((noise & ~withheld & chosen).sum())
        chosen &= ~(withheld | noise)
        kept.parts.append(np.stack([points[name][chosen] for name in "XYZ"], axis=1))
        kept.intensity_parts.append(points["intensity"][chosen])
        if "red" in points.point_format.dimension_names:
            kept.color_parts.append(np.stack([points[name][chosen] for name in _COLOR_NAMES], axis=1))
    if not sum(len(part) for part in kept.parts):
        raise refuse(
            "All points of the cloud are marked as withheld or as noise.",
            advice="Export it again with the points that are meant to be seen.",
        )
    return kept


def _parts(path: Path, header: LasHeader) -> Iterator[tuple[laspy.ScaleAwarePointRecord, int]]:
    """(points, number of the first) in file order; the library's own errors become refusals."""
    size = max(PART_BYTES // header.record_bytes, 1)
    start = 0
    try:
        with laspy.open(
            path,
            laz_backend=laspy.LazBackend.Lazrs,
            encoding_errors="replace",
            read_evlrs=False,
            decompression_selection=_NEEDED,
        ) as reader:
            while start < header.points:
                points = reader.read_points(size)
                if not len(points):
                    break  # fewer than announced: refused below
                yield points, start
                start += len(points)
    except (
        LaspyException,
        lazrs.LazrsError,
        ArithmeticError,
        LookupError,
        ValueError,
        struct.error,
    ) as error:
        raise _damaged() from error
    except (
        BaseException
    ) as error:  # a panic of lazrs arrives as a BaseException whose type it does not export
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged() from error
    if start < header.points:
        raise _damaged()


def _damaged() -> Refused:
    return refuse(
        "The point cloud is cut off or damaged: its points cannot be decoded.",
        advice="Send it again; if that does not help, export it again as LAS 1.4 or LAZ.",
    )


def _place(
    whole: NDArray[np.int32], header: LasHeader, crs: LasCrs
) -> tuple[NDArray[np.float32], dict[str, object], list[Problem]]:
    """Metres around an origin of whole units: east is +x, up +y, north -z."""
    scales, offsets = np.array(header.scales), np.array(header.offsets)
    ends = np.array([whole.min(axis=0), whole.max(axis=0)]) * scales + offsets
    low, high = ends.min(axis=0), ends.max(axis=0)  # a scale may be negative
    origin = np.round((low + high) / 2)
    origin[2] = np.floor(low[2])
    if not (np.abs(ends) < 1e12).all():
        raise refuse("The cloud's coordinates lie outside any map.", advice="Export it again.")
    unit_m = crs.unit_m or 1.0
    up_m = crs.vertical_unit_m or unit_m
    positions = np.empty(whole.shape, np.float32)
    for axis, source_axis, metres in ((0, 0, unit_m), (1, 2, up_m), (2, 1, -unit_m)):
        column = whole[:, source_axis] * scales[source_axis]
        column += offsets[source_axis] - origin[source_axis]
        column *= metres
        positions[:, axis] = column
    source: dict[str, object] = {
        "origin": [float(value) for value in origin],
        "unit_m": unit_m,
        "vertical_unit_m": up_m,
        "axes": "x = origin + x / unit, y = origin - z / unit, z = origin + y / vertical unit",
    }
    if crs.name:
        source["crs"] = crs.name
    east, north, up = (f"{value:.12g}" for value in origin)
    message = (
        f"The cloud's own coordinates have z up; it was turned so that y is up and north is -z, and moved: "
        f"its zero is at x {east}, y {north}, z {up}."
    )
    if unit_m != 1 or up_m != 1:
        message += f" Its unit is {unit_m:.6g} m ({up_m:.6g} m upwards); it is in metres now."
    return positions, source, [warn(message)]


def _colors(kept: _Kept) -> NDArray[np.uint16] | None:
    """Linear colours. Many files hold 8-bit values in the 16-bit fields; where all are 0 there is no colour,
    and the intensities are taken as greys."""
    if kept.color_parts:
        colors = np.concatenate(kept.color_parts)
        highest = int(colors.max())
        if highest > 0:
            return colors_of_bytes(colors, bits=8 if highest < 256 else 16)
    return greys_of_intensity(np.concatenate(kept.intensity_parts))
