"""The rules a USDZ's container must keep: entries, their order and place, and the pictures among them."""

import zlib
from collections.abc import Sequence

from asset_pipeline.models.image_headers import ImageUnreadable, parse_image_header
from asset_pipeline.models.steps.textures import gpu_bytes
from asset_pipeline.models.usdz.limits import UsdzLimits
from asset_pipeline.models.usdz.package import ALIGNMENT_BYTES, Entry
from heritage_sites.problem import Problem

_LAYER_SIGNATURE = b"PXR-USDC"
_PICTURE_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}


def find_package_problems(
    body: bytes, entries: Sequence[Entry], limits: UsdzLimits
) -> tuple[list[Problem], bool]:
    """(problems, whether USD can open it as far as the container goes)."""
    problems = []
    if len(body) > limits.package_bytes:
        problems.append(
            _problem("package", f"the file has {len(body)} bytes; at most {limits.package_bytes} are taken.")
        )
    problems += [problem for entry in entries for problem in _placed(body, entry)]
    can_open = _starts_with_layer(body, entries)
    if not can_open:  # [spec] the first file is what a reader opens; [arkit] as usdc
        problems.append(_problem("package", "the first file in it is no binary USD layer (.usdc)."))
    names = [entry.name for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(_problem(name, "two files have this name."))
    decoded = 0
    for entry in entries[1:]:
        found, size = _picture(body, entry, limits)
        problems += found
        decoded += size
    if decoded > limits.decoded_bytes:  # [ufg]
        problems.append(
            _problem(
                "package", f"its textures take {decoded} bytes decoded; {limits.decoded_bytes} are taken."
            )
        )
    return problems, can_open and not any(entry.method or entry.is_encrypted for entry in entries)


def _placed(body: bytes, entry: Entry) -> list[Problem]:
    """[spec] "zip constraints": no compression, no encryption, data at multiples of 64 bytes."""
    found = []
    if entry.method != 0:
        found.append(_problem(entry.name, "the file is compressed; in USDZ files are only stored."))
    if entry.is_encrypted:
        found.append(_problem(entry.name, "the file is encrypted; USDZ knows no encryption."))
    if entry.start % ALIGNMENT_BYTES:
        found.append(
            _problem(entry.name, f"the file starts at byte {entry.start}, no multiple of {ALIGNMENT_BYTES}.")
        )
    data = body[entry.start : entry.start + entry.stored_bytes]
    if entry.method == 0 and zlib.crc32(data) != entry.crc32:
        found.append(_problem(entry.name, "the file is damaged: its checksum is wrong."))
    return found


def _starts_with_layer(body: bytes, entries: Sequence[Entry]) -> bool:
    if not entries:
        return False
    first = entries[0]
    in_root = first.name.endswith(".usdc") and "/" not in first.name
    return in_root and body[first.start : first.start + 8] == _LAYER_SIGNATURE


def _picture(body: bytes, entry: Entry, limits: UsdzLimits) -> tuple[list[Problem], int]:
    """[arkit] textures are .jpg or .png, and [wwdc] no larger than 2048 px; here also what they say they are.

    Returns the problems and the texture's bytes on the GPU.
    """
    suffix = entry.name.rpartition(".")[2].lower()
    if suffix not in _PICTURE_TYPES:
        return [_problem(entry.name, "the file is neither a PNG nor a JPEG texture.")], 0
    try:
        header = parse_image_header(body[entry.start : entry.start + entry.stored_bytes])
    except ImageUnreadable as fault:
        return [_problem(entry.name, f"the texture cannot be read: {fault}.")], 0
    found = []
    if header.media_type != _PICTURE_TYPES[suffix]:
        found.append(_problem(entry.name, f"the texture is {header.media_type}, not what its name says."))
    if max(header.width_px, header.height_px) > limits.texture_px:
        found.append(
            _problem(
                entry.name,
                f"the texture has {header.width_px} x {header.height_px} pixels; "
                f"at most {limits.texture_px} per side are taken.",
            )
        )
    return found, gpu_bytes(header.width_px, header.height_px)


def _problem(where: str, message: str) -> Problem:
    return Problem(file="", where=where, message=message)
