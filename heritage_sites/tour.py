"""A tour: an ordered visit of sites, by boat or on foot."""

from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.checks import FieldInvalid, identifier, number, set_field, text, word
from heritage_sites.text import LocalisedText

MAX_STOPS = 200
MAX_DURATION_HOURS = 240.0  # ten days


class TourMode(StrEnum):
    """How visitors go from stop to stop."""

    BOAT = "boat"
    WALK = "walk"


@dataclass(frozen=True, slots=True)
class TourStop:
    """A site's role in a tour, with a note where the tour has something to say about it."""

    site_id: str
    note: LocalisedText | None = None

    def __post_init__(self) -> None:
        identifier("site_id", self.site_id)


@dataclass(frozen=True, slots=True)
class Tour:
    """Stops in their order. The same site may be a stop twice (out and back)."""

    id: str
    name: LocalisedText
    description: LocalisedText
    stops: tuple[TourStop, ...]
    mode: TourMode
    duration_hours: float | None
    sources: tuple[str, ...]
    notes: str = ""

    def __post_init__(self) -> None:
        identifier("id", self.id)
        set_field(self, "mode", word("mode", TourMode, self.mode))
        set_field(self, "stops", tuple(self.stops))
        if not 1 <= len(self.stops) <= MAX_STOPS:
            raise FieldInvalid("stops", f"want 1 to {MAX_STOPS} stops, got {len(self.stops)}")
        if self.duration_hours is not None:
            if self.duration_hours == 0:
                raise FieldInvalid("duration_hours", "want more than 0, or null where it is not known")
            set_field(
                self, "duration_hours", number("duration_hours", self.duration_hours, 0.0, MAX_DURATION_HOURS)
            )
        set_field(self, "sources", tuple(text("sources", source) for source in self.sources))
        set_field(self, "notes", text("notes", self.notes, may_be_empty=True))
