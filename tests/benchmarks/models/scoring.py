"""Rendered scores of files, from the product's judge, kept on disk by what was compared with what.

A file is looked at from 12 sides, one set of cameras and lights from the source's bounds, at two sizes: the
comparison is made at SEARCH_PX, and its winners must also hold at CONFIRM_PX.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from asset_pipeline.models import judge as judge_package
from asset_pipeline.models.judge import Judge, JudgeFailed, ViewPlan
from tests.benchmarks.harness import OUT_FOLDER
from tests.benchmarks.models.sources import Source

SEARCH_PX, CONFIRM_PX = 384, 768
VIEWS = 12
SCORES = OUT_FOLDER / "models" / "scores"
TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Look:
    """Means over the views, and the worst view. shows: whether any view shows anything at all."""

    ssim_lit: float
    ssim_unlit: float
    psnr_lit_db: float
    psnr_unlit_db: float
    worst_ssim: float
    shows: bool

    @property
    def losses(self) -> tuple[float, float]:
        """(lit, unlit): what is missing to 1."""
        return 1.0 - self.ssim_lit, 1.0 - self.ssim_unlit

    @property
    def ssim(self) -> float:
        """The lesser of lit and unlit."""
        return min(self.ssim_lit, self.ssim_unlit)

    def is_as_good_as(self, other: "Look") -> bool:
        """At least as good lit and unlit."""
        return self.ssim_lit >= other.ssim_lit and self.ssim_unlit >= other.ssim_unlit


class Eye:
    """Looks at files beside one source. Judges are started when first needed; `close` ends them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._judges: dict[int, Judge] = {}
        self.renders = 0

    def look(self, glb: Path, px: int = SEARCH_PX) -> Look:
        """Scores, from disk where this very pair was seen before. Raises JudgeFailed, JudgeUnavailable."""
        kept = SCORES / f"{self._source.name}-{_key(self._source.sha256, glb, px)}.json"
        if kept.is_file():
            return Look(**json.loads(kept.read_text(encoding="utf-8")))
        scores = self._judge(px).compare(glb)
        self.renders += 1
        found = Look(
            scores.ssim_lit, scores.ssim_unlit, scores.psnr_lit_db, scores.psnr_unlit_db, scores.worst_ssim,
            any(view.pixels for view in scores.per_view),
        )  # fmt: skip
        SCORES.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({name: getattr(found, name) for name in Look.__slots__}), encoding="utf-8")
        return found

    def write_stills(self, glb: Path, folder: Path) -> None:
        """The judge's pictures of a file beside the source."""
        folder.mkdir(parents=True, exist_ok=True)
        self._judge(CONFIRM_PX).write_stills(glb, folder)

    def close(self) -> None:
        """End the judges."""
        for judge in self._judges.values():
            judge.close()
        self._judges.clear()

    def _judge(self, px: int) -> Judge:
        if px not in self._judges:
            self._judges[px] = Judge.open(self._source.glb, ViewPlan(px, VIEWS), timeout_s=TIMEOUT_S)
        return self._judges[px]


def try_look(eye: Eye, glb: Path, px: int = SEARCH_PX) -> Look | str:
    """The look, or why there is none."""
    try:
        return eye.look(glb, px)
    except JudgeFailed as failed:
        return failed.reason


def as_json(look: Look) -> dict[str, float]:
    """For the report: what is stated of a file."""
    return {
        "ssim_lit": round(look.ssim_lit, 5), "ssim_unlit": round(look.ssim_unlit, 5),
        "psnr_lit_db": round(look.psnr_lit_db, 2), "psnr_unlit_db": round(look.psnr_unlit_db, 2),
        "worst_ssim": round(look.worst_ssim, 5),
    }  # fmt: skip


def _key(source_sha256: str, glb: Path, px: int) -> str:
    parts = (source_sha256, hashlib.sha256(glb.read_bytes()).hexdigest(), px, VIEWS, _judge_version())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


@cache
def _judge_version() -> str:
    """Of the code that draws and compares: another one gives other figures."""
    digest = hashlib.sha256()
    for path in sorted(Path(judge_package.__file__).parent.glob("*.py")):
        if path.stem in (
            "likeness",
            "renderer",
            "shaders",
            "scene",
            "surfaces",
            "views",
            "scores",
            "pictures",
        ):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
