"""Is a picture a panorama or a photo? What its sender says, then its GPano packet, then its shape."""

from pathlib import Path

from asset_pipeline.images.gpano import EQUIRECTANGULAR, parse_gpano
from asset_pipeline.images.read import OpenImage, open_image
from asset_pipeline.outcome import warn
from asset_pipeline.recipes import MasterKind
from heritage_sites.problem import Problem

MAX_RATIO_ERROR = 0.01  # width / height of a full sphere is 2; stitchers are off by a row or two


def choose_kind(path: Path, forced: str = "") -> tuple[MasterKind, tuple[Problem, ...]]:
    """The kind, with a warning where only the shape speaks for a panorama. Raises Refused for unreadable
    files.
    """
    image = open_image(path)
    if forced:
        return MasterKind(forced), ()
    gpano = parse_gpano(image.xmp)
    if gpano is not None and gpano.projection == EQUIRECTANGULAR:
        return MasterKind.PANORAMA, ()
    if gpano is not None:
        text = f"The picture is a panorama of the {gpano.projection!r} kind, which is treated as a photo."
        return MasterKind.PHOTO, (warn(text, advice="Export it as an equirectangular panorama."),)
    if is_full_sphere_shape(image):
        text = "The picture is twice as wide as high and is therefore taken for a panorama."
        return MasterKind.PANORAMA, (warn(text, advice="Say `photo` in the manifest if it is none."),)
    return MasterKind.PHOTO, ()


def is_full_sphere_shape(image: OpenImage) -> bool:
    """Whether width and height are 2:1 within 1 %."""
    return is_two_to_one(image.width_px, image.height_px)


def is_two_to_one(width_px: int, height_px: int) -> bool:
    """Whether a width is twice a height, within 1 %."""
    return abs(width_px - 2 * height_px) <= MAX_RATIO_ERROR * 2 * height_px
