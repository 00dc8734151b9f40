"""Geohash cells: how a client asks by place without saying where it is.

A cell of 5 characters is 4.9 km high and, at 21 N, 4.6 km wide. Nothing finer is made or accepted.
"""

from heritage_sites.geo import BoundingBox, LatLon

MAX_CELL_LENGTH = 5  # characters; one more (1.2 km x 0.6 km) would tell which pier a visitor stands on

_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
_VALUE_OF = {character: value for value, character in enumerate(_ALPHABET)}
_STEPS = (
    (1, 0),
    (1, 1),
    (0, 1),
    (-1, 1),
    (-1, 0),
    (-1, -1),
    (0, -1),
    (1, -1),
)  # (north, east), clockwise from N


def cell_of(point: LatLon, length: int = MAX_CELL_LENGTH) -> str:
    """The cell that holds the point. A point on an edge belongs to the cell north or east of it;
    the pole and longitude 180 belong to the last row and column. ValueError if length is not 1 to 5.
    """
    _check_length(length)
    row_bits, column_bits = _bits(length)
    row = _index(point.lat_deg, -90.0, 90.0, row_bits)
    column = _index(point.lon_deg, -180.0, 180.0, column_bits)
    return _write(row, column, length)


def box_of(cell: str) -> BoundingBox:
    """The cell's box. ValueError if it is not a geohash of 1 to 5 characters in lower case."""
    row, column = _read(cell)
    row_bits, column_bits = _bits(len(cell))
    height_deg, width_deg = 180.0 / 2**row_bits, 360.0 / 2**column_bits
    south_deg, west_deg = -90.0 + row * height_deg, -180.0 + column * width_deg
    return BoundingBox(south_deg, west_deg, south_deg + height_deg, west_deg + width_deg)


def neighbours_of(cell: str) -> tuple[str, ...]:
    """The cells around a cell, clockwise from north: eight, or five in the rows at the poles.

    East and west wrap at the antimeridian. ValueError as for box_of.
    """
    row, column = _read(cell)
    row_bits, column_bits = _bits(len(cell))
    return tuple(
        _write(row + north, (column + east) % 2**column_bits, len(cell))
        for north, east in _STEPS
        if 0 <= row + north < 2**row_bits
    )


def _check_length(length: int) -> None:
    if not 1 <= length <= MAX_CELL_LENGTH:
        raise ValueError(f"cell length: want 1 to {MAX_CELL_LENGTH} characters, got {length}")


def _bits(length: int) -> tuple[int, int]:
    """Bits of the row (latitude) and of the column (longitude); longitude has the first bit."""
    return 5 * length // 2, (5 * length + 1) // 2


def _index(value: float, low: float, high: float, bits: int) -> int:
    # Bisection: every middle is exact in floating point, so no rounding moves a point to the next cell.
    index = 0
    for _ in range(bits):
        middle = (low + high) / 2.0
        if value >= middle:
            index, low = 2 * index + 1, middle
        else:
            index, high = 2 * index, middle
    return index


def _write(row: int, column: int, length: int) -> str:
    row_bits, column_bits = _bits(length)
    code = 0
    for position in range(5 * length):
        if position % 2 == 0:
            column_bits -= 1
            bit = column >> column_bits & 1
        else:
            row_bits -= 1
            bit = row >> row_bits & 1
        code = code << 1 | bit
    return "".join(_ALPHABET[code >> 5 * place & 31] for place in reversed(range(length)))


def _read(cell: str) -> tuple[int, int]:
    if not isinstance(cell, str) or not 1 <= len(cell) <= MAX_CELL_LENGTH or set(cell) - _VALUE_OF.keys():
        raise ValueError(
            f"cell: want a geohash of 1 to {MAX_CELL_LENGTH} lower-case characters, got {str(cell)[:20]!r}"
        )
    row = column = 0
    is_column = True
    for character in cell:
        for place in (4, 3, 2, 1, 0):
            bit = _VALUE_OF[character] >> place & 1
            if is_column:
                column = column << 1 | bit
            else:
                row = row << 1 | bit
            is_column = not is_column
    return row, column
