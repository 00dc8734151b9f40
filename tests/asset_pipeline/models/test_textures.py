"""Textures: what is refused from the header, what is kept byte for byte, and what scaling does to light and
normals."""

import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asset_pipeline.models.document import Image
from asset_pipeline.models.image_headers import ImageUnreadable, parse_image_header
from asset_pipeline.models.steps.texture_codecs import encode_webp
from asset_pipeline.models.steps.texture_options import TextureCodec
from asset_pipeline.models.steps.textures import (
    MAX_TEXTURE_PX,
    MIN_BYTES_PER_PX,
    AlphaUse,
    TextureRole,
    TextureUse,
    check_texture,
    collect_texture_roles,
    decode_texture,
    encode_texture,
    target_size,
    texture_info,
)
from asset_pipeline.outcome import Refused


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> Image:
    out = io.BytesIO()
    PIL.Image.fromarray(np.asarray(pixels, np.uint8)).save(out, kind, **options)
    return Image(out.getvalue(), f"image/{kind.lower()}", "name")


def decoded(image: Image) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(image.body)))


def noise(height: int, width: int, channels: int = 3, seed: int = 1) -> np.ndarray:
    """Soft random colours, as a photograph has."""
    small = np.random.default_rng(seed).integers(
        0, 256, (height // 8 + 1, width // 8 + 1, channels), np.uint8
    )
    picture = PIL.Image.fromarray(small if channels == 3 else small[:, :, :4])
    return np.asarray(picture.resize((width, height), PIL.Image.Resampling.BICUBIC))


def png_header(width, height, body=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return start + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF"])
@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (33, 64)])
def test_info_reads_the_header_of_each_kind(kind, size):
    height, width = size
    info = texture_info(encoded(noise(height, width), kind).body)
    assert (info.media_type, info.width_px, info.height_px) == (f"image/{kind.lower()}", width, height)
    assert info.gpu_bytes == width * height * 4 * 4 // 3


def test_info_reads_lossless_and_extended_webp_and_progressive_jpeg():
    picture = noise(20, 30, 4)
    assert texture_info(encoded(picture[:, :, :3], "WEBP", lossless=True).body).width_px == 30
    assert texture_info(encoded(picture, "WEBP", exif=b"Exif\0\0").body).height_px == 20
    assert texture_info(encoded(picture[:, :, :3], "JPEG", progressive=True).body).width_px == 30


def psnr_db(wanted: np.ndarray, got: np.ndarray) -> float:
    difference = np.asarray(wanted, float) - np.asarray(got, float)
    return float(10 * np.log10(255**2 / max((difference**2).mean(), 1e-9)))


@pytest.mark.parametrize(
    ("codec", "alpha", "wanted"),
    [
        (TextureCodec.WEBP, False, "image/webp"),
        (TextureCodec.WEBP, True, "image/webp"),
        (TextureCodec.JPEG_PNG, False, "image/jpeg"),
        (TextureCodec.JPEG_PNG, True, "image/png"),
        (TextureCodec.AVIF, False, "image/avif"),
        (TextureCodec.AVIF, True, "image/avif"),
    ],
)
@pytest.mark.parametrize("role", list(TextureRole))
def test_each_codec_says_what_it_makes_and_keeps_the_picture(codec, alpha, wanted, role):
    picture = noise(128, 128, 4 if alpha else 3)
    made = encode_texture(encoded(picture), max_px=128, role=role, quality=90, codec=codec)
    assert (made.media_type, made.name) == (wanted, "name")
    assert parse_image_header(made.body).media_type == wanted
    assert psnr_db(picture, decode_texture(made)[:, :, : picture.shape[2]]) > 29


def test_keep_changes_nothing_but_what_is_too_large():
    picture = noise(128, 128)
    for kind in ("PNG", "JPEG", "WEBP", "AVIF"):
        source = encoded(picture, kind)
        assert encode_texture(source, max_px=128, codec=TextureCodec.KEEP).body == source.body
        smaller = encode_texture(source, max_px=64, codec=TextureCodec.KEEP)
        assert decoded(smaller).shape == (64, 64, 3)
        assert smaller.media_type in (source.media_type, "image/jpeg")


