"""Leave out what nothing points to: accessors, images, and textures where no unknown extension could use
them.
"""

from asset_pipeline.models.document import Document, JsonObject
from asset_pipeline.models.extensions import KNOWN_EXTENSIONS
from asset_pipeline.models.references import accessor_places, image_places, texture_infos


def prune(document: Document) -> Document:
    """The same model with dense lists, in order of first use."""
    editor = document.edit()
    prune_textures(editor.json)
    accessors: dict[int, int] = {}
    for place in accessor_places(editor.json):
        place.put(accessors.setdefault(place.index, len(accessors)))
    images: dict[int, int] = {}
    for place in image_places(editor.json):
        place.put(images.setdefault(place.index, len(images)))
    editor.accessors = [document.accessors[old] for old in accessors]
    editor.images = [document.images[old] for old in images]
    return editor.finish()


def prune_textures(tree: JsonObject) -> None:
    """Leave out (in place) textures that no material shows, unless an unknown extension might use them."""
    textures = tree.get("textures")
    if textures is None or any(name not in KNOWN_EXTENSIONS for name in tree.get("extensionsUsed", [])):
        return
    numbers: dict[int, int] = {}
    infos = [info for _, info, _ in texture_infos(tree.get("materials", []))]
    for info in infos:
        info["index"] = numbers.setdefault(info["index"], len(numbers))
    if numbers:
        tree["textures"] = [textures[old] for old in numbers]
    else:
        del tree["textures"]
