"""What makes a geofence unfit beyond what its value refuses: crossing rings, a position too loose for it."""

from heritage_sites.geofence import Geofence, PolygonGeofence
from heritage_sites.plane import find_crossing, is_in_rings, to_plane
from heritage_sites.problem import Problem
from heritage_sites.site import Position, PositionBasis


def find_problems(geofence: Geofence, position: Position) -> list[Problem]:
    """Every fault of a geofence at a site of this position; `file` is "" and `where` begins at the geofence.

    The rule of the house: a geofence on a position that is not surveyed must be wider than the uncertainty
    and is not for live use.
    """
    problems = _find_ring_problems(geofence) if isinstance(geofence, PolygonGeofence) else []
    return problems + _find_position_problems(geofence, position)


def _find_ring_problems(geofence: PolygonGeofence) -> list[Problem]:
    origin = geofence.rings[0][0]
    rings = [[to_plane(point, origin) for point in ring] for ring in geofence.rings]
    if crossing := find_crossing(rings):
        first, second = crossing
        message = (
            f"Ring {first} crosses itself."
            if first == second
            else f"Rings {first} and {second} cross or touch."
        )
        return [Problem("", f"rings[{second}]", message, "Draw rings that do not cross.")]
    problems = []
    for place, hole in enumerate(rings[1:], start=1):
        if not is_in_rings(hole[0], rings[:1]):
            problems.append(Problem("", f"rings[{place}]", "The hole lies outside the outer ring."))
        elif any(is_in_rings(hole[0], [other]) for other in rings[1:] if other is not hole):
            problems.append(Problem("", f"rings[{place}]", "The hole lies inside another hole."))
    return problems


def _find_position_problems(geofence: Geofence, position: Position) -> list[Problem]:
    if position.basis is PositionBasis.SURVEYED:
        return []
    problems = []
    if geofence.live_use:
        problems.append(
            Problem(
                "",
                "live_use",
                f"A geofence on a position that is not surveyed ({position.basis}) is not for live use.",
                "Set live_use to false, or survey the position.",
            )
        )
    if position.point is None or position.uncertainty_m is None:
        problems.append(
            Problem("", "", "The site has no position, so it can have no geofence.", "Remove the geofence.")
        )
        return problems
    clearance_m = geofence.clearance_m(position.point)
    if not clearance_m > position.uncertainty_m:
        problems.append(
            Problem(
                "",
                "",
                f"The geofence must be wider than the position is uncertain ({position.uncertainty_m:g} m); "
                f"its edge is {max(clearance_m, 0.0):.0f} m from it.",
                "Widen the geofence, or survey the position.",
            )
        )
    return problems
