"""Read a .glb or .gltf master with everything it refers to. What comes back is whole and checked."""

from collections.abc import Sequence
from pathlib import Path

from asset_pipeline.models.document import Accessor, Document, Image, JsonObject
from asset_pipeline.models.extensions import check_required, remove_unkeepable
from asset_pipeline.models.reading import decode_draco
from asset_pipeline.models.reading.check_gltf import check_gltf
from asset_pipeline.models.reading.check_shape import check_shape
from asset_pipeline.models.reading.containers import parse_container
from asset_pipeline.models.reading.decode_meshopt import EXTENSIONS as MESHOPT_EXTENSIONS
from asset_pipeline.models.reading.decode_meshopt import compressed_view
from asset_pipeline.models.reading.mend import mend_data
from asset_pipeline.models.reading.mend_features import mend_features
from asset_pipeline.models.reading.mend_tree import mend_tree
from asset_pipeline.models.reading.read_accessors import Buffers, read_accessor
from asset_pipeline.models.reading.uris import MasterFolder
from asset_pipeline.models.references import accessor_places, image_places
from asset_pipeline.models.steps.prune import prune_textures
from asset_pipeline.outcome import Refused, refuse, warn
from heritage_sites.problem import Problem

_STORAGE_KEYS = ("accessors", "bufferViews", "buffers", "images")
_STORAGE_EXTENSIONS = ("KHR_draco_mesh_compression", *MESHOPT_EXTENSIONS, "KHR_mesh_quantization")

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"WEBP", 8, "image/webp"),
    (b"\xabKTX 20\xbb\r\n\x1a\n", 0, "image/ktx2"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftypavis", 4, "image/avif"),
    (b"DDS ", 0, "image/vnd-ms.dds"),
)


def load_gltf(path: Path) -> tuple[Document, tuple[Problem, ...]]:
    """The model, and a warning for each thing that had to be mended. Refused with every fault found."""
    folder = MasterFolder(path)
    body = folder.read_master(path)
    tree, binary, problems = parse_container(body)
    problems += check_shape(tree)
    check_required(tree)
    problems += remove_unkeepable(tree)
    problems += mend_tree(tree)
    problems += _stride_warnings(tree)
    bodies = _read_buffers(tree, binary, folder)
    _check_views(tree, bodies)
    buffers = Buffers(tree, bodies, len(body) + sum(len(other) for other in bodies if other is not None))
    problems += _leave_out_unshown(tree)
    images = _read_images(tree, buffers, folder)
    accessors = _read_accessors(tree, buffers)
    document = Document(_without_storage(tree), tuple(accessors), tuple(images))
    problems += check_gltf(document)
    document, mended = mend_data(document)
    document, numbered = mend_features(document)
    return document, (*problems, *mended, *numbered)


def _read_buffers(
    tree: JsonObject, binary: memoryview | None, folder: MasterFolder
) -> list[memoryview | None]:
    bodies: list[memoryview | None] = []
    for index, buffer in enumerate(tree.get("buffers", [])):
        where = f"/buffers/{index}"
        fallback = any(
            buffer.get("extensions", {}).get(name, {}).get("fallback") for name in MESHOPT_EXTENSIONS
        )
        if fallback:
            bodies.append(None)  # holds at best the same data uncompressed; the compressed views are read
            continue
        if "uri" in buffer:
            body = memoryview(folder.read_uri(buffer["uri"], f"{where}/uri"))
        elif index == 0 and binary is not None:
            body = binary
        else:
            bodies.append(None)  # glTF allows it; who needs the data is refused when it is read
            continue
        if len(body) < buffer["byteLength"]:
            raise refuse(
                f"a buffer says it has {buffer['byteLength']} bytes, but there are {len(body)}.",
                where=where,
                advice="The file is damaged or was cut off: export or send it again.",
            )
        bodies.append(body[: buffer["byteLength"]])
    return bodies


def _check_views(tree: JsonObject, bodies: Sequence[memoryview | None]) -> None:
    """Every buffer view lies inside its buffer, used or not: else the file was cut or badly made."""
    faults = []
    for index, view in enumerate(tree.get("bufferViews", [])):
        part = compressed_view(view) or view
        body = bodies[part["buffer"]]
        start, length = part.get("byteOffset", 0), part["byteLength"]
        if body is not None and start + length > len(body):
            faults.append(
                Problem(
                    file="",
                    where=f"/bufferViews/{index}",
                    message=f"it covers bytes {start} to {start + length} of a buffer of {len(body)} bytes.",
                    advice="The file is damaged: export it again.",
                )
            )
    if faults:
        raise Refused(faults[:50])


def _stride_warnings(tree: JsonObject) -> list[Problem]:
    """Animations and skins must lie packed; some exporters put a byteStride there. It is read as it says."""
    views, accessors = tree.get("bufferViews", []), tree.get("accessors", [])
    strided = 0
    for place in accessor_places(tree):
        if not place.where.startswith(("/meshes/", "/nodes/")):
            view = accessors[place.index].get("bufferView")
            strided += view is not None and "byteStride" in views[view]
    if not strided:
        return []
    message = f"{strided} animation and skin accessors had a byteStride, which glTF forbids; removed."
    return [warn(message, where="/bufferViews")]


