"""Byte ranges of a file: which part a reader asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start`, `length` of them."""

    start: int
    length: int


class RangeNotSatisfiable(Exception):
    """The range begins behind the file's end."""


def parse_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """The part that a Range header asks for; None for the whole file.

    Several ranges, other units and nonsense give the whole file, as the RFC allows. Raises
    RangeNotSatisfiable.
    """
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        if not last:
            return None
        length = min(int(last), size_bytes)
        if length == 0:
            raise RangeNotSatisfiable
        return ByteRange(size_bytes - length, length)
    start = int(first)
    end = min(int(last), size_bytes - 1) if last else size_bytes - 1
    if last and int(last) < start:
        return None
    if start >= size_bytes:
        raise RangeNotSatisfiable
    return ByteRange(start, end - start + 1)
