"""One fault in people's data, said so that an editor can find and mend it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a Problem weighs: an error refuses the input, a warning lets it through."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in data that people gave us: the sender can fix it, a retry is pointless.

    file: path as the sender knows it, "" if there is no file. where: place in the file, such as
    `$.geofences[0].radius_m` or `row 7, licence`. message: a sentence in English. advice: what to do, or "".
    """

    file: str
    where: str
    message: str
    advice: str = ""
    severity: Severity = Severity.ERROR

    def as_json(self) -> dict[str, str]:
        """The Problem as a JSON object with all five keys."""
        return {
            "file": self.file,
            "where": self.where,
            "message": self.message,
            "advice": self.advice,
            "severity": self.severity.value,
        }

    def __str__(self) -> str:
        place = "".join(f"{part}: " for part in (self.file, self.where) if part)
        return f"{place}{self.message} {self.advice}".rstrip()
