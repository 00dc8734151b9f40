"""What each knob of a file saves and costs, measured one knob at a time."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.settings import Settings, TextureKnob
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.texture_roles import TextureRole

VERIFICATIONS = 5  # trials kept back for combinations, at most
FIRST_STEP = 4.0  # triangles fall by this factor at first, and modes are compared there
GEOMETRY_STEP = 2.0  # then by this one from trial to trial
MIN_TRIANGLES = 200  # below this, a model is a silhouette
MIN_TEXTURE_PX = 64
FINE_STEPS = 4  # combinations are chosen between measured points, so many per factor of two
QUALITY_STEP = 5  # of a texture codec, between two measured qualities
MIN_SHARE = 0.02  # of the bytes of geometry: textures that weigh no more are left alone
TRIALS_OF_A_ROLE = 4  # of textures, kept for each kind that is measured later
MAX_COARSER_BITS = 2

Loss = NDArray[np.float64]  # (2,): 1 - SSIM, lit and unlit


@dataclass(frozen=True, slots=True)
class Trial:
    """One file made with some settings and looked at. texture_bytes: by role."""

    settings: Settings
    total_bytes: int
    texture_bytes: Mapping[TextureRole, int]
    gpu_bytes: int
    ssim_lit: float
    ssim_unlit: float

    @property
    def loss(self) -> Loss:
        """(lit, unlit), 0 is the same picture."""
        return np.array([1.0 - self.ssim_lit, 1.0 - self.ssim_unlit])

    @property
    def ssim(self) -> float:
        """The worse of lit and unlit: what targets are stated in."""
        return min(self.ssim_lit, self.ssim_unlit)

    @property
    def rest_bytes(self) -> int:
        """What is not texture."""
        return self.total_bytes - sum(self.texture_bytes.values())


@dataclass(frozen=True, slots=True)
class Range:
    """What may be tried: modes and, by role, the qualities from best to worst that are measured."""

    modes: tuple[SimplifyMode, ...] = (SimplifyMode.PLAIN,)
    qualities: Mapping[TextureRole, tuple[int, ...]] = field(
        default_factory=dict[TextureRole, tuple[int, ...]]
    )
    max_trials: int = 24
    coarser_bits: int = MAX_COARSER_BITS

    @property
    def verifications(self) -> int:
        """Trials kept back for combinations, while the knobs are measured."""
        return min(VERIFICATIONS, self.max_trials // 3)

    def __post_init__(self) -> None:
        if not self.modes or self.max_trials < 1:
            raise ValueError(f"Range: want at least one mode and one trial, got {self}")


@dataclass(slots=True)
class Bench:
    """Every trial of a search, each made once."""

    make: Callable[[Settings], Trial]
    max_trials: int
    verifications: int = 0
    trials: dict[Settings, Trial] = field(default_factory=dict[Settings, Trial])

    def look(self, settings: Settings) -> Trial:
        """The trial with these settings."""
        if settings not in self.trials:
            self.trials[settings] = self.make(settings)
        return self.trials[settings]

    def left(self) -> bool:
        """Whether another trial may be made."""
        return len(self.trials) < self.max_trials

    def may_measure(self, *, beside: int = 0) -> bool:
        """Whether another trial may be made to measure a knob, with some kept for what comes later."""
        return len(self.trials) < self.max_trials - self.verifications - beside


@dataclass(frozen=True, slots=True)
class Option:
    """One position of a knob: what it saves and costs.

    rest_factor: of all that is not texture (triangles and grids multiply). saved_bytes: of textures.
    """

    change: Callable[[Settings], Settings]
    rest_factor: float
    saved_bytes: float
    saved_gpu_bytes: float
    added_loss: Loss


Axis = list[Option]


def measure_knobs(bench: Bench, top: Trial, allowed: Range, max_loss: Loss) -> Iterator[Axis]:
    """The positions of every knob, from the ceiling down to where it alone would lose more than `max_loss`.

    Geometry comes first; textures and grids are then tried on the smallest geometry that still looks right,
    which is drawn faster. Stops early where the trials run short.
    """
    points = _fewer_triangles(bench, top, allowed, max_loss)
    yield list(_between_triangles(points, top))
    good = [point for point in points if (point.loss <= max_loss).all()]
    base = min(good, key=lambda point: point.settings.triangles, default=top)
    room = np.maximum(max_loss - top.loss, 0.0)
    heaviest_first = sorted(top.settings.textures, key=lambda role: -base.texture_bytes.get(role, 0))
    roles = [
        role for role in heaviest_first if base.texture_bytes.get(role, 0) >= MIN_SHARE * base.rest_bytes
    ]
    for later, role in zip(range(len(roles) - 1, -1, -1), roles, strict=True):
        qualities = allowed.qualities.get(role, (top.settings.textures[role].quality,))
        yield _texture_axis(bench, base, role, qualities, room, spared=TRIALS_OF_A_ROLE * later + 2)
    yield _bits_axis(bench, base, allowed, room)


def _fewer_triangles(bench: Bench, top: Trial, allowed: Range, max_loss: Loss) -> list[Trial]:
    """The ceiling, then a quarter of its triangles in the mode that looks best there (a half, where a quarter
    looks wrong), then half each time, down to the first that looks wrong.
    """
    triangles = max(MIN_TRIANGLES, round(top.settings.triangles / FIRST_STEP))
    if triangles >= top.settings.triangles or not bench.may_measure():
        return [top]
    modes = allowed.modes if bench.may_measure(beside=1) else allowed.modes[:1]
    tries = [bench.look(replace(top.settings, triangles=triangles, mode=mode)) for mode in modes]
    first = min(tries, key=lambda trial: (float(trial.loss.max()), trial.total_bytes))
    mode, points = first.settings.mode, [top]
    if (first.loss > max_loss).any() and bench.may_measure():
        half = round(top.settings.triangles / GEOMETRY_STEP)
        points.append(bench.look(replace(top.settings, triangles=half, mode=mode)))
    points.append(first)
    spared = min(4, bench.max_trials // 4)  # for textures and grids
    while (points[-1].loss <= max_loss).all() and bench.may_measure(beside=spared):
        triangles = round(triangles / GEOMETRY_STEP)
        if triangles < MIN_TRIANGLES:
            break
        points.append(bench.look(replace(top.settings, triangles=triangles, mode=mode)))
    return points


def _between_triangles(points: Sequence[Trial], top: Trial) -> Iterator[Option]:
    yield _as_it_is(top)
    for more, less in itertools.pairwise(points):
        steps = max(1, round(FINE_STEPS * math.log2(more.settings.triangles / less.settings.triangles)))
        for step in range(1, steps + 1):
            share = step / steps
            triangles = round(_geometric(more.settings.triangles, less.settings.triangles, share))
            yield Option(
                _triangles_to(triangles, less.settings.mode),
                _geometric(more.rest_bytes, less.rest_bytes, share) / top.rest_bytes,
                0.0,
                top.gpu_bytes - more.gpu_bytes - share * (less.gpu_bytes - more.gpu_bytes),
                _curve(more.loss, less.loss, share) - top.loss,
            )


def _texture_axis(
    bench: Bench, base: Trial, role: TextureRole, qualities: Sequence[int], room: Loss, *, spared: int
) -> Axis:
    """Smaller sides, and at each size the qualities from best to worst; some trials spared for later."""
    options = [_as_it_is(base)]
    px = base.settings.textures[role].max_px
    while px >= MIN_TEXTURE_PX:
        points: list[Trial] = []
        for quality in qualities:
            wanted = base.settings.with_texture(role, TextureKnob(px, quality))
            if wanted not in bench.trials and not bench.may_measure(beside=spared):
                break
            points.append(bench.look(wanted))
            if (points[-1].loss - base.loss > room).any():
                break
        options += _between_qualities(points, role, px, base)
        if not points or (points[0].loss - base.loss > room).any():
            break
        if points[-1].texture_bytes[role] < MIN_SHARE * base.rest_bytes:
            break
        px //= 2
    return options


def _between_qualities(points: Sequence[Trial], role: TextureRole, px: int, base: Trial) -> Iterator[Option]:
    here = base.texture_bytes[role]
    for first in points[:1]:
        yield Option(
            _texture_to(role, first.settings.textures[role]),
            1.0,
            here - first.texture_bytes[role],
            base.gpu_bytes - first.gpu_bytes,
            first.loss - base.loss,
        )
    for better, worse in itertools.pairwise(points):
        high, low = (trial.settings.textures[role].quality for trial in (better, worse))
        for quality in range(high - QUALITY_STEP, low - 1, -QUALITY_STEP):
            share = (high - quality) / (high - low)
            yield Option(
                _texture_to(role, TextureKnob(px, quality)),
                1.0,
                here - _geometric(better.texture_bytes[role], worse.texture_bytes[role], share),
                base.gpu_bytes - worse.gpu_bytes,
                _curve(better.loss, worse.loss, share) - base.loss,
            )


def _bits_axis(bench: Bench, base: Trial, allowed: Range, room: Loss) -> Axis:
    """All grids one and two bits coarser."""
    options = [_as_it_is(base)]
    for bits in range(1, allowed.coarser_bits + 1):
        wanted = base.settings.coarser(bits)
        if wanted == base.settings or not bench.may_measure():
            break
        trial = bench.look(wanted)
        if (trial.loss - base.loss > room).any():
            break
        factor = trial.rest_bytes / base.rest_bytes
        saved_gpu_bytes = base.gpu_bytes - trial.gpu_bytes
        options.append(Option(_coarser_by(bits), factor, 0.0, saved_gpu_bytes, trial.loss - base.loss))
    return options


def _triangles_to(triangles: int, mode: SimplifyMode) -> Callable[[Settings], Settings]:
    return lambda settings: replace(settings, triangles=triangles, mode=mode)


def _texture_to(role: TextureRole, knob: TextureKnob) -> Callable[[Settings], Settings]:
    return lambda settings: settings.with_texture(role, knob)


def _coarser_by(bits: int) -> Callable[[Settings], Settings]:
    return lambda settings: settings.coarser(bits)


def _as_it_is(trial: Trial) -> Option:
    """The knob where the ceiling has it."""
    return Option(lambda settings: settings, 1.0, 0.0, 0.0, np.zeros_like(trial.loss))


def _curve(first: Loss, second: Loss, share: float) -> Loss:
    """Losses between two measured ones: they grow by factors, as bytes do."""
    floor = 1e-5
    between: Loss = np.maximum(first, floor) * (np.maximum(second, floor) / np.maximum(first, floor)) ** share
    return between


def _geometric(first: float, second: float, share: float) -> float:
    return float(max(first, 1) * (max(second, 1) / max(first, 1)) ** share)
