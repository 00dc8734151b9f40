"""The tables of docs/formats/models.md that are told, not computed; tests prove the rows on real files."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MasterFormat:
    """A row about a kind of master. sniffed: its names in `asset_pipeline.sniff`.

    unit, up: "stated" by the format, "stated or asked" where only some files say it, else "asked".
    """

    title: str
    sniffed: tuple[str, ...]
    unit: str
    up: str
    read: str
    left_out: str


MASTER_FORMATS = (
    MasterFormat(
        "glTF 2.x (`.glb`, `.gltf` with its files)", ("glb", "gltf"), "stated", "stated",
        "everything of the table of contents below; Draco, meshopt, quantized, KTX2", "see below",
    ),
    MasterFormat(
        "OBJ with MTL", ("obj",), "asked", "asked",
        "faces (polygons as fans), UV, normals, vertex colours, materials, textures; points alone: a cloud",
        "lines, free-form curves, groups and names of objects",
    ),
    MasterFormat(
        "PLY, text and binary", ("ply",), "asked", "asked",
        "faces, UV (by vertex or corner), normals, colours, opacity, one texture; points alone: a cloud",
        "other columns",
    ),
    MasterFormat(
        "STL, text and binary", ("stl",), "asked", "asked",
        "triangles; equal corners are joined", "facet normals (computed anew), colours, names of bodies",
    ),
    MasterFormat(
        "Bare Draco (`.drc`)", ("draco",), "asked", "asked",
        "mesh or cloud: UV, normals, colours", "generic attributes, metadata",
    ),
    MasterFormat(
        "LAS 1.0 to 1.4, LAZ, COPC", ("las",), "stated or asked", "stated",
        "points with colours (16 bits, or 8 in 16), else intensity as grey; coordinate system and origin in "
        "`asset.extras`; z up turned to y up",
        "points withheld or classified as noise (7, 18), said; classes, returns, times",
    ),
    MasterFormat(
        "Points as text (`.xyz`, `.pts`, `.asc`, `.txt`)", ("xyz",), "asked", "asked",
        "3 to 9 numbers a line, by the names in a first line, or told by their values: colour, normal, "
        "intensity",
        "columns that mean nothing to us, said",
    ),
)  # fmt: skip

CONTENTS = (
    ("Node names, hierarchy, extras, cameras, lights, scenes", "kept"),
    ("Triangles, strips, fans, with or without indices", "kept; written as indexed triangles"),
    ("Points", "kept; thinned out to the recipe's budget; `ar_ios` cannot show them and is refused"),
    ("Lines", "kept as they are, never simplified; not in `ar_ios`"),
    ("POSITION", "kept; on a grid (uint16), float where the grid cannot be undone safely"),
    ("NORMAL, TANGENT", "kept; octahedral, in the bits of the table above"),
    ("TEXCOORD_0, _1, ... (all UV sets)", "kept; uint16; float past 32 repeats or if rotated"),
    ("COLOR_0, ... (vertex colours)", "kept; 8 bits a channel"),
    ("JOINTS, WEIGHTS, skins", "kept; weights in bytes that sum up to 255"),
    ("Morph targets and their weights", "kept; `ar_ios`: applied as they stand, which it says"),
    ("Animations", "kept, every key; `ar_ios`: the first one, its first 10 s"),
    ("EXT_mesh_gpu_instancing", "kept; `ar_ios`: drawn out"),
    ("Own attributes (`_NAME`)", "kept as they are"),
    ("Sparse accessors", "read; written dense"),
    ("PNG, JPEG, WebP, AVIF textures", "scaled down, written in the recipe's form (kept if that is larger)"),
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
    ("Normals that point away from the side their triangles face, on 90 % of the area", "turned round"),
    ("OBJ, PLY, STL: triangles that face the other way than their neighbours", "turned round"),
    ("OBJ, PLY, STL: a closed body inside out (not the wall of a hollow)", "turned round"),
    ("OBJ, PLY, text: coordinates far from zero (a map's)", "moved; origin in `asset.extras`"),
    ("Points that are no numbers", "left out"),
    ("Feature ids that are the order of the vertices (EXT_mesh_features)", "written as `_FEATURE_ID_n`"),
    ("Extensions that point to data or textures we cannot write anew", "removed"),
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
    ("OBJ, PLY or STL of nothing: no points, no triangles", "check that the export was not empty"),
    ("Point clouds in degrees or from the Earth's centre", "reproject them, in Ha Long Bay to EPSG:32648"),
    ("Point clouds all of whose points are withheld, noise or no numbers", "export those that are meant"),
    ("LAS and LAZ whose counts or parts do not fit the file", "send again, or export as LAS 1.4"),
    ("Lists of points with lines of unlike length, or decimal commas", "export again, with decimal points"),
    ("Gaussian splats (KHR_gaussian_splatting)", "send a mesh or a plain cloud"),
)  # fmt: skip
