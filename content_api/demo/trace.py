"""Islands met by rays: which tower each pixel sees, lit by the sun and the sky, dissolved into the haze."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from content_api.demo.field import FloatArray, fbm3, look_up, mix, smoothstep
from content_api.demo.islands import SEAM_COLUMNS, Grown, Standing
from content_api.demo.karst import STEEPNESS_LOW
from content_api.demo.sky import Sky
from content_api.demo.view import Rays, SphereView, View

MARCH_STEPS = 44
SHADOW_STEPS = 12
_GRAIN_WITHIN_M = 800.0
_BATCH = 1 << 16  # rays marched together: their arrays stay in cache


@dataclass(frozen=True, slots=True)
class Layer:
    """What was met: colour where `distance_m` is finite; row 0 is picture row `first_row`."""

    first_row: int
    colour: FloatArray
    distance_m: FloatArray

    @property
    def rows(self) -> range:
        """The picture rows it holds."""
        return range(self.first_row, self.first_row + len(self.colour))


@dataclass(frozen=True, slots=True)
class _Place:
    """A standing tower in its own squeezed space: the eye, and how directions change."""

    grown: Grown
    standing: Standing
    eye: tuple[float, float, float]
    cos: float
    sin: float

    def turned(self, rays: Rays) -> Rays:
        """World directions in the tower's space (of another length; distances along them stay metres)."""
        x, y, z = rays
        wide = np.float32(1.0 / self.standing.wide)
        tall = np.float32(1.0 / (self.standing.tall * self.grown.form.squeeze))
        return (
            (x * np.float32(self.cos) + z * np.float32(self.sin)) * wide,
            y * tall,
            (z * np.float32(self.cos) - x * np.float32(self.sin)) * wide,
        )


def trace_islands(
    view: View, eye_m: float, standing: Sequence[Standing], forms: Sequence[Grown], sky: Sky, rows: range
) -> Layer:
    """Every island in the picture's rows. A negative eye height sees the bay from under the sea's mirror."""
    colour = np.zeros((len(rows), view.width_px, 3), np.float32)
    depth = np.full((len(rows), view.width_px), np.inf, np.float32)
    layer = Layer(rows.start, colour, depth)
    for item in sorted(standing, key=lambda s: s.distance_m):
        place = _place(item, forms[item.form], eye_m)
        shaders = _between(item, standing, forms, sky)
        for box_rows, columns in _boxes(view, place, eye_m, rows):
            _draw(
                view,
                layer,
                place,
                [_place(s, forms[s.form], eye_m) for s in shaders],
                sky,
                eye_m,
                box_rows,
                columns,
            )
    return layer


def _place(standing: Standing, grown: Grown, eye_m: float) -> _Place:
    cos, sin = float(np.cos(standing.turn_rad)), float(np.sin(standing.turn_rad))
    x, z = -standing.east_m / standing.wide, -standing.south_m / standing.wide
    y = (eye_m / standing.tall - grown.form.core_m) / grown.form.squeeze
    return _Place(grown, standing, (x * cos + z * sin, y, z * cos - x * sin), cos, sin)


def _between(
    item: Standing, standing: Sequence[Standing], forms: Sequence[Grown], sky: Sky
) -> list[Standing]:
    """Other towers that may shade this one; far away nobody would see it."""
    if item.distance_m > 1600.0:
        return []
    sun_east, _, sun_south = sky.sun
    level = float(np.hypot(sun_east, sun_south))
    own = forms[item.form].radius_m * item.wide
    found = []
    for other in standing:
        east, south = other.east_m - item.east_m, other.south_m - item.south_m
        along = (east * sun_east + south * sun_south) / level
        beside = abs(east * sun_south - south * sun_east) / level
        radius = forms[other.form].radius_m * other.wide
        shadow = forms[other.form].top_m * other.tall / np.tan(sky.sun_up_rad)
        if 0 < along < shadow and beside < own + radius and other is not item:
            found.append(other)
    return found[:6]


