"""Numbers on grids (KHR_mesh_quantization): a third of the bytes, and no difference an eye can see.

Normals and tangents are put on theirs by the writer, which stores them octahedral.
"""

import numpy as np

from asset_pipeline.models.document import Accessor, Array, Document, DocumentEditor
from asset_pipeline.models.steps.quantize_positions import quantize_positions
from asset_pipeline.models.steps.quantize_uvs import quantize_uvs


def quantize(document: Document, *, position_bits: int, uv_bits: int) -> Document:
    """Positions and UVs on grids of 2**bits steps, colours and skin weights in bytes.

    What cannot be put on a grid safely (see the two modules) stays float. Whole numbers stay as they came.
    """
    for name, bits in (("position_bits", position_bits), ("uv_bits", uv_bits)):
        if not 8 <= bits <= 16:
            raise ValueError(f"{name}: want 8 to 16, got {bits}")
    document = quantize_positions(document, bits=position_bits)
    document = quantize_uvs(document, bits=uv_bits)
    return quantize_small(document)


def quantize_small(document: Document) -> Document:
    """Colours, joints, weights and morph targets' directions in bytes, where they fit."""
    editor = document.edit()
    done: dict[tuple[object, ...], int] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            attributes: dict[str, int] = primitive["attributes"]
            targets: list[dict[str, int]] = primitive.get("targets", [])
            for name in sorted(attributes):
                if name.startswith("COLOR_") and not any(name in target for target in targets):
                    attributes[name] = _once(editor, done, attributes[name], "colour", _as_bytes)
                if name.startswith("JOINTS_"):
                    attributes[name] = _once(editor, done, attributes[name], "joints", _as_small)
            _quantize_weights(editor, done, attributes)
            for target in targets:
                for name in sorted(target):
                    if name in ("NORMAL", "TANGENT"):
                        target[name] = _once(editor, done, target[name], "delta", _as_delta)
    return editor.finish()


def _once(
    editor: DocumentEditor, done: dict[tuple[object, ...], int], number: int, use: str, change: object
) -> int:
    assert callable(change)
    if (number, use) not in done:
        done[(number, use)] = editor.add_accessor(change(editor.accessors[number]))
    return done[(number, use)]


def _as_bytes(column: Accessor) -> Accessor:
    if column.array.dtype == np.uint8:
        return column
    array = np.rint(np.clip(column.as_floats(), 0.0, 1.0) * 255.0).astype(np.uint8)
    return Accessor(array, column.type, True, column.name)


def _as_small(column: Accessor) -> Accessor:
    if column.array.dtype == np.uint8 or int(column.array.max(initial=0)) > 255:
        return column
    return Accessor(column.array.astype(np.uint8), column.type, False, column.name)


def _as_delta(column: Accessor) -> Accessor:
    """A direction's change as signed bytes, where it fits in [-1, 1]."""
    if column.array.dtype != np.float32 or float(np.abs(column.array).max(initial=0)) > 1.0:
        return column
    return Accessor(np.rint(column.array * 127.0).astype(np.int8), column.type, True, column.name)


def _quantize_weights(
    editor: DocumentEditor, done: dict[tuple[object, ...], int], attributes: dict[str, int]
) -> None:
    """Skin weights as bytes that sum up to exactly 255 over all sets of a vertex."""
    names = sorted(name for name in attributes if name.startswith("WEIGHTS_"))
    if not names:
        return
    key = tuple(attributes[name] for name in names)
    if (key, 0) not in done:
        columns = [editor.accessors[number] for number in key]
        whole = _sum_to_255(np.concatenate([column.as_floats() for column in columns], axis=1))
        for index, column in enumerate(columns):
            part = np.ascontiguousarray(whole[:, index * 4 : index * 4 + 4])
            done[(key, index)] = editor.add_accessor(Accessor(part, "VEC4", True, column.name))
    for index, name in enumerate(names):
        attributes[name] = done[(key, index)]


def _sum_to_255(weights: Array) -> Array:
    exact = weights.astype(np.float64)
    exact *= 255.0 / np.maximum(exact.sum(axis=1, keepdims=True), 1e-12)
    floor = np.floor(exact)
    missing = np.rint(255 - floor.sum(axis=1)).astype(np.int64)
    rank = np.argsort(np.argsort(-(exact - floor), axis=1, kind="stable"), axis=1, kind="stable")
    whole: Array = (floor + (rank < missing[:, None])).astype(np.uint8)
    return whole
