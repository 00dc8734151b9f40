"""Which rows of a table are the same, bit for bit: by hash, and by the rows themselves where hashes meet."""

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Array

_ODD_FACTOR = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio; its powers scatter bits well


def group_equal_rows(*columns: Array) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
    """(rows to keep, in order of first use; for each row its place among them).

    columns: tables of the same number of rows, compared side by side.
    """
    words = [_as_words(column) for column in columns]
    keys = _hashes(words)
    found = _first_of_equal(keys, words)
    if found is None:  # two different rows with one hash: sort the rows themselves
        whole = np.ascontiguousarray(np.concatenate(words, axis=1))
        rows = whole.view(np.dtype((np.void, whole.shape[1] * 4))).reshape(-1)
        _, first, group = np.unique(rows, return_index=True, return_inverse=True)
        found = first[group.reshape(-1)].astype(np.uint32)
    is_kept = found == np.arange(len(found), dtype=np.uint32)
    if is_kept.all():
        return np.arange(len(found)), found
    return np.flatnonzero(is_kept), (np.cumsum(is_kept, dtype=np.uint32) - np.uint32(1))[found]


def _first_of_equal(keys: NDArray[np.uint64], words: list[NDArray[np.uint32]]) -> NDArray[np.uint32] | None:
    """For each row the first row like it; None if rows with one key differ."""
    order = np.argsort(keys, kind="stable").astype(np.uint32)
    ordered = keys[order]
    is_new = np.ones(len(order), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    first = np.arange(len(order), dtype=np.uint32)
    again = np.flatnonzero(~is_new)
    if not len(again):
        return first
    starts = np.flatnonzero(is_new)
    opens = order[starts[np.searchsorted(starts, again, side="right") - 1]]
    repeats = order[again]
    for part in words:
        for column in part.T:
            if not np.array_equal(column[opens], column[repeats]):
                return None
    first[repeats] = opens
    return first


def _hashes(words: list[NDArray[np.uint32]]) -> NDArray[np.uint64]:
    hashes = np.zeros(len(words[0]), np.uint64)
    number = 0
    for part in words:
        for column in part.T:
            number += 1
            hashes += column.astype(np.uint64) * np.uint64(_ODD_FACTOR**number % 2**64)
            hashes ^= hashes >> np.uint64(29)
    return hashes


def _as_words(column: Array) -> NDArray[np.uint32]:
    """A row's bytes as 32-bit words, padded with zeros."""
    raw = np.ascontiguousarray(column).view(np.uint8).reshape(len(column), -1)
    if raw.shape[1] % 4:
        raw = np.pad(raw, ((0, 0), (0, -raw.shape[1] % 4)))
    return np.ascontiguousarray(raw).view(np.uint32)
