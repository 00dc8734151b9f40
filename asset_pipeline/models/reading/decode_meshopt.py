"""EXT_meshopt_compression and KHR_meshopt_compression: a compressed buffer view back as plain bytes."""

import meshopt
import numpy as np

from asset_pipeline.models.document import JsonObject
from asset_pipeline.outcome import refuse

EXTENSIONS = ("EXT_meshopt_compression", "KHR_meshopt_compression")

MAX_RATIO = (
    600  # the codec cannot do better than about 500 to 1 (all rows equal); more is a lie about the count
)

_FILTER_STRIDES = {"OCTAHEDRAL": (4, 8), "QUATERNION": (8,), "COLOR": (4, 8)}


def compressed_view(view: JsonObject) -> JsonObject | None:
    """The extension's object of a buffer view, or None for a plain view."""
    extensions = view.get("extensions", {})
    for name in EXTENSIONS:
        if name in extensions:
            found: JsonObject = extensions[name]
            return found
    return None


def decoded_bytes(extension: JsonObject) -> int:
    """Length once decoded, known before anything is decoded."""
    return int(extension["count"]) * int(extension["byteStride"])


def decode_view(body: memoryview, extension: JsonObject, where: str) -> memoryview:
    """The decoded view. Refused: data that does not fit what the extension says about it."""
    count, stride, mode = extension["count"], extension["byteStride"], extension["mode"]
    kind = extension.get("filter", "NONE")
    if count == 0:
        return memoryview(b"")
    if decoded_bytes(extension) > len(body) * MAX_RATIO:
        raise refuse("a compressed part claims more data than it can hold.", where=where)
    if mode == "ATTRIBUTES":
        fits = stride % 4 == 0
        if kind in _FILTER_STRIDES:
            fits = fits and stride in _FILTER_STRIDES[kind]
    else:
        fits = stride in (2, 4) and kind == "NONE" and (mode != "TRIANGLES" or count % 3 == 0)
    if not fits:
        raise refuse(
            f"a compressed part has a stride of {stride} bytes, wrong for {mode} {kind}.", where=where
        )
    try:
        decoded = meshopt.decode_gltf_buffer(bytes(body), count, stride, mode, kind)
    except (ValueError, RuntimeError, TypeError, OverflowError, MemoryError) as error:
        raise refuse("a meshopt-compressed part is damaged.", where=where) from error
    return memoryview(np.ascontiguousarray(decoded).tobytes())
