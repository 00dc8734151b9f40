"""The recipes there are, by kind of master: data, so that commands and reports agree on names and versions.

A recipe's version rises when the same master would give other bytes: the version is part of a derivative's
record.
"""

from collections.abc import Sequence
from enum import StrEnum

from heritage_sites.problem import Problem


class MasterKind(StrEnum):
    """What a master is treated as; it decides which recipes may run."""

    MODEL = "model"
    PANORAMA = "panorama"
    PHOTO = "photo"


INSPECT = "inspect"  # the name under which a master is reported that was refused before any recipe ran

RECIPE_VERSIONS: dict[MasterKind, dict[str, int]] = {
    MasterKind.MODEL: {
        "thumb": 2,
        "ar": 2,
        "ar_ios": 1,
        "vr": 1,
        "high": 2,
        "twin": 1,
        "archive": 1,
        "poster": 2,
        "turntable": 1,
    },
    MasterKind.PANORAMA: {"panorama": 1},
    MasterKind.PHOTO: {"photo": 1},
}

ON_REQUEST = ("ar_ios", "vr", "twin", "archive", "turntable")  # made only where they are asked for

RECIPE_NAMES: tuple[str, ...] = tuple(name for recipes in RECIPE_VERSIONS.values() for name in recipes)


def choose_recipes(kind: MasterKind, wanted: Sequence[str]) -> tuple[str, ...]:
    """The recipes to run on a master of this kind, in the fixed order: those among `wanted`, or without
    any wanted all that are not made on request only.
    """
    return tuple(
        name for name in RECIPE_VERSIONS[kind] if (name in wanted if wanted else name not in ON_REQUEST)
    )


def versioned_name(recipe: str) -> str:
    """`photo` -> `photo@1`. Raises ValueError for a name that is no recipe."""
    for recipes in RECIPE_VERSIONS.values():
        if recipe in recipes:
            return f"{recipe}@{recipes[recipe]}"
    raise ValueError(f"recipe: want one of {', '.join(RECIPE_NAMES)}, got {recipe!r}")


def find_unknown(wanted: Sequence[str]) -> list[Problem]:
    """A Problem for each name that is no recipe."""
    return [
        Problem(
            file="",
            where=f"--recipe {name}",
            message=f"There is no recipe called {name!r}.",
            advice=f"Choose among {', '.join(RECIPE_NAMES)}.",
        )
        for name in wanted
        if name not in RECIPE_NAMES
    ]
