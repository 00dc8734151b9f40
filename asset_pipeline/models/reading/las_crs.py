"""The coordinate system of a LAS file, as far as a model needs it: unit along the ground, unit upwards, name.

From the WKT text or the GeoTIFF keys; no projection is computed, and an EPSG number alone tells the unit only
for the systems listed here (UTM, and Viet Nam's own).
"""

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from asset_pipeline.models.reading.las_header import Vlr

MAX_WKT_CHARS = 65_536
MAX_WKT_DEPTH = 32
METRES_OF_UNIT_CODE = {9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937}
METRE_EPSG = (
    range(32601, 32661), range(32701, 32761),  # WGS 84 / UTM
    range(25828, 25839), range(26901, 26924),  # ETRS89 and NAD83 / UTM
    range(3405, 3407), range(5896, 5900), range(9205, 9219),  # VN-2000 / UTM and TM-3
)  # fmt: skip
_USER_DEFINED = 32767
_PROJECTED, _GEOGRAPHIC, _GEOCENTRIC = 1, 2, 3
_WKT_PART = re.compile(r'"(?:[^"]|"")*"|[\[\](),]|[^\[\](),"\s]+')
_PROJECTED_NAMES = ("PROJCS", "PROJCRS", "PROJECTEDCRS", "LOCAL_CS", "ENGCRS", "ENGINEERINGCRS")
_DEGREE_NAMES = ("GEOGCS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS", "GEOCCS")
_VERTICAL_NAMES = ("VERT_CS", "VERTCRS", "VERTICALCRS")


@dataclass(frozen=True, slots=True)
class LasCrs:
    """name: WKT, or "EPSG:n", or "". Units in metres; None where the file does not say.

    is_projected: False for degrees or for metres from the Earth's centre, which are no local directions.
    """

    name: str = ""
    unit_m: float | None = None
    vertical_unit_m: float | None = None
    is_projected: bool = True


def parse_crs(vlrs: Sequence[Vlr]) -> LasCrs:
    """What the records say; the WKT where there is a readable one, else the GeoTIFF keys, else nothing."""
    of_projection = {vlr.record_id: vlr.body for vlr in vlrs if vlr.user_id == "LASF_Projection"}
    if 2112 in of_projection:
        text = of_projection[2112].split(b"\0")[0].decode("utf-8", "replace").strip()
        found = _parse_wkt(text)
        if found is not None:
            return found
    return _parse_keys(of_projection.get(34735, b""))


@dataclass(slots=True)
class _Node:
    name: str
    values: list[str]
    children: "list[_Node]"


def _parse_wkt(text: str) -> LasCrs | None:
    """None for text that is no coordinate system."""
    root = _tree(text) if len(text) <= MAX_WKT_CHARS else None
    if root is None:
        return None
    parts = [root, *root.children] if root.name in ("COMPD_CS", "COMPOUNDCRS") else [root]
    projected = next((part for part in parts if part.name in _PROJECTED_NAMES), None)
    vertical = next((part for part in parts if part.name in _VERTICAL_NAMES), None)
    if projected is None and not any(part.name in _DEGREE_NAMES for part in parts):
        return None
    return LasCrs(
        text,
        None if projected is None else _unit(projected),
        None if vertical is None else _unit(vertical),
        is_projected=projected is not None,
    )


def _tree(text: str) -> _Node | None:
    """The nested form NAME[value, NAME[...], ...] as a tree; None where brackets do not fit."""
    open_nodes: list[_Node] = []
    word = ""
    for part in _WKT_PART.findall(text):
        if part in "[(":
            node = _Node(word.upper(), [], [])
            if open_nodes:
                open_nodes[-1].values.pop()  # the word was not a value but this node's name
                open_nodes[-1].children.append(node)
            open_nodes.append(node)
            if not word or len(open_nodes) > MAX_WKT_DEPTH:
                return None
            word = ""
        elif part in "])":
            if not open_nodes:
                return None
            closed = open_nodes.pop()
            word = ""
            if not open_nodes:
                return closed
        elif part == ",":
            word = ""
        else:
            word = part.strip('"')
            if open_nodes:
                open_nodes[-1].values.append(word)
    return None


def _unit(system: _Node) -> float | None:
    """Metres per unit: the system's own UNIT, or that of its first axis."""
    axes = [child for part in system.children if part.name in ("AXIS", "CS") for child in part.children]
    for node in [*system.children, *axes]:
        if node.name in ("UNIT", "LENGTHUNIT") and len(node.values) > 1:
            try:
                metres = float(node.values[1])
            except ValueError:
                return None
            return metres if metres > 0 and math.isfinite(metres) else None
    return None


def _parse_keys(body: bytes) -> LasCrs:
    """GeoTIFF keys: rows of four 16-bit numbers behind a row that counts them."""
    rows = [struct.unpack_from("<4H", body, place) for place in range(0, len(body) - 7, 8)][1:]
    keys = {row[0]: row[3] for row in rows if row[1] == 0}
    projected, geographic = keys.get(3072, 0), keys.get(2048, 0)
    model = keys.get(1024, _PROJECTED if projected else 0)
    if model in (_GEOGRAPHIC, _GEOCENTRIC):
        name = f"EPSG:{geographic}" if 0 < geographic < _USER_DEFINED else ""
        return LasCrs(name, is_projected=False)
    unit_m = METRES_OF_UNIT_CODE.get(keys.get(3076, 0))
    if unit_m is None and any(projected in codes for codes in METRE_EPSG):
        unit_m = 1.0
    name = f"EPSG:{projected}" if 0 < projected < _USER_DEFINED else ""
    return LasCrs(name, unit_m, METRES_OF_UNIT_CODE.get(keys.get(4099, 0)))
