"""Animation channels that drive nothing are dropped, and samplers with them: before any data is read."""

from asset_pipeline.models.document import JsonObject
from asset_pipeline.outcome import warn
from heritage_sites.problem import Problem

_POINTER = "KHR_animation_pointer"
_PATHS = ("translation", "rotation", "scale", "weights", "pointer")


def mend_channels(tree: JsonObject) -> list[Problem]:
    """Change the checked tree in place; returns a warning for each channel dropped or changed."""
    problems: list[Problem] = []
    kept = []
    for index, animation in enumerate(tree.get("animations", [])):
        channels = []
        for place, channel in enumerate(animation["channels"]):
            where = f"/animations/{index}/channels/{place}"
            problems += _mend_target(channel["target"], where)
            why = _useless(tree, animation, channel)
            if why:
                problems.append(warn(f"{why}; the channel was removed.", where=where))
            else:
                channels.append(channel)
        if len(channels) < len(animation["channels"]):
            animation["channels"] = channels
            _drop_samplers(animation)
        if channels:
            kept.append(animation)
    if kept:
        tree["animations"] = kept
    else:
        tree.pop("animations", None)
    return problems


def _mend_target(target: JsonObject, where: str) -> list[Problem]:
    """A pointer stands alone: without a node, and only under the path `pointer`."""
    problems = []
    if target["path"] == "pointer" and "node" in target:
        del target["node"]
        problems.append(warn("a pointer needs no node; it was removed.", where=f"{where}/target/node"))
    if target["path"] != "pointer" and _POINTER in target.get("extensions", {}):
        del target["extensions"][_POINTER]
        if not target["extensions"]:
            del target["extensions"]
        message = f"the channel drives {target['path'][:40]!r}, not a pointer, which was removed."
        problems.append(warn(message, where=f"{where}/target"))
    return problems


def _useless(tree: JsonObject, animation: JsonObject, channel: JsonObject) -> str:
    """Why nothing can be played; empty if it can."""
    path = channel["target"]["path"]
    if path not in _PATHS:
        return f"it drives {path[:40]!r}, which glTF does not know"
    if path == "pointer" and _POINTER not in channel["target"].get("extensions", {}):
        return "it drives a pointer but names none"
    if channel["sampler"] < len(animation["samplers"]):
        times = tree["accessors"][animation["samplers"][channel["sampler"]]["input"]]
        if times["count"] > 1 and "bufferView" not in times and "sparse" not in times:
            return "its key times hold no data"
    return ""


def _drop_samplers(animation: JsonObject) -> None:
    """Leave out samplers that no channel uses any more."""
    samplers = animation["samplers"]
    numbers: dict[int, int] = {}
    for channel in animation["channels"]:
        if channel["sampler"] < len(samplers):
            channel["sampler"] = numbers.setdefault(channel["sampler"], len(numbers))
    animation["samplers"] = [samplers[old] for old in numbers]