def pixel_noise():
    """Red and green noise of single pixels: gone where chroma has half the resolution."""
    picture = np.full((64, 64, 3), 128, np.uint8)
    picture[:, :, :2] = np.random.default_rng(4).integers(40, 216, (64, 64, 2))
    return picture


@pytest.mark.parametrize(
    ("codec", "role", "keeps_chroma"),
    [
        (TextureCodec.JPEG_PNG, TextureRole.NORMAL, True),
        (TextureCodec.JPEG_PNG, TextureRole.DATA, True),
        (TextureCodec.JPEG_PNG, TextureRole.COLOR, False),
        (TextureCodec.AVIF, TextureRole.NORMAL, True),
        (TextureCodec.AVIF, TextureRole.COLOR, True),
    ],
)
def test_what_has_numbers_in_its_chroma_keeps_its_resolution(codec, role, keeps_chroma):
    picture = pixel_noise()
    made = encode_texture(encoded(picture), max_px=64, role=role, quality=95, codec=codec)
    assert (psnr_db(picture, decode_texture(made)[:, :, :3]) > 28) is keeps_chroma


def test_webp_keeps_sharp_what_half_of_the_chroma_can_hold():
    """A red disc on green: plain conversion to YUV smears its edge, the sharp one less."""
    y, x = np.mgrid[0:128, 0:128]
    disc = ((x - 64) ** 2 + (y - 64) ** 2 < 40**2)[:, :, None]
    picture = np.where(disc, (250, 20, 20), (20, 200, 30)).astype(np.uint8) ^ (x[:, :, None] % 5).astype(
        np.uint8
    )
    out = io.BytesIO()
    PIL.Image.fromarray(picture).save(out, "WEBP", quality=90, method=4, use_sharp_yuv=True)
    plain = psnr_db(picture, decoded(Image(out.getvalue(), "")))
    sharp = psnr_db(picture, decoded(encode_webp(picture, 90)))
    assert sharp > plain + 1.0


@pytest.mark.parametrize("codec", [TextureCodec.WEBP, TextureCodec.JPEG_PNG, TextureCodec.AVIF])
@pytest.mark.parametrize("colour", [(203, 17, 88), (203, 17, 88, 40)])
def test_one_colour_becomes_four_by_four_pixels_of_exactly_it(codec, colour):
    flat = np.full((256, 512, len(colour)), colour, np.uint8)
    made = encode_texture(encoded(flat), max_px=256, codec=codec)
    wanted = np.full((4, 4, 4), (*colour[:3], colour[3] if len(colour) == 4 else 255), np.uint8)
    assert np.array_equal(decode_texture(made), wanted)
    assert len(made.body) < 120


def test_a_texture_is_decoded_to_rgba_and_scaled_as_its_role_asks():
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[:, ::2] = 255
    assert np.array_equal(decode_texture(encoded(lines))[:, :, :3], lines)
    small = decode_texture(encoded(lines), max_px=16)
    assert (small.shape, small[0, 0].tolist()) == ((16, 16, 4), [188, 188, 188, 255])  # half the light
    data = decode_texture(encoded(lines), max_px=16, role=TextureRole.DATA)
    assert abs(int(data[0, 0, 0]) - 128) <= 1
    assert decode_texture(encoded(lines), max_px=16, role=TextureRole.NORMAL).shape == (16, 16, 4)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_what_gltf_cannot_hold_is_named_and_refused(kind):
    with pytest.raises(Refused) as refusal:
        texture_info(encoded(noise(8, 8), kind).body, where="texture 3")
    (problem,) = refusal.value.problems
    assert f"image/{kind.lower()}" in problem.message
    assert problem.where == "texture 3"


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "AVIF"]), st.integers(0, 400), st.binary(max_size=4))
def test_any_cut_or_damage_is_refused_never_a_crash(kind, cut, junk):
    body = encoded(noise(16, 16), kind).body
    damaged = body[: min(cut, len(body) - 1)] + junk
    try:
        encode_texture(Image(damaged, ""), max_px=64)
    except Refused:
        return


@given(st.binary(max_size=200))
def test_headers_of_nonsense_are_unreadable_or_named(body):
    try:
        parse_image_header(body)
    except ImageUnreadable:
        return


