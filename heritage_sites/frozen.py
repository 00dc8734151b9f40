"""A dictionary that cannot change, so that values holding one are values too."""

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")


class FrozenMap(dict[Key, Item]):
    """A dict (so that JSON writers take it) whose contents never change; hashable if they are."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # dict says "never", a fixed one may
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type["FrozenMap[Key, Item]"], tuple[dict[Key, Item]]]:
        return FrozenMap, (dict(self),)

    def _refuse(self, *_args: Any, **_options: Any) -> NoReturn:
        raise TypeError("a FrozenMap does not change; make a dict of it first")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse


def freeze(value: Any) -> Any:
    """A JSON-like value with every mapping a FrozenMap and every list a tuple, all the way down."""
    if isinstance(value, Mapping):
        return FrozenMap({key: freeze(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    return value
