"""Look at every number of a model. What would break a reader is refused; what only breaks a rule is mended,
and said.
"""

from collections.abc import Callable

import numpy as np

from asset_pipeline.models.document import Accessor, Array, Document, DocumentEditor
from asset_pipeline.models.reading.mend_keys import mend_key_counts
from asset_pipeline.models.reading.mend_nodes import mend_nodes
from asset_pipeline.models.reading.mend_skin_scenes import mend_skin_scenes
from asset_pipeline.models.reading.mend_tangents import add_missing_tangents
from asset_pipeline.outcome import Refused, warn
from heritage_sites.problem import Problem

UNIT_TOLERANCE = 0.005  # a direction's length may be off by so much before it is made unit again
MAX_COORDINATE = 1e30  # past it sizes and steps leave what 32-bit floats hold
SUM_TOLERANCE = 0.002  # likewise the sum of a vertex's skin weights


def mend_data(document: Document) -> tuple[Document, list[Problem]]:
    """The model with numbers a reader can trust, and a warning for each thing changed."""
    _refuse_broken_positions(document)
    editor = document.edit()
    problems = [*mend_nodes(editor), *mend_skin_scenes(editor)]
    for name, mend, message in _ATTRIBUTE_MENDS:
        _mend_attributes(editor, name, mend, message, problems)
    _mend_weights(editor, problems)
    _mend_rotations(editor, problems)
    _mend_skin_matrices(editor, problems)
    _mend_targets(editor, problems)
    problems += mend_key_counts(editor)
    problems += add_missing_tangents(editor)
    return editor.finish(), problems


def _refuse_broken_positions(document: Document) -> None:
    faults = []
    seen: set[int] = set()
    for mesh_index, primitive_index, primitive in document.primitives():
        number = primitive["attributes"].get("POSITION")
        if number is None or number in seen:
            continue
        seen.add(number)
        with np.errstate(invalid="ignore"):
            near = np.abs(document.accessors[number].as_floats()) < MAX_COORDINATE  # false for NaN
        broken = int((~near.all(axis=1)).sum())
        if broken:
            faults.append(
                Problem(
                    file="",
                    where=f"/meshes/{mesh_index}/primitives/{primitive_index}/attributes/POSITION",
                    message=f"{broken} vertices have a position that is infinite or not a number.",
                    advice="Remove the broken vertices in a 3D program and export it again.",
                )
            )
    if faults:
        raise Refused(faults[:50])


def _mend_attributes(
    editor: DocumentEditor,
    prefix: str,
    mend: Callable[[Accessor], Accessor | None],
    message: str,
    problems: list[Problem],
) -> None:
    done: dict[int, int] = {}
    changed = 0
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            for name in sorted(primitive["attributes"]):
                if name != prefix and not name.startswith(f"{prefix}_"):
                    continue
                number = primitive["attributes"][name]
                if number not in done:
                    mended = mend(editor.accessors[number])
                    done[number] = number if mended is None else editor.add_accessor(mended)
                    changed += mended is not None
                primitive["attributes"][name] = done[number]
    if changed:
        problems.append(warn(message, where="/meshes"))


def _mend_normal(accessor: Accessor) -> Accessor | None:
    return _mend_directions(accessor, 3)


def _mend_tangent(accessor: Accessor) -> Accessor | None:
    return _mend_directions(accessor, 4)


def _mend_directions(accessor: Accessor, components: int) -> Accessor | None:
    values = accessor.as_floats()
    with np.errstate(invalid="ignore", over="ignore"):
        lengths = np.sqrt((values[:, :3] ** 2).sum(axis=1))
        good = np.abs(lengths - 1.0) <= UNIT_TOLERANCE + (0.005 if accessor.normalized else 0.0)
    if components == 4:
        good &= np.abs(values[:, 3]) == 1.0
    if good.all():
        return None
    fixed = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float64)
    lengths = np.sqrt((fixed[:, :3] ** 2).sum(axis=1))
    flat = lengths < 1e-12
    fixed[:, :3] /= np.where(flat, 1.0, lengths)[:, None]
    fixed[flat, :3] = (0.0, 1.0, 0.0) if components == 3 else (1.0, 0.0, 0.0)
    if components == 4:
        fixed[:, 3] = np.where(fixed[:, 3] < 0, -1.0, 1.0)
    fixed[good] = values[good]
    return Accessor(fixed.astype(np.float32), accessor.type, name=accessor.name)


