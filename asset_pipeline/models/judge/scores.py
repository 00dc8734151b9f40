"""What the judge is asked and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MIN_VIEW_PX, MAX_VIEW_PX = 64, 2048  # per side; the model is drawn at twice the size
MIN_VIEWS, MAX_VIEWS = 1, 64
DEFAULT_VIEWS = 12
MAX_PSNR_DB = 100.0  # equal pictures; JSON has no infinity


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """From how many sides the model is looked at, and how large it is seen.

    size_px: side of the square pictures, which the master's bounding sphere just fills.
    """

    size_px: int
    views: int = DEFAULT_VIEWS

    def __post_init__(self) -> None:
        if not MIN_VIEW_PX <= self.size_px <= MAX_VIEW_PX:
            raise ValueError(f"ViewPlan: want {MIN_VIEW_PX} to {MAX_VIEW_PX} px, got {self.size_px}")
        if not MIN_VIEWS <= self.views <= MAX_VIEWS:
            raise ValueError(f"ViewPlan: want {MIN_VIEWS} to {MAX_VIEWS} views, got {self.views}")


@dataclass(frozen=True, slots=True)
class ViewScore:
    """How alike two files look in one view. pixels: of the picture that either of them covers.

    A view in which neither shows anything has no pixels, SSIM 1 and the largest PSNR; it counts nowhere.
    """

    ssim_lit: float
    ssim_unlit: float
    psnr_lit_db: float
    psnr_unlit_db: float
    pixels: int


@dataclass(frozen=True, slots=True)
class Scores:
    """How alike two files look: means over the views that show something, and the worst of those views.

    SSIM is Wang's (2004): Gaussian window of 11 px, sigma 1.5, on each of R, G and B of the sRGB-encoded
    8-bit pictures, averaged; PSNR is of the same numbers, at most MAX_PSNR_DB. Both over the pixels that
    either file covers. Lit: under the fixed lights. Unlit: base colour alone.
    worst_ssim: the least of the lit and unlit figures of all views, found in view `worst_view`.
    """

    ssim_lit: float
    ssim_unlit: float
    psnr_lit_db: float
    psnr_unlit_db: float
    worst_view: int
    worst_ssim: float
    view_px: int
    per_view: tuple[ViewScore, ...]

    @property
    def ssim(self) -> float:
        """The figure targets are stated in: the lesser of lit and unlit."""
        return min(self.ssim_lit, self.ssim_unlit)

    @property
    def per_view_ssim_lit(self) -> tuple[float, ...]:
        """Lit SSIM by view."""
        return tuple(view.ssim_lit for view in self.per_view)

    @property
    def per_view_ssim_unlit(self) -> tuple[float, ...]:
        """Unlit SSIM by view."""
        return tuple(view.ssim_unlit for view in self.per_view)

    @property
    def per_view_psnr_lit_db(self) -> tuple[float, ...]:
        """Lit PSNR by view."""
        return tuple(view.psnr_lit_db for view in self.per_view)

    @property
    def per_view_psnr_unlit_db(self) -> tuple[float, ...]:
        """Unlit PSNR by view."""
        return tuple(view.psnr_unlit_db for view in self.per_view)

    def as_measures(self) -> dict[str, Any]:
        """Flat JSON for the report."""
        return {
            "rendered_ssim_lit": round(self.ssim_lit, 5),
            "rendered_ssim_unlit": round(self.ssim_unlit, 5),
            "rendered_psnr_lit_db": round(self.psnr_lit_db, 2),
            "rendered_psnr_unlit_db": round(self.psnr_unlit_db, 2),
            "rendered_worst_view": self.worst_view,
            "rendered_worst_ssim": round(self.worst_ssim, 5),
            "rendered_view_px": self.view_px,
            "rendered_views": len(self.per_view),
        }


def scores_of(views: tuple[ViewScore, ...], view_px: int) -> Scores:
    """Means and worst over the views that show something; over all when none does."""
    seen = [index for index, view in enumerate(views) if view.pixels] or list(range(len(views)))
    worst = min(seen, key=lambda index: (min(views[index].ssim_lit, views[index].ssim_unlit), index))

    def mean(name: str) -> float:
        return float(sum(getattr(views[index], name) for index in seen) / len(seen))

    return Scores(
        ssim_lit=mean("ssim_lit"),
        ssim_unlit=mean("ssim_unlit"),
        psnr_lit_db=mean("psnr_lit_db"),
        psnr_unlit_db=mean("psnr_unlit_db"),
        worst_view=worst,
        worst_ssim=min(views[worst].ssim_lit, views[worst].ssim_unlit),
        view_px=view_px,
        per_view=views,
    )


def view_score_from_json(value: Mapping[str, Any]) -> ViewScore:
    """As the judge's process wrote it."""
    return ViewScore(
        ssim_lit=float(value["ssim_lit"]),
        ssim_unlit=float(value["ssim_unlit"]),
        psnr_lit_db=float(value["psnr_lit_db"]),
        psnr_unlit_db=float(value["psnr_unlit_db"]),
        pixels=int(value["pixels"]),
    )
