"""The cheapest settings that still look right: a bounded, deterministic search over rendered trials.

What a knob costs in looks is measured one knob at a time, from the best settings the budget allows (the
ceiling). Losses and bytes of different knobs add up well enough to choose a combination from; the chosen
combination is then made and rendered for real, and the difference to the prediction corrects the next choice.
Only what was made and rendered is ever returned.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.settings import Settings, TextureKnob
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.texture_roles import TextureRole

VERIFICATIONS = 5  # combinations made and rendered after the knobs were measured
GEOMETRY_STEP = 2.0  # triangles fall by this factor from trial to trial
MIN_TRIANGLES = 200  # below this, a model is a silhouette
MIN_TEXTURE_PX = 64
FINE_STEPS = 4  # combinations are chosen between measured points, so many per factor of two
QUALITY_STEP = 5  # of a texture codec, between two measured qualities
CLOSE = 0.03  # of the allowed loss: nearer than this to the target is as good as at it
MAX_COARSER_BITS = 2
MAX_OPTIONS = 24  # of one knob in a combination; 24**3 * 28 * 3 are a million combinations
MAX_SQUEEZES = 8  # triangles and sides halved together, where nothing chosen fits

Loss = NDArray[np.float64]  # (2,): 1 - SSIM, lit and unlit


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard budget of a file; None is no limit."""

    max_bytes: int | None = None
    max_gpu_bytes: int | None = None


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

    def fits(self, limits: Limits) -> bool:
        """Within the hard budget."""
        return (limits.max_bytes is None or self.total_bytes <= limits.max_bytes) and (
            limits.max_gpu_bytes is None or self.gpu_bytes <= limits.max_gpu_bytes
        )


@dataclass(frozen=True, slots=True)
class Range:
    """What may be tried: modes and, by role, the qualities from best to worst that are measured."""

    modes: tuple[SimplifyMode, ...] = (SimplifyMode.PLAIN,)
    qualities: Mapping[TextureRole, tuple[int, ...]] = field(
        default_factory=dict[TextureRole, tuple[int, ...]]
    )
    max_trials: int = 24
    coarser_bits: int = MAX_COARSER_BITS

    def __post_init__(self) -> None:
        if not self.modes or self.max_trials < 1:
            raise ValueError(f"Range: want at least one mode and one trial, got {self}")


@dataclass(frozen=True, slots=True)
class Found:
    """The best file of a search. target_met: it looks as right as was asked. fits: within the limits."""

    best: Trial
    trials: int
    target_met: bool
    fits: bool


def search(
    ceiling: Settings, allowed: Range, limits: Limits, target_ssim: float, make: Callable[[Settings], Trial]
) -> Found:
    """The cheapest trial that meets the target within the limits; else the best-looking one that fits; else
    the smallest.

    ceiling: the best settings the budget of triangles and pixels allows. target_ssim: of the worse of lit and
    unlit. make: makes and renders one file; the same settings give the same trial.
    """
    bench = _Bench(make, allowed.max_trials)
    top = bench.look(ceiling)
    goal = _Goal(np.full(2, 1.0 - target_ssim), limits)
    if top.ssim < target_ssim and not top.fits(limits):
        goal = goal.for_budget(top)
    axes = list(_measure_axes(bench, top, allowed, goal))
    _choose_and_verify(bench, [_worth_choosing(axis) for axis in axes], top, goal)
    _squeeze(bench, limits)
    return bench.found(target_ssim, limits)


@dataclass(slots=True)
class _Bench:
    """Every trial of a search, each made once."""

    make: Callable[[Settings], Trial]
    max_trials: int
    trials: dict[Settings, Trial] = field(default_factory=dict[Settings, Trial])

    def look(self, settings: Settings) -> Trial:
        if settings not in self.trials:
            self.trials[settings] = self.make(settings)
        return self.trials[settings]

    def left(self, *, keep: int = 0) -> bool:
        return len(self.trials) < self.max_trials - keep

    def found(self, target_ssim: float, limits: Limits) -> Found:
        trials = list(self.trials.values())
        good = [trial for trial in trials if trial.fits(limits) and trial.ssim >= target_ssim]
        fitting = [trial for trial in trials if trial.fits(limits)]
        if good:
            best = min(good, key=lambda trial: trial.total_bytes)
        elif fitting:
            best = max(fitting, key=lambda trial: (trial.ssim, -trial.total_bytes))
        else:
            best = min(trials, key=lambda trial: trial.total_bytes)
        return Found(best, len(trials), bool(good), bool(fitting))


