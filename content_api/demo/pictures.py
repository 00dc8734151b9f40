"""Finished pictures: linear light to display values, JPEG bytes, and metadata that says what they are."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from content_api.demo.field import FloatArray

ILLUSTRATION = "Illustration, computer-generated"
_DESCRIPTION_TAG, _SOFTWARE_TAG = 0x010E, 0x0131
_DITHER_SEED = 5


def to_srgb(linear: FloatArray, first_row: int = 0) -> NDArray[np.uint8]:
    """Display values of linear light 0 to 1. Half a level of fixed noise keeps smooth skies from banding."""
    steps = np.linspace(0.0, 1.0, 4097)
    curve = np.where(steps <= 0.0031308, 12.92 * steps, 1.055 * np.power(steps, 1 / 2.4) - 0.055) * 255.0
    table = curve.astype(np.float32)
    rows, columns = linear.shape[:2]
    dither = np.random.default_rng(_DITHER_SEED).random((256, 256, 1), dtype=np.float32)
    wide = np.tile(dither, (1, -(-columns // 256), 1))[:, :columns]
    out = np.empty(linear.shape, np.uint8)
    wide = np.roll(wide, -first_row, axis=0)
    for start in range(0, rows, 256):
        place = np.clip(linear[start : start + 256], 0.0, 1.0) * np.float32(4095.0)
        whole = place.astype(np.int32)
        low = table[whole]
        low += (table[whole + 1] - low) * (place - whole)
        out[start : start + 256] = np.minimum(low + wide[: low.shape[0]], 255.0)
    return out


def jpeg_bytes(rgb: NDArray[np.uint8], *, quality: int, xmp: bytes | None = None, sampling: int = 2) -> bytes:
    """A JPEG labelled as an illustration in EXIF, and in XMP."""
    exif = Image.Exif()
    exif[_DESCRIPTION_TAG] = ILLUSTRATION
    exif[_SOFTWARE_TAG] = "halong-xr demo content"
    out = io.BytesIO()
    Image.fromarray(rgb).save(
        out, "JPEG", quality=quality, subsampling=sampling, exif=exif, xmp=xmp or xmp_packet(), optimize=False
    )
    return out.getvalue()


def xmp_packet(sphere_px: tuple[int, int] | None = None) -> bytes:
    """XMP with the description; for a full sphere of (width, height) also GPano."""
    sphere = ""
    if sphere_px is not None:
        width, height = sphere_px
        facts = {
            "ProjectionType": "equirectangular",
            "UsePanoramaViewer": "True",
            "CroppedAreaImageWidthPixels": width,
            "CroppedAreaImageHeightPixels": height,
            "FullPanoWidthPixels": width,
            "FullPanoHeightPixels": height,
            "CroppedAreaLeftPixels": 0,
            "CroppedAreaTopPixels": 0,
        }
        sphere = "".join(f"<GPano:{name}>{value}</GPano:{name}>" for name, value in facts.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:GPano="http://ns.google.com/photos/1.0/panorama/">'
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{ILLUSTRATION}</rdf:li></rdf:Alt>'
        "</dc:description>"
        f"{sphere}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    ).encode()
