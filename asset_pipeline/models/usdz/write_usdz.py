"""Write a Document as USDZ for AR Quick Look: one package with model.usdc and its pictures.

Kept: the default scene's nodes and transforms, instances (drawn out; equal arrays are stored once), materials
as UsdPreviewSurface, skins, and the first animation. What Quick Look cannot show is left out and named in a
warning. The limits and habits of Quick Look that this follows were found by Google's usd_from_gltf (its
README, "Emulated functionality" and "Features unsupported") and by three.js' exporter; Apple publishes no
list.

The same document gives the same bytes.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from asset_pipeline.models.document import Accessor, Document, JsonObject
from asset_pipeline.models.transforms import Matrix, local_matrix, shown_nodes
from asset_pipeline.models.usdz.materials import SHOWN_EXTENSIONS, MaterialWriter, material_of
from asset_pipeline.models.usdz.meshes import MeshNumbers, numbers_of, write_mesh
from asset_pipeline.models.usdz.names import Names
from asset_pipeline.models.usdz.package import write_package
from asset_pipeline.models.usdz.poses import (
    FRAMES_PER_S,
    MAX_ANIMATION_S,
    Matrices,
    Motion,
    composed,
    sample_motion,
)
from asset_pipeline.models.usdz.skins import (
    Skeleton,
    bind_skin,
    build_skeleton,
    influences,
    inverse_bind_matrices,
    skin_points,
    write_skeleton,
)
from asset_pipeline.models.usdz.texture_files import TextureFiles
from asset_pipeline.models.usdz.usd import quiet_usd
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem

ROOT_FILE = "model.usdc"
MODEL = "/Model"
MAX_PRIMS = 20_000  # nodes and meshes; each costs some kilobytes and phones draw each one by itself
MAX_DEPTH = 200  # of nodes in nodes; USD's paths hold every name above a prim


def write_usdz(document: Document, path: Path) -> tuple[Problem, ...]:
    """Write the package, whole or not at all; returns a warning for each thing that was left out.

    Refused when nothing of the model can be shown (only points and lines), for a tree that is too large or
    too deep, and for a texture that cannot become PNG or JPEG.
    """
    scene = _Scene(document)
    scene.check()
    with tempfile.TemporaryDirectory(prefix="usdz-") as folder, quiet_usd():
        layer = Path(folder) / ROOT_FILE
        scene.write(layer)
        body = layer.read_bytes()
    write_package([(ROOT_FILE, body), *scene.files.files], path)
    return tuple(scene.warnings())


@dataclass(slots=True, eq=False)
class _Scene:
    """One document on its way onto a stage."""

    document: Document
    files: TextureFiles = field(init=False)
    motion: Motion = field(init=False)
    shown: list[int] = field(init=False)
    drawn: set[int] = field(init=False)
    skinned: list[int] = field(init=False)
    left_out_slots: set[str] = field(default_factory=set[str])
    left_out_extensions: set[str] = field(default_factory=set[str])
    notes: list[Problem] = field(default_factory=list[Problem])

    def __post_init__(self) -> None:
        self.files = TextureFiles(self.document)
        self.motion = sample_motion(self.document)
        nodes = self.document.items("nodes")
        self.shown = _visible(nodes, shown_nodes(self.document.json))
        self.skinned = [index for index in self.shown if "skin" in nodes[index] and "mesh" in nodes[index]]
        self.drawn = _with_parents(
            nodes, [index for index in self.shown if "mesh" in nodes[index] and "skin" not in nodes[index]]
        )

    def check(self) -> None:
        """Refused for what is empty or too much, before any work is done."""
        nodes, meshes = self.document.items("nodes"), self.document.items("meshes")
        shows = any(
            primitive.get("mode", 4) >= 4
            for index in self.shown
            if "mesh" in nodes[index]
            for primitive in meshes[nodes[index]["mesh"]]["primitives"]
        )
        if not shows:
            raise refuse(
                "The model shows no triangles; AR Quick Look draws no points and lines.",
                advice="Mesh the point cloud first.",
            )
        prims = len(self.drawn) + sum(
            len(meshes[nodes[index]["mesh"]]["primitives"]) * len(self._instances(nodes[index]))
            for index in self.shown
            if "mesh" in nodes[index]
        )
        if prims > MAX_PRIMS:
            raise refuse(
                f"The model has {prims} nodes and meshes; a USDZ for phones takes {MAX_PRIMS}.",
                advice="Join parts that do not move before exporting.",
            )
        depth = _depth(nodes, self.drawn)
        if depth > MAX_DEPTH:
            raise refuse(
                f"The model's nodes stand {depth} deep in each other; {MAX_DEPTH} are taken.",
                advice="Flatten the tree of nodes.",
            )

    def write(self, layer: Path) -> None:
        """Build the stage and save it."""
        from pxr import Kind, Usd, UsdGeom

        stage = Usd.Stage.CreateNew(str(layer))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        root = UsdGeom.Xform.Define(stage, MODEL)
        stage.SetDefaultPrim(root.GetPrim())
        Usd.ModelAPI(root.GetPrim()).SetKind(Kind.Tokens.component)
        if self.motion.frames:
            stage.SetTimeCodesPerSecond(FRAMES_PER_S)
            stage.SetFramesPerSecond(FRAMES_PER_S)
            stage.SetStartTimeCode(0)
            stage.SetEndTimeCode(self.motion.frames - 1)
        names = Names()
        UsdGeom.Scope.Define(stage, f"{MODEL}/{names.make('Materials', '')}")
        writer = _Writer(self, stage, MaterialWriter(stage, f"{MODEL}/Materials", self.document, self.files))
        if self.skinned:
            writer.write_skinned(f"{MODEL}/{names.make('Skinned', '')}")
        writer.write_nodes(names)
        stage.GetRootLayer().Save()

    def _instances(self, node: JsonObject) -> list[Matrix]:
        return instances_of(self.document, node)

    def warnings(self) -> list[Problem]:
        """What the package lacks of the document."""
        return [*self.notes, *_left_out(self)]


def instances_of(document: Document, node: JsonObject) -> list[Matrix]:
    """Where a node's mesh stands in the node: once, or once per instance of EXT_mesh_gpu_instancing."""
    attributes = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes", {})
    columns: dict[str, Accessor] = {name: document.accessors[number] for name, number in attributes.items()}
    count = max((column.count for column in columns.values()), default=0)
    if not count:
        return [np.eye(4)]
    rest = {"TRANSLATION": (0, 0, 0), "ROTATION": (0, 0, 0, 1), "SCALE": (1, 1, 1)}
    values = [
        columns[name].as_floats().astype(np.float64)
        if name in columns
        else np.broadcast_to(np.array(usual, np.float64), (count, len(usual)))
        for name, usual in rest.items()
    ]
    return list(composed(*values))


