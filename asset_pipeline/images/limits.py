"""How large a picture may be, checked from its header before a pixel is decoded."""

from dataclasses import dataclass

from asset_pipeline.outcome import Refused, refuse

MAX_IMAGE_PX = 536_870_912  # 32768 x 16384, the largest panorama; its RGB is 1.6 GB of scratch
MAX_SIDE_PX = 65_535  # what JPEG can say
MIN_JPEG_BYTES_PER_PX = 0.005  # a real 16k panorama has 0.22; an empty one, all one colour, 0.015
MIN_BYTES_PER_PX = 0.005  # of the other formats, asked only above SMALL_IMAGE_PX: a blank page is legal
SMALL_IMAGE_PX = 40_000_000  # decoded in a second or two, whatever it holds
WHOLE_IMAGE_BYTES = 256 * 1024 * 1024  # decoders that need the picture whole may take this for any file
WHOLE_IMAGE_BYTES_PER_FILE_BYTE = 24  # and this much more for a file that is large itself
MAX_WHOLE_IMAGE_BYTES = 1024 * 1024 * 1024  # but never more: the child process has 1.5 GiB


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file's header says of the picture in it.

    whole_image_bytes: memory that the decoder must hold at once; 0 where it reads row by row.
    """

    format_name: str
    width_px: int
    height_px: int
    file_bytes: int
    whole_image_bytes: int = 0


def check_claim(claim: Claim) -> None:
    """Raises Refused where the picture is too large, or larger than its file can be true for."""
    pixels = claim.width_px * claim.height_px
    size = f"{claim.width_px} x {claim.height_px} pixels"
    if pixels > MAX_IMAGE_PX or max(claim.width_px, claim.height_px) > MAX_SIDE_PX:
        raise _refuse_size(
            f"The picture says it has {size}; at most {MAX_IMAGE_PX // 1_000_000} million are accepted.",
            "Give a smaller version of it.",
        )
    is_jpeg = claim.format_name == "jpeg"
    floor = MIN_JPEG_BYTES_PER_PX if is_jpeg else MIN_BYTES_PER_PX
    if (is_jpeg or pixels > SMALL_IMAGE_PX) and claim.file_bytes < floor * pixels:
        raise _refuse_size(
            f"The picture says it has {size}, but its {claim.file_bytes} bytes are too few for that.",
            "Copy the file again, or export it again from the original.",
        )
    allowed = WHOLE_IMAGE_BYTES + WHOLE_IMAGE_BYTES_PER_FILE_BYTE * claim.file_bytes
    allowed = min(MAX_WHOLE_IMAGE_BYTES, allowed)
    if claim.whole_image_bytes > allowed:
        raise _refuse_size(
            f"This {claim.format_name.upper()} of {size} can only be read whole, which needs "
            f"{claim.whole_image_bytes // 1024**2} MiB of memory; {allowed // 1024**2} MiB are allowed.",
            "Save it as a baseline (not progressive) JPEG.",
        )


def _refuse_size(message: str, advice: str) -> Refused:
    return refuse(message, where="size", advice=advice)
