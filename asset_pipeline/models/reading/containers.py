"""From a file's bytes to its JSON tree: the GLB container, JSON with limits, nothing interpreted yet."""

import json
import struct
from typing import Any

from asset_pipeline.models.document import JsonObject
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

GLB_MAGIC = b"glTF"
CHUNK_JSON = 0x4E4F534A
CHUNK_BIN = 0x004E4942

MAX_JSON_VALUES = 2_000_000  # commas and brackets; 2 million small Python values are about 250 MB
MAX_JSON_DEPTH = 96  # glTF needs about 10; steps walk the tree by recursion


def parse_container(body: bytes) -> tuple[JsonObject, memoryview | None, list[Problem]]:
    """The JSON tree, the binary chunk if there is one, and warnings. Refused: anything not whole."""
    if not body:
        raise refuse("the file is empty.", advice="Send it again; the upload was perhaps interrupted.")
    if body[:4] == GLB_MAGIC:
        text, binary, spare = _split_glb(body)
    else:
        text, binary, spare = memoryview(body), None, []
    tree, problems = _parse_json(text)
    return tree, binary, [*spare, *problems]


def _split_glb(body: bytes) -> tuple[memoryview, memoryview | None, list[Problem]]:
    damaged = "The file is damaged: export it again, or send it again if the upload was interrupted."
    if len(body) < 20:
        raise refuse("the GLB file ends inside its header.", where="GLB", advice=damaged)
    version, length = struct.unpack_from("<II", body, 4)
    if version != 2:
        raise refuse(f"this is GLB version {version}; only version 2 is read.", where="GLB")
    if length > len(body):
        raise refuse(
            f"the GLB file says it is {length} bytes long, but it has {len(body)}.",
            where="GLB",
            advice=damaged,
        )
    spare = []
    if length < len(body):
        message = f"{len(body) - length} bytes stand behind the end of the GLB; they were ignored."
        spare.append(warn(message, where="GLB"))
    chunks: list[tuple[int, memoryview]] = []
    view = memoryview(body)
    offset = 12
    while offset < length:
        if offset + 8 > length:
            raise refuse("the GLB file ends inside a chunk's header.", where="GLB", advice=damaged)
        size, kind = struct.unpack_from("<II", body, offset)
        if size > length - offset - 8:
            raise refuse("the GLB file ends inside a chunk.", where="GLB", advice=damaged)
        chunks.append((kind, view[offset + 8 : offset + 8 + size]))
        offset += 8 + size
        if len(chunks) > 1000:
            raise refuse("the GLB file has more than 1000 chunks.", where="GLB")
    if not chunks or chunks[0][0] != CHUNK_JSON:
        raise refuse("the GLB file does not begin with its JSON part.", where="GLB", advice=damaged)
    binaries = [chunk for kind, chunk in chunks[1:] if kind == CHUNK_BIN]
    if len(binaries) > 1:
        raise refuse("the GLB file has two binary parts; only one is allowed.", where="GLB")
    return chunks[0][1], binaries[0] if binaries else None, spare


def _parse_json(text: memoryview) -> tuple[JsonObject, list[Problem]]:
    raw = bytes(text).rstrip(b" \0")
    problems = []
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
        problems.append(warn("the JSON began with a byte order mark, which glTF forbids; it was removed."))
    if raw.count(b",") + raw.count(b"[") + raw.count(b"{") > MAX_JSON_VALUES:
        raise refuse(f"the file's JSON holds more than {MAX_JSON_VALUES} values.", where="JSON")
    try:
        tree = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError as error:
        raise refuse("the file's JSON is nested too deeply.", where="JSON") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise refuse(f"the file is not valid glTF JSON: {_short(error)}.", where="JSON") from error
    if not isinstance(tree, dict):
        raise refuse("the file's JSON is not an object, so it is not glTF.", where="JSON")
    _check_depth(tree)
    return tree, problems


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _short(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} in line {error.lineno}, column {error.colno}"
    return str(error)[:200]


def _check_depth(tree: JsonObject) -> None:
    level: list[Any] = [tree]
    for _ in range(MAX_JSON_DEPTH):
        below: list[Any] = []
        for value in level:
            children = value.values() if isinstance(value, dict) else value
            below.extend(child for child in children if isinstance(child, dict | list))
        if not below:
            return
        level = below
    raise refuse(f"the file's JSON is nested more than {MAX_JSON_DEPTH} levels deep.", where="JSON")
