"""Values to JSON and back, for the seed files and for a release's content.json.

The keys are the fields' names, so a new field needs nothing here. An empty optional field is left out.
Three differ: a LocalisedText is keyed by language, a geofence begins with its `type`, a tuple is a list.
"""

import dataclasses
import json
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from heritage_sites.checks import FieldInvalid
from heritage_sites.geofence import CircleGeofence, CorridorGeofence, Geofence, PolygonGeofence
from heritage_sites.problem import Problem
from heritage_sites.text import LocalisedText, Text

MAX_PROBLEMS = 100  # per document; an editor mends those first, and a hostile file cannot fill the memory

GEOFENCE_TYPES: Mapping[str, type[Geofence]] = {
    "circle": CircleGeofence,
    "polygon": PolygonGeofence,
    "corridor": CorridorGeofence,
}

Value = TypeVar("Value")


class JsonInvalid(ValueError):
    """JSON that is not the value it should be; `problems` names every fault (`file` is "")."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    def __reduce__(self) -> tuple[type["JsonInvalid"], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


def to_json(value: Any) -> Any:
    """A value of this package (or a tuple, list or dict of them) as plain JSON."""
    if isinstance(value, LocalisedText):
        return {tag: to_json(text) for tag, text in value.texts.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = _geofence_type_of(type(value))
        shape = {"type": name} if name else {}
        return shape | {
            field.name: to_json(content)
            for field in dataclasses.fields(value)
            if not _is_nothing(field, content := getattr(value, field.name))
        }
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[Value], value: Any, *, strict: bool = True) -> Value:
    """The value that to_json wrote. Raises JsonInvalid with every fault.

    strict: an unknown key is a fault (the seed, where it is a typing mistake). Without, it is passed over
    (a release, which a newer version may have written).
    """
    return cast("Value", _read(kind, value, strict=strict))


def geofence_from_json(value: Any, *, strict: bool = True) -> Geofence:
    """The geofence of any kind that to_json wrote. Raises JsonInvalid with every fault."""
    return cast("Geofence", _read(Geofence, value, strict=strict))


def parse_json(body: bytes) -> Any:
    """JSON text as plain values; refuses bad UTF-8, NaN, repeated keys and deep nesting (JsonInvalid)."""
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        message = f"The file is not UTF-8 text (byte {error.start})."
    except json.JSONDecodeError as error:
        message = f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
    except RecursionError:
        message = "This is not JSON for people: it is nested too deeply."
    except ValueError as error:
        message = f"This is not JSON: {error}."
    raise JsonInvalid((Problem("", "$", message),))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key '{_shown(repeated)}' appears twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _is_nothing(field: "dataclasses.Field[Any]", content: Any) -> bool:
    """True for an optional field that holds nothing. A false or a zero is something: it is written."""
    return field.default in (None, "") and content == field.default


def _read(kind: Any, value: Any, *, strict: bool) -> Any:
    reader = _Reader(strict)
    result = reader.read(kind, value, "$")
    if reader.problems:
        raise JsonInvalid(tuple(reader.problems))
    return result


class _Invalid:
    """Stands for what could not be read; its fault is noted already."""


_INVALID = _Invalid()


class _Reader:
    """Reads JSON by the types of the fields and notes every fault with its place."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.problems: list[Problem] = []

    def read(self, kind: Any, value: Any, where: str) -> Any:
        if kind is Any:
            return value
        if kind is LocalisedText:
            return self._read_localised(value, where)
        if get_origin(kind) in (Union, types.UnionType):
            return self._read_union(get_args(kind), value, where)
        if get_origin(kind) is tuple:
            return self._read_tuple(get_args(kind), value, where)
        if get_origin(kind) is not None:  # Mapping[str, Any]: the value checks it
            return value if isinstance(value, dict) else self._fault(where, "an object", value)
        if dataclasses.is_dataclass(kind):
            return self._read_fields(cast("type[Any]", kind), value, where)
        if issubclass(kind, StrEnum):
            names = [item.value for item in kind]
            return kind(value) if value in names else self._fault(where, f"one of {', '.join(names)}", value)
        return self._read_plain(kind, value, where)

    def _read_plain(self, kind: type, value: Any, where: str) -> Any:
        wanted, accepted = _PLAIN[kind]
        if type(value) not in accepted:
            return self._fault(where, wanted, value)
        return value

    def _read_localised(self, value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(where, "an object with one text per language", value)
        texts = {tag: self.read(Text, item, f"{where}.{_shown(tag)}") for tag, item in value.items()}
        if _INVALID in texts.values():
            return _INVALID
        return self._make(LocalisedText, {"texts": texts}, where)

    def _read_union(self, kinds: tuple[Any, ...], value: Any, where: str) -> Any:
        if types.NoneType in kinds:
            if value is None:
                return None
            rest = tuple(kind for kind in kinds if kind is not types.NoneType)
            return self.read(Union[rest], value, where)  # noqa: UP007 - built while running
        if not isinstance(value, dict):
            return self._fault(where, "an object", value)
        name = value.get("type")
        if not isinstance(name, str) or name not in GEOFENCE_TYPES:
            return self._fault(f"{where}.type", f"one of {', '.join(GEOFENCE_TYPES)}", name)
        return self.read(GEOFENCE_TYPES[name], value, where)

    def _read_tuple(self, kinds: tuple[Any, ...], value: Any, where: str) -> Any:
        if not isinstance(value, list):
            return self._fault(where, "a list", value)
        if kinds[-1] is Ellipsis:
            kinds = (kinds[0],) * len(value)
        elif len(value) != len(kinds):
            return self._fault(where, f"a list of {len(kinds)}", value)
        items = tuple(
            self.read(kind, item, f"{where}[{place}]")
            for place, (kind, item) in enumerate(zip(kinds, value, strict=True))
        )
        return _INVALID if _INVALID in items else items

    def _read_fields(self, kind: type[Any], value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            return self._fault(where, "an object", value)
        fields, hints = _fields_of(cast("Any", kind)), _hints_of(cast("Any", kind))
        shape = _geofence_type_of(kind)
        if shape and value.get("type") != shape:
            return self._fault(f"{where}.type", f"'{shape}'", value.get("type"))
        if self.strict:
            for key in map(_shown, sorted(value.keys() - fields.keys() - ({"type"} if shape else set()))):
                self._note(
                    f"{where}.{key}", f"The key '{key}' is not known here.", f"Known are {', '.join(fields)}."
                )
        contents = {}
        for name, is_required in fields.items():
            if name in value:
                contents[name] = self.read(hints[name], value[name], f"{where}.{name}")
            elif is_required:
                self._note(f"{where}.{name}", f"The key '{name}' is missing.")
                contents[name] = _INVALID
        if any(content is _INVALID for content in contents.values()):
            return _INVALID
        return self._make(kind, contents, where)

    def _make(self, kind: type[Any], contents: dict[str, Any], where: str) -> Any:
        try:
            return kind(**contents)
        except FieldInvalid as error:
            place = where if kind is LocalisedText else f"{where}.{error.field}"
            self._note(place, f"{error.message[:1].upper()}{error.message[1:]}.")
            return _INVALID

    def _fault(self, where: str, wanted: str, value: Any) -> _Invalid:
        if isinstance(value, (dict, list)):
            got = "an object" if isinstance(value, dict) else "a list"
        else:
            got = json.dumps(value)[:60]
        self._note(where, f"Want {wanted}, got {got}.")
        return _INVALID

    def _note(self, where: str, message: str, advice: str = "") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem("", where, message, advice))


_PLAIN: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("text", (str,)),
    float: ("a number", (int, float)),
    int: ("a whole number", (int,)),
    bool: ("true or false", (bool,)),
}


def _shown(key: str) -> str:
    """A key of unknown origin, fit to be printed."""
    return "".join(character if character.isprintable() else "?" for character in key[:60])


def _geofence_type_of(kind: type[Any]) -> str | None:
    return next((name for name, fence in GEOFENCE_TYPES.items() if fence is kind), None)


@cache
def _fields_of(kind: type[Any]) -> dict[str, bool]:
    """A value's fields in order, and whether each must be given."""
    return {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(kind)}


@cache
def _hints_of(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)
