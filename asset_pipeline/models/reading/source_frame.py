"""What a file says about its own numbers: their unit, and which way is up."""

import math
from dataclasses import dataclass
from typing import Literal

UpAxis = Literal["y", "z"]


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """What a format or a file states. Readers have applied it already: documents are metres with y up.

    unit_m: metres per unit of the file; None where the file does not say it and 1 was taken as a metre.
    up: the axis that points up; None where the file does not say it and y was taken.
    is_survey: measured land, where kilometres are normal and a few centimetres are not.
    """

    unit_m: float | None = None
    up: UpAxis | None = None
    is_survey: bool = False

    def __post_init__(self) -> None:
        if self.unit_m is not None and not (self.unit_m > 0 and math.isfinite(self.unit_m)):
            raise ValueError(f"unit_m: want a positive number or None, got {self.unit_m}")
        if self.up not in (None, "y", "z"):
            raise ValueError(f"up: want 'y', 'z' or None, got {self.up!r}")


GLTF_FRAME = SourceFrame(1.0, "y")  # glTF 2.0, section 3.4: metres, y up
UNSTATED_FRAME = SourceFrame()  # OBJ, PLY, STL, XYZ and Draco say neither
