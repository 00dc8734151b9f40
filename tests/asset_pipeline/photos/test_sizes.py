"""Sizes, turns, and what stays of transparency."""

import numpy as np
import pytest
from PIL import Image

from asset_pipeline.images.resize import fitted_size
from asset_pipeline.photos.run import run_photo

EXIF_ORIENTATION = 0x0112


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3000, 2000), {"Low": (480, 320), "Medium": (960, 640), "High": (1920, 1280)}),
        ((1921, 1081), {"Low": (480, 270), "Medium": (960, 540), "High": (1920, 1080)}),
        ((1000, 1920), {"Low": (250, 480), "Medium": (500, 960), "High": (1000, 1920)}),
        ((961, 400), {"Low": (480, 200), "Medium": (960, 400), "High": (961, 400)}),
        ((960, 400), {"Low": (480, 200), "Medium": (960, 400)}),
        ((300, 481), {"Low": (299, 480), "Medium": (300, 481)}),
        ((480, 480), {"Low": (480, 480)}),
        ((7, 3), {"Low": (7, 3)}),
        ((1, 1), {"Low": (1, 1)}),
        ((5000, 1), {"Low": (480, 1), "Medium": (960, 1), "High": (1920, 1)}),
    ],
)
def test_three_sizes_never_larger_than_the_master(pictures, tmp_path, size, expected):
    Image.fromarray(pictures.gradient(*size)).save(tmp_path / "a.png")
    (outcome,) = run_photo(tmp_path / "a.png", recipes=["photo"], workdir=tmp_path / "work")
    assert outcome.problems == ()
    assert {d.quality: (d.measures["width_px"], d.measures["height_px"]) for d in outcome.drafts} == expected
    for draft in outcome.drafts:
        assert sorted(path.name for path in draft.folder.iterdir()) == ["photo.jpg", "photo.webp"]
        for name in ("photo.jpg", "photo.webp"):
            with Image.open(draft.folder / name) as picture:
                assert (picture.size, picture.mode) == (expected[draft.quality], "RGB")


def test_every_size_shows_the_picture(pictures, tmp_path):
    master = pictures.gradient(2500, 1500)
    Image.fromarray(master).save(tmp_path / "a.jpg", quality=95)
    for folder in pictures.run(tmp_path / "a.jpg", tmp_path / "work").values():
        for name in ("photo.jpg", "photo.webp"):
            made = pictures.read(folder / name)
            assert pictures.difference(master, made) < 2.5


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_every_orientation_ends_upright(pictures, tmp_path, orientation, suffix):
    master = pictures.gradient(600, 400)
    back = {1: None, 2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    back |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    picture = Image.fromarray(master)
    if back[orientation]:
        picture = picture.transpose(Image.Transpose[back[orientation]])
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    options = {"quality": 95} if suffix in ("jpg", "webp") else {}
    picture.save(tmp_path / f"a.{suffix}", exif=exif, **options)
    folders = pictures.run(tmp_path / f"a.{suffix}", tmp_path / "work")
    made = pictures.read(folders["Medium"] / "photo.jpg")
    assert made.shape == (400, 600, 3)
    assert pictures.difference(made, master) < 2.5


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_is_none_is_ignored(pictures, tmp_path, orientation):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = orientation
    Image.fromarray(pictures.gradient(60, 40)).save(tmp_path / "a.jpg", exif=exif)
    assert pictures.read(pictures.run(tmp_path / "a.jpg", tmp_path / "w")["Low"] / "photo.jpg").shape == (
        40,
        60,
        3,
    )


ORIENTED = {  # upright sizes, and the file that shows the same scene the right way up
    "Landscape_0.jpg": ((480, 320), None),
    "Landscape_1.jpg": ((480, 320), "Landscape_0.jpg"),
    "Landscape_3.jpg": ((480, 320), "Landscape_1.jpg"),
    "Landscape_5.jpg": ((480, 320), "Landscape_1.jpg"),
    "Landscape_7.jpg": ((480, 320), "Landscape_1.jpg"),
    "Portrait_2.jpg": ((320, 480), None),
    "Portrait_4.jpg": ((320, 480), "Portrait_2.jpg"),
    "Portrait_6.jpg": ((320, 480), "Portrait_2.jpg"),
    "Portrait_8.jpg": ((320, 480), "Portrait_2.jpg"),
    "exif_imagemagick_orientation.png": ((480, 480), None),
    "g4_orientation_5.tif": ((480, 72), None),
    "hopper_orientation_3.webp": ((128, 128), "../photo-broken/hopper_bad_exif.jpg"),
    "hopper_orientation_6.webp": ((128, 128), "hopper_orientation_3.webp"),
    "rot1mir0.avif": ((480, 320), None),
    "xmp_tags_orientation.png": ((326, 268), None),
}


@pytest.mark.parametrize("name", ORIENTED)
def test_real_orientations(pictures, shared, tmp_path, name):
    folder = shared / "assets/photo-orientation"
    size, same_as = ORIENTED[name]
    made = pictures.read(pictures.run(folder / name, tmp_path / "a")["Low"] / "photo.jpg")
    assert (made.shape[1], made.shape[0]) == size
    if same_as and same_as in ORIENTED:
        other = pictures.read(pictures.run(folder / same_as, tmp_path / "b")["Low"] / "photo.jpg")
        assert pictures.difference(made[:, :, :3], other) < 8


def test_transparency_is_white_in_jpeg_and_kept_in_webp(pictures, tmp_path):
    rgba = np.zeros((60, 1000, 4), np.uint8)
    rgba[:, :, 0] = 200
    rgba[:, 500:, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "a.png")
    folder = pictures.run(tmp_path / "a.png", tmp_path / "work")["Low"]
    jpeg, webp = pictures.read(folder / "photo.jpg"), pictures.read(folder / "photo.webp")
    assert jpeg[10, 100].tolist() == [255, 255, 255]
    assert np.abs(jpeg[10, 400].astype(int) - [200, 0, 0]).max() <= 3
    assert (webp[10, 100, 3], webp[10, 400, 3]) == (0, 255)
    assert np.abs(webp[10, 245, :3].astype(int) - [200, 0, 0]).max() <= 6  # no dark rim


def test_alpha_that_hides_nothing_is_left_out(pictures, tmp_path):
    rgba = np.full((40, 40, 4), 255, np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    (outcome,) = run_photo(tmp_path / "a.png", recipes=["photo"], workdir=tmp_path / "work")
    assert outcome.drafts[0].measures["has_alpha"] is False


@pytest.mark.parametrize(
    ("size", "long_side", "fitted"),
    [((10, 5), 10, (10, 5)), ((10, 5), 9, (9, 4)), ((1, 999), 10, (1, 10)), ((3, 3), 4, (3, 3))],
)
def test_fitted_size(size, long_side, fitted):
    assert fitted_size(*size, long_side) == fitted
