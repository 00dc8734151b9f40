"""The models of the comparison, by name: a tuning set that settings may be chosen on, and a held-out set.

No setting of ours was chosen by looking at a held-out model; whoever changes one on the strength of a
held-out row moves that model into TUNING first. Where a file comes from is part of its entry:

- SHARED: a path in the shared assets beside the project ($HALONG_XR_SHARED, then ../shared);
- DEMO: a master that our own demo draws;
- otherwise a repository on GitHub with the path of the file in it. Those files are not ours to ship: a clone
  is read once by `python -m tests.benchmarks.models.collect CLONES`, which checks their SHA-256 and lays
  them into $HALONG_XR_BENCH_MODELS (else ~/.cache/halong-xr-bench). What is not there is skipped, and the
  report says so.
"""

from dataclasses import dataclass

SHARED = "shared assets"
DEMO = "demo"
HELMET = "assets/models/FlightHelmet"
HELMET_MATERIALS = ("GlassPlasticMat", "LeatherPartsMat", "LensesMat", "MetalPartsMat", "RubberWoodMat")


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the comparison.

    name: short and unique, also its folder. origin: SHARED, DEMO or a repository "owner/name". path: inside
    it. sha256: of the file at `path`, for repositories. beside: further files it needs, paths like `path`.
    tests: what it is in the set for. licence: as its source states it.
    """

    name: str
    origin: str
    path: str
    tests: str
    licence: str
    sha256: str = ""
    beside: tuple[str, ...] = ()


TUNING = (
    Model(
        "damaged-helmet", "donmccurdy/glTF-Transform", "packages/view/assets/DamagedHelmet.glb",
        "seams, five maps, UV in [1, 2]", "CC-BY-NC 4.0 (ctxwing, theblueturtle_)",
        "a1e3b04de97b11de564ce6e53b95f02954a297f0008183ac63a4f5974f6b32d8",
    ),
    Model("capsule", SHARED, "assets/obj/capsule/capsule.obj", "smooth, one 2k photograph", "trimesh, MIT"),
    Model("pirate", SHARED, "assets/obj/pirate.obj", "UV without textures, seven greys", "zeux, MIT"),
    Model("spider", SHARED, "assets/obj/spider/spider.obj", "small, four materials", "assimp, BSD"),
    Model("spider-stl", SHARED, "assets/stl/Spider_ascii.stl", "untextured, tiny", "assimp, BSD"),
    Model("featuretype", SHARED, "assets/stl/featuretype.STL", "machine part, sharp edges", "trimesh, MIT"),
    Model("engine", SHARED, "assets/gltf/2CylinderEngine.glb", "82 nodes, instances", "see MANIFEST.tsv"),
    Model("milk-truck", SHARED, "assets/gltf/CesiumMilkTruck.glb", "animated, instances", "CC-BY 4.0"),
    Model("ingenuity", SHARED, "assets/gltf/Ingenuity.glb", "seams, ten materials", "NASA, public"),
    Model("sheen-cloth", SHARED, "assets/gltf/SheenCloth.glb", "tiled UV, tangents", "Khronos, CC0"),
    Model("lime-tree", SHARED, "assets/gltf/tree-lime-2-0.glb", "leaves with alpha, tiny", "Apache-2.0"),
    Model("fox", SHARED, "assets/gltf/Fox/Fox.gltf", "skinned, animated, tiny", "CC0 and CC-BY 4.0"),
    Model("karst-tower", DEMO, "karst-tower.glb", "huge: 1.09 M triangles, 4k map", "ours, Apache-2.0"),
)  # fmt: skip

HELD_OUT = (
    Model(
        "venus", "IIIF/3d", "assets/venus/venus.glb",
        "scan of a statue, tangents, normal map", "CC0 (National Gallery of Denmark)",
        "50a19655db6a07c941b11d9cd0ab9f32ec6c4c637bb29cc3c4e6acba71fba643",
    ),
    Model(
        "whale-cranium", "IIIF/3d", "assets/whale/whale_cranium.glb",
        "scan, 100k triangles, 2k maps", "CC0 (Smithsonian)",
        "353eb3dd893ae3e61a82ba7f5af64c111f4cbe630f4ab4f0277fbdee3b486508",
    ),
    Model(
        "saxophone", "IIIF/3d", "assets/saxophone/saxophone_draco.glb",
        "photogrammetry, 100k triangles, four 2k maps", "CC0 (Smithsonian)",
        "39ad8123087856e0f211d65d1caa9625baa11dd41df8ba190c18a27519fe5703",
    ),
    Model(
        "astronaut", "IIIF/3d", "assets/astronaut/astronaut.glb",
        "tiny prop, nearly all seam", "CC-BY (Poly by Google)",
        "907b8f2ab245f8009f3078b06ef76d941e7ac1dd10b8ee7823f81de90063fc20",
    ),
    Model(
        "gargoyle", "cnr-isti-vclab/3DHOP", "examples/models/gargo.ply",
        "scan with vertex colours", "repository GPL-3, no note on the model",
        "dd99ceea0cc103f7d4828070dcb789dd147ba82dfdb45f0f982ac07cc89eabbe",
    ),
    Model(
        "textured-knot", "cnr-isti-vclab/meshlab", "sample/texturedknot.obj",
        "UV from -1 to 32", "repository GPL-3, no note on the model",
        "7d285718aa0e82b025a8f02a31d39f9103b8dccffd1e1c11ea36fc89c13cbfd6",
        ("sample/texturedknot.mtl", "sample/TextureDouble_A.png"),
    ),
    Model(
        "nefertiti", "alecjacobson/common-3d-test-models", "data/nefertiti.obj",
        "scan, 100k triangles, untextured", "Egyptian Museum Berlin scan; no licence in the repository",
        "19e39748b145092878cc4faafd050505eb5991c5d3e497be2b4575673fa87968",
    ),
    Model(
        "knight", "donmccurdy/glTF-Transform", "packages/cli/test/in/chr_knight.glb",
        "tiny, texture and vertex colour together", "repository MIT",
        "add87c72acde49cb2b387d62159bf17c479743e3c71e340dde8175f0abec7394",
    ),
    Model(
        "flight-helmet", "bevyengine/bevy", f"{HELMET}/FlightHelmet.gltf",
        "six materials, 15 maps, tangents", "CC0 (Khronos sample)",
        "c94a08a28305fb49a612cf273330a04e3dfc084306257d52dc00b4447eeb1091",
        (
            f"{HELMET}/FlightHelmet.bin",
            *(
                f"{HELMET}/FlightHelmet_Materials_{material}_{role}.png"
                for material in HELMET_MATERIALS
                for role in ("BaseColor", "Normal", "OcclusionRoughMetal")
            ),
        ),
    ),
    Model(
        "ferry-tile", "visgl/loaders.gl", "apps/tile-converter/test/data/Ferry/754834/6/0000000.glb",
        "aerial photogrammetry, nearly all seam", "repository MIT",
        "be663535ba06bb96a8d3f4bd152c959e84fea5efbf9b3fa360e78cec47814109",
    ),
    Model(
        "town-tile", "visgl/loaders.gl", "modules/3d-tiles/test/data/143.glb",
        "aerial photogrammetry without normals", "repository MIT",
        "3c72e483cad532e9726c2cb4a2bc92250f500523bc8dabf69eb4faba1693475e",
    ),
    Model(
        "cave", "playcanvas/engine", "examples/assets/models/cave.glb",
        "huge: 593k triangles of a cave, no normals, no texture", "repository MIT",
        "f7fd940d4f6e6d886f6e957d49fa3dd6283a37084de623115745be1c7f0b7023",
    ),
    Model(
        "head", "mrdoob/model-tag", "examples/models/obj/LeePerrySmith.obj",
        "scan of a head, UV without textures", "CC-BY 3.0 (Lee Perry-Smith, Infinite-Realities)",
        "5a2c01915ced7d11819d404a29f560f757f9842e5c4b1a05c56e72fd2073987a",
    ),
)  # fmt: skip

SHORT = ("damaged-helmet", "capsule", "pirate", "venus", "ferry-tile")  # `--short`: a few minutes
COST_MID, COST_LARGE = "damaged-helmet", "karst-tower"  # time and memory are taken on these

COMMITS = {
    "IIIF/3d": "09fa6e27b6883116437777c99538ca55e27bc455",
    "cnr-isti-vclab/3DHOP": "a8c145ddc575df5291e073a377d942ff77c34901",
    "cnr-isti-vclab/meshlab": "684885ade5e0075c0156f7120751e6a0fa1cf8a7",
    "alecjacobson/common-3d-test-models": "8a4f8642acaf43f9cd7b67858a1502e1055ef202",
    "donmccurdy/glTF-Transform": "a47e1170137dfed517d80f24da83e695238e5753",
    "playcanvas/engine": "0aaef5e432c4797ed23c1f966e2cc43232ec0613",
    "bevyengine/bevy": "4805ca792c3e94eef07afd6fa9a2712f388c9a67",
    "visgl/loaders.gl": "34122ebad27a25153cf582ca55721df3ddbcba41",
    "mrdoob/model-tag": "4e592f84df026eab57573dba70fe30362c614526",
}
