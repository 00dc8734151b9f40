"""Unit and up axis: what a file does not say is asked about, and the sender's answer is applied.

Nothing is ever rescaled or turned without an answer. An answer becomes a node above the scene's roots, so
that skins, animations and everything else below stay what they were.
"""

import math

import numpy as np

from asset_pipeline.model_options import UNITS_M, ModelOptions
from asset_pipeline.models.document import Document, DocumentEditor, JsonObject
from asset_pipeline.models.measure import measure_bounds
from asset_pipeline.models.reading.source_frame import UNSTATED_FRAME, SourceFrame
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

LARGEST_M = (
    1000.0  # longest side of an object; more is a statue of 3 km: metres were taken for something else
)
SMALLEST_M = 0.005
LARGEST_SURVEY_M = 100_000.0  # of measured land: Ha Long Bay is 60 km wide
SMALLEST_SURVEY_M = 0.05
_HALF = math.sqrt(0.5)
_TURNS = {  # unit quaternions about x
    ("y", "z"): (-_HALF, 0.0, 0.0, _HALF),  # was read as y up, is z up: (x, y, z) becomes (x, z, -y)
    ("z", "y"): (_HALF, 0.0, 0.0, _HALF),
}
_UNIT_ADVICE = f"say --unit with one of {', '.join(UNITS_M)}"


def apply_hints(document: Document, hints: ModelOptions, *, frame: SourceFrame = UNSTATED_FRAME) -> Document:
    """The model as the sender says it is meant; the same document where nothing changes.

    frame: what the reader has applied already. An answer outdoes it: a LAS file that says feet, answered with
    metres, is scaled by 1 / 0.3048.
    """
    scale = 1.0 if hints.unit is None else UNITS_M[hints.unit] / (frame.unit_m or 1.0)
    turn = _TURNS.get((frame.up or "y", hints.up or frame.up or "y"))
    if math.isclose(scale, 1.0, rel_tol=1e-9) and turn is None:
        return document
    move: JsonObject = {}
    if turn is not None:
        move["rotation"] = list(turn)
    if not math.isclose(scale, 1.0, rel_tol=1e-9):
        move["scale"] = [scale] * 3
    editor = document.edit()
    _hang_roots_below(editor, move)
    return editor.finish()


def find_scale_problems(
    document: Document, *, hints: ModelOptions, frame: SourceFrame = UNSTATED_FRAME
) -> list[Problem]:
    """At most one WARNING: what the file leaves open, or a size nobody means, with what to answer.

    document: after `apply_hints`. Empty where the sender has answered, or where nothing is shown.
    """
    bounds = measure_bounds(document)
    if bounds is None:
        return []
    width, height, depth = (high - low for low, high in zip(*bounds, strict=True))
    unit_open = frame.unit_m is None and hints.unit is None
    up_open = frame.up is None and hints.up is None
    size = f"{_length(height)} high, {_length(width)} wide and {_length(depth)} deep"
    problem = _absurd(max(width, height, depth), frame) if hints.unit is None else ""
    said, asked = [], []
    if unit_open:
        said.append(f"The file does not say its unit: read as metres, the model is {size}{problem}.")
    elif problem:
        said.append(f"The model is {size}{problem}.")
    if unit_open or problem:
        asked.append(f"If that is wrong, {_UNIT_ADVICE}; if it is right, say --unit m.")
    if up_open:
        also = "Nor does it say" if unit_open else "The file does not say"
        said.append(f"{also} which axis is up: y was taken; with z up it would be {_length(depth)} high.")
        asked.append("If it lies on its back, say --up z; if not, --up y.")
    return [warn(" ".join(said), advice=" ".join(asked))] if said else []


def _absurd(longest_m: float, frame: SourceFrame) -> str:
    """What is wrong with a size; "" for nothing."""
    largest, smallest = (LARGEST_SURVEY_M, SMALLEST_SURVEY_M) if frame.is_survey else (LARGEST_M, SMALLEST_M)
    if longest_m > largest:
        return f", which is larger than {_length(largest)} and hardly meant"
    if 0 < longest_m < smallest:
        return f", which is smaller than {_length(smallest)} and hardly meant"
    return ""


def _length(metres: float) -> str:
    """Three digits, in a unit that suits: 1.7 km, 12.3 m, 4.2 mm."""
    for unit, name in ((1000.0, "km"), (1.0, "m"), (0.001, "mm")):
        if metres >= unit or (name == "m" and metres >= 0.01):
            return f"{float(f'{metres / unit:.3g}'):g} {name}"
    return "0 m" if metres == 0 else f"{metres * 1000:.3g} mm"


def _hang_roots_below(editor: DocumentEditor, move: JsonObject) -> None:
    """One new node above the roots of each scene; above each root where scenes share them."""
    nodes = editor.json.setdefault("nodes", [])
    scenes = editor.items("scenes")
    shared = [root for scene in scenes for root in scene.get("nodes", [])]
    if not scenes:
        below = {child for node in nodes for child in node.get("children", [])}
        roots = [index for index in range(len(nodes)) if index not in below]
        if roots:
            nodes.append({**move, "children": roots})
        return
    if len(set(shared)) == len(shared):
        for scene in scenes:
            if scene.get("nodes"):
                nodes.append({**move, "children": scene["nodes"]})
                scene["nodes"] = [len(nodes) - 1]
        return
    above = {}
    for root in dict.fromkeys(shared):
        nodes.append({**move, "children": [root]})
        above[root] = len(nodes) - 1
    for scene in scenes:
        scene["nodes"] = list(np.unique([above[root] for root in scene.get("nodes", [])]).tolist())