def _leave_out_unshown(tree: JsonObject) -> list[Problem]:
    """Textures and images that no material shows go before they are read: they need not even be readable."""
    lists = ("textures", "images")
    before = [len(tree.get(name, [])) for name in lists]
    prune_textures(tree)
    numbers: dict[int, int] = {}
    for place in image_places(tree):
        place.put(numbers.setdefault(place.index, len(numbers)))
    if numbers:
        tree["images"] = [tree["images"][old] for old in numbers]
    else:
        tree.pop("images", None)
    gone = [count - len(tree.get(name, [])) for name, count in zip(lists, before, strict=True)]
    said = " and ".join(f"{count} of the {name}" for name, count in zip(lists, gone, strict=True) if count)
    return [warn(f"{said} are shown by no material; they were left out.")] if said else []


def _read_images(tree: JsonObject, buffers: Buffers, folder: MasterFolder) -> list[Image]:
    images = []
    for index, image in enumerate(tree.get("images", [])):
        where = f"/images/{index}"
        if "uri" in image:
            body = folder.read_uri(image["uri"], f"{where}/uri")
        elif "bufferView" in image:
            body = bytes(buffers.view(image["bufferView"]))
        else:
            raise refuse("an image has neither a URI nor data.", where=where)
        images.append(Image(body, _media_type_of(body, where), image.get("name", "")))
    return images


def _media_type_of(body: bytes, where: str) -> str:
    for signature, offset, media_type in _SIGNATURES:
        if body[offset : offset + len(signature)] == signature:
            return media_type
    raise refuse("an image is none of PNG, JPEG, WebP, AVIF and KTX2.", where=where)


def _read_accessors(tree: JsonObject, buffers: Buffers) -> list[Accessor]:
    """Read what is pointed to, Draco-compressed primitives first; renumber the places in the tree."""
    stored: list[JsonObject] = tree.get("accessors", [])
    found: list[Accessor] = []
    decoded_places = _decode_draco(tree, buffers, stored, found)
    numbers: dict[int, int] = {}
    for place in accessor_places(tree):
        if (id(place.owner), place.key) in decoded_places:
            continue
        old = place.index
        if old not in numbers:
            numbers[old] = len(found)
            found.append(read_accessor(stored[old], buffers, f"/accessors/{old}"))
        place.put(numbers[old])
    return found


def _decode_draco(
    tree: JsonObject, buffers: Buffers, stored: Sequence[JsonObject], found: list[Accessor]
) -> set[tuple[int, object]]:
    places: set[tuple[int, object]] = set()
    known: dict[tuple[object, ...], dict[str, int]] = {}
    for mesh_index, mesh in enumerate(tree.get("meshes", [])):
        for primitive_index, primitive in enumerate(mesh["primitives"]):
            extension = primitive.get("extensions", {}).pop(decode_draco.EXTENSION, None)
            if extension is None:
                continue
            if not primitive["extensions"]:
                del primitive["extensions"]
            where = f"/meshes/{mesh_index}/primitives/{primitive_index}/extensions/{decode_draco.EXTENSION}"
            ids = {
                name: number
                for name, number in extension["attributes"].items()
                if name in primitive["attributes"]
            }
            key = (extension["bufferView"], *sorted((name, primitive["attributes"][name]) for name in ids))
            if key not in known:
                known[key] = _decode_one(
                    extension["bufferView"], ids, primitive, stored, buffers, found, where
                )
            numbers = known[key]
            primitive["indices"] = numbers[""]
            places.add((id(primitive), "indices"))
            for name in ids:
                primitive["attributes"][name] = numbers[name]
                places.add((id(primitive["attributes"]), name))
    return places


def _decode_one(
    view: int,
    ids: dict[str, int],
    primitive: JsonObject,
    stored: Sequence[JsonObject],
    buffers: Buffers,
    found: list[Accessor],
    where: str,
) -> dict[str, int]:
    """Decode one compressed part; returns the accessor number per attribute name, and of the indices under
    "".
    """
    body = buffers.view(view)
    indices, columns = decode_draco.decode_primitive(
        body, ids, {name: stored[primitive["attributes"][name]] for name in ids}, where
    )
    buffers.allowance.take(indices.nbytes + sum(column.array.nbytes for column in columns.values()), where)
    numbers = {"": len(found)}
    found.append(Accessor(indices, "SCALAR"))
    for name, column in columns.items():
        numbers[name] = len(found)
        found.append(column)
    return numbers


def _without_storage(tree: JsonObject) -> JsonObject:
    rest = {key: value for key, value in tree.items() if key not in _STORAGE_KEYS}
    for key in ("extensionsUsed", "extensionsRequired"):
        names = [name for name in rest.get(key, []) if name not in _STORAGE_EXTENSIONS]
        if names:
            rest[key] = names
        else:
            rest.pop(key, None)
    return rest
