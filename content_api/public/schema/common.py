"""What several types of the schema share: wrappers, the JSON scalar, localised text, the Node interface."""

from collections.abc import Mapping
from typing import Any

import graphene
from graphql import GraphQLError, GraphQLResolveInfo

from content_api.public.context import RequestContext
from content_api.public.errors import BadUserInput
from content_api.public.schema.enums import TextState
from heritage_sites import text

MAX_LANGUAGES = 10  # asked at once; a visitor speaks fewer
MAX_LANGUAGE_CHARS = 35  # the longest tag BCP 47 tells every program to accept


def required(of: Any) -> Any:
    """A type that is never null."""
    return graphene.NonNull(of)


def required_list(of: Any) -> Any:
    """A list without nulls which is itself never null."""
    return graphene.NonNull(graphene.List(graphene.NonNull(of)))


def field(of: Any, description: str, **arguments: Any) -> Any:
    """A field of a non-null type."""
    return graphene.Field(graphene.NonNull(of), description=description, **arguments)


def optional(of: Any, description: str, **arguments: Any) -> Any:
    """A field that may be null."""
    return graphene.Field(of, description=description, **arguments)


def list_of(of: Any, description: str, **arguments: Any) -> Any:
    """A field with a list, neither of which holds a null."""
    return graphene.Field(required_list(of), description=description, **arguments)


def context_of(info: GraphQLResolveInfo) -> RequestContext:
    """What this request was started with."""
    context: RequestContext = info.context
    return context


class JSON(graphene.Scalar):
    """Any JSON value."""

    @staticmethod
    def serialize(value: Any) -> Any:
        """The value itself: it came from JSON."""
        return value

    @staticmethod
    def parse_value(_value: Any) -> Any:
        """Refused: no argument takes JSON."""
        raise GraphQLError("JSON is never an argument.")

    @staticmethod
    def parse_literal(node: Any, _variables: Any = None) -> Any:
        """Refused: no argument takes JSON."""
        raise GraphQLError("JSON is never an argument.", node)


class Node(graphene.Interface):
    """Anything with an id that `node` finds again."""

    id = field(graphene.ID, "Identifies this object among all objects of the API. Do not take it apart.")


class LocalisedText(graphene.ObjectType):
    """A text in one language, and who stands behind it."""

    language = field(graphene.String, "BCP 47 tag of the language; `und` if there is no text.")
    text = field(graphene.String, "The text; empty if there is none.")
    state = field(TextState, "Who stands behind the text.")


def text_field(description: str) -> Any:
    """A non-null text in the best language for the caller."""
    return field(LocalisedText, description, languages=languages_argument())


def languages_argument() -> Any:
    """The argument `languages`, the same wherever a text is asked for."""
    return graphene.Argument(
        graphene.List(graphene.NonNull(graphene.String)),
        description=(
            "BCP 47 tags, the best first; `vi-VN` also finds `vi`. Without it, or if none of them is there: "
            "English, Vietnamese, then any. Accept-Language is not read."
        ),
    )


def best_text(localised: text.LocalisedText, languages: list[str] | None) -> text.ChosenText:
    """The text in the first of the languages that is there, by the domain's fallback."""
    asked = languages or []
    if len(asked) > MAX_LANGUAGES:
        raise BadUserInput(f"languages: want at most {MAX_LANGUAGES}, got {len(asked)}.")
    if any(not 0 < len(tag) <= MAX_LANGUAGE_CHARS for tag in asked):
        raise BadUserInput(f"languages: want tags of 1 to {MAX_LANGUAGE_CHARS} characters.")
    return localised.best(asked)


def all_texts(localised: text.LocalisedText) -> list[text.ChosenText]:
    """The text in every language, in the order of the tags."""
    texts: Mapping[str, text.Text] = localised.texts
    return [text.ChosenText(tag, texts[tag].text, texts[tag].state) for tag in sorted(texts)]