def _boxes(view: View, place: _Place, eye_m: float, rows: range) -> list[tuple[range, range]]:
    """Picture areas that can hold the tower: one, or two where it straddles the panorama's seam."""
    item, grown = place.standing, place.grown
    radius = grown.radius_m * item.wide * 1.02
    near, distance = max(item.distance_m - radius, 5.0), item.distance_m
    half = float(np.arcsin(min(radius / distance, 0.99)))
    heading = float(np.arctan2(item.east_m, -item.south_m))
    top = grown.top_m * item.tall + 1.0
    ups = [
        np.arctan2(top - eye_m, near if top > eye_m else distance + radius),
        np.arctan2(-eye_m, near),
        np.arctan2(-eye_m, distance + radius),
    ]
    headings = np.array([heading - half, heading, heading + half], np.float32)
    if not isinstance(view, SphereView):
        middle = _heading_of(view)
        off = (headings - middle + np.pi) % (2 * np.pi) - np.pi
        if np.abs(off[1]) - half > 1.2:
            return []
        headings = (np.clip(off, -1.25, 1.25) + middle).astype(np.float32)
    grid_h, grid_u = np.meshgrid(headings, np.array(ups, np.float32))
    level = np.cos(grid_u)
    columns, picture_rows = view.places(level * np.sin(grid_h), np.sin(grid_u), -level * np.cos(grid_h))
    box_rows = range(
        max(int(picture_rows.min()) - 2, rows.start), min(int(picture_rows.max()) + 3, rows.stop)
    )
    if len(box_rows) == 0:
        return []
    if not view.wraps:
        left, right = max(int(columns.min()) - 2, 0), min(int(columns.max()) + 3, view.width_px)
        return [(box_rows, range(left, right))] if left < right else []
    at, reach = float(columns[0, 1]), half * view.px_per_rad + 2
    left, right = int(at - reach), int(at + reach) + 1
    pieces = [range(max(left, 0), min(right, view.width_px))]
    if left < 0:
        pieces.append(range(left + view.width_px, view.width_px))
    if right > view.width_px:
        pieces.append(range(right - view.width_px))
    return [(box_rows, piece) for piece in pieces if len(piece) > 0]


def _heading_of(view: View) -> float:
    x, _, z = view.rays(np.array([(view.width_px - 1) / 2], np.float32), np.array([0], np.float32))
    return float(np.arctan2(x[0], -z[0]))


def _draw(
    view: View,
    layer: Layer,
    place: _Place,
    shaders: Sequence[_Place],
    sky: Sky,
    eye_m: float,
    rows: range,
    columns: range,
) -> None:
    top = layer.first_row
    window = (slice(rows.start - top, rows.stop - top), slice(columns.start, columns.stop))
    depth = layer.distance_m[window]
    nearest = place.standing.distance_m - place.grown.radius_m * place.standing.wide
    grid = (
        np.arange(columns.start, columns.stop, dtype=np.float32)[None, :],
        np.arange(rows.start, rows.stop, dtype=np.float32)[:, None],
    )
    rays = view.rays(*grid)
    start, stop = _chord(place, place.turned(rays), rays[1], eye_m)
    wanted = np.flatnonzero((stop > start) & (depth > nearest))
    flat = [np.broadcast_to(c, depth.shape).ravel() for c in rays]
    for first in range(0, len(wanted), _BATCH):
        index = wanted[first : first + _BATCH]
        batch = (flat[0][index], flat[1][index], flat[2][index])
        met, distance = _march(place, place.turned(batch), start.ravel()[index], stop.ravel()[index])
        closer = distance < depth.ravel()[index[met]]
        met, distance = met[closer], distance[closer]
        if len(met) == 0:
            continue
        seen = (batch[0][met], batch[1][met], batch[2][met])
        light = _shade(view, place, shaders, sky, eye_m, seen, distance)
        row, column = np.unravel_index(index[met], depth.shape)
        depth[row, column] = distance
        layer.colour[window][row, column] = light


