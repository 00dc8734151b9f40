"""Equal rows are found by hash, and rightly so even where hashes meet; used rows are marked."""

import numpy as np
import pytest

from asset_pipeline.models.steps import equal_rows
from asset_pipeline.models.steps.equal_rows import group_equal_rows
from asset_pipeline.models.steps.used_rows import mark_used


def tables() -> tuple[np.ndarray, np.ndarray]:
    """200,000 rows of two columns' worth of numbers, of which 40 are different."""
    rng = np.random.default_rng(4)
    kind = rng.integers(0, 40, 200_000)
    return (kind % 8).astype(np.float32).reshape(-1, 1), (kind // 8).astype(np.uint8).reshape(-1, 1)


def by_hand(*columns: np.ndarray) -> tuple[list[int], list[int]]:
    seen: dict[bytes, int] = {}
    first: list[int] = []
    place: list[int] = []
    for row in range(len(columns[0])):
        key = b"".join(column[row].tobytes() for column in columns)
        if key not in seen:
            seen[key] = len(first)
            first.append(row)
        place.append(seen[key])
    return first, place


@pytest.mark.parametrize("hashes_meet", [False, True])
def test_rows_are_grouped_in_order_of_first_use(monkeypatch: pytest.MonkeyPatch, hashes_meet: bool) -> None:
    if hashes_meet:
        monkeypatch.setattr(equal_rows, "_hashes", lambda words: words[0][:, 0].astype(np.uint64))
    first, place = group_equal_rows(*tables())
    assert (first.tolist(), place.tolist()) == by_hand(*tables())
    assert len(first) == 40


def test_rows_that_all_differ_keep_their_places() -> None:
    first, place = group_equal_rows(np.arange(1000, dtype=np.uint32).reshape(-1, 1))
    assert first.tolist() == place.tolist() == list(range(1000))


def test_used_rows_are_marked_across_pieces() -> None:
    indices = np.random.default_rng(1).integers(0, 500_000, 300_000).astype(np.uint32)
    assert np.flatnonzero(mark_used(indices, 500_000)).tolist() == np.unique(indices).tolist()
    assert mark_used(indices[:0], 3).tolist() == [False] * 3
