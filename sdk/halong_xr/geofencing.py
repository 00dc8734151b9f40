"""When a visitor enters, stays in and leaves a fence. No network, no files, no clock: fixes in, events out.

The rule is simple on purpose and lives in `_decide` alone:
- enter: two accepted fixes in a row inside, or one whose doubled accuracy circle lies inside as a whole;
- exit: two accepted fixes in a row farther outside than their accuracy, and than EXIT_MARGIN_M;
- dwell: once per stay, `dwell_s` after the first fix inside.
A fix that is not accepted decides nothing and breaks no row. Fences not for live use fire only in a sandbox.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from halong_xr.fences import Fence
from halong_xr.geo import LatLon
from halong_xr.models import Experience

MAX_FIX_ACCURACY_M = 100.0  # metres; a looser fix cannot tell one landing from the next
EXIT_MARGIN_M = 10.0  # metres; phones report 3 m and are 10 m off
FIXES_IN_A_ROW = 2  # one outlier alone never decides
FAR_INSIDE_RATIO = 2.0  # times the 68 % accuracy radius: about 95 % of the error lies within

FenceKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fix:
    """What a positioning sensor claims. Not checked when made: the Watcher refuses bad fixes and counts them.

    at_s: seconds on any clock that does not jump. accuracy_m: 68 % radius. height_m: None when not known.
    """

    at_s: float
    lat_deg: float
    lon_deg: float
    accuracy_m: float
    height_m: float | None = None

    def __repr__(self) -> str:
        return "Fix(hidden)"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at a fence: enter, dwell or exit. `since_s` is when a fix first showed it."""

    kind: str
    fence: Fence
    at_s: float
    since_s: float
    dwell_s: float | None = None


class Watcher:
    """Watches fences. Feed it fixes in the order of their time; it hands back what happened, often nothing.

    dwell_s: for each fence's key, after how many seconds inside a dwell event is due.
    """

    def __init__(
        self,
        fences: Iterable[Fence],
        *,
        sandbox: bool = False,
        dwell_s: Mapping[FenceKey, Iterable[float]] | None = None,
    ) -> None:
        self.sandbox = sandbox
        self.refused: Counter[str] = Counter()  # reason -> fixes that decided nothing
        self._last_s = -math.inf
        self._states: dict[FenceKey, _State] = {}
        self._fences: dict[FenceKey, Fence] = {}
        self._dwell_s: dict[FenceKey, tuple[float, ...]] = {}
        self.watch(fences, dwell_s=dwell_s)

    def watch(
        self, fences: Iterable[Fence], *, dwell_s: Mapping[FenceKey, Iterable[float]] | None = None
    ) -> None:
        """Watch these fences from now on. What is known of fences watched before and now is kept."""
        self._fences = {fence.key: fence for fence in fences}
        self._dwell_s = {key: tuple(sorted(due)) for key, due in (dwell_s or {}).items()}
        self._states = {key: self._states.get(key, _State()) for key in self._fences}

    def watch_experiences(self, experiences: Iterable[Experience]) -> None:
        """Watch the fences of these experiences' triggers."""
        fences: dict[FenceKey, Fence] = {}
        dwell_s: dict[FenceKey, set[float]] = {}
        for trigger in (trigger for experience in experiences for trigger in experience.triggers):
            fences[trigger.fence.key] = trigger.fence
            if trigger.kind == "dwell" and trigger.dwell_s is not None:
                dwell_s.setdefault(trigger.fence.key, set()).add(trigger.dwell_s)
        self.watch(fences.values(), dwell_s=dwell_s)

    @property
    def not_live(self) -> tuple[Fence, ...]:
        """The watched fences that are not for live use: outside a sandbox they never fire."""
        return tuple(fence for fence in self._fences.values() if not fence.live_use)

    def update(self, fix: Fix) -> list[Event]:
        """What this fix made happen, fence by fence. A refused fix gives nothing and is counted."""
        reason = self._reason_to_refuse(fix)
        if reason is not None:
            self.refused[reason] += 1
            return []
        self._last_s = fix.at_s
        point = LatLon(fix.lat_deg, fix.lon_deg)
        events: list[Event] = []
        for key, fence in self._fences.items():
            if fence.live_use or self.sandbox:
                edge_m = fence.edge_distance_m(point, fix.height_m)
                due = self._dwell_s.get(key, ())
                events += _decide(self._states[key], fence, fix, edge_m, due)
        return events

    def _reason_to_refuse(self, fix: Fix) -> str | None:
        numbers = (fix.at_s, fix.lat_deg, fix.lon_deg, fix.accuracy_m, fix.height_m or 0.0)
        if not all(map(math.isfinite, numbers)):
            return "not a number"
        if abs(fix.lat_deg) > 90 or abs(fix.lon_deg) > 180 or fix.accuracy_m < 0:
            return "out of range"
        if fix.at_s <= self._last_s:
            return "time not after the last fix"
        if fix.accuracy_m > MAX_FIX_ACCURACY_M:
            return "too inaccurate"
        return None


@dataclass(slots=True)
class _State:
    """What is known of one fence: inside or not, the row of fixes that speak against it, the stay."""

    inside: bool = False
    row: int = 0
    row_since_s: float = 0.0
    entered_s: float = 0.0
    dwelt: int = 0  # dwell events given in this stay


def _decide(state: _State, fence: Fence, fix: Fix, edge_m: float, due_s: tuple[float, ...]) -> list[Event]:
    """Take one accepted fix into a fence's state. This is the rule; a better one replaces this function."""
    if state.inside:
        against = edge_m > max(fix.accuracy_m, EXIT_MARGIN_M)
        enough = FIXES_IN_A_ROW
    else:
        against = edge_m <= 0
        enough = 1 if edge_m <= -FAR_INSIDE_RATIO * fix.accuracy_m else FIXES_IN_A_ROW
    state.row = state.row + 1 if against else 0
    if state.row == 1:
        state.row_since_s = fix.at_s
    events: list[Event] = []
    if against and state.row >= enough:
        state.inside, state.row = not state.inside, 0
        if state.inside:
            state.entered_s, state.dwelt = state.row_since_s, 0
        kind = "enter" if state.inside else "exit"
        events.append(Event(kind, fence, fix.at_s, state.row_since_s))
    if state.inside and state.row == 0:
        for dwell_s in due_s[state.dwelt :]:
            if fix.at_s - state.entered_s < dwell_s:
                break
            state.dwelt += 1
            events.append(Event("dwell", fence, fix.at_s, state.entered_s, dwell_s))
    return events
