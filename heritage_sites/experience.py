"""An experience: one thing to do at a site."""

from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.anchor import Anchor
from heritage_sites.asset import MediaItem
from heritage_sites.checks import boolean, identifier, set_field, word
from heritage_sites.licence import Attribution
from heritage_sites.text import LocalisedText
from heritage_sites.trigger import Trigger

MAX_EXPERIENCE_ID_CHARS = 128  # a site's id, a kind and a piece of a digest


class ExperienceKind(StrEnum):
    """What the visitor does: look at a model in AR, stand in a panorama, see, listen, compare, follow."""

    MODEL = "model"
    PANORAMA = "panorama"
    PHOTO = "photo"
    AUDIO = "audio"
    OVERLAY = "overlay"
    STORY = "story"


@dataclass(frozen=True, slots=True)
class Experience:
    """One thing to do at a site: its words, whose work it is, when it starts, where it stands, what it shows.

    illustration: True if it shows something made up, not the place itself; every reader is told so.
    """

    id: str
    site_id: str
    kind: ExperienceKind
    title: LocalisedText
    summary: LocalisedText
    attribution: Attribution
    triggers: tuple[Trigger, ...]
    anchor: Anchor | None
    media: tuple[MediaItem, ...]
    illustration: bool

    def __post_init__(self) -> None:
        identifier("id", self.id, max_chars=MAX_EXPERIENCE_ID_CHARS)
        identifier("site_id", self.site_id)
        set_field(self, "kind", word("kind", ExperienceKind, self.kind))
        set_field(self, "triggers", tuple(self.triggers))
        set_field(self, "media", tuple(self.media))
        boolean("illustration", self.illustration)
