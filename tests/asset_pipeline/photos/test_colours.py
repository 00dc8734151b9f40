"""Whatever the master's colours are stored as, the derivative shows them in sRGB."""

import cv2
import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from asset_pipeline.outcome import Refused
from asset_pipeline.photos.run import run_photo
from heritage_sites.problem import Severity

PATCHES = np.array(
    [[255, 255, 255], [0, 0, 0], [128, 128, 128], [200, 60, 40], [60, 140, 70], [40, 80, 180]], np.uint8
)


@pytest.fixture
def chart() -> np.ndarray:
    """Six patches of 32 x 32 in a row."""
    return np.repeat(np.repeat(PATCHES[np.newaxis], 32, axis=0), 32, axis=1)


def patches_of(picture: np.ndarray) -> np.ndarray:
    return np.array([picture[8:24, 32 * i + 8 : 32 * i + 24].reshape(-1, 3).mean(axis=0) for i in range(6)])


def made(pictures, path, tmp_path) -> np.ndarray:
    return patches_of(pictures.read(pictures.run(path, tmp_path / "work")["Low"] / "photo.jpg"))


def test_plain_rgb_is_taken_for_srgb(pictures, chart, tmp_path):
    Image.fromarray(chart).save(tmp_path / "a.png")
    assert np.abs(made(pictures, tmp_path / "a.png", tmp_path) - PATCHES).max() < 3


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "webp", "avif"])
def test_a_wide_profile_is_obeyed(pictures, chart, tmp_path, suffix):
    """The same colours stored in Display P3 are other numbers; the derivative has sRGB's numbers again."""
    image = pyvips.Image.new_from_array(chart, interpretation="srgb")
    wide = image.icc_transform("p3", input_profile="srgb", embedded=False)
    assert np.abs(patches_of(wide.numpy()) - PATCHES).max() > 8
    options = {"Q": 95} if suffix in ("jpg", "webp", "avif") else {}
    wide.write_to_file(str(tmp_path / f"a.{suffix}"), **options)
    assert np.abs(made(pictures, tmp_path / f"a.{suffix}", tmp_path) - PATCHES).max() < 6


def test_display_p3_named_by_number_is_obeyed(pictures, chart, tmp_path):
    """AVIF may say "P3" in its container instead of carrying a profile."""
    wide = pyvips.Image.new_from_array(chart, interpretation="srgb").icc_transform("p3", input_profile="srgb")
    path = tmp_path / "a.avif"
    Image.fromarray(wide.numpy()).save(path, quality=97)
    body = path.read_bytes()
    at = body.index(b"colrnclx") + 8
    path.write_bytes(body[:at] + b"\x00\x0c" + body[at + 2 :])
    assert np.abs(made(pictures, path, tmp_path) - PATCHES).max() < 6


def test_an_hdr_picture_is_a_warning(shared, tmp_path):
    source = shared / "assets/photo-heif-avif/colors_hdr_p3.avif"
    (outcome,) = run_photo(source, recipes=["photo"], workdir=tmp_path / "work")
    assert [problem.message for problem in outcome.problems] == [
        "This is an HDR picture; its colours are shown duller than they are meant."
    ]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_become_8(pictures, chart, tmp_path, suffix):
    deep = chart[:, :, ::-1].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep)
    assert np.abs(made(pictures, tmp_path / f"a.{suffix}", tmp_path) - PATCHES).max() < 3


def test_16_bit_alpha_is_obeyed(pictures, tmp_path):
    deep = np.zeros((40, 40, 4), np.uint16)
    deep[:, :20, 3] = 65535
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    folder = pictures.run(tmp_path / "a.png", tmp_path / "work")["Low"]
    webp, jpeg = pictures.read(folder / "photo.webp"), pictures.read(folder / "photo.jpg")
    assert (webp[20, 5, 3], webp[20, 35, 3]) == (255, 0)
    assert (jpeg[20, 5, 0], jpeg[20, 35, 0]) == (0, 255)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P"])