def _chord(place: _Place, turned: Rays, up: FloatArray, eye_m: float) -> tuple[FloatArray, FloatArray]:
    """Where rays enter and leave the ball around the tower, above the sea; stop <= start where they miss."""
    x, y, z = turned
    ox, oy, oz = (np.float32(c) for c in place.eye)
    a = x * x + y * y + z * z
    b = x * ox + y * oy + z * oz
    c = np.float32(float(ox) ** 2 + float(oy) ** 2 + float(oz) ** 2 - (place.grown.reach_max * 1.01) ** 2)
    inside = b * b - a * c
    root = np.sqrt(np.maximum(inside, 0.0))
    start, stop = np.maximum((-b - root) / a, 1.0), np.where(inside > 0, (-b + root) / a, -1.0)
    up = up + np.zeros_like(a)
    with np.errstate(divide="ignore"):
        sea = np.where(up * np.float32(eye_m) < 0, np.float32(-eye_m) / up, np.float32(np.inf))
    if eye_m > 0:
        return start, np.minimum(stop, sea)
    return np.maximum(start, np.where(up > 0, sea, np.inf)), stop


def _march(
    place: _Place, rays: Rays, start: FloatArray, stop: FloatArray
) -> tuple[NDArray[np.intp], FloatArray]:
    """Indices of rays that meet rock, and how far away, metres."""
    least = np.float32(max(0.12, place.standing.distance_m * 0.00035))
    active = np.arange(len(start))
    dx, dy, dz = rays
    t = start.copy()
    found, found_out, found_in = [], [], []
    previous = t.copy()
    for _ in range(MARCH_STEPS):
        gap = _gap(place, dx, dy, dz, t)
        hit = gap < 0
        if hit.any():
            found.append(active[hit])
            found_out.append(previous[hit])
            found_in.append(t[hit])
        on = ~hit & (t < stop)
        if not on.any():
            break
        active, stop = active[on], stop[on]
        dx, dy, dz = dx[on], dy[on], dz[on]
        previous = t[on]
        t = previous + np.maximum(gap[on] * np.float32(0.55 * place.standing.wide), least)
    if not found:
        return np.empty(0, np.intp), np.empty(0, np.float32)
    met, outside, within = np.concatenate(found), np.concatenate(found_out), np.concatenate(found_in)
    dx, dy, dz = (c[met] for c in rays)
    for _ in range(5):
        middle = (outside + within) * np.float32(0.5)
        rock = _gap(place, dx, dy, dz, middle) < 0
        within = np.where(rock, middle, within)
        outside = np.where(rock, outside, middle)
    return met, within


def _gap(place: _Place, dx: FloatArray, dy: FloatArray, dz: FloatArray, t: FloatArray) -> FloatArray:
    """Squeezed metres between points on rays and the rock; negative inside."""
    ox, oy, oz = (np.float32(c) for c in place.eye)
    return _gap_at(place.grown, dx * t + ox, dy * t + oy, dz * t + oz)