@dataclass(frozen=True, slots=True)
class _Goal:
    """How much may be lost in all (per component), and the hard limits."""

    loss: Loss
    limits: Limits

    def for_budget(self, top: Trial) -> "_Goal":
        """Where even the ceiling misses the target: room to lose more, so that the budget can be met."""
        return _Goal(np.maximum(self.loss, top.loss * 1.5), self.limits)


@dataclass(frozen=True, slots=True)
class _Option:
    """One position of a knob: what it saves and costs against the ceiling.

    rest_factor: of all that is not texture (triangles and grids multiply). saved_bytes: of textures.
    """

    change: Callable[[Settings], Settings]
    rest_factor: float
    saved_bytes: float
    saved_gpu_bytes: float
    added_loss: Loss


Axis = list[_Option]


def _measure_axes(bench: _Bench, top: Trial, allowed: Range, goal: _Goal) -> Iterator[Axis]:
    """Each knob alone, from the most to the least important; stops when the trials run short."""
    yield _geometry_axis(bench, top, allowed, goal)
    for role, knob in top.settings.textures.items():
        if top.texture_bytes.get(role, 0) > 0:
            yield _texture_axis(bench, top, role, knob, allowed.qualities.get(role, (knob.quality,)), goal)
    yield _bits_axis(bench, top, allowed, goal)


def _geometry_axis(bench: _Bench, top: Trial, allowed: Range, goal: _Goal) -> Axis:
    """Fewer and fewer triangles, in the mode that looks best halfway."""
    mode = _best_mode(bench, top, allowed)
    points = [top]
    triangles = top.settings.triangles / GEOMETRY_STEP
    while triangles >= MIN_TRIANGLES and bench.left(keep=VERIFICATIONS + 3 * len(top.settings.textures)):
        points.append(bench.look(replace(top.settings, triangles=round(triangles), mode=mode)))
        if _is_past(points[-1].loss - top.loss, goal, top):
            break
        triangles /= GEOMETRY_STEP
    return list(_between_triangles(points, mode, top))


def _best_mode(bench: _Bench, top: Trial, allowed: Range) -> SimplifyMode:
    if len(allowed.modes) == 1 or not bench.left(keep=VERIFICATIONS + 2):
        return allowed.modes[0]
    triangles = max(MIN_TRIANGLES, round(top.settings.triangles / GEOMETRY_STEP**2))
    tries = [bench.look(replace(top.settings, triangles=triangles, mode=mode)) for mode in allowed.modes]
    return min(tries, key=lambda trial: (float(trial.loss.max()), trial.total_bytes)).settings.mode


def _between_triangles(points: Sequence[Trial], mode: SimplifyMode, top: Trial) -> Iterator[_Option]:
    yield _as_it_is(top)
    for more, less in itertools.pairwise(points):
        for step in range(1, FINE_STEPS + 1):
            share = step / FINE_STEPS
            triangles = round(_geometric(more.settings.triangles, less.settings.triangles, share))
            yield _Option(
                _triangles_to(triangles, mode),
                _geometric(more.rest_bytes, less.rest_bytes, share) / top.rest_bytes,
                0.0,
                top.gpu_bytes - more.gpu_bytes - share * (less.gpu_bytes - more.gpu_bytes),
                _added(_curve(more.loss, less.loss, share), top),
            )


