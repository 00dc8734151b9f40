"""Spell out glTF's default material where a model has none at all: model-viewer 4.4 opens no such file."""

from asset_pipeline.models.document import Document


def spell_out_default(document: Document) -> Document:
    """The same picture, with at least one material where anything is drawn.

    model-viewer walks the file's list of materials without asking whether there is one, and so shows an
    error instead of the model.
    """
    meshes = document.items("meshes")
    if document.items("materials") or not meshes:
        return document
    editor = document.edit()
    editor.json["materials"] = [{}]  # each value has its default: white, metal and roughness 1
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            primitive["material"] = 0
    return editor.finish()