def _visible(nodes: list[JsonObject], shown: list[int]) -> list[int]:
    """Without nodes hidden by KHR_node_visibility and what stands below them."""
    hidden: set[int] = set()
    kept = []
    for index in shown:
        node = nodes[index]
        visible = node.get("extensions", {}).get("KHR_node_visibility", {}).get("visible", True)
        if index in hidden or not visible:
            hidden.update(node.get("children", []))
        else:
            kept.append(index)
    return kept


def _with_parents(nodes: list[JsonObject], wanted: list[int]) -> set[int]:
    parent = {child: index for index, node in enumerate(nodes) for child in node.get("children", [])}
    found: set[int] = set()
    for index in wanted:
        step: int | None = index
        while step is not None and step not in found:
            found.add(step)
            step = parent.get(step)
    return found


def _depth(nodes: list[JsonObject], drawn: set[int]) -> int:
    children = {child for index in drawn for child in nodes[index].get("children", [])}
    level = [index for index in sorted(drawn) if index not in children]
    depth = 0
    while level:
        depth += 1
        level = [child for index in level for child in nodes[index].get("children", []) if child in drawn]
    return depth


@dataclass(slots=True, eq=False)
class _Writer:
    """The prims of a scene."""

    scene: _Scene
    stage: Any
    materials: MaterialWriter
    _numbers: dict[tuple[object, ...], MeshNumbers | None] = field(
        default_factory=dict[tuple[object, ...], MeshNumbers | None]
    )

    def write_nodes(self, names: Names) -> None:
        """The tree of nodes below the model, those with nothing to draw left out."""
        nodes = self.scene.document.items("nodes")
        children = {child for node in nodes for child in node.get("children", [])}
        roots = [index for index in self.scene.shown if index in self.scene.drawn and index not in children]
        pending = [(index, MODEL, names, np.eye(4)) for index in reversed(roots)]
        while pending:
            index, parent, brothers, above = pending.pop()
            node = nodes[index]
            path = f"{parent}/{brothers.make(node.get('name', ''), 'Node')}"
            world = above @ local_matrix(node)
            self._write_node(index, path)
            inner = Names()
            if "mesh" in node and "skin" not in node:
                self._write_instances(node, path, inner, world)
            shown = [child for child in node.get("children", []) if child in self.scene.drawn]
            pending.extend((child, path, inner, world) for child in reversed(shown))

    def _write_node(self, index: int, path: str) -> None:
        node = self.scene.document.items("nodes")[index]
        motion = self.scene.motion.locals.get(index)
        xform = _define_xform(self.stage, path, local_matrix(node), motion)
        name = node.get("name", "").replace("\0", "")
        if name and name != xform.GetPrim().GetName():
            xform.GetPrim().SetDisplayName(name)

    def _write_instances(self, node: JsonObject, path: str, names: Names, world: Matrix) -> None:
        instances = instances_of(self.scene.document, node)
        is_instanced = "EXT_mesh_gpu_instancing" in node.get("extensions", {})
        for matrix in instances:
            below, inner = path, names
            if is_instanced:
                below, inner = f"{path}/{names.make('Instance', '')}", Names()
                _define_xform(self.stage, below, matrix, None)
            is_mirrored = bool(np.linalg.det((world @ matrix)[:3, :3]) < 0)
            for place in range(len(self._mesh(node)["primitives"])):
                self._write_primitive(node, place, f"{below}/{inner.make('Mesh', '')}", is_mirrored)

    def _mesh(self, node: JsonObject) -> JsonObject:
        return self.scene.document.items("meshes")[node["mesh"]]

    def _write_primitive(self, node: JsonObject, place: int, path: str, is_mirrored: bool) -> None:
        numbers = self._numbers_of(node, place)
        if numbers is None:
            return
        mesh = self._define(node, place, numbers.mirrored() if is_mirrored else numbers, path)
        if is_mirrored:  # Quick Look does not turn the faces of what transforms mirror (usd_from_gltf)
            _set_matrix(mesh, np.diag([-1.0, 1.0, 1.0, 1.0]), None)

    def _numbers_of(self, node: JsonObject, place: int) -> MeshNumbers | None:
        mesh = self._mesh(node)
        weights: tuple[float, ...] = tuple(node.get("weights") or mesh.get("weights") or ())
        key = (node["mesh"], place, weights)
        if key not in self._numbers:
            self._numbers[key] = numbers_of(self.scene.document, mesh["primitives"][place], weights)
        return self._numbers[key]

    def _define(self, node: JsonObject, place: int, numbers: MeshNumbers, path: str) -> Any:
        from pxr import UsdShade

        primitive = self._mesh(node)["primitives"][place]
        material = material_of(self.scene.document, primitive)
        mesh = write_mesh(self.stage, path, numbers, is_double_sided=material.get("doubleSided", False))
        surface = self.materials.write(primitive, numbers.slots)
        UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(surface)
        self.scene.left_out_slots.update(numbers.left_out)
        self.scene.left_out_extensions.update(
            name
            for name in material.get("extensions", {})
            if name.startswith("KHR_materials_") and name not in SHOWN_EXTENSIONS
        )
        return mesh

    def write_skinned(self, path: str) -> None:
        """All skinned meshes and their skeleton, in the world, below one SkelRoot."""
        from pxr import UsdSkel

        document, scene = self.scene.document, self.scene
        nodes = document.items("nodes")
        skins = sorted({nodes[index]["skin"] for index in scene.skinned})
        skeleton = build_skeleton(document, skins, scene.motion)
        if skeleton is None:
            scene.notes.append(warn("The skins were left out: a joint's bind matrix has no inverse."))
            skeleton = build_skeleton(_unbound(document), skins, Motion(0, {}))
            assert skeleton is not None
            usd = None
            _define_xform(self.stage, path, np.eye(4), None)
        else:
            UsdSkel.Root.Define(self.stage, path)
            usd = write_skeleton(self.stage, f"{path}/Skeleton", skeleton, scene.motion.frames)
        names = Names()
        names.make("Skeleton", "")
        bounds = []
        for index in scene.skinned:
            for place in range(len(self._mesh(nodes[index])["primitives"])):
                below = f"{path}/{names.make(nodes[index].get('name', ''), 'Mesh')}"
                posed = self._write_skinned_primitive(nodes[index], place, below, skeleton, usd)
                if posed is not None:
                    bounds += [posed.min(axis=0), posed.max(axis=0)]
        if usd is not None and bounds:
            _set_extent(self.stage.GetPrimAtPath(path), np.array(bounds))

    def _write_skinned_primitive(
        self, node: JsonObject, place: int, path: str, skeleton: Skeleton, usd: Any
    ) -> Any:
        numbers = self._numbers_of(node, place)
        if numbers is None:
            return None
        if "JOINTS_0" not in numbers.geometry.attributes or "WEIGHTS_0" not in numbers.geometry.attributes:
            self._define(node, place, numbers, path)
            return numbers.points
        joints, weights = influences(numbers.geometry)
        start = skeleton.starts[node["skin"]]
        inverse_binds = inverse_bind_matrices(self.scene.document, node["skin"])
        rests = np.array(skeleton.rests[start : start + len(inverse_binds)])
        posed = skin_points(numbers.points, joints, weights, rests @ inverse_binds)
        if usd is None:
            from dataclasses import replace

            self._define(node, place, replace(numbers, points=posed), path)
        else:
            bind_skin(self._define(node, place, numbers, path), usd, joints, weights, start)
        return posed