def _mend_uv(accessor: Accessor) -> Accessor | None:
    return _mend_finite(accessor)


def _mend_finite(accessor: Accessor) -> Accessor | None:
    if accessor.array.dtype.kind != "f" or np.isfinite(accessor.array).all():
        return None
    array = np.nan_to_num(accessor.array, nan=0.0, posinf=0.0, neginf=0.0)
    return Accessor(array, accessor.type, accessor.normalized, accessor.name)


def _mend_far(accessor: Accessor) -> Accessor | None:
    with np.errstate(invalid="ignore"):
        good = np.abs(accessor.as_floats()) < MAX_COORDINATE
    if good.all():
        return None
    return Accessor(
        np.where(good, accessor.as_floats(), 0.0).astype(np.float32), accessor.type, name=accessor.name
    )


def _mend_colour(accessor: Accessor) -> Accessor | None:
    if accessor.array.dtype.kind != "f":
        return None
    if accessor.array.min(initial=0) >= 0 and accessor.array.max(initial=0) <= 1:  # false for NaN
        return None
    array = np.clip(np.nan_to_num(accessor.array, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    return Accessor(array.astype(np.float32), accessor.type, name=accessor.name)


_ATTRIBUTE_MENDS: tuple[tuple[str, Callable[[Accessor], Accessor | None], str], ...] = (
    ("NORMAL", _mend_normal, "some normals were not of length 1; they were made so."),
    ("TANGENT", _mend_tangent, "some tangents were not of length 1 or had no side; they were mended."),
    ("TEXCOORD", _mend_uv, "some texture coordinates were not finite numbers; they were set to 0."),
    ("", _mend_finite, "some numbers of own attributes (`_NAME`) were not finite; they were set to 0."),
    ("COLOR", _mend_colour, "some vertex colours were outside 0 to 1; they were cut off there."),
)


def _mend_weights(editor: DocumentEditor, problems: list[Problem]) -> None:
    """Skin weights: finite, not negative, sum 1; a joint with weight 0 is joint 0."""
    changed = False
    done: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            attributes = primitive["attributes"]
            sets = sum(name.startswith("WEIGHTS_") for name in attributes)
            if not sets:
                continue
            key = tuple(
                attributes[f"{kind}_{index}"] for kind in ("JOINTS", "WEIGHTS") for index in range(sets)
            )
            if key not in done:
                mended, off = _balanced(editor, key, sets)
                done[key] = mended
                changed |= off
            for index, (joints, weights) in enumerate(done[key]):
                attributes[f"JOINTS_{index}"], attributes[f"WEIGHTS_{index}"] = joints, weights
    if changed:
        problems.append(
            warn(
                "some skin weights did not sum up to 1, or named a joint twice; they were balanced.",
                where="/meshes",
            )
        )


def _balanced(editor: DocumentEditor, key: tuple[int, ...], sets: int) -> tuple[list[tuple[int, int]], bool]:
    joints = np.concatenate([editor.accessors[number].array for number in key[:sets]], axis=1)
    accessors = [editor.accessors[number] for number in key[sets:]]
    with np.errstate(invalid="ignore"):  # signalling NaNs
        weights = np.concatenate([accessor.as_floats() for accessor in accessors], axis=1).astype(np.float64)
    weights = np.maximum(np.nan_to_num(weights, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    off = _merge_repeated(joints, weights)
    sums = weights.sum(axis=1)
    off |= bool((np.abs(sums - 1.0) > SUM_TOLERANCE * 4 * sets).any())
    weights[sums <= 0, 0] = 1.0
    weights /= weights.sum(axis=1, keepdims=True)
    joints = np.where(weights > 0, joints, 0).astype(joints.dtype)
    pairs = []
    for index in range(sets):
        columns = slice(index * 4, index * 4 + 4)
        pairs.append(
            (
                editor.add_accessor(Accessor(np.ascontiguousarray(joints[:, columns]), "VEC4")),
                editor.add_accessor(Accessor(weights[:, columns].astype(np.float32), "VEC4")),
            )
        )
    return pairs, off


def _merge_repeated(joints: Array, weights: Array) -> bool:
    """A joint named twice for a vertex gets both weights once (in place). Whether there was one."""
    found = False
    for later in range(1, joints.shape[1]):
        for place in range(later):
            again = (joints[:, place] == joints[:, later]) & (weights[:, place] > 0) & (weights[:, later] > 0)
            if again.any():
                found = True
                weights[again, place] += weights[again, later]
                weights[again, later] = 0
    return found


def _mend_rotations(editor: DocumentEditor, problems: list[Problem]) -> None:
    changed = False
    for node in editor.items("nodes"):
        if "rotation" in node:
            values = np.array(node["rotation"], np.float64)
            length = float(np.linalg.norm(values))
            if abs(length - 1.0) > 1e-4:
                changed = True
                node["rotation"] = (
                    [float(value) for value in values / length] if length > 0 else [0.0, 0.0, 0.0, 1.0]
                )
    done: dict[tuple[int, int], int] = {}
    for animation in editor.items("animations"):
        for channel in animation["channels"]:
            sampler = animation["samplers"][channel["sampler"]]
            if channel["target"]["path"] != "rotation":
                continue
            number = sampler["output"]
            step = 3 if sampler.get("interpolation") == "CUBICSPLINE" else 1
            if (number, step) not in done:
                mended = _unit_quaternions(editor.accessors[number], step)
                done[number, step] = number if mended is None else editor.add_accessor(mended)
                changed |= mended is not None
            sampler["output"] = done[number, step]
    if changed:
        problems.append(warn("some rotations were not of length 1; they were made so.", where="/nodes"))


def _unit_quaternions(accessor: Accessor, step: int) -> Accessor | None:
    """step: of three rows of a cubic spline only the middle one is a rotation."""
    every = accessor.as_floats().astype(np.float64)
    values = every[step // 2 :: step]
    lengths = np.sqrt((values**2).sum(axis=1))
    if (np.abs(lengths - 1.0) <= UNIT_TOLERANCE + (0.005 if accessor.normalized else 0.0)).all():
        return None
    values[lengths <= 0] = (0.0, 0.0, 0.0, 1.0)
    lengths[lengths <= 0] = 1.0
    values /= lengths[:, None]
    return Accessor(every.astype(np.float32), accessor.type, name=accessor.name)


def _mend_skin_matrices(editor: DocumentEditor, problems: list[Problem]) -> None:
    for index, skin in enumerate(editor.items("skins")):
        if "inverseBindMatrices" not in skin:
            continue
        accessor = editor.accessors[skin["inverseBindMatrices"]]
        last_row = np.array([0.0, 0.0, 0.0, 1.0], np.float32)
        if not (accessor.array[:, 3::4] == last_row).all():
            array = accessor.array.copy()
            array[:, 3::4] = last_row
            skin["inverseBindMatrices"] = editor.add_accessor(Accessor(array, "MAT4", name=accessor.name))
            problems.append(
                warn("a skin's matrices had a bad last row; it was set right.", where=f"/skins/{index}")
            )


def _mend_targets(editor: DocumentEditor, problems: list[Problem]) -> None:
    changed = False
    for mesh in editor.items("meshes"):
        for primitive in mesh["primitives"]:
            for target in primitive.get("targets", []):
                for name, number in target.items():
                    mended = _mend_far(editor.accessors[number])
                    if mended is not None:
                        changed = True
                        target[name] = editor.add_accessor(mended)
    if changed:
        problems.append(
            warn(
                "some morph targets held numbers that are not finite or endless; they were set to 0.",
                where="/meshes",
            )
        )
