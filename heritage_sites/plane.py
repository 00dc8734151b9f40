"""Plane geometry of small shapes: metres east and north of an origin, and what can be asked of rings there.

Within a few tens of kilometres, and away from the poles, the equirectangular plane about a shape's own
origin is off by less than 0.1 %, far below any position's uncertainty.
"""

import heapq
import itertools
import math
from collections.abc import Sequence

from heritage_sites.geo import METRES_PER_DEGREE, LatLon, lon_difference_deg, wrap_lon_deg

Vector = tuple[float, float]  # metres east, metres north


def to_plane(point: LatLon, origin: LatLon) -> Vector:
    """Metres east and north of the origin; the short way round the globe."""
    east_deg = lon_difference_deg(point.lon_deg, origin.lon_deg)
    return (
        east_deg * METRES_PER_DEGREE * math.cos(math.radians(origin.lat_deg)),
        (point.lat_deg - origin.lat_deg) * METRES_PER_DEGREE,
    )


def from_plane(vector: Vector, origin: LatLon) -> LatLon:
    """The inverse of to_plane."""
    east_deg = vector[0] / (METRES_PER_DEGREE * math.cos(math.radians(origin.lat_deg)))
    return LatLon(origin.lat_deg + vector[1] / METRES_PER_DEGREE, wrap_lon_deg(origin.lon_deg + east_deg))


def distance_to_segment_m(point: Vector, a: Vector, b: Vector) -> float:
    """Distance from a point to the segment a-b."""
    along = (b[0] - a[0], b[1] - a[1])
    length_squared = along[0] ** 2 + along[1] ** 2
    share = 0.0
    if length_squared > 0.0:
        share = ((point[0] - a[0]) * along[0] + (point[1] - a[1]) * along[1]) / length_squared
        share = min(1.0, max(0.0, share))
    return math.hypot(point[0] - a[0] - share * along[0], point[1] - a[1] - share * along[1])


def distance_to_line_m(point: Vector, line: Sequence[Vector]) -> float:
    """Distance from a point to a line of two or more points (or a closed ring's edge)."""
    return min(distance_to_segment_m(point, a, b) for a, b in itertools.pairwise(line))


def is_in_rings(point: Vector, rings: Sequence[Sequence[Vector]]) -> bool:
    """True if an odd number of edges of the closed rings lies east of the point: inside, and in no hole."""
    inside = False
    east, north = point
    for ring in rings:
        for (ax, ay), (bx, by) in itertools.pairwise(ring):
            if (ay > north) != (by > north) and east < ax + (north - ay) * (bx - ax) / (by - ay):
                inside = not inside
    return inside


def signed_area_m2(ring: Sequence[Vector]) -> float:
    """Area of a closed ring; positive if it runs counter-clockwise."""
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in itertools.pairwise(ring)) / 2.0


def find_crossing(rings: Sequence[Sequence[Vector]]) -> tuple[int, int] | None:
    """The indexes of two rings (or twice the same) whose edges cross or touch; None if all are clean."""
    edges = sorted(
        (min(a[0], b[0]), max(a[0], b[0]), min(a[1], b[1]), max(a[1], b[1]), number, place, a, b)
        for number, ring in enumerate(rings)
        for place, (a, b) in enumerate(itertools.pairwise(ring))
    )
    for index, (_, east, south, north, number, place, a, b) in enumerate(edges):
        count = len(rings[number]) - 1
        for later in range(index + 1, len(edges)):
            west, _, other_south, other_north, other, other_place, c, d = edges[later]
            if west > east:
                break
            if other_south > north or other_north < south:
                continue
            if number == other and (place - other_place) % count in (0, 1, count - 1):
                continue  # neighbours in one ring share a point
            if _do_touch(a, b, c, d):
                return (min(number, other), max(number, other))
    return None


MAX_SQUARES = 200  # looked at in search of an inner point: enough for 2 % in any shape people draw


def inner_point(rings: Sequence[Sequence[Vector]]) -> tuple[Vector, float]:
    """A point inside, far from every edge, and its distance to the nearest: usually within 2 % of the best.

    A first point is found on a line through the shape, so that there is one however thin it is. Then squares
    are halved, most promising first (after mapbox/polylabel). A centroid could lie outside.
    """
    outer = rings[0]
    low = (min(x for x, _ in outer), min(y for _, y in outer))
    high = (max(x for x, _ in outer), max(y for _, y in outer))
    best_point = _point_on_a_line_through(rings)
    best_m = clearance(best_point, rings)
    half = max(high[0] - low[0], high[1] - low[1]) / 2.0
    queue = [(-math.inf, 2.0 * half, ((low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0))]
    looked_at = 0
    while queue and looked_at < MAX_SQUARES:
        reachable, side, (x, y) = heapq.heappop(queue)
        if -reachable <= best_m * 1.02:
            break
        quarter = side / 4.0
        for dx, dy in ((-quarter, -quarter), (quarter, -quarter), (-quarter, quarter), (quarter, quarter)):
            middle = (x + dx, y + dy)
            clearance_m = clearance(middle, rings)
            looked_at += 1
            if clearance_m > best_m:
                best_point, best_m = middle, clearance_m
            heapq.heappush(queue, (-(clearance_m + quarter * math.sqrt(2.0)), side / 2.0, middle))
    return best_point, best_m


def _point_on_a_line_through(rings: Sequence[Sequence[Vector]]) -> Vector:
    """The middle of the widest piece inside, on an east-west line that meets no vertex."""
    heights = sorted({y for ring in rings for _, y in ring})
    _, north = max((upper - lower, (lower + upper) / 2.0) for lower, upper in itertools.pairwise(heights))
    crossings = sorted(
        ax + (north - ay) * (bx - ax) / (by - ay)
        for ring in rings
        for (ax, ay), (bx, by) in itertools.pairwise(ring)
        if (ay > north) != (by > north)
    )
    pieces = zip(crossings[::2], crossings[1::2], strict=True)  # in, out, in, out ...
    _, east = max((right - left, (left + right) / 2.0) for left, right in pieces)
    return (east, north)


def clearance(point: Vector, rings: Sequence[Sequence[Vector]]) -> float:
    """Distance from a point to the nearest edge: positive inside, negative outside or in a hole."""
    distance = min(distance_to_line_m(point, ring) for ring in rings)
    return distance if is_in_rings(point, rings) else -distance


def _do_touch(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    pairs = ((turns[0], a, b, c), (turns[1], a, b, d), (turns[2], c, d, a), (turns[3], c, d, b))
    return any(turn == 0 and _is_between(start, end, point) for turn, start, end, point in pairs)


def _turn(a: Vector, b: Vector, c: Vector) -> int:
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    return (cross > 0) - (cross < 0)


def _is_between(a: Vector, b: Vector, point: Vector) -> bool:
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
