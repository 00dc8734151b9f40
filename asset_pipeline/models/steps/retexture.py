"""One picture per texture, scaled and encoded. Alternatives of the same picture are settled here."""

import hashlib
from collections.abc import MutableMapping

from asset_pipeline.models.document import Document, DocumentEditor, Image, JsonObject
from asset_pipeline.models.references import TEXTURE_SOURCE_EXTENSIONS
from asset_pipeline.models.steps.texture_options import TextureOptions
from asset_pipeline.models.steps.texture_roles import TextureUse, collect_texture_roles
from asset_pipeline.models.steps.textures import encode_texture
from asset_pipeline.outcome import refuse

READABLE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/avif"})

TextureCache = MutableMapping[tuple[object, ...], Image]


def settle_sources(document: Document) -> Document:
    """Each texture with one plain `source`: of several forms of a picture the best we can read, else its
    KTX2.
    """
    editor = document.edit()
    for index, texture in enumerate(editor.items("textures")):
        source = _best_source(editor, texture, f"/textures/{index}")
        texture.pop("source", None)
        extensions = texture.get("extensions", {})
        for name in TEXTURE_SOURCE_EXTENSIONS:
            extensions.pop(name, None)
        if not extensions:
            texture.pop("extensions", None)
        if source is not None:
            texture["source"] = source
    for name in TEXTURE_SOURCE_EXTENSIONS:
        editor.drop_extension(name)
    return editor.finish()


def _best_source(editor: DocumentEditor, texture: JsonObject, where: str) -> int | None:
    offered = [
        texture["extensions"][name]["source"]
        for name in TEXTURE_SOURCE_EXTENSIONS
        if "source" in texture.get("extensions", {}).get(name, {})
    ]
    if "source" in texture:
        offered.append(texture["source"])
    if not offered:
        return None
    for wanted in (READABLE_TYPES, {"image/ktx2"}):
        for source in offered:
            if editor.images[source].media_type in wanted:
                return int(source)
    raise refuse(
        f"the texture's image is {editor.images[offered[0]].media_type}, which is not supported.",
        where=where,
        advice="Export the model with PNG or JPEG textures.",
    )


def retexture(document: Document, options: TextureOptions, cache: TextureCache) -> Document:
    """Every image that a material shows, as the options say. The cache spans recipes of one document."""
    uses = collect_texture_roles(document.json)
    images = []
    for index, image in enumerate(document.images):
        use = uses.get(index)
        if use is None:
            images.append(image)  # nothing shows it: the writer leaves it out
            continue
        images.append(_encoded(image, index, use, options, cache))
    return document.replace_images(images)


def _encoded(
    image: Image, index: int, use: TextureUse, options: TextureOptions, cache: TextureCache
) -> Image:
    max_px, quality = options.max_px_of(use.role), options.quality[use.role]
    key = (hashlib.sha256(image.body).digest(), use.role, use.alpha, max_px, quality, options.codec)
    if key not in cache:
        cache[key] = encode_texture(
            image,
            max_px=max_px,
            role=use.role,
            quality=quality,
            codec=options.codec,
            alpha=use.alpha,
            where=f"/images/{index}",
        )
    found = cache[key]
    return Image(found.body, found.media_type, image.name)