def test_grey_and_palette(pictures, chart, tmp_path, mode):
    picture = Image.fromarray(chart).convert("1", dither=Image.Dither.NONE) if mode == "1" else None
    picture = picture or Image.fromarray(chart).convert(mode)
    picture.save(tmp_path / "a.png")
    expected = patches_of(np.asarray(picture.convert("RGB")))
    assert np.abs(made(pictures, tmp_path / "a.png", tmp_path) - expected).max() < 3


def test_16_bit_grey(pictures, tmp_path):
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (64, 1))
    cv2.imwrite(str(tmp_path / "a.tif"), ramp)
    picture = pictures.read(pictures.run(tmp_path / "a.tif", tmp_path / "work")["Low"] / "photo.jpg")
    assert np.abs(picture[32, :, 0].astype(int) - np.arange(256)).max() <= 3


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_without_profile_is_about_right(pictures, tmp_path, suffix):
    """Paper is white, full black is black, cyan is blue-green: no channel is upside down."""
    cmyk = np.zeros((32, 192, 4), np.uint8)
    for index, ink in enumerate(
        [(0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0)]
    ):
        cmyk[:, 32 * index : 32 * index + 32] = ink
    Image.fromarray(cmyk, "CMYK").save(tmp_path / f"a.{suffix}")
    paper, black, cyan, magenta, yellow, _ = made(pictures, tmp_path / f"a.{suffix}", tmp_path)
    assert paper.min() > 245
    assert black.max() < 60
    assert cyan[2] > 180 > 100 > cyan[0]
    assert magenta[0] > 180 > 100 > magenta[1]
    assert yellow[0] > 200 > 100 > yellow[2]


def test_lab_is_converted(pictures, shared, tmp_path):
    source = shared / "assets/photo-color/hopper.Lab.tif"
    picture = pictures.read(pictures.run(source, tmp_path / "work")["Low"] / "photo.jpg")
    with Image.open(source) as lab:
        transform = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        truth = np.asarray(ImageCms.applyTransform(lab, transform))
    assert pictures.difference(picture, truth) < 4


def test_associated_alpha_is_not_applied_twice(pictures, shared, tmp_path):
    """In this TIFF colour is stored multiplied by alpha; Pillow says what it means."""
    source = shared / "assets/photo-color/tiff_16bit_RGBa.tiff"
    webp = pictures.read(pictures.run(source, tmp_path / "work")["Low"] / "photo.webp")
    with Image.open(source) as picture:
        truth = np.asarray(picture.convert("RGBA"))
    assert webp.shape == truth.shape
    assert np.abs(webp[:, :, 3].astype(int) - truth[:, :, 3]).max() <= 1
    seen = truth[:, :, 3] > 64
    assert np.abs(webp[seen].astype(float) - truth[seen]).mean() < 8


@pytest.mark.parametrize(
    ("profile", "words"),
    [(b"\x00\x00\x02\x00nonsense" * 40, "is damaged"), ("lab", "is for Lab pictures")],
)
def test_a_profile_that_does_not_fit_is_a_warning(pictures, chart, tmp_path, profile, words):
    if profile == "lab":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(chart).save(tmp_path / "a.jpg", icc_profile=profile, quality=95)
    (outcome,) = run_photo(tmp_path / "a.jpg", recipes=["photo"], workdir=tmp_path / "work")
    assert [problem.severity for problem in outcome.problems] == [Severity.WARNING]
    assert words in outcome.problems[0].message
    picture = pictures.read(outcome.drafts[0].folder / "photo.jpg")
    assert np.abs(patches_of(picture) - PATCHES).max() < 5


def test_float_pictures_are_refused_with_advice(tmp_path):
    Image.fromarray(np.full((20, 20), 0.5, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(Refused) as refusal:
        run_photo(tmp_path / "a.tif", recipes=["photo"], workdir=tmp_path / "work")
    assert "Tone-map it" in refusal.value.problems[0].advice