def _unbound(document: Document) -> Document:
    """The document with skins that have no bind matrices: only their joints' rest poses are wanted."""
    editor = document.edit()
    for skin in editor.items("skins"):
        skin.pop("inverseBindMatrices", None)
    return editor.finish()


def _define_xform(stage: Any, path: str, matrix: Matrix, motion: Matrices | None) -> Any:
    from pxr import UsdGeom

    xform = UsdGeom.Xform.Define(stage, path)
    _set_matrix(xform, matrix, motion)
    return xform


def _set_matrix(xform: Any, matrix: Matrix, motion: Matrices | None) -> None:
    """The transform as one matrix, sampled where it moves; nothing where it is the identity."""
    if motion is None and np.array_equal(matrix, np.eye(4)):
        return
    op = xform.AddTransformOp()
    op.Set(_usd_matrix(matrix))
    for frame, pose in enumerate(motion if motion is not None else ()):
        op.Set(_usd_matrix(pose), frame)


def _usd_matrix(matrix: Matrix) -> Any:
    """USD's matrices stand transposed: a point is a row, multiplied from the left."""
    from pxr import Gf

    return Gf.Matrix4d(*map(float, matrix.T.ravel()))


def _set_extent(prim: Any, points: Any) -> None:
    from pxr import Gf, UsdGeom

    low, high = points.min(axis=0), points.max(axis=0)
    UsdGeom.Boundable(prim).CreateExtentAttr([Gf.Vec3f(*map(float, low)), Gf.Vec3f(*map(float, high))])


