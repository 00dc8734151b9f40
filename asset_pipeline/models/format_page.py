"""The page docs/formats/models.md, written from the tables the code itself works with.

python -m asset_pipeline.models.format_page > docs/formats/models.md
"""

from asset_pipeline.models.extensions import KNOWN_EXTENSIONS
from asset_pipeline.models.reading.check_gltf import MAX_NODES, MAX_TRIANGLES
from asset_pipeline.models.reading.containers import MAX_JSON_DEPTH, MAX_JSON_VALUES
from asset_pipeline.models.reading.read_accessors import GROWTH_FLOOR_BYTES, MAX_GROWTH, MAX_MODEL_BYTES
from asset_pipeline.models.reading.uris import MAX_MASTER_BYTES
from asset_pipeline.models.recipes import MODEL_RECIPES
from asset_pipeline.models.steps.textures import MAX_TEXTURE_PX

CONTENTS = (
    ("Node names, hierarchy, extras, cameras, lights, scenes", "kept"),
    ("Triangles, strips, fans, with or without indices", "kept; written as indexed triangles"),
    ("Points and lines", "kept as they are, never simplified"),
    ("POSITION", "kept; on a grid (uint16), float where the grid cannot be undone safely"),
    ("NORMAL, TANGENT", "kept; octahedral, 8 bits (`high`: 10)"),
    ("TEXCOORD_0, _1, ... (all UV sets)", "kept; uint16; float past 32 repeats or if rotated"),
    ("COLOR_0, ... (vertex colours)", "kept; 8 bits a channel"),
    ("JOINTS, WEIGHTS, skins", "kept; weights in bytes that sum up to 255"),
    ("Morph targets and their weights", "kept"),
    ("Animations", "kept, every key"),
    ("Own attributes (`_NAME`)", "kept as they are"),
    ("Sparse accessors", "read; written dense"),
    ("PNG, JPEG, WebP, AVIF textures", "scaled down, written as WebP (kept if that is larger)"),
    ("KTX2 textures", "ETC1S and UASTC: encoded again, or kept where that is smaller"),
    ("Several forms of one picture (WebP or KTX2 beside PNG)", "one is kept, KTX2 last"),
    ("Samplers, alpha modes, all material values", "kept"),
    ("Accessors, images, textures nothing points to", "left out"),
    ("Accessor names and extras, buffer and view names", "left out (names of accessors stay)"),
    ("Vertex order", "changed (triangles)"),
)  # fmt: skip

MENDED = (
    ("A byte order mark before the JSON", "removed"),
    ("Bytes behind the end of a GLB", "ignored"),
    ("Textures and images no material shows, readable or not", "left out"),
    ("An extension of the table above where it does not belong", "removed there"),
    ("A factor outside its range (1.0000001)", "moved to the nearest end"),
    ("Empty lists", "removed"),
    ("Channels without key times, with an unknown path, a pointer to nothing", "removed"),
    ("A cubic spline with one key", "written as a step"),
    (
        "A camera with both lenses, or with 0 for xmag or ymag",
        "the other one removed; made like its twin, or 1",
    ),
    ("A spot light without `spot`, or with its inner cone past the outer", "added; narrowed"),
    ("An alpha mode, interpolation, filter or wrapping glTF does not know", "the default is used"),
    ("A light of an unknown type", "kept in the list, taken off its nodes"),
    ("Two materials for one variant; variants the model does not name", "the first is kept; removed"),
    ("Weights of a node without a mesh", "removed"),
    ("A skinned mesh in a scene without its joints", "joints added; refused if they carry meshes"),
    ("byteStride on animations and skins", "read, written packed"),
    ("Wrong min, max, alignment, unused errors of storage", "written anew"),
    ("Normals, tangents, rotations not of length 1", "made so"),
    ("UVs, colours and own attributes that are no numbers or out of range", "set to 0, or cut off"),
    ("Skin weights whose sum is not 1; a joint twice; joints with weight 0", "balanced; set to joint 0"),
    ("Node matrices with shear", "split over two nodes; others are written as translation, rotation, scale"),
    ("A skin's `skeleton` that is not above all joints", "taken out; it is only a hint"),
    (
        "Tangents missing where a clearcoat normal or anisotropy map needs them",
        "computed, or that map left out",
    ),
)

