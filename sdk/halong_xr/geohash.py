"""Geohash cells of at most five characters: the only form in which a place leaves the device.

A cell of five characters is 4.9 km wide and high at the equator (4.6 km wide in Ha Long Bay).
"""

from dataclasses import dataclass

from halong_xr.geo import LatLon

MAX_CELL_LENGTH = 5  # characters; a sixth would place a visitor within 600 m
ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class CellBox:
    """The edges of a cell in degrees; south and west belong to it, north and east to its neighbours."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float


def cell_of(point: LatLon, length: int = MAX_CELL_LENGTH) -> str:
    """The cell that holds a point. ValueError for a length outside 1 to MAX_CELL_LENGTH."""
    if not 1 <= length <= MAX_CELL_LENGTH:
        raise ValueError(f"length: want 1 to {MAX_CELL_LENGTH}, got {length}")
    column = _halve(point.lon_deg, 180.0, _column_bits(length))
    row = _halve(point.lat_deg, 90.0, _row_bits(length))
    return _cell(column, row, length)


def box_of(cell: str) -> CellBox:
    """The edges of a cell. ValueError for anything that is not a cell."""
    column, row = _place(cell)
    width = 360.0 / 2 ** _column_bits(len(cell))
    height = 180.0 / 2 ** _row_bits(len(cell))
    west, south = column * width - 180.0, row * height - 90.0
    return CellBox(south, west, south + height, west + width)


def neighbours_of(cell: str) -> tuple[str, ...]:
    """The cells around a cell in text order: eight, or five next to a pole. Wraps at 180 degrees."""
    column, row = _place(cell)
    columns, rows = 2 ** _column_bits(len(cell)), 2 ** _row_bits(len(cell))
    around = {
        _cell((column + east) % columns, row + north, len(cell))
        for east in (-1, 0, 1)
        for north in (-1, 0, 1)
        if 0 <= row + north < rows
    }
    return tuple(sorted(around - {cell}))


def _column_bits(length: int) -> int:
    return (5 * length + 1) // 2


def _row_bits(length: int) -> int:
    return 5 * length // 2


def _halve(value: float, limit: float, bits: int) -> int:
    """Index of the part that holds a value, [-limit, limit] cut into 2**bits parts; exact at the cuts."""
    low, high, index = -limit, limit, 0
    for _ in range(bits):
        middle = (low + high) / 2
        if value >= middle:
            low, index = middle, 2 * index + 1
        else:
            high, index = middle, 2 * index
    return index


def _cell(column: int, row: int, length: int) -> str:
    """Interleave the bits, longitude first, and write five to a character."""
    bits = 0
    column_bits, row_bits = _column_bits(length), _row_bits(length)
    for place in range(5 * length):
        if place % 2 == 0:
            column_bits -= 1
            bits = bits << 1 | (column >> column_bits & 1)
        else:
            row_bits -= 1
            bits = bits << 1 | (row >> row_bits & 1)
    return "".join(ALPHABET[bits >> 5 * (length - 1 - i) & 31] for i in range(length))


def _place(cell: str) -> tuple[int, int]:
    if not 1 <= len(cell) <= MAX_CELL_LENGTH or any(letter not in ALPHABET for letter in cell):
        raise ValueError(f"cell: want 1 to {MAX_CELL_LENGTH} characters of {ALPHABET}, got {cell!r}")
    column = row = 0
    for place in range(5 * len(cell)):
        bit = ALPHABET.index(cell[place // 5]) >> (4 - place % 5) & 1
        if place % 2 == 0:
            column = column << 1 | bit
        else:
            row = row << 1 | bit
    return column, row
