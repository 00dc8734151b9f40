"""The cheapest settings that still look right: a bounded, deterministic search over rendered trials.

What a knob costs in looks is measured one knob at a time, from the best settings the budget allows (the
ceiling). Losses and bytes of different knobs add up well enough to choose a combination from; the chosen
combination is then made and rendered for real, and the difference to the prediction corrects the next choice.
Only what was made and rendered is ever returned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from asset_pipeline.models.knobs import (
    MIN_TEXTURE_PX,
    MIN_TRIANGLES,
    Axis,
    Bench,
    Loss,
    Option,
    Range,
    Trial,
    measure_knobs,
)
from asset_pipeline.models.settings import Settings

CLOSE = 0.03  # of the allowed loss: nearer than this to the target is as good as at it
BEYOND_REACH_LOSS = 0.005  # SSIM given up below the ceiling where that misses the target: bytes fall by half
MAX_OPTIONS = 24  # of one knob in a combination; 24**3 * 28 * 3 are a million combinations
MAX_SQUEEZES = 8  # triangles and sides halved together, where nothing chosen fits


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard budget of a file; None is no limit."""

    max_bytes: int | None = None
    max_gpu_bytes: int | None = None

    def hold(self, trial: Trial) -> bool:
        """Whether the trial is within them."""
        return (self.max_bytes is None or trial.total_bytes <= self.max_bytes) and (
            self.max_gpu_bytes is None or trial.gpu_bytes <= self.max_gpu_bytes
        )


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
    """The cheapest trial that meets the target within the limits. Where not even the ceiling meets it: the
    cheapest that looks nearly as good as the ceiling. Where no such fits: the best-looking that does; else
    the smallest.

    ceiling: the best settings the budget of triangles and pixels allows. target_ssim: of the worse of lit and
    unlit. make: makes and renders one file; the same settings give the same trial.
    """
    bench = Bench(make, allowed.max_trials, allowed.verifications)
    top = bench.look(ceiling)
    max_loss = np.maximum(1.0 - target_ssim, top.loss + BEYOND_REACH_LOSS if top.ssim < target_ssim else 0.0)
    explored = max_loss if limits.hold(top) else np.maximum(max_loss, top.loss) * 2  # the budget will hurt
    axes = [_worth_choosing(axis) for axis in measure_knobs(bench, top, allowed, explored)]
    _choose_and_verify(bench, axes, top, _Goal(max_loss, limits))
    _squeeze(bench, limits)
    best = _best(list(bench.trials.values()), max_loss, limits)
    return Found(best, len(bench.trials), best.ssim >= target_ssim, limits.hold(best))


def _best(trials: Sequence[Trial], max_loss: Loss, limits: Limits) -> Trial:
    fitting = [trial for trial in trials if limits.hold(trial)]
    good = [trial for trial in fitting if (trial.loss <= max_loss).all()]
    if good:
        return min(good, key=lambda trial: trial.total_bytes)
    if fitting:
        return max(fitting, key=lambda trial: (trial.ssim, -trial.total_bytes))
    return min(trials, key=lambda trial: trial.total_bytes)


@dataclass(frozen=True, slots=True)
class _Goal:
    """How much may be lost in all, lit and unlit, and the hard limits."""

    max_loss: Loss
    limits: Limits


def _choose_and_verify(bench: Bench, axes: Sequence[Axis], top: Trial, goal: _Goal) -> None:
    """Make the best combination; learn from what came out; again, until it stands or trials run out."""
    loss_margin, bytes_factor = np.zeros(2), 1.0
    while bench.left():
        choice = _choose(axes, top, goal, loss_margin, bytes_factor)
        settings = choice.apply(top.settings)
        if settings in bench.trials:
            return
        trial = bench.look(settings)
        loss_margin = trial.loss - (choice.loss - loss_margin)
        bytes_factor *= trial.total_bytes / max(choice.size_bytes, 1.0)
        slack = (goal.max_loss - trial.loss).min()
        if goal.limits.hold(trial) and 0 <= slack <= CLOSE * float(goal.max_loss.max()):
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


def _squeeze(bench: Bench, limits: Limits) -> None:
    """Smaller and smaller until a file fits the hard budget; looks come second there."""
    for _ in range(MAX_SQUEEZES):
        if any(limits.hold(trial) for trial in bench.trials.values()):
            return
        smallest = min(bench.trials.values(), key=lambda trial: trial.total_bytes).settings
        bench.look(smallest.halved(min_triangles=MIN_TRIANGLES, min_texture_px=MIN_TEXTURE_PX))


@dataclass(frozen=True, slots=True)
class _Choice:
    """A position for each knob, and what it is expected to give."""

    options: tuple[Option, ...]
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
    good = fits & (losses <= goal.max_loss).all(axis=1)
    if good.any():
        place = int(np.argmin(np.where(good, sizes, np.inf)))
    elif fits.any():
        place = int(np.argmin(np.where(fits, losses.max(axis=1), np.inf)))
    else:
        place = int(np.argmin(sizes))
    positions = np.unravel_index(place, [len(axis) for axis in axes])
    chosen = tuple(axis[int(position)] for axis, position in zip(axes, positions, strict=True))
    return _Choice(chosen, float(sizes[place]), losses[place])
