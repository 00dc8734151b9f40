"""glTF skins as one UsdSkel skeleton: every joint a root of its own, posed as it stands in the world.

One skeleton, because Quick Look shows only one (usd_from_gltf's README). No parents in it, because glTF
allows nodes that are no joints between joints; at 30 frames a second the blend between two poses is as good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Document
from asset_pipeline.models.geometry import Geometry
from asset_pipeline.models.transforms import Matrix, local_matrix
from asset_pipeline.models.usdz.poses import Matrices, Motion

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Skeleton:
    """The joints of all skins, one after the other. starts: the first joint of each skin."""

    binds: tuple[Matrix, ...]  # where the joint stood when the skin was bound, in the world
    rests: tuple[Matrix, ...]
    poses: tuple[Matrices, ...]  # empty without motion
    starts: Mapping[int, int]


def build_skeleton(document: Document, skins: list[int], motion: Motion) -> Skeleton | None:
    """None where a bind matrix has no inverse: USD cannot say such a skin."""
    nodes = document.items("nodes")
    world = _WorldPoses(document, motion)
    binds: list[Matrix] = []
    rests: list[Matrix] = []
    poses: list[Matrices] = []
    starts: dict[int, int] = {}
    for index in skins:
        skin = document.items("skins")[index]
        starts[index] = len(binds)
        inverse_binds = inverse_bind_matrices(document, index)
        try:
            binds += list(np.linalg.inv(inverse_binds))
        except np.linalg.LinAlgError:
            return None
        for joint in skin["joints"]:
            assert joint < len(nodes)
            rests.append(world.rest(joint))
            if motion.frames:
                poses.append(world.poses(joint))
    return Skeleton(tuple(binds), tuple(rests), tuple(poses), starts)


def inverse_bind_matrices(document: Document, skin_index: int) -> Matrices:
    """(joints, 4, 4), column vectors; identities where the skin has none."""
    skin = document.items("skins")[skin_index]
    if "inverseBindMatrices" not in skin:
        return np.broadcast_to(np.eye(4), (len(skin["joints"]), 4, 4)).copy()
    stored = document.accessors[skin["inverseBindMatrices"]].as_floats()[: len(skin["joints"])]
    return stored.astype(np.float64).reshape(-1, 4, 4).transpose(0, 2, 1)


class _WorldPoses:
    """World transforms of joints, worked out from the joint up to its root, each node once."""

    def __init__(self, document: Document, motion: Motion) -> None:
        self.nodes = document.items("nodes")
        self.motion = motion
        self.parent = {
            child: index for index, node in enumerate(self.nodes) for child in node.get("children", [])
        }
        self._rests: dict[int, Matrix] = {}
        self._poses: dict[int, Matrices] = {}

    def rest(self, node: int) -> Matrix:
        for step in self._chain(node, set(self._rests)):
            above = self._rests.get(self.parent.get(step, -1), np.eye(4))
            self._rests[step] = above @ local_matrix(self.nodes[step])
        return self._rests[node]

    def poses(self, node: int) -> Matrices:
        for step in self._chain(node, set(self._poses)):
            above = self._poses.get(self.parent.get(step, -1), np.eye(4))
            local = self.motion.locals.get(step)
            here = np.matmul(above, local_matrix(self.nodes[step]) if local is None else local)
            self._poses[step] = np.broadcast_to(here, (self.motion.frames, 4, 4))
        return self._poses[node]

    def _chain(self, node: int, known: set[int]) -> list[int]:
        """The node and those above it that are not worked out yet, highest first."""
        chain = []
        step: int | None = node
        while step is not None and step not in known:
            chain.append(step)
            step = self.parent.get(step)
        return chain[::-1]


def influences(geometry: Geometry) -> tuple[NDArray[np.int32], Floats]:
    """(joints, weights), each (vertices, 4 per set), weights with sum 1."""
    joints, weights = [], []
    number = 0
    while f"JOINTS_{number}" in geometry.attributes and f"WEIGHTS_{number}" in geometry.attributes:
        joints.append(geometry.attributes[f"JOINTS_{number}"].array.astype(np.int32))
        weights.append(geometry.attributes[f"WEIGHTS_{number}"].as_floats())
        number += 1
    joint, weight = np.concatenate(joints, axis=1), np.concatenate(weights, axis=1)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.where(total > 0, weight / np.maximum(total, 1e-30), np.float32(0)).astype(np.float32)
    weight[total[:, 0] <= 0, 0] = 1.0
    return np.where(weight > 0, joint, 0).astype(np.int32), weight


def skin_points(points: Floats, joints: NDArray[np.int32], weights: Floats, matrices: Matrices) -> Floats:
    """Points moved by joint matrices (joint world times inverse bind), weighted."""
    wide = np.concatenate([points, np.ones((len(points), 1), np.float32)], axis=1).astype(np.float64)
    posed = np.zeros((len(points), 3))
    for column in range(joints.shape[1]):
        moved = np.einsum("nij,nj->ni", matrices[joints[:, column], :3], wide)
        posed += weights[:, column, None] * moved
    return posed.astype(np.float32)


def decomposed(matrices: Matrices) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Translations (n, 3), rotations (n, 4: x y z w), scales (n, 3). Shear is lost."""
    translations = matrices[:, :3, 3]
    scales = np.linalg.norm(matrices[:, :3, :3], axis=1)
    scales[np.linalg.det(matrices[:, :3, :3]) < 0] *= -1
    turned = matrices[:, :3, :3] / np.where(np.abs(scales) > 1e-12, scales, 1.0)[:, None, :]
    left, _, right = np.linalg.svd(turned)
    return translations, _quaternions(left @ right), scales


