"""The recipe `panorama`: a thumbnail, two single files for simple viewers and AR, and a tile pyramid."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asset_pipeline.images.encode import write_jpeg
from asset_pipeline.images.gpano import write_gpano
from asset_pipeline.images.read import open_image
from asset_pipeline.images.resize import Pixels
from asset_pipeline.outcome import DerivativeDraft, RecipeOutcome
from asset_pipeline.panoramas.area import average
from asset_pipeline.panoramas.geometry import TileGrid, choose_grid
from asset_pipeline.panoramas.placement import Placement, choose_placement
from asset_pipeline.panoramas.polar import blur_poles
from asset_pipeline.panoramas.scratch import Sphere, decode_sphere
from asset_pipeline.panoramas.tiles import write_tiles
from asset_pipeline.place import fresh_folder
from heritage_sites.asset import Quality, Usage

RECIPE = "panorama"
SINGLE_QUALITY = 82  # JPEG; 2048 px in about 0.5 MB, 4096 px in 1.6 MB
THUMB_WIDTH_PX = 640


@dataclass(frozen=True, slots=True)
class SingleSize:
    """A whole sphere in one file: its quality name and its width; half as high."""

    quality: Quality
    width_px: int


SINGLES = (SingleSize(Quality.HIGH, 4096), SingleSize(Quality.MEDIUM, 2048))  # phones shrink what is larger


def run_panorama(path: Path, *, recipes: Sequence[str], workdir: Path) -> list[RecipeOutcome]:
    """Every derivative of a panorama. Raises Refused for what is no panorama, or is damaged.

    A single file is never wider than its master: of a master of at most 2048 pixels only Medium is made.
    """
    if RECIPE not in recipes:
        return []
    image = open_image(path)
    placement, doubts = choose_placement(image)
    scratch = fresh_folder(workdir, "scratch")
    try:
        sphere, found = decode_sphere(image, placement, scratch)
        singles = _write_singles(sphere, placement, workdir)
        grid = choose_grid(sphere.shape[1])
        blur_poles(sphere, grid.face_px)  # the last step that reads the poles unblurred is done
        drafts = [*singles, _write_pyramid(sphere, grid, workdir)]
    finally:
        shutil.rmtree(scratch)
    return [RecipeOutcome(RECIPE, (*image.warnings, *doubts, *found), tuple(drafts))]


def _write_singles(sphere: Sphere, placement: Placement, workdir: Path) -> list[DerivativeDraft]:
    """Thumbnail, Medium and High, each averaged from the next larger one."""
    drafts = []
    pixels: Pixels = sphere
    for size in choose_singles(sphere.shape[1]):
        pixels = average(pixels, size.width_px, size.width_px // 2)
        folder = fresh_folder(workdir, f"panorama-{size.quality.value.lower()}")
        xmp = write_gpano(size.width_px, size.width_px // 2)
        write_jpeg(folder / "panorama.jpg", np.ascontiguousarray(pixels), quality=SINGLE_QUALITY, xmp=xmp)
        drafts.append(DerivativeDraft(Usage.PANORAMA, size.quality, folder, _measures(pixels, placement)))
    width = min(THUMB_WIDTH_PX, pixels.shape[1] // 2 * 2)
    thumb = average(pixels, width, width // 2)
    folder = fresh_folder(workdir, "panorama-thumb")
    write_jpeg(folder / "thumb.jpg", np.ascontiguousarray(thumb), quality=SINGLE_QUALITY)
    drafts.append(DerivativeDraft(Usage.IMAGE_2D, Quality.THUMB, folder, _measures(thumb, placement)))
    return drafts[::-1]


def choose_singles(width_px: int) -> list[SingleSize]:
    """The single files worth making, largest first: none wider than the master, none twice."""
    even = width_px // 2 * 2
    medium = SINGLES[-1].width_px
    return [
        SingleSize(size.quality, min(size.width_px, even))
        for size in SINGLES
        if size.quality is Quality.MEDIUM or even > medium
    ]


def _measures(pixels: Pixels, placement: Placement) -> dict[str, object]:
    return {
        "width_px": pixels.shape[1],
        "height_px": pixels.shape[0],
        "covers_whole_sphere": placement.is_whole,
    }


def _write_pyramid(sphere: Sphere, grid: TileGrid, workdir: Path) -> DerivativeDraft:
    folder = fresh_folder(workdir, "panorama-highest")
    write_tiles(sphere, grid, folder)
    measures = {
        "width_px": sphere.shape[1],
        "height_px": sphere.shape[0],
        "levels": grid.levels,
        "tile_count": grid.tile_count,
        "tile_size_px": grid.tile_px,
        "face_size_px": grid.face_px,
    }
    return DerivativeDraft(Usage.PANORAMA, Quality.HIGHEST, folder, measures)
