"""The fewest bytes at which our file is at least as good as a given one: a search over what we can make.

Nothing here knows about files or rendering: `weigh` tells the bytes of a choice and `look` its two losses
(lit, unlit), both from files really made. Between looks, losses are interpolated as powers of the triangle
count, which rendered losses follow well; what is returned was made and looked at.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Losses = tuple[float, float]
Kind = TypeVar("Kind")  # everything about a choice but the triangles: mode, grids, codec

ROUNDS = 16  # files made and looked at or checked for one target, after the curves are known
CHECKS = 8  # of them at the other size of view
WORTH_BYTES = 0.015  # a predicted gain smaller than this share is not tried
NARROW = 1.02  # triangle counts nearer than this are the same
BYTES_EXPONENT = 0.95  # files grow a little less than their triangles
CAREFUL = 0.6  # steps up from a file that lost too much: lower than losses fall, not to step too far
FLOOR = 1e-6  # losses below this are no loss
OWN_POINTS = 3  # looks from which a curve of its own is known well enough


@dataclass(frozen=True, slots=True)
class Choice(Generic[Kind]):
    """A kind of file with so many triangles."""

    kind: Kind
    triangles: int


@dataclass(frozen=True, slots=True)
class Best(Generic[Kind]):
    """The lightest choice that was seen to be good enough."""

    choice: Choice[Kind]
    bytes: int
    losses: Losses


@dataclass(slots=True)
class Curve:
    """Losses over triangle counts, as far as looked at."""

    points: dict[int, Losses] = field(default_factory=dict)

    def triangles_for(self, target: Losses, most: int, added: Losses = (0.0, 0.0)) -> int | None:
        """The fewest triangles expected to lose no more than target; None where `most` would not do.

        added: what coarser grids lose on top of this curve.
        """
        wanted = tuple(max(goal - more, 0.0) for goal, more in zip(target, added, strict=True))
        if any(goal <= 0 < more for goal, more in zip(wanted, added, strict=True)):
            return None
        counts = sorted(self.points)
        failing = [count for count in counts if not _within(self.points[count], wanted)]
        passing = [count for count in counts if not failing or count > failing[-1]]
        if not failing:  # all are good enough: extend the curve downwards from its lowest two
            return _extended(self.points, counts[:2], wanted, most) if counts else None
        if not passing:  # none is: extend it upwards
            return _extended(self.points, counts[-2:], wanted, most)
        low, high = failing[-1], passing[0]
        needed = max(
            _between(low, high, self.points[low][side], self.points[high][side], wanted[side])
            for side in range(2)
        )
        return min(max(needed, low + 1), high)


def _within(losses: Losses, wanted: Sequence[float]) -> bool:
    return all(loss <= goal for loss, goal in zip(losses, wanted, strict=True))


def _between(low: int, high: int, loss_low: float, loss_high: float, goal: float) -> int:
    """Where a power law through both points reaches the goal."""
    if loss_low <= goal:
        return low
    first, second, wanted = (max(value, FLOOR) for value in (loss_low, loss_high, goal))
    if second >= first:
        return high
    share = (math.log(wanted) - math.log(first)) / (math.log(second) - math.log(first))
    return math.ceil(low * (high / low) ** min(max(share, 0.0), 1.0))


def _extended(points: dict[int, Losses], counts: list[int], wanted: Sequence[float], most: int) -> int | None:
    """Where the power law through two points (or of exponent 1 through one) reaches the goal."""
    needed = 1.0
    for side in range(2):
        losses = [max(points[count][side], FLOOR) for count in counts]
        exponent = 1.0
        if len(counts) == 2 and losses[0] > losses[1]:
            exponent = math.log(losses[0] / losses[1]) / math.log(counts[1] / counts[0])
        exponent = min(max(exponent, 0.3), 3.0)
        goal = max(wanted[side], FLOOR)
        if losses[-1] > FLOOR or wanted[side] < points[counts[-1]][side]:
            needed = max(needed, counts[-1] * (losses[-1] / goal) ** (1 / exponent))
    return math.ceil(needed) if needed <= most * NARROW else None


class EqualQuality(Generic[Kind]):
    """All that is known of one model's files, and the search for targets among them.

    kinds: those that may win. curve_of: the key of the curve a kind follows: kinds with equal keys look
    alike (the codec does not show). base_of: the key of the curve that stands for it until its own is known,
    and what the kind loses on top of that; None where nothing can be said of it. group_of: kinds of one
    group need the same more at another size of view. family_of: kinds of one family weigh nearly the same.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        most_triangles: int,
        weigh: Callable[[Choice[Kind]], int],
        look: Callable[[Choice[Kind]], Losses],
        curve_of: Callable[[Kind], object],
        base_of: Callable[[Kind], tuple[object, Losses] | None],
        group_of: Callable[[Kind], object],
        family_of: Callable[[Kind], object],
    ) -> None:
        self._kinds, self._most = list(kinds), most_triangles
        self._weigh, self._look = weigh, look
        self._curve_of, self._base_of, self._group_of = curve_of, base_of, group_of
        self._family_of = family_of
        self._may_win = set(self._kinds)
        self._refused: set[Choice[Kind]] = set()
        self._weights: dict[object, dict[int, int]] = {}
        self._penalties: dict[object, Losses] = {}
        self._curves: dict[object, Curve] = {}
        self.seen: dict[Choice[Kind], Best[Kind]] = {}

    def look(self, choice: Choice[Kind]) -> Best[Kind]:
        """Make a choice and look at it, once."""
        if choice not in self.seen:
            losses = self._look(choice)
            self.seen[choice] = Best(choice, self._weigh_once(choice), losses)
            self._curves.setdefault(self._curve_of(choice.kind), Curve()).points[choice.triangles] = losses
        return self.seen[choice]

    def allow(self, kind: Kind) -> None:
        """Another kind that may win."""
        if kind not in self._may_win:
            self._kinds.append(kind)
            self._may_win.add(kind)

    def weigh_with(self, other: "EqualQuality[Kind]") -> None:
        """Share what is known of weights with another search over the same files."""
        self._weights = other._weights

    def take(self, seen: Best[Kind]) -> None:
        """What another search made and looked at."""
        if seen.choice not in self.seen:
            self.seen[seen.choice] = seen
            for key in (seen.choice.kind, self._family_of(seen.choice.kind)):
                self._weights.setdefault(key, {})[seen.choice.triangles] = seen.bytes
            self.take_curve(seen)

    def take_curve(self, seen: Best[Kind]) -> None:
        """Only the losses that another search saw, of a kind that may not win here."""
        curve = self._curves.setdefault(self._curve_of(seen.choice.kind), Curve())
        curve.points.setdefault(seen.choice.triangles, seen.losses)

    def best_seen(self, target: Losses) -> Best[Kind] | None:
        """The lightest file seen so far that loses no more than target; nothing is made or looked at."""
        self._refused, self._penalties = set(), {}
        return self._best_seen(target)

    def solve(
        self, target: Losses, check: Callable[[Choice[Kind]], Losses | None] | None = None
    ) -> Best[Kind] | None:
        """The lightest file seen that loses no more than target (and that `check` agrees to); None if none
        does.

        check: a further, dearer test of a winner, at another size of view: None, or how much it loses too
        much there. Kinds of the same group are then expected to need so much less loss.
        """
        self._refused, self._penalties = set(), {}
        checks = CHECKS
        for _ in range(ROUNDS):
            best = self._best_seen(target)
            choice = self._most_promising(target, best)
            if choice is not None:
                self.look(choice)
            elif best is None or check is None or not checks:
                break
            else:
                checks -= 1
                excess = check(best.choice)
                if excess is None:
                    return best
                self._refuse(best.choice, excess)
        while (best := self._best_seen(target)) is not None and check is not None:
            excess = check(best.choice)
            if excess is None:
                break
            self._refuse(best.choice, excess)
        return best

    def _refuse(self, choice: Choice[Kind], excess: Losses) -> None:
        self._refused.add(choice)
        group = self._group_of(choice.kind)
        known = self._penalties.get(group, (0.0, 0.0))
        self._penalties[group] = (known[0] + excess[0], known[1] + excess[1])

    def _wanted(self, kind: Kind, target: Losses) -> Losses:
        penalty = self._penalties.get(self._group_of(kind), (0.0, 0.0))
        return max(target[0] - penalty[0], 0.0), max(target[1] - penalty[1], 0.0)

    def _best_seen(self, target: Losses) -> Best[Kind] | None:
        good = [
            seen
            for seen in self.seen.values()
            if seen.choice.kind in self._may_win
            and seen.choice not in self._refused
            and _within(seen.losses, self._wanted(seen.choice.kind, target))
        ]
        return min(good, key=lambda seen: seen.bytes, default=None)

    def _most_promising(self, target: Losses, best: Best[Kind] | None) -> Choice[Kind] | None:
        """The choice expected to be lightest; None where none is expected to be worth a look."""
        limit = math.inf if best is None else best.bytes * (1 - WORTH_BYTES)
        choices = [choice for kind in self._kinds if (choice := self._choice_for(kind, target)) is not None]
        weighed: set[Choice[Kind]] = set()
        while choices:
            lightest = min(choices, key=self._expected_bytes)
            if self._expected_bytes(lightest) >= limit:
                return None
            if lightest in weighed:
                return lightest
            weighed.add(lightest)
            self._weigh_once(lightest)
        return None

    def _choice_for(self, kind: Kind, target: Losses) -> Choice[Kind] | None:
        wanted = self._wanted(kind, target)
        triangles = self._expected_triangles(kind, wanted)
        if triangles is None:
            return None
        choice = Choice(kind, min(triangles, self._most))
        return self._next_above(choice, wanted) if any(_same(choice, seen) for seen in self.seen) else choice

    def _weigh_once(self, choice: Choice[Kind]) -> int:
        known = self._weights.setdefault(choice.kind, {})
        if choice.triangles not in known:
            known[choice.triangles] = self._weigh(choice)
            self._weights.setdefault(self._family_of(choice.kind), {})[choice.triangles] = known[
                choice.triangles
            ]
        return known[choice.triangles]

    def _expected_bytes(self, choice: Choice[Kind]) -> float:
        """From the nearest file of the kind that was made; 0, so that it is made, where there is none."""
        known = self._weights.get(choice.kind) or self._weights.get(self._family_of(choice.kind))
        if not known:
            return 0.0
        nearest = min(known, key=lambda count: abs(math.log(count / choice.triangles)))
        return known[nearest] * (choice.triangles / nearest) ** BYTES_EXPONENT

    def _next_above(self, choice: Choice[Kind], wanted: Losses) -> Choice[Kind] | None:
        """A little more triangles, where the choice itself was looked at and lost too much."""
        near = [seen for seen in self.seen.values() if _same(choice, seen.choice)]
        if any(_within(seen.losses, wanted) for seen in near):
            return None
        more = min(math.ceil(choice.triangles * NARROW), self._most)
        bumped = Choice(choice.kind, more)
        return None if more == choice.triangles or any(_same(bumped, seen) for seen in self.seen) else bumped

    def _expected_triangles(self, kind: Kind, target: Losses) -> int | None:
        own = self._curves.get(self._curve_of(kind), Curve())
        if len(own.points) >= OWN_POINTS:
            return own.triangles_for(target, self._most)
        base = self._base_of(kind)
        if base is None or base[0] not in self._curves:
            return None
        expected = self._curves[base[0]].triangles_for(target, self._most, base[1])
        for count, losses in own.points.items():
            if expected is not None and not _within(losses, target):
                lack = max(loss / max(goal, FLOOR) for loss, goal in zip(losses, target, strict=True))
                expected = max(expected, math.ceil(count * max(NARROW, lack**CAREFUL)))
        return None if expected is None or expected > self._most else expected


def _same(first: Choice[Kind], second: Choice[Kind]) -> bool:
    if first.kind != second.kind:
        return False
    low, high = sorted((first.triangles, second.triangles))
    return high < low * NARROW
