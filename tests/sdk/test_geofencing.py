import math

import pytest
from halong_xr.fences import AreaFence, CircleFence, Fence
from halong_xr.geo import LatLon
from halong_xr.geofencing import EXIT_MARGIN_M, MAX_FIX_ACCURACY_M, Fix, Watcher

M = 111_195.0802
PIER = CircleFence("pier", True, LatLon(20.9, 107.0), 100.0)


def fix(at_s: float, metres_north: float, accuracy_m: float = 10.0, height_m: float | None = None) -> Fix:
    """A fix so many metres north of the pier's centre."""
    return Fix(at_s, 20.9 + metres_north / M, 107.0, accuracy_m, height_m)


def kinds(watcher: Watcher, *fixes: Fix) -> list[list[str]]:
    return [[event.kind for event in watcher.update(each)] for each in fixes]


def test_two_fixes_inside_enter_and_two_far_enough_outside_leave() -> None:
    watcher = Watcher([PIER])
    way = [fix(0, 300), fix(1, 90), fix(2, 85), fix(3, 0), fix(4, 105), fix(5, 200), fix(6, 210), fix(7, 220)]
    assert kinds(watcher, *way) == [[], [], ["enter"], [], [], [], ["exit"], []]


def test_events_say_when_it_was_first_seen_and_when_it_was_decided() -> None:
    watcher = Watcher([PIER])
    (entered,) = [event for at in (10, 11) for event in watcher.update(fix(at, 95))]
    assert (entered.kind, entered.fence, entered.since_s, entered.at_s) == ("enter", PIER, 10, 11)


def test_one_outlier_neither_enters_nor_leaves() -> None:
    watcher = Watcher([PIER])
    assert kinds(watcher, fix(0, 300), fix(1, 90), fix(2, 300), fix(3, 90), fix(4, 300)) == [[]] * 5
    assert kinds(watcher, fix(5, 90), fix(6, 90)) == [[], ["enter"]]
    assert kinds(watcher, fix(7, 900), fix(8, 50), fix(9, 900), fix(10, 50)) == [[]] * 4


@pytest.mark.parametrize(("metres", "entered"), [(80.0, ["enter"]), (80.1, [])])
def test_one_fix_is_enough_far_inside(metres: float, entered: list[str]) -> None:
    """100 m of radius less twice 10 m of accuracy."""
    assert kinds(Watcher([PIER]), fix(0, metres - 0.01, 10.0)) == [entered]


@pytest.mark.parametrize(
    ("accuracy_m", "metres", "leaves"),
    [
        (3.0, 100 + EXIT_MARGIN_M - 0.1, False),
        (3.0, 100 + EXIT_MARGIN_M + 0.1, True),
        (40.0, 139.9, False),
        (40.0, 140.1, True),
    ],
)
def test_leaving_needs_more_than_the_accuracy_and_the_margin(
    accuracy_m: float, metres: float, leaves: bool
) -> None:
    watcher = Watcher([PIER])
    watcher.update(fix(0, 0))
    assert kinds(watcher, fix(1, metres, accuracy_m), fix(2, metres, accuracy_m)) == [
        [],
        ["exit"] if leaves else [],
    ]


@pytest.mark.parametrize(("accuracy_m", "refused"), [(MAX_FIX_ACCURACY_M, 0), (MAX_FIX_ACCURACY_M + 0.1, 1)])
def test_loose_fixes_decide_nothing_at_the_limit(accuracy_m: float, refused: int) -> None:
    watcher = Watcher([PIER])
    watcher.update(fix(0, 0, accuracy_m))
    assert watcher.refused.total() == refused


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Fix(5, math.nan, 107, 5), "not a number"),
        (Fix(5, 20.9, math.inf, 5), "not a number"),
        (Fix(math.nan, 20.9, 107, 5), "not a number"),
        (Fix(5, 20.9, 107, math.nan), "not a number"),
        (Fix(5, 20.9, 107, 5, math.inf), "not a number"),
        (Fix(5, 91, 107, 5), "out of range"),
        (Fix(5, 20.9, 181, 5), "out of range"),
        (Fix(5, 20.9, 107, -1), "out of range"),
        (Fix(1, 20.9, 107, 5), "time not after the last fix"),
        (Fix(0.5, 20.9, 107, 5), "time not after the last fix"),
        (Fix(5, 20.9, 107, 500), "too inaccurate"),
    ],
)
def test_a_bad_fix_is_counted_and_breaks_no_row(bad: Fix, reason: str) -> None:
    watcher = Watcher([PIER])
    assert kinds(watcher, fix(1, 90), bad, fix(6, 90)) == [[], [], ["enter"]]
    assert dict(watcher.refused) == {reason: 1}