def _gap_at(grown: Grown, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
    level2 = x * x + z * z
    u, v = _table_place(grown.reach, x, y, z, np.sqrt(level2))
    return np.sqrt(level2 + y * y) - look_up(grown.reach, u, v)


def _table_place(
    table: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray, level: FloatArray
) -> tuple[FloatArray, FloatArray]:
    rows, columns = table.shape[0], table.shape[1] - 2 * SEAM_COLUMNS
    turn = np.arctan2(z, x)
    turn += np.float32(2 * np.pi) * (turn < 0)
    steepness = y / (np.abs(y) + level)
    u = turn * np.float32(columns / (2 * np.pi)) + np.float32(SEAM_COLUMNS - 0.5)
    v = (steepness - np.float32(STEEPNESS_LOW)) * np.float32(rows / (1.0 - STEEPNESS_LOW)) - np.float32(0.5)
    return u, v


def _shade(
    view: View,
    place: _Place,
    shaders: Sequence[_Place],
    sky: Sky,
    eye_m: float,
    rays: Rays,
    distance: FloatArray,
) -> FloatArray:
    """Light from the rock to the eye through the haze, (n, 3)."""
    item = place.standing
    turned = place.turned(rays)
    x, y, z = (d * distance + np.float32(o) for d, o in zip(turned, place.eye, strict=True))
    level = np.sqrt(x * x + z * z)
    colours, normals = place.grown.skin(item.distance_m / view.px_per_rad / item.wide)
    u, v = _table_place(colours, x, y, z, level)
    albedo, own = look_up(colours, u, v), look_up(normals, u, v)
    nx = (own[:, 0] * np.float32(place.cos) - own[:, 2] * np.float32(place.sin)) / np.float32(item.wide)
    nz = (own[:, 2] * np.float32(place.cos) + own[:, 0] * np.float32(place.sin)) / np.float32(item.wide)
    ny = own[:, 1] / np.float32(item.tall)
    scale = 1.0 / np.maximum(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-6)
    nx, ny, nz = nx * scale, ny * scale, nz * scale

    if item.distance_m < _GRAIN_WITHIN_M:
        albedo *= _grain(view, rays, distance)[:, None]
    height = np.maximum(rays[1] * distance + np.float32(eye_m), 0.0)
    sun = sky.sun
    facing = nx * np.float32(sun[0]) + ny * np.float32(sun[1]) + nz * np.float32(sun[2])
    green = np.clip((albedo[:, 1] - albedo[:, 0]) * 14.0, 0.0, 1.0)
    direct = np.clip(mix(facing, facing * 0.75 + 0.25, green), 0.0, 1.0)
    if item.distance_m < 3500.0:
        world = rays[0] * distance, rays[1] * distance + np.float32(eye_m), rays[2] * distance
        direct = direct * _sunshine(place, shaders, sky, world, (nx, ny, nz), eye_m)
    upward = 0.5 + 0.5 * ny
    thick = haze_metres(distance, height, abs(eye_m))
    haze = sky.haze(rays)
    out = np.empty_like(albedo)
    near_water = np.exp(height * np.float32(-0.12))
    for c, bounce in enumerate((0.10, 0.20, 0.17)):
        glow = np.float32(sky.ambient[c]) * (0.28 + 0.72 * upward) + np.float32(bounce) * (1.0 - upward) * (
            1.0 + near_water
        )
        light = albedo[:, c] * (glow + np.float32(sky.sunlight[c]) * direct)
        through = np.exp(thick * np.float32(-sky.haze_per_km[c] / 1000.0))
        out[:, c] = light * through + haze[:, c] * (1.0 - through)
    return out


def _grain(view: View, rays: Rays, distance: FloatArray) -> FloatArray:
    """Texture finer than the tables, where a pixel can show it."""
    x, y, z = (r * distance for r in rays)
    fine = fbm3(x * 0.9, y * 0.9, z * 0.9, 4, 700, gain=0.8)
    shown = smoothstep(0.65, 0.12, distance / np.float32(view.px_per_rad))
    return np.exp(0.15 * fine * shown)


def _sunshine(
    place: _Place, shaders: Sequence[_Place], sky: Sky, world: Rays, normal: Rays, eye_m: float
) -> FloatArray:
    """Share of the sun that reaches points: softly shaded by the tower itself and its neighbours."""
    sun = [np.float32(c) for c in sky.sun]
    light = np.ones_like(world[0])
    for caster in (place, *shaders):
        own = caster is place
        reach_m = caster.grown.radius_m * caster.standing.wide * (1.6 if own else 2.2)
        if own:
            offset = np.float32(0.35)
            steps = np.geomspace(0.9, reach_m, SHADOW_STEPS)
        else:
            offset = np.float32(0.0)
            gap = np.hypot(
                caster.standing.east_m - place.standing.east_m,
                caster.standing.south_m - place.standing.south_m,
            )
            steps = np.linspace(max(gap - reach_m, 2.0), gap + reach_m, SHADOW_STEPS)
        x, y, z = (w + n * offset for w, n in zip(world, normal, strict=True))
        for step in steps:
            far = np.float32(step)
            moved = caster.turned((x + sun[0] * far, y + sun[1] * far - np.float32(eye_m), z + sun[2] * far))
            px, py, pz = (m + np.float32(o) for m, o in zip(moved, caster.eye, strict=True))
            gap_m = _gap_at(caster.grown, px, py, pz)
            light = np.minimum(light, np.clip(0.5 + gap_m * np.float32(10.0 / (step + 5.0)), 0.0, 1.0))
    return light


def haze_metres(distance: FloatArray, height: FloatArray, eye_m: float) -> FloatArray:
    """Length of the way through air, counting the mist low over the sea more than the clear air above it."""
    mist = 0.5 * (np.exp(-height / np.float32(26.0)) + np.float32(np.exp(-eye_m / 26.0)))
    metres: FloatArray = np.maximum(distance - 120.0, 0.0) * (0.72 + 0.95 * mist)
    return metres
