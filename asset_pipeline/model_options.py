"""What a sender may say about a model that its file does not: the unit, the up axis, where on earth it
stands.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

UNITS_M: dict[str, float] = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254, "ft": 0.3048}
UP_AXES = ("y", "z")


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """None: the file's own word, or its format's rule, holds.

    search: False makes files with fixed settings, which is quicker; compare: and still looks at each once.
    unit: one of UNITS_M. up: y or z. at: LAT,LON,HEIGHT[,HEADING] in degrees and metres, as text.
    """

    unit: str | None = None
    up: str | None = None
    at: str | None = None
    search: bool = True
    compare: bool = False

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in UNITS_M:
            raise ValueError(f"unit: want one of {', '.join(UNITS_M)}, got {self.unit!r}")
        if self.up is not None and self.up not in UP_AXES:
            raise ValueError(f"up: want y or z, got {self.up!r}")

    @property
    def metres_per_unit(self) -> float | None:
        """How long one unit of the file is, where the sender said so."""
        return None if self.unit is None else UNITS_M[self.unit]

    def as_json(self) -> dict[str, Any]:
        """Every field by its name."""
        return asdict(self)


NO_OPTIONS = ModelOptions()


def parse_model_options(value: Mapping[str, Any]) -> ModelOptions:
    """The inverse of as_json. ValueError or TypeError for anything else."""
    return ModelOptions(**value)
