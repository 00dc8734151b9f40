"""Whole files at equal rendered quality: the product's own search, aimed at what a peer's file looks like.

The search takes one target for lit and unlit. Ours must meet both of the peer's figures, so the losses are
handed to it in units of the peer's: both then have the same goal.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from asset_pipeline.models.recipes import ModelRecipe
from asset_pipeline.models.search import Limits, Range, Trial, search
from asset_pipeline.models.settings import Settings
from asset_pipeline.models.write_glb import GeometryCodec
from tests.benchmarks.models import glb
from tests.benchmarks.models.own import WITH_WEBP, Own
from tests.benchmarks.models.peers import TOTAL_PEERS, PeerRun, run_peer
from tests.benchmarks.models.scoring import CONFIRM_PX, SEARCH_PX, Eye, Look, as_json, try_look
from tests.benchmarks.models.sources import Source

UNIT = 0.05  # the loss that stands for the peer's
ROOM = 1.5  # our search may start from so many times the peer's triangles
MIN_LOSS = 1e-4  # a peer without loss is met to four digits
TRIES = 3  # searches for one peer: each time the larger view asks for more
STRICTER = 0.93
RATIOS = (0.25,)  # each search renders up to 24 trials: one of the three ratios


def compare_total(
    source: Source, eye: Eye, own: Own, ratios: Sequence[float], recipe: ModelRecipe = WITH_WEBP
) -> list[dict[str, Any]]:
    """A row for each ratio, against the smaller of gltf-transform's two files; none without textures."""
    rows = []
    for ratio in [ratio for ratio in ratios if ratio in RATIOS] or ratios[:1]:
        runs = [run_peer(peer, source, ratio) for peer in TOTAL_PEERS]
        made = [run for run in runs if run.problem is None]
        if not made or not glb.image_bytes(source.glb):
            continue
        run = min(made, key=lambda one: one.glb.stat().st_size)
        look = try_look(eye, run.glb)
        if isinstance(look, Look):
            rows.append(_row(run, look, source, eye, own, recipe))
    return rows


def _row(run: PeerRun, look: Look, source: Source, eye: Eye, own: Own, recipe: ModelRecipe) -> dict[str, Any]:
    large = eye.look(run.glb, CONFIRM_PX)
    wanted, search_for = look, _Search(source, eye, own, recipe, glb.count_triangles(run.glb))
    best: Trial | None = None
    confirmed = False
    for _ in range(TRIES):
        best = search_for.target(wanted)
        if best is None:
            break
        confirmed = search_for.look(best.settings, CONFIRM_PX).is_as_good_as(large)
        if confirmed:
            break
        lit, unlit = (loss * STRICTER for loss in wanted.losses)
        wanted = replace(wanted, ssim_lit=1 - lit, ssim_unlit=1 - unlit)
    row = {
        "peer": run.peer, "ratio": run.ratio, "theirs": run.glb.stat().st_size,
        "theirs_gzip": glb.total_gzip_bytes(run.glb), "their_triangles": glb.count_triangles(run.glb),
        "their_look": as_json(look), "trials": search_for.trials,
    }  # fmt: skip
    if best is None:
        return row | {"problem": "our search found no file of this quality"}
    path = search_for.path(best.settings)
    return row | {
        "ours": path.stat().st_size, "ours_gzip": glb.total_gzip_bytes(path), "confirmed": confirmed,
        "our_triangles": glb.count_triangles(path), "our_images": glb.image_bytes(path),
        "their_images": glb.image_bytes(run.glb), "our_settings": best.settings.as_json(),
        "our_look": as_json(eye.look(path)), "our_file": path.name,
    }  # fmt: skip


class _Search:
    def __init__(self, source: Source, eye: Eye, own: Own, recipe: ModelRecipe, triangles: int) -> None:
        self._eye, self._own, self._recipe = eye, own, recipe
        most = min(source.triangles, max(round(triangles * ROOM), 1))
        self._ceiling = replace(own.ceiling(recipe), triangles=most)
        self.trials = 0

    def target(self, look: Look) -> Trial | None:
        """The product's lightest file that looks at least so; None where its search met no such file."""
        lit, unlit = (max(loss, MIN_LOSS) for loss in look.losses)
        counted: set[Settings] = set()

        def make(settings: Settings) -> Trial:
            counted.add(settings)
            path, made = self._own.file_with(self._recipe, settings, GeometryCodec.DRACO)
            losses = self._eye.look(path).losses
            return Trial(
                settings, len(made.body), made.texture_bytes, made.measures.gpu_bytes,
                1 - losses[0] / lit * UNIT, 1 - losses[1] / unlit * UNIT,
            )  # fmt: skip

        allowed = Range(self._own.modes, self._recipe.qualities, self._recipe.max_trials)
        found = search(self._ceiling, allowed, Limits(), 1 - UNIT, make)
        self.trials += len(counted)
        return found.best if found.target_met else None

    def path(self, settings: Settings) -> Any:
        """The file of settings."""
        return self._own.file_with(self._recipe, settings, GeometryCodec.DRACO)[0]

    def look(self, settings: Settings, px: int = SEARCH_PX) -> Look:
        """Its look."""
        return self._eye.look(self.path(settings), px)
