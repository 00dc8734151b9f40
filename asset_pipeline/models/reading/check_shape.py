"""Walk a glTF tree along the table in `schema`: wrong shapes are Problems, slips that harm nobody are
mended.
"""

import math
from typing import Any

from asset_pipeline.models.document import JsonObject
from asset_pipeline.models.extensions import ANYWHERE, KNOWN_EXTENSIONS
from asset_pipeline.models.reading.schema import (
    GLTF,
    Flag,
    Index,
    ListOf,
    MapOf,
    Number,
    Object,
    OneOf,
    Shape,
    Text,
    Whole,
)
from asset_pipeline.outcome import Refused, refuse, warn
from heritage_sites.problem import Problem

MAX_PROBLEMS = 50  # a broken exporter repeats itself; fifty faults show its habits


def check_shape(tree: JsonObject) -> list[Problem]:
    """Mend the freshly parsed tree in place; returns warnings. Refused with every fault found (up to
    MAX_PROBLEMS).
    """
    if not isinstance(tree.get("asset"), dict) or not isinstance(tree["asset"].get("version"), str):
        raise refuse("there is no asset.version, so this is not glTF 2.", where="/asset")
    version = tree["asset"]["version"]
    if version.split(".")[0] != "2" or not all(part.isdigit() for part in version.split(".")):
        raise refuse(
            f"this is glTF version {version[:20]!r}; only 2.x is read.",
            where="/asset/version",
            advice="Convert it to glTF 2.0.",
        )
    walk = _Walk(tree)
    walk.object(tree, GLTF, "")
    if walk.errors:
        raise Refused([*walk.errors, *walk.warnings])
    return walk.warnings


class _Walk:
    def __init__(self, tree: JsonObject) -> None:
        self.tree = tree
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def error(self, message: str, where: str) -> None:
        if len(self.errors) < MAX_PROBLEMS:
            self.errors.append(Problem(file="", where=where, message=message))

    def mend(self, message: str, where: str) -> None:
        if len(self.warnings) < MAX_PROBLEMS:
            self.warnings.append(warn(message, where=where))

    def object(self, value: Any, shape: Object, where: str) -> None:
        if not isinstance(value, dict):
            self.error(f"want an object, got {_kind(value)}.", where or "/")
            return
        for name in shape.required:
            if name not in value:
                self.error(f"the property {name!r} is missing.", where or "/")
        for name in [name for name in value if name in shape.properties]:
            self.property(value, name, shape, f"{where}/{name}")
        self.extensions(value, shape, where)

    def property(self, owner: dict[str, Any], name: str, shape: Object, where: str) -> None:
        if owner[name] == [] and isinstance(shape.properties[name], ListOf):
            if name in shape.required:
                self.error("the list is empty.", where)
                return
            del owner[name]  # glTF forbids empty lists; an absent one means the same
            if name != "nodes":
                self.mend("an empty list was removed.", where)
            return
        inner = shape.properties[name]
        if isinstance(inner, OneOf) and inner.has_default and _is_unknown_word(owner[name], inner):
            self.mend(f"{_kind(owner.pop(name))} is not known to glTF; the default was used.", where)
            return
        owner[name] = self.value(owner[name], inner, where)

    def extensions(self, owner: dict[str, Any], shape: Object, where: str) -> None:
        found = owner.get("extensions")
        if found is None:
            return
        if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
            self.error("want extensions as an object of objects.", f"{where}/extensions")
            return
        for name in list(found):
            if name in shape.extensions:
                self.value(found[name], shape.extensions[name], f"{where}/extensions/{name}")
            elif name in KNOWN_EXTENSIONS and name not in ANYWHERE:
                del found[name]  # means nothing here, and validators call it an error
                self.mend(f"{name} does not belong here; it was removed.", f"{where}/extensions/{name}")
        if not found:
            del owner["extensions"]

    def value(self, value: Any, shape: Shape, where: str) -> Any:
        match shape:
            case Object():
                self.object(value, shape, where)
            case ListOf():
                return self.list(value, shape, where)
            case MapOf():
                if not isinstance(value, dict):
                    self.error(f"want an object, got {_kind(value)}.", where)
                elif not value and not shape.may_be_empty:
                    self.error("the object is empty.", where)
                else:
                    for name in value:
                        value[name] = self.value(value[name], shape.value, f"{where}/{name}")
            case Index():
                return self.index(value, shape.list_name, where)
            case Whole():
                return self.whole(value, shape, where)
            case Number():
                return self.number(value, shape, where)
            case OneOf():
                if isinstance(value, float) and value.is_integer():
                    value = int(value)
                if isinstance(value, bool) or value not in shape.values:
                    self.error(f"want one of {list(shape.values)}, got {_kind(value)}.", where)
            case Text():
                if not isinstance(value, str):
                    self.error(f"want a text, got {_kind(value)}.", where)
            case Flag():
                if not isinstance(value, bool):
                    self.error(f"want true or false, got {_kind(value)}.", where)
        return value

    def list(self, value: Any, shape: ListOf, where: str) -> Any:
        if not isinstance(value, list):
            self.error(f"want a list, got {_kind(value)}.", where)
            return value
        if shape.length is not None and len(value) != shape.length:
            self.error(f"want {shape.length} items, got {len(value)}.", where)
            return value
        if shape.unique and len({str(item) for item in value}) != len(value):
            self.error("an entry appears twice in the list.", where)
            return value
        for place, item in enumerate(value):
            value[place] = self.value(item, shape.item, f"{where}/{place}")
        return value

    def index(self, value: Any, list_name: str, where: str) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.error(f"want a number of one of the {list_name}, got {_kind(value)}.", where)
            return value
        known = self.tree.get(list_name)
        if not isinstance(known, list) or value >= len(known):
            count = len(known) if isinstance(known, list) else 0
            self.error(f"points to number {value} of the {list_name}, but there are {count}.", where)
        return value

    def whole(self, value: Any, shape: Whole, where: str) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.error(f"want a whole number, got {_kind(value)}.", where)
        elif not shape.at_least <= value <= shape.at_most:
            self.error(f"want {shape.at_least} to {shape.at_most}, got {value}.", where)
        return value

    def number(self, value: Any, shape: Number, where: str) -> Any:
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.error(f"want a number, got {_kind(value)}.", where)
            return value
        if isinstance(value, float) and not math.isfinite(value):
            self.error("want a finite number.", where)
            return value
        if not (shape.at_least <= value <= shape.at_most or (shape.or_zero and value == 0)):
            nearest = min(max(value, shape.at_least), shape.at_most)
            self.mend(f"{value} is outside {shape.at_least} to {shape.at_most}; {nearest} was used.", where)
            return nearest
        return value


def _is_unknown_word(value: Any, shape: OneOf) -> bool:
    """Of the right sort, but not one of the values."""
    return type(value) is type(shape.values[0]) and value not in shape.values


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:40] + "...")
    return repr(value)
