"""Text in several languages, each with a mark that says who wrote it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from heritage_sites.checks import MAX_TEXT_CHARS, FieldInvalid, set_field, text, word
from heritage_sites.frozen import FrozenMap

REQUIRED_LANGUAGES = ("vi", "en")  # the catalogue is complete when these two are there
FALLBACK_LANGUAGES = ("en", "vi")  # what a reader gets whose own languages are missing
UNDETERMINED = "und"  # BCP 47 for "no language": the answer when there is no text at all

_TAG = re.compile(
    r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?(?:-(?:[A-Z]{2}|[0-9]{3}))?(?:-(?:[0-9a-z]{5,8}|[0-9][0-9a-z]{3}))*"
)


class TextState(StrEnum):
    """Who stands behind a text."""

    HUMAN = "human"
    MACHINE = "machine"
    MACHINE_REVIEWED = "machine-reviewed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Text:
    """A text in one language (Unicode normal form C). It is empty exactly when its state is `missing`."""

    text: str
    state: TextState

    def __post_init__(self) -> None:
        set_field(self, "text", text("text", self.text, max_chars=MAX_TEXT_CHARS, may_be_empty=True))
        set_field(self, "state", word("state", TextState, self.state))
        if (self.state is TextState.MISSING) != (not self.text.strip()):
            raise FieldInvalid(
                "state", f"want 'missing' for an empty text and only there, got '{self.state}'"
            )


@dataclass(frozen=True, slots=True)
class ChosenText:
    """The text a reader gets, and the language it turned out to be in."""

    language: str
    text: str
    state: TextState


@dataclass(frozen=True, slots=True)
class LocalisedText:
    """Texts by language, keyed by BCP-47 tags in their usual spelling (vi, en, zh-Hant, pt-BR)."""

    texts: Mapping[str, Text]

    def __post_init__(self) -> None:
        for tag in self.texts:
            check_language("texts", tag)
        set_field(self, "texts", FrozenMap({tag: self.texts[tag] for tag in sorted(self.texts)}))

    @classmethod
    def of(cls, texts: Mapping[str, str], state: TextState = TextState.HUMAN) -> "LocalisedText":
        """Texts that share one state, such as {"vi": "Hang", "en": "Cave"}; empty ones are left out."""
        return cls({tag: Text(words, state) for tag, words in texts.items() if words.strip()})

    def has(self, language: str) -> bool:
        """True if there is a text in exactly this language."""
        return language in self.texts and self.texts[language].state is not TextState.MISSING

    def best(self, languages: Sequence[str] = ()) -> ChosenText:
        """The text in the first of the asked languages that there is (vi-VN also finds vi), else en, else vi,
        else the first in tag order. Without any text: language "und", text "", state missing.
        """
        present = {tag.lower(): tag for tag in self.texts if self.has(tag)}
        wanted = [base for asked in languages for base in _with_bases(asked)]
        for tag in (*wanted, *FALLBACK_LANGUAGES, *present):
            if tag in present:
                chosen = self.texts[present[tag]]
                return ChosenText(present[tag], chosen.text, chosen.state)
        return ChosenText(UNDETERMINED, "", TextState.MISSING)


def check_language(field: str, tag: str) -> None:
    """ValueError unless the tag is a BCP-47 language tag in its usual spelling, such as vi or zh-Hant."""
    if not isinstance(tag, str) or len(tag) > 35 or not _TAG.fullmatch(tag) or tag == UNDETERMINED:
        raise FieldInvalid(field, f"want language tags such as vi, en or zh-Hant, got {str(tag)[:40]!r}")


def _with_bases(asked: str) -> list[str]:
    """zh-Hant-TW -> zh-hant-tw, zh-hant, zh (RFC 4647 lookup)."""
    parts = asked.strip().lower().replace("_", "-").split("-")[:8]
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
