"""EXT_mesh_features: feature ids that are nothing but the order of the vertices, written out as a column.

Steps merge, drop and reorder vertices, and an order would not survive that; a column does.
"""

import numpy as np

from asset_pipeline.models.document import Accessor, Document, DocumentEditor, JsonObject
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

EXTENSION = "EXT_mesh_features"
MAX_IDS = 1 << 24  # whole numbers that a 32-bit float holds; vertex columns have no larger type
METADATA = "EXT_structural_metadata"


def mend_features(document: Document) -> tuple[Document, tuple[Problem, ...]]:
    """The model with implicit feature ids made explicit, and what is said about it."""
    owners = [
        (mesh, place)
        for mesh, place, primitive in document.primitives()
        if isinstance(primitive.get("extensions", {}).get(EXTENSION), dict)
    ]
    if not owners:
        return document, ()
    editor = document.edit()
    has_tables = METADATA in document.json.get("extensions", {})
    written = dropped = 0
    for mesh, place in owners:
        primitive = editor.items("meshes")[mesh]["primitives"][place]
        kept = []
        for ids in _feature_ids(primitive):
            if not has_tables:
                ids.pop("propertyTable", None)  # the tables were taken out as data we cannot write anew
            if "attribute" in ids or "texture" in ids:
                kept.append(ids)
            elif _write_out(editor, primitive, ids):
                kept.append(ids)
                written += 1
            else:
                dropped += 1
        if kept:
            primitive["extensions"][EXTENSION]["featureIds"] = kept
        else:
            del primitive["extensions"][EXTENSION]
    return editor.finish(), _warnings(written, dropped)


def _feature_ids(primitive: JsonObject) -> list[JsonObject]:
    found = primitive["extensions"][EXTENSION].get("featureIds")
    return [ids for ids in found if isinstance(ids, dict)] if isinstance(found, list) else []


def _write_out(editor: DocumentEditor, primitive: JsonObject, ids: JsonObject) -> bool:
    """Number the vertices in a new column `_FEATURE_ID_n`; False where there are too many, or none."""
    attributes = primitive["attributes"]
    position = attributes.get("POSITION")
    count = 0 if position is None else editor.accessors[position].count
    if not 0 < count <= MAX_IDS:
        return False
    number = next(n for n in range(len(attributes) + 1) if f"_FEATURE_ID_{n}" not in attributes)
    column = np.arange(count, dtype=np.float32).reshape(-1, 1)
    attributes[f"_FEATURE_ID_{number}"] = editor.add_accessor(Accessor(column, "SCALAR"))
    ids["attribute"] = number
    return True


def _warnings(written: int, dropped: int) -> tuple[Problem, ...]:
    said = []
    if written:
        message = f"{written} sets of feature ids were the order of the vertices; they have a column now."
        said.append(warn(message, where="/meshes"))
    if dropped:
        message = f"{dropped} sets of feature ids could not be kept: there are too many vertices, or none."
        said.append(warn(message, where="/meshes"))
    return tuple(said)
