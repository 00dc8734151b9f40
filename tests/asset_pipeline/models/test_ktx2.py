"""KTX2: headers, pixels there and back, what is refused before a decoder sees it, models that carry it."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asset_pipeline.models.document import Document, Image
from asset_pipeline.models.image_headers import ImageUnreadable
from asset_pipeline.models.ktx2 import codec as ktx2_codec
from asset_pipeline.models.ktx2.codec import (
    BasisMissing,
    Ktx2Options,
    Ktx2Unusable,
    decode_ktx2,
    encode_ktx2,
)
from asset_pipeline.models.ktx2.header import Ktx2Kind, parse_ktx2_header
from asset_pipeline.models.ktx2.unpack_basis import main, unpack
from asset_pipeline.models.steps.retexture import retexture
from asset_pipeline.models.steps.texture_options import TextureCodec, TextureOptions
from asset_pipeline.models.steps.texture_roles import TextureRole
from asset_pipeline.models.steps.textures import (
    check_texture,
    decode_texture,
    encode_texture,
    texture_info,
)
from asset_pipeline.models.unpack_meshoptimizer import PackageUnexpected
from asset_pipeline.models.write_glb import write_glb
from asset_pipeline.outcome import Refused
from tests.asset_pipeline.models.conftest import Validate, glb_json, sheet
from tests.asset_pipeline.models.test_textures import encoded, noise, psnr_db
from tests.conftest import ROOT

SHARED_KINDS = {
    "2d_etc1s": (Ktx2Kind.ETC1S, 40, 6),
    "test": (Ktx2Kind.UASTC, 256, 1),
    "2d_rgb8": (Ktx2Kind.PLAIN, 40, 6),
    "2d_bc7": (Ktx2Kind.OTHER, 40, 6),
}


@pytest.fixture(scope="module")
def bodies(shared: Path) -> dict[str, bytes]:
    folder = shared / "assets" / "gltf-compressed"
    return {name: (folder / f"{name}.ktx2").read_bytes() for name in SHARED_KINDS}


@pytest.fixture(scope="module")
def made() -> dict[TextureRole, Image]:
    """One soft picture of 64 x 32 as KTX2 in each role."""
    source = encoded(noise(32, 64))
    return {
        role: encode_texture(source, max_px=64, role=role, quality=90, codec=TextureCodec.KTX2)
        for role in TextureRole
    }


def test_headers_of_the_shared_files(bodies: dict[str, bytes]) -> None:
    for name, (kind, size_px, levels) in SHARED_KINDS.items():
        header = parse_ktx2_header(bodies[name])
        assert (header.kind, header.levels[0].width_px, len(header.levels)) == (kind, size_px, levels)


def test_gpu_bytes_are_those_of_the_blocks_a_phone_holds(bodies: dict[str, bytes]) -> None:
    assert texture_info(bodies["test"]).gpu_bytes == 256 * 256  # UASTC, one level: a byte a pixel
    # ETC1S, 40 px and its mipmaps 20, 10, 5, 2, 1: 100 + 25 + 9 + 4 + 1 + 1 blocks of 8 bytes
    assert texture_info(bodies["2d_etc1s"]).gpu_bytes == 140 * 8


def test_the_plain_file_is_read_exactly(bodies: dict[str, bytes]) -> None:
    header = parse_ktx2_header(bodies["2d_rgb8"])
    level = header.levels[0]
    pixels = decode_ktx2(bodies["2d_rgb8"])
    assert pixels[:, :, :3].tobytes() == bodies["2d_rgb8"][level.offset : level.offset + level.length]
    assert (pixels.shape, set(pixels[:, :, 3].reshape(-1).tolist())) == ((40, 40, 4), {255})


def test_basis_files_are_read(bodies: dict[str, bytes]) -> None:
    pixels = decode_ktx2(bodies["test"])
    assert pixels.shape == (256, 256, 4)
    assert pixels.reshape(-1, 4).mean(axis=0).round(1).tolist() == [105.2, 100.8, 72.5, 255.0]
    small = decode_ktx2(bodies["2d_etc1s"], least_px=(10, 9))
    assert small.shape == (10, 10, 4)  # the third mipmap is enough


def test_pixels_come_back_and_flags_are_right(made: dict[TextureRole, Image]) -> None:
    picture = noise(32, 64)
    least_db = {TextureRole.COLOR: 21.0, TextureRole.DATA: 21.0, TextureRole.NORMAL: 33.0}
    for role, image in made.items():
        header = parse_ktx2_header(image.body)
        is_normal = role is TextureRole.NORMAL
        assert header.kind is (Ktx2Kind.UASTC if is_normal else Ktx2Kind.ETC1S)
        assert [(level.width_px, level.height_px) for level in header.levels][::3] == [
            (64, 32),
            (8, 4),
            (1, 1),
        ]
        (descriptor,) = struct.unpack_from("<I", image.body, 48)
        assert image.body[descriptor + 14] == (2 if role is TextureRole.COLOR else 1)  # sRGB or linear
        assert psnr_db(picture, decode_texture(image)[:, :, :3]) > least_db[role]


def test_alpha_is_kept() -> None:
    picture = noise(32, 32, 4)
    image = encode_texture(encoded(picture), max_px=32, quality=100, codec=TextureCodec.KTX2)
    assert parse_ktx2_header(image.body).has_alpha
    assert psnr_db(picture[:, :, 3], decode_texture(image)[:, :, 3]) > 25


@pytest.mark.parametrize(("size", "wanted"), [((33, 50), (32, 48)), ((2, 1), (4, 4)), ((70, 64), (64, 32))])
def test_sides_become_multiples_of_four(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    image = encode_texture(encoded(noise(*size)), max_px=64, codec=TextureCodec.KTX2)
    info = texture_info(image.body)
    assert (info.height_px, info.width_px) == wanted


def test_one_colour_is_kept_exactly() -> None:
    flat = np.full((64, 64, 3), (203, 17, 88), np.uint8)
    image = encode_texture(encoded(flat), max_px=64, codec=TextureCodec.KTX2)
    assert np.array_equal(decode_texture(image), np.full((4, 4, 4), (203, 17, 88, 255), np.uint8))


def test_the_same_pixels_give_the_same_bytes(made: dict[TextureRole, Image]) -> None:
    again = encode_texture(encoded(noise(32, 64)), max_px=64, quality=90, codec=TextureCodec.KTX2)
    assert again.body == made[TextureRole.COLOR].body


def test_ktx2_input_is_kept_scaled_or_made_webp(bodies: dict[str, bytes]) -> None:
    source = Image(bodies["test"], "image/ktx2", "name")
    for codec in (TextureCodec.KTX2, TextureCodec.KEEP):
        assert encode_texture(source, max_px=256, codec=codec) == source
    smaller = encode_texture(source, max_px=64, codec=TextureCodec.KEEP)
    assert (smaller.media_type, texture_info(smaller.body).width_px) == ("image/ktx2", 64)
    webp = encode_texture(source, max_px=256, quality=90)
    assert webp.media_type == "image/webp"
    assert psnr_db(decode_texture(source)[:, :, :3], decode_texture(webp)[:, :, :3]) > 30
    assert encode_texture(source, max_px=256, codec=TextureCodec.JPEG_PNG).media_type == "image/jpeg"
    coarse = encode_texture(encoded(noise(256, 256)), max_px=256, quality=1, codec=TextureCodec.KTX2)
    assert encode_texture(coarse, max_px=256, quality=100).body == coarse.body  # WebP would be larger


def test_a_plain_ktx2_never_stays_in_a_model(bodies: dict[str, bytes]) -> None:
    source = Image(bodies["2d_rgb8"], "image/ktx2")
    for codec in (TextureCodec.KEEP, TextureCodec.KTX2):
        body = encode_texture(source, max_px=64, codec=codec).body
        assert parse_ktx2_header(body).kind is Ktx2Kind.ETC1S


def test_pixels_for_one_kind_of_card_are_refused_with_advice(bodies: dict[str, bytes]) -> None:
    with pytest.raises(Refused, match="one kind of graphics card") as refusal:
        check_texture(bodies["2d_bc7"], where="texture 3")
    (problem,) = refusal.value.problems
    assert "Basis Universal" in (problem.advice or "")
    with pytest.raises(Ktx2Unusable, match="146"):
        decode_ktx2(bodies["2d_bc7"])


def patched(body: bytes, offset: int, kind: str, value: int) -> bytes:
    changed = bytearray(body)
    struct.pack_into(kind, changed, offset, value)
    return bytes(changed)


@pytest.mark.parametrize(
    ("offset", "kind", "value", "words"),
    [
        (28, "<I", 3, "flat picture"),  # depth
        (32, "<I", 7, "flat picture"),  # layers
        (36, "<I", 6, "flat picture"),  # faces
        (40, "<I", 4_000_000_000, "more mipmaps"),
        (48, "<I", 4_000_000_000, "outside the file"),  # the descriptor
        (80, "<Q", 1 << 60, "outside the file"),  # the first mipmap
        (88, "<Q", 1 << 60, "outside the file"),
        (96, "<Q", 1 << 60, "not as long"),  # a Zstandard bomb says so here
        (20, "<I", 8192, "not as long"),  # a width its bytes do not fill
    ],
)
def test_headers_that_lie_are_refused_before_node_starts(
    bodies: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, offset: int, kind: str, value: int, words: str
) -> None:
    monkeypatch.setattr(ktx2_codec, "_run", None)
    body = patched(bodies["test"], offset, kind, value)
    with pytest.raises(ImageUnreadable, match=words):
        decode_ktx2(body)
    with pytest.raises(Refused, match=words):
        encode_texture(Image(body, "image/ktx2"), max_px=64)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=8), st.integers(0, 70_000))
def test_damaged_headers_never_crash(bodies: dict[str, bytes], at: int, junk: bytes, cut: int) -> None:
    body = bytearray(bodies["test"])
    body[at : at + len(junk)] = junk
    try:
        parse_ktx2_header(bytes(body[:cut]))
    except ImageUnreadable:
        return


def test_damaged_blocks_end_in_a_refusal_or_a_picture(bodies: dict[str, bytes]) -> None:
    rng = np.random.default_rng(11)
    for name in ("2d_etc1s", "2d_etc1s", "2d_etc1s", "test"):
        body = bytearray(bodies[name])
        for place in rng.integers(300, len(body), 30):
            body[place] = rng.integers(256)
        try:
            assert decode_ktx2(bytes(body)).shape[2] == 4
        except (Ktx2Unusable, ImageUnreadable):
            continue


def test_a_time_limit_ends_the_sub_process(bodies: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ktx2_codec, "DECODE_LIMIT_S", 0.001)
    with pytest.raises(Ktx2Unusable, match="within"):
        decode_ktx2(bodies["test"])


def test_a_missing_module_is_the_installations_fault(
    bodies: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ktx2_codec, "_VENDOR", tmp_path)
    ktx2_codec._node.cache_clear()
    with pytest.raises(BasisMissing, match="make setup"):
        decode_ktx2(bodies["test"])
    ktx2_codec._node.cache_clear()


@pytest.mark.parametrize("shape", [(6, 8, 4), (8, 6, 4), (8, 8, 3), (4096, 4096, 4)])
def test_pixels_the_encoder_must_not_get(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        encode_ktx2(np.empty(shape, np.uint8), Ktx2Options(True, True, False, 50))


def test_a_model_with_ktx2_passes_the_validator(tmp_path: Path, validate: Validate) -> None:
    document = sheet(
        9,
        materials=[
            {
                "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}},
                "normalTexture": {"index": 1},
                "occlusionTexture": {"index": 2},
            }
        ],
        textures=[{"source": 0}, {"source": 1}, {"source": 2}],
    )
    document.json["meshes"][0]["primitives"][0]["material"] = 0
    images = tuple(encoded(noise(32, 32, seed=seed)) for seed in (1, 2, 3))
    document = Document(document.json, document.accessors, images)
    options = TextureOptions.of_color_quality(32, 60, TextureCodec.KTX2)
    path = tmp_path / "model.glb"
    path.write_bytes(write_glb(retexture(document, options, {})))
    assert validate([path])[path]["errors"] == []
    tree = glb_json(path)
    assert [image["mimeType"] for image in tree["images"]] == ["image/ktx2"] * 3
    assert "KHR_texture_basisu" in tree["extensionsRequired"]


def test_the_module_is_the_pinned_one_and_its_notices_lie_beside_it(tmp_path: Path) -> None:
    package = ROOT / "node_modules" / "ktx2-encoder"
    assert unpack(package, tmp_path) is True
    assert unpack(package, tmp_path) is False
    notices = (tmp_path / "LICENSE-basis-universal.md").read_text()
    assert "Apache License" in notices
    assert "BSD-3-Clause" in notices
    assert "MIT" in (tmp_path / "LICENSE-ktx2-encoder.md").read_text()
    found = hashlib.sha256((tmp_path / "basis_encoder.wasm").read_bytes()).hexdigest()
    assert found in notices  # the digest that the package itself names


def test_another_package_is_not_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = tmp_path / "package"
    (package / "dist" / "basis").mkdir(parents=True)
    (package / "package.json").write_text('{"version": "0.7.0"}')
    for name in ("basis_encoder.js", "basis_encoder.wasm"):
        (package / "dist" / "basis" / name).write_bytes(b"other")
    with pytest.raises(PackageUnexpected, match=r"want ktx2-encoder 0\.6\.0"):
        unpack(package, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert main([str(package)]) == 1
    assert main(["a", "b"]) == 2
    assert "usage" in capsys.readouterr().err