def _texture_axis(
    bench: _Bench,
    top: Trial,
    role: TextureRole,
    knob: TextureKnob,
    qualities: Sequence[int],
    goal: _Goal,
) -> Axis:
    """Smaller sides, and at each size the qualities from best to worst."""
    options = [_as_it_is(top)]
    px = knob.max_px
    while px >= MIN_TEXTURE_PX:
        points: list[Trial] = []
        for quality in qualities:
            wanted = top.settings.with_texture(role, TextureKnob(px, quality))
            if wanted not in bench.trials and not bench.left(keep=VERIFICATIONS):
                break
            points.append(bench.look(wanted))
            if _is_past(points[-1].loss - top.loss, goal, top):
                break
        options += _between_qualities(points, role, px, top)
        if not points or _is_past(points[0].loss - top.loss, goal, top):
            break
        px //= 2
    return options


def _between_qualities(points: Sequence[Trial], role: TextureRole, px: int, top: Trial) -> Iterator[_Option]:
    here = top.texture_bytes[role]
    if points:
        first = points[0]
        knob = first.settings.textures[role]
        saved_bytes = here - first.texture_bytes[role]
        saved_gpu_bytes = top.gpu_bytes - first.gpu_bytes
        yield _Option(_texture_to(role, knob), 1.0, saved_bytes, saved_gpu_bytes, _added(first.loss, top))
    for better, worse in itertools.pairwise(points):
        high, low = (trial.settings.textures[role].quality for trial in (better, worse))
        for quality in range(high - QUALITY_STEP, low - 1, -QUALITY_STEP):
            share = (high - quality) / (high - low)
            yield _Option(
                _texture_to(role, TextureKnob(px, quality)),
                1.0,
                here - _geometric(better.texture_bytes[role], worse.texture_bytes[role], share),
                top.gpu_bytes - worse.gpu_bytes,
                _added(_curve(better.loss, worse.loss, share), top),
            )


def _bits_axis(bench: _Bench, top: Trial, allowed: Range, goal: _Goal) -> Axis:
    """All grids one and two bits coarser."""
    options = [_as_it_is(top)]
    for bits in range(1, allowed.coarser_bits + 1):
        wanted = top.settings.coarser(bits)
        if wanted == top.settings or not bench.left(keep=VERIFICATIONS):
            break
        trial = bench.look(wanted)
        if _is_past(trial.loss - top.loss, goal, top):
            break
        factor = trial.rest_bytes / top.rest_bytes
        saved_gpu_bytes = top.gpu_bytes - trial.gpu_bytes
        options.append(_Option(_coarser_by(bits), factor, 0.0, saved_gpu_bytes, _added(trial.loss, top)))
    return options


def _triangles_to(triangles: int, mode: SimplifyMode) -> Callable[[Settings], Settings]:
    return lambda settings: replace(settings, triangles=triangles, mode=mode)


def _texture_to(role: TextureRole, knob: TextureKnob) -> Callable[[Settings], Settings]:
    return lambda settings: settings.with_texture(role, knob)


def _coarser_by(bits: int) -> Callable[[Settings], Settings]:
    return lambda settings: settings.coarser(bits)


def _as_it_is(top: Trial) -> _Option:
    """The knob where the ceiling has it."""
    return _Option(lambda settings: settings, 1.0, 0.0, 0.0, np.zeros_like(top.loss))


def _added(loss: Loss, top: Trial) -> Loss:
    added: Loss = np.maximum(loss - top.loss, 0.0)
    return added


def _is_past(added: Loss, goal: _Goal, top: Trial) -> bool:
    """Alone, this costs more than all that may be lost."""
    return bool((added > np.maximum(goal.loss - top.loss, 0.0)).any())


def _curve(first: Loss, second: Loss, share: float) -> Loss:
    """Losses between two measured ones: they grow by factors, as bytes do."""
    floor = 1e-5
    between: Loss = np.maximum(first, floor) * (np.maximum(second, floor) / np.maximum(first, floor)) ** share
    return between


def _geometric(first: float, second: float, share: float) -> float:
    return float(max(first, 1) * (max(second, 1) / max(first, 1)) ** share)


