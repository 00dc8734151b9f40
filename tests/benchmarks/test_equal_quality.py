"""The search for our lightest file of equal quality, on models whose looks are formulas."""

import math
from dataclasses import dataclass

import pytest

from tests.benchmarks.models.equal import Choice, Curve, EqualQuality, Losses


@dataclass(frozen=True)
class Kind:
    name: str
    bytes_per_triangle: float
    exponent: float = 1.0
    added: float = 0.0


FINE = Kind("fine", 10.0)
COARSE = Kind("coarse", 6.0, added=0.01)
SLOW = Kind("slow", 10.0, exponent=0.5)


def losses_of(choice: Choice[Kind]) -> Losses:
    lit = 10.0 / choice.triangles**choice.kind.exponent + choice.kind.added
    return lit, lit / 2


def weight_of(choice: Choice[Kind]) -> int:
    return math.ceil(choice.triangles * choice.kind.bytes_per_triangle)


def search_among(
    *kinds: Kind, most: int = 10_000, counts: tuple[int, ...] = (250, 1000, 4000)
) -> EqualQuality[Kind]:
    added = {FINE: (0.0, 0.0), COARSE: (0.01, 0.005)}
    search = EqualQuality(
        kinds, most, weight_of, losses_of,
        curve_of=lambda kind: kind,
        base_of=lambda kind: (FINE, added[kind]) if kind in added else None,
        group_of=lambda kind: kind.name,
        family_of=lambda kind: kind.bytes_per_triangle,
    )  # fmt: skip
    for kind in kinds:
        for count in counts:
            search.look(Choice(kind, count))
    return search


def test_fewest_triangles_that_lose_no_more_are_found() -> None:
    best = search_among(FINE).solve((0.02, 0.01))
    assert best is not None
    assert 500 <= best.choice.triangles <= 510  # 10 / 500 is 0.02
    assert best.losses <= (0.02, 0.01)


def test_lighter_kind_wins_where_its_own_loss_allows() -> None:
    best = search_among(FINE, COARSE).solve((0.05, 0.025))
    assert best is not None  # coarse: 250 triangles lose 0.05 and weigh 1500; fine: 200 weigh 2000
    assert (best.choice.kind, best.bytes) == (COARSE, 1500)


def test_finer_kind_wins_where_the_other_can_never_be_good_enough() -> None:
    best = search_among(FINE, COARSE).solve((0.0105, 0.00525))
    assert best is not None
    assert best.choice.kind == FINE


def test_both_losses_must_hold() -> None:
    best = search_among(FINE).solve((0.02, 0.001))  # unlit asks for 5000
    assert best is not None
    assert 5000 <= best.choice.triangles <= 5100


def test_none_where_all_triangles_lose_too_much() -> None:
    assert search_among(SLOW, most=5000).solve((0.02, 0.01)) is None


def test_second_opinion_is_asked_until_it_agrees() -> None:
    asked: list[int] = []

    def check(choice: Choice[Kind]) -> Losses | None:
        asked.append(choice.triangles)
        lit, unlit = losses_of(choice)
        return None if lit <= 0.015 else (lit - 0.015, max(unlit - 0.0075, 0.0))

    best = search_among(FINE).solve((0.02, 0.01), check)
    assert best is not None
    assert best.losses[0] <= 0.015
    assert best.choice.triangles <= 700  # 667 would do
    assert asked[-1] == best.choice.triangles
    assert len(asked) > 1


def test_what_another_search_saw_is_not_made_again() -> None:
    first = search_among(FINE)
    second = search_among(FINE, counts=())
    for seen in first.seen.values():
        second.take(seen)
    assert second.seen == first.seen


def test_kind_that_may_not_win_only_lends_its_curve() -> None:
    search = search_among(FINE, counts=(250, 1000, 4000))
    search.look(Choice(COARSE, 300))
    best = search.solve((0.2, 0.1))
    assert best is not None
    assert best.choice.kind == FINE


@pytest.mark.parametrize(
    ("target", "triangles"),
    [((0.04, 1.0), 250), ((0.02, 1.0), 500), ((0.0025, 1.0), 4000), ((0.001, 1.0), None)],
)
def test_power_laws_are_read_exactly(target: Losses, triangles: int | None) -> None:
    curve = Curve({count: (10.0 / count, 0.0) for count in (500, 1000, 2000)})
    found = curve.triangles_for(target, most=5000)
    assert found == triangles if triangles is None else found == pytest.approx(triangles, abs=1)


def test_added_loss_asks_for_more_triangles() -> None:
    curve = Curve({count: (10.0 / count, 0.0) for count in (250, 1000, 4000)})
    assert curve.triangles_for((0.03, 1.0), 5000, (0.01, 0.0)) == pytest.approx(500, abs=1)
    assert curve.triangles_for((0.01, 1.0), 5000, (0.01, 0.0)) is None
