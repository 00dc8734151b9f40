"""The arithmetic of the comparison: means, hardest peers, broken runs, rows."""

from typing import Any

import pytest

from tests.benchmarks.models.ratios import Pair, broken_peers, geometric_mean, hardest, mean_by_model
from tests.benchmarks.models.rows import left_out_rows, rows_of


def test_geometric_mean_of_half_and_double_is_one() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="at least one"):
        geometric_mean([])


def test_hardest_peer_is_the_one_we_beat_least() -> None:
    pairs = [Pair("a", 0.5, "x", 80, 100), Pair("a", 0.5, "y", 90, 100), Pair("a", 0.1, "x", 50, 100)]
    assert hardest(pairs) == [pairs[1], pairs[2]]


def test_models_count_alike_however_many_ratios_they_have() -> None:
    pairs = [Pair("a", 0.5, "x", 1, 4), Pair("a", 0.1, "x", 1, 1), Pair("b", 0.5, "x", 2, 1)]
    assert mean_by_model(pairs) == {"a": pytest.approx(0.5), "b": pytest.approx(2.0)}


def test_only_a_peer_far_below_its_neighbours_counts_as_broken() -> None:
    assert broken_peers({"a": 0.04, "b": 0.05, "c": 0.40}) == ["c"]
    assert broken_peers({"a": 0.001, "b": 0.002, "c": 0.03}) == []  # all good, one less so
    assert broken_peers({"a": 0.5}) == []


def look(ssim: float) -> dict[str, float]:
    return {"ssim_lit": ssim, "ssim_unlit": ssim}


def row(peer: str, ours: int, theirs: int, **more: Any) -> dict[str, Any]:
    return {
        "peer": peer, "ratio": 0.5, "codec": "draco", "ours": ours, "ours_gzip": ours, "theirs": theirs,
        "theirs_gzip": theirs, "their_look": look(0.9), "their_off": 0.0, "our_off": 0.0, **more,
    }  # fmt: skip


def test_table_has_means_per_set_the_worst_model_and_goals() -> None:
    results = [
        {"name": "a", "set": "held-out", "geometry": [row("x", 60, 100), row("y", 80, 100)]},
        {"name": "b", "set": "tuning", "geometry": [row("x", 110, 100)]},
    ]
    found = {one.name: one for one in rows_of(results)}
    assert found["geometry_bytes held-out, 1 models"].ratio == pytest.approx(0.8)
    assert found["geometry_bytes held-out, 1 models"].holds
    assert found["geometry_bytes tuning, 1 models"].holds is False
    assert found["geometry_bytes all, 2 models"].ratio == pytest.approx((0.8 * 1.1) ** 0.5)
    assert found["geometry_bytes worst model (b)"].holds is False


def test_totals_are_counted_where_there_are_textures() -> None:
    totals = [
        {"peer": "x", "ratio": 0.5, "ours": 60, "theirs": 100, "their_look": look(0.9)},
        {"peer": "x", "ratio": 0.25, "ours": 1, "theirs": 100, "their_look": look(0.5)},
        {"peer": "y", "ratio": 0.25, "ours": 1, "theirs": 100, "their_look": look(0.9), "confirmed": False},
        {"peer": "x", "ratio": 0.1, "problem": "none"},
    ]
    results = [{"name": "a", "set": "held-out", "geometry": [], "totals": totals}]
    (mean, worst) = rows_of(results)
    assert (mean.name, mean.ratio, mean.holds) == ("total_bytes held-out, 1 models", pytest.approx(0.6), True)
    assert worst.name == "total_bytes worst model (a)"


def test_broken_and_shifted_runs_are_told_and_not_counted() -> None:
    shifted = row("moved", 10, 100, their_off=0.2)
    failed = {"peer": "failed", "ratio": 0.5, "codec": "draco", "problem": "ended with 1"}
    broken = row("broken", 10, 100, their_look=look(0.2))
    result = {
        "name": "a", "set": "tuning",
        "geometry": [row("x", 60, 100), row("y", 50, 100), shifted, failed, broken],
    }  # fmt: skip
    assert rows_of([result])[0].ratio == pytest.approx(0.6)
    assert [(one["peer"], why) for one, why in left_out_rows(result)] == [
        ("moved", "its box is off by 20.0% of the longest side (ours 0.0%)"),
        ("failed", "ended with 1"),
        ("broken", "far worse than its neighbours at this ratio"),
    ]


def test_peer_whose_quality_we_never_reach_is_told() -> None:
    lost = {
        "peer": "x",
        "ratio": 0.5,
        "codec": "draco",
        "their_look": look(0.9),
        "problem": "no file of ours",
    }
    result = {"name": "a", "set": "tuning", "geometry": [lost]}
    assert rows_of([result]) == []
    assert left_out_rows(result) == [(lost, "no file of ours")]