def _choose_and_verify(bench: _Bench, axes: Sequence[Axis], top: Trial, goal: _Goal) -> None:
    """Make the best combination; learn from what came out; again, until it stands or trials run out."""
    loss_margin, bytes_factor = np.zeros(2), 1.0
    for _ in range(VERIFICATIONS + bench.max_trials):
        if not bench.left():
            return
        choice = _choose(axes, top, goal, loss_margin, bytes_factor)
        settings = choice.apply(top.settings)
        if settings in bench.trials:
            return
        trial = bench.look(settings)
        loss_margin = trial.loss - (choice.loss - loss_margin)
        bytes_factor *= trial.total_bytes / max(choice.size_bytes, 1.0)
        slack = (goal.loss - trial.loss).min()
        if trial.fits(goal.limits) and 0 <= slack <= CLOSE * float(goal.loss.max()):
            return


def _worth_choosing(axis: Axis) -> Axis:
    """Without options that another one beats in bytes and in looks; the ceiling stays."""
    by_bytes = sorted(
        axis[1:], key=lambda one: (one.rest_factor, -one.saved_bytes, float(one.added_loss.sum()))
    )
    kept: Axis = []
    for option in by_bytes:  # from the most saved to the least: each must lose less than all before it
        saves = option.rest_factor < 1.0 or option.saved_bytes > 0
        if saves and not any((other.added_loss <= option.added_loss).all() for other in kept):
            kept.append(option)
    if len(kept) > MAX_OPTIONS:
        kept = [kept[round(place)] for place in np.linspace(0, len(kept) - 1, MAX_OPTIONS)]
    return [axis[0], *kept]


def _squeeze(bench: _Bench, limits: Limits) -> None:
    """Smaller and smaller until a file fits the hard budget; looks come second there."""
    for _ in range(MAX_SQUEEZES):
        if any(trial.fits(limits) for trial in bench.trials.values()):
            return
        smallest = min(bench.trials.values(), key=lambda trial: trial.total_bytes).settings
        bench.look(smallest.halved(min_triangles=MIN_TRIANGLES, min_texture_px=MIN_TEXTURE_PX))


@dataclass(frozen=True, slots=True)
class _Choice:
    """A position for each knob, and what it is expected to give."""

    options: tuple[_Option, ...]
    size_bytes: float
    loss: Loss

    def apply(self, settings: Settings) -> Settings:
        for option in self.options:
            settings = option.change(settings)
        return settings


def _choose(axes: Sequence[Axis], top: Trial, goal: _Goal, loss_margin: Loss, bytes_factor: float) -> _Choice:
    """The combination with the fewest bytes that is expected to meet goal and limits; else to fit the limits
    with the least loss; else the smallest.
    """
    rest, saved, gpu, lost = np.ones(1), np.zeros(1), np.zeros(1), np.zeros((1, 2))
    for axis in axes:
        rest = (rest[:, None] * np.array([option.rest_factor for option in axis])).reshape(-1)
        saved = (saved[:, None] + np.array([option.saved_bytes for option in axis])).reshape(-1)
        gpu = (gpu[:, None] + np.array([option.saved_gpu_bytes for option in axis])).reshape(-1)
        lost = (lost[:, None] + np.array([option.added_loss for option in axis])).reshape(-1, 2)
    textures_bytes = sum(top.texture_bytes.values())
    sizes = np.maximum(top.rest_bytes * rest + textures_bytes - saved, 1.0) * bytes_factor
    losses = top.loss + lost + loss_margin
    fits = np.ones(len(sizes), bool)
    if goal.limits.max_bytes is not None:
        fits &= sizes <= goal.limits.max_bytes
    if goal.limits.max_gpu_bytes is not None:
        fits &= top.gpu_bytes - gpu <= goal.limits.max_gpu_bytes
    good = fits & (losses <= goal.loss).all(axis=1)
    if good.any():
        place = int(np.argmin(np.where(good, sizes, np.inf)))
    elif fits.any():
        place = int(np.argmin(np.where(fits, losses.max(axis=1), np.inf)))
    else:
        place = int(np.argmin(sizes))
    positions = np.unravel_index(place, [len(axis) for axis in axes])
    chosen = tuple(axis[int(position)] for axis, position in zip(axes, positions, strict=True))
    return _Choice(chosen, float(sizes[place]), losses[place])