def test_a_fence_that_is_not_for_live_use_fires_only_in_a_sandbox() -> None:
    draft = CircleFence("draft", False, LatLon(20.9, 107.0), 100.0)
    live, sandbox = Watcher([draft, PIER]), Watcher([draft, PIER], sandbox=True)
    way = [fix(0, 300), fix(1, 0), fix(2, 0), fix(3, 400), fix(4, 400)]
    seen = {"live": [], "sandbox": []}
    for each in way:
        seen["live"] += [(event.kind, event.fence.fence_id) for event in live.update(each)]
        seen["sandbox"] += [(event.kind, event.fence.fence_id) for event in sandbox.update(each)]
    assert seen["live"] == [("enter", "pier"), ("exit", "pier")]
    assert seen["sandbox"] == [("enter", "draft"), ("enter", "pier"), ("exit", "draft"), ("exit", "pier")]
    assert live.not_live == (draft,)


def test_dwell_fires_once_per_stay_and_counts_from_the_first_fix_inside() -> None:
    watcher = Watcher([PIER], dwell_s={PIER.key: [60, 120]})
    assert kinds(watcher, fix(0, 90), fix(10, 90), fix(59, 0)) == [[], ["enter"], []]
    assert kinds(watcher, fix(60, 0), fix(61, 0), fix(300, 0), fix(400, 0)) == [["dwell"], [], ["dwell"], []]
    assert kinds(watcher, fix(401, 500), fix(402, 500)) == [[], ["exit"]]
    assert kinds(watcher, fix(500, 0), fix(559, 0), fix(560, 0)) == [["enter"], [], ["dwell"]]


def test_dwell_waits_while_leaving_is_in_question() -> None:
    watcher = Watcher([PIER], dwell_s={PIER.key: [60]})
    assert kinds(watcher, fix(0, 0), fix(61, 300), fix(62, 0)) == [["enter"], [], ["dwell"]]


def test_watching_other_fences_keeps_what_is_known_of_the_old_ones() -> None:
    cafe = CircleFence("cafe", True, LatLon(21.5, 107.0), 100.0)
    watcher = Watcher([PIER])
    watcher.update(fix(0, 0))
    watcher.watch([cafe, PIER])
    assert kinds(watcher, fix(1, 0), fix(2, 500), fix(3, 500)) == [[], [], ["exit"]]


def test_fences_of_one_name_at_two_sites_are_two_fences() -> None:
    here = CircleFence("area", True, LatLon(20.9, 107.0), 100.0, site="a")
    there = CircleFence("area", True, LatLon(21.5, 107.0), 100.0, site="b")
    watcher = Watcher([here, there])
    assert [event.fence.key for event in watcher.update(fix(0, 0))] == [("a", "area")]


def test_height_decides_only_when_known() -> None:
    deck = CircleFence("deck", True, LatLon(20.9, 107.0), 100.0, max_height_m=10.0)
    assert kinds(Watcher([deck]), fix(0, 0, height_m=None)) == [["enter"]]
    assert kinds(Watcher([deck]), fix(0, 0, height_m=50.0), fix(1, 0, height_m=50.0)) == [[], []]


def moved(fence: Fence, lat: float, lon: float) -> Fence:
    assert isinstance(fence, AreaFence)
    rings = tuple(
        tuple(LatLon(p.lat_deg + lat, (p.lon_deg + lon + 180) % 360 - 180) for p in ring)
        for ring in fence.polygons[0]
    )
    return AreaFence(fence.fence_id, True, LatLon(0, 0), (rings,))


def test_a_walk_over_180_degrees_gives_the_events_of_the_same_walk_elsewhere() -> None:
    corners = [(-0.001, -0.001), (-0.001, 0.001), (0.001, 0.001), (0.001, -0.001), (-0.001, -0.001)]
    home = AreaFence("home", True, LatLon(0, 0), ((tuple(LatLon(*corner) for corner in corners),),))
    way = [(t, 0.0002 * (t - 20)) for t in range(40)]

    def events(lon: float) -> list[tuple[str, float]]:
        watcher = Watcher([moved(home, 0, lon)])
        fixes = [Fix(t, 0.0, (east + lon + 180) % 360 - 180, 5.0) for t, east in way]
        return [(event.kind, event.at_s) for each in fixes for event in watcher.update(each)]

    assert events(0.0) == [("enter", 16), ("exit", 27)]
    assert events(180.0) == events(-180.0) == events(107.0) == events(0.0)


def test_a_fix_never_shows_its_numbers() -> None:
    assert repr(Fix(1, 20.9123, 107.0456, 5)) == "Fix(hidden)"