def _left_out(scene: _Scene) -> list[Problem]:
    """Warnings, one per kind of loss."""
    document, motion = scene.document, scene.motion
    nodes, meshes = document.items("nodes"), document.items("meshes")
    primitives = [
        primitive
        for index in scene.shown
        if "mesh" in nodes[index]
        for primitive in meshes[nodes[index]["mesh"]]["primitives"]
    ]
    found = []
    scattered = sum(primitive.get("mode", 4) < 4 for primitive in primitives)
    if scattered:
        found.append(
            f"{scattered} parts made of points or lines were left out: AR Quick Look draws triangles only."
        )
    if any("COLOR_0" in primitive["attributes"] for primitive in primitives):
        found.append("Vertex colours were left out: AR Quick Look does not show them.")
    if any(primitive.get("targets") for primitive in primitives):
        found.append("Morph targets were left out; the model keeps the shape of their rest weights.")
    if len(document.items("animations")) > 1:
        count = len(document.items("animations")) - 1
        found.append(f"{count} animations were left out: AR Quick Look plays one, the first was kept.")
    if motion.is_cut:
        found.append(f"The animation was cut to {MAX_ANIMATION_S:g} s, which is what AR Quick Look plays.")
    if motion.has_other:
        found.append("The animation of morph weights or of material values was left out.")
    if scene.left_out_slots:
        names = ", ".join(sorted(scene.left_out_slots))
        found.append(
            f"Textures that lie on other UV than the material's first one were left out ({names}): "
            "AR Quick Look reads one UV set."
        )
    if scene.left_out_extensions:
        names = ", ".join(sorted(scene.left_out_extensions))
        found.append(f"Material properties that AR Quick Look cannot show were left out: {names}.")
    for kind, there in (
        ("Lights", any("KHR_lights_punctual" in nodes[index].get("extensions", {}) for index in scene.shown)),
        ("Cameras", any("camera" in nodes[index] for index in scene.shown)),
    ):
        if there:
            found.append(f"{kind} were left out: AR Quick Look brings its own.")
    return [warn(message, where="usdz") for message in found]