REFUSED = (
    ("Files cut off or damaged; not glTF 2", "export or send again"),
    ("External URIs, absolute paths, `..`, links out of the folder", "put the file beside the model"),
    ("Missing files or images", "send them together with the model"),
    ("A used buffer with neither a URI nor bytes in the file", "send the bytes too"),
    ("Shown pictures that are damaged, or not PNG, JPEG, WebP, AVIF, KTX2", "convert them"),
    ("Words glTF does not know for what must be known (type of numbers in use, camera)", "export again"),
    ("References to nothing; node loops; joints with no common root", "mend it in a 3D program"),
    ("Indices past the vertices, attributes of different lengths or wrong types", "export again"),
    ("Positions that are infinite or no numbers", "remove the broken vertices"),
    ("Materials whose texture needs a UV set the mesh lacks", "unwrap it, or remove the texture"),
    ("Key times that do not rise; two channels for one property", "export the animation again"),
    ("Required extensions that are not in the table above", "export without them"),
    ("OBJ, PLY or STL without triangles (point clouds as PLY)", "send a mesh, or a glTF of points"),
)  # fmt: skip

RECIPE_HEAD = ("recipe", "triangles drawn", "texture px", "bytes", "tries", "bits of position / UV / normal")


def format_page() -> str:
    """The page as Markdown."""
    limits = (
        ("All files of a master", f"{MAX_MASTER_BYTES >> 20} MiB"),
        ("Triangles", f"{MAX_TRIANGLES:,}"),
        ("Nodes", f"{MAX_NODES:,}"),
        ("Texture side", f"{MAX_TEXTURE_PX} px"),
        ("All numbers, decoded", f"{MAX_MODEL_BYTES >> 20} MiB"),
        (f"Growth when decoded, past {GROWTH_FLOOR_BYTES >> 20} MiB", f"{MAX_GROWTH} times what was sent"),
        ("JSON", f"{MAX_JSON_VALUES:,} values, {MAX_JSON_DEPTH} levels"),
    )
    recipes = [
        (
            f"`{recipe.name}`",
            f"{recipe.max_triangles:,}",
            f"{recipe.max_texture_px}",
            f"{recipe.max_bytes:,}" if recipe.max_bytes else "no limit",
            f"{len(recipe.rungs)}",
            f"{recipe.position_bits} / {recipe.uv_bits} / {recipe.direction_bits}",
        )
        for recipe in MODEL_RECIPES.values()
    ]
    extensions = [(f"`{name}`", known.fate.value, known.note) for name, known in KNOWN_EXTENSIONS.items()]
    return "\n".join(
        [
            "# Models: what is kept, changed and refused",
            "",
            "Written by `python -m asset_pipeline.models.format_page` from the tables; a test compares.",
            "",
            "Masters: glTF 2.x (`.glb`, `.gltf` with files beside it), OBJ with MTL, PLY and STL.",
            "Derivatives: GLB with `EXT_meshopt_compression`, `KHR_mesh_quantization` and WebP textures.",
            "",
            "## Recipes",
            "",
            *_table(RECIPE_HEAD, recipes),
            "",
            "A recipe goes down its ladder of tries until the file fits; if none does, it is refused,",
            "with limit and actual.",
            "",
            "## Contents",
            "",
            *_table(("in the master", "in the derivative"), CONTENTS),
            "",
            "## Extensions",
            "",
            *_table(("extension", "what becomes of it", ""), extensions),
            "",
            "Other optional extensions stay as they are if they hold only their own values; if they point to",
            "accessors, buffer views or images they are removed with a warning. Others required: refused.",
            "",
            "## Mended, with a warning",
            "",
            *_table(("found", "done"), MENDED),
            "",
            "## Refused",
            "",
            *_table(("found", "what to do"), REFUSED),
            "",
            "## Limits",
            "",
            *_table(("what", "at most"), limits),
            "",
        ]
    )  # fmt: skip


def _table(head: tuple[str, ...], rows: object) -> list[str]:
    assert isinstance(rows, tuple | list)
    lines = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


if __name__ == "__main__":
    print(format_page(), end="")