def _quaternions(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """From rotation matrices, by the largest of four squares, so that no division is by little."""
    m = rotations
    trace = m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2]
    squares = np.stack(
        [
            1 + 2 * m[:, 0, 0] - trace,
            1 + 2 * m[:, 1, 1] - trace,
            1 + 2 * m[:, 2, 2] - trace,
            1 + trace,
        ],
        axis=1,
    )
    pairs = np.empty((len(m), 4, 4))  # of 4 q q^T
    for k in range(4):
        pairs[:, k, k] = squares[:, k]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        pairs[:, i, j] = pairs[:, j, i] = m[:, i, j] + m[:, j, i]
    for i, (j, k) in enumerate(((2, 1), (0, 2), (1, 0))):
        pairs[:, i, 3] = pairs[:, 3, i] = m[:, j, k] - m[:, k, j]
    best = squares.argmax(axis=1)
    rows = pairs[np.arange(len(m)), best]
    result: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for frame in range(1, len(result)):
        if result[frame] @ result[frame - 1] < 0:
            result[frame] *= -1
    return result


def write_skeleton(stage: Any, path: str, skeleton: Skeleton, frames: int) -> Any:
    """Define UsdSkel.Skeleton, and its SkelAnimation where there is motion."""
    from pxr import Gf, UsdSkel, Vt

    arrays: Any = Vt
    usd = UsdSkel.Skeleton.Define(stage, path)
    joints = [f"joint{number}" for number in range(len(skeleton.binds))]
    usd.CreateJointsAttr(joints)
    for create, matrices in (
        (usd.CreateBindTransformsAttr, skeleton.binds),
        (usd.CreateRestTransformsAttr, skeleton.rests),
    ):
        create(arrays.Matrix4dArray([Gf.Matrix4d(*map(float, matrix.T.ravel())) for matrix in matrices]))
    animation = UsdSkel.Animation.Define(stage, f"{path}/Motion")
    animation.CreateJointsAttr(joints)
    poses = np.stack([np.asarray(pose) for pose in skeleton.poses] or [rest[None] for rest in skeleton.rests])
    parts = [decomposed(np.ascontiguousarray(pose)) for pose in poses]
    for frame in range(max(frames, 1)):
        time = frame if frames else _default_time()
        translations = np.array([part[0][frame] for part in parts], np.float32)
        animation.CreateTranslationsAttr().Set(arrays.Vec3fArray.FromNumpy(translations), time)
        turns = [part[1][frame] for part in parts]
        quaternions = [Gf.Quatf(float(w), Gf.Vec3f(float(x), float(y), float(z))) for x, y, z, w in turns]
        animation.CreateRotationsAttr().Set(arrays.QuatfArray(quaternions), time)
        scales = np.array([part[2][frame] for part in parts], np.float16)
        animation.CreateScalesAttr().Set(arrays.Vec3hArray.FromNumpy(scales), time)
    UsdSkel.BindingAPI.Apply(usd.GetPrim()).CreateAnimationSourceRel().SetTargets([animation.GetPath()])
    return usd


def _default_time() -> Any:
    from pxr import Usd

    return Usd.TimeCode.Default()


def bind_skin(mesh: Any, skeleton: Any, joints: NDArray[np.int32], weights: Floats, first_joint: int) -> None:
    """Tie a mesh's vertices to joints of the skeleton."""
    from pxr import Gf, UsdSkel, Vt

    arrays: Any = Vt
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    count = joints.shape[1]
    moved = np.ascontiguousarray(joints + np.int32(first_joint), np.int32).reshape(-1)
    binding.CreateJointIndicesPrimvar(False, count).Set(arrays.IntArray.FromNumpy(moved))
    flat = np.ascontiguousarray(weights, np.float32).reshape(-1)
    binding.CreateJointWeightsPrimvar(False, count).Set(arrays.FloatArray.FromNumpy(flat))
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1.0))
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
