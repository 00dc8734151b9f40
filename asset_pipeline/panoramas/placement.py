"""Where a panorama's picture lies on the full sphere: all of it, or the part its GPano packet names."""

from dataclasses import dataclass

from asset_pipeline.images.gpano import EQUIRECTANGULAR, Coverage, parse_gpano
from asset_pipeline.images.kind import MAX_RATIO_ERROR, is_full_sphere_shape, is_two_to_one
from asset_pipeline.images.read import OpenImage
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

MAX_PANORAMA_PX = 32_768  # pixels wide; 32768 x 16384 RGB is 1.6 GB of scratch once decoded
MIN_PANORAMA_PX = 16  # below this there is nothing to look around in


@dataclass(frozen=True, slots=True)
class Placement:
    """The full sphere's size in the picture's own pixels, and the picture's top left corner on it."""

    sphere_width_px: int
    sphere_height_px: int
    left_px: int
    top_px: int
    is_whole: bool


def choose_placement(image: OpenImage) -> tuple[Placement, tuple[Problem, ...]]:
    """The placement, with warnings for metadata that was not believed. Raises Refused where nothing fits."""
    gpano = parse_gpano(image.xmp)
    if gpano is not None and gpano.projection != EQUIRECTANGULAR:
        raise refuse(
            f"The panorama's projection is {gpano.projection!r}; only equirectangular ones are accepted.",
            where="GPano:ProjectionType",
            advice="Export it as an equirectangular panorama.",
        )
    if gpano is None or (gpano.coverage is None and not gpano.fault):
        return _whole_sphere(image), ()
    coverage = gpano.coverage
    fault = gpano.fault or _contradiction(image, coverage)
    if fault or coverage is None:
        placement = _whole_sphere(image)
        text = f"The panorama's GPano sizes are not usable ({fault}); it is taken for a full sphere."
        return placement, (warn(text, where="GPano"),)
    return _checked(_placed(image, coverage)), ()


def _whole_sphere(image: OpenImage) -> Placement:
    if not is_full_sphere_shape(image):
        raise refuse(
            f"A picture of {image.width_px} x {image.height_px} pixels is no full sphere, which is twice as "
            "wide as high, and nothing says which part of the sphere it covers.",
            where="size",
            advice="Export the full sphere, or export it with GPano (Photo Sphere) metadata.",
        )
    return _checked(Placement(image.width_px, image.height_px, 0, 0, is_whole=True))


def _contradiction(image: OpenImage, coverage: Coverage | None) -> str:
    """What speaks against the packet; tools that resize or crop often leave the old sizes in it."""
    if coverage is None:
        return "sizes are missing"
    if not is_two_to_one(coverage.full_width_px, coverage.full_height_px):
        return f"a full sphere of {coverage.full_width_px} x {coverage.full_height_px} is not 2:1"
    claimed = coverage.width_px / coverage.height_px
    actual = image.width_px / image.height_px
    if abs(actual / claimed - 1) > MAX_RATIO_ERROR:
        return (
            f"they say {coverage.width_px} x {coverage.height_px}, the picture has another shape, "
            f"{image.width_px} x {image.height_px}"
        )
    return ""


def _placed(image: OpenImage, coverage: Coverage) -> Placement:
    scale_x = image.width_px / coverage.width_px
    scale_y = image.height_px / coverage.height_px
    sphere_width = max(image.width_px, round(coverage.full_width_px * scale_x))
    sphere_height = max(image.height_px, round(coverage.full_height_px * scale_y))
    return Placement(
        sphere_width,
        sphere_height,
        min(round(coverage.left_px * scale_x), sphere_width - image.width_px),
        min(round(coverage.top_px * scale_y), sphere_height - image.height_px),
        is_whole=coverage.is_whole,
    )


def _checked(placement: Placement) -> Placement:
    width = placement.sphere_width_px
    if not MIN_PANORAMA_PX <= width <= MAX_PANORAMA_PX:
        raise refuse(
            f"The panorama's full sphere is {width} pixels wide; "
            f"{MIN_PANORAMA_PX} to {MAX_PANORAMA_PX} are accepted.",
            where="size",
            advice="Export it smaller." if width > MAX_PANORAMA_PX else "Give the original.",
        )
    return placement