@pytest.mark.parametrize(("side", "accepted"), [(MAX_TEXTURE_PX, True), (MAX_TEXTURE_PX + 1, False)])
def test_side_limit_is_checked_before_decoding(side, accepted):
    body = png_header(side, 2)
    if accepted:
        assert check_texture(body).width_px == side
        return
    with pytest.raises(Refused, match=f"{side} x 2 pixels"):
        encode_texture(Image(body, ""), max_px=64)


def test_too_few_bytes_for_the_pixels_are_refused_before_decoding():
    least = int(8192 * 8192 * MIN_BYTES_PER_PX)
    head = len(png_header(8192, 8192))
    assert check_texture(png_header(8192, 8192, bytes(least - head + 1))).width_px == 8192
    with pytest.raises(Refused, match="was not opened"):
        check_texture(png_header(8192, 8192, bytes(least - head - 1)))
    assert check_texture(png_header(4096, 4096)).width_px == 4096  # up to this size a bomb is cheap


def test_a_bomb_costs_less_than_512_mib():
    """8192 x 8192 of one colour just above the floor: refused or decoded, in a process with little memory."""
    script = """
import io, numpy as np, PIL.Image
from asset_pipeline.models.steps.textures import encode_texture
from asset_pipeline.models.document import Image
from asset_pipeline.outcome import Refused
out = io.BytesIO()
PIL.Image.new("L", (8192, 8192)).save(out, "PNG")
for body in (out.getvalue(), out.getvalue() + bytes(400_000)):
    try:
        encode_texture(Image(body, ""), max_px=512)
        print("encoded")
    except Refused:
        print("refused")
from tests.asset_pipeline.models.watch_cost import own_peak_bytes
print(own_peak_bytes() // 2**20)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    *outcomes, peak_mib = done.stdout.split()
    assert outcomes == ["refused", "encoded"]
    assert int(peak_mib) < 512


def test_jpeg_that_webp_would_not_make_smaller_stays_byte_for_byte():
    coarse = encoded(noise(256, 256), "JPEG", quality=10)
    kept = encode_texture(coarse, max_px=256, quality=95)
    assert (kept.body, kept.media_type) == (coarse.body, "image/jpeg")


def test_jpeg_becomes_smaller_webp_that_looks_the_same():
    picture = noise(256, 256)
    source = encoded(picture, "JPEG", quality=95)
    result = encode_texture(source, max_px=256, quality=80)
    assert (result.media_type, result.name) == ("image/webp", "name")
    assert len(result.body) < len(source.body)
    difference = decoded(result).astype(float) - picture
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 30


def test_webp_is_not_encoded_again_for_little():
    source = encoded(noise(256, 256), "WEBP", quality=80)
    assert encode_texture(source, max_px=256, quality=80).body == source.body
    assert len(encode_texture(source, max_px=256, quality=20).body) < 0.8 * len(source.body)


def test_few_colours_become_lossless_where_that_is_smaller():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[::2] = (250, 10, 60)
    result = encode_texture(encoded(stripes), max_px=128)
    assert np.array_equal(decoded(result), stripes)
    assert len(result.body) < len(encoded(stripes).body)


def test_the_same_input_gives_the_same_bytes():
    source = encoded(noise(300, 200))
    assert encode_texture(source, max_px=64).body == encode_texture(source, max_px=64).body


@pytest.mark.parametrize(
    ("size", "max_px", "expected"),
    [
        ((640, 480), 640, (640, 480)),
        ((640, 480), 4096, (640, 480)),
        ((641, 480), 640, (512, 256)),
        ((4096, 4096), 2048, (2048, 2048)),
        ((3000, 2000), 2048, (2048, 1024)),
        ((8192, 1), 512, (512, 1)),
        ((300, 301), 256, (128, 256)),
        ((100, 100), 1, (1, 1)),
    ],
)
def test_target_size(size, max_px, expected):
    assert target_size(*size, max_px) == expected


def test_encoded_size_is_the_target_size():
    assert decoded(encode_texture(encoded(noise(200, 300)), max_px=128)).shape == (64, 128, 3)


def test_colour_is_averaged_in_linear_light():
    """Black and white lines at half size are 188, half the light, not 127; black and 128 are 92."""
    lines = np.zeros((64, 64, 3), np.uint8)
    lines[::2] = 255
    color = decoded(encode_texture(encoded(lines), max_px=32, quality=100))
    data = decoded(encode_texture(encoded(lines), max_px=32, role=TextureRole.DATA, quality=100))
    assert np.unique(color).tolist() == [188]
    dim = decoded(encode_texture(encoded(lines // 255 * 128), max_px=32, quality=100))
    assert np.unique(dim).tolist() == [92]
    assert set(np.unique(data).tolist()) <= {127, 128}


def test_sides_that_do_not_divide_evenly_are_averaged_alike():
    ramp = np.repeat(np.linspace(0, 255, 301).astype(np.uint8)[:, None], 300, axis=1)[:, :, None].repeat(
        3, axis=2
    )
    result = decoded(encode_texture(encoded(ramp), max_px=256, role=TextureRole.DATA, quality=100))
    assert result.shape == (256, 128, 3)
    assert np.abs(result[:, 64, 0] - np.linspace(0, 255, 256)).max() <= 2


def test_normals_stay_unit_length_when_averaged():
    tilted = np.zeros((64, 64, 3), np.uint8)
    tilted[:, ::2] = (218, 128, 218)  # 45 degrees to either side
    tilted[:, 1::2] = (37, 128, 218)
    result = decoded(encode_texture(encoded(tilted), max_px=32, role=TextureRole.NORMAL, quality=100))
    normals = result.astype(float) / 127.5 - 1
    assert np.abs(normals - [0, 0, 1]).max() < 0.03


def test_hidden_colour_does_not_bleed_into_edges():
    """A red leaf on transparent green: at half size the edge is red and half opaque, not brown."""
    leaf = np.zeros((64, 64, 4), np.uint8)
    leaf[..., 1] = 255
    leaf[:, :33] = (255, 0, 0, 255)
    result = decoded(encode_texture(encoded(leaf), max_px=32, alpha=AlphaUse.OPACITY, quality=100))
    red, green, _, opacity = result[10, 16].astype(int)
    assert abs(opacity - 128) <= 1
    assert red > 240
    assert green < 30


@pytest.mark.parametrize(
    ("alpha", "level", "channels"),
    [(AlphaUse.OPACITY, 255, 3), (AlphaUse.OPACITY, 90, 4), (AlphaUse.DATA, 90, 4), (AlphaUse.NONE, 90, 3)],
)
def test_alpha_is_kept_only_where_it_says_something(alpha, level, channels):
    picture = np.dstack([noise(64, 64), np.full((64, 64), level, np.uint8)])
    result = decoded(encode_texture(encoded(picture), max_px=64, alpha=alpha))
    assert result.shape == (64, 64, channels)
    if channels == 4:
        assert (result[:, :, 3] == level).all()


def test_data_under_zero_alpha_is_kept():
    picture = np.dstack([noise(64, 64), np.zeros((64, 64), np.uint8)])
    result = decoded(encode_texture(encoded(picture), max_px=64, role=TextureRole.DATA))
    assert np.abs(result[:, :, :3].astype(int) - picture[:, :, :3]).mean() < 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_kind_of_pixel_becomes_rgb(mode):
    ramp = PIL.Image.fromarray(np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1)))
    if mode == "I;16":
        picture = PIL.Image.fromarray(np.asarray(ramp).astype(np.uint16) * 257)
    else:
        picture = ramp.convert("RGB").convert(mode) if mode != "LA" else ramp.convert("LA")
    out = io.BytesIO()
    picture.save(out, "JPEG" if mode == "CMYK" else "PNG")
    result = decoded(encode_texture(Image(out.getvalue(), ""), max_px=32, quality=95)).astype(int)
    assert result.shape == (32, 32, 3)
    assert result[:, 28:].mean() > 200
    assert result[:, :4].mean() < 60


@pytest.mark.parametrize(("max_px", "quality"), [(0, 80), (64, -1), (64, 101)])
def test_options_are_checked(max_px, quality):
    with pytest.raises(ValueError, match="want max_px"):
        encode_texture(encoded(noise(8, 8)), max_px=max_px, quality=quality)


# Roles


def texture(index):
    return {"index": index}


def test_roles_of_core_and_extension_slots():
    extensions = {
        "KHR_materials_clearcoat": {"clearcoatTexture": texture(4), "clearcoatNormalTexture": texture(5)},
        "KHR_materials_sheen": {"sheenColorTexture": texture(6), "sheenRoughnessTexture": texture(7)},
        "KHR_materials_specular": {"specularTexture": texture(8), "specularColorTexture": texture(9)},
        "KHR_materials_transmission": {"transmissionTexture": texture(10)},
        "KHR_materials_volume": {"thicknessTexture": texture(11)},
        "KHR_materials_iridescence": {
            "iridescenceTexture": texture(12),
            "iridescenceThicknessTexture": texture(13),
        },
        "KHR_materials_anisotropy": {"anisotropyTexture": texture(14)},
        "KHR_materials_diffuse_transmission": {
            "diffuseTransmissionTexture": texture(15),
            "diffuseTransmissionColorTexture": texture(16),
        },
        "KHR_materials_pbrSpecularGlossiness": {
            "diffuseTexture": texture(17),
            "specularGlossinessTexture": texture(18),
        },
    }
    material = {
        "alphaMode": "BLEND",
        "pbrMetallicRoughness": {"baseColorTexture": texture(0), "metallicRoughnessTexture": texture(1)},
        "normalTexture": texture(2),
        "emissiveTexture": texture(3),
        "occlusionTexture": texture(1),
        "extensions": extensions,
        "extras": {"lostTexture": texture(19)},
    }
    uses = collect_texture_roles({"textures": [{"source": i} for i in range(20)], "materials": [material]})
    color, normal, data = TextureRole.COLOR, TextureRole.NORMAL, TextureRole.DATA
    assert [uses[i].role for i in range(19)] == [
        color, data, normal, color, data, normal, color, data, data, color,
        data, data, data, data, data, data, color, color, color,
    ]  # fmt: skip
    assert [i for i in range(19) if uses[i].alpha is AlphaUse.OPACITY] == [0, 17]
    assert [i for i in range(19) if uses[i].alpha is AlphaUse.DATA] == [7, 8, 15, 18]
    assert 19 not in uses


def test_an_unknown_extension_is_data_and_an_opaque_material_needs_no_alpha():
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": texture(0)},
        "extensions": {
            "ACME_fur": {
                "furTexture": texture(1),
                "tipColorTexture": texture(2),
                "furNormalTexture": texture(3),
            }
        },
    }
    uses = collect_texture_roles({"textures": [{"source": i} for i in range(4)], "materials": [material]})
    assert uses == {
        0: TextureUse(TextureRole.COLOR, AlphaUse.NONE),
        1: TextureUse(TextureRole.DATA, AlphaUse.DATA),
        2: TextureUse(TextureRole.COLOR, AlphaUse.NONE),
        3: TextureUse(TextureRole.NORMAL, AlphaUse.NONE),
    }


def test_an_image_of_several_uses_gets_the_most_careful_one():
    materials = [
        {"emissiveTexture": texture(0), "occlusionTexture": texture(0)},
        {"alphaMode": "MASK", "pbrMetallicRoughness": {"baseColorTexture": texture(0)}},
    ]
    uses = collect_texture_roles({"textures": [{"source": 5}], "materials": materials})
    assert uses == {5: TextureUse(TextureRole.DATA, AlphaUse.OPACITY)}


def test_webp_and_ktx2_sources_have_the_role_of_their_texture():
    textures = [
        {"source": 0, "extensions": {"EXT_texture_webp": {"source": 1}, "KHR_texture_basisu": {"source": 2}}}
    ]
    uses = collect_texture_roles({"textures": textures, "materials": [{"normalTexture": texture(0)}]})
    assert set(uses) == {0, 1, 2}
    assert {use.role for use in uses.values()} == {TextureRole.NORMAL}
    assert collect_texture_roles({"materials": [{"normalTexture": texture(9)}], "textures": []}) == {}
