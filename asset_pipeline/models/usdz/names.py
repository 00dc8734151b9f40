"""Names of prims: plain identifiers, one each among brothers and sisters."""

import re

MAX_NAME_CHARACTERS = 64


class Names:
    """The names given below one parent."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def make(self, wanted: str, fallback: str) -> str:
        """An ASCII identifier like `wanted` that none of the others has; `fallback` where nothing is left.

        Newer versions of USD allow other letters, phones with older ones do not.
        """
        plain = re.sub(r"[^A-Za-z0-9_]", "_", wanted)[:MAX_NAME_CHARACTERS]
        if not re.search(r"[A-Za-z0-9]", plain):
            plain = fallback
        if plain[0].isdigit():
            plain = "_" + plain
        name, number = plain, 1
        while name in self._taken:
            name, number = f"{plain}_{number}", number + 1
        self._taken.add(name)
        return name
