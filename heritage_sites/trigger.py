"""What happens at a geofence: the rule, apart from the geometry."""

from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.checks import FieldInvalid, identifier, number, set_field, word
from heritage_sites.geofence import MAX_GEOFENCE_ID_CHARS

MIN_DWELL_S = 1.0  # shorter is an enter
MAX_DWELL_S = 86_400.0  # a day: longer than any visit, so a larger number is a wrong unit


class TriggerKind(StrEnum):
    """When a trigger goes off: on coming in, going out, staying inside, or crossing without staying."""

    ENTER = "enter"
    EXIT = "exit"
    DWELL = "dwell"
    PASS = "pass"  # noqa: S105 - a passage, not a password


@dataclass(frozen=True, slots=True)
class Trigger:
    """A rule on a geofence. `dwell_s` is given for dwell and for nothing else."""

    kind: TriggerKind
    geofence_id: str
    dwell_s: float | None = None

    def __post_init__(self) -> None:
        set_field(self, "kind", word("kind", TriggerKind, self.kind))
        identifier("geofence_id", self.geofence_id, max_chars=MAX_GEOFENCE_ID_CHARS)
        if (self.kind is TriggerKind.DWELL) != (self.dwell_s is not None):
            raise FieldInvalid(
                "dwell_s", f"want it for dwell and only there, got {self.dwell_s} for {self.kind}"
            )
        if self.dwell_s is not None:
            set_field(self, "dwell_s", number("dwell_s", self.dwell_s, MIN_DWELL_S, MAX_DWELL_S))
