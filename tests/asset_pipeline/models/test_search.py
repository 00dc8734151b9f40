"""The search over settings, on made laws of loss and bytes: the best answer is known by trying all."""

from dataclasses import replace

import pytest

from asset_pipeline.models.knobs import MIN_TRIANGLES, Range, Trial
from asset_pipeline.models.search import BEYOND_REACH_LOSS, Limits, search
from asset_pipeline.models.settings import Settings, TextureKnob
from asset_pipeline.models.steps.simplify import SimplifyMode
from asset_pipeline.models.steps.texture_roles import TextureRole

CEILING = Settings(
    100_000,
    SimplifyMode.PLAIN,
    13,
    12,
    8,
    TextureKnob(2048, 85),
    TextureKnob(2048, 85),
    TextureKnob(2048, 85),
)
QUALITIES = {TextureRole.COLOR: (85, 40)}
BOTH = (SimplifyMode.PLAIN, SimplifyMode.UPDATE)


class Law:
    """Bytes and losses as smooth laws of the settings; counts how often it is asked."""

    def __init__(
        self, *, geometry: float = 400.0, texture: float = 1.0, base: float = 0.0, coupling: float = 0.0
    ) -> None:
        self.geometry, self.texture, self.base, self.coupling = geometry, texture, base, coupling
        self.made: list[Settings] = []

    def __call__(self, settings: Settings) -> Trial:
        assert settings not in self.made, "the same settings were made twice"
        self.made.append(settings)
        return self.at(settings)

    def at(self, settings: Settings) -> Trial:
        triangles, knob = settings.triangles, settings.colour
        better = 0.8 if settings.mode is SimplifyMode.UPDATE else 1.0
        geometry_loss = self.geometry * better / triangles
        texture_loss = self.texture * (20.0 / knob.max_px + (100 - knob.quality) * 2e-4)
        bits_loss = 2.0 ** (9 - settings.position_bits) * 1e-3
        lit = (
            self.base
            + geometry_loss
            + texture_loss
            + bits_loss
            + self.coupling * geometry_loss * texture_loss
        )
        unlit = self.base + geometry_loss * 0.5 + texture_loss * 1.2 + bits_loss
        colour = int(knob.max_px**2 * 0.08 * 2.0 ** ((knob.quality - 85) / 20))
        rest = int(triangles * (settings.position_bits + settings.uv_bits) * 0.08) + 2000
        return Trial(
            settings, colour + rest, {TextureRole.COLOR: colour}, knob.max_px**2 * 5, 1 - lit, 1 - unlit
        )


def cheapest(law: Law, target: float, limits: Limits) -> int:
    """The fewest bytes on a fine grid of everything."""
    sizes = []
    triangles = float(CEILING.triangles)
    while triangles >= MIN_TRIANGLES:
        for px in (2048, 1024, 512, 256, 128, 64):
            for quality in range(35, 86, 5):
                for bits in (0, 1, 2):
                    settings = replace(
                        CEILING.coarser(bits),
                        triangles=round(triangles),
                        mode=SimplifyMode.UPDATE,
                        colour=TextureKnob(px, quality),
                    )
                    trial = law.at(settings)
                    if trial.ssim >= target and limits.hold(trial):
                        sizes.append(trial.total_bytes)
        triangles /= 2**0.25
    return min(sizes)


@pytest.mark.parametrize("target", [0.90, 0.95, 0.98])
@pytest.mark.parametrize("law", [Law(), Law(geometry=40), Law(texture=0.3), Law(coupling=5.0)])
def test_comes_within_a_seventh_of_the_best_there_is(law: Law, target: float) -> None:
    law.made.clear()

    found = search(CEILING, Range(BOTH, QUALITIES, max_trials=30), Limits(), target, law)

    assert found.target_met
    assert found.best.ssim >= target
    assert found.best.settings.mode is SimplifyMode.UPDATE
    assert found.best.total_bytes <= 1.15 * cheapest(law, target, Limits())
    assert found.trials == len(law.made) <= 30


def test_the_same_again_is_the_same() -> None:
    first = search(CEILING, Range(BOTH, QUALITIES), Limits(), 0.95, Law(coupling=2.0))
    second = search(CEILING, Range(BOTH, QUALITIES), Limits(), 0.95, Law(coupling=2.0))

    assert first == second


def test_a_target_out_of_reach_gives_nearly_the_looks_of_the_ceiling_for_far_fewer_bytes_and_says_so() -> (
    None
):
    ceiling = Law(base=0.2).at(CEILING)

    found = search(CEILING, Range(BOTH, QUALITIES), Limits(), 0.95, Law(base=0.2))

    assert not found.target_met
    assert found.fits
    assert found.best.ssim >= ceiling.ssim - BEYOND_REACH_LOSS
    assert found.best.total_bytes < 0.7 * ceiling.total_bytes


@pytest.mark.parametrize("max_bytes", [300_000, 100_000, 30_000, 9_000])
def test_a_byte_budget_too_small_for_the_target_is_kept_and_said(max_bytes: int) -> None:
    limits = Limits(max_bytes=max_bytes)

    found = search(CEILING, Range(BOTH, QUALITIES), limits, 0.985, Law())

    assert found.fits
    assert found.best.total_bytes <= max_bytes
    assert not found.target_met


def test_gpu_memory_is_a_limit_too() -> None:
    limits = Limits(max_gpu_bytes=1024 * 1024 * 5)

    found = search(CEILING, Range(BOTH, QUALITIES), limits, 0.93, Law())

    assert found.best.gpu_bytes <= 1024 * 1024 * 5
    assert found.target_met


def test_no_more_trials_than_allowed() -> None:
    for trials in (1, 2, 5, 9):
        law = Law()
        found = search(CEILING, Range(BOTH, QUALITIES, max_trials=trials), Limits(), 0.95, law)
        assert found.trials == len(law.made) <= trials
        assert found.best.ssim >= 0.95


def test_a_model_without_textures_has_only_geometry_to_save() -> None:
    def make(settings: Settings) -> Trial:
        trial = Law(texture=0.0).at(settings)
        return Trial(settings, trial.rest_bytes, {}, 1, trial.ssim_lit, trial.ssim_unlit)

    found = search(CEILING, Range(BOTH, QUALITIES), Limits(), 0.98, make)

    assert found.target_met
    assert 0.98 <= found.best.ssim <= 0.985
    assert found.best.settings.colour == CEILING.colour


def test_what_already_looks_as_asked_at_the_floor_is_taken_at_the_floor() -> None:
    small = replace(CEILING, triangles=150)

    found = search(small, Range(BOTH, QUALITIES), Limits(), 0.5, Law(geometry=1.0))

    assert found.best.settings.triangles == 150
    assert found.target_met
