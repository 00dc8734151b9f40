"""A scene that shows a skinned mesh must hold the joints too; if they draw nothing, they are added."""

from collections.abc import Iterable

from asset_pipeline.models.document import DocumentEditor, JsonObject
from asset_pipeline.outcome import refuse, warn
from heritage_sites.problem import Problem


def mend_skin_scenes(editor: DocumentEditor) -> list[Problem]:
    """Change the scenes in place; returns warnings. Refused: joints that would show meshes left out."""
    nodes = editor.items("nodes")
    skinned = [node for node in nodes if "skin" in node]
    if not skinned:
        return []
    parents = {child: index for index, node in enumerate(nodes) for child in node.get("children", [])}
    problems = []
    for place, scene in enumerate(editor.items("scenes")):
        shown = _below(nodes, scene.get("nodes", []))
        skins = {nodes[index]["skin"] for index in shown if "skin" in nodes[index]}
        for skin in sorted(skins):
            root = _root(editor.items("skins")[skin]["joints"][0], parents)
            if root in shown:
                continue
            added = _below(nodes, [root])
            where = f"/scenes/{place}"
            if any("mesh" in nodes[index] for index in added):
                raise refuse(
                    f"the scene shows a mesh of skin {skin}, but not its joints, and they carry meshes.",
                    where=where,
                    advice="Put the armature into the scene, or unbind the mesh, and export again.",
                )
            scene["nodes"].append(root)
            shown |= added
            problems.append(warn(f"the joints of skin {skin} were missing; they were added.", where=where))
    return problems


def _below(nodes: list[JsonObject], roots: Iterable[int]) -> set[int]:
    found: set[int] = set()
    pending = list(roots)
    while pending:
        index = pending.pop()
        found.add(index)
        pending.extend(nodes[index].get("children", []))
    return found


def _root(node: int, parents: dict[int, int]) -> int:
    while node in parents:
        node = parents[node]
    return node
