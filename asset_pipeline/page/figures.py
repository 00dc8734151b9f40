"""Measures as a person reads them: lengths in metres or millimetres, bytes in kB or MB, commas in counts."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

NO_VALUE = "–"


def bytes_text(count: Any) -> str:
    """999 B, 12.3 kB, 4.56 MB, 1.20 GB; 1000 bytes to the kilobyte, as the budgets count."""
    if not _is_number(count):
        return NO_VALUE
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{_three_digits(count / size)} {unit}"
    return f"{count:.0f} B"


def length_text(metres: Any) -> str:
    """12.3 m, 4.56 cm, 0.789 mm; 0 is 0."""
    if not _is_number(metres):
        return NO_VALUE
    if metres == 0:
        return "0"
    for size, unit in ((1.0, "m"), (0.01, "cm"), (0.001, "mm")):
        if metres >= size:
            return f"{_three_digits(metres / size)} {unit}"
    return f"{_three_digits(metres * 1000)} mm" if metres >= 1e-6 else "< 0.001 mm"


def count_text(count: Any) -> str:
    """1,234,567."""
    return f"{count:,.0f}" if _is_number(count) else NO_VALUE


def ratio_text(value: Any, digits: int = 4) -> str:
    """0.9876."""
    return f"{value:.{digits}f}" if _is_number(value) else NO_VALUE


def decibel_text(value: Any) -> str:
    """32.1 dB; the same picture has no end of them."""
    return f"{value:.1f} dB" if _is_number(value) else NO_VALUE


def extent_text(bounds: Any) -> str:
    """Width, height and depth of bounds_m."""
    if not isinstance(bounds, Mapping):
        return NO_VALUE
    sides = [high - low for low, high in zip(bounds["min"], bounds["max"], strict=True)]
    return " × ".join(length_text(side) for side in sides)


def plain_text(name: str, value: Any) -> str:
    """Any measure, by what its name says of its unit."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if _is_number(value):
        if name.endswith("bytes"):
            return bytes_text(value)
        if name.endswith("_m"):
            return length_text(value)
        return count_text(value) if isinstance(value, int) else f"{value:.5g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain_text(key, item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(plain_text(name, item) for item in value)
    return NO_VALUE if value is None else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _three_digits(value: float) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"
