"""Nothing of a camera's metadata reaches a derivative: planted marks are searched for in every byte of it."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from asset_pipeline.images.gpano import parse_gpano
from asset_pipeline.panoramas.run import run_panorama
from asset_pipeline.photos.run import run_photo

SERIAL = "SERIAL-4711-PLANTED"
OWNER = "Owner Planted"
COMMENT = "COMMENT-PLANTED"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="20,54.123N" '
    b'xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" aux:SerialNumber="SERIAL-4711-PLANTED" '
    b'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:ProjectionType="equirectangular" '
    b'GPano:CaptureSoftware="SOFTWARE-PLANTED" '
    b'GPano:FullPanoWidthPixels="512" GPano:FullPanoHeightPixels="256" '
    b'GPano:CroppedAreaImageWidthPixels="512" GPano:CroppedAreaImageHeightPixels="256" '
    b'GPano:CroppedAreaLeftPixels="0" GPano:CroppedAreaTopPixels="0"/></rdf:RDF></x:xmpmeta>'
)
MARKS = (b"PLANTED", b"Planted", b"54.123", b"Exif\x00", b"ICC_PROFILE", b"Photoshop", b"GPSL", b"8BIM")


def exif_with_everything() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "CAMERA-PLANTED"
    exif[0x0112] = 1
    exif[0x013B] = OWNER
    exif.get_ifd(0x8769)[0xA431] = SERIAL
    exif.get_ifd(0x8769)[0x927C] = b"MAKERNOTE-PLANTED" * 20
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (20.0, 54.0, 12.34), "E", (107.0, 3.0, 4.56)
    return exif.tobytes()


def with_thumbnail(exif: bytes) -> bytes:
    """The EXIF with a preview of a face that the picture itself no longer shows."""
    face = BytesIO()
    Image.new("RGB", (64, 48), (255, 0, 255)).save(face, "JPEG", comment=b"THUMB-PLANTED")
    return exif + face.getvalue()


def planted(path: Path) -> Path:
    pixels = np.random.default_rng(3).integers(0, 255, (256, 512, 3), np.uint8)
    picture = Image.fromarray(pixels)
    exif = exif_with_everything()
    match path.suffix:
        case ".jpg":
            picture.save(path, exif=with_thumbnail(exif), xmp=XMP, comment=COMMENT.encode(), quality=95)
            iptc = (
                b"Photoshop 3.0\x008BIM\x04\x04\x00\x00"
                + struct.pack(">I", 30)
                + b"\x1c\x02PLANTED-IPTC-CAPTION-1234567"
            )
            segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
            body = path.read_bytes()
            path.write_bytes(body[:2] + segment + body[2:] + b"TRAILER-PLANTED")
        case ".png":
            text = PngImagePlugin.PngInfo()
            text.add_text("Author", OWNER)
            text.add_itxt("XML:com.adobe.xmp", XMP.decode())
            picture.save(path, exif=exif, pnginfo=text)
        case ".webp":
            picture.save(path, exif=exif, xmp=XMP, quality=95)
        case ".tif":
            picture.save(path, exif=exif, tiffinfo={270: COMMENT, 315: OWNER, 700: XMP})
        case ".avif":
            picture.save(path, exif=exif, xmp=XMP, quality=90)
    assert b"PLANTED" in path.read_bytes()
    return path


def segments(jpeg: bytes) -> list[tuple[int, bytes]]:
    """Marker and payload of each segment before the picture data."""
    found, at = [], 2
    while jpeg[at + 1] != 0xDA:
        length = int.from_bytes(jpeg[at + 2 : at + 4], "big")
        found.append((jpeg[at + 1], jpeg[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def chunks(webp: bytes) -> list[bytes]:
    found, at = [], 12
    while at < len(webp):
        found.append(webp[at : at + 4])
        length = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return found


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_a_photo_carries_pixels_only(tmp_path, suffix):
    source = planted(tmp_path / f"master{suffix}")
    (outcome,) = run_photo(source, recipes=["photo"], workdir=tmp_path / "work")
    files = [path for path in (tmp_path / "work").rglob("*") if path.is_file()]
    assert len(files) == 4
    for path in files:
        body = path.read_bytes()
        assert [mark for mark in MARKS if mark in body] == [], path
        if path.suffix == ".jpg":
            assert {marker for marker, _ in segments(body)} <= {0xE0, 0xDB, 0xC0, 0xC4}
            assert body.endswith(b"\xff\xd9")
            assert body.count(b"\xff\xd8\xff") == 1  # no picture inside the picture
        else:
            assert chunks(body) in ([b"VP8 "], [b"VP8L"])
    assert len(outcome.drafts) == 2


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_a_panorama_carries_pixels_and_a_fresh_packet(tmp_path, suffix):
    source = planted(tmp_path / f"master{suffix}")
    run_panorama(source, recipes=["panorama"], workdir=tmp_path / "work")
    pictures = sorted((tmp_path / "work").rglob("*.jpg"))
    assert len(pictures) == 1 + 1 + 6 + 6
    for path in pictures:
        body = path.read_bytes()
        assert [mark for mark in MARKS if mark in body] == [], path
        packets = [payload for marker, payload in segments(body) if marker == 0xE1]
        assert len(packets) == (path.name == "panorama.jpg")
        for packet in packets:
            gpano = parse_gpano(packet.split(b"\x00", 1)[1])
            assert gpano is not None
            assert gpano.coverage is not None
            assert (gpano.coverage.full_width_px, gpano.coverage.height_px) == (512, 256)


def test_real_places_and_cameras_do_not_leak(shared, tmp_path):
    """Every shared photo that has GPS or a camera's name in it."""
    for number, source in enumerate(sorted((shared / "assets/photo-gps").iterdir())):
        with Image.open(source) as picture:
            exif = picture.getexif()
            words = [
                str(exif[tag]).encode() for tag in (0x010F, 0x0110, 0x0131) if len(str(exif.get(tag, ""))) > 4
            ]
        work = tmp_path / str(number)
        run_photo(source, recipes=["photo"], workdir=work)
        for path in work.rglob("photo.*"):
            body = path.read_bytes()
            assert [word for word in (*words, *MARKS) if word in body] == [], (source.name, path)
