"""The bay all around, in the morning, from the deck of a boat: an equirectangular picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from content_api.demo.islands import Grown, bay
from content_api.demo.pictures import jpeg_bytes, xmp_packet
from content_api.demo.render import MIRROR_COARSER, render_bay
from content_api.demo.sky import MORNING
from content_api.demo.view import SphereView

FULL_WIDTH_PX = 8192
EYE_M = 16.0  # the upper deck of a large boat, and a little
EXPOSURE = 0.85
JPEG_QUALITY = 90


def panorama_picture(forms: Sequence[Grown], width_px: int = FULL_WIDTH_PX) -> NDArray[np.uint8]:
    """The picture, (width / 2, width, 3) sRGB; its middle looks north."""
    return render_bay(
        SphereView(width_px), SphereView(width_px // MIRROR_COARSER), EYE_M, bay(), forms, MORNING, EXPOSURE
    )


def panorama_jpeg(forms: Sequence[Grown], width_px: int = FULL_WIDTH_PX) -> bytes:
    """The same as a JPEG that says it is a full sphere, and an illustration."""
    picture = panorama_picture(forms, width_px)
    return jpeg_bytes(picture, quality=JPEG_QUALITY, xmp=xmp_packet((width_px, width_px // 2)))
