"""Numbers in text, many and fast: what ASCII point clouds and ASCII PLY are made of."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.outcome import refuse

BLOCK_BYTES = 8 * 1024 * 1024  # of a text file at a time
MAX_LINE_BYTES = 65_536  # a point takes some 100 characters; a header line of many column names takes more
_COMMENT = re.compile(rb"[ \t]*(?:#|//)[^\n]*")
_SEPARATORS = bytes.maketrans(b",;\t", b"   ")


def parse_floats(text: bytes) -> NDArray[np.float64]:
    """All numbers of a text, split at white space. ValueError for a word that is no number.

    "nan" and "inf" are numbers, and 1e309 is infinite. Eight bytes a number and no more, where splitting into
    Python's words would take a hundred.
    """
    if b"\0" in text:
        raise ValueError("a NUL byte stands among the numbers")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, np.float64, sep=" ")
        except DeprecationWarning as error:  # how NumPy says that it stopped at a word
            raise ValueError("a word is not a number") from error


def number_blocks(path: Path) -> Iterator[tuple[bytes, int]]:
    """(whole lines, number of the first) of a text, with comments and carriage returns taken out.

    Raises Refused for a line longer than MAX_LINE_BYTES.
    """
    rest, line = b"", 1
    with path.open("rb") as file:
        if file.read(3) != b"\xef\xbb\xbf":
            file.seek(0)
        while block := file.read(BLOCK_BYTES):
            block = (rest + block).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            end = block.rfind(b"\n") + 1
            if len(block) - end > MAX_LINE_BYTES:
                lines = block.count(b"\n")
                raise refuse(
                    f"A line is longer than {MAX_LINE_BYTES} characters, so this is no list of points.",
                    where=f"line {line + lines}",
                    advice="Export the cloud again, with one point in each line.",
                )
            if end:
                yield _without_comments(block[:end]), line
                line += block.count(b"\n")
            rest = block[end:]
    if rest.strip():
        yield _without_comments(rest + b"\n"), line


def _without_comments(block: bytes) -> bytes:
    return _COMMENT.sub(b"", block) if b"#" in block or b"//" in block else block


def words_per_line(block: bytes) -> NDArray[np.int64]:
    """How many words stand in each line of a block that ends with a line end."""
    codes = np.frombuffer(block, np.uint8)
    is_word = codes > 32
    starts = is_word & ~np.concatenate([[False], is_word[:-1]])
    ends = np.flatnonzero(codes == 10)
    return np.diff(np.cumsum(starts)[ends], prepend=0)


def parse_table(block: bytes, columns: int) -> NDArray[Any]:
    """(lines, columns) of a block of whole lines; empty lines are passed by.

    Commas, semicolons and tabs separate as blanks do. ValueError for a line with more or fewer words, or a
    word that is no number.
    """
    text = block.translate(_SEPARATORS)
    counts = words_per_line(text)
    odd = np.flatnonzero((counts != columns) & (counts != 0))
    if odd.size:
        raise OddLine(int(odd[0]), int(counts[odd[0]]))
    return parse_floats(text).reshape(-1, columns)


class OddLine(ValueError):
    """A line (counted from 0 within its block) with another number of words than the rest."""

    def __init__(self, line: int, words: int) -> None:
        self.line = line
        self.words = words
        super().__init__(f"line {line} has {words} words")
