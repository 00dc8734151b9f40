"""The recipe `photo`: stills in three sizes, upright, sRGB, as JPEG and WebP, without their camera's
metadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asset_pipeline.images.encode import write_jpeg, write_webp
from asset_pipeline.images.read import open_image
from asset_pipeline.images.render import render
from asset_pipeline.images.resize import Pixels, fitted_size, shrink
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome
from asset_pipeline.place import fresh_folder
from heritage_sites.asset import Quality, Usage

RECIPE = "photo"
JPEG_QUALITY = 82  # SSIM .95 against the master on photos
WEBP_QUALITY = 78  # the same SSIM at three quarters of the bytes


@dataclass(frozen=True, slots=True)
class PhotoSize:
    """One size to make: its quality name and the length of its long side."""

    quality: Quality
    long_side_px: int


SIZES = (PhotoSize(Quality.LOW, 480), PhotoSize(Quality.MEDIUM, 960), PhotoSize(Quality.HIGH, 1920))


def run_photo(path: Path, *, recipes: Sequence[str], workdir: Path) -> list[RecipeOutcome]:
    """The photo in every size that its master can fill; never larger than the master.

    A size is left out where the next smaller one already holds all the master has. Raises Refused for a
    picture that cannot be read.
    """
    if RECIPE not in recipes:
        return []
    image = open_image(path)
    rendered = render(image, SIZES[-1].long_side_px)
    drafts = [_write(rendered.pixels, size, workdir) for size in choose_sizes(rendered.pixels)]
    return [RecipeOutcome(RECIPE, (*image.warnings, *rendered.warnings), tuple(drafts))]


def choose_sizes(pixels: Pixels) -> list[PhotoSize]:
    """The sizes worth making: the smallest always, each further one while the master has more to give."""
    long_side = max(pixels.shape[:2])
    smaller = (0, *(size.long_side_px for size in SIZES))
    return [size for size, below in zip(SIZES, smaller, strict=False) if long_side > below]


def _write(largest: Pixels, size: PhotoSize, workdir: Path) -> DerivativeDraft:
    height, width = largest.shape[:2]
    pixels = shrink(largest, *fitted_size(width, height, size.long_side_px))
    folder = fresh_folder(workdir, f"photo-{size.quality.value.lower()}")
    write_jpeg(folder / "photo.jpg", pixels, quality=JPEG_QUALITY)
    write_webp(folder / "photo.webp", pixels, quality=WEBP_QUALITY)
    measures = {
        "width_px": pixels.shape[1],
        "height_px": pixels.shape[0],
        "has_alpha": pixels.shape[2] == 4,
    }
    return DerivativeDraft(Usage.IMAGE_2D, size.quality, folder, measures)
