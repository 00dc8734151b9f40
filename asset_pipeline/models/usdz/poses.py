"""The first animation of a model as transforms at even times: what USD's linear interpolation can follow.

USD blends matrices number by number and knows neither steps nor cubic splines, so every moved node is sampled
at FRAMES_PER_S.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asset_pipeline.models.document import Accessor, Document, JsonObject
from asset_pipeline.models.transforms import local_matrix

FRAMES_PER_S = 30
MAX_ANIMATION_S = 10.0  # AR Quick Look's guide: WWDC 2018, session 603
_PATHS = {"translation": 3, "rotation": 4, "scale": 3}
_REST = {"translation": (0.0, 0.0, 0.0), "rotation": (0.0, 0.0, 0.0, 1.0), "scale": (1.0, 1.0, 1.0)}

Matrices = NDArray[np.float64]  # (frames, 4, 4), column vectors
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Local transforms of the nodes that move, frame by frame; frames 0 means that nothing does.

    is_cut: the animation was longer than MAX_ANIMATION_S. has_other: it also moves what is no transform.
    """

    frames: int
    locals: Mapping[int, Matrices]
    is_cut: bool = False
    has_other: bool = False


STILL = Motion(0, {})


def sample_motion(document: Document) -> Motion:
    """The first animation, from 0 s to its end or MAX_ANIMATION_S."""
    animations = document.items("animations")
    if not animations:
        return STILL
    animation = animations[0]
    channels: dict[int, dict[str, JsonObject]] = {}
    has_other = False
    for channel in animation["channels"]:
        target = channel["target"]
        if target["path"] not in _PATHS or "node" not in target:
            has_other = True
            continue
        sampler = animation["samplers"][channel["sampler"]]
        channels.setdefault(target["node"], {})[target["path"]] = sampler
    samplers = [sampler for paths in channels.values() for sampler in paths.values()]
    end_s = max((_end_s(document, sampler) for sampler in samplers), default=0.0)
    if not samplers:
        return Motion(0, {}, has_other=has_other)
    shown_s = min(end_s, MAX_ANIMATION_S)
    frames = int(np.ceil(shown_s * FRAMES_PER_S - 1e-6)) + 1
    times = np.minimum(np.arange(frames) / FRAMES_PER_S, shown_s)
    nodes = document.items("nodes")
    moved = {index: _locals(document, nodes[index], paths, times) for index, paths in channels.items()}
    return Motion(frames, moved, is_cut=end_s > shown_s, has_other=has_other)


def _end_s(document: Document, sampler: JsonObject) -> float:
    keys = document.accessors[sampler["input"]]
    return float(keys.array.max()) if keys.count else 0.0


def _locals(document: Document, node: JsonObject, paths: Mapping[str, JsonObject], times: Values) -> Matrices:
    """(frames, 4, 4). A node with a matrix cannot be animated, so what is not sampled is TRS."""
    if "matrix" in node:  # the format forbids it; readers then keep the matrix
        return np.broadcast_to(local_matrix(node), (len(times), 4, 4))
    values = {}
    for name, width in _PATHS.items():
        if name in paths:
            values[name] = _sampled(document, paths[name], times, width, is_rotation=name == "rotation")
        else:
            rest = np.array(node.get(name, _REST[name]), np.float64)
            values[name] = np.broadcast_to(rest, (len(times), width))
    return composed(values["translation"], values["rotation"], values["scale"])


def composed(translations: Values, rotations: Values, scales: Values) -> Matrices:
    """Many of `transforms.compose` at once."""
    x, y, z, w = _unit(rotations).T
    linear = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)
    matrices = np.zeros((len(translations), 4, 4))
    matrices[:, :3, :3] = linear * scales[:, None, :]
    matrices[:, :3, 3] = translations
    matrices[:, 3, 3] = 1
    return matrices


def _unit(rotations: Values) -> Values:
    length = np.linalg.norm(rotations, axis=1, keepdims=True)
    unit: Values = np.where(length > 0, rotations / np.maximum(length, 1e-300), [0.0, 0.0, 0.0, 1.0])
    return unit


def _sampled(
    document: Document, sampler: JsonObject, times: Values, width: int, *, is_rotation: bool
) -> Values:
    keys = document.accessors[sampler["input"]].as_floats()[:, 0].astype(np.float64)
    stored: Accessor = document.accessors[sampler["output"]]
    values = stored.as_floats().astype(np.float64)
    mode = sampler.get("interpolation", "LINEAR")
    first = np.clip(np.searchsorted(keys, times, side="right") - 1, 0, len(keys) - 1)
    second = np.minimum(first + 1, len(keys) - 1)
    span = np.maximum(keys[second] - keys[first], 1e-12)
    share = np.clip((times - keys[first]) / span, 0.0, 1.0)[:, None]
    share[second == first] = 0.0
    if mode == "CUBICSPLINE":
        tangents_in, points, tangents_out = values.reshape(len(keys), 3, width).transpose(1, 0, 2)
        return _hermite(points, tangents_in, tangents_out, first, second, share, span[:, None])
    if mode == "STEP":
        held: Values = values[first]
        return held
    if is_rotation:
        return _slerp(_unit(values)[first], _unit(values)[second], share)
    blend: Values = values[first] * (1 - share) + values[second] * share
    return blend


def _hermite(
    points: Values,
    tangents_in: Values,
    tangents_out: Values,
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    share: Values,
    span_s: Values,
) -> Values:
    square, cube = share**2, share**3
    result: Values = (
        (2 * cube - 3 * square + 1) * points[first]
        + span_s * (cube - 2 * square + share) * tangents_out[first]
        + (-2 * cube + 3 * square) * points[second]
        + span_s * (cube - square) * tangents_in[second]
    )
    return result


def _slerp(start: Values, end: Values, share: Values) -> Values:
    cosine = (start * end).sum(axis=1, keepdims=True)
    end = np.where(cosine < 0, -end, end)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.sin(angle)
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = (np.sin((1 - share) * angle) * start + np.sin(share * angle) * end) / sine
    result: Values = np.where(sine > 1e-6, turned, start * (1 - share) + end * share)
    return result
