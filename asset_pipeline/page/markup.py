"""HTML by functions: what is not markup is escaped, so that no file name and no message can be any."""

import html
import re

_VOID = {"img", "input", "meta", "br", "hr", "link"}
_NAME = re.compile(r"[a-z][a-z0-9-]*")

Attribute = str | int | float | bool | None


class Markup(str):
    """HTML that is ready; a plain str is text and gets escaped where it is put."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: Attribute) -> Markup:
    """An element. `class_` is class, `aria_label` is aria-label; None and False leave an attribute out.

    Raises ValueError for names that are none, and for children of an element that takes none.
    """
    if not _NAME.fullmatch(name) or (name in _VOID and children):
        raise ValueError(f"tag: want an element's name and fitting children, got {name!r}, {children!r}")
    opening = "".join([name, *(_attribute(key, value) for key, value in attributes.items())])
    if name in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{joined(*children)}</{name}>")


def joined(*parts: str) -> Markup:
    """The parts one after another, plain text escaped."""
    return Markup("".join(part if isinstance(part, Markup) else html.escape(part) for part in parts))


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name):
        raise ValueError(f"attribute: want a name, got {key!r}")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
